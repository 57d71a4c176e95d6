//! `GET /`: the page, all of it in the binary; and `GET /health`.

use super::answer::{bytes, json, set};
use super::{App, get_or_head, with};
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY, X_FRAME_OPTIONS,
};
use warp::reply::Response;

/// Nothing but what this server sends; media may also come from blobs, for players that make them.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    media-src 'self' blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

pub(super) fn routes(app: &App) -> BoxedFilter<(Response,)> {
    let page = warp::path::end()
        .and(get_or_head())
        .map(|_| file("text/html; charset=utf-8", include_str!("../page/index.html")));
    let style = warp::path!("page" / "style.css")
        .and(get_or_head())
        .map(|_| file("text/css; charset=utf-8", include_str!("../page/style.css")));
    let script = warp::path!("page" / "main.js")
        .and(get_or_head())
        .map(|_| file("text/javascript; charset=utf-8", include_str!("../page/main.js")));
    let health = warp::path!("health").and(get_or_head()).and(with(app)).map(|_, app: App| {
        json(&serde_json::json!({
            "status": "ok",
            "version": env!("CARGO_PKG_VERSION"),
            "torrents": app.torrents.list().len(),
        }))
    });
    page.or(style).unify().or(script).unify().or(health).unify().boxed()
}

fn file(content_type: &'static str, text: &'static str) -> Response {
    let mut response = bytes(content_type, text);
    set(&mut response, CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    set(&mut response, X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    set(&mut response, REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    set(&mut response, CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    set(
        &mut response,
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    );
    response
}
