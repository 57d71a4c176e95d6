//! Subtitles from end to end: files in the encodings of the world, and tracks of films segment by segment, against
//! what is known to be in them and, where it is installed, against ffmpeg's reading.

#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(clippy::print_stdout, reason = "tells what is left out, and what was compared")]
#![expect(clippy::cast_possible_truncation, reason = "times of films")]

#[path = "support/webvtt.rs"]
mod webvtt;

use bytes::Bytes;
use media::movie::Movie;
use media::plan::{PlanOptions, Segment, SegmentPlan, plan};
use media::presentation::Presentation;
use media::source::{Arrived, ByteSource, Step};
use media::text::{Document, Export, FileFormat, encoding, track_ranges, track_segment};
use media::time::Time90k;
use media::track::{Codec, Keyframe, Span, Track, TrackId, TrackKind};
use proptest::prelude::*;
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
    let near = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    let folder = std::env::var_os("TORRENTSTREAM_CORPUS").map_or(near, PathBuf::from);
    if !folder.exists() {
        println!("SKIPPED: no corpus in {}", folder.display());
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
        ("auto_detect_windows-1251.srt", "windows-1251", ["кроз", "међу"]),
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

/// What the tests cut a film by: its own plan, or where it has none in HLS that of any track.
fn plan_of(movie: &Arc<Movie>) -> Option<SegmentPlan> {
    if let Ok(presentation) = Presentation::new(movie.clone(), &PlanOptions::default()) {
        return Some(presentation.plan().clone());
    }
    movie.tracks.iter().find_map(|track| plan(movie, track.id, &[], &PlanOptions::default()).ok())
}

/// Every segment of a track, made of the ranges that it is said to need and what it asks for besides. Every
/// segment must be sound, and have all that is to be seen in it.
fn all_cues(file: &Bytes, movie: &Movie, plan: &SegmentPlan, track: &Track) -> Vec<VttCue> {
    let mut all: BTreeMap<(u64, u64, String), VttCue> = BTreeMap::new();
    let mut segments = Vec::new();
    for segment in &plan.segments {
        let ranges = track_ranges(movie, plan, track.id, segment.index).unwrap();
        assert!(ranges.windows(2).all(|pair| pair[0].end < pair[1].start), "{ranges:?}");
        let mut arrived = Arrived::new(file.len() as u64);
        for range in ranges {
            arrived.insert(range.start, file.read(range).unwrap());
        }
        let mut more = 0;
        let made = loop {
            match track_segment(movie, plan, track.id, segment.index, &arrived).unwrap() {
                Step::Done(made) => break made,
                Step::Need(range) => {
                    more += 1;
                    assert!(more < 8, "{range:?} is missing in the ranges");
                    arrived.insert(range.start, file.read(range).unwrap());
                }
            }
        };
        let whole = track_segment(movie, plan, track.id, segment.index, file).unwrap();
        assert_eq!(whole, Step::Done(made.clone()), "the same from a whole file");
        let cues = webvtt::segment(std::str::from_utf8(&made).unwrap()).unwrap();
        all.extend(cues.iter().map(|cue| ((cue.start, cue.end, cue.id.clone()), cue.clone())));
        segments.push(cues);
    }
    let millis = |time: Time90k| u64::try_from((time - plan.origin()).0 / 90).unwrap();
    for (segment, cues) in plan.segments.iter().zip(&segments) {
        let (start, end) = (millis(segment.start), millis(segment.end));
        for cue in all.values().filter(|cue| cue.start + 1 < end && cue.end > start + 1) {
            // A text that is longer than a segment is in the segment where it begins and in the next.
            let before = segment.index.checked_sub(1).and_then(|index| plan.segment(index));
            let is_long = before.is_some_and(|before| cue.start <= millis(before.start));
            assert!(is_long || cues.contains(cue), "segment {}: without {cue:?}", segment.index);
        }
    }
    all.into_values().collect()
}

fn exported(file: &Bytes, movie: &Movie, plan: &SegmentPlan, track: &Track) -> (FileFormat, String) {
    let mut export = Export::new(movie, track.id).unwrap();
    // In any order.
    for segment in plan.segments.iter().rev() {
        assert!(!export.is_complete(plan));
        assert_eq!(export.add(movie, plan, segment.index, file), Ok(Step::Done(())));
        assert_eq!(export.add(movie, plan, segment.index, file), Ok(Step::Done(())), "twice");
    }
    assert!(export.is_complete(plan));
    assert_eq!(export.known_until(plan), plan.duration());
    let text = String::from_utf8(export.file().unwrap().to_vec()).unwrap();
    if export.format() == FileFormat::WebVtt {
        webvtt::file(&text).unwrap();
    }
    (export.format(), text)
}

#[test]
fn tracks_of_films_become_segments_and_files() {
    let file: Bytes = std::fs::read(fixtures().join("mkv-everything.mkv")).unwrap().into();
    let presentation = Presentation::new(open(&file).unwrap(), &PlanOptions::default()).unwrap();
    let tracks: Vec<&Track> = presentation.subtitles().collect();
    assert_eq!(tracks.len(), 3);
    let shown = |track: &Track| {
        let cues = all_cues(&file, presentation.movie(), presentation.plan(), track);
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

    let (format, text) = exported(&file, presentation.movie(), presentation.plan(), tracks[0]);
    assert_eq!(format, FileFormat::Srt);
    let wanted = "1\n00:00:01,000 --> 00:00:03,000\nOne second in\n\n\
        2\n00:00:05,500 --> 00:00:07,250\n<i>Five</i> and a half & more\n\n";
    assert_eq!(text, wanted);
    let (format, text) = exported(&file, presentation.movie(), presentation.plan(), tracks[1]);
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
    let cues = all_cues(&file, presentation.movie(), presentation.plan(), track);
    let cues: Vec<_> = cues.iter().map(|cue| (cue.start, cue.end, cue.text.as_str())).collect();
    assert_eq!(cues, [(1000, 3000, "One second in"), (5500, 7250, "<i>Five</i> and a half &amp; more")]);
    let (format, text) = exported(&file, presentation.movie(), presentation.plan(), track);
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

/// Start and end in milliseconds of what ffmpeg finds in a track, if it is installed.
fn by_ffprobe(path: &Path, stream: usize) -> Option<Vec<(i64, i64)>> {
    let stream = format!("s:{stream}");
    let entries = "packet=pts_time,duration_time,size";
    let arguments = ["-v", "quiet", "-select_streams", &stream, "-show_entries", entries, "-of", "csv=p=0"];
    let output = Command::new("ffprobe").args(arguments).arg(path).output().ok()?;
    let millis = |text: &str| text.parse::<f64>().ok().map(|seconds| (seconds * 1000.0).round() as i64);
    let packet = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        let (start, length) = (millis(fields.first()?)?, millis(fields.get(1)?)?);
        // Samples of two bytes end a text.
        (fields.get(2)? != &"2").then_some((start, start + length))
    };
    Some(String::from_utf8_lossy(&output.stdout).lines().filter_map(packet).collect())
}

#[test]
fn films_of_others_have_the_texts_that_ffmpeg_finds() {
    if Command::new("ffprobe").arg("-version").output().is_err() {
        println!("SKIPPED: no ffprobe");
        return;
    }
    let mut folders = vec![fixtures()];
    folders.extend(corpus());
    let (mut compared, mut texts) = (0, 0);
    let endings = ["mkv", "mks", "mp4", "mov", "m4v", "webm"];
    for path in folders.iter().flat_map(|folder| files_below(folder, &endings)) {
        let file: Bytes = std::fs::read(&path).unwrap().into();
        let Some(movie) = open(&file) else { continue };
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let tracks = movie.tracks.iter().filter(|track| track.kind == TrackKind::Subtitle);
        for (stream, track) in tracks.enumerate().filter(|(_, track)| matches!(track.codec, Codec::Text(_))) {
            let Some(plan) = plan_of(&movie) else {
                println!("{name}: cannot be cut");
                continue;
            };
            // Lines that draw are no text, and tracks of chapters no subtitles.
            let is_drawing = |(start, _): &(i64, i64)| name == "mkv-everything.mkv" && *start == 6000;
            if track.codec_name == "text" {
                continue;
            }
            let (format, document) = exported(&file, &movie, &plan, track);
            let origin = plan.origin().0 / 90;
            let length = plan.duration().0 / 90;
            let mut theirs = by_ffprobe(&path, stream).unwrap();
            theirs.retain(|cue| !is_drawing(cue));
            theirs
                .iter_mut()
                .for_each(|(start, end)| (*start, *end) = ((*start - origin).max(0), *end - origin));
            theirs.retain(|(start, _)| *start < length);
            theirs.sort_unstable();
            let cues = all_cues(&file, &movie, &plan, track);
            let ours: Vec<(i64, i64)> =
                cues.iter().map(|cue| (cue.start.cast_signed(), cue.end.cast_signed())).collect();
            println!("{name}: {} {} texts, {} bytes as a file", track.codec_name, ours.len(), document.len());
            let again = Document::parse(document.as_bytes(), format, None).unwrap();
            assert_eq!(again.cues().len(), ours.len(), "{name}: {document}");
            assert_eq!(ours.len(), theirs.len(), "{name} {}: {ours:?} {theirs:?}", track.codec_name);
            for (ours, theirs) in ours.iter().zip(&theirs) {
                let is_near = (ours.0 - theirs.0).abs() <= 1 && (ours.1 - theirs.1).abs() <= 1;
                assert!(is_near, "{name} {}: {ours:?}, by ffprobe {theirs:?}", track.codec_name);
            }
            (compared, texts) = (compared + 1, texts + ours.len());
        }
    }
    println!("{compared} tracks, {texts} texts");
    assert!(compared >= 3);
}

/// A plan of segments of 6 s, without a film.
fn plan_without_film(seconds: i64) -> SegmentPlan {
    let keyframe = |index: i64| Keyframe { pts: Time90k::from_seconds(index * 6), at: index.unsigned_abs() };
    let count = seconds / 6;
    let segment = |index: i64| Segment {
        index: u32::try_from(index).unwrap(),
        start: keyframe(index).pts,
        end: keyframe(index + 1).pts,
        span: Span {
            start: keyframe(index),
            end: (index + 1 < count).then(|| keyframe(index + 1)),
            first: index == 0,
        },
    };
    SegmentPlan { cut: TrackId(1), segments: (0..count).map(segment).collect() }
}

#[test]
fn a_file_is_cut_and_every_cue_is_in_all_segments_where_it_is_seen() {
    let file = "1\n00:00:05,000 --> 00:00:13,000\nlong\n\n2\n00:00:06,000 --> 00:00:07,000\nshort\n\n\
        3\n00:00:30,000 --> 00:00:40,000\nbehind the end\n";
    let document = Document::parse(file.as_bytes(), FileFormat::Srt, None).unwrap();
    let plan = plan_without_film(24);
    let texts = |index| {
        let cues = webvtt::segment(&document.segment(&plan, index)).unwrap();
        cues.into_iter().map(|cue| (cue.start, cue.end, cue.text)).collect::<Vec<_>>()
    };
    let (long, short) = ((5000, 13_000, "long".to_owned()), (6000, 7000, "short".to_owned()));
    assert_eq!(texts(0), std::slice::from_ref(&long));
    assert_eq!(texts(1), [long.clone(), short]);
    assert_eq!(texts(2), [long]);
    assert_eq!(texts(3), []);
    assert_eq!(texts(99), []);
    let ids = |index| webvtt::segment(&document.segment(&plan, index)).unwrap()[0].id.clone();
    assert_eq!(ids(0), ids(2), "the same name everywhere");
}

/// Files of others through the reader, against ffmpeg's count.
#[test]
fn files_of_others_are_read_whole() {
    let Some(corpus) = corpus() else { return };
    let mut seen = 0;
    for path in files_below(&corpus, &["srt", "ass", "ssa", "vtt"]) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let file = std::fs::read(&path).unwrap();
        let document = Document::parse(&file, FileFormat::of_name(name).unwrap(), None).unwrap();
        let plan = plan_without_film(4 * 3600);
        let mut found = std::collections::BTreeSet::new();
        for segment in &plan.segments {
            let cues = webvtt::segment(&document.segment(&plan, segment.index)).unwrap();
            found.extend(cues.into_iter().map(|cue| cue.id));
        }
        assert_eq!(found.len(), document.cues().len(), "{name}");
        seen += 1;
        // ffmpeg reads UTF-8 only.
        let text = encoding::decode(&file, None).unwrap().text;
        let arrows = text.matches(" --> ").count();
        println!("{name}: {} cues of {arrows} times", document.cues().len());
        assert_eq!(document.cues().len(), arrows, "{name}");
    }
    assert!(seen >= 6);
}

/// Pieces of the formats, so that chance finds more than text.
fn pieces() -> impl Strategy<Value = String> {
    let known = proptest::sample::select(vec![
        "WEBVTT\n\n",
        "1\n",
        "00:00:01,000 --> 00:00:02,000\n",
        "00:01.000 --> 00:02.000 line:0 align:end\n",
        "0:00:00,5-->0:00:00\n",
        " --> ",
        "<i>",
        "</i>",
        "<b",
        "<v A & B>",
        "<ruby>",
        "<rt>",
        "</ruby>",
        "<c.a.b>",
        "<v A -->",
        "<c.b-->",
        "<lang en-->",
        "&amp;",
        "&",
        "<",
        ">",
        "{\\an8}",
        "{\\i1\\pos(1,2)}",
        "{\\p1}",
        "{",
        "}",
        "\\N",
        "\n",
        "\n\n",
        "\r\n",
        "\0",
        "\u{feff}",
        "[Script Info]\nPlayResX: 640\n",
        "[V4+ Styles]\nFormat: Name, Bold, Alignment\nStyle: Default,-1,8\n",
        "[Events]\nFormat: Start, End, Style, Text\n",
        "Dialogue: 0:00:01.00,0:00:02.00,Default,",
        "Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,",
    ]);
    prop_oneof![4 => known.prop_map(str::to_owned), 1 => "\\PC{0,6}"]
}

proptest! {
    #[test]
    fn any_file_gives_sound_segments(parts in proptest::collection::vec(pieces(), 0..60)) {
        let file = parts.concat();
        let plan = plan_without_film(60);
        for format in [FileFormat::Srt, FileFormat::Ass, FileFormat::Ssa, FileFormat::WebVtt] {
            let Ok(document) = Document::parse(file.as_bytes(), format, None) else { continue };
            prop_assert!(document.cues().iter().all(|cue| cue.start < cue.end));
            prop_assert!(document.cues().windows(2).all(|pair| pair[0].start <= pair[1].start));
            for index in 0..plan.segments.len() {
                let segment = document.segment(&plan, u32::try_from(index).unwrap());
                if let Err(fault) = webvtt::segment(&segment) {
                    prop_assert!(false, "{}: {}", fault, segment);
                }
            }
        }
    }

    #[test]
    fn any_bytes_are_text_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..300), hint in "[a-z]{2}") {
        let _ = encoding::decode(&bytes, Some(&hint));
        let _ = Document::parse(&bytes, FileFormat::Srt, Some(&hint));
    }
}

