//! MP4 and QuickTime (ISO/IEC 14496-12, 14496-14, 14496-15; Apple QuickTime File Format).
//!
//! ```text
//! ftyp  mdat  moov ── mvhd            movie timescale
//!                  └─ trak ┬ tkhd     track number, enabled
//!                          ├ edts/elst           edit_list.rs
//!                          └ mdia ┬ mdhd         timescale, language
//!                                 ├ hdlr         kind
//!                                 └ minf/stbl ┬ stsd                 sample_entry.rs
//!                                             └ stts ctts stsz stsc stco stss   sample_table.rs, sample_sizes.rs
//!
//! sidx  moof ── traf ┬ tfhd tfdt      fragment.rs
//!                    └ trun...
//! mfra                                segment_index.rs (sidx), random_access.rs (mfra)
//! ```
//! All that is needed is in `moov`, wherever that lies, unless the file is fragmented: then `fragmented.rs` looks for
//! the best index there is, and the fragments themselves are read when a segment is made (`span.rs`). No media
//! byte is read to plan.

mod boxes;
mod chapters;
mod edit_list;
mod fragment;
mod fragment_index;
mod fragment_walk;
mod fragmented;
mod learn_video;
mod random_access;
mod roles;
mod sample_entry;
mod sample_sizes;
mod sample_table;
mod scan;
mod segment_index;
mod shown;
#[cfg(test)]
mod sound_tests;
mod span;
mod track;
mod track_header;

use crate::chapters::Chapter;
use crate::error::Error;
use crate::source::{ByteSource, Stop};
use crate::time::{Time90k, Timescale};
use crate::track::{Codec, Keyframe, Span, Track, TrackId, TrackKind};
use boxes::{BoxHeader, Child, children};
use fragment::Defaults;
use fragmented::{Fragments, Search};
pub(crate) use scan::Mp4Scan;
use std::collections::BTreeSet;
use std::ops::Range;
use track::{FileFacts, Mp4Track};

/// A `moov` of a ten-hour film with many tracks stays below 40 MiB.
const MAX_MOOV: u64 = 128 << 20;
/// Top-level boxes in front of `moov`.
const MAX_TOP_LEVEL_BOXES: usize = 1_024;
const MAX_TRACKS: usize = 512;
/// Sound this much earlier than the first picture is encoder priming, and kept; what is earlier still was
/// cut away by an edit.
const PRIMING: Time90k = Time90k(9_000);

const INCOMPLETE: &str = "the file's index (moov) is missing because the file is incomplete; it can only be had as it is, from /stream";

/// The index of an MP4 file.
#[derive(Debug, Clone)]
pub(crate) struct Mp4File {
    tracks: Vec<Track>,
    tables: Vec<Mp4Track>,
    chapters: Vec<Chapter>,
    fragments: Option<Fragments>,
    /// Why the file cannot be played although its index can be read.
    refusal: Option<Error>,
    /// The index says that fragments may follow (`mvex`).
    is_extended: bool,
    file_len: u64,
}

impl Mp4File {
    /// Finds `moov` and reads it, and what there is of an index of fragments.
    pub(crate) fn open(src: &dyn ByteSource) -> Result<Self, Stop> {
        let mut at = 0u64;
        for _ in 0..MAX_TOP_LEVEL_BOXES {
            if at.saturating_add(8) > src.len() {
                return Err(Error::truncated(INCOMPLETE, at).into());
            }
            let header = BoxHeader::read(src, at)?;
            match &header.kind {
                b"moov" if header.payload_len() > MAX_MOOV => {
                    return Err(Error::limit("the index (moov)", at).into());
                }
                b"moov" if header.end > src.len() => {
                    return Err(Error::truncated(INCOMPLETE, at).into());
                }
                b"moov" => {
                    let moov = src.read(header.payload..header.end)?;
                    let mut file = Self::parse(&moov, header.payload, src.len())?;
                    file.learn_fragments(src, header.end)?;
                    file.learn_layers(src)?;
                    file.learn_pictures(src)?;
                    file.learn_chapters(&moov, &(at..header.end), src)?;
                    return Ok(file);
                }
                b"moof" => {
                    let reason = "the file begins with fragments (moof) that belong to a header (moov) elsewhere: \
                                  it is a piece of a stream";
                    return Err(Error::unsupported(reason).into());
                }
                _ => at = header.end,
            }
        }
        Err(Error::limit("boxes before the index (moov)", at).into())
    }

