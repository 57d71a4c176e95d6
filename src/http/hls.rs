//! `/hls/...`: playlists and segments.

use super::answer::{answer, bytes, empty, message, set, set_text, text};
use super::find::{self, Found};
use super::range::{Wanted, none_match_fails, wanted};
use super::{App, body, get_or_head, with};
use crate::error::{Error, ErrorKind};
use crate::playback::{FORMAT_VERSION, Piece, Playback, Presentation, parse_segment_name};
use futures::FutureExt as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    HeaderValue, IF_NONE_MATCH,
};
use warp::http::{HeaderMap, StatusCode};
use warp::reply::Response;

const PLAYLIST: &str = "application/vnd.apple.mpegurl";
const SEGMENT: &str = "video/mp2t";

pub(super) fn routes(app: &App) -> BoxedFilter<(Response,)> {
    let plain = warp::path!("hls" / String / String / String).map(|info_hash, index, name| Target {
        info_hash,
        index,
        start: None,
        name,
    });
    let seek = warp::path!("hls" / String / String / "seek" / String / String)
        .map(|info_hash, index, start, name| Target { info_hash, index, start: Some(start), name });
    plain
        .or(seek)
        .unify()
        .and(get_or_head())
        .and(with(app))
        .and(warp::header::headers_cloned())
        .then(|target: Target, head: bool, app: App, headers: HeaderMap| {
            answer(app.clone(), async move { target.answer(&app, head, &headers).await })
        })
        .boxed()
}

/// What the path names.
struct Target {
    info_hash: String,
    index: String,
    /// Seconds, as text.
    start: Option<String>,
    name: String,
}

impl Target {
    async fn answer(&self, app: &App, head: bool, headers: &HeaderMap) -> Result<Response, Error> {
        let start = self.start()?;
        let playlist = matches!(self.name.as_str(), "master.m3u8" | "playlist.m3u8");
        if !playlist && parse_segment_name(&self.name).is_none() {
            return Err(Error::new(ErrorKind::NotFound, "HLS file not ready"));
        }
        // One limit for all that is waited for: metadata, then the index.
        let limit = if playlist { app.patience.index } else { app.patience.index_for_segment };
        let until = Instant::now() + limit;
        let found = find::file(app, &self.info_hash, &self.index, app.patience.metadata.min(limit)).await?;
        let playback = found.playback(app)?;
        let left = until.saturating_duration_since(Instant::now());
        if !playlist {
            return self.segment(app, &found, &playback, head, headers, left).await;
        }
        let known = match playback.known() {
            Some(known) => known?,
            // Nothing is fetched for a HEAD.
            None if head => return Ok(playlist_headers(body::unknown_length(PLAYLIST))),
            None => presentation(&playback, left).await?,
        };
        let text = match self.name.as_str() {
            "master.m3u8" => known.master_playlist()?,
            _ => known.media_playlist(start)?,
        };
        Ok(playlist_headers(bytes(PLAYLIST, text)))
    }

    fn start(&self) -> Result<Option<f64>, Error> {
        let Some(text) = &self.start else { return Ok(None) };
        let seconds = text.parse::<f64>().ok().filter(|seconds| seconds.is_finite() && *seconds >= 0.0);
        seconds.map(Some).ok_or_else(|| Error::new(ErrorKind::BadRequest, "Invalid seek time"))
    }

