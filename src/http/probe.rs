//! `GET /probe/{ih}/{idx}`: tracks, length, and why HLS is possible or not.

use super::answer::{answer, json};
use super::{App, find, mime, reading, with};
use crate::error::{Error, ErrorKind};
use crate::report::Report;
use serde::Serialize;
use std::time::Duration;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::Response;

/// How long to wait for the list of attached files.
const ATTACHMENTS_PATIENCE: Duration = Duration::from_secs(2);

/// What `/probe` answers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    info_hash: String,
    file_index: usize,
    path: String,
    length: u64,
    content_type: &'static str,
    #[serde(flatten)]
    report: Contents,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Contents {
    Known(Box<Report>),
    /// Nothing could be read of it.
    Unknown {
        tracks: [(); 0],
        hls: Impossible,
    },
}

#[derive(Debug, Serialize)]
struct Impossible {
    possible: bool,
    reason: String,
}

pub(super) fn routes(app: &App) -> BoxedFilter<(Response,)> {
    warp::path!("probe" / String / String)
        .and(reading())
        .and(with(app))
        .then(|info_hash: String, index: String, app: App| {
            answer(app.clone(), async move { probe(&app, &info_hash, &index).await })
        })
        .boxed()
}

async fn probe(app: &App, info_hash: &str, index: &str) -> Result<Response, Error> {
    let found = find::file(app, info_hash, index, app.patience.metadata).await?;
    let playback = found.playback(app)?;
    let report = match super::hls::presentation(&playback, app.patience.index).await {
        Ok(presentation) => {
            let mut report = playback.report(&presentation);
            // They may be at the end of the file; the rest is told without them.
            if let Ok(Ok(attachments)) =
                tokio::time::timeout(ATTACHMENTS_PATIENCE, playback.attachments()).await
            {
                report.attachments = super::subtitles::with_urls(&found, attachments);
            }
            Contents::Known(Box::new(report))
        }
        Err(error) if error.kind() == ErrorKind::Unsupported => {
            let hls = Impossible { possible: false, reason: error.to_string() };
            Contents::Unknown { tracks: [], hls }
        }
        Err(error) => return Err(error),
    };
    let entry = found.entry()?;
    Ok(json(&Answer {
        info_hash: found.torrent.info_hash().to_string(),
        file_index: found.index,
        path: entry.path.clone(),
        length: entry.length,
        content_type: mime::content_type(&entry.path),
        report,
    }))
}
