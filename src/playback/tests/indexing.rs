//! Files whose index is missing or does not say the truth.

use super::*;

/// A long film without an index.
fn without_index() -> Arc<FakeFile> {
    fixture("mkv-no-cues-long.mkv")
}

fn progress(error: &Error) -> f64 {
    assert_eq!(error.kind(), ErrorKind::Indexing);
    assert!(error.to_string().contains('%'), "{error}");
    error.progress().unwrap()
}

/// Asks every two seconds, as a player does, until the index is made; what it heard meanwhile.
async fn ask_until_playable(playback: &Playback) -> (Arc<Presentation>, Vec<f64>) {
    let mut heard = Vec::new();
    loop {
        match playback.playable().await {
            Ok(presentation) => return (presentation, heard),
            Err(error) => heard.push(progress(&error)),
        }
        assert!(heard.len() < 1000, "it never gets there");
        tokio::time::sleep(2 * SECOND).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_index_is_made_while_somebody_asks() {
    let file = without_index();
    let playback = open(&playbacks(), &file);
    let before = playback.presentation().await.unwrap();
    assert_eq!(playback.index_state(&before), IndexState::Missing);
    assert!(before.duration_seconds().is_some(), "its tracks and length are known all the same");
    let reads = file.reads().len();
    tokio::time::sleep(10 * SECOND).await;
    assert_eq!(file.reads().len(), reads, "nobody has asked for it to be played");

    file.set_delay(SECOND);
    let (known, heard) = ask_until_playable(&playback).await;
    assert!(heard.len() >= 2 && heard.is_sorted() && heard.last() > Some(&0.1), "{heard:?}");
    assert_eq!(playback.index_state(&known), IndexState::Complete);
    assert!(file.preferred().is_sorted(), "in the order of the file");
    assert!(Arc::ptr_eq(&known, &playback.known().unwrap().unwrap()));
    let duration = known.duration_seconds().unwrap();
    assert!((duration - before.duration_seconds().unwrap()).abs() < 1.0);
    assert!(known.content("master.m3u8", &PlaylistOptions::default(), &[]).is_ok());
    assert!(segment(&playback, 0).await.unwrap().len() > 188);
    assert!(segment(&playback, 1).await.unwrap().len() > 188);
}

#[tokio::test(start_paused = true)]
async fn making_an_index_stops_when_nobody_asks_and_goes_on_from_there() {
    let file = without_index();
    let options = PlaybackOptions { idle: 10_000 * SECOND, ..Default::default() };
    let playback = open(&Playbacks::new(options), &file);
    let known = playback.presentation().await.unwrap();
    let before = file.reads().len();
    file.set_delay(70 * SECOND);
    assert!(playback.playable().await.is_err());
    tokio::time::sleep(SECOND).await;
    assert_eq!(
        playback.index_state(&known),
        IndexState::Scanning(playback.playable().await.unwrap_err().progress().unwrap())
    );
    tokio::time::sleep(300 * SECOND).await;
    assert_eq!(playback.index_state(&known), IndexState::Missing, "it has stopped");
    assert_eq!(file.reads().len(), before + 1);

    file.set_delay(SECOND);
    let (_, heard) = ask_until_playable(&playback).await;
    assert!(heard[0] > 0.0, "from where it was: {heard:?}");
    let starts: Vec<u64> = file.reads()[before..].iter().map(|range| range.start).collect();
    assert!(starts.is_sorted_by(|one, next| one < next), "{starts:?}");
}

#[tokio::test(start_paused = true)]
async fn a_swarm_that_is_silent_for_a_while_does_not_end_it() {
    let file = without_index();
    let playback = open(&playbacks(), &file);
    playback.presentation().await.unwrap();
    file.fail(Some(ErrorKind::Stalled));
    for _ in 0..10 {
        assert!(playback.playable().await.is_err());
        tokio::time::sleep(2 * SECOND).await;
    }
    file.fail(None);
    ask_until_playable(&playback).await;
}

#[tokio::test(start_paused = true)]
async fn a_closed_file_is_not_looked_through() {
    let file = without_index();
    let all = playbacks();
    let playback = open(&all, &file);
    playback.presentation().await.unwrap();
    file.set_delay(100 * SECOND);
    assert!(playback.playable().await.is_err());
    tokio::time::sleep(SECOND).await;
    drop(playback);
    all.forget(&KEY.id);
    tokio::time::sleep(SECOND).await;
    assert_eq!(file.dropped(), 1);
    assert_eq!(Arc::strong_count(&file), 1);
}

/// A good film whose index says of the cut at 6 s that it is some pictures later than it is.
fn lying() -> Arc<FakeFile> {
    const CUE: &[u8] = b"\xb3\x82\x17\x8b\xb7\x8a\xf7\x81\x01\xf1\x82\x93\x7d\xf0\x81\x04";
    let mut bytes = fixture("mkv-mkvmerge.mkv").bytes().to_vec();
    let at = bytes.windows(CUE.len()).position(|window| window == CUE).unwrap();
    bytes[at + 3] += 100;
    Arc::new(FakeFile::new(bytes.into()))
}

#[tokio::test(start_paused = true)]
async fn an_index_that_lies_is_replaced() {
    let file = lying();
    let playback = open(&playbacks(), &file);
    let trusted = playback.playable().await.unwrap();
    let count = (0..).take_while(|index| piece(&trusted, *index).is_ok()).count();
    let mut caught = None;
    for index in (0..u32::try_from(count).unwrap()).rev() {
        if let Err(error) = playback.piece(piece(&trusted, index).unwrap()).await {
            caught = Some(error);
            break;
        }
    }
    progress(&caught.expect("the lie is noticed"));
    // Nothing is told by the old index any more.
    let old = piece(&trusted, 0).unwrap();
    if let Some(Err(error)) = playback.known_playable() {
        progress(&error);
        assert_eq!(playback.piece(old).await.unwrap_err().kind(), ErrorKind::Indexing);
    }
    let (known, _) = ask_until_playable(&playback).await;
    assert!(!Arc::ptr_eq(&known, &trusted));
    assert_ne!(known.mark(), trusted.mark());
    let good = fixture("mkv-mkvmerge.mkv");
    let all = expected(&good);
    for (index, good) in (0..).zip(&all) {
        assert_eq!(&segment(&playback, index).await.unwrap(), good, "{index}");
    }
}
