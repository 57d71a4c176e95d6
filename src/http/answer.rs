//! Answers: from results to responses. Here, and nowhere else, an error's kind becomes a status.

use super::App;
use crate::error::{Error, ErrorKind};
use bytes::Bytes;
use futures::FutureExt as _;
use serde::Serialize;
use std::panic::AssertUnwindSafe;
use tokio_util::sync::CancellationToken;
use warp::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use warp::http::{Response as HttpResponse, StatusCode};
use warp::reply::Response;

/// Seconds after which a client may ask again for what was not there.
const RETRY_SECONDS: u64 = 2;

/// Runs a handler. It ends with the server, and a panic in it is an answer like any other.
pub(super) async fn answer(app: App, handler: impl Future<Output = Result<Response, Error>>) -> Response {
    guard(&app.shutdown, handler).await
}

async fn guard(
    shutdown: &CancellationToken,
    handler: impl Future<Output = Result<Response, Error>>,
) -> Response {
    let caught = AssertUnwindSafe(handler).catch_unwind();
    tokio::select! {
        biased;
        result = caught => match result {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => failure(&error),
            // What it was has been told by the panic hook.
            Err(_) => failure(&Error::new(ErrorKind::Internal, "Internal error")),
        },
        () = shutdown.cancelled() => failure(&Error::new(ErrorKind::Cancelled, "The server is shutting down")),
    }
}

/// The response for an error, which is logged here and only here.
pub(super) fn failure(error: &Error) -> Response {
    let (status, retry) = match error.kind() {
        ErrorKind::BadRequest => (StatusCode::BAD_REQUEST, false),
        ErrorKind::NotFound => (StatusCode::NOT_FOUND, false),
        ErrorKind::Unsupported => (StatusCode::UNSUPPORTED_MEDIA_TYPE, false),
        ErrorKind::Stalled | ErrorKind::Indexing => (StatusCode::SERVICE_UNAVAILABLE, true),
        ErrorKind::Cancelled => (StatusCode::SERVICE_UNAVAILABLE, false),
        ErrorKind::Storage => (StatusCode::INSUFFICIENT_STORAGE, false),
        ErrorKind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, false),
    };
    log(error);
    let mut body = serde_json::json!({ "error": error.to_string() });
    if let (Some(progress), Some(body)) = (error.progress(), body.as_object_mut()) {
        body.insert("progress".to_owned(), progress.into());
    }
    let mut response = json(&body);
    *response.status_mut() = status;
    if retry {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(RETRY_SECONDS));
    }
    response
}

/// Logs an error with its chain, as loud as its kind deserves.
pub(super) fn log(error: &Error) {
    match error.kind() {
        ErrorKind::Internal | ErrorKind::Storage => tracing::error!("{}", error.chain()),
        ErrorKind::Unsupported | ErrorKind::Stalled => tracing::info!("{}", error.chain()),
        ErrorKind::BadRequest | ErrorKind::NotFound | ErrorKind::Indexing | ErrorKind::Cancelled => {
            tracing::debug!("{}", error.chain())
        }
    }
}

/// `{"error": text}` with a status.
pub(super) fn message(status: StatusCode, text: &str) -> Response {
    let mut response = json(&serde_json::json!({ "error": text }));
    *response.status_mut() = status;
    response
}

/// A value as JSON, never to be cached.
pub(super) fn json(value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => no_store(bytes("application/json", body)),
        Err(error) => failure(&Error::new(ErrorKind::Internal, "Internal error").caused_by(error)),
    }
}

/// A body of known length.
pub(super) fn bytes(content_type: &'static str, body: impl Into<Bytes>) -> Response {
    let body: Bytes = body.into();
    let length = HeaderValue::from(body.len());
    let mut response = HttpResponse::new(body.into());
    set(&mut response, CONTENT_TYPE, HeaderValue::from_static(content_type));
    set(&mut response, CONTENT_LENGTH, length);
    response
}

/// No body.
pub(super) fn empty(status: StatusCode) -> Response {
    let mut response = HttpResponse::new(Bytes::new().into());
    *response.status_mut() = status;
    response
}

/// The same, never to be kept by a cache.
pub(super) fn no_store(mut response: Response) -> Response {
    set(&mut response, CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Sets a header.
pub(super) fn set(response: &mut Response, name: HeaderName, value: HeaderValue) {
    response.headers_mut().insert(name, value);
}

/// Sets a header of our own making; what is no header value is left out.
pub(super) fn set_text(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        set(response, name, value);
    }
}

/// The header's value when it is text.
pub(super) fn text(headers: &warp::http::HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_kind_of_error_has_its_status() {
        for (kind, status, retry) in [
            (ErrorKind::BadRequest, 400, false),
            (ErrorKind::NotFound, 404, false),
            (ErrorKind::Unsupported, 415, false),
            (ErrorKind::Stalled, 503, true),
            (ErrorKind::Indexing, 503, true),
            (ErrorKind::Cancelled, 503, false),
            (ErrorKind::Storage, 507, false),
            (ErrorKind::Internal, 500, false),
        ] {
            let error = Error::new(kind, "why").caused_by("what nobody but the log should know");
            let answered = guard(&CancellationToken::new(), async { Err(error) }).await;
            assert_eq!(answered.status(), status);
            assert_eq!(answered.headers().contains_key(RETRY_AFTER), retry);
            assert_eq!(answered.headers()[CONTENT_LENGTH], "15"); // {"error":"why"}
        }
    }

    #[tokio::test]
    async fn a_panic_and_the_shutdown_are_answers() {
        let shutdown = CancellationToken::new();
        let panicked = guard(&shutdown, async { panic!("as the test wants") }).await;
        assert_eq!(panicked.status(), 500);
        shutdown.cancel();
        let ended = guard(&shutdown, std::future::pending()).await;
        assert_eq!(ended.status(), 503);
    }
}
