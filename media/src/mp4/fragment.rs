//! One movie fragment (ISO/IEC 14496-12 8.8): the samples that a `moof` describes.
//!
//! ```text
//! moof ── traf ┬ tfhd     which track, where its data begin, defaults
//!              ├ tfdt     when its first sample is decoded
//!              └ trun...  durations, sizes, flags, composition offsets
//! ```

use super::boxes::{Child, children};
use crate::error::Error;
use crate::reader::Reader;
use bytes::Bytes;
use std::ops::Range;

/// Samples of one fragment, of all its tracks: half an hour of film.
const MAX_FRAGMENT_SAMPLES: u32 = 240_000;
/// `sample_is_non_sync_sample` (8.8.3.1).
const NON_SYNC: u32 = 0x0001_0000;
/// `sample_depends_on`: 1 is a picture that needs others.
const DEPENDS_MASK: u32 = 0x0300_0000;
const DEPENDS_ON_OTHERS: u32 = 0x0100_0000;
/// Smooth Streaming's box for what `tfdt` says ([MS-SSTR] 2.2.4.4, TfxdBox).
const TFXD: [u8; 16] =
    [0x6d, 0x1d, 0x9b, 0x05, 0x42, 0xd5, 0x44, 0xe6, 0x80, 0xe2, 0x14, 0x1d, 0xaf, 0xf7, 0x57, 0xb2];

/// What holds for a track's samples unless a fragment says otherwise (`trex`, 8.8.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Defaults {
    pub(super) track: u32,
    /// Number, from 1, of the sample entry.
    pub(super) entry: u32,
    duration: u32,
    size: u32,
    flags: u32,
}

impl Defaults {
    /// For a track that has no `trex`.
    pub(super) const fn of(track: u32) -> Self {
        Self { track, entry: 1, duration: 0, size: 0, flags: 0 }
    }

    /// Reads `trex`.
    pub(super) fn parse(trex: &Child) -> Result<Self, Error> {
        let (_, mut reader) = trex.full()?;
        Ok(Self {
            track: reader.u32()?,
            entry: reader.u32()?,
            duration: reader.u32()?,
            size: reader.u32()?,
            flags: reader.u32()?,
        })
    }
}

/// A sample of a fragment, in ticks of its track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FragmentSample {
    /// Decode time after that of the first sample of its `traf`.
    pub(super) after: i64,
    /// Composition offset.
    pub(super) offset: i32,
    pub(super) duration: u32,
    pub(super) sync: bool,
    /// Its bytes in the file.
    pub(super) range: Range<u64>,
}

/// The samples of one track in a fragment (`traf`, 8.8.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TrackFragment {
    pub(super) track: u32,
    /// Number, from 1, of the sample entry.
    pub(super) entry: u32,
    /// Decode time of the first sample, when the file says it (`tfdt`, 8.8.12).
    pub(super) time: Option<i64>,
    /// Sum of all durations.
    pub(super) duration: i64,
    pub(super) samples: Vec<FragmentSample>,
}

/// Reads the payload of a `moof` that begins at `at`, its payload at `payload_at`. Samples that reach past
/// `file_len`, and those behind them, are left out.
pub(super) fn parse(
    moof: &Bytes,
    at: u64,
    payload_at: u64,
    file_len: u64,
    defaults: &[Defaults],
) -> Result<Vec<TrackFragment>, Error> {
    let mut fragments = Vec::new();
    let mut left = MAX_FRAGMENT_SAMPLES;
    let mut behind_last = at;
    for traf in children(moof, payload_at).filter(|child| child.kind == *b"traf") {
        let (mut fragment, end) = parse_track(&traf, at, behind_last, defaults, &mut left)?;
        behind_last = end;
        if let Some(cut) = fragment.samples.iter().position(|sample| sample.range.end > file_len) {
            fragment.samples.truncate(cut);
        }
        fragments.push(fragment);
    }
    Ok(fragments)
}

/// The fields of `tfhd` (8.8.7).
struct Header {
    base: u64,
    defaults: Defaults,
}

