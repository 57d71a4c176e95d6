//! Ranges of a file in memory, by requests without sockets.

use super::*;
use crate::playback::fake::FakeFile;
use proptest::prelude::*;
use std::time::Duration;
use warp::http::Response as HttpResponse;

const ETAG_TEXT: &str = "\"hash:0\"";

struct Server {
    file: Arc<FakeFile>,
    name: &'static str,
}

impl Server {
    fn new(len: u32) -> Self {
        Self { file: Arc::new(FakeFile::counting(len)), name: "Film é.mkv" }
    }

    async fn ask(&self, method: &str, headers: &[(&'static str, &str)]) -> HttpResponse<Bytes> {
        let (file, name) = (Arc::clone(&self.file), self.name);
        let filter =
            get_or_head().and(warp::header::headers_cloned()).then(move |head: bool, headers: HeaderMap| {
                let reader: Arc<dyn RangeReader> = Arc::<FakeFile>::clone(&file);
                let file = File { name, etag: ETAG_TEXT.to_owned(), len: file.len() };
                async move {
                    let (shutdown, patience) = (CancellationToken::new(), Duration::from_secs(90));
                    let answer = file.answer(head, &headers, &shutdown, patience, || Ok(reader)).await;
                    answer
                        .unwrap_or_else(|error| message(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()))
                }
            });
        let mut request = warp::test::request().method(method);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.reply(&filter).await
    }

    async fn range(&self, range: &str) -> HttpResponse<Bytes> {
        self.ask("GET", &[("range", range)]).await
    }
}

fn header<'a>(response: &'a HttpResponse<Bytes>, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn the_whole_file() {
    let server = Server::new(3_000_000);
    let response = server.ask("GET", &[]).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.body(), server.file.bytes());
    assert_eq!(header(&response, "content-length"), Some("3000000"));
    assert_eq!(header(&response, "accept-ranges"), Some("bytes"));
    assert_eq!(header(&response, "etag"), Some(ETAG_TEXT));
    assert_eq!(header(&response, "content-type"), Some("video/x-matroska"));
    assert_eq!(
        header(&response, "content-disposition"),
        Some("inline; filename=\"Film _.mkv\"; filename*=UTF-8''Film%20%C3%A9.mkv")
    );
    assert_eq!(server.file.reads()[..2], [0..262_144, 262_144..1_048_576]);
    assert_eq!(server.file.preferred()[0], 0);
}

#[tokio::test]
async fn single_ranges() {
    let server = Server::new(10_000);
    for (range, bytes, content_range) in [
        ("bytes=0-1", 0..2, "bytes 0-1/10000"),
        ("bytes=0-0", 0..1, "bytes 0-0/10000"),
        ("bytes=9999-", 9999..10_000, "bytes 9999-9999/10000"),
        ("bytes=-100", 9900..10_000, "bytes 9900-9999/10000"),
        ("bytes=9000-99999", 9000..10_000, "bytes 9000-9999/10000"),
    ] {
        let response = server.range(range).await;
        assert_eq!(response.status(), 206, "{range}");
        assert_eq!(header(&response, "content-range"), Some(content_range));
        assert_eq!(header(&response, "content-length"), Some(bytes.len().to_string().as_str()));
        assert_eq!(response.body(), &server.file.bytes().slice(bytes));
    }
    assert!(server.file.preferred().is_empty(), "a look at a few bytes is no viewer");
}

#[tokio::test]
async fn ranges_that_are_none() {
    let server = Server::new(10_000);
    for range in ["bytes=2-1", "bytes=x", "lines=1-2"] {
        let response = server.range(range).await;
        assert_eq!((response.status().as_u16(), response.body().len()), (200, 10_000), "{range}");
    }
    for range in ["bytes=10000-", "bytes=-0", "bytes=20000-30000"] {
        let response = server.range(range).await;
        assert_eq!(response.status(), 416, "{range}");
        assert_eq!(header(&response, "content-range"), Some("bytes */10000"));
    }
    let empty = Server::new(0);
    assert_eq!(empty.ask("GET", &[]).await.status(), 200);
    assert_eq!(empty.range("bytes=0-").await.status(), 416);
}

#[tokio::test]
async fn conditions() {
    let server = Server::new(100);
    let if_range = |value: &'static str| [("range", "bytes=0-1"), ("if-range", value)];
    assert_eq!(server.ask("GET", &if_range(ETAG_TEXT)).await.status(), 206);
    assert_eq!(server.ask("GET", &if_range("\"other\"")).await.status(), 200);
    assert_eq!(server.ask("GET", &if_range("Wed, 21 Oct 2026 07:28:00 GMT")).await.status(), 200);
    let unchanged = server.ask("GET", &[("if-none-match", ETAG_TEXT)]).await;
    assert_eq!(unchanged.status(), 304);
    assert_eq!(header(&unchanged, "etag"), Some(ETAG_TEXT));
    assert!(unchanged.body().is_empty());
}

#[tokio::test]
async fn head_reads_nothing() {
    let server = Server::new(5000);
    let response = server.ask("HEAD", &[("range", "bytes=0-1")]).await;
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "content-length"), Some("5000"));
    assert!(response.body().is_empty() && server.file.reads().is_empty());
}

