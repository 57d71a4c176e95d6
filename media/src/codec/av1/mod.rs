//! AV1: the configuration record (AV1 Codec ISO Media File Format Binding 2.3) and the sequence header
//! (AV1 Bitstream and Decoding Process Specification 5.5).

mod sequence;
#[cfg(test)]
mod tests;

use crate::error::Error;
use bytes::Bytes;

pub use sequence::SequenceHeader;

/// OBUs that are looked at in one temporal unit.
const MAX_OBUS: usize = 16 << 10;
/// Bytes of a sequence header that is put into a record; real ones have about 12.
const MAX_SEQUENCE_HEADER: usize = 4 << 10;

/// OBU types (AV1 6.2.2).
mod obu {
    pub(super) const SEQUENCE_HEADER: u8 = 1;
    pub(super) const TEMPORAL_DELIMITER: u8 = 2;
}

/// An AV1CodecConfigurationRecord.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Av1Config {
    /// The record, for the `av1C` box.
    pub record: Bytes,
    /// Bits of a luma sample.
    pub bit_depth: u8,
}

impl Av1Config {
    /// Reads an `av1C` box's payload or a Matroska CodecPrivate, and the sequence header in it.
    ///
    /// # Errors
    /// `Malformed` or `Truncated` when it is no such record; `Unsupported` when it holds no sequence header, which
    /// is then only inside the stream: [`Av1Config::learn`].
    pub fn parse(record: &Bytes) -> Result<(Self, SequenceHeader), Error> {
        let [0x81, _, _, _, obus @ ..] = record.as_ref() else {
            return Err(Error::malformed("AV1 configuration (av1C)", 0));
        };
        let sequence = sequence_header(obus)?;
        let header = SequenceHeader::parse(sequence.payload)?;
        Ok((Self { record: record.clone(), bit_depth: header.picture.bit_depth }, header))
    }

    /// A record without a sequence header; `None` when it is none at all.
    pub fn of_flags(record: &Bytes) -> Option<Self> {
        let [0x81, profile, flags, ..] = record.first_chunk::<4>()? else { return None };
        let bit_depth = match (flags >> 6 & 1, flags >> 5 & 1) {
            (0, _) => 8,
            (_, 0) => 10,
            _ => 12,
        };
        (profile >> 5 <= 2).then(|| Self { record: record.clone(), bit_depth })
    }

    /// Makes the record out of the sequence header in a random access point.
    ///
    /// # Errors
    /// `Unsupported` when there is none, else what is wrong with it.
    pub fn learn(sample: &[u8]) -> Result<(Self, SequenceHeader), Error> {
        let sequence = sequence_header(sample)?;
        let header = SequenceHeader::parse(sequence.payload)?;
        let bit_depth = header.picture.bit_depth;
        let flags = u8::from(header.tier) << 7
            | u8::from(bit_depth > 8) << 6
            | u8::from(bit_depth == 12) << 5
            | u8::from(header.monochrome) << 4
            | u8::from(header.subsampling.0) << 3
            | u8::from(header.subsampling.1) << 2
            | header.chroma_position;
        let mut record = vec![0x81, header.profile << 5 | header.level, flags, 0];
        // The OBU in a record has a size (2.3.4).
        record.push(obu::SEQUENCE_HEADER << 3 | 2);
        write_leb128(&mut record, sequence.payload.len());
        record.extend_from_slice(sequence.payload);
        Ok((Self { record: record.into(), bit_depth }, header))
    }

    /// RFC 6381 name, for example `av01.0.04M.08` (AV1 ISO binding 5).
    pub fn rfc6381(&self) -> String {
        let [_, profile, tier, _] = self.record.first_chunk::<4>().unwrap_or(&[0; 4]);
        let letter = if tier & 0x80 == 0 { 'M' } else { 'H' };
        format!("av01.{}.{:02}{letter}.{:02}", profile >> 5, profile & 31, self.bit_depth)
    }
}

/// A temporal unit as ISO files and Matroska have it: without temporal delimiters (AV1 ISO binding 2.4).
///
/// The same bytes when there is none, or when they are no OBUs.
pub fn without_delimiters(sample: &Bytes) -> Bytes {
    let is_delimiter = |obu: &Obu<'_>| obu.kind == obu::TEMPORAL_DELIMITER;
    let found = obus(sample).take(MAX_OBUS).filter(is_delimiter).count();
    if found == 0 {
        return sample.clone();
    }
    let leading: usize = obus(sample).take_while(is_delimiter).map(|obu| obu.whole.len()).sum();
    let leading_count = obus(sample).take(MAX_OBUS).take_while(is_delimiter).count();
    if leading_count == found {
        return sample.slice(leading.min(sample.len())..);
    }
    let mut out = Vec::with_capacity(sample.len());
    let mut end = 0;
    for obu in obus(sample).take(MAX_OBUS) {
        end += obu.whole.len();
        if !is_delimiter(&obu) {
            out.extend_from_slice(obu.whole);
        }
    }
    out.extend_from_slice(sample.get(end..).unwrap_or_default());
    out.into()
}

/// An open bitstream unit (AV1 5.3).
struct Obu<'a> {
    kind: u8,
    payload: &'a [u8],
    /// With its header and size.
    whole: &'a [u8],
}

/// The OBUs of a temporal unit; they end at the first that is cut off. One without a size takes all the rest.
fn obus(data: &[u8]) -> impl Iterator<Item = Obu<'_>> {
    let mut rest = data;
    std::iter::from_fn(move || {
        let header = *rest.first()?;
        if header & 0x80 != 0 {
            return None; // obu_forbidden_bit
        }
        let mut at = if header & 4 == 0 { 1 } else { 2 };
        let mut size = rest.len().checked_sub(at)?;
        if header & 2 != 0 {
            let (value, width) = leb128(rest.get(at..)?)?;
            at += width;
            size = usize::try_from(value).ok()?;
        }
        let whole = rest.get(..at.checked_add(size)?)?;
        let payload = whole.get(at..)?;
        rest = rest.get(whole.len()..)?;
        Some(Obu { kind: header >> 3 & 15, payload, whole })
    })
}

fn sequence_header(data: &[u8]) -> Result<Obu<'_>, Error> {
    obus(data)
        .take(MAX_OBUS)
        .find(|obu| obu.kind == obu::SEQUENCE_HEADER && obu.payload.len() <= MAX_SEQUENCE_HEADER)
        .ok_or(Error::unsupported("AV1 without a sequence header"))
}

/// `leb128()` (AV1 4.10.5): the value, and the bytes it takes.
fn leb128(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0u64;
    for (index, byte) in bytes.iter().take(8).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, index + 1));
        }
    }
    None
}

fn write_leb128(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push(0x80 | u8::try_from(value & 0x7f).unwrap_or(0));
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap_or(0));
}
