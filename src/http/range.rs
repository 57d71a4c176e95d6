//! `Range`, `If-Range` and `If-None-Match` (RFC 9110 sections 8.8, 13 and 14): text in, decisions out.

use std::ops::Range;
use warp::http::HeaderMap;
use warp::http::header::{IF_RANGE, RANGE};

/// No answer has more parts than this; who asks for more gets 416 (RFC 9110 14.2 and 17.15).
pub(super) const MAX_PARTS: usize = 16;
/// Parts with less than this between them are one part: a part's own header is longer.
const GAP: u64 = 80;

/// Which bytes of a file a request is to get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of it: no `Range`, or one that is to be ignored.
    Whole,
    /// These, in the order they were asked for; never empty, each within the file and not empty.
    Parts(Vec<Range<u64>>),
    /// None of what was asked for is there, or it was too many parts: 416.
    Unsatisfiable,
}

/// Reads the value of a `Range` header for a file of `len` bytes (RFC 9110 14.1.2 and 14.2).
///
/// Another unit, or anything that breaks the grammar, counts as no header.
pub(super) fn wanted(header: Option<&str>, len: u64) -> Wanted {
    let Some(specs) = header.and_then(parse) else { return Wanted::Whole };
    let parts = join(specs.iter().filter_map(|spec| spec.resolve(len)));
    if parts.is_empty() || parts.len() > MAX_PARTS {
        return Wanted::Unsatisfiable;
    }
    Wanted::Parts(parts)
}

/// One `range-spec`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spec {
    /// `first-last`, or `first-` with `u64::MAX`.
    From { first: u64, last: u64 },
    /// `-length`.
    Last(u64),
}

impl Spec {
    fn resolve(self, len: u64) -> Option<Range<u64>> {
        let range = match self {
            Self::From { first, last } => first..last.saturating_add(1).min(len),
            Self::Last(length) => len.saturating_sub(length)..len,
        };
        (range.start < range.end).then_some(range)
    }
}

/// `ranges-specifier = range-unit "=" range-set`; `None` when it is not that, or the unit is not bytes.
fn parse(header: &str) -> Option<Vec<Spec>> {
    let (unit, set) = header.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let mut specs = Vec::new();
    for item in set.split(',').map(|item| item.trim_matches([' ', '\t'])) {
        if item.is_empty() {
            continue; // RFC 9110 5.6.1.2: empty list elements are ignored
        }
        let (first, last) = item.split_once('-')?;
        specs.push(match (first.is_empty(), last.is_empty()) {
            (false, true) => Spec::From { first: number(first)?, last: u64::MAX },
            (true, false) => Spec::Last(number(last)?),
            (false, false) => {
                let (first, last) = (number(first)?, number(last)?);
                if last < first {
                    return None; // invalid, and with it the whole set
                }
                Spec::From { first, last }
            }
            (true, true) => return None,
        });
    }
    (!specs.is_empty()).then_some(specs)
}

/// `1*DIGIT`; what is beyond 64 bits is beyond every file.
fn number(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u64::MAX))
}

/// Joins ranges that overlap or almost touch into the earliest of them (RFC 9110 15.3.7.2).
fn join(ranges: impl Iterator<Item = Range<u64>>) -> Vec<Range<u64>> {
    let mut parts: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        let mut range = range;
        let mut place = None;
        // A range may close the gap between two earlier ones, so look on after each join.
        let mut at = 0;
        while at < parts.len() {
            let close = parts.get(at).is_some_and(|part| {
                range.start <= part.end.saturating_add(GAP) && part.start <= range.end.saturating_add(GAP)
            });
            if close {
                let part = parts.remove(at);
                range = range.start.min(part.start)..range.end.max(part.end);
                place = Some(place.map_or(at, |place: usize| place.min(at)));
                at = 0;
            } else {
                at += 1;
            }
        }
        match place {
            Some(place) => parts.insert(place.min(parts.len()), range),
            None => parts.push(range),
        }
        if parts.len() > 4 * MAX_PARTS {
            break; // refused anyway; keeps this linear in the header
        }
    }
    parts
}

/// The `Range` header, if it is to be looked at: an `If-Range` that does not hold, or cannot be read, makes it
/// void (RFC 9110 13.1.5).
pub(super) fn asked<'a>(headers: &'a HeaderMap, etag: &str) -> Option<&'a str> {
    let holds = match headers.get(IF_RANGE) {
        None => true,
        Some(condition) => condition.to_str().is_ok_and(|text| if_range_holds(text, etag)),
    };
    headers.get(RANGE).filter(|_| holds).and_then(|range| range.to_str().ok())
}

/// True when `If-Range` names `etag` (RFC 9110 13.1.5: strong comparison; a date never matches, because no
/// `Last-Modified` is sent).
fn if_range_holds(header: &str, etag: &str) -> bool {
    header.trim() == etag
}

