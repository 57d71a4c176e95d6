//! `GET /progress/{ih}/{idx}` and `POST /prioritize`: what a player needs to know, and what it tells us.

use super::answer::{answer, json};
use super::find::{self, Found, Which};
use super::receive::receive;
use super::torrents::{percent, state_name};
use super::{App, reading, with};
use crate::error::{Error, ErrorKind};
use crate::torrent::{State, Torrent};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::time::Instant;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::Response;

/// How long `/prioritize` waits for the metadata.
const PRIORITIZE_PATIENCE: Duration = Duration::from_secs(3);
/// How many pieces from the position on `/prioritize` says it prefers.
const PIECES_AHEAD: u64 = 20;
/// A seek to beyond this is to the end, where nothing is to be fetched.
const END_PERCENT: f64 = 99.5;
/// The largest body of `/prioritize`, in bytes.
const MAX_BODY: usize = 64 * 1024;

pub(super) fn routes(app: &App) -> BoxedFilter<(Response,)> {
    let progress = warp::path!("progress" / String / String).and(reading()).and(with(app)).then(
        |info_hash: String, index: String, app: App| {
            answer(app.clone(), async move { progress(&app, &info_hash, &index).await })
        },
    );
    let prioritize =
        warp::path!("prioritize").and(warp::post()).and(with(app)).and(warp::body::stream()).then(
            |app: App, body| async move {
                match receive(&app, body, MAX_BODY).await {
                    Ok(body) => answer(app.clone(), async move { prioritize(&app, &body).await }).await,
                    Err(refused) => refused.response(),
                }
            },
        );
    progress.or(prioritize).unify().boxed()
}

/// The names are those of the first predecessor, and some more.
#[derive(Debug, Serialize)]
struct Progress {
    /// Playback can begin.
    ready: bool,
    file_path: String,
    completed_bytes_estimated: u64,
    length_bytes: u64,
    percent_by_bytes_estimated: f64,
    completed_pieces_in_file_range: usize,
    total_pieces_in_file_range: usize,
    percent_by_pieces: f64,
    download_speed_bytes_per_sec: u64,
    /// Seconds; 0 while unknown.
    duration: f64,
    file_index: usize,
    state: &'static str,
    peers: u32,
    /// True when the file can be played as HLS; `None` while unknown.
    hls: Option<bool>,
    /// Why it cannot, or why the torrent failed.
    error: Option<String>,
}

/// Without metadata.
#[derive(Debug, Serialize)]
struct NotYet {
    ready: bool,
    status: &'static str,
    state: &'static str,
    peers: u32,
    error: Option<String>,
}

async fn progress(app: &App, info_hash: &str, index: &str) -> Result<Response, Error> {
    let until = Instant::now() + app.patience.metadata;
    let torrent = find::torrent(app, info_hash)?;
    let which = Which::parse(index)?;
    let metadata = match torrent.wait_for_metadata(app.patience.metadata).await {
        Ok(metadata) => metadata,
        Err(error) => return Ok(json(&NotYet::of(&torrent, &error))),
    };
    let index = which.of(&metadata)?;
    let found = Found { torrent, metadata, index };
    let playback = found.playback(app)?;
    playback.warm_up();
    // The rest of the same patience: a client asks every 2 s, and the reading of the index goes on without it.
    let presentation = tokio::time::timeout_at(until, playback.playable()).await;
    let (ready, hls, duration, error) = match presentation {
        Ok(Ok(known)) => match known.check() {
            Ok(()) => (true, Some(true), known.duration_seconds(), None),
            Err(error) => (true, Some(false), known.duration_seconds(), Some(error.to_string())),
        },
        // It can be played by range all the same.
        Ok(Err(error)) if error.kind() == ErrorKind::Unsupported => {
            (true, Some(false), None, Some(error.to_string()))
        }
        Ok(Err(error)) => (false, None, None, Some(error.to_string())),
        Err(_) => (false, None, None, None),
    };
    let torrent = &found.torrent;
    let entry = found.entry()?;
    let stats = torrent.stats();
    let file = torrent.file_progress(index);
    let (bytes, pieces, total) =
        file.map_or((0, 0, 0), |file| (file.completed_bytes, file.completed_pieces, file.total_pieces));
    // The client waits for ready and a percentage above 0, so being ready must not round to nothing.
    let least = if ready { 0.01 } else { 0.0 };
    let state = torrent.state();
    Ok(json(&Progress {
        ready,
        file_path: entry.path.clone(),
        completed_bytes_estimated: bytes,
        length_bytes: entry.length,
        percent_by_bytes_estimated: percent(bytes, entry.length).max(least),
        completed_pieces_in_file_range: pieces,
        total_pieces_in_file_range: total,
        percent_by_pieces: percent(pieces as u64, total as u64).max(least),
        download_speed_bytes_per_sec: stats.download_bytes_per_second,
        duration: duration.unwrap_or(0.0),
        file_index: index,
        state: state_name(&state),
        peers: stats.peers,
        hls,
        error: error.or(match state {
            State::Failed { reason } => Some(reason),
            _ => None,
        }),
    }))
}

