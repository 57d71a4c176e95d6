//! Network abstraction layer units, which H.264 and HEVC share (ITU-T H.264 and H.265 annex B and 7.4; ISO/IEC
//! 14496-15 5.3.2).

use crate::error::Error;
use crate::reader::Reader;
use bytes::Bytes;

/// Takes the emulation prevention bytes out (H.264 7.4.1, H.265 7.4.2).
pub(crate) fn unescape(nal: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(nal.len());
    let mut zeros = 0;
    for &byte in nal {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        out.push(byte);
    }
    out
}

/// The NAL units of a length-prefixed access unit, without their lengths.
///
/// A length that reaches past the end ends the list: what came before it is kept.
pub fn nal_units(access_unit: &[u8], length_size: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = access_unit;
    let size = usize::from(length_size);
    std::iter::from_fn(move || {
        loop {
            let (length, tail) = rest.split_at_checked(size)?;
            let length = length.iter().fold(0usize, |sum, byte| sum << 8 | usize::from(*byte));
            let (nal, tail) = tail.split_at_checked(length)?;
            rest = tail;
            if !nal.is_empty() {
                return Some(nal);
            }
        }
    })
}

/// True when `data` begins with a start code (annex B).
pub(crate) fn begins_with_start_code(data: &[u8]) -> bool {
    data.starts_with(&[0, 0, 1]) || data.starts_with(&[0, 0, 0, 1])
}

/// The NAL units of a byte stream (annex B), without start codes and the zeros around them.
pub fn byte_stream_units(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    let start_code = |data: &[u8]| data.windows(3).position(|window| window == [0, 0, 1]);
    let mut rest = start_code(stream).and_then(|at| stream.get(at + 3..));
    std::iter::from_fn(move || {
        loop {
            let data = rest?;
            let end = start_code(data);
            rest = end.and_then(|at| data.get(at + 3..));
            let unit = data.get(..end.unwrap_or(data.len()))?;
            // A NAL unit never ends with a zero byte (7.4.1): these are trailing_zero_8bits.
            let len = unit.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            match unit.get(..len) {
                Some(unit) if !unit.is_empty() => return Some(unit),
                _ => {}
            }
        }
    })
}

/// A byte stream's access unit with a length of four bytes in front of each NAL unit.
pub fn length_prefixed(stream: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(stream.len() + 16);
    for unit in byte_stream_units(stream) {
        let length = u32::try_from(unit.len()).unwrap_or(u32::MAX);
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(unit);
    }
    out.into()
}

/// `count` NAL units, each behind a length of 16 bits, as configuration records have them; empty ones are left
/// out.
pub(crate) fn sets(record: &Bytes, reader: &mut Reader<'_>, count: usize) -> Result<Vec<Bytes>, Error> {
    if count > MAX_SETS {
        return Err(Error::limit("parameter sets of the video", reader.at()));
    }
    let mut sets = Vec::with_capacity(count);
    for _ in 0..count {
        let length = usize::from(reader.u16()?);
        let set = reader.take(length)?;
        if !set.is_empty() {
            sets.push(record.slice_ref(set));
        }
    }
    Ok(sets)
}

/// Parameter sets of one kind in one configuration; H.264 allows 31 + 255, HEVC 16 + 16 + 64.
pub(crate) const MAX_SETS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_length_past_the_end_keeps_what_came_before() {
        let unit = [0, 0, 0, 2, 0x65, 1, 0, 0, 0, 9, 0x41];
        assert_eq!(nal_units(&unit, 4).collect::<Vec<_>>(), [&[0x65, 1][..]]);
        assert_eq!(nal_units(&[0, 0, 1, 7, 0, 0, 2, 8, 9], 3).collect::<Vec<_>>(), [&[7][..], &[8, 9]]);
    }

    #[test]
    fn start_codes_of_both_lengths_and_zeros_around_them() {
        let stream = [0, 0, 0, 1, 0x67, 1, 0, 0, 1, 0x68, 2, 0, 0, 0, 0, 1, 0x65, 3, 0];
        let units: Vec<_> = byte_stream_units(&stream).collect();
        assert_eq!(units, [&[0x67, 1][..], &[0x68, 2], &[0x65, 3]]);
        let prefixed = length_prefixed(&stream);
        assert_eq!(nal_units(&prefixed, 4).collect::<Vec<_>>(), units);
        assert_eq!(byte_stream_units(&[1, 2, 3]).count(), 0);
    }

    #[test]
    fn emulation_prevention() {
        assert_eq!(unescape(&[0, 0, 3, 1, 0, 0, 3, 0, 0, 3]), [0, 0, 1, 0, 0, 0, 0]);
    }

    proptest! {
        #[test]
        fn any_bytes(data in proptest::collection::vec(0u8..4, 0..300), size in 1u8..=4) {
            let held: usize = nal_units(&data, size).map(<[u8]>::len).sum();
            prop_assert!(held <= data.len());
            let prefixed = length_prefixed(&data);
            prop_assert!(prefixed.len() <= data.len() / 3 + data.len());
            let expected: Vec<_> = byte_stream_units(&data).collect();
            prop_assert_eq!(nal_units(&prefixed, 4).collect::<Vec<_>>(), expected);
        }
    }
}