/// Files that are all of one thing, at the largest size: none may take long.
#[test]
fn hostile_files_take_no_time() {
    let head = "[Events]\nFormat: Start, End, Style, Text\nDialogue: 0:00:01.00,0:00:02.00,Default,";
    let time = "00:00:01,000 --> 00:00:02,000\n";
    let styles: String = (0..9_000).map(|index| format!("Style: s{index}\n")).collect();
    let styles = format!("[V4+ Styles]\nFormat: Name\n{styles}{head}x\n");
    for (start, part, size) in [
        (head, "{", 1 << 20),
        (head, "{\\", 1 << 20),
        (head, "{\\i1}a", 1 << 20),
        (head, "\\N", 1 << 20),
        (styles.as_str(), "Dialogue: 0:00:01.00,0:00:02.00,None,x\n", 1 << 20),
        (time, "<", 1 << 20),
        (time, "{", 1 << 20),
        (time, "<i>", 1 << 20),
        (time, "&", 1 << 20),
        (time, "\n", 1 << 20),
        (time, "1\n", 1 << 20),
        ("", time, 1 << 20),
        ("WEBVTT\n\n00:01.000 --> 00:02.000\n", "<", 1 << 20),
        ("WEBVTT\n\n00:01.000 --> 00:02.000\n", "<i>x", 1 << 20),
        ("WEBVTT\n\n", "00:01.000 --> 00:02.000\n", 1 << 20),
        ("", "\u{e9}", 1 << 20),
    ] {
        let file = format!("{start}{}", part.repeat(size / part.len()));
        let began = std::time::Instant::now();
        for format in [FileFormat::Srt, FileFormat::Ass, FileFormat::WebVtt] {
            let _ = Document::parse(file.as_bytes(), format, None);
            let _ = Document::parse(&[file.as_bytes(), b"\xff"].concat(), format, None);
        }
        let took = began.elapsed();
        println!("{took:?} for {part:?}");
        assert!(took.as_secs() < 5, "{took:?} for {part:?} behind {start:?}");
    }
}
