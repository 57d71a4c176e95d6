//! Bodies of requests, with a limit on their size, their number and their time.

use super::App;
use super::answer::message;
use bytes::{Buf, BufMut as _, Bytes, BytesMut};
use futures::{Stream, StreamExt as _};
use std::pin::pin;
use std::time::Duration;
use warp::http::StatusCode;
use warp::reply::Response;

/// Bodies received at a time: bounds the memory they take.
pub(super) const UPLOADS_AT_A_TIME: usize = 8;
/// A body must be here by then.
const UPLOAD_TIME: Duration = Duration::from_secs(60);

/// Why a body was not received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// It is longer than the limit.
    TooLarge,
    /// It took too long.
    TooSlow,
    /// The client went away in the middle.
    CutShort,
    /// The server is shutting down.
    Ending,
}

impl Refused {
    /// The answer that says so.
    pub(super) fn response(self) -> Response {
        match self {
            Self::TooLarge => message(StatusCode::PAYLOAD_TOO_LARGE, "The request is too large"),
            Self::TooSlow => message(StatusCode::REQUEST_TIMEOUT, "The request took too long"),
            Self::CutShort => {
                message(StatusCode::BAD_REQUEST, "Invalid request format: the body was cut short")
            }
            Self::Ending => message(StatusCode::SERVICE_UNAVAILABLE, "The server is shutting down"),
        }
    }
}

/// The whole body, if it is here in time and has no more than `limit` bytes.
pub(super) async fn receive(
    app: &App,
    body: impl Stream<Item = Result<impl Buf, warp::Error>>,
    limit: usize,
) -> Result<Bytes, Refused> {
    let read = async {
        let _turn = app.uploads.acquire().await;
        let mut body = pin!(body);
        let mut data = BytesMut::new();
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|_| Refused::CutShort)?;
            if data.len() + chunk.remaining() > limit {
                return Err(Refused::TooLarge);
            }
            data.put(chunk);
        }
        Ok(data.freeze())
    };
    tokio::select! {
        result = tokio::time::timeout(UPLOAD_TIME, read) => result.unwrap_or(Err(Refused::TooSlow)),
        () = app.shutdown.cancelled() => Err(Refused::Ending),
    }
}
