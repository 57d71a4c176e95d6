//! AV1 as samples have it: without temporal delimiters (AV1 Codec ISO Media File Format Binding 2.4).

use bytes::Bytes;

/// `OBU_TEMPORAL_DELIMITER` (AV1 Bitstream and Decoding Process Specification 6.2.2).
const TEMPORAL_DELIMITER: u8 = 2;

/// The temporal unit without its delimiters; as it is when it has none, or is damaged.
pub(super) fn without_delimiters(unit: &Bytes) -> Bytes {
    let mut kept: Vec<&[u8]> = Vec::new();
    let mut dropped = false;
    let mut rest = unit.as_ref();
    while !rest.is_empty() {
        let Some((kind, len)) = obu(rest) else { return unit.clone() };
        let (now, later) = rest.split_at(len.min(rest.len()));
        if kind == TEMPORAL_DELIMITER {
            dropped = true
        } else {
            kept.push(now)
        }
        rest = later;
    }
    if dropped { kept.concat().into() } else { unit.clone() }
}

/// The type of the OBU that `data` begins with, and its length (5.3).
fn obu(data: &[u8]) -> Option<(u8, usize)> {
    let header = *data.first()?;
    let extended = usize::from(header >> 2 & 1);
    let kind = header >> 3 & 15;
    if header & 2 == 0 {
        return Some((kind, data.len()));
    }
    let size = data.get(1 + extended..)?;
    let (mut len, mut bytes) = (0usize, 0);
    for byte in size.iter().take(5) {
        len |= usize::from(byte & 0x7f).checked_shl(7 * bytes)?;
        bytes += 1;
        if byte & 0x80 == 0 {
            let total = len.checked_add(1 + extended + bytes as usize)?;
            return (total <= data.len()).then_some((kind, total));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters_go_and_all_else_stays() {
        let unit = Bytes::from_static(&[0x12, 0, 0x0a, 1, 7, 0x32, 2, 8, 9]);
        assert_eq!(without_delimiters(&unit).as_ref(), [0x0a, 1, 7, 0x32, 2, 8, 9]);
        let plain = unit.slice(2..);
        assert_eq!(without_delimiters(&plain), plain);
        // The last may go without its size; an extension is a byte more.
        let open = Bytes::from_static(&[0x16, 0, 0, 0x30, 1, 2, 3]);
        assert_eq!(without_delimiters(&open).as_ref(), [0x30, 1, 2, 3]);
        for damaged in [&[0x12][..], &[0x12, 9, 0], &[0x12, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0]] {
            assert_eq!(without_delimiters(&Bytes::copy_from_slice(damaged)).as_ref(), damaged);
        }
        assert!(without_delimiters(&Bytes::new()).is_empty());
    }
}
