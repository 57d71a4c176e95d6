//! Subtitle files beside a local film.

use super::Failure;
use crate::error::{Error, ErrorKind};
use media::hls::SidecarSubtitle;
use media::text::sidecar::{self, Sidecar};
use media::text::{Document, MAX_FILE};
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Entries of folders that are looked at.
const MAX_ENTRIES: usize = 10_000;
/// Folders in each other, below the film's.
const MAX_DEPTH: usize = 2;

/// The subtitle files that lie beside a film.
pub(super) struct Sidecars {
    folder: PathBuf,
    /// Relative to the folder, in order, folders separated by `/`.
    paths: Vec<String>,
    found: Vec<Sidecar>,
}

impl Sidecars {
    /// Those of the film at `path`. What cannot be looked at is not there.
    pub(super) fn beside(path: &Path) -> Self {
        let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        let folder = if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder };
        let mut paths = Vec::new();
        list(&folder, "", 0, &mut paths);
        paths.sort_unstable();
        let names: Vec<&str> = paths.iter().map(String::as_str).collect();
        let film = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let found = sidecar::find(film, &names);
        Self { folder, paths, found }
    }

    /// As a multivariant playlist lists them.
    pub(super) fn listed(&self) -> Vec<SidecarSubtitle> {
        let listed = self.found.iter().filter_map(|one| {
            Some(SidecarSubtitle {
                file: u32::try_from(one.index).ok()?,
                language: one.language.clone(),
                name: Some(one.name.clone()),
                forced: one.forced,
                hearing_impaired: one.hearing_impaired,
                default: one.default,
            })
        });
        listed.collect()
    }

    /// The same without those that cannot be read.
    pub(super) fn readable(mut self) -> Self {
        let bad: Vec<usize> = self
            .found
            .iter()
            .filter(|one| u32::try_from(one.index).map_or(true, |file| self.document(file).is_err()))
            .map(|one| one.index)
            .collect();
        self.found.retain(|one| !bad.contains(&one.index));
        self
    }

    /// The subtitles of file `number`.
    pub(super) fn document(&self, number: u32) -> Result<Document, Failure> {
        let missing = || Error::new(ErrorKind::NotFound, "no such subtitles");
        let is_meant = |one: &&Sidecar| u32::try_from(one.index) == Ok(number);
        let sidecar = self.found.iter().find(is_meant).ok_or_else(missing)?;
        let path = self.folder.join(self.paths.get(sidecar.index).ok_or_else(missing)?);
        let mut bytes = Vec::new();
        let read = File::open(&path).and_then(|file| file.take(MAX_FILE as u64 + 1).read_to_end(&mut bytes));
        read.map_err(|error| {
            Error::new(ErrorKind::NotFound, format!("cannot read {}", path.display())).caused_by(error)
        })?;
        Ok(Document::parse(&bytes, sidecar.format, sidecar.language.as_deref())?)
    }
}

fn list(folder: &Path, prefix: &str, depth: usize, paths: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if paths.len() >= MAX_ENTRIES {
            return;
        }
        let (Ok(kind), Some(name)) = (entry.file_type(), entry.file_name().to_str().map(str::to_owned))
        else {
            continue;
        };
        let path = format!("{prefix}{name}");
        if kind.is_file() {
            paths.push(path);
        } else if kind.is_dir() && depth < MAX_DEPTH {
            list(&entry.path(), &format!("{path}/"), depth + 1, paths);
        }
    }
}
