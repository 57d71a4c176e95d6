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

/// The whole body, or the answer that refuses it.
pub(super) async fn receive(
    app: &App,
    body: impl Stream<Item = Result<impl Buf, warp::Error>>,
    limit: usize,
) -> Result<Bytes, Response> {
    let read = async {
        let _turn = app.uploads.acquire().await;
        let mut body = pin!(body);
        let mut data = BytesMut::new();
        while let Some(chunk) = body.next().await {
            let Ok(chunk) = chunk else {
                return Err(message(
                    StatusCode::BAD_REQUEST,
                    "Invalid request format: the body was cut short",
                ));
            };
            if data.len() + chunk.remaining() > limit {
                return Err(message(StatusCode::PAYLOAD_TOO_LARGE, "The request is too large"));
            }
            data.put(chunk);
        }
        Ok(data.freeze())
    };
    tokio::select! {
        result = tokio::time::timeout(UPLOAD_TIME, read) => {
            result.unwrap_or_else(|_| Err(message(StatusCode::REQUEST_TIMEOUT, "The request took too long")))
        }
        () = app.shutdown.cancelled() => {
            Err(message(StatusCode::SERVICE_UNAVAILABLE, "The server is shutting down"))
        }
    }
}
