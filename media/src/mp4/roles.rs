//! What a track is for: `kind` boxes (ISO/IEC 14496-12 8.10.4) and QuickTime's tagged characteristics (`tagc`,
//! QuickTime File Format "Track characteristics"), both in the track's `udta`.

use super::boxes::Child;
use crate::track::Roles;

/// Boxes of one track that are looked at.
const MAX_KINDS: usize = 64;

/// The roles that a `trak` box tells.
pub(super) fn of_track(trak: &Child) -> Roles {
    let mut roles = Roles::default();
    let boxes = trak.children().filter(|child| child.kind == *b"udta").flat_map(|udta| udta.children());
    for child in boxes.take(MAX_KINDS) {
        match &child.kind {
            b"kind" => {
                let mut texts = child.payload.get(4..).unwrap_or_default().split(|byte| *byte == 0);
                let scheme = texts.next().unwrap_or_default();
                read_kind(&mut roles, scheme, texts.next().unwrap_or_default());
            }
            b"tagc" => read_characteristic(&mut roles, child.payload.trim_ascii_end()),
            _ => {}
        }
    }
    roles
}

/// A role of DASH (ISO/IEC 23009-1 5.8.5.5) or of HTML's media tracks (HTML 4.8.11.10.1).
fn read_kind(roles: &mut Roles, scheme: &[u8], value: &[u8]) {
    if !matches!(scheme, b"urn:mpeg:dash:role:2011" | b"about:html-kind") {
        return;
    }
    match value {
        b"forced-subtitle" | b"forced_subtitle" => roles.forced = true,
        b"caption" | b"captions" | b"enhanced-audio-intelligibility" => roles.hearing_impaired = true,
        b"description" | b"descriptions" | b"main-desc" => roles.visual_impaired = true,
        b"commentary" => roles.commentary = true,
        _ => {}
    }
}

/// A characteristic by its name in AVFoundation.
fn read_characteristic(roles: &mut Roles, name: &[u8]) {
    let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
    match name {
        b"public.subtitles.forced-only" => roles.forced = true,
        b"public.accessibility.describes-music-and-sound" => roles.hearing_impaired = true,
        b"public.accessibility.describes-video" => roles.visual_impaired = true,
        b"public.auxiliary-content" => roles.commentary = true,
        b"public.original-content" => roles.original = true,
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let size = u32::try_from(body.len() + 8).unwrap();
        [&size.to_be_bytes()[..], kind, body].concat()
    }

    fn roles(boxes: &[(&[u8; 4], &[u8])]) -> Roles {
        let inner: Vec<u8> = boxes.iter().flat_map(|(kind, body)| boxed(kind, body)).collect();
        of_track(&Child { kind: *b"trak", payload: boxed(b"udta", &inner).into(), at: 0 })
    }

    #[test]
    fn kinds_and_characteristics() {
        let dash = b"\0\0\0\0urn:mpeg:dash:role:2011\0caption\0";
        let html = b"\0\0\0\0about:html-kind\0main-desc\0";
        let other = b"\0\0\0\0urn:other\0commentary\0";
        assert_eq!(roles(&[(b"kind", other)]), Roles::default());
        assert_eq!(roles(&[(b"kind", dash)]), Roles { hearing_impaired: true, ..Roles::default() });
        let both = roles(&[(b"kind", html), (b"name", b"x"), (b"tagc", b"public.auxiliary-content\0")]);
        assert_eq!(both, Roles { visual_impaired: true, commentary: true, ..Roles::default() });
        let forced = roles(&[(b"kind", b"\0\0\0\0urn:mpeg:dash:role:2011\0forced-subtitle\0")]);
        assert!(forced.forced);
        for end in 0..dash.len() {
            let cut = roles(&[(b"kind", &dash[..end])]);
            assert_eq!(cut.hearing_impaired, end >= dash.len() - 1, "{end}");
        }
    }
}
