//! Transport packets (ISO/IEC 13818-1 2.4.3.2).
//!
//! Continuity counters must run on from segment to segment (RFC 8216bis 3.1.1), while segments are made
//! independently. So every stream starts at 0 and is brought to a multiple of 16 packets: the end of its last
//! PES packet is spread over more packets, one byte in each, filled up by adaptation fields of 182 bytes,
//! which is legal where an empty packet that counts would not be. It costs at most 15 packets a stream.

use super::pes::wrap;
use crate::time::Time90k;
use bytes::Bytes;

/// Bytes of a packet.
pub(super) const PACKET: usize = 188;
/// Bytes of a packet behind its header.
pub(super) const PAYLOAD: usize = PACKET - 4;

/// What the first packet of a PES packet carries in its adaptation field.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct FirstPacket {
    /// The program clock at this packet.
    pub(super) pcr: Option<Time90k>,
    /// A decoder can start here.
    pub(super) random_access: bool,
}

/// Writes PES packets as transport packets.
pub(super) struct Packetizer {
    out: Vec<u8>,
    /// Payload packets written so far: video, audio.
    counts: [u64; 2],
}

impl Packetizer {
    /// With room for `capacity` bytes.
    pub(super) fn new(capacity: usize) -> Self {
        Self { out: Vec::with_capacity(capacity), counts: [0; 2] }
    }

    /// What is written so far.
    pub(super) const fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    pub(super) fn finish(self) -> Bytes {
        self.out.into()
    }

    /// Writes one PES packet: `slices` in a row, `len` bytes in all. `last` says that it is the stream's last
    /// one in this segment.
    pub(super) fn write_pes<'a>(
        &mut self,
        pid: u16,
        first: FirstPacket,
        slices: impl Iterator<Item = &'a [u8]>,
        len: usize,
        last: bool,
    ) {
        let Some(count) = self.counts.get_mut(usize::from(pid & 1)) else { return };
        let field = AdaptationField::new(first);
        let needed = 1 + len.saturating_sub(PAYLOAD - field.len()).div_ceil(PAYLOAD) as u64;
        let stretch = if last { (*count + needed).wrapping_neg() & 15 } else { 0 };
        let packets = needed + stretch;
        let counter = *count;
        *count += packets;

        let [pid_high, pid_low] = pid.to_be_bytes();
        let mut source = Gather { slices, current: &[] };
        let mut left = len;
        for packet in 0..packets {
            let field = if packet == 0 { field } else { AdaptationField::default() };
            // Every packet still to come needs a byte.
            let later = usize::try_from(packets - 1 - packet).unwrap_or(0);
            let payload = (PAYLOAD - field.len()).min(left.saturating_sub(later));
            left -= payload;
            let stuffing = PAYLOAD - field.len() - payload;
            let unit_start = if packet == 0 { 0x40 } else { 0 };
            let control = if field.len() + stuffing > 0 { 0x30 } else { 0x10 };
            let low_bits = u8::try_from((counter + packet) & 15).unwrap_or(0);
            self.out.extend_from_slice(&[0x47, unit_start | pid_high, pid_low, control | low_bits]);
            field.write(&mut self.out, stuffing);
            source.copy(&mut self.out, payload);
        }
    }
}

/// An adaptation field without its stuffing (2.4.3.4).
#[derive(Debug, Clone, Copy, Default)]
struct AdaptationField {
    flags: u8,
    pcr: Option<[u8; 6]>,
}

impl AdaptationField {
    fn new(first: FirstPacket) -> Self {
        let random_access = if first.random_access { 0x40 } else { 0 };
        let pcr_flag = if first.pcr.is_some() { 0x10 } else { 0 };
        Self { flags: random_access | pcr_flag, pcr: first.pcr.map(clock_reference) }
    }

    /// Bytes that it takes by itself, its length field included; 0 when there is nothing to say.
    const fn len(&self) -> usize {
        match (self.pcr, self.flags) {
            (Some(_), _) => 8,
            (None, 0) => 0,
            (None, _) => 2,
        }
    }

    /// Appends it with `stuffing` bytes more.
    fn write(&self, out: &mut Vec<u8>, stuffing: usize) {
        let total = self.len() + stuffing;
        let Some(length) = total.checked_sub(1) else { return };
        out.push(u8::try_from(length).unwrap_or(0));
        if length == 0 {
            return;
        }
        let end = out.len() + length;
        out.push(self.flags);
        out.extend_from_slice(self.pcr.as_ref().map_or(&[], |pcr| pcr.as_slice()));
        out.resize(end, 0xff);
    }
}

/// 33 bits of 90 kHz, six reserved bits of 1, nine bits of 27 MHz, which stay 0 (2.4.3.5).
fn clock_reference(time: Time90k) -> [u8; 6] {
    let [.., a, b, c, d, e, f] = (wrap(time) << 15 | 0x7e00).to_be_bytes();
    [a, b, c, d, e, f]
}

/// Copies out of a list of slices.
struct Gather<'a, I> {
    slices: I,
    current: &'a [u8],
}

impl<'a, I: Iterator<Item = &'a [u8]>> Gather<'a, I> {
    fn copy(&mut self, out: &mut Vec<u8>, mut count: usize) {
        while count > 0 {
            if self.current.is_empty() {
                match self.slices.next() {
                    Some(slice) => self.current = slice,
                    None => return,
                }
                continue;
            }
            let (now, later) = self.current.split_at(count.min(self.current.len()));
            out.extend_from_slice(now);
            count -= now.len();
            self.current = later;
        }
    }
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "small numbers")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn payload_of(packet: &[u8]) -> &[u8] {
        match packet[3] & 0x30 {
            0x10 => &packet[4..],
            0x30 => {
                assert!(packet[4] <= 182, "an adaptation field with payload is at most 182 bytes");
                &packet[5 + usize::from(packet[4])..]
            }
            _ => &[],
        }
    }

    proptest! {
        #[test]
        fn payload_survives_and_the_count_ends_on_a_multiple_of_16(
            sizes in proptest::collection::vec(20usize..4000, 1..40),
            pcr in any::<bool>(),
        ) {
            let mut packets = Packetizer::new(0);
            let data: Vec<Vec<u8>> = sizes.iter().enumerate().map(|(n, size)| vec![n as u8; *size]).collect();
            for (number, bytes) in data.iter().enumerate() {
                let first = FirstPacket { pcr: pcr.then_some(Time90k(77)), random_access: number == 0 };
                let (a, b) = bytes.split_at(bytes.len() / 3);
                packets.write_pes(0x100, first, [a, b].into_iter(), bytes.len(), number + 1 == data.len());
            }
            let out = packets.finish();
            prop_assert_eq!(out.len() % PACKET, 0);
            let all: Vec<&[u8]> = out.chunks(PACKET).collect();
            prop_assert_eq!(all.len() % 16, 0);
            let mut joined = Vec::new();
            for (number, packet) in all.iter().enumerate() {
                prop_assert_eq!(packet[0], 0x47);
                prop_assert_eq!(usize::from(packet[3] & 15), number & 15);
                prop_assert!(!payload_of(packet).is_empty());
                joined.extend_from_slice(payload_of(packet));
            }
            prop_assert_eq!(joined, data.concat());
        }
    }

    #[test]
    fn the_clock_reference_sets_its_reserved_bits() {
        assert_eq!(clock_reference(Time90k(0)), [0, 0, 0, 0, 0x7e, 0]);
        assert_eq!(clock_reference(Time90k((1 << 33) - 1)), [0xff, 0xff, 0xff, 0xff, 0xfe, 0]);
    }
}
