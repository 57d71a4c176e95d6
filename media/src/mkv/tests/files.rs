//! Real files: every frame against the crate matroska-demuxer, cuts against the whole.

use super::*;
use matroska_demuxer::{Frame, MatroskaFile};
use std::collections::HashMap;
use std::io::Cursor;
use std::path::{Path, PathBuf};

/// The Matroska files below `folder`.
fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            files_below(&path, found);
        } else if path.extension().is_some_and(|extension| {
            ["mkv", "webm", "mka", "mks", "mk3d"].iter().any(|known| extension == *known)
        }) {
            found.push(path);
        }
    }
}

fn real_files() -> Vec<(PathBuf, Bytes)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let corpus =
        std::env::var_os("TORRENTSTREAM_CORPUS").map_or_else(|| root.join("../shared/corpus"), PathBuf::from);
    let mut paths = Vec::new();
    for (name, folder) in [("fixtures", root.join("fixtures")), ("the corpus", corpus)] {
        let before = paths.len();
        files_below(&folder, &mut paths);
        if paths.len() == before {
            eprintln!("no Matroska files in {} ({name}): not tested", folder.display());
        }
    }
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), std::fs::read(path).expect("readable").into())).collect()
}

/// A frame as matroska-demuxer reads it.
#[derive(Debug, Clone)]
struct Theirs {
    /// Nanoseconds; those of one lace have all the time of the first.
    time: i64,
    /// Known of SimpleBlocks only.
    key: Option<bool>,
    data: Vec<u8>,
}

/// Frames by track as matroska-demuxer reads them; `None` where it cannot read the file.
fn frames_of_the_other(file: &Bytes) -> Option<HashMap<u64, Vec<Theirs>>> {
    let file = file.clone();
    std::panic::catch_unwind(move || {
        let mut mkv = MatroskaFile::open(Cursor::new(&file[..])).ok()?;
        let tick = mkv.info().timestamp_scale().get() as i64;
        let mut tracks: HashMap<u64, Vec<Theirs>> = HashMap::new();
        let mut frame = Frame::default();
        while mkv.next_frame(&mut frame).ok()? {
            let time = frame.timestamp as i64 * tick;
            let theirs = Theirs { time, key: frame.is_keyframe, data: frame.data.clone() };
            tracks.entry(frame.track).or_default().push(theirs);
        }
        Some(tracks)
    })
    .ok()
    .flatten()
}

fn assert_ordered(samples: &[Sample], kind: TrackKind, name: &str) {
    assert!(samples.iter().all(|sample| sample.dts <= sample.pts), "{name}");
    if matches!(kind, TrackKind::Video | TrackKind::Audio) {
        let late = samples.windows(2).position(|pair| pair[0].dts >= pair[1].dts);
        assert_eq!(late, None, "{name}: {:?}", late.map(|late| &samples[late..late + 2]));
    }
}

#[test]
fn every_frame_is_the_one_another_reader_finds() {
    let (mut compared, mut count) = (0, 0);
    for (path, file) in real_files() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let mkv = match open(&file) {
            Ok(mkv) => mkv,
            Err(error) => {
                eprintln!("{name}: {error}");
                continue;
            }
        };
        let samples = match samples_by_span(&mkv, &file, &[WHOLE]) {
            Ok(samples) => samples,
            Err(error) => {
                eprintln!("{name}: {error}");
                continue;
            }
        };
        let Some(others) = frames_of_the_other(&file) else {
            eprintln!("{name}: the other reader fails");
            continue;
        };
        compared += 1;
        for ((track, detail), samples) in mkv.tracks.iter().zip(&mkv.details).zip(&samples) {
            let mut other = others.get(&track.id.0).cloned().unwrap_or_default();
            for Theirs { data, .. } in &mut other {
                *data = encoding::undo(&detail.encodings, data.clone().into(), 0, &mut u64::MAX.clone())
                    .unwrap()
                    .into();
            }
            other.retain(|theirs| !theirs.data.is_empty());
            assert_eq!(samples.len(), other.len(), "{name} track {:?}", track.id);
            count += samples.len();
            let mut last = None;
            for (sample, Theirs { time, key, data }) in samples.iter().zip(&other) {
                assert!(sample.data == data, "{name} track {:?} at {:?}", track.id, sample.pts);
                assert!(track.kind != TrackKind::Video || key.is_none_or(|key| key == sample.sync), "{name}");
                if last.replace(*time) == Some(*time) {
                    continue; // in a lace: mistimed there
                }
                let theirs = Time90k::from_ratio((time - detail.codec_delay).into(), SECOND.into());
                let tolerance = match detail.clock.step {
                    Step::Sound { samples, rate } => i64::from(samples) * 90_000 / i64::from(rate) / 4 + 1,
                    _ => 91,
                };
                let off = sample.pts - theirs;
                assert!(off.0.abs() <= tolerance, "{name} track {:?}: {theirs:?} {:?}", track.id, sample.pts);
            }
            assert_ordered(samples, track.kind, &name);
        }
    }
    eprintln!("{count} frames in {compared} files");
}

#[test]
fn segments_hold_the_whole_file_once() {
    let mut count = 0;
    for (path, file) in real_files() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let Ok(mkv) = open(&file) else { continue };
        let cut = mkv.tracks().iter().find(|track| track.kind == TrackKind::Video);
        let Some(cut) = cut.or_else(|| mkv.tracks().iter().find(|track| track.kind == TrackKind::Audio))
        else {
            continue;
        };
        let by_index = mkv.keyframes(cut.id);
        let scanned = by_index.as_ref().is_err_and(|error| error.kind == ErrorKind::NoIndex);
        let scanned = if scanned { scans::scan(&file).ok() } else { None };
        let mkv = scanned.as_ref().unwrap_or(&mkv);
        let keyframes = match mkv.keyframes(cut.id) {
            Ok(keyframes) => keyframes,
            Err(error) => {
                eprintln!("{name}: {error}");
                continue;
            }
        };
        let spans = spans(&keyframes);
        let (whole, cut_up) = (samples_by_span(mkv, &file, &[WHOLE]), samples_by_span(mkv, &file, &spans));
        let (whole, cut_up) = match (whole, cut_up) {
            (Ok(whole), Ok(cut_up)) => (whole, cut_up),
            (_, Err(error)) | (Err(error), _) => {
                eprintln!("{name}: {} cuts: {error}", spans.len());
                continue;
            }
        };
        count += spans.len();
        for ((track, whole), cut_up) in mkv.tracks().iter().zip(&whole).zip(&cut_up) {
            assert_eq!(whole.len(), cut_up.len(), "{name} track {:?}", track.id);
            for (whole, cut_up) in whole.iter().zip(cut_up) {
                assert_eq!((whole.pts, whole.sync), (cut_up.pts, cut_up.sync), "{name} track {:?}", track.id);
                assert!(whole.data == cut_up.data, "{name} track {:?}", track.id);
            }
            assert_ordered(cut_up, track.kind, &name);
        }
        for keyframe in &keyframes {
            let samples = &cut_up[mkv.tracks().iter().position(|track| track.id == cut.id).unwrap()];
            // Damaged blocks are passed over; some invalid files have no other.
            assert!(
                samples.is_empty() || samples.iter().any(|sample| sample.pts == keyframe.pts && sample.sync),
                "{name} {keyframe:?}"
            );
        }
    }
    eprintln!("{count} segments");
}
