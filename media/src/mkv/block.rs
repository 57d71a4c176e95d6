//! Blocks: their header and the frames laced into them (RFC 9559 sections 5.1.3.5 and 10).

use super::ebml::vint;
use crate::error::Error;
use bytes::Bytes;

/// The longest block header: the track number, 2 bytes of time, 1 byte of flags.
pub(super) const MAX_BLOCK_HEAD: u64 = 11;

/// The header of a Block or SimpleBlock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BlockHead {
    pub(super) track: u64,
    /// Ticks after the cluster's Timestamp.
    pub(super) time: i16,
    flags: u8,
    /// Bytes of the header itself.
    len: usize,
}

impl BlockHead {
    /// Reads the header that begins `block`, which lies at `at` in the file.
    pub(super) fn parse(block: &[u8], at: u64) -> Result<Self, Error> {
        let cut_off = Error::malformed("a block is shorter than its header", at);
        let (track, width) = vint(block).ok_or(cut_off)?;
        match block.get(width..width + 3) {
            Some(&[high, low, flags]) => {
                Ok(Self { track, time: i16::from_be_bytes([high, low]), flags, len: width + 3 })
            }
            _ => Err(cut_off),
        }
    }

    /// The keyframe flag, which only a SimpleBlock has.
    pub(super) const fn key_flag(&self) -> bool {
        self.flags & 0x80 != 0
    }

    /// True when frames are laced into the block; their number less 1 is the byte behind this header.
    pub(super) const fn is_laced(&self) -> bool {
        self.flags & 0x06 != 0
    }

    /// Bytes of the header itself.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// The frames of the whole `block` that this header begins, empty ones included.
    pub(super) fn frames(&self, block: &Bytes, at: u64) -> Result<Vec<Bytes>, Error> {
        let bad_lace = Error::malformed("the sizes of laced frames do not fit their block", at);
        if self.len > block.len() {
            return Err(bad_lace);
        }
        let payload = block.slice(self.len..);
        if self.flags & 0x06 == 0 {
            return Ok(vec![payload]);
        }
        let (count, rest) = payload.split_first().ok_or(bad_lace)?;
        let count = usize::from(*count) + 1;
        let (mut sizes, used) = match self.flags & 0x06 {
            0x02 => xiph_sizes(rest, count).ok_or(bad_lace)?,
            0x06 => ebml_sizes(rest, count).ok_or(bad_lace)?,
            _ => {
                if rest.len() % count != 0 {
                    return Err(bad_lace);
                }
                (vec![rest.len() / count; count - 1], 0)
            }
        };
        let total = rest.len().checked_sub(used).ok_or(bad_lace)?;
        let laced = sizes.iter().try_fold(0usize, |sum, size| sum.checked_add(*size)).ok_or(bad_lace)?;
        sizes.push(total.checked_sub(laced).ok_or(bad_lace)?);
        let mut from = 1 + used;
        let mut frames = Vec::with_capacity(count);
        for size in sizes {
            frames.push(payload.slice(from..from + size));
            from += size;
        }
        Ok(frames)
    }
}

/// The sizes of all frames but the last, and the bytes they take: sums of bytes, 255 meaning "go on".
fn xiph_sizes(data: &[u8], count: usize) -> Option<(Vec<usize>, usize)> {
    let mut used = 0;
    let mut sizes = Vec::with_capacity(count);
    for _ in 1..count {
        let mut size = 0;
        loop {
            let byte = *data.get(used)?;
            used += 1;
            size += usize::from(byte);
            if byte < 255 {
                break;
            }
        }
        sizes.push(size);
    }
    Some((sizes, used))
}

/// The same in EBML lacing: the first size, then signed differences.
fn ebml_sizes(data: &[u8], count: usize) -> Option<(Vec<usize>, usize)> {
    let mut used = 0;
    let mut size = 0i64;
    let mut sizes = Vec::with_capacity(count);
    for index in 1..count {
        let (value, width) = vint(data.get(used..)?)?;
        used += width;
        let value = i64::try_from(value).ok()?;
        size = if index == 1 { value } else { size + value - ((1i64 << (7 * width - 1)) - 1) };
        // A frame is never longer than its block; that also keeps the sum in range.
        sizes.push(usize::try_from(size).ok().filter(|size| *size <= data.len())?);
    }
    Some((sizes, used))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frames(block: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
        let block = Bytes::copy_from_slice(block);
        let frames = BlockHead::parse(&block, 0)?.frames(&block, 0)?;
        Ok(frames.iter().map(|frame| frame.to_vec()).collect())
    }

    #[test]
    fn header() {
        let head = BlockHead::parse(&[0x40, 0x81, 0xff, 0xfe, 0x80], 0).unwrap();
        assert_eq!((head.track, head.time, head.key_flag()), (0x81, -2, true));
        assert!(BlockHead::parse(&[0x81, 0, 0], 0).is_err());
        assert!(BlockHead::parse(&[], 0).is_err());
    }

    #[test]
    fn no_lacing() {
        assert_eq!(frames(&[0x81, 0, 0, 0, 1, 2]).unwrap(), [vec![1, 2]]);
        assert_eq!(frames(&[0x81, 0, 0, 0]).unwrap(), [vec![0u8; 0]]);
    }

    #[test]
    fn xiph_lacing() {
        let mut block = vec![0x81, 0, 0, 0x02, 2, 255, 1, 2];
        block.extend(vec![7; 256]);
        block.extend([8, 8, 9]);
        assert_eq!(frames(&block).unwrap(), [vec![7; 256], vec![8, 8], vec![9]]);
        assert!(frames(&block[..40]).is_err());
        assert!(frames(&[0x81, 0, 0, 0x02]).is_err());
    }

    #[test]
    fn ebml_lacing() {
        // 3, then +1 (0xbf is 0), then the rest
        let block = [0x81, 0, 0, 0x06, 2, 0x83, 0xc0, 1, 1, 1, 2, 2, 2, 2, 3];
        assert_eq!(frames(&block).unwrap(), [vec![1; 3], vec![2; 4], vec![3]]);
        // a size below 0
        assert!(frames(&[0x81, 0, 0, 0x06, 2, 0x81, 0x80, 1, 1]).is_err());
        // one frame only: no sizes
        assert_eq!(frames(&[0x81, 0, 0, 0x06, 0, 5, 5]).unwrap(), [vec![5, 5]]);
    }

    #[test]
    fn fixed_lacing() {
        assert_eq!(frames(&[0x81, 0, 0, 0x04, 1, 1, 2, 3, 4]).unwrap(), [vec![1, 2], vec![3, 4]]);
        assert!(frames(&[0x81, 0, 0, 0x04, 1, 1, 2, 3]).is_err());
    }

    proptest! {
        #[test]
        fn frames_never_hold_more_than_their_block(block in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(frames) = frames(&block) {
                prop_assert!(frames.len() <= 256);
                prop_assert!(frames.iter().map(Vec::len).sum::<usize>() <= block.len());
            }
        }
    }
}
