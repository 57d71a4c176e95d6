//! Subtitles from end to end: files in the encodings of the world, and tracks of films segment by segment, against
//! what is known to be in them and, where it is installed, against ffmpeg's reading.

#[path = "support/webvtt.rs"]
mod webvtt;

use bytes::Bytes;
use media::movie::Movie;
use media::plan::PlanOptions;
use media::presentation::Presentation;
use media::source::{Arrived, ByteSource, Step};
use media::text::{Document, Export, FileFormat, encoding};
use media::track::{Codec, Track, TrackKind};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use webvtt::VttCue;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures")
}

/// Files of others, where they are.
fn corpus() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    if !folder.exists() {
        println!("SKIPPED: no ../shared/corpus");
        return None;
    }
    Some(folder)
}

fn files_below(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| endings.iter().any(|known| ending == *known)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn files_in_every_encoding_come_out_right() {
    let tags = BTreeMap::from([
        ("polish", "pl"),
        ("russian", "ru"),
        ("french", "fr"),
        ("german", "de"),
        ("greek", "el"),
        ("turkish", "tr"),
        ("hebrew", "he"),
        ("arabic", "ar"),
        ("lithuanian", "lt"),
        ("vietnamese", "vi"),
        ("chinese-simplified", "zh-Hans"),
        ("chinese-traditional", "zh-Hant"),
        ("japanese", "ja"),
        ("korean", "ko"),
    ]);
    let mut encodings = std::collections::BTreeSet::new();
    let mut wrong = Vec::new();
    for path in files_below(&fixtures().join("subtitles"), &["srt"]) {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let (language, encoding) = name.split_once('.').unwrap();
        let file = std::fs::read(&path).unwrap();
        let wanted = std::fs::read_to_string(path.with_file_name(format!("{language}.txt"))).unwrap();
        for hint in [Some(tags[language]), None, Some("en")] {
            let decoded = encoding::decode(&file, hint).unwrap();
            if decoded.text != wanted {
                wrong.push(format!("{name} with {hint:?}: taken for {}", decoded.encoding));
            } else if decoded.encoding != encoding {
                println!("{name} with {hint:?}: right, as {}", decoded.encoding);
            }
        }
        assert_eq!(Document::parse(&file, FileFormat::Srt, None).unwrap().cues().len(), 7, "{name}");
        encodings.insert(encoding.to_owned());
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(encodings.len() >= 16, "{encodings:?}");
}

#[test]
fn files_of_others_come_out_right() {
    let Some(corpus) = corpus() else { return };
    let folder = corpus.join("SubtitleEdit__subtitleedit/tests/libse/Files");
    for (name, encoding, words) in [
        ("auto_detect_Danish.srt", "UTF-8", ["på", "ikke"]),
        ("auto_detect_Russian.srt", "UTF-8", ["что", "не"]),
        ("auto_detect_windows-1250.srt", "windows-1250", ["što", "će"]),
        ("auto_detect_windows-1251.srt", "windows-1251", ["что", "не"]),
    ] {
        let decoded = encoding::decode(&std::fs::read(folder.join(name)).unwrap(), None).unwrap();
        assert_eq!(decoded.encoding, encoding, "{name}");
        assert!(words.iter().all(|word| decoded.text.contains(word)), "{name}: {}", &decoded.text[..400]);
    }
}

#[test]
fn files_of_others_come_out_right_in_other_encodings() {
    let Some(corpus) = corpus() else { return };
    let folder = corpus.join("SubtitleEdit__subtitleedit/tests/libse/Files");
    for (name, label) in [
        ("auto_detect_Russian.srt", "koi8-u"),
        ("auto_detect_Russian.srt", "windows-1251"),
        ("auto_detect_Danish.srt", "windows-1252"),
        ("auto_detect_windows-1251.srt", "koi8-u"),
    ] {
        let decoded = encoding::decode(&std::fs::read(folder.join(name)).unwrap(), None).unwrap();
        let target = encoding_rs::Encoding::for_label(label.as_bytes()).unwrap();
        let (bytes, _, _) = target.encode(&decoded.text);
        let again = encoding::decode(&bytes, None).unwrap();
        // What the other encoding has not was replaced by the encoder.
        let (wanted, _) = target.decode_without_bom_handling(&bytes);
        assert_eq!(again.encoding, target.name(), "{name}");
        assert_eq!(again.text, wanted, "{name}");
    }
}

fn open(file: &Bytes) -> Option<Arc<Movie>> {
    match media::open(file) {
        Ok(Step::Done(movie)) => Some(Arc::new(movie)),
        _ => None,
    }
}

/// Every segment of a track, made of the ranges that it is said to need and what it asks for besides; by their
/// identifiers. Every segment must be sound, and have all that is to be seen in it.
fn all_cues(file: &Bytes, presentation: &Presentation, track: &Track) -> Vec<VttCue> {
    let plan = presentation.plan();
    let mut all: BTreeMap<(u64, String), VttCue> = BTreeMap::new();
    let mut segments = Vec::new();
    for segment in &plan.segments {
        let ranges = presentation.subtitle_ranges(track.id, segment.index).unwrap();
        assert!(ranges.windows(2).all(|pair| pair[0].end < pair[1].start), "{ranges:?}");
        let mut arrived = Arrived::new(file.len() as u64);
        for range in ranges {
            arrived.insert(range.start, file.read(range).unwrap());
        }
        let mut more = 0;
        let made = loop {
            match presentation.subtitle_segment(track.id, segment.index, &arrived).unwrap() {
                Step::Done(made) => break made,
                Step::Need(range) => {
                    more += 1;
                    assert!(more < 4, "{range:?} is missing in the ranges");
                    arrived.insert(range.start, file.read(range).unwrap());
                }
            }
        };
        let whole = presentation.subtitle_segment(track.id, segment.index, file).unwrap();
        assert_eq!(whole, Step::Done(made.clone()), "the same from a whole file");
        let cues = webvtt::segment(std::str::from_utf8(&made).unwrap()).unwrap();
        all.extend(cues.iter().map(|cue| ((cue.start, cue.id.clone()), cue.clone())));
        segments.push(cues);
    }
    let millis = |time: media::time::Time90k| u64::try_from((time - plan.origin()).0 / 90).unwrap();
    for (segment, cues) in plan.segments.iter().zip(&segments) {
        let (start, end) = (millis(segment.start), millis(segment.end));
        let length = segment.duration().0.unsigned_abs() / 90;
        for cue in all.values().filter(|cue| cue.start + 1 < end && cue.end > start + 1) {
            // A text that is longer than a segment is in the segment where it begins and in the next.
            let is_long =
                presentation.movie().format == media::movie::Format::Matroska && cue.start + length < start;
            assert!(is_long || cues.contains(cue), "segment {}: without {cue:?}", segment.index);
        }
    }
    all.into_values().collect()
}

fn exported(file: &Bytes, presentation: &Presentation, track: &Track) -> (FileFormat, String) {
    let (movie, plan) = (presentation.movie(), presentation.plan());
    let mut export = Export::new(movie, track.id).unwrap();
    // In any order.
    for segment in plan.segments.iter().rev() {
        assert!(!export.is_complete(plan));
        assert_eq!(export.add(movie, plan, segment.index, file), Ok(Step::Done(())));
        assert_eq!(export.add(movie, plan, segment.index, file), Ok(Step::Done(())), "twice");
    }
    assert!(export.is_complete(plan));
    assert_eq!(export.known_until(plan), plan.duration());
    (export.format(), String::from_utf8(export.file().unwrap().to_vec()).unwrap())
}

#[test]
fn tracks_of_films_become_segments_and_files() {
    let file: Bytes = std::fs::read(fixtures().join("mkv-everything.mkv")).unwrap().into();
    let presentation = Presentation::new(open(&file).unwrap(), &PlanOptions::default()).unwrap();
    let tracks: Vec<&Track> = presentation.subtitles().collect();
    assert_eq!(tracks.len(), 3);
    let shown = |track: &Track| {
        let cues = all_cues(&file, &presentation, track);
        cues.into_iter().map(|cue| (cue.start, cue.end, cue.text, cue.settings)).collect::<Vec<_>>()
    };
    let cue = |start, end, text: &str, settings: &str| (start, end, text.to_owned(), settings.to_owned());
    let srt =
        [cue(1000, 3000, "One second in", ""), cue(5500, 7250, "<i>Five</i> and a half &amp; more", "")];
    assert_eq!(shown(tracks[0]), srt);
    assert_eq!(shown(tracks[2]), srt);
    let ass = [
        cue(1000, 3000, "Eine Sekunde\nspäter", ""),
        cue(5500, 9250, "<i>Fünf <b>und</b> ein halb</i>", "line:0"),
    ];
    assert_eq!(shown(tracks[1]), ass);

    let (format, text) = exported(&file, &presentation, tracks[0]);
    assert_eq!(format, FileFormat::Srt);
    let wanted = "1\n00:00:01,000 --> 00:00:03,000\nOne second in\n\n\
        2\n00:00:05,500 --> 00:00:07,250\n<i>Five</i> and a half & more\n\n";
    assert_eq!(text, wanted);
    let (format, text) = exported(&file, &presentation, tracks[1]);
    assert_eq!(format, FileFormat::Ass);
    assert!(text.starts_with("[Script Info]") && text.contains("\nStyle: Thought,Sans"), "{text}");
    let events = "\n[Events]\n\
        Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n\
        Dialogue: 0,0:00:01.00,0:00:03.00,Default,,0,0,0,,Eine Sekunde\\Nspäter\n\
        Dialogue: 0,0:00:05.50,0:00:09.25,Thought,,0,0,0,,{\\an8}Fünf {\\b1}und{\\b0} ein halb\n\
        Dialogue: 0,0:00:06.00,0:00:07.00,Default,,0,0,0,,{\\p1}m 0 0 l 100 0 100 100{\\p0}\n";
    assert!(text.ends_with(events), "{text}");
}

#[test]
fn timed_text_of_mp4_becomes_segments_and_a_file() {
    let file: Bytes = std::fs::read(fixtures().join("mp4-two-audio-tx3g.mp4")).unwrap().into();
    let presentation = Presentation::new(open(&file).unwrap(), &PlanOptions::default()).unwrap();
    let track = presentation.subtitles().next().unwrap();
    let cues = all_cues(&file, &presentation, track);
    let cues: Vec<_> = cues.iter().map(|cue| (cue.start, cue.end, cue.text.as_str())).collect();
    assert_eq!(cues, [(1000, 3000, "One second in"), (5500, 7250, "<i>Five</i> and a half &amp; more")]);
    let (format, text) = exported(&file, &presentation, track);
    assert_eq!(format, FileFormat::Srt);
    assert!(text.ends_with("2\n00:00:05,500 --> 00:00:07,250\n<i>Five</i> and a half & more\n\n"), "{text}");
}

#[test]
fn attached_files_are_named_and_placed_without_reading_them() {
    let file: Bytes = std::fs::read(fixtures().join("mkv-everything.mkv")).unwrap().into();
    let movie = open(&file).unwrap();
    let Ok(Step::Done(found)) = movie.attachments(&file) else { panic!("the file is here") };
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].name.as_str(), found[0].media_type.as_str()), ("tiny.ttf", "font/ttf"));
    assert_eq!(file.read(found[0].range.clone()).unwrap(), Bytes::from_static(b"not really a font\n"));
    let arrived = Arrived::new(file.len() as u64);
    assert!(matches!(movie.attachments(&arrived), Ok(Step::Need(range)) if range.end - range.start <= 4096));
}