impl NotYet {
    fn of(torrent: &Torrent, error: &Error) -> Self {
        let state = torrent.state();
        Self {
            ready: false,
            status: "metadata not yet available",
            state: state_name(&state),
            peers: torrent.stats().peers,
            error: match state {
                State::Failed { reason } => Some(reason),
                _ => (error.kind() != ErrorKind::Stalled).then(|| error.to_string()),
            },
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Seek {
    info_hash: String,
    #[serde(default)]
    file_idx: i64,
    #[serde(default)]
    percentage: f64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Sought {
    message: &'static str,
    seek_position_bytes: u64,
    seek_position_piece: u64,
    start_priority: u64,
    end_priority: u64,
}

async fn prioritize(app: &App, body: &[u8]) -> Result<Response, Error> {
    let bad = |text: String| Error::new(ErrorKind::BadRequest, text);
    let seek: Seek =
        serde_json::from_slice(body).map_err(|error| bad(format!("Invalid request format: {error}")))?;
    let torrent = find::torrent(app, &seek.info_hash)?;
    if !(0.0..=100.0).contains(&seek.percentage) {
        return Err(bad("Invalid percentage: a number from 0 to 100 is needed".to_owned()));
    }
    let index = usize::try_from(seek.file_idx).map_err(|_| bad("Invalid file index".to_owned()))?;
    let metadata =
        torrent.wait_for_metadata(PRIORITIZE_PATIENCE).await.map_err(|error| match error.kind() {
            ErrorKind::Stalled => {
                Error::new(ErrorKind::Stalled, "Waiting for torrent metadata").caused_by(error)
            }
            _ => error,
        })?;
    let index = Which::Number(index).of(&metadata)?;
    let found = Found { torrent, metadata, index };
    let entry = found.entry()?;
    if entry.length == 0 {
        return Ok(json(&serde_json::json!({ "message": "The file is empty, nothing to prioritize" })));
    }
    let position = position(seek.percentage, entry.length);
    let piece_length = u64::from(found.metadata.piece_length.max(1));
    let piece = (entry.offset + position) / piece_length;
    if seek.percentage > END_PERCENT {
        return Ok(json(&serde_json::json!({
            "message": "Seek to the end of the file ignored",
            "ignored": true,
            "seekPositionPiece": piece,
            "percentage": seek.percentage,
        })));
    }
    found.playback(app)?.prefer(position);
    let last = (entry.offset + entry.length - 1) / piece_length;
    Ok(json(&Sought {
        message: "Pieces prioritized successfully",
        seek_position_bytes: position,
        seek_position_piece: piece,
        start_priority: piece,
        end_priority: (piece + PIECES_AHEAD).min(last),
    }))
}

/// The byte at `percentage` of a file of `length` bytes (not 0).
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "`as` saturates, the percentage is from 0 to 100, and a seek is not exact to the byte"
)]
fn position(percentage: f64, length: u64) -> u64 {
    ((percentage / 100.0 * length as f64) as u64).min(length - 1)
}
