//! H.264: decoder configuration (ISO/IEC 14496-15 5.3.3.1) and the sequence parameter set (ITU-T H.264 7.3.2.1).

mod sps;
#[cfg(test)]
mod tests;

use crate::error::Error;
use crate::reader::Reader;
use bytes::Bytes;

pub use super::nal::nal_units;
use super::nal::{byte_stream_units, sets};
pub use sps::Sps;

/// Bytes of all of them, which go out with every random access point; real ones have about 50.
const MAX_SETS_LEN: usize = 16 << 10;
/// Parameter sets of a kind that are taken out of a stream.
const MAX_LEARNT: usize = 16;
/// NAL units of one access unit. A picture in slices of one macroblock at level 4.2 has 8,704.
const MAX_UNITS: usize = 16 << 10;

/// An AVCDecoderConfigurationRecord.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AvcConfig {
    /// The record itself, for an `avcC` box.
    pub record: Bytes,
    /// `profile_idc`, `constraint_set` flags and `level_idc`, as RFC 6381 prints them.
    pub profile: [u8; 3],
    /// Bytes of the length in front of each NAL unit: 1, 2 or 4 (3 is not forbidden to hostile files).
    pub length_size: u8,
    /// Sequence parameter sets with their NAL headers, their extensions behind them.
    pub sps: Vec<Bytes>,
    /// Picture parameter sets with their NAL headers.
    pub pps: Vec<Bytes>,
    /// What the first sequence parameter set says.
    pub picture: Sps,
}

impl AvcConfig {
    /// Reads an `avcC` box's payload or a Matroska CodecPrivate.
    ///
    /// # Errors
    /// `Malformed` or `Truncated` when it is no such record; `Unsupported` when it holds no parameter set,
    /// for they are then only inside the stream.
    pub fn parse(record: &Bytes) -> Result<Self, Error> {
        let mut reader = Reader::new(record, 0);
        if reader.u8()? != 1 {
            return Err(Error::malformed("H.264 configuration of an unknown version", 0));
        }
        let profile = [reader.u8()?, reader.u8()?, reader.u8()?];
        let length_size = (reader.u8()? & 3) + 1;
        let sps_count = reader.u8()? & 31;
        let mut sps = sets(record, &mut reader, usize::from(sps_count))?;
        let pps_count = reader.u8()?;
        let pps = sets(record, &mut reader, usize::from(pps_count))?;
        let first = sps.first().ok_or(WITHOUT_SETS)?;
        if pps.is_empty() {
            return Err(WITHOUT_SETS);
        }
        let picture = Sps::parse(first)?;
        // High profiles may go on with chroma format, bit depths and SPS extensions; many writers leave them out.
        if matches!(profile[0], 100 | 110 | 122 | 144) && reader.remaining().len() >= 4 {
            reader.skip(3)?;
            let count = reader.u8()?;
            if let Ok(extensions) = sets(record, &mut reader, usize::from(count)) {
                sps.extend(extensions);
            }
        }
        if sps.iter().chain(&pps).map(|set| set.len()).sum::<usize>() > MAX_SETS_LEN {
            return Err(Error::limit("H.264 parameter sets", 0));
        }
        Ok(Self { record: record.clone(), profile, length_size, sps, pps, picture })
    }

    /// Makes the record out of a random access point's NAL units, for a track whose own has no parameter sets
    /// (`avc3`, ISO/IEC 14496-15 5.4.2), or none that can be read. `record` may be empty.
    ///
    /// # Errors
    /// `Unsupported` when the sample brings none either, else what is wrong with them.
    pub fn learn(record: &[u8], sample: &[u8]) -> Result<Self, Error> {
        let length_size = record.get(4).filter(|_| record.starts_with(&[1])).map_or(4, |byte| (byte & 3) + 1);
        Self::of_units(length_size, nal_units(sample, length_size))
    }

    /// Makes the record out of a byte stream (annex B) that holds parameter sets; samples are to have lengths of
    /// four bytes.
    ///
    /// # Errors
    /// As in [`AvcConfig::learn`].
    pub fn of_byte_stream(stream: &[u8]) -> Result<Self, Error> {
        Self::of_units(4, byte_stream_units(stream))
    }

