//! An index made by a walk over all fragments, for files that have none that can be trusted.

use super::Mp4File;
use super::fragment_walk::FragmentWalk;
use super::fragmented;
use crate::error::Error;
use crate::source::{ByteSource, Step, Stop};

/// A walk over all fragments of a file.
#[derive(Debug, Clone)]
pub(crate) struct Mp4Scan {
    file: Mp4File,
    walk: FragmentWalk,
}

impl Mp4File {
    /// Begins to walk over the fragments; `None` when there are none.
    pub(crate) fn scan(&self) -> Option<Mp4Scan> {
        let fragments = self.fragments.as_ref()?;
        let walk = FragmentWalk::new(fragments.walked.clone(), fragments.first);
        Some(Mp4Scan { file: self.clone(), walk })
    }
}

impl Mp4Scan {
    /// See [`Scan::step`](crate::scan::Scan::step).
    pub(crate) fn step(&mut self, src: &dyn ByteSource) -> Result<Step<Mp4File>, Error> {
        loop {
            match self.walk.advance(src) {
                Ok(true) => {}
                Ok(false) => {
                    let mut file = self.file.clone();
                    file.set_fragments(fragmented::whole(&self.walk));
                    return Ok(Step::Done(file));
                }
                Err(Stop::Need(range)) => return Ok(Step::Need(range)),
                Err(Stop::Fail(error)) => return Err(error),
            }
        }
    }

    /// See [`Scan::position`](crate::scan::Scan::position).
    pub(crate) fn position(&self) -> u64 {
        self.walk.pos.min(self.end())
    }

    /// See [`Scan::len`](crate::scan::Scan::len).
    pub(crate) const fn end(&self) -> u64 {
        self.file.file_len
    }
}
