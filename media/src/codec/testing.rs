//! What the codecs' tests share.

/// Bytes out of hexadecimal digits.
pub(crate) fn hex(digits: &str) -> Vec<u8> {
    let digit = |c: char| u8::try_from(c.to_digit(16).unwrap()).unwrap();
    let digits: Vec<u8> = digits.chars().filter(|c| !c.is_whitespace()).map(digit).collect();
    assert_eq!(digits.len() % 2, 0);
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// Bits, most significant first.
#[derive(Default)]
pub(crate) struct BitWriter {
    bits: Vec<bool>,
}

impl BitWriter {
    pub(crate) fn bits(&mut self, count: u32, value: u64) -> &mut Self {
        self.bits.extend((0..count).rev().map(|bit| value >> bit & 1 == 1));
        self
    }

    /// Exp-Golomb.
    pub(crate) fn ue(&mut self, value: u64) -> &mut Self {
        let width = (value + 1).ilog2();
        self.bits(width, 0).bits(width + 1, value + 1)
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let byte = |bits: &[bool]| bits.iter().enumerate().map(|(at, bit)| u8::from(*bit) << (7 - at)).sum();
        self.bits.chunks(8).map(byte).collect()
    }
}
