//! Files that are attached to a film, such as the fonts of its subtitles.

use super::fetch::{self, Failure};
use super::presentation::unsupported;
use super::source::{MAX_INDEX, Source};
use super::window::Window;
use crate::error::{Error, ErrorKind};
use crate::range_reader::RangeReader;
use media::attachment::Attachment;
use media::source::Arrived;
use std::ops::Range;
use std::sync::Arc;

/// A file attached to a film: where it is.
#[derive(Clone)]
pub struct Attached {
    /// Its name, as the film has it: it may be anything.
    pub name: String,
    /// Reads the film.
    pub file: Arc<dyn RangeReader>,
    /// The attached file's bytes in it.
    pub range: Range<u64>,
}

impl Source {
    /// The files attached to the film; read once for all who wait.
    pub(super) async fn attachments(self: &Arc<Self>) -> Result<&[Attachment], Error> {
        let read = async {
            let presentation = self.presentation().await?;
            let nothing = Window::empty(self.file.len());
            let list = move |source: &Arrived| presentation.movie().attachments(source);
            let listed = fetch::drive(&*self.file, &nothing, MAX_INDEX, &self.segments.cpus, list).await;
            listed.map_err(|failure| match failure {
                Failure::Read(error) => error,
                Failure::Media(error) => unsupported(&error),
            })
        };
        self.attached.get_or_try_init(|| read).await.map(Vec::as_slice)
    }

    /// The attached file of that number, from 0, if it is called `name`.
    pub(super) async fn attachment(self: &Arc<Self>, number: usize, name: &str) -> Result<Attached, Error> {
        let found = self.attachments().await?.get(number).filter(|attachment| attachment.name == name);
        let found = found.ok_or_else(|| Error::new(ErrorKind::NotFound, "No such attachment"))?;
        Ok(Attached { name: found.name.clone(), file: Arc::clone(&self.file), range: found.range.clone() })
    }
}
