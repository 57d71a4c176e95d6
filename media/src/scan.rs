//! Reading a file from one end to the other, where its index is missing or does not say the truth.
//!
//! [`Presentation::new`](crate::presentation::Presentation::new) or the making of a segment fails with
//! [`ErrorKind::NoIndex`](crate::error::ErrorKind::NoIndex). Then the whole file is looked through once, as its bytes
//! arrive, and the same movie comes back with an index made from what is there. It is planned anew: the cuts of a
//! plan that was made before it are void.

use crate::error::Error;
use crate::mkv::MkvScan;
use crate::movie::{Container, Movie};
use crate::mp4::Mp4Scan;
use crate::source::{ByteSource, Step};

/// The most bytes that [`Scan::step`] asks for at once: 1 MiB.
pub const MAX_ASK: u64 = 1 << 20;

/// A look through a whole file, done step by step.
#[derive(Debug, Clone)]
pub struct Scan(Inner);

#[derive(Debug, Clone)]
enum Inner {
    Mkv(Box<MkvScan>),
    Mp4(Box<Mp4Scan>),
}

impl Movie {
    /// Begins to look through the file; `None` where that would tell no more than its index does.
    pub fn scan(&self) -> Option<Scan> {
        match &self.container {
            Container::Mkv(file) => Some(Scan(Inner::Mkv(Box::new(file.scan())))),
            Container::Mp4(file) => Some(Scan(Inner::Mp4(Box::new(file.scan()?)))),
        }
    }
}

impl Scan {
    /// Goes on as far as the bytes reach that are here.
    ///
    /// `Need` asks for a range of at most [`MAX_ASK`] bytes. The ranges' starts only rise, so bytes before the one
    /// that was asked for last may be dropped. `Done` comes with the movie that has the new index.
    ///
    /// # Errors
    /// `Unsupported` or `Malformed` with a reason for the user when there is nothing that could be cut.
    pub fn step(&mut self, src: &dyn ByteSource) -> Result<Step<Movie>, Error> {
        match &mut self.0 {
            Inner::Mkv(scan) => Ok(match scan.step(src)? {
                Step::Done(file) => Step::Done(Movie::of(Container::Mkv(file))),
                Step::Need(range) => Step::Need(range),
            }),
            Inner::Mp4(scan) => Ok(match scan.step(src)? {
                Step::Done(file) => Step::Done(Movie::of(Container::Mp4(file))),
                Step::Need(range) => Step::Need(range),
            }),
        }
    }

    /// Where in the file it has come to: between the start of what is looked through and [`Scan::len`].
    pub fn position(&self) -> u64 {
        match &self.0 {
            Inner::Mkv(scan) => scan.position(),
            Inner::Mp4(scan) => scan.position(),
        }
    }

    /// Where in the file it ends, for showing progress: more than 0, at most the file's length.
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> u64 {
        match &self.0 {
            Inner::Mkv(scan) => scan.end(),
            Inner::Mp4(scan) => scan.end(),
        }
    }

    /// Bytes that were passed over so far because they are damaged.
    pub fn lost(&self) -> u64 {
        match &self.0 {
            Inner::Mkv(scan) => scan.lost(),
            Inner::Mp4(_) => 0,
        }
    }
}
