//! `POST /add` and `POST /torrents`: new torrents.

use super::answer::{answer, json};
use super::receive::receive;
use super::{App, with};
use crate::error::{Error, ErrorKind};
use crate::torrent::{Added, InfoHash, Magnet, Source};
use base64::Engine as _;
use serde::Deserialize;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::Response;

/// The largest .torrent file that is taken, in bytes.
const MAX_TORRENT: usize = 16 << 20;
/// The largest JSON body: such a file in base64, and 1 MiB for the rest.
const MAX_JSON: usize = MAX_TORRENT / 3 * 4 + (1 << 20);

/// The body of `POST /add`; one of the three is needed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    info_hash: Option<String>,
    #[serde(rename = "magnetURI", alias = "magnetUri", alias = "magnet")]
    magnet: Option<String>,
    torrent: Option<String>,
}

pub(super) fn routes(app: &App) -> BoxedFilter<(Response,)> {
    let add = warp::path!("add").and(warp::post()).and(with(app)).and(warp::body::stream()).then(
        |app: App, body| async move {
            match receive(&app, body, MAX_JSON).await {
                Ok(body) => answer(app.clone(), async move { add_json(&app, &body) }).await,
                Err(refused) => refused.response(),
            }
        },
    );
    let upload = warp::path!("torrents").and(warp::post()).and(with(app)).and(warp::body::stream()).then(
        |app: App, body| async move {
            match receive(&app, body, MAX_TORRENT).await {
                Ok(body) => {
                    answer(app.clone(), async move { add_source(&app, Source::TorrentFile(body)) }).await
                }
                Err(refused) => refused.response(),
            }
        },
    );
    add.or(upload).unify().boxed()
}

fn add_json(app: &App, body: &[u8]) -> Result<Response, Error> {
    let request: Request =
        serde_json::from_slice(body).map_err(|error| bad(format!("Invalid request format: {error}")))?;
    add_source(app, request.source()?)
}

impl Request {
    /// What is to be added: the .torrent file before the magnet before the bare infohash.
    fn source(&self) -> Result<Source, Error> {
        let given = |field: &Option<String>| {
            field.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
        };
        if let Some(torrent) = given(&self.torrent) {
            let text: String = torrent.split_ascii_whitespace().collect();
            let bytes = base64::engine::general_purpose::STANDARD
                .decode(text)
                .map_err(|error| bad(format!("Invalid torrent: {error}")))?;
            return Ok(Source::TorrentFile(bytes.into()));
        }
        let info_hash =
            match given(&self.info_hash) {
                Some(text) => {
                    let parsed = text.parse::<InfoHash>();
                    Some(parsed.map_err(|_| {
                        bad("Invalid infohash: 40 hexadecimal or 32 base32 digits are needed")
                    })?)
                }
                None => None,
            };
        match (given(&self.magnet), info_hash) {
            (Some(text), info_hash) => {
                let magnet =
                    Magnet::parse(&text).map_err(|error| bad(format!("Invalid magnet URI: {error}")))?;
                if info_hash.is_some_and(|info_hash| info_hash != magnet.info_hash) {
                    return Err(bad("Invalid magnet URI: it is for another infohash"));
                }
                Ok(Source::Magnet(magnet))
            }
            (None, Some(info_hash)) => Ok(Source::InfoHash(info_hash)),
            (None, None) => Err(bad("InfoHash is required")),
        }
    }
}

/// Adds a torrent and tells so.
fn add_source(app: &App, source: Source) -> Result<Response, Error> {
    let added = add(app, source)?;
    let text = if added.already_there { "Torrent already exists" } else { "Torrent added successfully" };
    Ok(json(&serde_json::json!({ "message": text, "infoHash": added.info_hash.to_string() })))
}

/// Adds a torrent.
pub(super) fn add(app: &App, source: Source) -> Result<Added, Error> {
    let added = app.torrents.add(source)?;
    if !added.already_there {
        // It may have been here before, and gone without us: its old readers are of no use.
        app.playbacks.forget(&added.info_hash.bytes());
    }
    Ok(added)
}

fn bad(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::BadRequest, text)
}
