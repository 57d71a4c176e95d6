//! PES headers (ISO/IEC 13818-1 2.4.3.6).

use crate::time::Time90k;

/// Sound that fits behind a header in the 16 bits of PES_packet_length.
pub(super) const MAX_AUDIO_PAYLOAD: usize = 0xffff - 8;

/// A header on the stack, 19 bytes at most.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    bytes: [u8; 19],
    len: usize,
}

impl Header {
    pub(super) fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }
}

/// The header of one picture. Its length stays 0, "unbounded", which is allowed for video only.
pub(super) fn video_header(pts: Time90k, dts: Time90k) -> Header {
    let mut bytes = [0; 19];
    // start code, stream_id, PES_packet_length, marker bits with data_alignment_indicator
    bytes[..7].copy_from_slice(&[0, 0, 1, 0xe0, 0, 0, 0x84]);
    if pts == dts {
        (bytes[7], bytes[8]) = (0x80, 5);
        bytes[9..14].copy_from_slice(&timestamp(0b0010, pts));
        return Header { bytes, len: 14 };
    }
    (bytes[7], bytes[8]) = (0xc0, 10);
    bytes[9..14].copy_from_slice(&timestamp(0b0011, pts));
    bytes[14..19].copy_from_slice(&timestamp(0b0001, dts));
    Header { bytes, len: 19 }
}

/// The header of `payload` bytes of sound, at most [`MAX_AUDIO_PAYLOAD`].
pub(super) fn audio_header(pts: Time90k, payload: usize) -> Header {
    let mut bytes = [0; 19];
    let length = u16::try_from(payload + 8).unwrap_or(0).to_be_bytes();
    bytes[..9].copy_from_slice(&[0, 0, 1, 0xc0, length[0], length[1], 0x84, 0x80, 5]);
    bytes[9..14].copy_from_slice(&timestamp(0b0010, pts));
    Header { bytes, len: 14 }
}

/// 33 bits in five bytes, a marker bit behind each part; the only place where time wraps.
fn timestamp(prefix: u8, time: Time90k) -> [u8; 5] {
    let ticks = wrap(time);
    let byte = |shift: u32| (ticks >> shift).to_be_bytes()[7];
    [
        prefix << 4 | (byte(30) & 7) << 1 | 1,
        byte(22),
        (byte(15) & 0x7f) << 1 | 1,
        byte(7),
        (byte(0) & 0x7f) << 1 | 1,
    ]
}

/// Modulo 2^33.
pub(super) fn wrap(time: Time90k) -> u64 {
    time.0.rem_euclid(1 << 33).unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: [u8; 5]) -> u64 {
        let [a, b, c, d, e] = bytes.map(u64::from);
        (a >> 1 & 7) << 30 | b << 22 | (c >> 1) << 15 | d << 7 | e >> 1
    }

    #[test]
    fn timestamps_round_trip_and_wrap() {
        for ticks in [0, 1, 900_000, (1 << 33) - 1, 1 << 30, 0x1_2345_6789] {
            let bytes = timestamp(0b0011, Time90k(ticks));
            assert_eq!(decoded(bytes), ticks as u64);
            assert_eq!((bytes[0] >> 4, bytes[0] & 1, bytes[2] & 1, bytes[4] & 1), (3, 1, 1, 1));
        }
        assert_eq!(decoded(timestamp(2, Time90k((1 << 33) + 5))), 5);
        assert_eq!(decoded(timestamp(2, Time90k(-1))), (1 << 33) - 1);
    }
}