    async fn segment(
        &self,
        app: &App,
        found: &Found,
        playback: &Arc<Playback>,
        head: bool,
        headers: &HeaderMap,
        limit: Duration,
    ) -> Result<Response, Error> {
        if head {
            // Nothing is fetched for a HEAD, not even the index.
            return match playback.known() {
                Some(known) => {
                    let piece = known?.piece(&self.name)?;
                    let etag = etag(found, index_of(piece));
                    if none_match_fails(text(headers, IF_NONE_MATCH), &etag) {
                        return Ok(with_headers(empty(StatusCode::NOT_MODIFIED), &etag));
                    }
                    Ok(head_only(found, index_of(piece), playback.cached(piece).map(|made| made.len())))
                }
                None => Ok(head_only(found, parse_segment_name(&self.name).unwrap_or_default(), None)),
            };
        }
        let presentation = presentation(playback, limit).await?;
        let piece = presentation.piece(&self.name)?;
        let etag = etag(found, index_of(piece));
        if none_match_fails(text(headers, IF_NONE_MATCH), &etag) {
            return Ok(with_headers(empty(StatusCode::NOT_MODIFIED), &etag));
        }
        let range = super::range::asked(headers, &etag);
        let mut making = {
            let playback = Arc::clone(playback);
            async move { playback.piece(piece).await }.boxed()
        };
        if let Some(range) = range {
            return Ok(with_headers(part(&making.await?, range), &etag));
        }
        // What is there, or nearly, goes out with its length, and a failure with its status.
        let response = match tokio::time::timeout(app.patience.segment, &mut making).await {
            Ok(segment) => bytes(SEGMENT, segment?),
            Err(_) => {
                let mut response = body::head_first(presentation.head(piece)?, making, app.shutdown.clone());
                set(&mut response, CONTENT_TYPE, HeaderValue::from_static(SEGMENT));
                response
            }
        };
        Ok(with_headers(response, &etag))
    }
}

/// What is known of the file, waited for up to `limit`; the reading goes on when nobody waits any more.
pub(super) async fn presentation(playback: &Playback, limit: Duration) -> Result<Arc<Presentation>, Error> {
    playback.warm_up();
    let stalled = |_| Error::new(ErrorKind::Stalled, "Timed out waiting for the file's index");
    tokio::time::timeout(limit, playback.presentation()).await.map_err(stalled)?
}

fn playlist_headers(mut response: Response) -> Response {
    set(&mut response, CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    set(&mut response, CONTENT_DISPOSITION, HeaderValue::from_static("inline"));
    response
}

/// A part of a finished segment, exact as AVPlayer wants it. No player asks for several: they get the whole.
fn part(segment: &bytes::Bytes, range: &str) -> Response {
    let len = segment.len() as u64;
    let range = match wanted(Some(range), len) {
        Wanted::Unsatisfiable => {
            let mut response = message(StatusCode::RANGE_NOT_SATISFIABLE, "No such range in the segment");
            set_text(&mut response, CONTENT_RANGE, &format!("bytes */{len}"));
            return response;
        }
        Wanted::Parts(parts) if parts.len() == 1 => parts.into_iter().next().unwrap_or(0..len),
        _ => return bytes(SEGMENT, segment.clone()),
    };
    let (Ok(start), Ok(end)) = (usize::try_from(range.start), usize::try_from(range.end)) else {
        return bytes(SEGMENT, segment.clone());
    };
    let mut response = bytes(SEGMENT, segment.slice(start..end));
    *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    set_text(&mut response, CONTENT_RANGE, &format!("bytes {}-{}/{len}", range.start, range.end - 1));
    response
}

fn head_only(found: &Found, index: u32, length: Option<usize>) -> Response {
    let mut response = body::unknown_length(SEGMENT);
    if let Some(length) = length {
        set(&mut response, CONTENT_LENGTH, HeaderValue::from(length));
    }
    with_headers(response, &etag(found, index))
}

const fn index_of(piece: Piece) -> u32 {
    match piece {
        Piece::Segment(_, index) => index,
    }
}

/// A segment is a pure function of these.
fn etag(found: &Found, segment: u32) -> String {
    format!("\"{}:{}:{segment}:{FORMAT_VERSION}\"", found.torrent.info_hash(), found.index)
}

fn with_headers(mut response: Response, etag: &str) -> Response {
    set_text(&mut response, ETAG, etag);
    set(&mut response, CACHE_CONTROL, HeaderValue::from_static("private, max-age=604800, immutable"));
    set(&mut response, CONTENT_DISPOSITION, HeaderValue::from_static("inline"));
    set(&mut response, ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    response
}
