//! Films with several sounds and subtitles, with other codecs, and without an index.

use super::*;
use std::collections::BTreeSet;

const SRT: &str =
    "1\n00:00:01,000 --> 00:00:02,500\nBeside the film\n\n2\n00:00:08,000 --> 00:00:09,000\nLater\n";

/// A film with everything, subtitles beside it, and a text that is none.
async fn everything() -> Seeder {
    let file = |name: &str, bytes: Bytes| (name.to_owned(), bytes);
    let content = Content {
        files: vec![
            file("Film.mkv", fixture("mkv-everything.mkv")),
            file(
                "Film.pl.srt",
                Bytes::from_static(
                    b"1\r\n00:00:01,000 --> 00:00:03,000\r\nZa\xbf\xf3\xb3\xe6 g\xea\x9cl\xb9 ja\x9f\xf1\r\n",
                ),
            ),
            file("Subs/Film.en.forced.srt", Bytes::from_static(SRT.as_bytes())),
            file("readme.txt", Bytes::from_static(b"hello")),
        ],
        ..Content::single("Pack", Bytes::new())
    };
    seed(content).await.unwrap()
}

/// The URIs in a playlist, of lines and of attributes.
fn all_uris(playlist: &str) -> Vec<String> {
    let attribute = |line: &str| Some(line.split_once("URI=\"")?.1.split_once('"')?.0.to_owned());
    let of_line = |line: &str| match line.strip_prefix('#') {
        Some(tag) => attribute(tag),
        None => Some(line.to_owned()).filter(|line| !line.is_empty()),
    };
    playlist.lines().filter_map(of_line).collect()
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').unwrap().1 {
        "m3u8" => "application/vnd.apple.mpegurl",
        "ts" => "video/mp2t",
        "m4s" => "video/iso.segment",
        "mp4" => "video/mp4",
        "vtt" => "text/vtt; charset=utf-8",
        "json" => "application/json",
        other => panic!("{other}"),
    }
}