/// Start and end in milliseconds of what ffmpeg reads, if it is installed.
fn by_ffmpeg(path: &Path, stream: usize) -> Option<Vec<(u64, u64)>> {
    let map = format!("0:s:{stream}");
    let arguments = ["-v", "error", "-threads", "1", "-i", path.to_str()?, "-map", &map, "-f", "srt", "-"];
    let output = Command::new("ffmpeg").args(arguments).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let time = |text: &str| {
        let mut fields = text.trim().split([':', ',']).map(|field| field.parse::<u64>().unwrap());
        let mut field = || fields.next().unwrap();
        ((field() * 60 + field()) * 60 + field()) * 1000 + field()
    };
    let line = |line: &str| line.split_once(" --> ").map(|(start, end)| (time(start), time(end)));
    Some(text.lines().filter_map(line).collect())
}

#[test]
fn films_of_others_have_the_texts_that_ffmpeg_finds() {
    if Command::new("ffmpeg").arg("-version").output().is_err() {
        println!("SKIPPED: no ffmpeg");
        return;
    }
    let mut folders = vec![fixtures()];
    folders.extend(corpus());
    let (mut compared, mut cues_seen) = (0, 0);
    for path in
        folders.iter().flat_map(|folder| files_below(folder, &["mkv", "mks", "mp4", "mov", "m4v", "webm"]))
    {
        let file: Bytes = std::fs::read(&path).unwrap().into();
        let Some(movie) = open(&file) else { continue };
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let of_text: Vec<Track> =
            movie.tracks.iter().filter(|track| track.kind == TrackKind::Subtitle).cloned().collect();
        if !of_text.iter().any(|track| matches!(track.codec, Codec::Text(_))) {
            continue;
        }
        let presentation = match Presentation::new(movie, &PlanOptions::default()) {
            Ok(presentation) => presentation,
            Err(error) => {
                println!("{name}: no HLS: {error}");
                continue;
            }
        };
        for (stream, track) in of_text.iter().enumerate() {
            if !matches!(track.codec, Codec::Text(_)) {
                continue;
            }
            let cues = all_cues(&file, &presentation, track);
            let ours: Vec<(u64, u64)> = cues.iter().map(|cue| (cue.start, cue.end)).collect();
            let theirs = by_ffmpeg(&path, stream).unwrap();
            println!("{name}: {} {} of {}", track.codec_name, ours.len(), theirs.len());
            if ours != theirs {
                println!(
                    "DIFFERENT ours {:?}\n theirs {:?}",
                    &ours[..ours.len().min(8)],
                    &theirs[..theirs.len().min(8)]
                );
            }
            (compared, cues_seen) = (compared + 1, cues_seen + ours.len());
        }
    }
    println!("{compared} tracks, {cues_seen} texts");
    assert!(compared >= 3);
}
