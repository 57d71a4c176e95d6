//! HEVC: decoder configuration (ISO/IEC 14496-15 8.3.3.1) and the parameter sets (ITU-T H.265 7.3.2).

mod sps;
#[cfg(test)]
mod tests;

use super::nal::{byte_stream_units, nal_units, sets};
use crate::error::Error;
use crate::reader::Reader;
use bytes::Bytes;

pub use sps::Sps;

/// Bytes in front of the arrays.
const HEADER: usize = 22;
/// Bytes of all parameter sets; real ones have about 150.
const MAX_SETS_LEN: usize = 64 << 10;
/// NAL units of one access unit that are looked at.
const MAX_UNITS: usize = 16 << 10;

/// NAL unit types (H.265 table 7-1).
mod nal {
    pub(super) const VPS: u8 = 32;
    pub(super) const SPS: u8 = 33;
    pub(super) const PPS: u8 = 34;
    pub(super) const PREFIX_SEI: u8 = 39;
    pub(super) const SUFFIX_SEI: u8 = 40;
}

/// What a record has arrays of, in this order (ISO/IEC 14496-15 8.3.3.1.1).
const KINDS: [u8; 5] = [nal::VPS, nal::SPS, nal::PPS, nal::PREFIX_SEI, nal::SUFFIX_SEI];

/// An HEVCDecoderConfigurationRecord with all parameter sets that decoding needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HevcConfig {
    /// The record, for the `hvcC` box: complete, so that the sample entry may be `hvc1`.
    pub record: Bytes,
    /// Bytes of the length in front of each NAL unit: 1, 2 or 4 (3 is not forbidden to hostile files).
    pub length_size: u8,
    /// How many pictures may precede a picture in decoding order and follow it in output order
    /// (`sps_max_num_reorder_pics`).
    pub reorder_depth: u32,
    /// Bits of a luma sample.
    pub bit_depth: u8,
}

impl HevcConfig {
    /// Reads an `hvcC` box's payload or a Matroska CodecPrivate.
    ///
    /// # Errors
    /// `Malformed` or `Truncated` when it is no such record; `Unsupported` when it lacks parameter sets, for they
    /// are then only inside the stream: [`HevcConfig::learn`].
    pub fn parse(record: &Bytes) -> Result<(Self, Sps), Error> {
        Parts::read(record)?.finish()
    }

    /// Makes the record out of a byte stream (annex B) that holds parameter sets; samples are to have lengths of
    /// four bytes.
    ///
    /// # Errors
    /// As in [`HevcConfig::learn`].
    pub fn of_byte_stream(stream: &[u8]) -> Result<(Self, Sps), Error> {
        let mut parts = Parts::empty(4);
        parts.add(byte_stream_units(stream));
        parts.finish()
    }

    /// Completes a record, which may be empty, with the parameter sets of a random access point (`hev1`,
    /// ISO/IEC 14496-15 8.4.1): kinds of which the record has none.
    ///
    /// # Errors
    /// `Unsupported` when the sample does not bring them either, else what is wrong with them.
    pub fn learn(record: &Bytes, sample: &[u8]) -> Result<(Self, Sps), Error> {
        let mut parts = Parts::read(record).unwrap_or_else(|_| Parts::empty(4));
        parts.add(nal_units(sample, parts.length_size));
        parts.finish()
    }

    /// RFC 6381 name, for example `hvc1.2.4.L120.90` (ISO/IEC 14496-15 annex E.3).
    pub fn rfc6381(&self) -> String {
        let [_, profile, a, b, c, d, constraints @ .., level] =
            self.record.first_chunk::<13>().unwrap_or(&[0; 13]);
        let space = ["", "A", "B", "C"].get(usize::from(profile >> 6)).unwrap_or(&"");
        let tier = if profile & 0x20 == 0 { 'L' } else { 'H' };
        let compatibility = u32::from_be_bytes([*a, *b, *c, *d]).reverse_bits();
        let mut name = format!("hvc1.{space}{}.{compatibility:X}.{tier}{level}", profile & 31);
        let used = constraints.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        for byte in constraints.iter().take(used) {
            name.push_str(&format!(".{byte:X}"));
        }
        name
    }
}

/// A record taken apart.
struct Parts {
    header: [u8; HEADER],
    length_size: u8,
    /// NAL units of each of `KINDS`.
    units: [Vec<Bytes>; 5],
}

impl Parts {
    /// A header that says nothing yet: no limit on segmentation, parallelism and frame rate unknown.
    fn empty(length_size: u8) -> Self {
        let mut header = [0; HEADER];
        header[0] = 1;
        header[21] = (length_size - 1) & 3;
        Self { header, length_size, units: Default::default() }
    }

