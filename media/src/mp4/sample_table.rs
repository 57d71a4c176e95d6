//! The sample table (ISO/IEC 14496-12 8.5 to 8.7): times, sizes, places and sync flags of a track's samples.
//!
//! Sizes, chunk offsets and sync numbers stay as they lie in the file and are read in place; the run-coded
//! times get a prefix sum a run, the sizes (`sample_sizes.rs`) one in some samples. So a sample is found in
//! O(log runs), however its file is chunked, and what is kept of a sample is a few bits.

use super::boxes::Child;
use super::sample_sizes::SampleSizes;
use crate::error::Error;
use bytes::Bytes;
use std::ops::Range;

/// Samples of one track: nine hours at 240 frames a second, or two days of AAC.
const MAX_SAMPLES: u32 = 8_000_000;

/// A sample in ticks of its track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TableSample {
    /// Decode time.
    pub(crate) dts: i64,
    /// Composition offset.
    pub(crate) offset: i32,
    /// Decode duration.
    pub(crate) duration: u32,
    pub(crate) sync: bool,
    /// Its bytes in the file.
    pub(crate) range: Range<u64>,
}

/// By default a track without samples.
#[derive(Debug, Clone, Default)]
pub(crate) struct SampleTable {
    count: u32,
    times: Vec<TimeRun>,
    offsets: Vec<OffsetRun>,
    sizes: SampleSizes,
    chunks: Vec<ChunkRun>,
    chunk_offsets: ChunkOffsets,
    /// `None`: every sample is a sync sample.
    sync: Option<Table<4>>,
}

/// Samples of one duration (`stts`, 8.6.1.2).
#[derive(Debug, Clone, Copy)]
struct TimeRun {
    first: u32,
    dts: i64,
    delta: u32,
}

/// Samples of one composition offset (`ctts`, 8.6.1.3).
#[derive(Debug, Clone, Copy)]
struct OffsetRun {
    first: u32,
    offset: i32,
}

/// Chunks of the same number of samples (`stsc`, 8.7.4).
#[derive(Debug, Clone, Copy)]
struct ChunkRun {
    first_chunk: u32,
    first_sample: u32,
    per_chunk: u32,
    entry: u32,
}

/// Rows of `N` bytes, read in place.
#[derive(Debug, Clone, Default)]
pub(super) struct Table<const N: usize>(Bytes);

impl<const N: usize> Table<N> {
    /// As many rows as are there of the `count` that a box promises behind `reader`.
    pub(super) fn new(source: &Child, rest: &[u8], count: u32) -> Self {
        let wanted = usize::try_from(count).unwrap_or(usize::MAX).saturating_mul(N);
        let whole = rest.len() / N * N;
        Self(source.payload.slice_ref(rest.get(..wanted.min(whole)).unwrap_or_default()))
    }

    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.0.len() / N).unwrap_or(u32::MAX)
    }

    pub(super) fn row(&self, index: u32) -> Option<[u8; N]> {
        let start = usize::try_from(index).ok()?.checked_mul(N)?;
        self.0.get(start..start.checked_add(N)?)?.try_into().ok()
    }

    fn rows(&self) -> impl Iterator<Item = [u8; N]> + '_ {
        self.0.chunks_exact(N).filter_map(|row| row.try_into().ok())
    }
}

#[derive(Debug, Clone)]
enum ChunkOffsets {
    Short(Table<4>),
    Long(Table<8>),
}

impl Default for ChunkOffsets {
    fn default() -> Self {
        Self::Short(Table::default())
    }
}

impl ChunkOffsets {
    fn len(&self) -> u32 {
        match self {
            Self::Short(table) => table.len(),
            Self::Long(table) => table.len(),
        }
    }

    fn offset(&self, chunk: u32) -> Option<u64> {
        match self {
            Self::Short(table) => table.row(chunk).map(|row| u64::from(u32::from_be_bytes(row))),
            Self::Long(table) => table.row(chunk).map(u64::from_be_bytes),
        }
    }
}

