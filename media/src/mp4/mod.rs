//! MP4 and QuickTime (ISO/IEC 14496-12, 14496-14, 14496-15; Apple QuickTime File Format), not fragmented.
//!
//! ```text
//! ftyp  mdat  moov ── mvhd            movie timescale
//!                  └─ trak ┬ tkhd     track number, enabled
//!                          ├ edts/elst           edit_list.rs
//!                          └ mdia ┬ mdhd         timescale, language
//!                                 ├ hdlr         kind
//!                                 └ minf/stbl ┬ stsd                 sample_entry.rs
//!                                             └ stts ctts stsz stsc stco stss   sample_table.rs, sample_sizes.rs
//! ```
//! All that is needed is in `moov`, wherever that lies; no media byte is read to plan.

mod boxes;
mod edit_list;
mod learn_video;
mod sample_entry;
mod sample_sizes;
mod sample_table;
mod track;

use crate::codec::mpeg_audio::MpegAudioConfig;
use crate::error::Error;
use crate::source::{ByteSource, Stop};
use crate::time::{Time90k, Timescale};
use crate::track::{Codec, Keyframe, MAX_SPAN_SAMPLES, Sample, Span, Track, TrackId, TrackKind};
use boxes::{BoxHeader, children};
use std::ops::Range;
use track::Mp4Track;

/// A `moov` of a ten-hour film with many tracks stays below 40 MiB.
const MAX_MOOV: u64 = 128 << 20;
/// Top-level boxes in front of `moov`.
const MAX_TOP_LEVEL_BOXES: usize = 1_024;
const MAX_TRACKS: usize = 512;
/// Bytes of one segment.
const MAX_SEGMENT: u64 = 512 << 20;
/// How many samples may lie on the same bytes, on average.
const MAX_SHARING: u64 = 4;
/// Ranges closer than this are fetched as one: a request costs more than the bytes between.
const MERGE_GAP: u64 = 64 << 10;
/// Sound this much earlier than the first picture is encoder priming, and kept; what is earlier still was
/// cut away by an edit.
const PRIMING: Time90k = Time90k(9_000);

/// The index of an MP4 file.
#[derive(Debug)]
pub(crate) struct Mp4File {
    tracks: Vec<Track>,
    tables: Vec<Mp4Track>,
    fragmented: bool,
    file_len: u64,
}

impl Mp4File {
    /// Finds `moov` and reads it.
    pub(crate) fn open(src: &dyn ByteSource) -> Result<Self, Stop> {
        let mut at = 0;
        for _ in 0..MAX_TOP_LEVEL_BOXES {
            if at >= src.len() {
                return Err(Error::truncated("the file has no index (moov)", at).into());
            }
            let header = BoxHeader::read(src, at)?;
            match &header.kind {
                b"moov" if header.payload_len() > MAX_MOOV => {
                    return Err(Error::limit("the index (moov)", at).into());
                }
                b"moov" if header.end > src.len() => {
                    return Err(Error::truncated("the index (moov)", at).into());
                }
                b"moov" => {
                    let moov = src.read(header.payload..header.end)?;
                    let mut file = Self::parse(&moov, header.payload, src.len())?;
                    file.learn_layers(src)?;
                    file.learn_pictures(src)?;
                    return Ok(file);
                }
                b"moof" => {
                    return Err(Error::malformed("a fragment (moof) before the index (moov)", at).into());
                }
                _ => at = header.end,
            }
        }
        Err(Error::limit("boxes before the index (moov)", at).into())
    }

