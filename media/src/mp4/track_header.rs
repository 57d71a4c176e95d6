//! What the boxes around a track's sample table say of it: number, kind, name, language, place of the data.

use super::boxes::{Child, children};
use super::sample_entry::SampleEntry;
use crate::error::Error;
use crate::track::{Rotation, TrackKind};

/// Sample entries that are looked at.
pub(super) const MAX_ENTRIES: usize = 16;

/// The numbers of the sample entries that say the same as `entry`.
pub(super) fn same_entries(stsd: &Child, kind: TrackKind, entry: &SampleEntry) -> Vec<u32> {
    let numbers = 1..=u32::try_from(MAX_ENTRIES).unwrap_or(u32::MAX);
    let read = numbers.map_while(|number| Some((number, SampleEntry::parse(stsd, number, kind).ok()?)));
    read.filter(|(_, other)| other == entry).map(|(number, _)| number).collect()
}

/// True when the data reference (`dref`, 8.7.2) of sample entry `number` names another file.
pub(super) fn is_elsewhere(minf: &Child, stsd: &Child, number: u32) -> bool {
    let elsewhere = || {
        let dref = minf.child(b"dinf")?.child(b"dref")?;
        let nth = |payload: &Child, number: u32| {
            let entries = payload.payload.slice(payload.payload.len().min(8)..);
            children(&entries, payload.at).nth(usize::try_from(number.checked_sub(1)?).ok()?)
        };
        let reference = nth(stsd, number)?
            .payload
            .get(6..8)
            .and_then(|index| index.try_into().ok())
            .map(u16::from_be_bytes)?;
        let reference = nth(&dref, u32::from(reference))?;
        let is_here = reference.payload.get(3).is_none_or(|flags| flags & 1 == 1);
        // Some writers forget the flag but name no place either.
        Some(!is_here && reference.payload.len() > 5)
    };
    elsewhere().unwrap_or(false)
}

/// `tkhd` (8.3.2): whether the track is enabled, and its number.
pub(super) fn track_header(tkhd: &Child) -> Result<(bool, u32), Error> {
    let (version, mut reader) = tkhd.full()?;
    let enabled = tkhd.payload.get(3).is_some_and(|flags| flags & 1 == 1);
    reader.skip(if version == 1 { 16 } else { 8 })?;
    Ok((enabled, reader.u32()?))
}

/// How the matrix of `tkhd` (8.3.2) turns the picture; one that does anything else to it is passed over.
pub(super) fn rotation(tkhd: &Child) -> Option<Rotation> {
    let (version, mut reader) = tkhd.full().ok()?;
    // Times, number and duration; reserved, layer, group, volume.
    reader.skip(if version == 1 { 32 } else { 20 } + 16).ok()?;
    let (a, b) = (reader.u32().ok()?, reader.u32().ok()?);
    reader.skip(4).ok()?;
    let (c, d) = (reader.u32().ok()?, reader.u32().ok()?);
    const ONE: u32 = 1 << 16;
    const MINUS: u32 = ONE.wrapping_neg();
    match (a, b, c, d) {
        (0, ONE, MINUS, 0) => Some(Rotation::Clockwise90),
        (MINUS, 0, 0, MINUS) => Some(Rotation::Half),
        (0, MINUS, ONE, 0) => Some(Rotation::Clockwise270),
        _ => None,
    }
}

/// `hdlr` (8.4.3).
pub(super) fn handler_kind(hdlr: &Child) -> Result<TrackKind, Error> {
    let (_, mut reader) = hdlr.full()?;
    reader.skip(4)?; // pre_defined; QuickTime: component type
    Ok(match &reader.u32()?.to_be_bytes() {
        b"vide" => TrackKind::Video,
        b"soun" => TrackKind::Audio,
        b"sbtl" | b"subt" | b"text" | b"subp" => TrackKind::Subtitle,
        _ => TrackKind::Other,
    })
}

/// The handler's name, when it is one that somebody gave: writers' default names say nothing.
pub(super) fn handler_name(hdlr: &Child) -> Option<String> {
    let name = hdlr.payload.get(24..)?;
    let name = name.split(|byte| *byte == 0).find(|part| !part.is_empty())?;
    let name = std::str::from_utf8(name).ok()?.trim();
    // QuickTime counts the characters in a leading byte.
    let name = name.trim_start_matches(|c: char| c.is_control());
    let generic =
        name.is_empty() || name.to_ascii_lowercase().contains("handler") || name.starts_with("Core Media");
    (!generic && name.len() <= 256).then(|| name.to_owned())
}

/// `elng` (8.4.6), else the packed code of `mdhd` (8.4.2.3).
pub(super) fn language(mdia: &Child, mdhd: &Child) -> Option<String> {
    if let Some(extended) = mdia.child(b"elng") {
        let tag = extended.payload.get(4..)?.split(|byte| *byte == 0).next()?;
        let tag = std::str::from_utf8(tag).ok()?;
        if (2..=35).contains(&tag.len()) {
            return Some(tag.to_owned());
        }
    }
    let (version, mut reader) = mdhd.full().ok()?;
    reader.skip(if version == 1 { 28 } else { 16 }).ok()?;
    let packed = reader.u16().ok()?;
    let letter = |shift: u32| u8::try_from(packed >> shift & 31).map(|code| char::from(code + 0x60));
    let code: String = [letter(10), letter(5), letter(0)].into_iter().flatten().collect();
    let valid = packed >= 0x400 && code.chars().all(|c| c.is_ascii_lowercase()) && code != "und";
    valid.then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quarter_turns_in_both_versions_of_the_header() {
        const ONE: i32 = 0x1_0000;
        let turned = |version: u8, matrix: [i32; 4]| {
            let mut payload = vec![version, 0, 0, 7];
            payload.resize(4 + if version == 1 { 32 } else { 20 } + 16, 0);
            let [a, b, c, d] = matrix;
            for value in [a, b, 0, c, d, 0, 0, 0, 0x4000_0000] {
                payload.extend(value.to_be_bytes());
            }
            rotation(&Child { kind: *b"tkhd", payload: payload.into(), at: 0 })
        };
        for version in [0, 1] {
            assert_eq!(turned(version, [0, ONE, -ONE, 0]), Some(Rotation::Clockwise90));
            assert_eq!(turned(version, [-ONE, 0, 0, -ONE]), Some(Rotation::Half));
            assert_eq!(turned(version, [0, -ONE, ONE, 0]), Some(Rotation::Clockwise270));
            assert_eq!(turned(version, [ONE, 0, 0, ONE]), None);
            assert_eq!(turned(version, [-ONE, 0, 0, ONE]), None, "mirrored");
        }
    }
}