/// Fetches all that a multivariant playlist names; the names.
async fn crawl(server: &Server, base: &str, query: &str) -> BTreeSet<String> {
    let master = server.text(&format!("{base}/master.m3u8{query}")).await;
    let mut todo = all_uris(&master);
    let (mut names, mut etags) = (BTreeSet::new(), BTreeSet::new());
    while let Some(name) = todo.pop() {
        if !names.insert(name.clone()) {
            continue;
        }
        let response = server.get(&format!("{base}/{name}")).await;
        assert_eq!(response.status(), 200, "{name}: {:?}", response.body());
        assert_eq!(header(&response, "content-type"), Some(content_type(&name)), "{name}");
        assert_eq!(header(&response, "access-control-allow-origin"), Some("*"));
        let body = response.body();
        match name.rsplit_once('.').unwrap().1 {
            "m3u8" => todo.extend(all_uris(std::str::from_utf8(body).unwrap())),
            "ts" => assert!(body.len() % 188 == 0 && body[0] == 0x47, "{name}"),
            "m4s" => assert!(body[4..8] == *b"styp" || body[4..8] == *b"moof", "{name}"),
            "mp4" => assert_eq!(body[4..8], *b"ftyp", "{name}"),
            "vtt" => assert!(body.starts_with(b"WEBVTT\nX-TIMESTAMP-MAP="), "{name}"),
            _ => {}
        }
        if !name.ends_with(".m3u8") && !name.ends_with(".json") {
            let etag = header(&response, "etag").unwrap();
            assert!(etag.contains(&format!(":{name}:")) && etags.insert(etag.to_owned()), "{name}: {etag}");
            assert!(header(&response, "cache-control").unwrap().contains("immutable"));
            let request = |method: &str| warp::test::request().method(method).path(&format!("{base}/{name}"));
            let unchanged = server.ask(request("GET").header("if-none-match", etag)).await;
            assert_eq!(unchanged.status(), 304, "{name}");
            let head = server.ask(request("HEAD")).await;
            assert_eq!(header(&head, "content-length"), Some(body.len().to_string().as_str()), "{name}");
        }
    }
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_a_playlist_names_is_there() {
    let (server, seeder) = (Server::start("everything").await, everything().await);
    let hash = server.add(&seeder).await;
    let base = format!("/hls/{hash}/0");
    let names = crawl(&server, &base, "").await;
    for name in
        ["s5.m3u8", "s6.m3u8", "s7.m3u8", "f1.m3u8", "f2.m3u8", "f1-000.vtt", "chapters.json", "v1-init.mp4"]
    {
        assert!(names.contains(name), "{name}: {names:?}");
    }
    assert!(!names.iter().any(|name| name.ends_with(".ts") || name.contains("iframe")), "{names:?}");
    let ts = crawl(&server, &base, "?container=ts").await;
    assert!(ts.contains("segment000.ts") && ts.contains("s5.m3u8"), "{ts:?}");
    assert!(!ts.iter().any(|name| name.ends_with(".m4s")), "{ts:?}");
    let with_iframes = crawl(&server, &base, "?iframes=1&container=ts").await;
    assert!(with_iframes.contains("v1-iframes-ts.m3u8") && with_iframes.contains("v1-iframe-000.ts"));

    // The predecessor's names play by themselves.
    let main = server.text(&format!("{base}/playlist.m3u8?container=ts")).await;
    assert_eq!(uris(&main)[0], "segment000.ts");
    let fmp4 = server.text(&format!("{base}/playlist.m3u8?container=fmp4")).await;
    assert_eq!(all_uris(&fmp4)[..2], ["init.mp4", "segment000.m4s"]);
    assert_eq!(server.get(&format!("{base}/segment001.m4s")).await.status(), 200);
    // Relative names resolve within the seek's own address.
    let seek = server.text(&format!("{base}/seek/3/v1-mp4.m3u8")).await;
    assert!(seek.contains("#EXT-X-START:TIME-OFFSET=3."));
    assert_eq!(server.get(&format!("{base}/seek/3/v1-init.mp4")).await.status(), 200);

    for (path, status) in [
        ("master.m3u8?container=avi", 400),
        ("playlist.m3u8?container=", 400),
        ("master.m3u8?iframes=perhaps", 400),
        ("v9-mp4.m3u8", 404),
        ("v1-099.m4s", 404),
        ("f0.m3u8", 404),
        ("f3-000.vtt", 404),
        ("s1.m3u8", 404),
        ("s5-099.vtt", 404),
        ("init.txt", 404),
    ] {
        assert_eq!(server.get(&format!("{base}/{path}")).await.status(), status, "{path}");
    }
    let chapters: Value =
        serde_json::from_slice(server.get(&format!("{base}/chapters.json")).await.body()).unwrap();
    assert_eq!(chapters.as_array().unwrap().len(), 3);
    assert_eq!(chapters[0]["titles"][0]["title"], "Opening");
    server.stop().await;
    seeder.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn subtitles_of_the_film_and_beside_it() {
    let (server, seeder) = (Server::start("subtitles").await, everything().await);
    let hash = server.add(&seeder).await;
    let base = format!("/subtitles/{hash}/0");
    let list = server.json(&base).await;
    let subtitles = list["subtitles"].as_array().unwrap();
    let ids: Vec<&str> = subtitles.iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["s5", "s6", "s7", "f1", "f2"]);
    let by_id = |id: &str| subtitles.iter().find(|one| one["id"] == id).unwrap();
    assert_eq!((&by_id("s5")["language"], &by_id("s5")["format"]), (&json!("en"), &json!("SubRip")));
    assert_eq!((&by_id("s6")["forced"], &by_id("s6")["format"]), (&json!(true), &json!("ASS")));
    assert_eq!(by_id("s7")["hearingImpaired"], true);
    assert_eq!((&by_id("f1")["language"], &by_id("f1")["codec"]), (&json!("pl"), &json!("srt")));
    assert_eq!(by_id("f2")["forced"], true);
    assert_eq!(list["notOffered"], json!([]));

    // All of what the list names is there; with wait=1 all of a track.
    for one in subtitles {
        assert!(server.text(one["playlist"].as_str().unwrap()).await.contains("#EXT-X-ENDLIST"), "{one}");
        for key in ["original", "vtt"] {
            let response = server.get(&format!("{}?wait=1", one[key].as_str().unwrap())).await;
            assert_eq!(
                (response.status().as_u16(), header(&response, "x-complete")),
                (200, Some("true")),
                "{one}"
            );
            assert_eq!(response.body().starts_with(b"WEBVTT"), key == "vtt", "{one}");
            assert_eq!(header(&response, "access-control-allow-origin"), Some("*"));
        }
    }
    let srt = server.text(&format!("{base}/s5.srt?wait=1")).await;
    assert!(srt.starts_with("1\n00:00:"), "{srt}");
    assert!(server.text(&format!("{base}/s6.ass")).await.contains("[Events]"));
    assert_eq!(server.text(&format!("{base}/f2.srt")).await, SRT);
    let polish = server.get(&format!("{base}/f1.srt")).await;
    assert!(
        polish.body().windows(5).any(|word| word == b"Za\xbf\xf3\xb3"),
        "as it is, whatever its encoding"
    );
    assert!(server.text(&format!("{base}/f1.vtt")).await.contains("Zażółć gęślą jaźń"));
    let segment = server.text(&format!("/hls/{hash}/0/f1-000.vtt")).await;
    assert!(segment.contains("Zażółć gęślą jaźń"), "{segment}");
    let later = server.text(&format!("/hls/{hash}/0/f2-001.vtt")).await;
    assert!(later.contains("Later") && !later.contains("Beside"), "{later}");
    let whole = server.json(&base).await;
    assert!(whole["subtitles"].as_array().unwrap().iter().all(|one| one["complete"] == true), "{whole}");
    assert!(whole["subtitles"][0]["known"].as_f64() > Some(11.9));

    let attachments = list["attachments"].as_array().unwrap();
    assert_eq!((attachments.len(), &attachments[0]["mime"]), (1, &json!("font/ttf")));
    let font = server.get(attachments[0]["url"].as_str().unwrap()).await;
    assert_eq!(font.status(), 200);
    assert_eq!(Some(font.body().len() as u64), attachments[0]["size"].as_u64());
    assert_eq!(header(&font, "content-type"), Some("font/ttf"));
    for path in [
        "s5.ass",
        "s1.srt",
        "s99.srt",
        "f0.srt",
        "f3.srt",
        "f9.srt",
        "x.srt",
        "s5",
        "attachments/0/other.ttf",
        "attachments/7/tiny.ttf",
    ] {
        assert_eq!(server.get(&format!("{base}/{path}")).await.status(), 404, "{path}");
    }

    let probe = server.json(&format!("/probe/{hash}/0")).await;
    assert_eq!((&probe["index"], &probe["hls"]["container"]), (&json!("complete"), &json!("fmp4")));
    assert_eq!(probe["chapters"].as_array().unwrap().len(), 3);
    assert_eq!(probe["attachments"], list["attachments"]);
    let renditions: Vec<&str> =
        probe["hls"]["renditions"].as_array().unwrap().iter().filter_map(|one| one["uri"].as_str()).collect();
    assert!(renditions.contains(&"f2.m3u8") && renditions.contains(&"s7.m3u8"), "{renditions:?}");
    assert_eq!(probe["tracks"][3]["commentary"], true);
    server.stop().await;
    seeder.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_film_without_an_index_is_looked_through_when_it_is_played() {
    let server = Server::start("no-index").await;
    let film = Content::single("film.mkv", fixture("mkv-no-cues-long.mkv"));
    let seeder = seed(film).await.unwrap();
    let hash = server.add(&seeder).await;
    let probe = server.json(&format!("/probe/{hash}/0")).await;
    assert_eq!((&probe["index"], &probe["hls"]["possible"]), (&json!("missing"), &json!(false)));
    assert_eq!(probe["tracks"].as_array().unwrap().len(), 1);
    let head = warp::test::request().method("HEAD").path(&format!("/hls/{hash}/0/master.m3u8"));
    assert_eq!(server.ask(head).await.status(), 503);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(
        server.json(&format!("/probe/{hash}/0")).await["index"],
        "missing",
        "nobody has asked to play it"
    );

    let first = server.get(&format!("/hls/{hash}/0/master.m3u8")).await;
    assert_eq!((first.status().as_u16(), header(&first, "retry-after")), (503, Some("2")));
    let told = value(&first);
    assert!(told["error"].as_str().unwrap().contains('%') && told["progress"].as_f64() < Some(1.0), "{told}");
    let before = Instant::now();
    loop {
        let response = server.get(&format!("/hls/{hash}/0/segment000.ts")).await;
        if response.status() == 200 {
            break;
        }
        assert_eq!((response.status().as_u16(), header(&response, "retry-after")), (503, Some("2")));
        assert!(before.elapsed() < LIMIT, "it never gets there");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let names = crawl(&server, &format!("/hls/{hash}/0"), "").await;
    assert!(names.contains("segment007.ts"), "{names:?}");
    let probe = server.json(&format!("/probe/{hash}/0")).await;
    assert_eq!((&probe["index"], &probe["hls"]["possible"]), (&json!("complete"), &json!(true)));
    assert_eq!(server.ready(&hash, 0).await["hls"], true);
    server.stop().await;
    seeder.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_second_container_is_for() {
    let server = Server::start("fmp4").await;
    let names = ["mp4-av1-opus.mp4", "mkv-flac.mkv", "mkv-av1-two-opus.mkv", "mkv-eac3.mkv", "mp4-alac.mp4"];
    let files = names.map(|name| (name.to_owned(), fixture(name)));
    let seeder =
        seed(Content { files: files.into(), ..Content::single("Codecs", Bytes::new()) }).await.unwrap();
    let hash = server.add(&seeder).await;
    let mut played = 0;
    for (index, name) in names.iter().enumerate() {
        let probe = server.json(&format!("/probe/{hash}/{index}")).await;
        if probe["hls"]["possible"] == false {
            println!("{name}: {}", probe["hls"]["reason"]);
            continue;
        }
        played += 1;
        assert_eq!(probe["hls"]["container"], "fmp4", "{name}");
        let found = crawl(&server, &format!("/hls/{hash}/{index}"), "").await;
        assert!(found.iter().any(|uri| uri.ends_with(".m4s")), "{name}: {found:?}");
    }
    assert!(played >= 3, "{played} of {} play", names.len());
    server.stop().await;
    seeder.stop().await;
}
