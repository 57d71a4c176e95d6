//! Subtitles: tracks of a film that is only partly here, and files beside it.

use super::*;

const SRT: &[u8] = b"1\n00:00:01,000 --> 00:00:02,500\nOne\n\n2\n00:00:08,000 --> 00:00:09,000\nTwo\n";

/// A folder with a film and what lies beside it.
struct Shelf(Vec<(&'static str, Arc<FakeFile>)>);

impl Folder for Shelf {
    fn paths(&self) -> Vec<String> {
        self.0.iter().map(|(path, _)| (*path).to_owned()).collect()
    }

    fn open(&self, index: u32) -> Result<Arc<dyn RangeReader>, Error> {
        let file: Arc<dyn RangeReader> = Arc::<FakeFile>::clone(&self.0[index as usize].1);
        Ok(file)
    }
}

fn file(bytes: &'static [u8]) -> Arc<FakeFile> {
    Arc::new(FakeFile::new(Bytes::from_static(bytes)))
}

fn open_film(
    all: &Playbacks,
    film: &Arc<FakeFile>,
    beside: &[(&'static str, Arc<FakeFile>)],
) -> Arc<Playback> {
    let mut files = vec![("Film.mkv", Arc::clone(film))];
    files.extend(beside.iter().cloned());
    let film: Arc<dyn RangeReader> = Arc::<FakeFile>::clone(film);
    all.open(KEY, || Ok(Film { file: film, folder: Some(Box::new(Shelf(files))) })).unwrap()
}

async fn text_of(playback: &Arc<Playback>, name: &str) -> Result<String, Error> {
    let known = playback.presentation().await?;
    match playback.content(&known, name, &PlaylistOptions::default())? {
        Content::Piece(piece) => Ok(String::from_utf8(playback.piece(piece).await?.to_vec()).unwrap()),
        Content::Text(text) => Ok(text),
    }
}

#[tokio::test(start_paused = true)]
async fn a_track_is_told_as_far_as_it_is_here() {
    let film = fixture("mkv-everything.mkv");
    let playback = open(&playbacks(), &film);
    let known = playback.presentation().await.unwrap();
    let before = film.reads().len();
    // The first segment is here, the second is not.
    let Ok(Content::Piece(first)) = playback.content(&known, "s5-000.vtt", &PlaylistOptions::default())
    else {
        panic!("no subtitles")
    };
    let end = known.byte_ranges(first).unwrap().last().unwrap().end;
    film.only_before(end);
    let told = playback.subtitles(Some(&known));
    assert_eq!(told.len(), 3);
    assert!(told.iter().all(|one| !one.complete && (4.0..8.0).contains(&one.known)), "{told:?}");
    let some = playback.subtitle_file("s5.srt", false).await.unwrap();
    assert!(!some.complete && (4.0..8.0).contains(&some.known));
    assert!(film.reads()[before..].iter().all(|range| range.end <= end), "nothing is waited for");

    film.only_before(u64::MAX);
    assert!(playback.subtitles(Some(&known)).iter().all(|one| one.complete));
    let whole = playback.subtitle_file("s5.srt", false).await.unwrap();
    assert!(whole.complete && whole.known > 11.9, "{whole:?} {some:?}");
    assert!(whole.bytes.starts_with(&some.bytes), "it only grows");
    let reads = film.reads().len();
    playback.subtitle_file("s5.vtt", false).await.unwrap();
    assert_eq!(film.reads().len(), reads, "what was read is kept");
    // Who wants all of it at once waits.
    film.only_before(0);
    let nothing = playback.subtitle_file("s7.srt", false).await.unwrap();
    assert_eq!((nothing.known, nothing.complete), (0.0, false));
    assert!(playback.subtitle_file("s7.srt", true).await.unwrap().complete);
}

#[tokio::test(start_paused = true)]
async fn segments_of_a_track_share_the_reading_with_the_picture() {
    let film = fixture("mkv-everything.mkv");
    film.set_delay(SECOND);
    let playback = open(&playbacks(), &film);
    playback.presentation().await.unwrap();
    let before = film.reads().len();
    let names = ["v1-000.m4s", "a2-000.m4s", "a3-000.m4s", "s5-000.vtt", "s6-000.vtt"];
    let known = playback.presentation().await.unwrap();
    let pieces = names.map(|name| match playback.content(&known, name, &PlaylistOptions::default()) {
        Ok(Content::Piece(piece)) => piece,
        other => panic!("{name}: {other:?}"),
    });
    let made = futures::future::join_all(pieces.iter().map(|piece| playback.piece(*piece))).await;
    assert!(made.iter().all(Result::is_ok), "{made:?}");
    let reads = film.reads().split_off(before);
    let first = reads[0].clone();
    let again: Vec<_> =
        reads[1..].iter().filter(|range| range.start < first.end && first.start < range.end).collect();
    // The next segment begins in the last cluster of this one, and is prefetched.
    assert!(again.iter().all(|range| range.start + 4096 > first.end), "{first:?} {again:?}");
}

#[tokio::test(start_paused = true)]
async fn a_file_beside_the_film_is_read_once() {
    let (film, srt) = (fixture("mkv-everything.mkv"), file(SRT));
    srt.set_delay(SECOND);
    let playback =
        open_film(&playbacks(), &film, &[("Film.en.srt", Arc::clone(&srt)), ("other.txt", file(b"x"))]);
    let (one, two) = tokio::join!(text_of(&playback, "f1-000.vtt"), text_of(&playback, "f1-001.vtt"));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert!(one.contains("One") && !one.contains("Two"), "{one}");
    assert!(two.contains("Two") && !two.contains("One"), "{two}");
    assert_eq!(srt.reads().len(), 1);
    assert!(text_of(&playback, "master.m3u8").await.unwrap().contains("URI=\"f1.m3u8\""));
    assert!(text_of(&playback, "f1.m3u8").await.unwrap().contains("f1-001.vtt"));
    for name in ["f0.m3u8", "f2.m3u8", "f2-000.vtt", "f7-000.vtt"] {
        assert_eq!(text_of(&playback, name).await.unwrap_err().kind(), ErrorKind::NotFound, "{name}");
    }
    assert_eq!(playback.subtitle_file("f1.srt", false).await.unwrap().bytes, SRT);
}

#[tokio::test(start_paused = true)]
async fn a_bad_file_beside_the_film_does_no_harm() {
    let film = fixture("mkv-everything.mkv");
    let (bad, slow) = (file(b"\0\x01\x02 no text at all \0\0\0\0\0\0"), file(SRT));
    let large = Arc::new(FakeFile::new(vec![b' '; (16 << 20) + 1].into()));
    let beside =
        [("Film.en.srt", bad), ("Film.de.srt", Arc::clone(&slow)), ("Film.fr.srt", Arc::clone(&large))];
    let playback = open_film(&playbacks(), &film, &beside);
    assert_eq!(text_of(&playback, "f1-000.vtt").await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(text_of(&playback, "f3-000.vtt").await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(large.reads(), [], "too large to be looked at");
    // Failures of the reader are not kept.
    slow.fail(Some(ErrorKind::Stalled));
    assert_eq!(text_of(&playback, "f2-000.vtt").await.unwrap_err().kind(), ErrorKind::Stalled);
    slow.fail(None);
    assert!(text_of(&playback, "f2-000.vtt").await.unwrap().contains("One"));
    assert!(has_segment(&playback, "v1-000.m4s").await);
}

async fn has_segment(playback: &Arc<Playback>, name: &str) -> bool {
    let known = playback.presentation().await.unwrap();
    match playback.content(&known, name, &PlaylistOptions::default()) {
        Ok(Content::Piece(piece)) => playback.piece(piece).await.is_ok(),
        _ => false,
    }
}

#[tokio::test(start_paused = true)]
async fn subtitles_beside_a_film_that_cannot_be_played() {
    let film = Arc::new(FakeFile::counting(5000));
    let playback = open_film(&playbacks(), &film, &[("Film.srt", file(SRT))]);
    assert!(playback.presentation().await.is_err());
    let told = playback.subtitles(None);
    assert_eq!((told.len(), told[0].id.as_str()), (1, "f1"));
    assert!(playback.subtitle_file("f1.vtt", false).await.unwrap().bytes.starts_with(b"WEBVTT"));
}

#[tokio::test]
async fn a_torrent_of_very_many_files_takes_no_time() {
    struct Many;
    impl Folder for Many {
        fn paths(&self) -> Vec<String> {
            let name = "x".repeat(200);
            let others =
                (0..50_000).flat_map(|n| [format!("{name} {n}.mkv"), format!("{name} {}.srt", n + 1)]);
            [format!("{name}.mkv"), format!("{name}.en.srt")].into_iter().chain(others).collect()
        }

        fn open(&self, _: u32) -> Result<Arc<dyn RangeReader>, Error> {
            Err(Error::new(ErrorKind::NotFound, "not in this test"))
        }
    }
    let film: Arc<dyn RangeReader> = Arc::new(FakeFile::counting(1));
    let all = playbacks();
    let playback = all.open(KEY, || Ok(Film { file: film, folder: Some(Box::new(Many)) })).unwrap();
    let before = std::time::Instant::now();
    assert!(playback.subtitles(None).iter().any(|one| one.id == "f1"));
    assert!(before.elapsed() < Duration::from_secs(20), "{:?}", before.elapsed());
}
