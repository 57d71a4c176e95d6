//! Movie fragments: `moof` and `mdat` (ISO/IEC 14496-12 8.8.4 ff., 8.1.1).

use super::boxes::{BoxWriter, HEADER};
use super::size;
use super::timeline::Times;
use crate::error::Error;
use crate::track::Sample;

/// `tfhd`: data offsets count from the first byte of `moof`.
const DEFAULT_BASE_IS_MOOF: u32 = 0x02_0000;
/// `trun`: data-offset, sample-duration, sample-size present; pictures have sample-flags and
/// sample-composition-time-offsets as well.
const RUN: u32 = 0x01 | 0x100 | 0x200;
const RUN_OF_PICTURES: u32 = RUN | 0x400 | 0x800;
/// Sample flags (8.8.3.1): depends on no other sample;
pub(super) const SYNC: u32 = 0x0200_0000;
/// depends on others, and is no sync sample.
const NOT_SYNC: u32 = 0x0101_0000;

/// The samples of one track in one fragment.
#[derive(Debug)]
pub(super) struct Run {
    track: u32,
    start: u64,
    is_video: bool,
    samples: Vec<Entry>,
    bytes: u32,
}

#[derive(Debug)]
struct Entry {
    duration: u32,
    composition_offset: i32,
    sample: Sample,
}

const TOO_LARGE: Error = Error::limit("bytes of one segment", 0);

impl Run {
    /// Pictures.
    pub(super) fn of_pictures(track: u32, samples: Vec<Sample>, times: &Times) -> Result<Self, Error> {
        let entries = samples.into_iter().zip(&times.durations).map(|(sample, duration)| Entry {
            duration: *duration,
            // Only damaged timestamps are hours apart.
            composition_offset: i32::try_from((sample.pts - sample.dts).0).unwrap_or(0),
            sample,
        });
        Self::new(track, times.start, true, entries.collect())
    }

    /// Frames of sound.
    pub(super) fn of_sound(track: u32, samples: Vec<Sample>, times: &Times) -> Result<Self, Error> {
        let entries = samples.into_iter().zip(&times.durations).map(|(sample, duration)| Entry {
            duration: *duration,
            composition_offset: 0,
            sample,
        });
        Self::new(track, times.start, false, entries.collect())
    }

    fn new(track: u32, start: u64, is_video: bool, samples: Vec<Entry>) -> Result<Self, Error> {
        let bytes = samples.iter().map(|entry| entry.sample.data.len()).sum::<usize>();
        // Half of what 32 bits can say, for two runs share a `mdat`, and offsets into it are signed.
        let bytes = u32::try_from(bytes).ok().filter(|bytes| *bytes <= 1 << 30).ok_or(TOO_LARGE)?;
        Ok(Self { track, start, is_video, samples, bytes })
    }

    fn write(&self, out: &mut BoxWriter, data_offset: u32) {
        out.boxed(b"traf", |out| {
            out.full(b"tfhd", 0, DEFAULT_BASE_IS_MOOF, |out| out.u32(self.track));
            out.full(b"tfdt", 1, 0, |out| out.u64(self.start));
            let flags = if self.is_video { RUN_OF_PICTURES } else { RUN };
            out.full(b"trun", 1, flags, |out| {
                out.u32(u32::try_from(self.samples.len()).unwrap_or(u32::MAX));
                out.u32(data_offset);
                for entry in &self.samples {
                    out.u32(entry.duration);
                    out.u32(u32::try_from(entry.sample.data.len()).unwrap_or(u32::MAX));
                    if self.is_video {
                        out.u32(if entry.sample.sync { SYNC } else { NOT_SYNC });
                        out.i32(entry.composition_offset);
                    }
                }
            });
        });
    }
}

/// `moof` and its `mdat`.
#[derive(Debug)]
pub(super) struct Fragment {
    index: u32,
    runs: Vec<Run>,
    moof_len: u32,
    data_len: u32,
}

impl Fragment {
    /// A fragment of at most two runs.
    ///
    /// # Errors
    /// `Limit` when they are too large for its 32-bit fields.
    pub(super) fn new(index: u32, runs: Vec<Run>) -> Result<Self, Error> {
        let counts = runs.iter().map(|run| (run.is_video, run.samples.len() as u64));
        let moof_len = u32::try_from(size::moof(counts)).map_err(|_| TOO_LARGE)?;
        let data_len = runs.iter().try_fold(0u32, |sum, run| sum.checked_add(run.bytes)).ok_or(TOO_LARGE)?;
        let total = data_len.checked_add(moof_len).filter(|total| *total < i32::MAX.unsigned_abs() - 64);
        total.ok_or(TOO_LARGE)?;
        Ok(Self { index, runs, moof_len, data_len })
    }

    /// Bytes of it.
    pub(super) fn len(&self) -> usize {
        self.moof_len as usize + HEADER + self.data_len as usize
    }

    pub(super) fn write(&self, out: &mut BoxWriter) {
        let header = u32::try_from(HEADER).unwrap_or_default();
        out.boxed(b"moof", |out| {
            out.full(b"mfhd", 0, 0, |out| out.u32(self.index.saturating_add(1)));
            let mut offset = self.moof_len + header;
            for run in &self.runs {
                run.write(out, offset);
                offset += run.bytes;
            }
        });
        out.header(b"mdat", self.data_len + header);
        for entry in self.runs.iter().flat_map(|run| &run.samples) {
            out.put(&entry.sample.data);
        }
    }
}
