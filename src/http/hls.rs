//! `/hls/...`: playlists, segments, and whatever else a presentation is made of.

use super::answer::{answer, bytes, empty, message, set, set_text, text};
use super::find::{self, Found};
use super::range::{Wanted, none_match_fails, wanted};
use super::{App, body, get_or_head, with};
use crate::error::{Error, ErrorKind};
use crate::playback::{Content, FORMAT_VERSION, Piece, Playback, PlaylistOptions, Presentation};
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
        .and(super::raw_query())
        .then(|target: Target, head: bool, app: App, headers: HeaderMap, query: String| {
            answer(app.clone(), async move { target.answer(&app, head, &headers, &query).await })
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

/// The content type of a presentation's file of that name; `None` when no presentation has such a one.
fn content_type(name: &str) -> Option<&'static str> {
    Some(match name.rsplit_once('.')?.1 {
        "m3u8" => PLAYLIST,
        "ts" => "video/mp2t",
        // RFC 8216 says nothing of it; what Apple's own server is told to send.
        "m4s" => "video/iso.segment",
        "mp4" => "video/mp4",
        "vtt" => "text/vtt; charset=utf-8",
        "json" => "application/json",
        _ => return None,
    })
}

impl Target {
    async fn answer(
        &self,
        app: &App,
        head: bool,
        headers: &HeaderMap,
        query: &str,
    ) -> Result<Response, Error> {
        let options = self.options(app, query)?;
        let content_type =
            content_type(&self.name).ok_or_else(|| Error::new(ErrorKind::NotFound, "HLS file not ready"))?;
        // One limit for all that is waited for: metadata, then the index.
        let is_text = matches!(content_type, PLAYLIST | "application/json");
        let limit = if is_text { app.patience.index } else { app.patience.index_for_segment };
        let until = Instant::now() + limit;
        let found = find::file(app, &self.info_hash, &self.index, app.patience.metadata.min(limit)).await?;
        let playback = found.playback(app)?;
        let left = until.saturating_duration_since(Instant::now());
        let known = match playback.known_playable() {
            // Nothing is fetched for a HEAD, not even the index.
            Some(known) if head => known?,
            None if head => {
                let response = body::unknown_length(content_type);
                return Ok(if is_text {
                    text_headers(response)
                } else {
                    piece_headers(response, &etag(&found, &self.name, ""))
                });
            }
            _ => playable(&playback, left).await?,
        };
        match playback.content(&known, &self.name, &options)? {
            Content::Text(text) => Ok(text_headers(bytes(content_type, text))),
            Content::Piece(piece) => {
                let asked = Asked { app, playback: &playback, known: &known, piece, content_type };
                let etag = etag(&found, &self.name, known.mark());
                if none_match_fails(text(headers, IF_NONE_MATCH), &etag) {
                    return Ok(piece_headers(empty(StatusCode::NOT_MODIFIED), &etag));
                }
                let response = if head { asked.head_only() } else { asked.answer(headers, &etag).await? };
                Ok(piece_headers(response, &etag))
            }
        }
    }

    fn options(&self, app: &App, query: &str) -> Result<PlaylistOptions, Error> {
        let mut options = PlaylistOptions { start: self.start()?, iframes: app.iframes, container: None };
        for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match (&*key, &*value) {
                ("container", name) => {
                    let invalid =
                        |help| Error::new(ErrorKind::BadRequest, format!("Invalid container: {help}"));
                    options.container = Some(name.parse().map_err(invalid)?);
                }
                ("iframes", "1" | "true") => options.iframes = true,
                ("iframes", "0" | "false") => options.iframes = false,
                ("iframes", _) => {
                    return Err(Error::new(ErrorKind::BadRequest, "Invalid iframes: give 0 or 1"));
                }
                _ => {}
            }
        }
        Ok(options)
    }

    fn start(&self) -> Result<Option<f64>, Error> {
        let Some(text) = &self.start else { return Ok(None) };
        let seconds = text.parse::<f64>().ok().filter(|seconds| seconds.is_finite() && *seconds >= 0.0);
        seconds.map(Some).ok_or_else(|| Error::new(ErrorKind::BadRequest, "Invalid seek time"))
    }
}