    fn parse(moov: &bytes::Bytes, base: u64, file_len: u64) -> Result<Self, Error> {
        let mut movie_scale = None;
        let mut fragmented = false;
        let mut traks = Vec::new();
        for child in children(moov, base) {
            match &child.kind {
                b"mvhd" => movie_scale = Timescale::new(boxes::full_header_timescale(&child)?),
                b"trak" if traks.len() < MAX_TRACKS => traks.push(child),
                b"trak" => return Err(Error::limit("tracks", child.at)),
                b"mvex" => fragmented = true,
                b"cmov" => return Err(Error::unsupported("the index is compressed (QuickTime cmov)")),
                _ => {}
            }
        }
        let movie_scale =
            movie_scale.ok_or_else(|| Error::malformed("no movie header (mvhd) with a timescale", base))?;
        let (mut tracks, mut tables) = (Vec::new(), Vec::new());
        for trak in &traks {
            // A track that cannot be read is left out; the others may be whole.
            let Ok((track, table)) = Mp4Track::parse(trak, movie_scale, file_len) else { continue };
            // Two tracks of one number cannot be told apart; the first keeps it.
            if tracks.iter().all(|other: &Track| other.id != track.id) {
                tracks.push(track);
                tables.push(table);
            }
        }
        if tracks.is_empty() {
            return Err(Error::malformed("no readable track in the index (moov)", base));
        }
        Ok(Self { tracks, tables, fragmented, file_len })
    }

    /// MPEG audio is named alike in all its layers: only a frame's header tells, and how long a frame is.
    fn learn_layers(&mut self, src: &dyn ByteSource) -> Result<(), Stop> {
        for (track, table) in self.tracks.iter_mut().zip(&self.tables) {
            let Codec::Mp3(config) = &mut track.codec else { continue };
            let Some(first) = table.samples(0..1).next() else { continue };
            let header = first.range.start..first.range.end.min(first.range.start.saturating_add(4));
            match src.read(header).map(|bytes| MpegAudioConfig::parse(&bytes)) {
                Ok(Some(found)) if found.layer == 3 => *config = found,
                Ok(Some(_)) => {
                    let reason = "MPEG audio of layer I or II is not played in HLS yet";
                    track.codec = Codec::Unsupported { reason };
                }
                Ok(None) | Err(Stop::Fail(_)) => {}
                Err(need) => return Err(need),
            }
        }
        Ok(())
    }

    pub(crate) fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    /// When the last sample of sound or picture ends.
    pub(crate) fn duration(&self) -> Option<Time90k> {
        let audible = |kind| matches!(kind, TrackKind::Video | TrackKind::Audio);
        let timed = self.tracks.iter().zip(&self.tables).filter(|(track, _)| audible(track.kind));
        timed.filter_map(|(_, table)| table.end()).max()
    }

    fn table(&self, id: TrackId) -> Result<&Mp4Track, Error> {
        let position = self.tracks.iter().position(|track| track.id == id);
        position.and_then(|at| self.tables.get(at)).ok_or(Error::unsupported("no such track"))
    }

    /// When the first sample of `track` is shown; negative for encoder priming.
    pub(crate) fn start(&self, track: TrackId) -> Option<Time90k> {
        self.table(track).ok()?.start()
    }

    /// When the last sample of `track` ends.
    pub(crate) fn end(&self, track: TrackId) -> Option<Time90k> {
        self.table(track).ok()?.end()
    }