    fn parse(moov: &bytes::Bytes, base: u64, file_len: u64) -> Result<Self, Error> {
        let (mut movie_scale, mut defaults, mut traks) = (None, None, Vec::new());
        for child in children(moov, base) {
            match &child.kind {
                b"mvhd" => movie_scale = Timescale::new(boxes::full_header_timescale(&child)?),
                b"trak" if traks.len() < MAX_TRACKS => traks.push(child),
                b"trak" => return Err(Error::limit("tracks", child.at)),
                b"mvex" => defaults = Some(read_defaults(&child)),
                b"cmov" => return Err(Error::unsupported("the index is compressed (QuickTime cmov)")),
                b"rmra" => {
                    return Err(Error::unsupported(
                        "a QuickTime reference movie: the film itself is in other files",
                    ));
                }
                _ => {}
            }
        }
        let movie_scale =
            movie_scale.ok_or_else(|| Error::malformed("no movie header (mvhd) with a timescale", base))?;
        let facts = FileFacts { movie_scale, file_len, defaults: defaults.as_deref() };
        let (mut tracks, mut tables) = (Vec::new(), Vec::new());
        for trak in &traks {
            // A track that cannot be read is left out; the others may be whole.
            let Ok((track, table)) = Mp4Track::parse(trak, facts) else { continue };
            // Two tracks of one number cannot be told apart; the first keeps it.
            if tracks.iter().all(|other: &Track| other.id != track.id) {
                tracks.push(track);
                tables.push(table);
            }
        }
        if tracks.is_empty() {
            return Err(Error::malformed("no readable track in the index (moov)", base));
        }
        let chapters = chapters::nero(moov, base).unwrap_or_default();
        let is_extended = defaults.is_some();
        let mut file =
            Self { tracks, tables, chapters, fragments: None, refusal: None, is_extended, file_len };
        file.cut_short();
        Ok(file)
    }

    /// Sound and picture that can be played.
    fn audible(&self) -> impl Iterator<Item = bool> {
        self.tracks.iter().map(|track| {
            matches!(track.kind, TrackKind::Video | TrackKind::Audio) && track.codec.is_supported()
        })
    }

    /// Where the file ends before the samples of its tables do, they end together with what is there.
    fn cut_short(&mut self) {
        let file_len = self.file_len;
        let audible: Vec<bool> = self.audible().collect();
        let mut end: Option<Time90k> = None;
        for ((track, table), audible) in self.tracks.iter_mut().zip(&mut self.tables).zip(&audible) {
            let had_samples = table.sample_count() > 0;
            if !table.cut_off_at(file_len) {
                continue;
            }
            if had_samples && table.sample_count() == 0 {
                track.codec =
                    Codec::Unsupported { reason: "the file is incomplete: it ends before this track begins" };
            } else if let Some(own) = table.end().filter(|_| *audible) {
                end = Some(end.map_or(own, |end| end.min(own)));
            }
        }
        if let Some(end) = end {
            for table in &mut self.tables {
                table.end_at(end);
            }
        }
    }

    /// Finds out what is behind `moov`, which ends at `from`, where there may be fragments.
    fn learn_fragments(&mut self, src: &dyn ByteSource, from: u64) -> Result<(), Stop> {
        let empty = self.tables.iter().all(|table| table.sample_count() == 0);
        if !self.is_extended && !empty {
            return Ok(());
        }
        let has_video =
            self.tracks.iter().any(|track| track.kind == TrackKind::Video && track.codec.is_supported());
        let cut_kind = if has_video { TrackKind::Video } else { TrackKind::Audio };
        let audible: Vec<bool> = self.audible().collect();
        let cut = self.tracks.iter().zip(&audible).map(|(track, audible)| *audible && track.kind == cut_kind);
        let search = Search {
            walked: self.tables.iter().map(|table| table.walked(from)).collect(),
            cut: cut.collect(),
            audible,
        };
        match search.run(src, from)? {
            Some(found) => self.set_fragments(found),
            None if empty => {
                let reason =
                    "the file holds neither picture nor sound: it is only the header of a stream in pieces";
                self.refusal = Some(Error::unsupported(reason));
            }
            None => {}
        }
        Ok(())
    }

