//! The boxes of a sample table (ISO/IEC 14496-12 8.6.1, 8.6.2, 8.7), each by itself.
//!
//! Sizes, chunk offsets and sync numbers stay as they lie in the file and are read in place; the run-coded
//! times and chunks get a sum a run.

use super::boxes::Child;
use crate::error::Error;
use bytes::Bytes;

/// Samples from one sum of sizes to the next.
pub(super) const SUM_STEP: u32 = 256;

/// Samples of one duration (`stts`, 8.6.1.2).
#[derive(Debug, Clone, Copy)]
pub(super) struct TimeRun {
    pub(super) first: u32,
    pub(super) dts: i64,
    pub(super) delta: u32,
}

/// Samples of one composition offset (`ctts`, 8.6.1.3).
#[derive(Debug, Clone, Copy)]
pub(super) struct OffsetRun {
    pub(super) first: u32,
    pub(super) offset: i32,
}

/// Chunks of the same number of samples (`stsc`, 8.7.4).
#[derive(Debug, Clone, Copy)]
pub(super) struct ChunkRun {
    pub(super) first_chunk: u32,
    pub(super) first_sample: u32,
    pub(super) per_chunk: u32,
    pub(super) entry: u32,
}

/// Rows of `N` bytes, read in place.
#[derive(Debug, Clone, Default)]
pub(super) struct Table<const N: usize>(Bytes);

impl<const N: usize> Table<N> {
    /// As many rows as are there of the `count` that a box promises behind `reader`.
    fn new(source: &Child, rest: &[u8], count: u32) -> Self {
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

    pub(super) fn rows(&self) -> impl Iterator<Item = [u8; N]> + '_ {
        self.0.chunks_exact(N).filter_map(|row| row.try_into().ok())
    }
}

#[derive(Debug)]
pub(super) enum Sizes {
    /// The size of every sample, not 0.
    Same(u32),
    Each(Table<4>),
    /// `stz2` (8.7.3.3): 4, 8 or 16 bits a sample.
    Compact {
        bits: u8,
        data: Bytes,
    },
}

impl Default for Sizes {
    fn default() -> Self {
        Self::Each(Table::default())
    }
}

impl Default for ChunkOffsets {
    fn default() -> Self {
        Self::Short(Table::default())
    }
}

impl Sizes {
    pub(super) fn size(&self, sample: u32) -> u32 {
        match self {
            Self::Same(size) => *size,
            Self::Each(table) => table.row(sample).map_or(0, u32::from_be_bytes),
            Self::Compact { bits, data } => {
                let byte = |index: u64| {
                    let index = usize::try_from(index).ok();
                    u32::from(index.and_then(|index| data.get(index)).copied().unwrap_or(0))
                };
                let sample = u64::from(sample);
                match bits {
                    4 => byte(sample / 2) >> (if sample.is_multiple_of(2) { 4 } else { 0 }) & 15,
                    8 => byte(sample),
                    _ => byte(sample * 2) << 8 | byte(sample * 2 + 1),
                }
            }
        }
    }
}

impl Sizes {
    /// See [`SampleTable::size_sums`]: at most 2^23 samples of 2^32 bytes, so the sums cannot overflow.
    pub(super) fn sums(&self, count: u32) -> Vec<u64> {
        if matches!(self, Self::Same(_)) {
            return Vec::new();
        }
        let mut sum = 0u64;
        let mut sums = Vec::with_capacity(count as usize / SUM_STEP as usize + 1);
        for number in 0..count {
            if number.is_multiple_of(SUM_STEP) {
                sums.push(sum);
            }
            sum += u64::from(self.size(number));
        }
        if count.is_multiple_of(SUM_STEP) {
            sums.push(sum);
        }
        sums
    }
}

#[derive(Debug)]
pub(super) enum ChunkOffsets {
    Short(Table<4>),
    Long(Table<8>),
}

impl ChunkOffsets {
    pub(super) fn len(&self) -> u32 {
        match self {
            Self::Short(table) => table.len(),
            Self::Long(table) => table.len(),
        }
    }

    pub(super) fn offset(&self, chunk: u32) -> Option<u64> {
        match self {
            Self::Short(table) => table.row(chunk).map(|row| u64::from(u32::from_be_bytes(row))),
            Self::Long(table) => table.row(chunk).map(u64::from_be_bytes),
        }
    }
}

impl TimeRun {
    pub(super) fn time(&self, sample: u32) -> i64 {
        let distance = i64::from(sample.saturating_sub(self.first));
        self.dts.saturating_add(distance.saturating_mul(i64::from(self.delta)))
    }
}

pub(super) fn parse_sizes(stsz: &Child) -> Result<(u32, Sizes), Error> {
    let (_, mut reader) = stsz.full()?;
    let size = reader.u32()?;
    let count = reader.u32()?;
    if stsz.kind == *b"stz2" {
        let bits = size.to_be_bytes()[3];
        if !matches!(bits, 4 | 8 | 16) {
            return Err(Error::malformed("a field size of compact sample sizes (stz2)", stsz.at));
        }
        let data = stsz.payload.slice_ref(reader.remaining());
        let held = u32::try_from(data.len() as u64 * 8 / u64::from(bits)).unwrap_or(u32::MAX);
        return Ok((count.min(held), Sizes::Compact { bits, data }));
    }
    if size > 0 {
        return Ok((count, Sizes::Same(size)));
    }
    let table = Table::new(stsz, reader.remaining(), count);
    Ok((table.len(), Sizes::Each(table)))
}

pub(super) fn parse_chunk_offsets(stco: &Child) -> Result<ChunkOffsets, Error> {
    let (_, mut reader) = stco.full()?;
    let count = reader.u32()?;
    Ok(match &stco.kind {
        b"co64" => ChunkOffsets::Long(Table::new(stco, reader.remaining(), count)),
        _ => ChunkOffsets::Short(Table::new(stco, reader.remaining(), count)),
    })
}

/// The runs of chunks, and the samples in all of them.
pub(super) fn parse_chunks(stsc: &Child, chunk_count: u32) -> Result<(u32, Vec<ChunkRun>), Error> {
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

pub(super) fn parse_times(stts: &Child) -> Result<Vec<TimeRun>, Error> {
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

pub(super) fn parse_offsets(ctts: &Child) -> Result<Vec<OffsetRun>, Error> {
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

pub(super) fn parse_sync(stss: &Child) -> Result<Table<4>, Error> {
    let (_, mut reader) = stss.full()?;
    let count = reader.u32()?;
    let table = Table::new(stss, reader.remaining(), count);
    if !table.rows().map(u32::from_be_bytes).is_sorted_by(|a, b| a < b) {
        return Err(Error::malformed("sync sample numbers that do not rise (stss)", stss.at));
    }
    Ok(table)
}

/// The big-endian words of a row of `N` = 4 x `W` bytes.
pub(super) fn words<const N: usize, const W: usize>(row: [u8; N]) -> [u32; W] {
    let mut out = [0; W];
    for (word, bytes) in out.iter_mut().zip(row.chunks_exact(4)) {
        *word = bytes.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte));
    }
    out
}
