//! A writer of boxes (ISO/IEC 14496-12 4.2).

/// Boxes one behind the other, growing at the end.
#[derive(Debug, Default)]
pub(super) struct BoxWriter {
    bytes: Vec<u8>,
}

/// Bytes of a box's size and type.
pub(super) const HEADER: usize = 8;

impl BoxWriter {
    /// With room for `capacity` bytes.
    pub(super) fn new(capacity: usize) -> Self {
        Self { bytes: Vec::with_capacity(capacity) }
    }

    pub(super) fn into_bytes(self) -> bytes::Bytes {
        self.bytes.into()
    }

    /// A box with what `body` writes. It stays below 4 GiB: only `mdat` is large, and is written by
    /// [`BoxWriter::header`].
    pub(super) fn boxed(&mut self, kind: &[u8; 4], body: impl FnOnce(&mut Self)) {
        let start = self.bytes.len();
        self.header(kind, 0);
        body(self);
        let size = u32::try_from(self.bytes.len() - start).unwrap_or(u32::MAX);
        if let Some(field) = self.bytes.get_mut(start..start + 4) {
            field.copy_from_slice(&size.to_be_bytes());
        }
    }

    /// A full box (4.2.2): with a version and 24 bits of flags.
    pub(super) fn full(&mut self, kind: &[u8; 4], version: u8, flags: u32, body: impl FnOnce(&mut Self)) {
        self.boxed(kind, |out| {
            out.u32(u32::from(version) << 24 | flags & 0x00ff_ffff);
            body(out);
        });
    }

    /// The header of a box of `size` bytes, itself included, which are then written.
    pub(super) fn header(&mut self, kind: &[u8; 4], size: u32) {
        self.u32(size);
        self.put(kind);
    }

    pub(super) fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn zeros(&mut self, count: usize) {
        self.bytes.resize(self.bytes.len() + count, 0);
    }

    pub(super) fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    pub(super) fn u16(&mut self, value: u16) {
        self.put(&value.to_be_bytes());
    }

    pub(super) fn u32(&mut self, value: u32) {
        self.put(&value.to_be_bytes());
    }

    pub(super) fn i32(&mut self, value: i32) {
        self.put(&value.to_be_bytes());
    }

    pub(super) fn u64(&mut self, value: u64) {
        self.put(&value.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_include_headers_and_what_is_inside() {
        let mut out = BoxWriter::new(0);
        out.boxed(b"abcd", |out| {
            out.full(b"efgh", 1, 0x0102_0304, |out| out.u16(7));
            out.zeros(1);
        });
        let expected = b"\0\0\0\x17abcd\0\0\0\x0eefgh\x01\x02\x03\x04\0\x07\0";
        assert_eq!(out.into_bytes().as_ref(), expected);
    }
}
