//! Sound tracks of real files: what frames say against what other writers' boxes say.

use super::*;
use crate::track::Codec;
use bytes::Bytes;
use std::path::{Path, PathBuf};

/// The MP4 files below a folder; none when it is not there.
fn files(folder: &Path) -> Vec<(PathBuf, Bytes)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            eprintln!("skipped: no {}", folder.display());
            continue;
        };
        for path in entries.map(|entry| entry.unwrap().path()) {
            let ending = path.extension().and_then(|ending| ending.to_str());
            if path.is_dir() {
                folders.push(path);
            } else if matches!(ending, Some("mp4" | "m4a" | "mov" | "m4v")) {
                found.push((path.clone(), std::fs::read(path).unwrap().into()));
            }
        }
    }
    found.sort();
    found
}

fn real_files() -> Vec<(PathBuf, Bytes)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let ours = files(&root.join("fixtures"));
    assert!(!ours.is_empty(), "no fixtures");
    ours.into_iter().chain(files(&root.parent().unwrap().join("shared/corpus"))).collect()
}

/// A track, its timescale, and its samples with the ticks of each.
type Sound = (Track, Timescale, Vec<(Bytes, u32)>);

/// The sound tracks of a file with the samples of each, as the tables have them.
fn sounds(file: &Bytes) -> Vec<Sound> {
    let Ok(mp4) = Mp4File::open(file) else { return Vec::new() };
    let tracks = mp4.tracks.iter().zip(&mp4.tables);
    let sound = tracks.filter(|(track, _)| track.kind == TrackKind::Audio);
    let with_samples = sound.map(|(track, table)| {
        let samples = table.sound_samples();
        let read = |(range, duration)| Some((file.read(range).ok()?, duration));
        (track.clone(), table.timescale(), samples.into_iter().map_while(read).collect())
    });
    with_samples.collect()
}

#[test]
fn a_frame_makes_the_box_that_another_writer_made() {
    let (mut compared, mut with_objects) = (0, 0);
    for (path, file) in real_files() {
        for (track, _, samples) in sounds(&file) {
            let Some((frame, _)) = samples.first() else { continue };
            let mut codec = track.codec.clone();
            match &mut codec {
                Codec::Ac3(config) => config.record.clear(),
                Codec::Eac3(config) => config.record.clear(),
                _ => continue,
            }
            assert!(codec.needs_frame().is_some());
            codec.learn_from_frame(frame);
            assert!(codec.needs_frame().is_none(), "{}", path.display());
            if let (Codec::Eac3(ours), Codec::Eac3(theirs)) = (&codec, &track.codec) {
                with_objects += u32::from(ours.joc_complexity > 0);
                // The data rate (13 bits) is what the writer thought of the whole stream.
                assert_eq!(ours.record[1] & 7, theirs.record[1] & 7, "{}", path.display());
                assert_eq!(ours.record[2..], theirs.record[2..], "{}", path.display());
                assert_eq!(
                    (ours.sample_rate, ours.channels, ours.joc_complexity),
                    (theirs.sample_rate, theirs.channels, theirs.joc_complexity)
                );
            } else {
                assert_eq!(codec, track.codec, "{}", path.display());
            }
            compared += 1;
        }
    }
    eprintln!("{compared} boxes, {with_objects} with objects");
    assert!(compared >= 4);
}

#[test]
fn frames_are_as_long_as_the_tables_say() {
    let mut count = 0;
    for (path, file) in real_files() {
        for (track, scale, samples) in sounds(&file) {
            let Some(rate) = track.codec.timescale() else { continue };
            let last = samples.len().saturating_sub(1);
            let mut off = 0;
            // Some muxers stretch the first frame up to where the sound is said to go on.
            for (frame, duration) in samples.iter().take(last).skip(1) {
                let samples = track.codec.samples_in(frame).unwrap();
                let expected = u64::from(samples) * u64::from(scale.per_second());
                let told = u64::from(*duration) * u64::from(rate);
                off += u32::from(expected.abs_diff(told) > u64::from(rate));
            }
            count += last;
            if off > 0 {
                eprintln!("{}: {off} of {last} frames of {} differ", path.display(), track.codec_name);
            }
            // Some files of others are muxed wrong on purpose; where fragments follow a table, its last sample does
            // not end where the next begins.
            let path_text = path.to_string_lossy();
            let is_ours = path_text.contains("/fixtures/") && !path_text.contains("fragmented");
            assert!(!is_ours || off == 0, "{}", path.display());
        }
    }
    eprintln!("{count} frames");
    assert!(count > 1000);
}
