//! `GET /playlist/{ih}.m3u`: all videos of a torrent, for VLC.

use super::answer::{answer, bytes, no_store, set_text};
use super::stream::disposition;
use super::{App, find, with};
use crate::error::{Error, ErrorKind};
use crate::playback::FileKey;
use crate::torrent::{InfoHash, Metadata, is_video};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt::Write as _;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::HeaderMap;
use warp::http::header::{CONTENT_DISPOSITION, HOST};
use warp::reply::Response;

/// RFC 3986 2.3: what may stand as itself in a path segment.
pub(super) const UNRESERVED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

pub(super) fn routes(app: &App) -> BoxedFilter<(Response,)> {
    warp::path!("playlist" / String)
        .and(super::get_or_head())
        .and(with(app))
        .and(warp::header::headers_cloned())
        .then(|name: String, _head: bool, app: App, headers: HeaderMap| {
            answer(app.clone(), async move { playlist(&app, &name, &headers).await })
        })
        .boxed()
}

async fn playlist(app: &App, name: &str, headers: &HeaderMap) -> Result<Response, Error> {
    let info_hash = name.strip_suffix(".m3u8").or_else(|| name.strip_suffix(".m3u")).unwrap_or(name);
    let origin = origin(headers)?;
    let torrent = find::torrent(app, info_hash)?;
    let metadata = find::metadata(&torrent, app.patience.metadata_for_stream).await?;
    let id = torrent.info_hash();
    let seconds = |index: usize| -> Option<f64> {
        let key = FileKey { id: id.bytes(), index: u32::try_from(index).ok()? };
        app.playbacks.known(key)?.duration_seconds()
    };
    let text = text(&origin, id, &metadata, seconds)?;
    let mut response = no_store(bytes("audio/x-mpegurl; charset=utf-8", text));
    let file = format!("{}.m3u", find::file_name(&metadata.name));
    set_text(&mut response, CONTENT_DISPOSITION, &disposition(&file));
    Ok(response)
}

fn text(
    origin: &str,
    id: InfoHash,
    metadata: &Metadata,
    seconds: impl Fn(usize) -> Option<f64>,
) -> Result<String, Error> {
    let mut text = String::from("#EXTM3U\n");
    let mut videos = 0;
    for (index, file) in
        metadata.files.iter().enumerate().filter(|(_, file)| !file.padding && is_video(&file.path))
    {
        videos += 1;
        let name = find::file_name(&file.path);
        let length = seconds(index).map_or_else(|| "-1".to_owned(), |seconds| format!("{seconds:.0}"));
        let title = title(name);
        let path = utf8_percent_encode(name, UNRESERVED);
        let _ = writeln!(text, "#EXTINF:{length},{title}\n{origin}/stream/{id}/{index}/{path}"); // a String takes all
    }
    if videos == 0 {
        return Err(Error::new(ErrorKind::NotFound, "No video file found in the torrent"));
    }
    Ok(text)
}

/// A name on one line.
fn title(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c })
        .collect()
}

/// Where the client sees us: `http://host:port`, from the headers, which are not to be trusted.
fn origin(headers: &HeaderMap) -> Result<String, Error> {
    let host = super::answer::text(headers, HOST).filter(|host| {
        !host.is_empty()
            && host.len() <= 255
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte))
    });
    let host =
        host.ok_or_else(|| Error::new(ErrorKind::BadRequest, "The Host header is missing or invalid"))?;
    // A proxy in front of us may speak https.
    let secure = headers.get("x-forwarded-proto").is_some_and(|scheme| scheme == "https");
    Ok(format!("{}://{host}", if secure { "https" } else { "http" }))
}
