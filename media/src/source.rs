//! The only way bytes come in: a view of a file of which some ranges may not have arrived yet.
//!
//! Parsers are straight-line code over a [`ByteSource`]. A byte that is not here yet ends the call with
//! [`Stop::Need`]; the caller fetches that range and calls again, from the start. No thread waits for a
//! peer, and the list of ranges asked for can be tested.

use crate::error::Error;
use bytes::Bytes;
use std::ops::Range;

/// A file of known length, of which some ranges are here.
pub trait ByteSource {
    /// Length of the whole file in bytes.
    fn len(&self) -> u64;

    /// True for a file of no bytes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of `range`.
    ///
    /// # Errors
    /// [`Stop::Need`] with the same range when not all of it is here; [`Stop::Fail`] with
    /// [`ErrorKind::Truncated`](crate::error::ErrorKind::Truncated) when it reaches past the end.
    fn read(&self, range: Range<u64>) -> Result<Bytes, Stop>;
}

/// Why a parser stopped; inside the crate, so that `?` works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// These bytes have not arrived; fetch them and call again.
    Need(Range<u64>),
    /// The file is at fault; calling again will not help.
    Fail(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Fail(error)
    }
}

/// What a public function over a [`ByteSource`] answers: a miss is a value, never mistaken for a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step<T> {
    /// The result.
    Done(T),
    /// Fetch these bytes and call again.
    Need(Range<u64>),
}

impl<T> Step<T> {
    /// Turns a parser's result inside out: a miss becomes a value.
    pub(crate) fn of(result: Result<T, Stop>) -> Result<Self, Error> {
        match result {
            Ok(value) => Ok(Self::Done(value)),
            Err(Stop::Need(range)) => Ok(Self::Need(range)),
            Err(Stop::Fail(error)) => Err(error),
        }
    }
}

/// A file that is wholly in memory.
impl ByteSource for Bytes {
    fn len(&self) -> u64 {
        <[u8]>::len(self) as u64
    }

    fn read(&self, range: Range<u64>) -> Result<Bytes, Stop> {
        check_range(&range, ByteSource::len(self))?;
        let start = usize::try_from(range.start).map_err(|_| out_of_file(&range))?;
        let end = usize::try_from(range.end).map_err(|_| out_of_file(&range))?;
        Ok(self.slice(start..end))
    }
}

/// The ranges of a file that have arrived, each kept as it came.
///
/// Ranges are few (an index, a head, the ranges of one segment), so they are searched in order.
#[derive(Debug, Clone, Default)]
pub struct Arrived {
    len: u64,
    parts: Vec<(u64, Bytes)>,
}

impl Arrived {
    /// A file of `len` bytes of which nothing is here.
    pub const fn new(len: u64) -> Self {
        Self { len, parts: Vec::new() }
    }

    /// Adds bytes that begin at `offset`. Joined with the range just before them, if there is one, so that
    /// a later read may cross the border.
    pub fn insert(&mut self, offset: u64, data: Bytes) {
        if !data.is_empty() {
            self.parts.push((offset, data));
        }
    }

    /// Bytes held in all.
    pub fn held(&self) -> u64 {
        self.parts.iter().map(|(_, data)| data.len() as u64).sum()
    }

    /// The part of `range` that is still missing, from its first missing byte on; `None` when all is here.
    pub fn missing(&self, range: &Range<u64>) -> Option<Range<u64>> {
        let mut at = range.start;
        while at < range.end {
            match self.part_at(at) {
                Some((offset, data)) => at = offset + data.len() as u64,
                None => return Some(at..range.end),
            }
        }
        None
    }

    fn part_at(&self, at: u64) -> Option<(u64, &Bytes)> {
        self.parts
            .iter()
            .find(|(offset, data)| (*offset..*offset + data.len() as u64).contains(&at))
            .map(|(offset, data)| (*offset, data))
    }
}

impl ByteSource for Arrived {
    fn len(&self) -> u64 {
        self.len
    }

    fn read(&self, range: Range<u64>) -> Result<Bytes, Stop> {
        check_range(&range, self.len)?;
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        if self.missing(&range).is_some() {
            return Err(Stop::Need(range));
        }
        let slice = |offset: u64, data: &Bytes, from: u64| {
            let start = usize::try_from(from - offset).unwrap_or(usize::MAX);
            let end = usize::try_from((range.end - offset).min(data.len() as u64)).unwrap_or(usize::MAX);
            data.slice(start.min(end)..end)
        };
        let Some((offset, data)) = self.part_at(range.start) else {
            return Err(Stop::Need(range));
        };
        let first = slice(offset, data, range.start);
        let mut at = range.start + first.len() as u64;
        if at == range.end {
            return Ok(first); // the usual case: no copy
        }
        let mut joined = Vec::from(first);
        while at < range.end {
            let Some((offset, data)) = self.part_at(at) else {
                return Err(Stop::Need(range));
            };
            let next = slice(offset, data, at);
            at += next.len() as u64;
            joined.extend_from_slice(&next);
        }
        Ok(joined.into())
    }
}

fn check_range(range: &Range<u64>, len: u64) -> Result<(), Stop> {
    if range.start > range.end || range.end > len {
        return Err(out_of_file(range));
    }
    Ok(())
}

fn out_of_file(range: &Range<u64>) -> Stop {
    Stop::Fail(Error::truncated("a structure reaches past the end of the file", range.start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_miss_names_the_whole_range_and_a_hit_may_cross_parts() {
        let mut arrived = Arrived::new(10);
        arrived.insert(2, Bytes::from_static(b"cde"));
        assert_eq!(arrived.read(2..8), Err(Stop::Need(2..8)));
        assert_eq!(arrived.missing(&(2..8)), Some(5..8));
        arrived.insert(5, Bytes::from_static(b"fgh"));
        assert_eq!(arrived.read(3..7), Ok(Bytes::from_static(b"defg")));
        assert_eq!(arrived.missing(&(2..8)), None);
        assert!(matches!(arrived.read(9..11), Err(Stop::Fail(_))));
    }
}
