//! `/stream`: a file's bytes by HTTP range (RFC 9110 section 14), for VLC and the like.

use super::answer::{answer, empty, message, set, set_text, text};
use super::body::{Part, of_parts};
use super::find::{self, Found, Which};
use super::range::{Wanted, asked, none_match_fails, wanted};
use super::{App, add, get_or_head, mime, with};
use crate::error::{Error, ErrorKind};
use crate::range_reader::RangeReader;
use crate::torrent::{Magnet, Source};
use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    HeaderValue, IF_NONE_MATCH,
};
use warp::http::{HeaderMap, StatusCode};
use warp::reply::Response;

/// RFC 8187 3.2.1: what may stand as itself in `filename*`.
const VALUE_CHARS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The query of the second predecessor's only route, with its successor's names.
#[derive(Debug, Default, PartialEq, Eq)]
struct Query {
    /// Empty when it is missing.
    magnet: String,
    index: Option<String>,
}

impl Query {
    /// Reads a query string. A magnet that was pasted in without being encoded falls apart at its own `&`; what
    /// belongs to it is put together again.
    fn parse(text: &str) -> Self {
        let mut query = Self::default();
        let mut torn = Vec::new();
        for (key, value) in url::form_urlencoded::parse(text.as_bytes()) {
            match &*key {
                "magnet" | "url" => query.magnet = value.trim().to_owned(),
                "index" if !value.is_empty() => query.index = Some(value.into_owned()),
                "tr" | "x.pe" | "dn" | "xt" => torn.push((key, value)),
                _ => {}
            }
        }
        if query.magnet.starts_with("magnet:") {
            for (key, value) in torn {
                query.magnet.extend(["&", &key, "="]);
                query.magnet.extend(utf8_percent_encode(&value, NON_ALPHANUMERIC));
            }
        }
        query
    }
}

pub(super) fn routes(app: &App) -> BoxedFilter<(Response,)> {
    let by_path = warp::path!("stream" / String / String / ..)
        .and(warp::path::tail()) // a name for the player to show; it may be anything
        .and(get_or_head())
        .and(with(app))
        .and(warp::header::headers_cloned())
        .then(|info_hash: String, index: String, _name, head: bool, app: App, headers: HeaderMap| {
            answer(app.clone(), async move {
                let found = find::file(&app, &info_hash, &index, app.patience.metadata_for_stream).await?;
                serve(&app, &found, head, &headers).await
            })
        });
    let by_magnet = warp::path!("stream")
        .and(get_or_head())
        .and(with(app))
        .and(warp::header::headers_cloned())
        .and(super::raw_query())
        .then(|head: bool, app: App, headers: HeaderMap, query: String| {
            answer(app.clone(), async move {
                let query = Query::parse(&query);
                if query.magnet.is_empty() {
                    return Ok(plain(StatusCode::BAD_REQUEST, "Magnet link is required"));
                }
                let which = query.index.as_deref().map_or(Ok(Which::Auto), Which::parse)?;
                let found = from_magnet(&app, &query.magnet, which).await?;
                serve(&app, &found, head, &headers).await
            })
        });
    by_path.or(by_magnet).unify().boxed()
}

/// The file of a torrent that is added if need be.
async fn from_magnet(app: &App, text: &str, which: Which) -> Result<Found, Error> {
    let source = match text.parse() {
        Ok(info_hash) => Source::InfoHash(info_hash),
        Err(_) => Source::Magnet(Magnet::parse(text).map_err(|error| {
            Error::new(ErrorKind::BadRequest, format!("Invalid magnet URI: {error}")).caused_by(error)
        })?),
    };
    let added = add::add(app, source)?;
    let torrent = app.torrents.get(&added.info_hash).ok_or_else(find::no_torrent)?;
    let metadata = find::metadata(&torrent, app.patience.metadata_for_stream).await?;
    let index = which.of(&metadata)?;
    Ok(Found { torrent, metadata, index })
}

/// The text that the second predecessor answers.
fn plain(status: StatusCode, text: &'static str) -> Response {
    let mut response = super::answer::bytes("text/plain; charset=utf-8", text);
    *response.status_mut() = status;
    response
}

async fn serve(app: &App, found: &Found, head: bool, headers: &HeaderMap) -> Result<Response, Error> {
    let entry = found.entry()?;
    let file = File {
        name: find::file_name(&entry.path),
        etag: format!("\"{}:{}\"", found.torrent.info_hash(), found.index),
        len: entry.length,
    };
    file.answer(head, headers, &app.shutdown, app.patience.stream, || found.torrent.file(found.index)).await
}

