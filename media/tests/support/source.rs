//! What others read out of a source: `mp4-atom` out of MP4, `matroska-demuxer` out of Matroska.

use bytes::Bytes;
use matroska_demuxer::{Frame, MatroskaFile, TrackEntry};
use mp4_atom::{Decode, Moof, Moov, Stbl, StszSamples, Trak};
use std::collections::BTreeMap;
use std::io::Cursor;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A PES packet, or a source's sample; times in ticks of 90 kHz.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Unit {
    pub(crate) pts: i64,
    pub(crate) dts: i64,
    pub(crate) sync: bool,
    pub(crate) data: Vec<u8>,
}

/// The NAL units of a length-prefixed access unit, all lengths of 4 bytes.
pub(crate) fn of_lengths(mut data: &[u8]) -> Vec<Vec<u8>> {
    let mut units = Vec::new();
    while let Some((length, rest)) = data.split_first_chunk::<4>() {
        let (unit, rest) = rest.split_at(u32::from_be_bytes(*length) as usize);
        units.push(unit.to_vec());
        data = rest;
    }
    units
}

/// `moov` as `mp4-atom` reads it.
pub(crate) fn other_moov(film: &[u8]) -> Option<Moov> {
    let mut at = 0;
    while let Some(header) = film.get(at..at + 16) {
        let small = u32::from_be_bytes(header[..4].try_into().ok()?) as usize;
        let size = if small == 1 { u64::from_be_bytes(header[8..].try_into().ok()?) as usize } else { small };
        if &header[4..8] == b"moov" {
            return Moov::decode(&mut film.get(at..at + size)?).ok();
        }
        at += size;
    }
    None
}

/// Every `moof` as `mp4-atom` reads it, with its offset.
fn other_moofs(film: &[u8]) -> Vec<(usize, Moof)> {
    let mut at = 0;
    let mut found = Vec::new();
    while let Some(header) = film.get(at..at + 8) {
        let size = u32::from_be_bytes(header[..4].try_into().expect("four bytes")) as usize;
        if &header[4..8] == b"moof" {
            found.push((at, Moof::decode(&mut &film[at..at + size]).expect("a moof")));
        }
        at += size.max(8);
    }
    found
}

/// A sample in a fragment: decode time, composition offset, sync flag and place.
type Fragmented = (i64, i64, bool, Range<usize>);

/// The samples of a track that `mp4-atom`'s fragments name, in ticks of the track.
fn other_fragments(moov: &Moov, id: u32, film: &[u8]) -> Vec<Fragmented> {
    let defaults = moov.mvex.iter().flat_map(|mvex| &mvex.trex).find(|trex| trex.track_id == id);
    let mut found = Vec::new();
    let mut dts = 0;
    for (moof_at, moof) in other_moofs(film) {
        let mut end = moof_at as u64;
        for traf in &moof.traf {
            let (tfhd, defaults) = (&traf.tfhd, defaults.expect("a trex"));
            let base = match tfhd.base_data_offset {
                Some(base) => base,
                None if tfhd.default_base_is_moof => moof_at as u64,
                None => end,
            };
            let mut at = base;
            dts = traf
                .tfdt
                .as_ref()
                .filter(|_| tfhd.track_id == id)
                .map_or(dts, |tfdt| tfdt.base_media_decode_time as i64);
            for run in &traf.trun {
                at = run.data_offset.map_or(at, |offset| base.wrapping_add_signed(i64::from(offset)));
                for number in 0..run.samples.len() {
                    let entry = run.samples.get(number).expect("a sample");
                    let size =
                        entry.size.or(tfhd.default_sample_size).unwrap_or(defaults.default_sample_size);
                    let duration = entry
                        .duration
                        .or(tfhd.default_sample_duration)
                        .unwrap_or(defaults.default_sample_duration);
                    let flags =
                        entry.flags.or(tfhd.default_sample_flags).unwrap_or(defaults.default_sample_flags);
                    if tfhd.track_id == id {
                        let place = at as usize..at as usize + size as usize;
                        found.push((dts, entry.cts.unwrap_or(0), flags & 0x0001_0000 == 0, place));
                        dts += i64::from(duration);
                    }
                    at += u64::from(size);
                }
            }
            end = at;
        }
    }
    found
}

