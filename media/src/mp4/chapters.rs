//! Chapters: Nero's list (`moov/udta/chpl`), and QuickTime's text track that another track names as its chapters
//! (`tref/chap`; QuickTime File Format, "Chapter Lists").
//!
//! Nero's list is in the index. A text track's titles are samples, anywhere in the file: they are read only where
//! they lie together, and near to what is read anyway, so that opening a film does not wait for a far place.

use super::boxes::{Child, children};
use super::track::Mp4Track;
use crate::chapters::{Chapter, MAX_CHAPTERS, Title, in_order};
use crate::reader::Reader;
use crate::source::{ByteSource, Stop};
use crate::time::Time90k;
use bytes::Bytes;
use std::ops::Range;

/// The most that is read for the titles of a text track, and how far from the file's beginning or its index they
/// may be.
const NEAR: u64 = 64 << 10;

/// The chapters of `chpl`; `None` when there is no such box or it has none.
pub(super) fn nero(moov: &Bytes, base: u64) -> Option<Vec<Chapter>> {
    let udta = children(moov, base).find(|child| child.kind == *b"udta")?;
    let list = udta.child(b"chpl")?;
    let chapters = in_order(read_list(&list));
    (!chapters.is_empty()).then_some(chapters)
}

/// Version 1 has four bytes more; then a count, and for each chapter 100 ns since the beginning and a counted string.
fn read_list(list: &Child) -> Vec<Chapter> {
    let mut chapters = Vec::new();
    let Ok((version, mut reader)) = list.full() else { return chapters };
    if version > 0 && reader.skip(4).is_err() {
        return chapters;
    }
    let Ok(count) = reader.u8() else { return chapters };
    for _ in 0..count {
        let Ok(chapter) = read_chapter(&mut reader) else { break };
        chapters.push(chapter);
    }
    chapters
}

fn read_chapter(reader: &mut Reader<'_>) -> Result<Chapter, crate::error::Error> {
    let start = Time90k::from_ratio(reader.u64()?.into(), 10_000_000);
    let len = usize::from(reader.u8()?);
    let text = String::from_utf8_lossy(reader.take(len)?).into_owned();
    Ok(Chapter { start, end: None, titles: vec![Title { language: None, text }] })
}

/// The numbers of the tracks that `trak` names as its chapters.
pub(super) fn references(trak: &Child) -> Vec<u64> {
    let list = trak.child(b"tref").and_then(|tref| tref.child(b"chap"));
    let numbers = list.iter().flat_map(|list| list.payload.chunks_exact(4));
    let number = |bytes: &[u8]| bytes.try_into().map(|bytes| u64::from(u32::from_be_bytes(bytes))).ok();
    numbers.take(MAX_REFERENCES).filter_map(number).collect()
}

/// Chapters in so many languages.
const MAX_REFERENCES: usize = 32;

/// The chapters that the samples of a text track are; none where they are far away. `index` is where `moov` lies.
pub(super) fn of_track(
    table: &Mp4Track,
    language: Option<&str>,
    index: &Range<u64>,
    src: &dyn ByteSource,
) -> Result<Vec<Chapter>, Stop> {
    let count = table.sample_count().min(u32::try_from(MAX_CHAPTERS).unwrap_or(u32::MAX));
    let samples: Vec<_> = table.samples(0..count).collect();
    let start = samples.iter().map(|sample| sample.range.start).min().unwrap_or(0);
    let end = samples.iter().map(|sample| sample.range.end).max().unwrap_or(0).max(start);
    let near_start = end <= NEAR;
    let behind_index = start >= index.end && end - index.end <= NEAR;
    let before_index = end <= index.start && index.start - start <= NEAR;
    if end > src.len() || !(near_start || behind_index || before_index) {
        return Ok(Vec::new());
    }
    let bytes = src.read(start..end)?;
    let chapter = |sample: super::track::IndexedSample| {
        let range = usize::try_from(sample.range.start - start).ok()?
            ..usize::try_from(sample.range.end - start).ok()?;
        let titles = vec![Title { language: language.map(str::to_owned), text: text_of(bytes.get(range)?)? }];
        Some(Chapter { start: sample.pts, end: Some(sample.pts + sample.duration), titles })
    };
    Ok(in_order(samples.into_iter().filter_map(chapter).collect()))
}

/// A text sample: a counted string, in UTF-16 when it begins with a mark that says so; extensions follow it.
fn text_of(sample: &[u8]) -> Option<String> {
    let (len, text) = sample.split_first_chunk()?;
    let text = text.get(..usize::from(u16::from_be_bytes(*len)))?;
    let wide = |from: fn([u8; 2]) -> u16| {
        let units = text.get(2..)?.chunks_exact(2).filter_map(|pair| pair.try_into().ok()).map(from);
        Some(char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
    };
    match text.get(..2) {
        Some([0xfe, 0xff]) => wide(u16::from_be_bytes),
        Some([0xff, 0xfe]) => wide(u16::from_le_bytes),
        _ => Some(String::from_utf8_lossy(text).into_owned()),
    }
}
