//! `GET /torrents`, `GET /status/{ih}`, `DELETE /remove/{ih}`: the torrents as a whole.

use super::answer::{answer, json};
use super::{App, find, reading, with};
use crate::error::Error;
use crate::torrent::{State, Torrent};
use serde::Serialize;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::Response;

pub(super) fn routes(app: &App) -> BoxedFilter<(Response,)> {
    let list = warp::path!("torrents").and(reading()).and(with(app)).then(|app: App| {
        answer(app.clone(), async move {
            let all: Vec<Status> = app.torrents.list().iter().map(|torrent| Status::of(torrent)).collect();
            Ok(json(&all))
        })
    });
    let status =
        warp::path!("status" / String).and(reading()).and(with(app)).then(|info_hash: String, app: App| {
            answer(app.clone(), async move { Ok(json(&Status::of(&*find::torrent(&app, &info_hash)?))) })
        });
    let remove = warp::path!("remove" / String).and(warp::delete()).and(with(app)).then(
        |info_hash: String, app: App| answer(app.clone(), async move { remove(&app, &info_hash).await }),
    );
    list.or(status).unify().or(remove).unify().boxed()
}

/// A torrent as `/status` tells it; the names are those of the first predecessor, and some more.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Status {
    info_hash: String,
    state: &'static str,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(flatten)]
    contents: Contents,
    /// Peers that are connected.
    peers: u32,
    /// Bytes that came from peers, in all.
    bytes_fetched: u64,
    /// Bytes on the disk.
    bytes_on_disk: u64,
    download_bytes_per_second: u64,
    upload_bytes_per_second: u64,
}

#[derive(Debug, Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
enum Contents {
    Known {
        metadata_completed: bool,
        length: u64,
        files: Vec<File>,
        bytes_completed: u64,
        percent_completed: f64,
    },
    Unknown {
        metadata_completed: bool,
    },
}

#[derive(Debug, Serialize)]
struct File {
    path: String,
    length: u64,
    offset: u64,
}

impl Status {
    pub(super) fn of(torrent: &Torrent) -> Self {
        let stats = torrent.stats();
        let state = torrent.state();
        let contents = match torrent.metadata() {
            None => Contents::Unknown { metadata_completed: false },
            Some(metadata) => Contents::Known {
                metadata_completed: true,
                length: metadata.total_length,
                files: metadata
                    .files
                    .iter()
                    .map(|file| File { path: file.path.clone(), length: file.length, offset: file.offset })
                    .collect(),
                bytes_completed: stats.bytes_completed,
                percent_completed: percent(stats.bytes_completed, metadata.total_length),
            },
        };
        Self {
            info_hash: torrent.info_hash().to_string(),
            state: state_name(&state),
            error: match state {
                State::Failed { reason } => Some(reason),
                _ => None,
            },
            name: torrent.name(),
            contents,
            peers: stats.peers,
            bytes_fetched: stats.bytes_fetched,
            bytes_on_disk: stats.bytes_on_disk,
            download_bytes_per_second: stats.download_bytes_per_second,
            upload_bytes_per_second: stats.upload_bytes_per_second,
        }
    }
}

/// The state in the first predecessor's words; `failed` is new.
pub(super) const fn state_name(state: &State) -> &'static str {
    match state {
        State::GettingMetadata => "getting metadata",
        State::Downloading => "downloading",
        State::Seeding => "seeding",
        State::Completed => "completed",
        State::Failed { .. } => "failed",
    }
}

/// `part` of `whole` in percent, 0 to 100; nothing is wholly there.
#[expect(clippy::cast_precision_loss, reason = "for showing; exact below 2^53")]
pub(super) fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 100.0 } else { part.min(whole) as f64 * 100.0 / whole as f64 }
}

async fn remove(app: &App, info_hash: &str) -> Result<Response, Error> {
    let id = find::torrent(app, info_hash)?.info_hash();
    app.playbacks.forget(&id.bytes());
    if !app.torrents.remove(&id).await {
        return Err(find::no_torrent());
    }
    // A request may have opened a file in between.
    app.playbacks.forget(&id.bytes());
    Ok(json(&serde_json::json!({ "message": "Torrent removed successfully" })))
}