fn parse_header(
    tfhd: &Child,
    moof_at: u64,
    behind_last: u64,
    all_defaults: &[Defaults],
) -> Result<Header, Error> {
    let (flags, mut reader) = flags(tfhd)?;
    let track = reader.u32()?;
    let mut defaults = all_defaults
        .iter()
        .find(|defaults| defaults.track == track)
        .copied()
        .unwrap_or_else(|| Defaults::of(track));
    let base = match flags {
        _ if flags & 0x1 != 0 => reader.u64()?,
        _ if flags & 0x2_0000 != 0 => moof_at, // default-base-is-moof
        _ => behind_last,
    };
    let mut field = |bit: u32, value: &mut u32| -> Result<(), Error> {
        if flags & bit != 0 {
            *value = reader.u32()?;
        }
        Ok(())
    };
    field(0x2, &mut defaults.entry)?;
    field(0x8, &mut defaults.duration)?;
    field(0x10, &mut defaults.size)?;
    field(0x20, &mut defaults.flags)?;
    Ok(Header { base, defaults })
}

/// Reads `traf`; also tells where its data end, where those of the next begin unless it says otherwise.
fn parse_track(
    traf: &Child,
    moof_at: u64,
    behind_last: u64,
    defaults: &[Defaults],
    left: &mut u32,
) -> Result<(TrackFragment, u64), Error> {
    let tfhd = traf.child(b"tfhd");
    let tfhd = tfhd.ok_or_else(|| Error::malformed("a track fragment without header (tfhd)", traf.at))?;
    let header = parse_header(&tfhd, moof_at, behind_last, defaults)?;
    let mut fragment = TrackFragment {
        track: header.defaults.track,
        entry: header.defaults.entry,
        time: None,
        duration: 0,
        samples: Vec::new(),
    };
    let (mut smooth, mut end) = (None, header.base);
    for child in traf.children() {
        match &child.kind {
            b"tfdt" => fragment.time = Some(versioned_time(&child)?),
            b"uuid" if child.payload.starts_with(&TFXD) => {
                let payload = child.payload.slice(TFXD.len()..);
                let at = child.at + TFXD.len() as u64;
                smooth = Some(versioned_time(&Child { kind: child.kind, payload, at })?);
            }
            b"trun" => end = parse_run(&child, &header, end, &mut fragment, left)?,
            _ => {}
        }
    }
    fragment.time = fragment.time.or(smooth);
    Ok((fragment, end))
}

/// The time that `tfdt` and `tfxd` begin with: of 64 bits in version 1, else of 32.
fn versioned_time(child: &Child) -> Result<i64, Error> {
    let (version, mut reader) = child.full()?;
    let time = if version == 0 { u64::from(reader.u32()?) } else { reader.u64()? };
    // Half of the range leaves room for sums.
    let time = i64::try_from(time).ok().filter(|time| *time < i64::MAX / 2);
    time.ok_or_else(|| Error::malformed("a time beyond any film (tfdt)", child.at))
}

/// Reads `trun` (8.8.8), whose data begin at `end` unless it says otherwise; tells where they end.
fn parse_run(
    trun: &Child,
    header: &Header,
    end: u64,
    fragment: &mut TrackFragment,
    left: &mut u32,
) -> Result<u64, Error> {
    let (flags, mut reader) = flags(trun)?;
    let count = reader.u32()?;
    let mut at = end;
    if flags & 0x1 != 0 {
        let offset = i64::from(reader.u32()?.cast_signed());
        at = header
            .base
            .checked_add_signed(offset)
            .ok_or_else(|| Error::malformed("a data offset", trun.at))?;
    }
    let first_flags = if flags & 0x4 != 0 { Some(reader.u32()?) } else { None };
    *left = left.checked_sub(count).ok_or_else(|| Error::limit("samples of one fragment", trun.at))?;
    for number in 0..count {
        let mut field = |bit: u32, default: u32| -> Result<u32, Error> {
            if flags & bit == 0 { Ok(default) } else { reader.u32() }
        };
        let duration = field(0x100, header.defaults.duration)?;
        let size = field(0x200, header.defaults.size)?;
        let own_flags = field(0x400, header.defaults.flags)?;
        // Version 0 is unsigned by the standard, but negative values are found in it.
        let offset = field(0x800, 0)?.cast_signed();
        let sample_flags = first_flags.filter(|_| number == 0).unwrap_or(own_flags);
        let behind = at
            .checked_add(u64::from(size))
            .ok_or_else(|| Error::malformed("a sample beyond any file", trun.at))?;
        fragment.samples.push(FragmentSample {
            after: fragment.duration,
            offset,
            duration,
            sync: sample_flags & NON_SYNC == 0 && sample_flags & DEPENDS_MASK != DEPENDS_ON_OTHERS,
            range: at..behind,
        });
        fragment.duration = fragment.duration.saturating_add(i64::from(duration));
        at = behind;
    }
    Ok(at)
}

