//! Attached files: their names and places, never their data (RFC 9559 section 5.1.6).
//!
//! ```text
//! Attachments
//!   AttachedFile
//!     FileName  FileMediaType
//!     FileData                    skipped: only its place is told
//! ```
//! They are not looked at when a film is opened: it would be a read for each font.

use super::MkvFile;
use super::ebml::{Element, Head, MAX_HEAD, View, id};
use crate::attachment::Attachment;
use crate::source::{ByteSource, Stop};
use bytes::Bytes;

/// Files of one film; those with all fonts of a long script have a hundred.
const MAX_FILES: usize = 1_000;
/// Elements that one file's entry, or all of the list, may have.
const MAX_CHILDREN: usize = 64;
const MAX_ELEMENTS: usize = MAX_FILES + 64;
/// What is asked for at once: an entry without its data is smaller.
const ASK: u64 = 4096;
/// The longest name or type.
const MAX_TEXT: u64 = 1024;

impl MkvFile {
    /// The attached files, in order. What is damaged, or where no Attachments are although they should be, is left
    /// out.
    pub(crate) fn attachments(&self, src: &dyn ByteSource) -> Result<Vec<Attachment>, Stop> {
        let view = View::new(src, self.body.end);
        let mut found = Vec::new();
        for at in &self.attachments {
            match read_list(&view, *at, &mut found) {
                Ok(()) | Err(Stop::Fail(_)) => {}
                Err(need) => return Err(need),
            }
        }
        Ok(found)
    }
}

fn read_list(view: &View<'_>, at: u64, found: &mut Vec<Attachment>) -> Result<(), Stop> {
    let Some(list) = head(view, at)?.filter(|head| head.id == id::ATTACHMENTS) else { return Ok(()) };
    let end = list.end()?.min(view.end);
    let mut pos = list.data;
    for _ in 0..MAX_ELEMENTS {
        let Some(entry) = head(view, pos)?.filter(|_| pos < end) else { break };
        pos = entry.end()?;
        if entry.id == id::ATTACHED_FILE {
            found.extend(read_entry(view, &entry, pos.min(end))?);
        }
        if found.len() >= MAX_FILES {
            break;
        }
    }
    Ok(())
}

fn read_entry(view: &View<'_>, entry: &Head, end: u64) -> Result<Option<Attachment>, Stop> {
    let mut file = Attachment { name: String::new(), media_type: String::new(), range: 0..0 };
    let mut pos = entry.data;
    for _ in 0..MAX_CHILDREN {
        let Some(child) = head(view, pos)?.filter(|_| pos < end) else { break };
        pos = child.end()?;
        match child.id {
            id::FILE_NAME => file.name = text(view, &child)?,
            id::FILE_MEDIA_TYPE => file.media_type = text(view, &child)?,
            id::FILE_DATA => file.range = child.data..pos,
            _ => {}
        }
    }
    // A name is no path.
    let name = file.name.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
    let is_whole = !file.range.is_empty() && file.range.end <= end;
    Ok(is_whole.then_some(Attachment { name, ..file }))
}

fn text(view: &View<'_>, child: &Head) -> Result<String, Stop> {
    let end = child.end()?.min(child.data.saturating_add(MAX_TEXT)).min(view.end);
    let bytes = read(view, child.data.min(end), end)?;
    Ok(Element { id: child.id, at: child.data, data: &bytes }.text())
}

fn head(view: &View<'_>, at: u64) -> Result<Option<Head>, Stop> {
    if at >= view.end {
        return Ok(None);
    }
    Ok(Head::parse(&read(view, at, at.saturating_add(MAX_HEAD).min(view.end))?, at)?)
}

/// Bytes; where they are not here, a little more is asked for.
fn read(view: &View<'_>, from: u64, to: u64) -> Result<Bytes, Stop> {
    view.bytes(from..to).map_err(|stop| match stop {
        Stop::Need(_) => Stop::Need(from..from.saturating_add(ASK).min(view.end).max(to)),
        fail @ Stop::Fail(_) => fail,
    })
}
