//! Cross-origin requests: open to all by default, as the predecessor's clients expect; `--cors` narrows it.

use super::answer::{empty, message, set};
use std::sync::Arc;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ALLOW, HOST, HeaderName, HeaderValue, ORIGIN,
    VARY, X_CONTENT_TYPE_OPTIONS,
};
use warp::http::{HeaderMap, Method, StatusCode};
use warp::reply::Response;

/// What some route takes.
pub(super) const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, DELETE, OPTIONS");
const REQUEST_HEADERS: HeaderValue = HeaderValue::from_static(
    "Origin, Content-Type, Content-Length, Accept-Encoding, Authorization, Range, If-Range, If-None-Match",
);
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "Content-Length, Content-Range, Accept-Ranges, ETag, Content-Type, Content-Disposition, Retry-After, \
     X-Known-Seconds, X-Complete",
);
const TWELVE_HOURS: HeaderValue = HeaderValue::from_static("43200");
const ANY: HeaderValue = HeaderValue::from_static("*");

/// The origins whose pages may use the server.
#[derive(Debug, Clone, Default)]
pub(super) enum Origins {
    /// All of them.
    #[default]
    Any,
    /// These, and the server's own page.
    Only(Arc<[String]>),
}

impl Origins {
    /// `*` among them stands for all.
    pub(super) fn only(origins: Vec<String>) -> Self {
        if origins.iter().any(|origin| origin == "*") {
            return Self::Any;
        }
        Self::Only(origins.iter().map(|origin| origin.trim_end_matches('/').to_ascii_lowercase()).collect())
    }

    /// What to answer as Access-Control-Allow-Origin; `None` when the page may not see the answer.
    fn allowed(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        match self {
            Self::Any => Some(ANY),
            Self::Only(origins) => {
                let origin = headers.get(ORIGIN)?;
                let text = origin.to_str().ok()?.to_ascii_lowercase();
                origins.contains(&text).then(|| origin.clone())
            }
        }
    }

    /// True for a request that changes something and comes from a page that may not.
    fn refuses(&self, method: &Method, headers: &HeaderMap) -> bool {
        let (Self::Only(_), Some(origin)) = (self, headers.get(ORIGIN)) else { return false };
        let own = headers.get(HOST).and_then(|host| host.to_str().ok()).is_some_and(|host| {
            origin.to_str().is_ok_and(|origin| origin.split_once("://").is_some_and(|(_, name)| name == host))
        });
        !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
            && !own
            && self.allowed(headers).is_none()
    }
}

/// Answers every OPTIONS, and marks all other answers as readable by the pages of `origins`.
pub(super) fn wrap(routes: BoxedFilter<(Response,)>, origins: Origins) -> BoxedFilter<(Response,)> {
    let guard = origins.clone();
    let refused = warp::method()
        .and(warp::header::headers_cloned())
        .and_then(move |method: Method, headers: HeaderMap| {
            let refused = guard.refuses(&method, &headers);
            async move {
                if !refused {
                    return Err(warp::reject());
                }
                Ok(message(StatusCode::FORBIDDEN, "Pages of this origin may not use the server (--cors)"))
            }
        })
        .boxed();
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
    warp::header::headers_cloned()
        .and(refused.or(preflight).unify().or(routes).unify())
        .map(move |headers: HeaderMap, mut response: Response| {
            if let Some(origin) = origins.allowed(&headers) {
                set(&mut response, ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            }
            if matches!(origins, Origins::Only(_)) {
                set(&mut response, VARY, HeaderValue::from_static("Origin"));
            }
            set(&mut response, ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
            set(&mut response, X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
            response
        })
        .boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(origin: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("box:5050"));
        headers.insert(ORIGIN, HeaderValue::from_str(origin).unwrap());
        headers
    }

    #[test]
    fn named_origins_only() {
        let origins = Origins::only(vec!["https://Films.example/".into()]);
        let [ours, theirs] = ["https://films.example", "https://elsewhere.example"].map(headers);
        assert_eq!(origins.allowed(&ours).unwrap(), "https://films.example");
        assert_eq!(origins.allowed(&theirs), None);
        assert!(!origins.refuses(&Method::POST, &ours) && origins.refuses(&Method::DELETE, &theirs));
        assert!(!origins.refuses(&Method::GET, &theirs), "what it gets it cannot read");
        assert!(!origins.refuses(&Method::POST, &headers("http://box:5050")), "our own page");
        assert!(!origins.refuses(&Method::POST, &HeaderMap::new()), "no page at all");
        let any = Origins::only(vec!["https://films.example".into(), "*".into()]);
        assert_eq!(any.allowed(&theirs).unwrap(), "*");
        assert!(!any.refuses(&Method::DELETE, &theirs));
    }
}