    fn read(record: &Bytes) -> Result<Self, Error> {
        let mut reader = Reader::new(record, 0);
        let header = reader.take(HEADER)?.first_chunk().copied().unwrap_or([0; HEADER]);
        // Old files of the draft have version 0.
        if header[0] > 1 {
            return Err(Error::malformed("HEVC configuration of an unknown version", 0));
        }
        let mut parts = Self { length_size: (header[21] & 3) + 1, header, units: Default::default() };
        for _ in 0..reader.u8().unwrap_or(0) {
            let kind = reader.u8()? & 63;
            let count = usize::from(reader.u16()?);
            let found = sets(record, &mut reader, count)?;
            if let Some(list) = parts.list(kind) {
                list.extend(found);
            }
        }
        Ok(parts)
    }

    fn list(&mut self, kind: u8) -> Option<&mut Vec<Bytes>> {
        KINDS.iter().zip(&mut self.units).find(|(known, _)| **known == kind).map(|(_, list)| list)
    }

    /// Adds parameter sets of the base layer, of the kinds of which there is none yet.
    fn add<'a>(&mut self, units: impl Iterator<Item = &'a [u8]>) {
        let missing = [nal::VPS, nal::SPS, nal::PPS].map(|kind| (kind, self.count(kind) == 0));
        for unit in units.take(MAX_UNITS) {
            let Some([first, second]) = unit.first_chunk() else { continue };
            let kind = first >> 1 & 63;
            let is_base_layer = first & 1 == 0 && second >> 3 == 0;
            if !is_base_layer || !missing.contains(&(kind, true)) {
                continue;
            }
            let Some(list) = self.list(kind) else { continue };
            if list.len() < 16 && list.iter().all(|known| known != unit) {
                list.push(Bytes::copy_from_slice(unit));
            }
        }
    }

    fn count(&self, kind: u8) -> usize {
        KINDS.iter().zip(&self.units).find(|(known, _)| **known == kind).map_or(0, |(_, list)| list.len())
    }

    /// The whole record, each array said to be complete.
    fn finish(mut self) -> Result<(HevcConfig, Sps), Error> {
        if [nal::VPS, nal::SPS, nal::PPS].iter().any(|kind| self.count(*kind) == 0) {
            return Err(Error::unsupported("HEVC without parameter sets"));
        }
        let is_base_layer = |unit: &&Bytes| unit.first().is_some_and(|first| first & 1 == 0);
        let [_, sps, ..] = &self.units;
        let sps = sps.iter().find(is_base_layer).ok_or(Error::unsupported("HEVC without parameter sets"))?;
        let sps = Sps::parse(sps)?;
        self.fill_header(&sps);
        let mut record = self.header.to_vec();
        record.push(u8::try_from(self.units.iter().filter(|list| !list.is_empty()).count()).unwrap_or(0));
        for (kind, list) in KINDS.iter().zip(&self.units).filter(|(_, list)| !list.is_empty()) {
            record.push(0x80 | kind);
            record.extend_from_slice(&u16::try_from(list.len()).unwrap_or(u16::MAX).to_be_bytes());
            for unit in list {
                let length = u16::try_from(unit.len()).map_err(|_| TOO_LONG)?;
                record.extend_from_slice(&length.to_be_bytes());
                record.extend_from_slice(unit);
            }
        }
        if record.len() > MAX_SETS_LEN {
            return Err(TOO_LONG);
        }
        let config = HevcConfig {
            record: record.into(),
            length_size: self.length_size,
            reorder_depth: sps.reorder_depth,
            bit_depth: sps.picture.bit_depth,
        };
        Ok((config, sps))
    }

    /// What the SPS tells is taken from there when the header does not say it; what is reserved is set.
    fn fill_header(&mut self, sps: &Sps) {
        let [version, profile_tier_level @ .., _, _, _, _, _, _, _, _, _] = &mut self.header;
        *version = 1;
        if profile_tier_level[0] & 31 == 0 {
            *profile_tier_level = sps.profile_tier_level;
        }
        self.header[13] |= 0xf0;
        self.header[15] |= 0xfc;
        self.header[16] = 0xfc | sps.chroma_format;
        self.header[17] = 0xf8 | (sps.picture.bit_depth - 8);
        self.header[18] = 0xf8 | (sps.chroma_bit_depth - 8);
        if self.header[21] >> 3 & 7 == 0 {
            self.header[21] |= sps.temporal_layers << 3 | u8::from(sps.temporal_id_nested) << 2;
        }
    }
}

const TOO_LONG: Error = Error::limit("HEVC parameter sets", 0);