#[tokio::test]
async fn several_ranges() {
    let server = Server::new(10_000);
    let response = server.range("bytes=0-9, 500-509, -10").await;
    assert_eq!(response.status(), 206);
    assert_eq!(header(&response, "content-range"), None);
    assert_eq!(header(&response, "content-length"), Some(response.body().len().to_string().as_str()));
    let content_type = header(&response, "content-type").unwrap();
    let boundary = content_type.strip_prefix("multipart/byteranges; boundary=").unwrap();
    let parts = read_multipart(response.body(), boundary);
    let expected = [0..10_usize, 500..510, 9990..10_000];
    assert_eq!(parts.len(), expected.len());
    for ((head, body), range) in parts.iter().zip(expected) {
        assert!(head.contains("Content-Type: video/x-matroska"));
        assert!(
            head.contains(&format!("Content-Range: bytes {}-{}/10000", range.start, range.end - 1)),
            "{head}"
        );
        assert_eq!(body, &server.file.bytes().slice(range));
    }
    // Those that overlap become one.
    let joined = server.range("bytes=0-99,50-199").await;
    assert_eq!(header(&joined, "content-range"), Some("bytes 0-199/10000"));
    let flood: Vec<String> = (0..17).map(|at| format!("{}-{}", at * 500, at * 500)).collect();
    assert_eq!(server.range(&format!("bytes={}", flood.join(","))).await.status(), 416);
}

/// Headers and body of each part.
fn read_multipart(body: &Bytes, boundary: &str) -> Vec<(String, Bytes)> {
    let find = |from: usize, what: &str| {
        body[from..].windows(what.len()).position(|window| window == what.as_bytes()).map(|at| from + at)
    };
    let (open, close) = (format!("\r\n--{boundary}\r\n"), format!("\r\n--{boundary}--\r\n"));
    let mut parts = Vec::new();
    let mut at = 0;
    assert!(body.ends_with(close.as_bytes()));
    while let Some(start) = find(at, &open) {
        let head = start + open.len();
        let data = find(head, "\r\n\r\n").unwrap() + 4;
        let end = find(data, &open).or_else(|| find(data, &close)).unwrap();
        parts.push((String::from_utf8(body[head..data].to_vec()).unwrap(), body.slice(data..end)));
        at = end;
    }
    parts
}

#[tokio::test(start_paused = true)]
async fn a_viewer_moves_the_look_ahead_along() {
    let server = Server::new(5_000_000);
    server.file.set_delay(Duration::from_secs(1));
    let response = server.range("bytes=1000000-").await;
    assert_eq!(response.body(), &server.file.bytes().slice(1_000_000..));
    assert_eq!(server.file.preferred(), [1_000_000, 1_048_576, 2_097_152, 3_145_728]);
}

#[test]
fn a_magnet_is_read_whether_or_not_it_was_encoded() {
    let query = |text: &str| (Query::parse(text).magnet, Query::parse(text).index);
    let encoded = "magnet%3A%3Fxt%3Durn%3Abtih%3Aabc%26tr%3Dudp%253A%252F%252Fa";
    assert_eq!(
        query(&format!("magnet={encoded}&index=2")),
        ("magnet:?xt=urn:btih:abc&tr=udp%3A%2F%2Fa".to_owned(), Some("2".to_owned()))
    );
    assert_eq!(
        query("magnet=magnet:?xt=urn:btih:abc&dn=a%20b&tr=udp://a&index="),
        ("magnet:?xt=urn:btih:abc&dn=a%20b&tr=udp%3A%2F%2Fa".to_owned(), None)
    );
    assert_eq!(query("url=abc&tr=x"), ("abc".to_owned(), None));
    assert_eq!(Query::parse(""), Query::default());
}

#[test]
fn names_inject_nothing() {
    let text = disposition("a\"b\r\nSet-Cookie: x=1;\\\u{0}.mkv");
    assert!(HeaderValue::from_str(&text).is_ok());
    assert!(
        text.starts_with("inline; filename=\"a_b__Set-Cookie: x=1;__.mkv\"; filename*=UTF-8''a%22b%0D%0A")
    );
}

proptest! {
    #[test]
    fn any_name_is_a_header(name in "\\PC{0,40}") {
        prop_assert!(HeaderValue::from_str(&disposition(&name)).is_ok());
    }

    #[test]
    fn any_range_gives_the_length_it_says(range in "bytes=[0-9]{0,4}-[0-9]{0,4}(,[0-9]{0,4}-[0-9]{0,4}){0,3}") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let response = runtime.block_on(Server::new(3000).range(&range));
        prop_assert!(matches!(response.status().as_u16(), 200 | 206 | 416));
        let length: usize = header(&response, "content-length").unwrap().parse().unwrap();
        prop_assert_eq!(length, response.body().len());
    }
}