impl SampleTable {
    /// Reads the tables of a file of `file_len` bytes.
    pub(crate) fn parse(stbl: &Child, file_len: u64) -> Result<Self, Error> {
        let (mut stts, mut ctts, mut stsz, mut stsc, mut stco, mut stss) =
            (None, None, None, None, None, None);
        for child in stbl.children() {
            match &child.kind {
                b"stts" => stts = Some(child),
                b"ctts" => ctts = Some(child),
                b"stsz" | b"stz2" => stsz = Some(child),
                b"stsc" => stsc = Some(child),
                b"stco" | b"co64" => stco = Some(child),
                b"stss" => stss = Some(child),
                _ => {}
            }
        }
        let needed = |table: Option<Child>, what| table.ok_or_else(|| Error::malformed(what, stbl.at));
        let stts = needed(stts, "a track without sample times (stts)")?;
        let stsz = needed(stsz, "a track without sample sizes (stsz)")?;
        let stsc = needed(stsc, "a track without chunk lengths (stsc)")?;
        let stco = needed(stco, "a track without chunk offsets (stco)")?;

        let mut sizes = SampleSizes::parse(&stsz, file_len)?;
        let chunk_offsets = parse_chunk_offsets(&stco)?;
        let (chunk_count, chunks) = parse_chunks(&stsc, chunk_offsets.len())?;
        let count = sizes.count().min(chunk_count);
        if count > MAX_SAMPLES {
            return Err(Error::limit("samples of a track", stsz.at));
        }
        let times = parse_times(&stts)?;
        if count > 0 && times.is_empty() {
            return Err(Error::malformed("a track without sample times (stts)", stts.at));
        }
        let offsets = ctts.map(|ctts| parse_offsets(&ctts)).transpose()?.unwrap_or_default();
        let sync = stss.map(|stss| parse_sync(&stss)).transpose()?;
        sizes.sum_up(count);
        Ok(Self { count, times, offsets, sizes, chunks, chunk_offsets, sync })
    }

    pub(crate) const fn count(&self) -> u32 {
        self.count
    }

    /// The numbers, from 1, of the sample entries that are used, in order of their first use; not more than `most`.
    pub(crate) fn sample_entries(&self, most: usize) -> Vec<u32> {
        let mut entries = Vec::new();
        for run in self.chunks.iter().filter(|run| run.first_sample < self.count) {
            if entries.len() < most && !entries.contains(&run.entry) {
                entries.push(run.entry);
            }
        }
        entries
    }

    /// The first sample that reaches past `file_len`; the number of samples when none does.
    pub(crate) fn first_beyond(&self, file_len: u64) -> u32 {
        let mut place = self.place_of(0);
        let mut within = |number: &u32| {
            place
                .as_mut()
                .and_then(|place| self.advance(place, *number))
                .is_some_and(|range| range.end <= file_len)
        };
        (0..self.count).find(|number| !within(number)).unwrap_or(self.count)
    }

    /// The lowest composition offset of all samples.
    pub(crate) fn lowest_offset(&self) -> i32 {
        self.offsets.iter().map(|run| run.offset).min().unwrap_or(0)
    }

    /// When `sample` is decoded; for the number of samples: when the last one ends.
    pub(crate) fn decode_time(&self, sample: u32) -> i64 {
        let run = self.times.partition_point(|run| run.first <= sample).saturating_sub(1);
        self.times.get(run).map_or(0, |run| run.time(sample))
    }

    fn offset(&self, sample: u32) -> i32 {
        let run = self.offsets.partition_point(|run| run.first <= sample).checked_sub(1);
        run.and_then(|run| self.offsets.get(run)).map_or(0, |run| run.offset)
    }

