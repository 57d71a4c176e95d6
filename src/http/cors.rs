//! Cross-origin requests: open to all, as the predecessor's clients expect.

use super::answer::{empty, set};
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::StatusCode;
use warp::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ALLOW, HeaderName, HeaderValue,
    X_CONTENT_TYPE_OPTIONS,
};
use warp::reply::Response;

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, DELETE, OPTIONS");
const REQUEST_HEADERS: HeaderValue = HeaderValue::from_static(
    "Origin, Content-Type, Content-Length, Accept-Encoding, Authorization, Range, If-Range, If-None-Match",
);
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "Content-Length, Content-Range, Accept-Ranges, ETag, Content-Type, Content-Disposition, Retry-After",
);
const TWELVE_HOURS: HeaderValue = HeaderValue::from_static("43200");
const ANY: HeaderValue = HeaderValue::from_static("*");

/// Answers every OPTIONS, and marks all other answers as readable by any page.
pub(super) fn wrap(routes: BoxedFilter<(Response,)>) -> BoxedFilter<(Response,)> {
    let preflight = warp::options()
        .map(|| {
            let mut response = empty(StatusCode::NO_CONTENT);
            set(&mut response, ALLOW, METHODS);
            set(&mut response, ACCESS_CONTROL_ALLOW_METHODS, METHODS);
            set(&mut response, ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
            set(&mut response, ACCESS_CONTROL_MAX_AGE, TWELVE_HOURS);
            // A public page may talk to this machine (Private Network Access).
            set(
                &mut response,
                HeaderName::from_static("access-control-allow-private-network"),
                HeaderValue::from_static("true"),
            );
            response
        })
        .boxed();
    preflight
        .or(routes)
        .unify()
        .map(|mut response: Response| {
            set(&mut response, ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
            set(&mut response, ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
            set(&mut response, X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
            response
        })
        .boxed()
}