/// Every sample that `mp4-atom`'s tables and fragments name, on the presentation's clock.
pub(crate) fn other_samples(trak: &Trak, moov: &Moov, film: &[u8]) -> Vec<Unit> {
    let movie_scale = moov.mvhd.timescale;
    let stbl: &Stbl = &trak.mdia.minf.stbl;
    let sizes = match &stbl.stsz.samples {
        StszSamples::Identical { count, size } => vec![*size; *count as usize],
        StszSamples::Different { sizes } => sizes.clone(),
    };
    let times = stbl.stts.entries.iter().flat_map(|run| (0..run.sample_count).map(|_| run.sample_delta));
    let offsets = stbl.ctts.iter().flat_map(|ctts| &ctts.entries);
    let mut offsets = offsets.flat_map(|run| (0..run.sample_count).map(|_| run.sample_offset));
    let lowest = stbl.ctts.iter().flat_map(|ctts| &ctts.entries).map(|run| run.sample_offset).min();
    let lead = lowest.unwrap_or(0).min(0);
    let short = stbl.stco.iter().flat_map(|stco| stco.entries.iter().map(|at| u64::from(*at)));
    let chunks: Vec<u64> = short.chain(stbl.co64.iter().flat_map(|co64| co64.entries.clone())).collect();
    let mut edits = trak.edts.iter().flat_map(|edts| &edts.elst).flat_map(|elst| &elst.entries).peekable();
    let mut delay = 0;
    while let Some(empty) = edits.next_if(|edit| edit.media_time.is_none()) {
        delay += empty.segment_duration as i64;
    }
    let edit = edits.next();
    let media_time = edit.and_then(|edit| edit.media_time).unwrap_or(0) as i64;
    let ticks = |time: i64, scale: u32| (time * 180_000 + i64::from(scale)).div_euclid(2 * i64::from(scale));
    let shown = |time| ticks(time - media_time, trak.mdia.mdhd.timescale) + ticks(delay, movie_scale);

    let mut places = Vec::new();
    for (chunk, at) in chunks.iter().enumerate() {
        let run = stbl.stsc.entries.iter().rev().find(|run| run.first_chunk as usize <= chunk + 1);
        let mut at = *at as usize;
        for _ in 0..run.expect("a run of chunks").samples_per_chunk {
            let size = sizes.get(places.len()).map_or(0, |size| *size as usize);
            places.push(at..at + size);
            at += size;
        }
    }
    let mut dts = 0;
    let mut samples = Vec::new();
    for (number, (place, delta)) in places.into_iter().zip(times).enumerate() {
        let key = |stss: &mp4_atom::Stss| stss.entries.contains(&(number as u32 + 1));
        samples.push(Unit {
            pts: shown(dts + offsets.next().unwrap_or(0)),
            dts: shown(dts + lead),
            sync: stbl.stss.as_ref().is_none_or(key),
            data: film[place].to_vec(),
        });
        dts += i64::from(delta);
    }
    let fragments = other_fragments(moov, trak.tkhd.track_id, film);
    let lead = fragments.iter().map(|(_, offset, _, _)| *offset).fold(lead, i64::min);
    samples.extend(fragments.into_iter().map(|(dts, offset, sync, place)| Unit {
        pts: shown(dts + offset),
        dts: shown(dts + lead),
        sync,
        data: film[place].to_vec(),
    }));
    // What begins behind the edit is not played.
    let played = edit.map_or(0, |edit| edit.segment_duration as i64);
    if played > 0 && edits.next().is_none() {
        let end = ticks(delay + played, movie_scale);
        let kept = samples.iter().rposition(|sample| sample.pts < end).map_or(0, |last| last + 1);
        samples.truncate(kept);
    }
    samples
}

/// The fragmented films of the corpus, where it is there.
#[expect(clippy::print_stdout, reason = "whoever reads the test's result must know what it did not see")]
pub(crate) fn fragmented_corpus() -> Vec<(String, Bytes)> {
    let near = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    let folder = std::env::var_os("TORRENTSTREAM_CORPUS").map_or(near, PathBuf::from);
    let Ok(index) = std::fs::read_to_string(folder.join("INDEX.tsv")) else {
        println!("no corpus in {}: only the fixtures are compared", folder.display());
        return Vec::new();
    };
    let fragmented =
        index.lines().filter(|line| line.contains("fragmented x") && !line.contains("encrypted"));
    let names = fragmented.filter_map(|line| line.split('\t').next());
    let films =
        names.map(|name| (name.to_owned(), Bytes::from(std::fs::read(folder.join(name)).expect(name))));
    films.collect()
}

/// Frames with the times that they are presented at, in ticks of 90 kHz.
pub(crate) type Frames = Vec<(i64, Vec<u8>)>;

/// Every frame by track as `matroska-demuxer` reads it; the times of laced frames are those of the first.
pub(crate) fn other_frames(film: &Bytes) -> Option<BTreeMap<u64, Frames>> {
    let mut file = MatroskaFile::open(Cursor::new(film.as_ref())).ok()?;
    let tick = file.info().timestamp_scale().get() as i64;
    let delay = |entry: &TrackEntry| (entry.track_number().get(), entry.codec_delay().unwrap_or(0) as i64);
    let delays: BTreeMap<u64, i64> = file.tracks().iter().map(delay).collect();
    let mut tracks: BTreeMap<u64, Frames> = BTreeMap::new();
    let mut frame = Frame::default();
    while file.next_frame(&mut frame).ok()? {
        let ticks = (frame.timestamp as i64 * tick - delays[&frame.track]) * 9 / 100_000;
        tracks.entry(frame.track).or_default().push((ticks, frame.data.clone()));
    }
    Some(tracks)
}