    fn of_units<'a>(length_size: u8, units: impl Iterator<Item = &'a [u8]>) -> Result<Self, Error> {
        let (mut sps, mut extensions, mut pps) = (Vec::new(), Vec::new(), Vec::new());
        for unit in units.take(MAX_UNITS) {
            let list = match unit.first().map_or(0, |byte| byte & 31) {
                nal::SPS => &mut sps,
                nal::SPS_EXTENSION => &mut extensions,
                nal::PPS => &mut pps,
                _ => continue,
            };
            if !list.contains(&unit) && list.len() < MAX_LEARNT {
                list.push(unit);
            }
        }
        let first = *sps.first().ok_or(WITHOUT_SETS)?;
        let picture = Sps::parse(first)?;
        let [_, profile, constraints, level] = *first.first_chunk::<4>().ok_or(WITHOUT_SETS)?;
        let mut record = vec![1, profile, constraints, level, 0xfc | (length_size - 1)];
        write_sets(&mut record, 0xe0, &sps)?;
        write_sets(&mut record, 0, &pps)?;
        if matches!(profile, 100 | 110 | 122 | 144) {
            let (luma, chroma) = (picture.bit_depth - 8, picture.chroma_bit_depth - 8);
            record.extend([0xfc | picture.chroma_format, 0xf8 | luma, 0xf8 | chroma]);
            write_sets(&mut record, 0, &extensions)?;
        }
        Self::parse(&record.into())
    }

    /// RFC 6381 name, for example `avc1.640028`.
    pub fn rfc6381(&self) -> String {
        let [profile, constraints, level] = self.profile;
        format!("avc1.{profile:02X}{constraints:02X}{level:02X}")
    }
}

const WITHOUT_SETS: Error = Error::unsupported("H.264 without parameter sets");

/// A count, with `reserved` bits set, and the sets behind their lengths.
fn write_sets(record: &mut Vec<u8>, reserved: u8, sets: &[&[u8]]) -> Result<(), Error> {
    record.push(reserved | u8::try_from(sets.len()).unwrap_or(u8::MAX));
    for set in sets {
        let length = u16::try_from(set.len()).map_err(|_| Error::limit("H.264 parameter sets", 0))?;
        record.extend_from_slice(&length.to_be_bytes());
        record.extend_from_slice(set);
    }
    Ok(())
}

/// Bytes that the parameter sets take in front of a random access point, start codes included.
pub(crate) fn sets_len(config: &AvcConfig) -> usize {
    config.sps.iter().chain(&config.pps).map(|set| set.len() + 4).sum()
}

/// NAL unit types (H.264 table 7-1).
mod nal {
    pub(super) const SPS: u8 = 7;
    pub(super) const PPS: u8 = 8;
    pub(super) const ACCESS_UNIT_DELIMITER: u8 = 9;
    pub(super) const FILLER: u8 = 12;
    pub(super) const SPS_EXTENSION: u8 = 13;
}

/// An access unit as a byte stream (H.264 annex B), as a list of slices that are to be written in a row.
///
/// It begins with a delimiter, which MPEG-TS demands (ISO/IEC 13818-1 2.14.1); a random access point also gets
/// the parameter sets of the configuration, unless it brings its own. Delimiters and filler of the source are
/// left out, and so is what follows the first 16,384 units: an access unit of empty ones would otherwise take
/// many times its bytes.
pub fn annex_b<'a>(config: &'a AvcConfig, access_unit: &'a [u8], sync: bool, out: &mut Vec<&'a [u8]>) {
    const START: &[u8] = &[0, 0, 1];
    // Behind the first zero byte of a stream, start codes of three bytes suffice (B.1.2), but parameter sets
    // and the first NAL unit take four.
    const LONG_START: &[u8] = &[0, 0, 0, 1];
    out.push(&[0, 0, 0, 1, nal::ACCESS_UNIT_DELIMITER, 0xf0]);
    let units = || nal_units(access_unit, config.length_size).take(MAX_UNITS);
    let kind = |unit: &[u8]| unit.first().map_or(0, |byte| byte & 31);
    if sync {
        let brings = |wanted| units().any(|unit| kind(unit) == wanted);
        if !(brings(nal::SPS) && brings(nal::PPS)) {
            for set in config.sps.iter().chain(&config.pps) {
                out.push(LONG_START);
                out.push(set);
            }
        }
    }
    for unit in units() {
        match kind(unit) {
            nal::ACCESS_UNIT_DELIMITER | nal::FILLER => continue,
            nal::SPS | nal::PPS => out.push(LONG_START),
            _ => out.push(START),
        }
        out.push(unit);
    }
}