    /// The numbers of the sync samples with their composition times.
    pub(crate) fn sync_samples(&self) -> impl Iterator<Item = (u32, i64)> + '_ {
        let listed = self.sync.as_ref().map(|table| {
            let numbers = table.rows().map(u32::from_be_bytes);
            // Numbers count from 1. A track whose list is empty can be entered at its start at least.
            let first = if table.len() == 0 { Some(1) } else { None };
            first.into_iter().chain(numbers).filter_map(|number| number.checked_sub(1))
        });
        let all = if self.sync.is_none() { 0..self.count } else { 0..0 };
        listed
            .into_iter()
            .flatten()
            .chain(all)
            .filter(|number| *number < self.count)
            .map(|number| (number, self.decode_time(number).saturating_add(i64::from(self.offset(number)))))
    }

    /// The samples of `numbers`, in decode order.
    pub(crate) fn samples(&self, numbers: Range<u32>) -> impl Iterator<Item = TableSample> + '_ {
        let numbers = numbers.start..numbers.end.min(self.count);
        let mut place = self.place_of(numbers.start);
        let mut sync_from = self.sync.as_ref().map_or(0, |table| first_row_from(table, numbers.start));
        let mut time_run = self.times.partition_point(|run| run.first <= numbers.start).saturating_sub(1);
        let mut offset_run = self.offsets.partition_point(|run| run.first <= numbers.start).saturating_sub(1);
        numbers.map_while(move |number| {
            while self.times.get(time_run + 1).is_some_and(|run| run.first <= number) {
                time_run += 1;
            }
            while self.offsets.get(offset_run + 1).is_some_and(|run| run.first <= number) {
                offset_run += 1;
            }
            let time = self.times.get(time_run)?;
            let offset = self.offsets.get(offset_run).filter(|run| run.first <= number);
            let sync = match &self.sync {
                None => true,
                Some(table) => {
                    let hit = table.row(sync_from).map(u32::from_be_bytes) == number.checked_add(1);
                    sync_from += u32::from(hit);
                    hit || table.len() == 0 && number == 0
                }
            };
            let range = self.advance(place.as_mut()?, number)?;
            Some(TableSample {
                dts: time.time(number),
                offset: offset.map_or(0, |run| run.offset),
                duration: time.delta,
                sync,
                range,
            })
        })
    }

    /// Bytes of the samples of `numbers`.
    pub(crate) fn size_of(&self, numbers: Range<u32>) -> u64 {
        self.sizes.total(numbers.start.min(self.count)..numbers.end.min(self.count))
    }

    /// Where `sample` lies: its chunk's run, the chunk, and the bytes of the chunk before it.
    fn place_of(&self, sample: u32) -> Option<Place> {
        let run_index = self.chunks.partition_point(|run| run.first_sample <= sample).checked_sub(1)?;
        let run = self.chunks.get(run_index)?;
        let in_run = sample - run.first_sample;
        let chunk = run.first_chunk + in_run / run.per_chunk;
        let in_chunk = in_run % run.per_chunk;
        let skipped = self.size_of(sample - in_chunk..sample);
        let at = self.chunk_offsets.offset(chunk)?.checked_add(skipped)?;
        Some(Place { run_index, chunk, left: run.per_chunk - in_chunk, at })
    }

    /// The bytes of `sample`, which lies at `place`; moves `place` behind it.
    fn advance(&self, place: &mut Place, sample: u32) -> Option<Range<u64>> {
        if place.left == 0 {
            place.chunk += 1;
            let next = self.chunks.get(place.run_index + 1);
            if next.is_some_and(|run| run.first_sample <= sample) {
                place.run_index += 1;
            }
            place.left = self.chunks.get(place.run_index)?.per_chunk;
            place.at = self.chunk_offsets.offset(place.chunk)?;
        }
        place.left -= 1;
        let start = place.at;
        place.at = start.checked_add(u64::from(self.sizes.size(sample)))?;
        Some(start..place.at)
    }
}

struct Place {
    run_index: usize,
    chunk: u32,
    left: u32,
    at: u64,
}

impl TimeRun {
    fn time(&self, sample: u32) -> i64 {
        let distance = i64::from(sample.saturating_sub(self.first));
        self.dts.saturating_add(distance.saturating_mul(i64::from(self.delta)))
    }
}

