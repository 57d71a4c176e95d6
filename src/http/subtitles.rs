//! `/subtitles/{ih}/{idx}`: which subtitles there are, and each as a file.

use super::answer::{answer, bytes, json, no_store, set_text};
use super::{App, find, get_or_head, reading, with};
use crate::error::{Error, ErrorKind};
use crate::report::SubtitleReport;
use serde::Serialize;
use tokio::time::Instant;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::header::{CONTENT_DISPOSITION, HeaderName};
use warp::reply::Response;

/// Up to which time nothing is missing in a file, in seconds.
pub(super) const KNOWN: HeaderName = HeaderName::from_static("x-known-seconds");
/// Whether all of it is there.
pub(super) const COMPLETE: HeaderName = HeaderName::from_static("x-complete");

/// What `/subtitles/{ih}/{idx}` answers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct List {
    subtitles: Vec<SubtitleReport>,
    not_offered: Vec<Refused>,
}

/// A subtitle track that is in no presentation.
#[derive(Debug, Serialize)]
struct Refused {
    track: u64,
    codec: String,
    reason: &'static str,
}

pub(super) fn routes(app: &App) -> BoxedFilter<(Response,)> {
    let list = warp::path!("subtitles" / String / String).and(reading()).and(with(app)).then(
        |info_hash: String, index: String, app: App| {
            answer(app.clone(), async move { list(&app, &info_hash, &index).await })
        },
    );
    let file = warp::path!("subtitles" / String / String / String)
        .and(get_or_head())
        .and(with(app))
        .and(super::raw_query())
        .then(|info_hash: String, index: String, name: String, head: bool, app: App, query: String| {
            answer(app.clone(), async move {
                let wait = !head
                    && url::form_urlencoded::parse(query.as_bytes())
                        .any(|(key, value)| key == "wait" && matches!(&*value, "1" | "true"));
                file(&app, &info_hash, &index, &name, wait).await
            })
        });
    list.or(file).unify().boxed()
}

async fn list(app: &App, info_hash: &str, index: &str) -> Result<Response, Error> {
    let until = Instant::now() + app.patience.index;
    let found = find::file(app, info_hash, index, app.patience.metadata).await?;
    let playback = found.playback(app)?;
    let left = until.saturating_duration_since(Instant::now());
    let presentation = match super::hls::presentation(&playback, left).await {
        Ok(presentation) => Some(presentation),
        // Those beside the film are there all the same.
        Err(error) if error.kind() == ErrorKind::Unsupported => None,
        Err(error) => return Err(error),
    };
    let place = format!("{}/{}", found.torrent.info_hash(), found.index);
    let subtitles = playback.subtitles(presentation.as_deref()).into_iter().map(|mut one| {
        one.playlist = format!("/hls/{place}/{}", one.playlist);
        one.original = format!("/subtitles/{place}/{}", one.original);
        one.vtt = format!("/subtitles/{place}/{}", one.vtt);
        one
    });
    let refused = presentation.iter().flat_map(|presentation| presentation.refused_subtitles());
    let not_offered = refused.map(|(track, codec, reason)| Refused { track, codec, reason });
    Ok(json(&List { subtitles: subtitles.collect(), not_offered: not_offered.collect() }))
}

async fn file(app: &App, info_hash: &str, index: &str, name: &str, wait: bool) -> Result<Response, Error> {
    let found = find::file(app, info_hash, index, app.patience.metadata_for_stream).await?;
    let playback = found.playback(app)?;
    let file = playback.subtitle_file(name, wait).await?;
    let content_type = match file.media_type {
        "text/vtt" => "text/vtt; charset=utf-8",
        other => other,
    };
    // It grows while the film arrives.
    let mut response = no_store(bytes(content_type, file.bytes));
    set_text(&mut response, KNOWN, &format!("{:.3}", file.known));
    set_text(&mut response, COMPLETE, if file.complete { "true" } else { "false" });
    set_text(&mut response, CONTENT_DISPOSITION, &super::stream::disposition(name));
    Ok(response)
}
