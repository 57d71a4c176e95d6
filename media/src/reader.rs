//! Reading fixed-width numbers and bits out of bytes that are already here.

use crate::error::Error;

/// A cursor over a byte slice whose position in the file is known, so that errors can name it.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    data: &'a [u8],
    pos: usize,
    base: u64,
}

impl<'a> Reader<'a> {
    /// Reads `data`, whose first byte is at `base` in the file.
    pub(crate) const fn new(data: &'a [u8], base: u64) -> Self {
        Self { data, pos: 0, base }
    }

    /// Position in the file of the next byte.
    pub(crate) const fn at(&self) -> u64 {
        self.base.saturating_add(self.pos as u64)
    }

    pub(crate) fn remaining(&self) -> &'a [u8] {
        self.data.get(self.pos..).unwrap_or_default()
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], Error> {
        let taken =
            self.remaining().get(..count).ok_or_else(|| Error::truncated("a field is cut off", self.at()))?;
        self.pos += count;
        Ok(taken)
    }

    pub(crate) fn skip(&mut self, count: usize) -> Result<(), Error> {
        self.take(count).map(|_| ())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Error> {
        self.array().map(u8::from_be_bytes)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Error> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Error> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Error> {
        self.array().map(u64::from_be_bytes)
    }
}

/// A cursor over bits, most significant first.
#[derive(Debug, Clone)]
pub(crate) struct BitReader<'a> {
    data: &'a [u8],
    bit: usize,
}

impl<'a> BitReader<'a> {
    pub(crate) const fn new(data: &'a [u8]) -> Self {
        Self { data, bit: 0 }
    }

    pub(crate) fn flag(&mut self) -> Result<bool, Error> {
        let byte = self.data.get(self.bit / 8).ok_or(Error::truncated("a bit field is cut off", 0))?;
        let flag = byte >> (7 - self.bit % 8) & 1 == 1;
        self.bit += 1;
        Ok(flag)
    }

    /// Eight bits.
    pub(crate) fn byte(&mut self) -> Result<u8, Error> {
        Ok(u8::try_from(self.bits(8)?).unwrap_or(u8::MAX))
    }

    /// `count` bits, at most 32.
    pub(crate) fn bits(&mut self, count: u32) -> Result<u32, Error> {
        let mut value = 0;
        for _ in 0..count {
            value = value << 1 | u32::from(self.flag()?);
        }
        Ok(value)
    }

    pub(crate) fn skip(&mut self, count: u32) -> Result<(), Error> {
        for _ in 0..count {
            self.flag()?;
        }
        Ok(())
    }

    /// Goes on to the next whole byte.
    pub(crate) const fn align(&mut self) {
        self.bit = self.bit.next_multiple_of(8);
    }

    /// An unsigned Exp-Golomb code (ITU-T H.264 9.1).
    pub(crate) fn ue(&mut self) -> Result<u32, Error> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
            if zeros > 31 {
                return Err(Error::malformed("an Exp-Golomb code is too long", 0));
            }
        }
        Ok((1u32 << zeros) - 1 + self.bits(zeros)?)
    }

    /// A signed Exp-Golomb code (ITU-T H.264 9.1.1).
    pub(crate) fn se(&mut self) -> Result<i64, Error> {
        let code = i64::from(self.ue()?);
        Ok(if code % 2 == 0 { -(code / 2) } else { (code + 1) / 2 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_golomb_codes_of_the_standard() {
        // 1, 010, 011, 00100, 00101 are 0..4 (H.264 table 9-2)
        let bits = [0b1010_0110, 0b0100_0010, 0b1000_0000];
        let mut reader = BitReader::new(&bits);
        let codes: Vec<u32> = (0..5).map(|_| reader.ue().unwrap()).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4]);
        let mut reader = BitReader::new(&bits);
        let codes: Vec<i64> = (0..5).map(|_| reader.se().unwrap()).collect();
        assert_eq!(codes, [0, 1, -1, 2, -2]);
        assert!(BitReader::new(&[0; 8]).ue().is_err());
    }

    #[test]
    fn a_short_read_names_its_place() {
        let mut reader = Reader::new(&[1, 2, 3], 100);
        assert_eq!(reader.u16(), Ok(0x102));
        assert_eq!(reader.u16(), Err(Error::truncated("a field is cut off", 102)));
    }
}