/// The first row of sync sample numbers (from 1) at or behind sample `number` (from 0).
fn first_row_from(table: &Table<4>, number: u32) -> u32 {
    let (mut low, mut high) = (0, table.len());
    while low < high {
        let middle = low + (high - low) / 2;
        if table.row(middle).map_or(0, u32::from_be_bytes) <= number {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

fn parse_chunk_offsets(stco: &Child) -> Result<ChunkOffsets, Error> {
    let (_, mut reader) = stco.full()?;
    let count = reader.u32()?;
    Ok(match &stco.kind {
        b"co64" => ChunkOffsets::Long(Table::new(stco, reader.remaining(), count)),
        _ => ChunkOffsets::Short(Table::new(stco, reader.remaining(), count)),
    })
}

/// The runs of chunks, and the samples in all of them.
fn parse_chunks(stsc: &Child, chunk_count: u32) -> Result<(u32, Vec<ChunkRun>), Error> {
    let (_, mut reader) = stsc.full()?;
    let count = reader.u32()?;
    let table = Table::<12>::new(stsc, reader.remaining(), count);
    let mut runs: Vec<ChunkRun> = Vec::new();
    let mut samples = 0u32;
    for row in table.rows() {
        let [first_chunk, per_chunk, entry] = words(row);
        let first_chunk = first_chunk.saturating_sub(1);
        if let Some(last) = runs.last() {
            let Some(chunks) = first_chunk.checked_sub(last.first_chunk).filter(|chunks| *chunks > 0) else {
                return Err(Error::malformed("chunk numbers that do not rise (stsc)", stsc.at));
            };
            samples = samples.saturating_add(chunks.saturating_mul(last.per_chunk));
        }
        if first_chunk >= chunk_count {
            return Ok((samples, runs));
        }
        if per_chunk == 0 {
            return Err(Error::malformed("a chunk of no samples (stsc)", stsc.at));
        }
        runs.push(ChunkRun { first_chunk, first_sample: samples, per_chunk, entry });
    }
    if let Some(last) = runs.last() {
        let chunks = chunk_count - last.first_chunk;
        samples = samples.saturating_add(chunks.saturating_mul(last.per_chunk));
    }
    Ok((samples, runs))
}

fn parse_times(stts: &Child) -> Result<Vec<TimeRun>, Error> {
    let (_, mut reader) = stts.full()?;
    let count = reader.u32()?;
    let table = Table::<8>::new(stts, reader.remaining(), count);
    let mut runs = Vec::with_capacity(table.len() as usize);
    let (mut first, mut dts) = (0u32, 0i64);
    for row in table.rows() {
        let [samples, delta] = words(row);
        // Some writers store a negative correction; a step back in decoding is not possible.
        let delta = if delta > i32::MAX.cast_unsigned() { 0 } else { delta };
        if samples == 0 {
            continue;
        }
        runs.push(TimeRun { first, dts, delta });
        first = first.saturating_add(samples);
        dts = dts.saturating_add(i64::from(samples).saturating_mul(i64::from(delta)));
    }
    Ok(runs)
}

fn parse_offsets(ctts: &Child) -> Result<Vec<OffsetRun>, Error> {
    let (_, mut reader) = ctts.full()?;
    let count = reader.u32()?;
    let table = Table::<8>::new(ctts, reader.remaining(), count);
    let mut runs = Vec::with_capacity(table.len() as usize);
    let mut first = 0u32;
    for row in table.rows() {
        let [samples, offset] = words(row);
        if samples == 0 {
            continue;
        }
        // Version 0 is unsigned by the standard, but negative values are found in it.
        runs.push(OffsetRun { first, offset: offset.cast_signed() });
        first = first.saturating_add(samples);
    }
    Ok(runs)
}

fn parse_sync(stss: &Child) -> Result<Table<4>, Error> {
    let (_, mut reader) = stss.full()?;
    let count = reader.u32()?;
    let table = Table::new(stss, reader.remaining(), count);
    if !table.rows().map(u32::from_be_bytes).is_sorted_by(|a, b| a < b) {
        return Err(Error::malformed("sync sample numbers that do not rise (stss)", stss.at));
    }
    Ok(table)
}

/// The big-endian words of a row of `N` = 4 x `W` bytes.
fn words<const N: usize, const W: usize>(row: [u8; N]) -> [u32; W] {
    let mut out = [0; W];
    for (word, bytes) in out.iter_mut().zip(row.chunks_exact(4)) {
        *word = bytes.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte));
    }
    out
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "small numbers")]
mod tests {
    use super::*;

    fn table(kind: &[u8; 4], words: &[u32]) -> Vec<u8> {
        let mut out = (words.len() as u32 * 4 + 12).to_be_bytes().to_vec();
        out.extend_from_slice(kind);
        out.extend_from_slice(&[0; 4]);
        out.extend(words.iter().flat_map(|word| word.to_be_bytes()));
        out
    }