/// A piece that is asked for.
struct Asked<'a> {
    app: &'a App,
    playback: &'a Arc<Playback>,
    known: &'a Presentation,
    piece: Piece,
    content_type: &'static str,
}

impl Asked<'_> {
    fn head_only(&self) -> Response {
        let mut response = body::unknown_length(self.content_type);
        if let Some(made) = self.playback.cached(self.piece) {
            set(&mut response, CONTENT_LENGTH, HeaderValue::from(made.len()));
        }
        response
    }

    async fn answer(&self, headers: &HeaderMap, etag: &str) -> Result<Response, Error> {
        let range = super::range::asked(headers, etag);
        let mut making = {
            let (playback, piece) = (Arc::clone(self.playback), self.piece);
            async move { playback.piece(piece).await }.boxed()
        };
        if let Some(range) = range {
            return Ok(part(self.content_type, &making.await?, range));
        }
        // What is there, or nearly, goes out with its length, and a failure with its status.
        let patience = self.app.patience.segment;
        Ok(match tokio::time::timeout(patience, &mut making).await {
            Ok(made) => bytes(self.content_type, made?),
            Err(_) => {
                let head = self.known.head(self.piece)?;
                let mut response = body::head_first(head, making, self.app.shutdown.clone());
                set(&mut response, CONTENT_TYPE, HeaderValue::from_static(self.content_type));
                response
            }
        })
    }
}

/// What is known of the file, waited for up to `limit`; the reading goes on when nobody waits any more.
pub(super) async fn presentation(playback: &Playback, limit: Duration) -> Result<Arc<Presentation>, Error> {
    playback.warm_up();
    tokio::time::timeout(limit, playback.presentation()).await.map_err(stalled)?
}

/// The same for playing the file, for which an index is made if need be.
async fn playable(playback: &Playback, limit: Duration) -> Result<Arc<Presentation>, Error> {
    playback.warm_up();
    tokio::time::timeout(limit, playback.playable()).await.map_err(stalled)?
}

fn stalled(_: tokio::time::error::Elapsed) -> Error {
    Error::new(ErrorKind::Stalled, "Timed out waiting for the file's index")
}

fn text_headers(mut response: Response) -> Response {
    set(&mut response, CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    set(&mut response, CONTENT_DISPOSITION, HeaderValue::from_static("inline"));
    response
}

/// A part of a finished segment, exact as AVPlayer wants it. No player asks for several: they get the whole.
fn part(content_type: &'static str, segment: &bytes::Bytes, range: &str) -> Response {
    let len = segment.len() as u64;
    let range = match wanted(Some(range), len) {
        Wanted::Unsatisfiable => {
            let mut response = message(StatusCode::RANGE_NOT_SATISFIABLE, "No such range in the segment");
            set_text(&mut response, CONTENT_RANGE, &format!("bytes */{len}"));
            return response;
        }
        Wanted::Parts(parts) if parts.len() == 1 => parts.into_iter().next().unwrap_or(0..len),
        _ => return bytes(content_type, segment.clone()),
    };
    let (Ok(start), Ok(end)) = (usize::try_from(range.start), usize::try_from(range.end)) else {
        return bytes(content_type, segment.clone());
    };
    let mut response = bytes(content_type, segment.slice(start..end));
    *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    set_text(&mut response, CONTENT_RANGE, &format!("bytes {}-{}/{len}", range.start, range.end - 1));
    response
}

/// A piece is a pure function of the file and of its own name; `mark` tells the file's indexes from each other.
fn etag(found: &Found, name: &str, mark: &str) -> String {
    format!("\"{}:{}:{name}{mark}:{FORMAT_VERSION}\"", found.torrent.info_hash(), found.index)
}

fn piece_headers(mut response: Response, etag: &str) -> Response {
    set_text(&mut response, ETAG, etag);
    set(&mut response, CACHE_CONTROL, HeaderValue::from_static("private, max-age=604800, immutable"));
    set(&mut response, CONTENT_DISPOSITION, HeaderValue::from_static("inline"));
    set(&mut response, ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    response
}