/// True when `If-None-Match` names `etag` or is `*` (RFC 9110 13.1.2: weak comparison).
pub(super) fn none_match_fails(header: Option<&str>, etag: &str) -> bool {
    header.is_some_and(|value| {
        value.trim() == "*"
            || value.split(',').any(|one| {
                let one = one.trim();
                one.strip_prefix("W/").unwrap_or(one) == etag
            })
    })
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "one range is what is meant")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parts<const N: usize>(ranges: [Range<u64>; N]) -> Wanted {
        Wanted::Parts(ranges.to_vec())
    }

    #[test]
    fn the_kinds_of_ranges() {
        let len = 10_000;
        for (header, expected) in [
            ("bytes=0-1", parts([0..2])),
            ("bytes=0-0", parts([0..1])),
            ("bytes=0-", parts([0..len])),
            ("bytes=9999-", parts([9999..len])),
            ("bytes=9500-20000", parts([9500..len])),
            ("bytes=-500", parts([9500..len])),
            ("bytes=-20000", parts([0..len])),
            ("Bytes = 5-6", parts([5..7])),
            ("bytes=0-0,-1", parts([0..1, 9999..len])),
            ("bytes= 500-600 , ,700-800,", parts([500..601, 700..801])),
            ("bytes=500-700,601-999", parts([500..1000])),
            ("bytes=9000-9100,0-10,9101-9200", parts([9000..9201, 0..11])),
            ("bytes=0-10,20000-", parts([0..11])),
            ("bytes=99999999999999999999999-", Wanted::Unsatisfiable),
            ("bytes=0-99999999999999999999999", parts([0..len])),
            ("bytes=10000-", Wanted::Unsatisfiable),
            ("bytes=-0", Wanted::Unsatisfiable),
            ("bytes=2-1", Wanted::Whole),
            ("bytes=", Wanted::Whole),
            ("bytes=-", Wanted::Whole),
            ("bytes=--1", Wanted::Whole),
            ("bytes=a-b", Wanted::Whole),
            ("bytes=+1-2", Wanted::Whole),
            ("bytes=1-2;3-4", Wanted::Whole),
            ("seconds=1-2", Wanted::Whole),
            ("bytes 0-1", Wanted::Whole),
            ("", Wanted::Whole),
        ] {
            assert_eq!(wanted(Some(header), len), expected, "{header}");
        }
        assert_eq!(wanted(None, len), Wanted::Whole);
        assert_eq!(wanted(Some("bytes=0-"), 0), Wanted::Unsatisfiable);
    }

    #[test]
    fn a_flood_of_ranges_is_refused() {
        let many: Vec<String> = (0..1000).map(|at| format!("{}-{}", at * 1000, at * 1000)).collect();
        assert_eq!(wanted(Some(&format!("bytes={}", many.join(","))), 10_000_000), Wanted::Unsatisfiable);
        let same = vec!["0-"; 1000].join(",");
        assert_eq!(wanted(Some(&format!("bytes={same}")), 100), parts([0..100]));
    }

    #[test]
    fn conditions() {
        let with = |condition: Option<&[u8]>| {
            let mut headers = HeaderMap::new();
            headers.insert(RANGE, "bytes=0-1".parse().unwrap());
            if let Some(condition) = condition {
                headers.insert(IF_RANGE, warp::http::HeaderValue::from_bytes(condition).unwrap());
            }
            asked(&headers, "\"a\"").is_some()
        };
        assert!(with(None) && with(Some(b"\"a\"")));
        assert!(!with(Some(b"W/\"a\"")) && !with(Some(b"Wed, 21 Oct 2026 07:28:00 GMT")));
        assert!(!with(Some(b"\xe9")), "what cannot be read does not hold");
        assert!(none_match_fails(Some("\"b\", W/\"a\""), "\"a\""));
        assert!(none_match_fails(Some("*"), "\"a\""));
        assert!(!none_match_fails(Some("\"b\""), "\"a\""));
        assert!(!none_match_fails(None, "\"a\""));
    }

    proptest! {
        #[test]
        fn no_header_breaks_it(header in "\\PC{0,60}", len in any::<u64>()) {
            check(&wanted(Some(&header), len), len)?;
        }

        #[test]
        fn near_the_grammar(header in "bytes=[0-9,\\- ]{0,80}", len in 0_u64..3000) {
            check(&wanted(Some(&header), len), len)?;
        }

        /// Every byte asked for is in a part, and no part starts or ends where nobody asked.
        #[test]
        fn parts_cover_what_was_asked(specs in prop::collection::vec((0_u64..5000, 0_u64..400), 1..12), len in 1_u64..5000) {
            let header: Vec<String> = specs.iter().map(|(at, more)| format!("{at}-{}", at + more)).collect();
            let asked: Vec<Range<u64>> = specs
                .iter()
                .map(|(at, more)| *at..(at + more + 1).min(len))
                .filter(|range| range.start < range.end)
                .collect();
            match wanted(Some(&format!("bytes={}", header.join(","))), len) {
                Wanted::Parts(parts) => {
                    for range in &asked {
                        prop_assert!(parts.iter().any(|part| part.start <= range.start && range.end <= part.end));
                    }
                    for part in &parts {
                        prop_assert!(asked.iter().any(|range| range.start == part.start));
                        prop_assert!(asked.iter().any(|range| range.end == part.end));
                    }
                }
                Wanted::Unsatisfiable => prop_assert!(asked.is_empty()),
                Wanted::Whole => prop_assert!(false, "a valid header was ignored"),
            }
        }
    }

    fn check(wanted: &Wanted, len: u64) -> Result<(), TestCaseError> {
        if let Wanted::Parts(parts) = wanted {
            prop_assert!(!parts.is_empty() && parts.len() <= MAX_PARTS);
            for (at, part) in parts.iter().enumerate() {
                prop_assert!(part.start < part.end && part.end <= len);
                for other in &parts[at + 1..] {
                    prop_assert!(part.end <= other.start || other.end <= part.start);
                }
            }
        }
        Ok(())
    }
}