/// What the headers tell of a file.
struct File<'a> {
    name: &'a str,
    etag: String,
    len: u64,
}

impl File<'_> {
    /// The response to a GET or HEAD; `open` is called when bytes are to be sent. The first of them are waited
    /// for up to `patience`, so that a failure has its status.
    async fn answer(
        &self,
        head: bool,
        headers: &HeaderMap,
        shutdown: &CancellationToken,
        patience: Duration,
        open: impl FnOnce() -> Result<Arc<dyn RangeReader>, Error>,
    ) -> Result<Response, Error> {
        if none_match_fails(text(headers, IF_NONE_MATCH), &self.etag) {
            return Ok(self.with_headers(empty(StatusCode::NOT_MODIFIED)));
        }
        // Range is defined for GET alone (RFC 9110 14.2).
        let range = asked(headers, &self.etag).filter(|_| !head);
        let content_type = HeaderValue::from_static(mime::content_type(self.name));
        let (status, content_type, content_range, parts) = match wanted(range, self.len) {
            Wanted::Unsatisfiable => {
                let mut response = message(StatusCode::RANGE_NOT_SATISFIABLE, "No such range in the file");
                set_text(&mut response, CONTENT_RANGE, &format!("bytes */{}", self.len));
                return Ok(self.with_headers(response));
            }
            Wanted::Whole => (StatusCode::OK, content_type, None, vec![Part::File(0..self.len)]),
            Wanted::Parts(parts) => match parts.as_slice() {
                [range] => {
                    let text = self.content_range(range);
                    (StatusCode::PARTIAL_CONTENT, content_type, Some(text), vec![Part::File(range.clone())])
                }
                ranges => {
                    let (content_type, parts) = self.multipart(ranges);
                    (StatusCode::PARTIAL_CONTENT, content_type, None, parts)
                }
            },
        };
        let length: u64 = parts.iter().map(Part::len).sum();
        let mut response = if head || length == 0 {
            empty(status)
        } else {
            of_parts(open()?, parts, shutdown.clone(), patience).await?
        };
        *response.status_mut() = status;
        set(&mut response, CONTENT_TYPE, content_type);
        set(&mut response, CONTENT_LENGTH, HeaderValue::from(length));
        if let Some(range) = content_range {
            set_text(&mut response, CONTENT_RANGE, &range);
        }
        Ok(self.with_headers(response))
    }

    fn with_headers(&self, mut response: Response) -> Response {
        set_text(&mut response, ETAG, &self.etag);
        set(&mut response, ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        set(&mut response, CACHE_CONTROL, HeaderValue::from_static("private, max-age=604800"));
        set_text(&mut response, CONTENT_DISPOSITION, &disposition(self.name));
        response
    }

    fn content_range(&self, range: &Range<u64>) -> String {
        format!("bytes {}-{}/{}", range.start, range.end.saturating_sub(1), self.len)
    }

    /// RFC 9110 14.6. The boundary is of the file's identity, which its own bytes do not hold.
    fn multipart(&self, ranges: &[Range<u64>]) -> (HeaderValue, Vec<Part>) {
        let boundary: String =
            self.etag.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let content_type = mime::content_type(self.name);
        let mut parts = Vec::with_capacity(ranges.len() * 2 + 1);
        for range in ranges {
            let content_range = self.content_range(range);
            let head = format!(
                "\r\n--{boundary}\r\nContent-Type: {content_type}\r\nContent-Range: {content_range}\r\n\r\n"
            );
            parts.push(Part::Text(head.into()));
            parts.push(Part::File(range.clone()));
        }
        parts.push(Part::Text(Bytes::from(format!("\r\n--{boundary}--\r\n"))));
        let content_type = HeaderValue::from_str(&format!("multipart/byteranges; boundary={boundary}"));
        (content_type.unwrap_or(HeaderValue::from_static("multipart/byteranges")), parts)
    }
}

/// `Content-Disposition` with the name twice (RFC 6266 4.3): plain for old clients, exact for others.
pub(super) fn disposition(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%') || c == ' ' { c } else { '_' })
        .collect();
    format!("inline; filename=\"{plain}\"; filename*=UTF-8''{}", utf8_percent_encode(name, VALUE_CHARS))
}

#[cfg(test)]
mod tests;