    fn set_fragments(&mut self, (fragments, found): fragmented::Found) {
        for ((track, table), found) in self.tracks.iter_mut().zip(&mut self.tables).zip(found) {
            table.set_fragments(found);
            if track.kind == TrackKind::Video && track.frame_rate.is_none() {
                track.frame_rate = table.fragments_rate();
            }
        }
        self.refusal = fragments.fault;
        self.fragments = Some(fragments);
    }

    /// Text tracks that hold chapters are no subtitles; where `moov` at `index` has no list of chapters, theirs are
    /// read if they are near.
    fn learn_chapters(
        &mut self,
        moov: &bytes::Bytes,
        index: &Range<u64>,
        src: &dyn ByteSource,
    ) -> Result<(), Stop> {
        let traks = children(moov, index.start).filter(|child| child.kind == *b"trak").take(MAX_TRACKS);
        let references: BTreeSet<u64> = traks.flat_map(|trak| chapters::references(&trak)).collect();
        for (track, table) in self.tracks.iter_mut().zip(&self.tables) {
            if track.kind != TrackKind::Subtitle || !references.contains(&track.id.0) {
                continue;
            }
            track.kind = TrackKind::Other;
            if self.chapters.is_empty() {
                match chapters::of_track(table, track.language.as_deref(), index, src) {
                    Ok(found) => self.chapters = found,
                    Err(Stop::Fail(_)) => {}
                    Err(need) => return Err(need),
                }
            }
        }
        Ok(())
    }

    /// Places with names, on the presentation clock.
    pub(crate) fn chapters(&self) -> &[Chapter] {
        &self.chapters
    }

    /// MPEG audio is named alike in all its layers, and AC-3 may lack its configuration: only a frame's header tells.
    fn learn_layers(&mut self, src: &dyn ByteSource) -> Result<(), Stop> {
        for (track, table) in self.tracks.iter_mut().zip(&self.tables) {
            let Some(needed) = track.codec.needs_frame() else { continue };
            let first = table.first_sample();
            let head = first.map(|range| range.start..range.end.min(range.start.saturating_add(needed)));
            match head.map(|head| src.read(head)) {
                Some(Ok(frame)) => track.codec.learn_from_frame(&frame),
                Some(Err(need @ Stop::Need(_))) => return Err(need),
                Some(Err(Stop::Fail(_))) | None => {}
            }
            track.codec.settle();
            if let (Some(rate), Some(channels)) = (track.codec.sample_rate(), track.codec.channels()) {
                (track.sample_rate, track.channels) = (rate, channels);
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
        if let Some(refusal) = self.refusal {
            return Err(refusal);
        }
        Ok(self.table(track)?.keyframes())
    }

    /// The span that begins with a keyframe of `track` and holds as little else as the index can tell apart: nothing
    /// by a sample table, else no more than up to the keyframe that is `next`.
    pub(crate) fn span_of(&self, track: TrackId, keyframe: &Keyframe, next: Option<Keyframe>) -> Span {
        let count = self.table(track).map_or(0, |table| u64::from(table.sample_count()));
        let behind = Keyframe { pts: keyframe.pts, at: keyframe.at.saturating_add(1) };
        let end = if behind.at < count { Some(behind) } else { next };
        Span { start: *keyframe, end, first: false }
    }
}

/// `mvex` (8.8.1): what holds for the samples of each track in fragments.
fn read_defaults(mvex: &Child) -> Vec<Defaults> {
    let all = mvex.children().filter(|child| child.kind == *b"trex");
    all.take(MAX_TRACKS).filter_map(|trex| Defaults::parse(&trex).ok()).collect()
}
