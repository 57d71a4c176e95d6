//! The routes over real torrents: a seeder in this process on loopback, and nobody else.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod films;

use bytes::Bytes;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use torrentstream::http::{self, App, Patience};
use torrentstream::playback::{PlaybackOptions, Playbacks};
use torrentstream::torrent::seed::{Content, Seeder, seed};
use torrentstream::torrent::{InfoHash, TorrentOptions, Torrents};
use warp::filters::BoxedFilter;
use warp::http::Response as HttpResponse;
use warp::reply::Response;

/// Nothing here takes longer, unless it hangs.
const LIMIT: Duration = Duration::from_secs(30);
const UNKNOWN: &str = "0123456789abcdef0123456789abcdef01234567";

fn fixture(name: &str) -> Bytes {
    std::fs::read(format!("{}/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap().into()
}

/// The server's parts with a data folder of their own that is deleted in the end.
struct Server {
    folder: PathBuf,
    torrents: Torrents,
    app: App,
    routes: BoxedFilter<(Response,)>,
    shutdown: CancellationToken,
}

impl Server {
    async fn start(name: &str) -> Self {
        Self::with(name, Patience::default(), Duration::from_secs(60)).await
    }

    async fn with(name: &str, patience: Patience, stall_timeout: Duration) -> Self {
        let folder = std::env::temp_dir().join(format!("torrentstream-http-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        let shutdown = CancellationToken::new();
        let options = TorrentOptions {
            dir: folder.clone(),
            offline: true,
            metadata_timeout: Duration::from_secs(20),
            stall_timeout,
            ..TorrentOptions::default()
        };
        let torrents = Torrents::start(options, shutdown.clone()).await.unwrap();
        let playbacks = Playbacks::new(PlaybackOptions::default());
        let app = App::new(torrents.clone(), playbacks, shutdown.clone()).with_patience(patience);
        let routes = http::routes(app.clone());
        Self { folder, torrents, app, routes, shutdown }
    }

    async fn ask(&self, request: warp::test::RequestBuilder) -> HttpResponse<Bytes> {
        tokio::time::timeout(LIMIT, request.reply(&self.routes)).await.expect("a request hangs")
    }

    async fn get(&self, path: &str) -> HttpResponse<Bytes> {
        self.ask(warp::test::request().path(path).header("host", "tv.local:5050")).await
    }

    async fn json(&self, path: &str) -> Value {
        let response = self.get(path).await;
        assert_eq!(response.status(), 200, "{path}: {:?}", response.body());
        value(&response)
    }

    async fn text(&self, path: &str) -> String {
        let response = self.get(path).await;
        assert_eq!(response.status(), 200, "{path}: {:?}", response.body());
        String::from_utf8(response.body().to_vec()).unwrap()
    }

    async fn post(&self, path: &str, body: &Value) -> HttpResponse<Bytes> {
        self.ask(warp::test::request().method("POST").path(path).json(body)).await
    }

    /// Adds a seeder's torrent and waits until it is ready to play.
    async fn add(&self, seeder: &Seeder) -> String {
        let response = self.post("/add", &json!({ "magnetURI": seeder.magnet() })).await;
        let hash = seeder.info_hash().to_string();
        assert_eq!(value(&response), json!({ "message": "Torrent added successfully", "infoHash": hash }));
        hash
    }

    /// Polls `/progress` as the first predecessor's client does.
    async fn ready(&self, hash: &str, index: usize) -> Value {
        let before = Instant::now();
        loop {
            let progress = self.json(&format!("/progress/{hash}/{index}")).await;
            if progress["ready"] == true && progress["percent_by_bytes_estimated"].as_f64() > Some(0.0) {
                return progress;
            }
            assert!(before.elapsed() < LIMIT, "never ready: {progress}");
        }
    }

    async fn stop(self) {
        self.shutdown.cancel();
        self.torrents.stop().await;
        let _ = std::fs::remove_dir_all(&self.folder);
    }

    /// Serves on a real socket.
    fn listen(&self) -> (SocketAddr, tokio::task::JoinHandle<()>) {
        let listener = http::bind(([127, 0, 0, 1], 0).into()).unwrap();
        let address = listener.local_addr().unwrap();
        let (app, shutdown) = (self.app.clone(), self.shutdown.clone());
        let task = tokio::spawn(async move { http::serve(listener, app, shutdown).await.unwrap() });
        (address, task)
    }
}

fn value(response: &HttpResponse<Bytes>) -> Value {
    assert_eq!(header(response, "content-type"), Some("application/json"));
    serde_json::from_slice(response.body()).unwrap()
}

fn header<'a>(response: &'a HttpResponse<Bytes>, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

fn error(response: &HttpResponse<Bytes>) -> (u16, String) {
    (response.status().as_u16(), value(response)["error"].as_str().unwrap_or_default().to_owned())
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

async fn demo() -> Seeder {
    seed(Content::single("demo clip.mp4", fixture("demo.mp4"))).await.unwrap()
}

/// The URIs of a playlist.
fn uris(playlist: &str) -> Vec<&str> {
    playlist.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_predecessors_client() {
    let (server, seeder) = (Server::start("predecessor1").await, demo().await);
    let hash = server.add(&seeder).await;
    let again = server.post("/add", &json!({ "infoHash": hash.to_uppercase() })).await;
    assert_eq!(value(&again), json!({ "message": "Torrent already exists", "infoHash": hash }));

    let progress = server.ready(&hash, 0).await;
    for key in [
        "completed_bytes_estimated",
        "completed_pieces_in_file_range",
        "download_speed_bytes_per_sec",
        "duration",
        "file_path",
        "length_bytes",
        "percent_by_bytes_estimated",
        "percent_by_pieces",
        "ready",
        "total_pieces_in_file_range",
    ] {
        assert!(progress.get(key).is_some_and(|value| !value.is_null()), "{key}: {progress}");
    }
    let length = fixture("demo.mp4").len();
    assert_eq!(progress["file_path"], "demo clip.mp4");
    assert_eq!(progress["length_bytes"], length);
    assert_eq!(progress["total_pieces_in_file_range"], length.div_ceil(64 << 10));
    assert!((progress["duration"].as_f64().unwrap() - 30.0).abs() < 0.2);
    assert_eq!(progress["hls"], true);

    let playlist = server.text(&format!("/hls/{hash}/0/playlist.m3u8")).await;
    assert!(playlist.starts_with("#EXTM3U\n") && playlist.ends_with("#EXT-X-ENDLIST\n"));
    let names = uris(&playlist);
    assert_eq!(names[0], "segment000.ts");

    let sought =
        server.post("/prioritize", &json!({ "infoHash": hash, "fileIdx": 0, "percentage": 50.0 })).await;
    let sought = value(&sought);
    assert_eq!(
        keys(&sought),
        ["endPriority", "message", "seekPositionBytes", "seekPositionPiece", "startPriority"]
    );
    assert_eq!(sought["seekPositionBytes"], length / 2);
    assert_eq!(sought["seekPositionPiece"], length / 2 / (64 << 10));

    for name in names.iter().rev() {
        let response = server.get(&format!("/hls/{hash}/0/{name}")).await;
        assert_eq!(response.status(), 200);
        assert_eq!(header(&response, "content-type"), Some("video/mp2t"));
        assert_eq!(header(&response, "content-disposition"), Some("inline"));
        assert_eq!(response.body()[0], 0x47);
        assert_eq!(response.body().len() % 188, 0);
    }
    let missing = server.get(&format!("/hls/{hash}/0/segment999.ts")).await;
    assert_eq!(missing.status(), 404);

    let status = server.json(&format!("/status/{}", hash.to_uppercase())).await;
    assert_eq!(status["infoHash"], hash.as_str());
    assert_eq!(status["name"], "demo clip.mp4");
    assert_eq!(status["length"], length);
    assert_eq!(status["files"], json!([{ "path": "demo clip.mp4", "length": length, "offset": 0 }]));
    assert!(["downloading", "seeding", "completed"].contains(&status["state"].as_str().unwrap()));
    assert!(status["bytesCompleted"].as_u64() > Some(0) && status["percentCompleted"].as_f64() > Some(0.0));
    assert_eq!(server.json("/torrents").await.as_array().unwrap().len(), 1);

    let remove = || warp::test::request().method("DELETE").path(&format!("/remove/{hash}"));
    let removed = server.ask(remove()).await;
    assert_eq!(value(&removed), json!({ "message": "Torrent removed successfully" }));
    assert_eq!(error(&server.ask(remove()).await), (404, "Torrent not found".to_owned()));
    assert_eq!(server.get(&format!("/hls/{hash}/0/segment000.ts")).await.status(), 404);

    // Once more: nothing of the first time is in the way.
    server.add(&seeder).await;
    server.ready(&hash, 0).await;
    assert_eq!(server.get(&format!("/hls/{hash}/0/segment001.ts")).await.status(), 200);
    server.stop().await;
    seeder.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_predecessors_client() {
    let (server, seeder) = (Server::start("predecessor2").await, demo().await);
    let film = fixture("demo.mp4");
    let magnet = percent(&seeder.magnet());
    let path = format!("/stream?magnet={magnet}");
    let whole = server.get(&path).await;
    assert_eq!(whole.status(), 200);
    assert_eq!(whole.body(), &film);
    assert_eq!(header(&whole, "content-type"), Some("video/mp4"));
    let part = server.ask(warp::test::request().path(&path).header("range", "bytes=100-199")).await;
    assert_eq!((part.status().as_u16(), part.body()), (206, &film.slice(100..200)));
    assert_eq!(header(&part, "content-range"), Some(format!("bytes 100-199/{}", film.len()).as_str()));
    let head = server.ask(warp::test::request().method("HEAD").path(&path)).await;
    assert_eq!(header(&head, "content-length"), Some(film.len().to_string().as_str()));
    let by_index =
        server.ask(warp::test::request().path(&format!("{path}&index=0")).header("range", "bytes=-5")).await;
    assert_eq!(by_index.body(), &film.slice(film.len() - 5..));
    let wrong = server.get(&format!("{path}&index=7")).await;
    assert_eq!(error(&wrong), (400, "File index out of range".to_owned()));

    for path in ["/stream", "/stream?magnet=", "/stream?index=0"] {
        let response = server.get(path).await;
        assert_eq!(
            (response.status().as_u16(), &response.body()[..]),
            (400, &b"Magnet link is required"[..])
        );
    }
    assert_eq!(server.get("/stream?magnet=http%3A%2F%2Fexample.com").await.status(), 400);
    server.stop().await;
    seeder.stop().await;
}

fn percent(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_torrent_of_several_files() {
    let server = Server::start("several").await;
    let small = fixture("mp4-faststart.mp4");
    let large = fixture("mp4-two-audio-tx3g.mp4");
    let content = Content {
        files: vec![
            ("readme.txt".to_owned(), Bytes::from_static(b"hello")),
            ("a & b, <1>.mp4".to_owned(), small.clone()),
            ("dir/Großer Film.mp4".to_owned(), large.clone()),
            ("odd.mkv".to_owned(), Bytes::from(vec![7; 5000])),
        ],
        ..Content::single("Pack", Bytes::new())
    };
    let seeder = seed(content).await.unwrap();
    let hash = server.add(&seeder).await;

    let text = server.text(&format!("/playlist/{hash}.m3u")).await;
    let lines: Vec<&str> = text.lines().collect();
    let base = format!("http://tv.local:5050/stream/{hash}");
    assert_eq!(
        lines,
        [
            "#EXTM3U",
            "#EXTINF:-1,a & b, <1>.mp4",
            &format!("{base}/1/a%20%26%20b%2C%20%3C1%3E.mp4"),
            "#EXTINF:-1,Großer Film.mp4",
            &format!("{base}/2/Gro%C3%9Fer%20Film.mp4"),
            "#EXTINF:-1,odd.mkv",
            &format!("{base}/3/odd.mkv"),
        ]
    );
    for (at, file) in [(2, &small), (4, &large)] {
        let path = lines[at].strip_prefix("http://tv.local:5050").unwrap();
        assert_eq!(server.get(path).await.body(), file);
    }
    // Once the index has been read, its length is told.
    server.text(&format!("/hls/{hash}/1/master.m3u8")).await;
    assert!(server.text(&format!("/playlist/{hash}.m3u")).await.contains("#EXTINF:12,a & b"));

    // The largest video by itself.
    let auto = server.text(&format!("/hls/{hash}/auto/playlist.m3u8")).await;
    assert_eq!(auto, server.text(&format!("/hls/{hash}/2/playlist.m3u8")).await);
    assert_eq!(server.get(&format!("/stream/{hash}/auto")).await.body(), &large);

    // What is no film is served by range, and says why there is no HLS.
    let odd = server.get(&format!("/hls/{hash}/3/master.m3u8")).await;
    assert_eq!(odd.status(), 415);
    assert_eq!(server.get(&format!("/hls/{hash}/3/segment000.ts")).await.status(), 415);
    let probe = server.json(&format!("/probe/{hash}/3")).await;
    assert_eq!(probe["hls"]["possible"], false);
    assert!(!probe["hls"]["reason"].as_str().unwrap().is_empty());
    assert_eq!(server.get(&format!("/stream/{hash}/3")).await.body().len(), 5000);
    let progress = server.ready(&hash, 3).await;
    assert_eq!(progress["hls"], false);

    let probe = server.json(&format!("/probe/{hash}/2")).await;
    assert_eq!(probe["path"], "Pack/dir/Großer Film.mp4");
    assert_eq!(probe["hls"]["possible"], true);
    assert_eq!(probe["tracks"].as_array().unwrap().len(), 4);

    let status = server.json(&format!("/status/{hash}")).await;
    assert_eq!(status["files"][1]["path"], "Pack/a & b, <1>.mp4");
    assert_eq!(status["files"][1]["offset"], 5);

    for (path, code, text) in [
        (format!("/progress/{hash}/x"), 400, "Invalid file index"),
        (format!("/progress/{hash}/4"), 400, "File index out of range"),
        (format!("/hls/{hash}/-1/playlist.m3u8"), 400, "Invalid file index"),
        (format!("/hls/{hash}/9/playlist.m3u8"), 400, "File index out of range"),
        (format!("/hls/{hash}/1/other.txt"), 404, "HLS file not ready"),
        (format!("/hls/{hash}/1/seek/abc/playlist.m3u8"), 400, "Invalid seek time"),
        (format!("/stream/{hash}/9"), 400, "File index out of range"),
    ] {
        assert_eq!(error(&server.get(&path).await), (code, text.to_owned()), "{path}");
    }
    server.stop().await;
    seeder.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn playlists_and_segments() {
    let (server, seeder) = (Server::start("segments").await, demo().await);
    let hash = server.add(&seeder).await;
    let base = format!("/hls/{hash}/0");
    // Before anything is known: a HEAD fetches nothing, and so cannot tell a length.
    server.json(&format!("/status/{hash}")).await;
    for name in ["master.m3u8", "segment000.ts"] {
        let head = warp::test::request().method("HEAD").path(&format!("{base}/{name}"));
        let head = server.ask(head).await;
        assert_eq!((head.status().as_u16(), header(&head, "content-length")), (200, None));
    }
    let master = server.get(&format!("{base}/master.m3u8")).await;
    assert_eq!(header(&master, "content-type"), Some("application/vnd.apple.mpegurl"));
    assert_eq!(header(&master, "access-control-allow-origin"), Some("*"));
    let text = std::str::from_utf8(master.body()).unwrap();
    assert_eq!(uris(text), ["playlist.m3u8"]);
    assert!(m3u8_rs::parse_master_playlist(master.body()).is_ok());

    let seek = server.text(&format!("{base}/seek/12.5/playlist.m3u8")).await;
    assert!(seek.contains("#EXT-X-START:TIME-OFFSET=12.5"));
    let end = server.text(&format!("{base}/seek/29.99/playlist.m3u8")).await;
    assert!(end.ends_with("#EXT-X-ENDLIST\n") && uris(&end).is_empty());

    let segment = server.get(&format!("{base}/segment002.ts")).await;
    assert_eq!(segment.status(), 200);
    let same = server.get(&format!("{base}/seek/12.5/segment002.ts")).await;
    assert_eq!(segment.body(), same.body());
    let length = segment.body().len().to_string();
    assert_eq!(header(&same, "content-length"), Some(length.as_str()), "known, because it is in the cache");
    let etag = header(&segment, "etag").unwrap();
    assert!(etag.starts_with(&format!("\"{hash}:0:segment002.ts:")) && etag.ends_with('"'));
    assert!(header(&segment, "cache-control").unwrap().contains("immutable"));

    let request = |method: &str| warp::test::request().method(method).path(&format!("{base}/segment002.ts"));
    let unchanged = server.ask(request("GET").header("if-none-match", etag)).await;
    assert_eq!((unchanged.status().as_u16(), unchanged.body().len()), (304, 0));
    let part = server.ask(request("GET").header("range", "bytes=188-375")).await;
    assert_eq!((part.status().as_u16(), part.body()), (206, &segment.body().slice(188..376)));
    assert_eq!(header(&part, "content-length"), Some("188"));
    assert_eq!(header(&part, "content-range"), Some(format!("bytes 188-375/{length}").as_str()));
    let beyond = server.ask(request("GET").header("range", "bytes=99999999-")).await;
    assert_eq!(beyond.status(), 416);
    let head = server.ask(request("HEAD")).await;
    assert_eq!((head.status().as_u16(), header(&head, "content-length")), (200, Some(length.as_str())));
    assert!(head.body().is_empty());
    server.stop().await;
    seeder.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_requests_get_clear_answers() {
    let server = Server::start("bad").await;
    for (body, text) in [
        (json!({}), "InfoHash is required"),
        (json!({ "infoHash": "" }), "InfoHash is required"),
        (json!({ "infoHash": "xyz" }), "Invalid infohash"),
        (json!({ "magnetURI": "magnet:?dn=x" }), "Invalid magnet URI: "),
        (
            json!({ "infoHash": UNKNOWN, "magnetURI": format!("magnet:?xt=urn:btih:{}", "f".repeat(40)) }),
            "Invalid magnet",
        ),
        (json!({ "infoHash": 5 }), "Invalid request format: "),
        (json!({ "torrent": "!!" }), "Invalid torrent: "),
        (json!([]), "Invalid request format: "),
    ] {
        let (code, error) = error(&server.post("/add", &body).await);
        assert!(code == 400 && error.starts_with(text), "{body}: {code} {error}");
    }
    let garbage = warp::test::request().method("POST").path("/torrents").body("not a torrent");
    assert_eq!(server.ask(garbage).await.status(), 400);
    let huge = warp::test::request().method("POST").path("/torrents").body(vec![0; (16 << 20) + 1]);
    assert_eq!(server.ask(huge).await.status(), 413);
    for path in [
        format!("/status/{UNKNOWN}"),
        "/status/nonsense".to_owned(),
        format!("/progress/{UNKNOWN}/0"),
        format!("/hls/{UNKNOWN}/0/master.m3u8"),
        format!("/stream/{UNKNOWN}/0"),
        format!("/playlist/{UNKNOWN}.m3u"),
        format!("/probe/{UNKNOWN}/0"),
    ] {
        assert_eq!(error(&server.get(&path).await), (404, "Torrent not found".to_owned()), "{path}");
    }
    let seek = json!({ "infoHash": UNKNOWN, "fileIdx": 0, "percentage": 10 });
    assert_eq!(error(&server.post("/prioritize", &seek).await), (404, "Torrent not found".to_owned()));
    assert_eq!(server.get("/nowhere").await.status(), 404);
    assert_eq!(server.get("/add").await.status(), 405);
    assert_eq!(server.get("/health").await.status(), 200);
    let preflight = server.ask(warp::test::request().method("OPTIONS").path("/add")).await;
    assert_eq!(preflight.status(), 204);
    assert!(header(&preflight, "access-control-allow-methods").unwrap().contains("DELETE"));
    let page = server.get("/").await;
    assert_eq!(header(&page, "content-type"), Some("text/html; charset=utf-8"));
    assert!(header(&page, "content-security-policy").unwrap().starts_with("default-src 'none'"));
    for path in ["/page/main.js", "/page/style.css"] {
        assert!(std::str::from_utf8(page.body()).unwrap().contains(path));
        assert_eq!(server.get(path).await.status(), 200);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_metadata_is_there() {
    let short = Duration::from_millis(200);
    let patience = Patience { metadata: short, metadata_for_stream: short, ..Patience::default() };
    let server = Server::with("waiting", patience, Duration::from_secs(60)).await;
    // A peer that never says a word.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let magnet = format!("magnet:?xt=urn:btih:{UNKNOWN}&x.pe={}", silent.local_addr().unwrap());
    let added = server.post("/add", &json!({ "magnetURI": magnet })).await;
    assert_eq!(added.status(), 200);
    let progress = server.json(&format!("/progress/{UNKNOWN}/0")).await;
    assert_eq!(
        (&progress["ready"], &progress["status"]),
        (&json!(false), &json!("metadata not yet available"))
    );
    let status = server.json(&format!("/status/{UNKNOWN}")).await;
    assert_eq!(status["state"], "getting metadata");
    assert_eq!(status["metadataCompleted"], false);
    assert!(status.get("files").is_none());
    for path in [
        format!("/hls/{UNKNOWN}/0/playlist.m3u8"),
        format!("/hls/{UNKNOWN}/0/segment000.ts"),
        format!("/stream/{UNKNOWN}/0"),
        format!("/stream?magnet={}", percent(&magnet)),
    ] {
        let response = server.get(&path).await;
        assert_eq!(error(&response), (503, "Timed out waiting for torrent metadata".to_owned()), "{path}");
        assert_eq!(header(&response, "retry-after"), Some("2"));
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_torrent_that_cannot_be_found_says_why() {
    let server = Server::start("failed").await;
    // Nobody to ask: no peer, no tracker, no DHT.
    server.post("/add", &json!({ "infoHash": UNKNOWN })).await;
    let before = Instant::now();
    let reason = loop {
        let status = server.json(&format!("/status/{UNKNOWN}")).await;
        if status["state"] == "failed" {
            break status["error"].as_str().unwrap().to_owned();
        }
        assert!(before.elapsed() < LIMIT, "it never fails");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    for path in ["/hls/HASH/0/master.m3u8", "/stream/HASH/0", "/playlist/HASH.m3u"] {
        let response = server.get(&path.replace("HASH", UNKNOWN)).await;
        assert_eq!(error(&response).1, reason, "{path}");
        assert!(!response.status().is_success());
    }
    let progress = server.json(&format!("/progress/{UNKNOWN}/0")).await;
    assert_eq!((&progress["ready"], progress["error"].as_str()), (&json!(false), Some(reason.as_str())));
    // Adding it once more tries again.
    let again = server.post("/add", &json!({ "infoHash": UNKNOWN })).await;
    assert_eq!(value(&again)["message"], "Torrent added successfully");
    server.stop().await;
}

/// A seeder that sends the clip in about a minute.
async fn slow() -> Seeder {
    let content = Content {
        upload_limit: NonZeroU32::new(20_000),
        piece_length: 16 << 10,
        ..Content::single("slow.mp4", fixture("demo.mp4"))
    };
    seed(content).await.unwrap()
}

async fn connect(address: SocketAddr, path: &str) -> TcpStream {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    socket
}

/// Reads until `enough` of the answer is there, or it ends.
async fn read_until(socket: &mut TcpStream, mut enough: impl FnMut(&[u8]) -> bool) -> Vec<u8> {
    let mut answer = Vec::new();
    let read = async {
        while !enough(&answer) {
            let mut chunk = [0; 16 << 10];
            match socket.read(&mut chunk).await {
                Ok(0) | Err(_) => break,
                Ok(count) => answer.extend_from_slice(&chunk[..count]),
            }
        }
    };
    tokio::time::timeout(LIMIT, read).await.expect("an answer hangs");
    answer
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_segment_begins_at_once_and_a_dead_one_is_cut() {
    let server = Server::with("slow", Patience::default(), Duration::from_secs(8)).await;
    let seeder = slow().await;
    let hash = server.add(&seeder).await;
    let (address, _task) = server.listen();
    let playlist = server.text(&format!("/hls/{hash}/0/playlist.m3u8")).await;
    // Neither near the beginning, which is looked ahead for, nor at the end, which is fetched early.
    let middle = uris(&playlist)[2].to_owned();

    let before = Instant::now();
    let mut socket = connect(address, &format!("/hls/{hash}/0/{middle}")).await;
    let body = |answer: &[u8]| find(answer, b"\r\n\r\n").map(|at| at + 4);
    let begun =
        read_until(&mut socket, |answer| body(answer).is_some_and(|at| answer.len() >= at + 383)).await;
    // AVPlayer waits 3.5 s for headers.
    assert!(before.elapsed() < Duration::from_secs(3), "{:?}", before.elapsed());
    let text = String::from_utf8_lossy(&begun);
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
    assert!(text.to_ascii_lowercase().contains("transfer-encoding: chunked"));
    let chunk = &begun[body(&begun).unwrap()..];
    assert!(chunk.starts_with(b"178\r\n\x47"), "PAT and PMT: 376 bytes");
    assert_eq!(chunk.len(), 3 + 2 + 376 + 2, "and nothing yet of the media");

    // The only peer goes: the connection is cut, not ended as if it were all.
    seeder.stop().await;
    let rest = read_until(&mut socket, |_| false).await;
    assert!(!rest.ends_with(b"0\r\n\r\n"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_ends_everything_at_once() {
    let server = Server::start("shutdown").await;
    let seeder = slow().await;
    let hash = server.add(&seeder).await;
    server.text(&format!("/hls/{hash}/0/playlist.m3u8")).await;
    let (address, task) = server.listen();
    let mut sockets = Vec::new();
    for path in ["/stream/HASH/0", "/hls/HASH/0/segment004.ts", "/progress/HASH/0", "/health"] {
        sockets.push(connect(address, &path.replace("HASH", &hash)).await);
    }
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let magnet = format!("magnet:?xt=urn:btih:{UNKNOWN}&x.pe={}", silent.local_addr().unwrap());
    server.post("/add", &json!({ "magnetURI": magnet })).await;
    let mut waiting = connect(address, &format!("/stream/{UNKNOWN}/0")).await;
    read_until(&mut sockets[0], |answer| answer.len() > 1000).await;
    let before = Instant::now();
    server.shutdown.cancel();
    tokio::time::timeout(LIMIT, task).await.expect("it does not end").unwrap();
    // 1 s is promised; a busy machine may take a little longer to notice.
    assert!(before.elapsed() < Duration::from_secs(2), "{:?}", before.elapsed());
    let answer = read_until(&mut waiting, |_| false).await;
    assert!(answer.starts_with(b"HTTP/1.1 503"), "{}", String::from_utf8_lossy(&answer));
    let rest = read_until(&mut sockets[0], |_| false).await;
    assert!(rest.len() < fixture("demo.mp4").len());
    assert!(TcpStream::connect(address).await.is_err());
    server.stop().await;
    seeder.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_torrent_file_is_taken_in_both_forms() {
    let (server, seeder) = (Server::start("file").await, demo().await);
    let upload = warp::test::request().method("POST").path("/torrents").body(seeder.torrent());
    let hash = seeder.info_hash().to_string();
    let expected = json!({ "message": "Torrent added successfully", "infoHash": hash });
    assert_eq!(value(&server.ask(upload).await), expected);
    let text = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, seeder.torrent());
    let again = server.post("/add", &json!({ "torrent": text })).await;
    assert_eq!(value(&again)["message"], "Torrent already exists");
    assert!(server.torrents.get(&hash.parse::<InfoHash>().unwrap()).is_some());
    let end = json!({ "infoHash": hash, "fileIdx": 0, "percentage": 99.9 });
    let ignored = value(&server.post("/prioritize", &end).await);
    assert_eq!(keys(&ignored), ["ignored", "message", "percentage", "seekPositionPiece"]);
    assert_eq!((&ignored["ignored"], &ignored["percentage"]), (&json!(true), &json!(99.9)));
    for (body, text) in [
        (json!({ "infoHash": hash, "fileIdx": 1, "percentage": 5 }), "File index out of range"),
        (json!({ "infoHash": hash, "fileIdx": -1, "percentage": 5 }), "Invalid file index"),
        (json!({ "infoHash": hash, "fileIdx": 0, "percentage": 101 }), "Invalid percentage"),
    ] {
        let (code, error) = error(&server.post("/prioritize", &body).await);
        assert!(code == 400 && error.starts_with(text), "{body}: {code} {error}");
    }
    server.stop().await;
    seeder.stop().await;
}
