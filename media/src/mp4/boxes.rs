//! Boxes (ISO/IEC 14496-12 4.2): finding them in a file and walking those inside one another.

use crate::error::Error;
use crate::reader::Reader;
use crate::source::{ByteSource, Stop};
use bytes::Bytes;

/// A box at the top level of the file.
#[derive(Debug)]
pub(crate) struct BoxHeader {
    pub(crate) kind: [u8; 4],
    /// Offset of the first byte behind the header.
    pub(crate) payload: u64,
    /// Offset of the first byte behind the box; may lie past the end of a file that was cut short.
    pub(crate) end: u64,
}

impl BoxHeader {
    /// Reads the header at `at`, which must be inside the file.
    pub(crate) fn read(src: &dyn ByteSource, at: u64) -> Result<Self, Stop> {
        let bytes = src.read(at..src.len().min(at.saturating_add(16)))?;
        let mut reader = Reader::new(&bytes, at);
        let size = reader.u32()?;
        let kind = reader.u32()?.to_be_bytes();
        let (header_len, size) = match size {
            // Some writers leave room for a longer header so.
            0 if matches!(&kind, b"free" | b"skip" | b"wide") => (8, 8),
            0 => (8, src.len() - at),
            1 => (16, reader.u64()?),
            size => (8, u64::from(size)),
        };
        if size < header_len {
            return Err(Error::malformed("a box is smaller than its header", at).into());
        }
        let end = at.checked_add(size).ok_or_else(|| Error::malformed("a box size", at))?;
        Ok(Self { kind, payload: at + header_len, end })
    }

    pub(crate) const fn payload_len(&self) -> u64 {
        self.end.saturating_sub(self.payload)
    }
}

/// A box whose payload is in memory.
#[derive(Debug, Clone)]
pub(crate) struct Child {
    pub(crate) kind: [u8; 4],
    pub(crate) payload: Bytes,
    /// Offset of the payload in the file.
    pub(crate) at: u64,
}

impl Child {
    /// The boxes in this one.
    pub(crate) fn children(&self) -> impl Iterator<Item = Self> + use<> {
        children(&self.payload, self.at)
    }

    /// The first box of `kind` in this one.
    pub(crate) fn child(&self, kind: &[u8; 4]) -> Option<Self> {
        self.children().find(|child| child.kind == *kind)
    }

    /// The payload behind the version and flags of a full box (4.2.2), and the version.
    pub(crate) fn full(&self) -> Result<(u8, Reader<'_>), Error> {
        let mut reader = Reader::new(&self.payload, self.at);
        let version = reader.u8()?;
        reader.skip(3)?;
        Ok((version, reader))
    }
}

/// The boxes in `payload`, which begins at `base` in the file.
///
/// Ends at the first thing that is no box: QuickTime closes some lists with four zero bytes.
pub(crate) fn children(payload: &Bytes, base: u64) -> impl Iterator<Item = Child> + use<> {
    let payload = payload.clone();
    let mut pos = 0;
    std::iter::from_fn(move || {
        let rest = payload.get(pos..)?;
        let mut reader = Reader::new(rest, base + pos as u64);
        let size = reader.u32().ok()?;
        let kind = reader.u32().ok()?.to_be_bytes();
        let (header_len, size) = match size {
            0 => (8, rest.len()),
            1 => (16, usize::try_from(reader.u64().ok()?).ok()?),
            size => (8, usize::try_from(size).ok()?),
        };
        if size < header_len || size > rest.len() {
            return None;
        }
        let child = Child {
            kind,
            payload: payload.slice(pos + header_len..pos + size),
            at: base + (pos + header_len) as u64,
        };
        pos += size;
        Some(child)
    })
}

/// The timescale of `mvhd` and `mdhd` (8.2.2, 8.4.2), which begin alike.
pub(crate) fn full_header_timescale(header: &Child) -> Result<u32, Error> {
    let (version, mut reader) = header.full()?;
    reader.skip(if version == 1 { 16 } else { 8 })?; // creation and modification time
    reader.u32()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walking_ends_at_a_lying_size_and_at_a_terminator() {
        let payload = Bytes::from_static(b"\0\0\0\x09abcdX\0\0\0\0");
        let kinds: Vec<_> = children(&payload, 0).map(|child| child.kind).collect();
        assert_eq!(kinds, [*b"abcd"]);
        let lying = Bytes::from_static(b"\0\0\0\x20abcdX");
        assert_eq!(children(&lying, 0).count(), 0);
        let tiny = Bytes::from_static(b"\0\0\0\x07abcdX");
        assert_eq!(children(&tiny, 0).count(), 0);
    }

    #[test]
    fn large_sizes_do_not_overflow() {
        let file = Bytes::from_static(b"\0\0\0\x01mdat\xff\xff\xff\xff\xff\xff\xff\xff");
        assert!(BoxHeader::read(&file, 0).is_ok());
        let file = Bytes::from_static(b"AAAA\0\0\0\x01mdat\xff\xff\xff\xff\xff\xff\xff\xff");
        assert!(matches!(BoxHeader::read(&file, 4), Err(Stop::Fail(_))));
    }
}
