//! One read of a cluster serves all that is made of it.

use super::*;
use media::rendition::{Rendition, SegmentFormat};
use media::track::TrackKind;

/// Segment `index` of every rendition of sound by itself, and of the picture.
fn all_renditions(file: &FakeFile, index: u32) -> Vec<Piece> {
    let Ok(Step::Done(movie)) = media::open(file.bytes()) else { panic!("the fixture cannot be opened") };
    let offer = media::presentation::Presentation::new(Arc::new(movie), &PlanOptions::default()).unwrap();
    let tracks = offer.movie().tracks.iter().map(|track| match track.kind {
        TrackKind::Video => Rendition { video: Some(track.id), audio: None, format: SegmentFormat::Ts },
        _ => Rendition { video: None, audio: Some(track.id), format: SegmentFormat::Ts },
    });
    tracks.filter(|one| offer.check(one).is_ok()).map(|one| Piece::Segment(one, index)).collect()
}

fn film() -> Arc<FakeFile> {
    fixture("mkv-two-audio-srt.mkv")
}

async fn reads_after_opening(
    playback: &Playback,
    file: &FakeFile,
    work: impl Future<Output = ()>,
) -> Vec<Range<u64>> {
    playback.presentation().await.unwrap();
    let before = file.reads().len();
    work.await;
    file.reads().split_off(before)
}

#[tokio::test(start_paused = true)]
async fn renditions_that_are_asked_for_together_share_the_reading() {
    let file = film();
    file.set_delay(SECOND);
    let pieces = all_renditions(&file, 0);
    assert!(pieces.len() >= 3, "a picture and two sounds");
    // Nothing is kept, and so nothing is prefetched.
    let playbacks = Playbacks::new(PlaybackOptions { segment_cache_bytes: 0, ..Default::default() });
    let playback = open(&playbacks, &file);
    let reads = reads_after_opening(&playback, &file, async {
        let all = futures::future::join_all(pieces.iter().map(|piece| playback.piece(*piece))).await;
        let made: Vec<Bytes> = all.into_iter().map(Result::unwrap).collect();
        assert!(made.iter().all(|segment| segment.len() > 188));
        assert_ne!(made[0], made[1]);
    });
    assert_eq!(reads.await.len(), 1, "one read for all");
}

#[tokio::test(start_paused = true)]
async fn renditions_that_are_asked_for_one_after_the_other_share_the_reading() {
    let file = film();
    let pieces = all_renditions(&file, 0);
    let playback = open(&playbacks(), &file);
    let first = reads_after_opening(&playback, &file, async {
        playback.piece(pieces[0]).await.unwrap();
        tokio::time::sleep(SECOND).await; // with the prefetch
    });
    assert!(!first.await.is_empty());
    let more = reads_after_opening(&playback, &file, async {
        for piece in &pieces[1..] {
            playback.piece(*piece).await.unwrap();
        }
    });
    assert_eq!(more.await, [], "all of it was here");
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_is_bounded_and_goes_with_its_file() {
    let memory = Arc::new(window::Memory::new(u64::MAX));
    let fake = Arc::new(FakeFile::counting(1000));
    let file: Arc<dyn RangeReader> = Arc::<FakeFile>::clone(&fake);
    let windows = window::Windows::new(KEY, file, Arc::clone(&memory));
    for start in (0..1000).step_by(10) {
        windows.open(&one(start..start + 10)).await.unwrap();
    }
    assert_eq!(memory.held(), 64, "a MiB is the least that a window counts for");
    // A part of what is kept is not read again.
    let reads = fake.reads().len();
    let part = windows.open(&one(988..990)).await.unwrap();
    assert!(part.arrived().missing(&(988..990)).is_none());
    assert_eq!(fake.reads().len(), reads);
    drop(part);
    drop(windows);
    assert_eq!(memory.held(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_last_one_to_go_ends_the_shared_reading() {
    let file = film();
    let pieces = all_renditions(&file, 0);
    let playback = open(&playbacks(), &file);
    playback.presentation().await.unwrap();
    file.set_delay(100 * SECOND);
    let first = tokio::time::timeout(SECOND, playback.piece(pieces[0]));
    let second = tokio::time::timeout(2 * SECOND, playback.piece(pieces[1]));
    let before = Instant::now();
    let (first, second) = tokio::join!(first, second);
    assert!(first.is_err() && second.is_err() && before.elapsed() == 2 * SECOND);
    assert_eq!(file.dropped(), 1, "one read for both");
}

fn one(range: Range<u64>) -> Vec<Range<u64>> {
    [range].into()
}

#[tokio::test(start_paused = true)]
async fn only_what_is_neither_here_nor_on_its_way_is_read() {
    let fake = Arc::new(FakeFile::counting(1_000_000).delayed(SECOND));
    let file: Arc<dyn RangeReader> = Arc::<FakeFile>::clone(&fake);
    let windows = window::Windows::new(KEY, file, Arc::new(window::Memory::new(u64::MAX)));
    windows.open(&one(0..100)).await.unwrap();
    let before = Instant::now();
    let (next, wide) = (one(100..200), one(50..300));
    let (next, wide) = tokio::join!(windows.open(&next), windows.open(&wide));
    next.unwrap();
    let all = wide.unwrap().arrived();
    assert_eq!(media::source::ByteSource::read(&all, 50..300), Ok(fake.bytes().slice(50..300)));
    assert_eq!(fake.reads(), [0..100, 100..200, 200..300]);
    assert_eq!(before.elapsed(), 2 * SECOND);
    // Far apart, both at once, with a part that is here in between.
    let apart = vec![10..20, 150..160, 700_000..700_010, 900_000..900_010];
    let apart = windows.open(&apart).await.unwrap().arrived();
    assert_eq!(fake.reads()[3..], [700_000..700_010, 900_000..900_010]);
    assert!(apart.missing(&(150..160)).is_none() && apart.missing(&(900_000..900_010)).is_none());
}
