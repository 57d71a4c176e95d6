//! Sizes of samples (ISO/IEC 14496-12 8.7.3) and sums of them, so that a sample far inside a chunk is found
//! without a walk.

use super::boxes::Child;
use super::sample_table::Table;
use crate::error::Error;
use bytes::Bytes;
use std::ops::Range;

/// Samples from one sum to the next.
const SUM_STEP: u32 = 256;

/// The sizes of a track's samples.
#[derive(Debug, Clone, Default)]
pub(super) struct SampleSizes {
    layout: Layout,
    count: u32,
    /// Bytes of all samples before every [`SUM_STEP`]th; empty where all have one size.
    sums: Vec<u64>,
}

#[derive(Debug, Clone)]
enum Layout {
    /// The size of every sample, not 0.
    Same(u32),
    Each(Table<4>),
    /// `stz2` (8.7.3.3): 4, 8 or 16 bits a sample.
    Compact {
        bits: u8,
        data: Bytes,
    },
}

impl Default for Layout {
    fn default() -> Self {
        Self::Each(Table::default())
    }
}

impl SampleSizes {
    /// Reads `stsz` or `stz2` of a file of `file_len` bytes.
    pub(super) fn parse(stsz: &Child, file_len: u64) -> Result<Self, Error> {
        let (_, mut reader) = stsz.full()?;
        let size = reader.u32()?;
        let count = reader.u32()?;
        let (count, layout) = if stsz.kind == *b"stz2" {
            let bits = size.to_be_bytes()[3];
            if !matches!(bits, 4 | 8 | 16) {
                return Err(Error::malformed("a field size of compact sample sizes (stz2)", stsz.at));
            }
            let data = stsz.payload.slice_ref(reader.remaining());
            let held = u32::try_from(data.len() as u64 * 8 / u64::from(bits)).unwrap_or(u32::MAX);
            (count.min(held), Layout::Compact { bits, data })
        } else if size > 0 {
            // A count without a table behind it costs nothing to write; the file's length bounds it.
            let held = u32::try_from(file_len / u64::from(size)).unwrap_or(u32::MAX);
            (count.min(held), Layout::Same(size))
        } else {
            let table = Table::new(stsz, reader.remaining(), count);
            (table.len(), Layout::Each(table))
        };
        Ok(Self { layout, count, sums: Vec::new() })
    }

    /// How many sizes there are.
    pub(super) const fn count(&self) -> u32 {
        self.count
    }

    /// Makes the sums, for the first `count` samples.
    pub(super) fn sum_up(&mut self, count: u32) {
        self.sums = Vec::new();
        if matches!(self.layout, Layout::Same(_)) {
            return;
        }
        // 2^32 samples of 2^32 bytes do not overflow.
        let mut sum = 0u64;
        self.sums.reserve_exact(count as usize / SUM_STEP as usize + 1);
        for number in 0..count {
            if number.is_multiple_of(SUM_STEP) {
                self.sums.push(sum);
            }
            sum = sum.saturating_add(u64::from(self.size(number)));
        }
        if count.is_multiple_of(SUM_STEP) {
            self.sums.push(sum);
        }
    }

    /// The size of `sample`, 0 when there is no such.
    pub(super) fn size(&self, sample: u32) -> u32 {
        match &self.layout {
            Layout::Same(size) => *size,
            Layout::Each(table) => table.row(sample).map_or(0, u32::from_be_bytes),
            Layout::Compact { bits, data } => {
                let byte = |index: u64| {
                    let index = usize::try_from(index).ok();
                    u32::from(index.and_then(|index| data.get(index)).copied().unwrap_or(0))
                };
                let sample = u64::from(sample);
                match bits {
                    4 => byte(sample / 2) >> (if sample.is_multiple_of(2) { 4 } else { 0 }) & 15,
                    8 => byte(sample),
                    _ => byte(sample * 2) << 8 | byte(sample * 2 + 1),
                }
            }
        }
    }

    /// Bytes of the samples of `numbers`, which are among those that were summed up.
    pub(super) fn total(&self, numbers: Range<u32>) -> u64 {
        let before = |sample: u32| {
            if let Layout::Same(size) = self.layout {
                return u64::from(sample) * u64::from(size);
            }
            let step = sample / SUM_STEP;
            let sum = usize::try_from(step).ok().and_then(|step| self.sums.get(step)).copied();
            let rest = (step * SUM_STEP..sample).map(|number| u64::from(self.size(number)));
            sum.unwrap_or(0) + rest.sum::<u64>()
        };
        before(numbers.end).saturating_sub(before(numbers.start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_total_is_the_sum_of_its_sizes() {
        let sizes: Vec<u32> = (0..1000).map(|number| number % 7 * 1000).collect();
        for count in [0u32, 1, 255, 256, 257, 512, 1000] {
            let words = [0, 0, count].into_iter().chain(sizes.iter().copied().take(count as usize));
            let payload: Vec<u8> = words.flat_map(u32::to_be_bytes).collect();
            let stsz = Child { kind: *b"stsz", payload: payload.into(), at: 0 };
            let mut read = SampleSizes::parse(&stsz, 1 << 20).unwrap();
            read.sum_up(read.count());
            for start in (0..=count).step_by(51) {
                for end in (start..=count).rev().step_by(61) {
                    let sum =
                        sizes[start as usize..end as usize].iter().map(|size| u64::from(*size)).sum::<u64>();
                    assert_eq!(read.total(start..end), sum, "{start}..{end} of {count}");
                }
            }
        }
    }
}