    /// Every sync sample of `track` (ISO/IEC 14496-12 8.6.2), in order of presentation.
    pub(crate) fn keyframes(
        &self,
        track: TrackId,
    ) -> Result<impl Iterator<Item = Keyframe> + use<'_>, Error> {
        if self.fragmented {
            return Err(Error::unsupported("fragmented MP4 is not played in HLS yet"));
        }
        Ok(self.table(track)?.keyframes())
    }

    /// Which samples of each of `tracks` the span holds.
    ///
    /// The track that was `cut` is divided by sample number; the others by time: a sample belongs
    /// to the span in which it begins.
    fn sample_ranges(&self, cut: TrackId, tracks: &[TrackId], span: &Span) -> Result<Vec<Range<u32>>, Error> {
        let mut ranges = Vec::with_capacity(tracks.len());
        for id in tracks {
            let table = self.table(*id)?;
            let number = |keyframe: Keyframe| u32::try_from(keyframe.at).unwrap_or(u32::MAX);
            let (start, end) = if *id == cut {
                (number(span.start), span.end.map(number))
            } else {
                let start = match span.first {
                    true => table.first_sample_from(span.start.pts.min(Time90k::ZERO) - PRIMING),
                    false => table.first_sample_from(span.start.pts),
                };
                (start, span.end.map(|end| table.first_sample_from(end.pts)))
            };
            let end = end.unwrap_or(u32::MAX).min(table.sample_count());
            let start = start.min(end);
            if end - start > MAX_SPAN_SAMPLES {
                return Err(Error::limit("samples of one segment", 0));
            }
            ranges.push(start..end);
        }
        Ok(ranges)
    }

    /// The file's bytes that the span needs, sorted, disjoint, small gaps included.
    pub(crate) fn byte_ranges(
        &self,
        cut: TrackId,
        tracks: &[TrackId],
        span: &Span,
    ) -> Result<Vec<Range<u64>>, Error> {
        let mut ranges = Vec::new();
        let mut bytes = 0u64;
        for (id, samples) in tracks.iter().zip(self.sample_ranges(cut, tracks, span)?) {
            let table = self.table(*id)?;
            bytes = bytes.saturating_add(table.size_of(samples.clone()));
            ranges
                .extend(table.samples(samples).map(|sample| sample.range).filter(|range| !range.is_empty()));
        }
        let merged = merge(ranges, MERGE_GAP);
        if merged.last().is_some_and(|last| last.end > self.file_len) {
            return Err(Error::truncated("the index names bytes past the end of the file", self.file_len));
        }
        let held = merged.iter().map(|range| range.end - range.start).sum::<u64>();
        if held.max(bytes) > MAX_SEGMENT {
            return Err(Error::limit("bytes of one segment", 0));
        }
        // A few equal samples may share their bytes; a small file whose every sample is all of it is a bomb.
        if bytes > held.saturating_mul(MAX_SHARING) {
            return Err(Error::limit("samples that share their bytes", 0));
        }
        Ok(merged)
    }

    /// The size of each sample of `track` in the span.
    pub(crate) fn sizes(&self, cut: TrackId, track: TrackId, span: &Span) -> Vec<u64> {
        let Ok(ranges) = self.sample_ranges(cut, &[track], span) else { return Vec::new() };
        let (Ok(table), Some(numbers)) = (self.table(track), ranges.into_iter().next()) else {
            return Vec::new();
        };
        table.samples(numbers).map(|sample| sample.range.end - sample.range.start).collect()
    }

    /// The samples of the span, one list for each of `tracks`.
    pub(crate) fn samples(
        &self,
        src: &dyn ByteSource,
        cut: TrackId,
        tracks: &[TrackId],
        span: &Span,
    ) -> Result<Vec<Vec<Sample>>, Stop> {
        for range in self.byte_ranges(cut, tracks, span)? {
            src.read(range)?;
        }
        let mut lists = Vec::with_capacity(tracks.len());
        for (id, numbers) in tracks.iter().zip(self.sample_ranges(cut, tracks, span)?) {
            let table = self.table(*id)?;
            let mut list: Vec<Sample> = Vec::with_capacity(numbers.len());
            for sample in table.samples(numbers).filter(|sample| !sample.range.is_empty()) {
                // Two samples decoded in the same tick occur in real files; a multiplex has no such thing.
                let dts = list.last().map_or(sample.dts, |last| sample.dts.max(last.dts + Time90k(1)));
                let data = src.read(sample.range)?;
                let (pts, duration) = (sample.pts.max(dts), Some(sample.duration));
                list.push(Sample { pts, dts, duration, sync: sample.sync, data });
            }
            lists.push(list);
        }
        Ok(lists)
    }
}

/// Sorts ranges and joins those that overlap or lie less than `gap` apart.
fn merge(mut ranges: Vec<Range<u64>>, gap: u64) -> Vec<Range<u64>> {
    ranges.sort_unstable_by_key(|range| range.start);
    let mut merged: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end.saturating_add(gap) => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::merge;

    #[test]
    fn ranges_merge_over_small_gaps_only() {
        let merged = merge(vec![50..60, 0..10, 10..20, 25..30, 5..8], 5);
        assert_eq!(merged, [0..30, 50..60]);
    }
}