    fn stbl(boxes: &[Vec<u8>]) -> Child {
        Child { kind: *b"stbl", payload: boxes.concat().into(), at: 0 }
    }

    fn example(boxes: &[Vec<u8>]) -> Result<SampleTable, Error> {
        let mut all = vec![
            table(b"stts", &[2, 3, 10, 4, 20]),
            table(b"stsz", &[0, 7, 1, 2, 3, 4, 5, 6, 7]),
            table(b"stsc", &[2, 1, 2, 1, 3, 3, 1]),
            table(b"stco", &[3, 100, 200, 300]),
        ];
        all.extend_from_slice(boxes);
        SampleTable::parse(&stbl(&all), 1 << 20)
    }

    #[test]
    fn samples_are_where_and_when_the_tables_say() {
        let table = example(&[table(b"ctts", &[2, 1, 5, 6, u32::MAX]), table(b"stss", &[2, 1, 4])]).unwrap();
        let samples: Vec<TableSample> = table.samples(0..99).collect();
        let ranges: Vec<_> = samples.iter().map(|s| s.range.clone()).collect();
        assert_eq!(ranges, [100..101, 101..103, 200..203, 203..207, 300..305, 305..311, 311..318]);
        assert_eq!(samples.iter().map(|s| s.dts).collect::<Vec<_>>(), [0, 10, 20, 30, 50, 70, 90]);
        assert_eq!(samples.iter().map(|s| s.offset).collect::<Vec<_>>(), [5, -1, -1, -1, -1, -1, -1]);
        assert_eq!(samples.iter().filter(|s| s.sync).map(|s| s.dts).collect::<Vec<_>>(), [0, 30]);
        assert_eq!(table.sync_samples().collect::<Vec<_>>(), [(0, 5), (3, 29)]);
        assert_eq!((table.decode_time(7), table.lowest_offset()), (110, -1));
        // Any start gives the same samples as the walk from the beginning.
        for start in 0..8 {
            let from: Vec<TableSample> = table.samples(start..7).collect();
            assert_eq!(from, samples[start as usize..], "from {start}");
        }
    }

    #[test]
    fn compact_sizes() {
        let mut stz2 = table(b"stz2", &[4, 3]);
        stz2.extend_from_slice(&[0x12, 0x30]);
        let length = stz2.len() as u32;
        stz2[..4].copy_from_slice(&length.to_be_bytes());
        let boxes =
            [table(b"stts", &[1, 3, 10]), stz2, table(b"stsc", &[1, 1, 3, 1]), table(b"stco", &[1, 100])];
        let table = SampleTable::parse(&stbl(&boxes), 1 << 20).unwrap();
        let ranges: Vec<_> = table.samples(0..3).map(|s| s.range).collect();
        assert_eq!(ranges, [100..101, 101..103, 103..106]);
    }

    #[test]
    fn lying_counts_are_cut_to_what_is_there() {
        let boxes = [
            table(b"stts", &[u32::MAX, 3, 10]),
            table(b"stsz", &[9, u32::MAX]),
            table(b"stsc", &[u32::MAX, 1, 2, 1]),
            table(b"stco", &[u32::MAX, 100]),
        ];
        let table = SampleTable::parse(&stbl(&boxes), 1 << 20).unwrap();
        assert_eq!(table.count(), 2);
        assert_eq!(table.samples(0..u32::MAX).count(), 2);
    }

    #[test]
    fn hostile_runs_are_refused() {
        let with_stsc = |words: &[u32]| {
            SampleTable::parse(
                &stbl(&[
                    table(b"stts", &[1, 3, 10]),
                    table(b"stsz", &[9, 1 << 30]),
                    table(b"stsc", words),
                    table(b"stco", &[2, 100, 200]),
                ]),
                u64::MAX,
            )
        };
        assert!(with_stsc(&[1, 1, 0, 1]).is_err());
        assert!(with_stsc(&[2, 1, 1, 1, 1, 1, 1]).is_err());
        assert!(with_stsc(&[1, 1, 1 << 29, 1]).is_err());
    }
}
