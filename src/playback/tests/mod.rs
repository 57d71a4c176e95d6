//! Playback of a real file that arrives slowly, in virtual time.

mod indexing;
mod sharing;
mod subtitles;

use super::fake::FakeFile;
use super::*;
use crate::error::ErrorKind;
use crate::range_reader::RangeReader;
use media::plan::PlanOptions;
use media::source::Step;
use std::ops::Range;

const SECOND: Duration = Duration::from_secs(1);
const KEY: FileKey = FileKey { id: [7; 20], index: 0 };

fn fixture(name: &str) -> Arc<FakeFile> {
    let path = format!("{}/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    Arc::new(FakeFile::new(std::fs::read(path).unwrap().into()))
}

fn open(playbacks: &Playbacks, file: &Arc<FakeFile>) -> Arc<Playback> {
    let file: Arc<dyn RangeReader> = Arc::<FakeFile>::clone(file);
    playbacks.open(KEY, || Ok(file)).unwrap()
}

fn playbacks() -> Playbacks {
    Playbacks::new(PlaybackOptions::default())
}

/// Segment `index` of what plays where nobody has chosen.
fn piece(presentation: &Presentation, index: u32) -> Result<Piece, Error> {
    match presentation.content(&format!("segment{index:03}.ts"), &PlaylistOptions::default(), &[])? {
        Content::Piece(piece) => Ok(piece),
        Content::Text(text) => panic!("{text}"),
    }
}

async fn segment(playback: &Arc<Playback>, index: u32) -> Result<Bytes, Error> {
    let piece = piece(&*playback.presentation().await?, index)?;
    playback.piece(piece).await
}

fn cached(playback: &Playback, index: u32) -> Option<Bytes> {
    playback.cached(piece(&*playback.known()?.ok()?, index).ok()?)
}

/// What the segments are when the whole file is here.
fn expected(file: &FakeFile) -> Vec<Bytes> {
    let Ok(Step::Done(movie)) = media::open(file.bytes()) else { panic!("the fixture cannot be opened") };
    let offer = media::presentation::Presentation::new(Arc::new(movie), &PlanOptions::default()).unwrap();
    let rendition = offer.main_rendition(None).unwrap();
    let segment = |index| match offer.segment(&rendition, index, file.bytes()) {
        Ok(Step::Done(segment)) => segment,
        other => panic!("{other:?}"),
    };
    (0..).take(offer.plan().segments.len()).map(segment).collect()
}

fn overlap(reads: &[Range<u64>], byte: u64) -> usize {
    reads.iter().filter(|range| range.contains(&byte)).count()
}

#[tokio::test(start_paused = true)]
async fn segments_in_any_order_are_those_of_the_whole_file() {
    for name in ["mp4-moov-at-end.mp4", "mkv-mkvmerge.mkv", "mkv-cues-front.mkv", "demo.mp4"] {
        let file = fixture(name);
        file.set_delay(SECOND);
        let expected = expected(&file);
        let playback = open(&playbacks(), &file);
        let count = u32::try_from(expected.len()).unwrap();
        for index in (0..count).rev() {
            let segment = segment(&playback, index).await.unwrap();
            assert_eq!(segment, expected[index as usize], "{name} {index}");
            let known = playback.presentation().await.unwrap();
            let head = known.head(piece(&known, index).unwrap()).unwrap();
            assert!(segment.starts_with(&head));
        }
        let error = segment(&playback, count).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
}

#[tokio::test(start_paused = true)]
async fn many_viewers_cost_one_fetch() {
    let file = fixture("demo.mp4");
    file.set_delay(SECOND);
    let expected = expected(&file);
    let playback = open(&playbacks(), &file);
    let all = futures::future::join_all((0..20).map(|_| segment(&playback, 2))).await;
    assert!(all.into_iter().all(|segment| segment.unwrap() == expected[2]));
    let reads = file.reads();
    let last = reads.last().cloned().unwrap();
    assert_eq!(reads.iter().filter(|range| **range == last).count(), 1, "{reads:?}");
}

#[tokio::test(start_paused = true)]
async fn the_last_viewer_to_go_ends_the_reads() {
    let file = fixture("demo.mp4");
    let playback = open(&playbacks(), &file);
    playback.presentation().await.unwrap();
    file.set_delay(100 * SECOND);
    let first = tokio::time::timeout(SECOND, segment(&playback, 1));
    let second = tokio::time::timeout(2 * SECOND, segment(&playback, 1));
    let (first, second) = tokio::join!(first, second);
    assert!(first.is_err() && second.is_err());
    assert_eq!(file.dropped(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_next_segment_is_made_beforehand_and_looked_ahead_from() {
    let file = fixture("demo.mp4");
    file.set_delay(SECOND);
    let playback = open(&playbacks(), &file);
    segment(&playback, 0).await.unwrap();
    assert!(cached(&playback, 0).is_some() && cached(&playback, 1).is_none());
    let preferred = file.preferred();
    tokio::time::sleep(2 * SECOND).await;
    assert!(cached(&playback, 1).is_some() && cached(&playback, 2).is_none());
    assert!(file.preferred().last() > preferred.last(), "the look-ahead follows");

    // A seek: the prefetch of what followed before is given up.
    segment(&playback, 1).await.unwrap();
    file.set_delay(10 * SECOND);
    segment(&playback, 1).await.unwrap(); // prefetches 2 now, slowly
    tokio::time::sleep(SECOND).await;
    file.set_delay(SECOND);
    segment(&playback, 4).await.unwrap();
    tokio::time::sleep(30 * SECOND).await;
    assert!(cached(&playback, 4).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_seek_and_a_closed_file_cancel_the_prefetch() {
    let file = fixture("demo.mp4");
    let all = playbacks();
    let playback = open(&all, &file);
    segment(&playback, 0).await.unwrap();
    tokio::time::sleep(SECOND).await;
    file.set_delay(100 * SECOND);
    segment(&playback, 1).await.unwrap(); // from the cache; prefetches 2
    tokio::time::sleep(SECOND).await;
    let before = file.reads().len();
    let seek = tokio::time::timeout(SECOND, segment(&playback, 4)).await;
    assert!(seek.is_err());
    assert_eq!(file.dropped(), 2, "the prefetch, and the segment that was not waited for");
    assert_eq!(file.reads().len(), before + 1);

    segment(&playback, 1).await.unwrap(); // prefetches 2 again
    tokio::time::sleep(SECOND).await;
    drop(playback);
    all.forget(&KEY.id);
    tokio::time::sleep(SECOND).await;
    assert_eq!(file.dropped(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_request_takes_the_prefetch_over() {
    let file = fixture("demo.mp4");
    let playback = open(&playbacks(), &file);
    playback.presentation().await.unwrap();
    file.set_delay(10 * SECOND);
    segment(&playback, 0).await.unwrap();
    tokio::time::sleep(5 * SECOND).await; // half of segment 1 is on its way
    let before = Instant::now();
    segment(&playback, 1).await.unwrap();
    assert!(before.elapsed() <= 5 * SECOND, "{:?}", before.elapsed());
    assert_eq!(file.dropped(), 0);
}

#[tokio::test(start_paused = true)]
async fn without_a_cache_there_is_no_prefetch_but_still_one_flight() {
    let file = fixture("demo.mp4");
    file.set_delay(SECOND);
    let playbacks = Playbacks::new(PlaybackOptions { segment_cache_bytes: 0, ..Default::default() });
    let playback = open(&playbacks, &file);
    playback.presentation().await.unwrap();
    let before = file.reads().len();
    let (one, two) = tokio::join!(segment(&playback, 0), segment(&playback, 0));
    assert_eq!(one.unwrap(), two.unwrap());
    tokio::time::sleep(10 * SECOND).await;
    let fetched = file.reads().len() - before;
    assert!(cached(&playback, 0).is_none());
    segment(&playback, 0).await.unwrap();
    assert_eq!(file.reads().len() - before, 2 * fetched, "made again");
}

#[tokio::test(start_paused = true)]
async fn failures_of_the_reader_are_not_kept() {
    let file = fixture("demo.mp4");
    let playback = open(&playbacks(), &file);
    file.fail(Some(ErrorKind::Stalled));
    assert_eq!(playback.presentation().await.unwrap_err().kind(), ErrorKind::Stalled);
    assert_eq!(segment(&playback, 0).await.unwrap_err().kind(), ErrorKind::Stalled);
    assert!(playback.known().is_none());
    file.fail(None);
    assert!(segment(&playback, 0).await.is_ok());
    file.fail(Some(ErrorKind::Storage));
    assert_eq!(segment(&playback, 3).await.unwrap_err().kind(), ErrorKind::Storage);
    file.fail(None);
    assert!(segment(&playback, 3).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn failures_of_the_file_are_kept() {
    let file = Arc::new(FakeFile::counting(100_000));
    let playback = open(&playbacks(), &file);
    assert_eq!(playback.presentation().await.unwrap_err().kind(), ErrorKind::Unsupported);
    let reads = file.reads().len();
    assert_eq!(segment(&playback, 0).await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert!(matches!(playback.known(), Some(Err(error)) if error.kind() == ErrorKind::Unsupported));
    assert_eq!(file.reads().len(), reads);
}

#[tokio::test(start_paused = true)]
async fn an_impatient_client_gets_there_in_the_end() {
    let file = fixture("mp4-moov-at-end.mp4");
    file.set_delay(7 * SECOND);
    let playback = open(&playbacks(), &file);
    let mut polls = 0;
    while playback.known().is_none() {
        playback.warm_up();
        let _ = tokio::time::timeout(2 * SECOND, playback.presentation()).await;
        polls += 1;
        assert!(polls < 20, "it never gets there");
    }
    assert_eq!(file.dropped(), 0);
    assert_eq!(overlap(&file.reads(), 0), 1, "the head is read once");
}

#[tokio::test(start_paused = true)]
async fn idle_files_are_closed_and_there_are_never_too_many() {
    let options = PlaybackOptions { max_open: 3, idle: 60 * SECOND, ..Default::default() };
    let playbacks = Playbacks::new(options);
    let file = fixture("mp4-faststart.mp4");
    for index in 0..10 {
        let file: Arc<dyn RangeReader> = Arc::<FakeFile>::clone(&file);
        playbacks.open(FileKey { id: [1; 20], index }, || Ok(file)).unwrap();
        tokio::time::sleep(SECOND).await;
        assert!(playbacks.0.lock().len() <= 3);
    }
    let used = open(&playbacks, &file);
    tokio::time::sleep(100 * SECOND).await;
    assert_eq!(playbacks.0.lock().len(), 1, "only the one that is held");
    drop(used);
    tokio::time::sleep(100 * SECOND).await;
    assert_eq!(playbacks.0.lock().len(), 0);
    assert_eq!(Arc::strong_count(&file), 1);
}

#[tokio::test(start_paused = true)]
async fn a_seek_to_the_end_has_no_segments() {
    let playback = open(&playbacks(), &fixture("demo.mp4"));
    let known = playback.presentation().await.unwrap();
    let duration = known.duration_seconds().unwrap();
    assert!((duration - 30.0).abs() < 0.2, "{duration}");
    let playlist = |start| {
        let options = PlaylistOptions { start: Some(start), ..Default::default() };
        let Ok(Content::Text(text)) = known.content("playlist.m3u8", &options, &[]) else {
            panic!("no playlist")
        };
        text
    };
    assert!(playlist(duration * 0.99).contains("#EXT-X-START:TIME-OFFSET=29."));
    let end = playlist(duration * 0.996);
    assert!(end.ends_with("#EXT-X-ENDLIST\n") && !end.contains("#EXTINF"));
    assert!(piece(&known, 0).is_ok());
    assert_eq!(piece(&known, 999).unwrap_err().kind(), ErrorKind::NotFound);
}
