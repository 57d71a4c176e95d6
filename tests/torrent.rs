//! Torrents against real sessions on loopback: a seeder in this process, and nobody else.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio_util::sync::CancellationToken;
use torrentstream::error::ErrorKind;
use torrentstream::range_reader::RangeReader;
use torrentstream::torrent::seed::{Content, Seeder, seed};
use torrentstream::torrent::{Magnet, Source, State, Torrent, TorrentOptions, Torrents};

/// Nothing here takes longer, unless it hangs.
const LIMIT: Duration = Duration::from_secs(60);
const MIB: usize = 1 << 20;

/// Bytes that differ everywhere, so that no two ranges are alike.
fn noise(length: usize) -> Bytes {
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes.into()
}

/// A data folder of its own that is deleted in the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("torrentstream-test-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        Self(folder)
    }

    fn options(&self) -> TorrentOptions {
        TorrentOptions {
            dir: self.0.clone(),
            offline: true,
            metadata_timeout: LIMIT,
            ..TorrentOptions::default()
        }
    }

    async fn start(&self) -> Torrents {
        start(self.options()).await
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn start(options: TorrentOptions) -> Torrents {
    Torrents::start(options, CancellationToken::new()).await.unwrap()
}

async fn add_magnet(torrents: &Torrents, seeder: &Seeder) -> Arc<Torrent> {
    let added = torrents.add(Source::Magnet(Magnet::parse(&seeder.magnet()).unwrap())).unwrap();
    assert_eq!(added.info_hash, seeder.info_hash());
    let torrent = torrents.get(&added.info_hash).unwrap();
    torrent.wait_for_metadata(LIMIT).await.unwrap();
    torrent
}

async fn read(file: &Arc<dyn RangeReader>, range: std::ops::Range<u64>) -> Bytes {
    tokio::time::timeout(LIMIT, file.read(range)).await.expect("a read hangs").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_magnet_is_resolved_and_read() {
    let folder = Folder::new("magnet");
    let bytes = noise(5 * MIB + 12_345);
    let seeder = seed(Content::single("film.mp4", bytes.clone())).await.unwrap();
    let torrents = folder.start().await;
    let torrent = add_magnet(&torrents, &seeder).await;
    assert_eq!(torrent.name().as_deref(), Some("film.mp4"));
    assert_eq!((torrent.state(), torrent.largest_video()), (State::Downloading, Some(0)));
    let file = torrent.file(0).unwrap();
    let length = bytes.len() as u64;
    assert_eq!(file.len(), length);
    for range in [length - 1000..length, 3_000_000..3_100_000, 0..10, 65_535..65_537, 7..7, length..length] {
        let expected =
            bytes.slice(usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap());
        assert!(read(&file, range.clone()).await == expected, "{range:?}");
    }
    assert_eq!(file.read(5..length + 1).await.unwrap_err().kind(), ErrorKind::BadRequest);
    assert_eq!(torrent.file(1).map(|_| ()).unwrap_err().kind(), ErrorKind::NotFound);
    assert!(read(&file, 0..length).await == bytes);
    let (stats, progress) = (torrent.stats(), torrent.file_progress(0).unwrap());
    assert_eq!((stats.bytes_completed, stats.bytes_on_disk), (length, length));
    assert_eq!(
        (progress.completed_bytes, progress.completed_pieces, progress.total_pieces),
        (length, 81, 81)
    );
    assert!(matches!(torrent.state(), State::Seeding | State::Completed));
    torrents.stop().await;
    std::fs::remove_dir(&folder.0).expect("nothing is left in it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_torrent_file_with_folders_is_read() {
    let folder = Folder::new("file");
    let bytes = noise(300_000);
    let files = [
        ("sub/a.nfo", 0..10),
        ("sub/b.mkv", 10..200_010),
        ("c.txt", 200_010..200_010),
        ("d.mp4", 200_010..300_000),
    ];
    let files = files.map(|(path, range)| (path.to_owned(), bytes.slice(range))).to_vec();
    let tracker = "http://127.0.0.1:1/announce".to_owned();
    let content = Content {
        files: files.clone(),
        piece_length: 16 << 10,
        trackers: vec![tracker],
        ..Content::single("Film", "")
    };
    let seeder = seed(content).await.unwrap();
    let torrents = folder.start().await;
    // A .torrent names no peers; the magnet, added first, does.
    add_magnet(&torrents, &seeder).await;
    let added = torrents.add(Source::TorrentFile(seeder.torrent())).unwrap();
    assert!(added.already_there);
    let torrent = torrents.get(&added.info_hash).unwrap();
    let metadata = torrent.metadata().unwrap();
    let paths: Vec<&str> = metadata.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["Film/sub/a.nfo", "Film/sub/b.mkv", "Film/c.txt", "Film/d.mp4"]);
    for (index, (_, bytes)) in files.iter().enumerate() {
        let file = torrent.file(index).unwrap();
        assert!(read(&file, 0..bytes.len() as u64).await == *bytes, "file {index}");
        assert_eq!(torrent.file_progress(index).unwrap().completed_bytes, bytes.len() as u64);
    }
    assert_eq!(torrent.largest_video(), Some(1));
    torrents.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_torrent_file_is_there_at_once_and_waits_for_peers() {
    let folder = Folder::new("waits");
    let (info_hash, torrent) = Content::single("a.mp4", noise(200_000)).torrent();
    let torrents =
        start(TorrentOptions { stall_timeout: Duration::from_millis(300), ..folder.options() }).await;
    assert_eq!(torrents.add(Source::TorrentFile(torrent)).unwrap().info_hash, info_hash);
    let torrent = torrents.get(&info_hash).unwrap();
    assert_eq!(torrent.wait_for_metadata(LIMIT).await.unwrap().total_length, 200_000);
    let file = torrent.file(0).unwrap();
    let error = tokio::time::timeout(LIMIT, file.read(0..10)).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stalled);
    torrents.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_adds_are_one_torrent() {
    let folder = Folder::new("single");
    let bytes = noise(MIB);
    let seeder = seed(Content::single("film.mp4", bytes.clone())).await.unwrap();
    let torrents = folder.start().await;
    let source = Source::Magnet(Magnet::parse(&seeder.magnet()).unwrap());
    let adds = (0..8).map(|_| {
        let (torrents, source) = (torrents.clone(), source.clone());
        tokio::spawn(async move { torrents.add(source).unwrap().already_there })
    });
    let already: Vec<bool> = futures::future::join_all(adds).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(already.iter().filter(|already| !**already).count(), 1);
    assert_eq!(torrents.list().len(), 1);
    let torrent = torrents.get(&seeder.info_hash()).unwrap();
    torrent.wait_for_metadata(LIMIT).await.unwrap();
    assert!(read(&torrent.file(0).unwrap(), 0..MIB as u64).await == bytes);
    torrents.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_readers_do_not_stop_each_other() {
    let folder = Folder::new("many");
    let bytes = noise(12 * MIB);
    let seeder = seed(Content::single("film.mp4", bytes.clone())).await.unwrap();
    let torrents = folder.start().await;
    let torrent = add_magnet(&torrents, &seeder).await;
    // The engine's own default stops for ever at eight open streams.
    let reads = (0..48u64).map(|index| {
        let (torrent, bytes) = (Arc::clone(&torrent), bytes.clone());
        tokio::spawn(async move {
            let file = torrent.file(0).unwrap();
            file.prefer(index * 262_144);
            let range = index * 262_144..(index + 1) * 262_144;
            let read = read(&file, range.clone()).await;
            assert!(
                read == bytes
                    .slice(usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap())
            );
        })
    });
    futures::future::join_all(reads).await.into_iter().for_each(Result::unwrap);
    torrents.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn removal_ends_what_waits() {
    let folder = Folder::new("removal");
    let bytes = noise(2 * MIB);
    let (info_hash, torrent_file) = Content::single("film.mp4", bytes).torrent();
    let torrents = folder.start().await;
    torrents.add(Source::TorrentFile(torrent_file.clone())).unwrap();
    let torrent = torrents.get(&info_hash).unwrap();
    torrent.wait_for_metadata(LIMIT).await.unwrap();
    let file = torrent.file(0).unwrap();
    let pending = tokio::spawn(async move { file.read(0..1000).await });
    // The read has had all the time it needs to be waiting; were it not, it would end the same way.
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!pending.is_finished());
    let started = Instant::now();
    assert!(torrents.remove(&info_hash).await);
    assert_eq!(pending.await.unwrap().unwrap_err().kind(), ErrorKind::NotFound);
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    assert!(!torrents.remove(&info_hash).await);
    assert!(torrents.get(&info_hash).is_none());
    // It can come back at once, with a folder of its own.
    assert!(!torrents.add(Source::TorrentFile(torrent_file)).unwrap().already_there);
    let again = torrents.get(&info_hash).unwrap();
    again.wait_for_metadata(LIMIT).await.unwrap();
    torrents.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn removal_ends_the_search_for_metadata() {
    let folder = Folder::new("search");
    // A port that takes connections and says nothing.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let magnet =
        format!("magnet:?xt=urn:btih:{}&dn=hint&x.pe={}", "a".repeat(40), silent.local_addr().unwrap());
    let torrents = folder.start().await;
    let added = torrents.add(Source::Magnet(Magnet::parse(&magnet).unwrap())).unwrap();
    let torrent = torrents.get(&added.info_hash).unwrap();
    assert_eq!((torrent.state(), torrent.name().as_deref()), (State::GettingMetadata, Some("hint")));
    let short = torrent.wait_for_metadata(Duration::from_millis(50)).await.unwrap_err();
    assert_eq!(short.kind(), ErrorKind::Stalled);
    let waiting = tokio::spawn(async move { torrent.wait_for_metadata(LIMIT).await });
    let started = Instant::now();
    assert!(torrents.remove(&added.info_hash).await);
    assert_eq!(waiting.await.unwrap().unwrap_err().kind(), ErrorKind::NotFound);
    assert!(started.elapsed() < Duration::from_secs(1));
    torrents.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_torrent_file_ends_the_search_for_metadata() {
    let folder = Folder::new("supplied");
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (info_hash, torrent_file) = Content::single("film.mp4", noise(100_000)).torrent();
    let magnet = format!("magnet:?xt=urn:btih:{info_hash}&x.pe={}", silent.local_addr().unwrap());
    let torrents = folder.start().await;
    torrents.add(Source::Magnet(Magnet::parse(&magnet).unwrap())).unwrap();
    let torrent = torrents.get(&info_hash).unwrap();
    assert_eq!(torrent.state(), State::GettingMetadata);
    assert!(torrents.add(Source::TorrentFile(torrent_file)).unwrap().already_there);
    assert_eq!(torrent.wait_for_metadata(Duration::from_secs(5)).await.unwrap().name, "film.mp4");
    torrents.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_magnet_brings_whom_to_ask() {
    let folder = Folder::new("second");
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let seeder = seed(Content::single("film.mp4", noise(100_000))).await.unwrap();
    let first = format!("magnet:?xt=urn:btih:{}&x.pe={}", seeder.info_hash(), silent.local_addr().unwrap());
    let torrents = folder.start().await;
    torrents.add(Source::Magnet(Magnet::parse(&first).unwrap())).unwrap();
    // It has begun to ask, and nobody will ever answer.
    tokio::time::timeout(LIMIT, silent.accept()).await.unwrap().unwrap();
    let torrent = torrents.get(&seeder.info_hash()).unwrap();
    assert_eq!((torrent.state(), torrent.name()), (State::GettingMetadata, None));
    let full = Magnet::parse(&format!("{}&dn=hint", seeder.magnet())).unwrap();
    assert!(torrents.add(Source::Magnet(full)).unwrap().already_there);
    assert_eq!(torrent.wait_for_metadata(Duration::from_secs(20)).await.unwrap().name, "film.mp4");
    let file = torrent.file(0).unwrap();
    assert!(read(&file, 0..100_000).await == noise(100_000));
    torrents.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_has_an_end_and_can_be_repeated() {
    let folder = Folder::new("end");
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let seeder = seed(Content::single("film.mp4", noise(100_000))).await.unwrap();
    let magnet = format!("magnet:?xt=urn:btih:{}&x.pe={}", seeder.info_hash(), silent.local_addr().unwrap());
    let torrents =
        start(TorrentOptions { metadata_timeout: Duration::from_millis(300), ..folder.options() }).await;
    torrents.add(Source::Magnet(Magnet::parse(&magnet).unwrap())).unwrap();
    let torrent = torrents.get(&seeder.info_hash()).unwrap();
    let error = torrent.wait_for_metadata(LIMIT).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stalled);
    assert!(matches!(torrent.state(), State::Failed { .. }));
    // Offline and with nobody to ask, there is no need to wait.
    let lonely = torrents.add(Source::InfoHash("b".repeat(40).parse().unwrap())).unwrap();
    let lonely = torrents.get(&lonely.info_hash).unwrap();
    assert!(lonely.wait_for_metadata(LIMIT).await.unwrap_err().to_string().contains("nobody to ask"));
    torrents.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_read_is_fetched() {
    let folder = Folder::new("demand");
    let bytes = noise(100 * MIB);
    let content = Content { piece_length: 256 << 10, ..Content::single("film.mkv", bytes.clone()) };
    let seeder = seed(content).await.unwrap();
    let torrents = folder.start().await;
    let torrent = add_magnet(&torrents, &seeder).await;
    let file = torrent.file(0).unwrap();
    let started = Instant::now();
    assert!(read(&file, 0..100_000).await == bytes.slice(..100_000));
    let first = started.elapsed();
    let start = 60 * MIB as u64;
    let started = Instant::now();
    file.prefer(start);
    read(&file, start..start + 100_000).await;
    let seek = started.elapsed();
    drop(file);
    // What is on its way may still come; then nothing more does.
    let mut fetched = torrent.stats().bytes_fetched;
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let now = torrent.stats().bytes_fetched;
        if now == fetched {
            break;
        }
        fetched = now;
    }
    eprintln!("first read {first:?}, seek {seek:?}, {} MiB fetched", fetched / MIB as u64);
    // Two windows of 32 MiB, the last piece, and the requests that were on their way.
    assert!(fetched <= 70 * MIB as u64, "{fetched}");
    torrents.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_preferred_is_fetched_ahead() {
    let folder = Folder::new("ahead");
    let length = 48 * MIB + 1000;
    let bytes = noise(length);
    let seeder = seed(Content { piece_length: 512 << 10, ..Content::single("film.mkv", bytes.clone()) })
        .await
        .unwrap();
    let torrents = folder.start().await;
    let torrent = add_magnet(&torrents, &seeder).await;
    let file = torrent.file(0).unwrap();
    file.prefer(0);
    // 32 MiB from the position on, and the last piece (of 1000 bytes), which is always fetched; nothing in between.
    let expected = (32 * MIB + 1000) as u64;
    let all = async {
        while torrent.stats().bytes_completed < expected {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let done = tokio::time::timeout(LIMIT, all).await;
    assert!(done.is_ok(), "{:?}", torrent.stats());
    let quick = tokio::time::timeout(Duration::from_secs(5), file.read(31 << 20..32 << 20)).await;
    assert!(quick.unwrap().unwrap() == bytes.slice(31 * MIB..32 * MIB));
    assert_eq!(torrent.stats().bytes_completed, expected);
    torrents.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seek_wakes_idle_peers() {
    let folder = Folder::new("wake");
    let seeder = seed(Content::single("film.mkv", noise(256 * MIB))).await.unwrap();
    let torrents = folder.start().await;
    let torrent = add_magnet(&torrents, &seeder).await;
    let file = torrent.file(0).unwrap();
    read(&file, 0..1000).await;
    let mut waited = Duration::ZERO;
    for position in [60, 120, 180, 240] {
        // Time enough for the peer to run out of work and to fall asleep.
        tokio::time::sleep(Duration::from_millis(700)).await;
        let started = Instant::now();
        let start = position * MIB as u64;
        read(&file, start..start + 1000).await;
        waited += started.elapsed();
    }
    // Left alone it would sleep for 5 seconds each time.
    assert!(waited < Duration::from_secs(8), "{waited:?}");
    eprintln!("four seeks took {waited:?}");
    torrents.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_torrents_end_in_errors() {
    let folder = Folder::new("hostile");
    let torrents = folder.start().await;
    let info = |piece_length: &str, length: &str, hashes: usize| -> Bytes {
        let pieces = "h".repeat(hashes * 20);
        format!(
            "d4:infod6:lengthi{length}e4:name1:a12:piece lengthi{piece_length}e6:pieces{}:{pieces}ee",
            hashes * 20
        )
        .into()
    };
    for bytes in [
        info("0", "1000", 1),
        info("16384", "18446744073709551615", 1),
        info("16384", "1000000", 1),
        info("1024", "3000000000", 1),
        info("16384", "0", 0),
        Bytes::from_static(b"d4:infod5:filesld6:lengthi1e4:pathl2:..eeee"),
        Bytes::from_static(b""),
        vec![b'd'; 1 << 20].into(),
    ] {
        let error = torrents.add(Source::TorrentFile(bytes)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadRequest, "{error}");
    }
    assert!(torrents.list().is_empty());
    torrents.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_metadata_from_a_peer_ends_in_an_error_state() {
    // What passes the .torrent check cannot be hostile; what a peer sends for a magnet has the same check, but only
    // after the engine has read it: a piece length of zero makes the engine panic.
    use sha1::{Digest, Sha1};
    let folder = Folder::new("peer");
    let torrents = folder.start().await;
    for info in [
        "d6:lengthi5e4:name1:a12:piece lengthi0e6:pieces20:hhhhhhhhhhhhhhhhhhhhe",
        "d6:lengthi50000e4:name1:a12:piece lengthi16384e6:pieces20:hhhhhhhhhhhhhhhhhhhhe",
    ] {
        let hash: [u8; 20] = Sha1::digest(info.as_bytes()).into();
        let peer = metadata_peer(hash, info.as_bytes().to_vec()).await;
        let magnet =
            format!("magnet:?xt=urn:btih:{}&x.pe={peer}", torrentstream::torrent::InfoHash::new(hash));
        let added = torrents.add(Source::Magnet(Magnet::parse(&magnet).unwrap())).unwrap();
        let torrent = torrents.get(&added.info_hash).unwrap();
        torrent.wait_for_metadata(LIMIT).await.unwrap_err();
        assert!(matches!(torrent.state(), State::Failed { .. }), "{:?}", torrent.state());
    }
    torrents.stop().await;
}

/// A peer that does nothing but send metadata (BEP 9 over BEP 10).
async fn metadata_peer(hash: [u8; 20], info: Vec<u8>) -> std::net::SocketAddr {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let info = info.clone();
            let talk = async move {
                let mut handshake = [0; 68];
                stream.read_exact(&mut handshake).await?;
                let mut out = Vec::from(*b"\x13BitTorrent protocol\0\0\0\0\0\x10\0\0");
                out.extend(hash);
                out.extend(b"-XX0001-metadatapeer");
                let message = |id: u8, payload: &[u8]| {
                    let mut message = u32::try_from(payload.len() + 2).unwrap().to_be_bytes().to_vec();
                    message.extend([20, id]);
                    message.extend(payload);
                    message
                };
                out.extend(message(
                    0,
                    format!("d1:md11:ut_metadatai3ee13:metadata_sizei{}ee", info.len()).as_bytes(),
                ));
                stream.write_all(&out).await?;
                let mut theirs = 3;
                loop {
                    let length = stream.read_u32().await?;
                    let mut body = vec![0; length as usize];
                    stream.read_exact(&mut body).await?;
                    let text = String::from_utf8_lossy(&body).into_owned();
                    if body.first() == Some(&20) && body.get(1) == Some(&0) {
                        if let Some(at) = text.find("11:ut_metadatai") {
                            theirs = text[at + 15..].split('e').next().unwrap().parse().unwrap();
                        }
                    } else if text.contains("8:msg_typei0e") {
                        let mut payload =
                            format!("d8:msg_typei1e5:piecei0e10:total_sizei{}ee", info.len()).into_bytes();
                        payload.extend(&info);
                        stream.write_all(&message(theirs, &payload)).await?;
                    }
                }
                #[expect(unreachable_code, reason = "names the error type")]
                Ok::<(), std::io::Error>(())
            };
            tokio::spawn(talk);
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn the_disk_limit_holds_while_one_film_is_watched() {
    let folder = Folder::new("limit");
    let bytes = noise(160 * MIB);
    let seeder =
        seed(Content { piece_length: 1 << 20, ..Content::single("film.mkv", bytes.clone()) }).await.unwrap();
    let limit = 80 * MIB as u64;
    let torrents = start(TorrentOptions { max_disk: Some(limit), ..folder.options() }).await;
    let torrent = add_magnet(&torrents, &seeder).await;
    let file = torrent.file(0).unwrap();
    let mut most = 0;
    for start in (0..160 * MIB).step_by(4 * MIB) {
        let range = start as u64..(start + 4 * MIB) as u64;
        file.prefer(range.start);
        assert!(read(&file, range).await == bytes.slice(start..start + 4 * MIB), "at {start}");
        most = most.max(torrent.stats().bytes_on_disk);
    }
    // What was on its way when the limit was passed.
    assert!(most <= limit + 16 * MIB as u64, "{most}");
    torrents.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_fails_is_a_storage_error() {
    let folder = Folder::new("write");
    let bytes = noise(MIB);
    let files = [("a.mkv", 0..600_000), ("b", 600_000..800_000), ("c", 800_000..900_000)];
    let files = files.map(|(path, range)| (path.to_owned(), bytes.slice(range))).to_vec();
    let seeder = seed(Content { files, ..Content::single("Film", "") }).await.unwrap();
    let torrents = folder.start().await;
    let torrent = add_magnet(&torrents, &seeder).await;
    // Nobody can write to what is a folder, not even root. Nothing of the third file has been fetched yet.
    std::fs::create_dir(folder.0.join(seeder.info_hash().to_string()).join("00002")).unwrap();
    let file = torrent.file(2).unwrap();
    let error = tokio::time::timeout(LIMIT, file.read(50_000..60_000)).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage, "{error}");
    assert!(matches!(torrent.state(), State::Failed { .. }));
    // Adding it again starts anew.
    assert!(!torrents.add(Source::Magnet(Magnet::parse(&seeder.magnet()).unwrap())).unwrap().already_there);
    let torrent = torrents.get(&seeder.info_hash()).unwrap();
    torrent.wait_for_metadata(LIMIT).await.unwrap();
    assert!(read(&torrent.file(2).unwrap(), 0..100_000).await == bytes.slice(800_000..900_000));
    torrents.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_mixed_with_foreign_files() {
    let folder = Folder::new("foreign");
    let seeder = seed(Content::single("film.mp4", noise(MIB))).await.unwrap();
    let foreign = folder.0.join(seeder.info_hash().to_string()).join("diary");
    std::fs::create_dir_all(foreign.parent().unwrap()).unwrap();
    std::fs::write(&foreign, "dear").unwrap();
    let torrents = folder.start().await;
    torrents.add(Source::Magnet(Magnet::parse(&seeder.magnet()).unwrap())).unwrap();
    let torrent = torrents.get(&seeder.info_hash()).unwrap();
    assert_eq!(torrent.wait_for_metadata(LIMIT).await.unwrap_err().kind(), ErrorKind::Storage);
    assert!(torrents.remove(&seeder.info_hash()).await);
    assert_eq!(std::fs::read_to_string(&foreign).unwrap(), "dear");
    torrents.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_cleans_marked_folders_only() {
    let folder = Folder::new("restart");
    let ours = folder.0.join("c".repeat(40));
    let foreign = folder.0.join("d".repeat(40));
    for path in [&ours, &foreign] {
        std::fs::create_dir_all(path).unwrap();
        std::fs::write(path.join("00000"), "x").unwrap();
    }
    std::fs::write(ours.join(".torrentstream"), "").unwrap();
    let torrents = folder.start().await;
    assert!(!ours.exists() && foreign.join("00000").exists());
    torrents.stop().await;
    assert!(foreign.join("00000").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_ends_what_waits() {
    let folder = Folder::new("shutdown");
    let shutdown = CancellationToken::new();
    let torrents = Torrents::start(folder.options(), shutdown.clone()).await.unwrap();
    let (info_hash, torrent) = Content::single("a.mp4", noise(200_000)).torrent();
    torrents.add(Source::TorrentFile(torrent)).unwrap();
    let torrent = torrents.get(&info_hash).unwrap();
    torrent.wait_for_metadata(LIMIT).await.unwrap();
    let file = torrent.file(0).unwrap();
    let pending = tokio::spawn(async move { file.read(0..10).await });
    let started = Instant::now();
    shutdown.cancel();
    torrents.stop().await;
    assert_eq!(pending.await.unwrap().unwrap_err().kind(), ErrorKind::Cancelled);
    assert!(started.elapsed() < Duration::from_secs(2));
}

/// A tracker that knows nobody and keeps the infohashes it was asked for.
async fn tracker() -> (String, Arc<std::sync::Mutex<Vec<Vec<u8>>>>) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/announce", listener.local_addr().unwrap());
    let asked = Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut request = vec![0; 4096];
            let length = client.read(&mut request).await.unwrap_or(0);
            let line = String::from_utf8_lossy(&request[..length]).into_owned();
            let hash = line.split("info_hash=").nth(1).unwrap_or("").split(['&', ' ']).next().unwrap_or("");
            log.lock().unwrap().push(percent_encoding::percent_decode_str(hash).collect());
            let answer = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 27\r\n\r\nd8:intervali1800e5:peers0:e";
            let _ = client.write_all(answer.as_bytes()).await;
        }
    });
    (url, asked)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_torrent_is_told_to_its_own_tracker_only() {
    let folder = Folder::new("private");
    let (own, asked_own) = tracker().await;
    let (injected, asked_injected) = tracker().await;
    let torrents = start(TorrentOptions { trackers: vec![injected], ..folder.options() }).await;
    let content = |name: &str, private| Content {
        private,
        trackers: vec![own.clone()],
        ..Content::single(name, noise(100_000))
    };
    let (private, torrent) = content("private.mp4", true).torrent();
    torrents.add(Source::TorrentFile(torrent)).unwrap();
    // The public one, added later, shows that the injected tracker is asked at all.
    let asked = |log: &Arc<std::sync::Mutex<Vec<Vec<u8>>>>, hash: [u8; 20]| {
        log.lock().unwrap().contains(&hash.to_vec())
    };
    let wait = async |log: &Arc<std::sync::Mutex<Vec<Vec<u8>>>>, hash: [u8; 20]| {
        let all = async {
            while !asked(log, hash) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(LIMIT, all).await.expect("the tracker is not asked");
    };
    wait(&asked_own, private.bytes()).await;
    let (public, torrent) = content("public.mp4", false).torrent();
    torrents.add(Source::TorrentFile(torrent)).unwrap();
    wait(&asked_own, public.bytes()).await;
    wait(&asked_injected, public.bytes()).await;
    assert!(!asked(&asked_injected, private.bytes()));
    torrents.stop().await;
}