/// The flags of a full box, and what is behind them.
fn flags(full: &Child) -> Result<(u32, Reader<'_>), Error> {
    let mut reader = Reader::new(&full.payload, full.at);
    Ok((reader.u32()? & 0x00ff_ffff, reader))
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "small numbers")]
mod tests {
    use super::*;

    fn boxed(kind: &[u8; 4], payload: &[u8]) -> Vec<u8> {
        [&(payload.len() as u32 + 8).to_be_bytes(), kind.as_slice(), payload].concat()
    }

    fn full(kind: &[u8; 4], words: &[u32]) -> Vec<u8> {
        boxed(kind, &words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<u8>>())
    }

    fn read(trafs: &[Vec<u8>], file_len: u64) -> Result<Vec<TrackFragment>, Error> {
        let defaults = Defaults { track: 2, entry: 1, duration: 10, size: 7, flags: 0x0101_0000 };
        parse(&trafs.concat().into(), 1000, 1008, file_len, &[defaults])
    }

    fn ranges(fragment: &TrackFragment) -> Vec<Range<u64>> {
        fragment.samples.iter().map(|sample| sample.range.clone()).collect()
    }

    #[test]
    fn defaults_flags_and_offsets() {
        let run = full(b"trun", &[0xb05, 3, 100, 0x0200_0000, 4, 50, 2, 5, 60, -1i32 as u32, 6, 70, 0]);
        let rest = full(b"trun", &[0, 2]);
        let traf = boxed(
            b"traf",
            &[full(b"tfhd", &[0x2_0000, 2]), full(b"tfdt", &[0x0100_0000, 1, 5]), run, rest].concat(),
        );
        let found = read(&[traf], u64::MAX).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].track, found[0].entry, found[0].time), (2, 1, Some((1 << 32) + 5)));
        assert_eq!(ranges(&found[0]), [1100..1150, 1150..1210, 1210..1280, 1280..1287, 1287..1294]);
        let seen: Vec<_> = found[0].samples.iter().map(|s| (s.after, s.offset, s.duration, s.sync)).collect();
        assert_eq!(
            seen,
            [(0, 2, 4, true), (4, -1, 5, false), (9, 0, 6, false), (15, 0, 10, false), (25, 0, 10, false)]
        );
        assert_eq!(found[0].duration, 35);
    }

    #[test]
    fn bases_of_following_tracks() {
        let first = boxed(b"traf", &[full(b"tfhd", &[0, 2]), full(b"trun", &[1, 2, 50])].concat());
        let implied = boxed(b"traf", &[full(b"tfhd", &[0, 3]), full(b"trun", &[0x201, 1, 1, 9])].concat());
        let absolute = boxed(b"traf", &[full(b"tfhd", &[1, 2, 0, 5000]), full(b"trun", &[0, 1])].concat());
        let found = read(&[first, implied, absolute], u64::MAX).unwrap();
        assert_eq!(ranges(&found[0]), [1050..1057, 1057..1064]);
        assert_eq!(found[1].samples[0].range, 1065..1074, "behind the data of the fragment before");
        assert_eq!(found[2].samples[0].range, 5000..5007);
        assert_eq!(found[0].time, None);
    }

    #[test]
    fn smooth_streaming_tells_the_time_in_a_box_of_its_own() {
        let tfxd = [TFXD.as_slice(), &[1, 0, 0, 0], &77u64.to_be_bytes(), &[0; 8]].concat();
        let traf = boxed(b"traf", &[full(b"tfhd", &[0, 2]), boxed(b"uuid", &tfxd)].concat());
        assert_eq!(read(&[traf], u64::MAX).unwrap()[0].time, Some(77));
    }

    #[test]
    fn a_file_cut_short_keeps_whole_samples_and_lying_counts_are_refused() {
        let run = |count| boxed(b"traf", &[full(b"tfhd", &[0, 2]), full(b"trun", &[1, count, 50])].concat());
        assert_eq!(read(&[run(5)], 1065).unwrap()[0].samples.len(), 2);
        assert!(read(&[run(u32::MAX)], u64::MAX).is_err());
        let cut = boxed(b"traf", &[full(b"tfhd", &[0, 2]), full(b"trun", &[0x100, 2, 50])].concat());
        assert!(read(&[cut], u64::MAX).is_err());
        assert!(read(&[boxed(b"traf", &[])], u64::MAX).is_err());
    }
}
