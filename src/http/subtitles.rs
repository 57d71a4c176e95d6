//! `/subtitles/{ih}/{idx}`: which subtitles there are, each as a file, and the fonts that come with them.

use super::answer::{answer, bytes, empty, json, no_store, set, set_text};
use super::body::{Part, of_parts};
use super::find::{self, Found};
use super::m3u::UNRESERVED;
use super::{App, get_or_head, mime, reading, with};
use crate::error::{Error, ErrorKind};
use crate::report::{AttachmentReport, SubtitleReport};
use percent_encoding::{percent_decode_str, utf8_percent_encode};
use serde::Serialize;
use tokio::time::Instant;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::StatusCode;
use warp::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue,
};
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
    attachments: Vec<AttachmentReport>,
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
    let attachment = warp::path!("subtitles" / String / String / "attachments" / usize / String)
        .and(get_or_head())
        .and(with(app))
        .then(|info_hash: String, index: String, number: usize, name: String, head: bool, app: App| {
            answer(app.clone(), async move {
                let found = find::file(&app, &info_hash, &index, app.patience.metadata_for_stream).await?;
                let name = percent_decode_str(&name).decode_utf8_lossy().into_owned();
                attachment(&app, &found, number, &name, head).await
            })
        });
    list.or(file).unify().or(attachment).unify().boxed()
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
    let attachments = match &presentation {
        Some(_) => {
            let left = until.saturating_duration_since(Instant::now());
            let stalled =
                |_| Error::new(ErrorKind::Stalled, "Timed out waiting for the list of attached files");
            tokio::time::timeout(left, playback.attachments()).await.map_err(stalled)?
        }
        None => Ok(Vec::new()),
    };
    let attachments = match attachments {
        Err(error) if error.kind() == ErrorKind::Unsupported => Vec::new(),
        attachments => with_urls(&found, attachments?),
    };
    Ok(json(&List { subtitles: subtitles.collect(), not_offered: not_offered.collect(), attachments }))
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

/// The attached files with their addresses.
pub(super) fn with_urls(found: &Found, mut attachments: Vec<AttachmentReport>) -> Vec<AttachmentReport> {
    let place = format!("/subtitles/{}/{}", found.torrent.info_hash(), found.index);
    for (number, attachment) in attachments.iter_mut().enumerate() {
        let name = utf8_percent_encode(&attachment.name, UNRESERVED);
        attachment.url = Some(format!("{place}/attachments/{number}/{name}"));
    }
    attachments
}

async fn attachment(
    app: &App,
    found: &Found,
    number: usize,
    name: &str,
    head: bool,
) -> Result<Response, Error> {
    let attached = found.playback(app)?.attachment(number, name).await?;
    let length = attached.range.end.saturating_sub(attached.range.start);
    let mut response = if head || length == 0 {
        empty(StatusCode::OK)
    } else {
        let parts = vec![Part::File(attached.range)];
        of_parts(attached.file, parts, app.shutdown.clone(), app.patience.stream).await?
    };
    // Not the type that the film names: the files are strangers', and a browser must run none of them.
    set(&mut response, CONTENT_TYPE, HeaderValue::from_static(mime::content_type(&attached.name)));
    set(&mut response, CONTENT_LENGTH, HeaderValue::from(length));
    set(&mut response, CACHE_CONTROL, HeaderValue::from_static("private, max-age=604800"));
    set_text(&mut response, CONTENT_DISPOSITION, &super::stream::disposition(&attached.name));
    Ok(response)
}
