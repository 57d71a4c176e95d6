//! Sound: both containers say the same of a stream, and real files of others are what their list says.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use bytes::Bytes;
use media::codec::opus::OpusConfig;
use media::movie::Movie;
use media::source::Step;
use media::track::{Codec, Track, TrackKind};
use std::path::{Path, PathBuf};

/// The clips that `fixtures/sound/make` makes, in both containers: the codec's name in playlists, and whether it
/// fits into MPEG-TS.
const CLIPS: [(&str, Option<&str>, bool); 13] = [
    ("aac-stereo", Some("mp4a.40.2"), true),
    ("aac-2.1", Some("mp4a.40.2"), false),
    ("opus-stereo", Some("Opus"), false),
    ("opus-5.1", Some("Opus"), false),
    ("opus-60ms", Some("Opus"), false),
    ("flac", Some("fLaC"), false),
    ("ac3-5.1", Some("ac-3"), false),
    ("ac3-mono", Some("ac-3"), false),
    ("eac3-5.1", Some("ec-3"), false),
    ("eac3-stereo", Some("ec-3"), false),
    ("alac", Some("alac"), false),
    ("mp3", Some("mp4a.40.34"), true),
    ("mp2", None, false),
];

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn open(file: &Bytes) -> Result<Movie, media::Error> {
    match media::open(file)? {
        Step::Done(movie) => Ok(movie),
        Step::Need(range) => panic!("the whole file is here, and yet it needs {range:?}"),
    }
}

fn clip(name: &str) -> Track {
    let file = std::fs::read(folder().join("../fixtures/sound").join(name)).unwrap().into();
    let movie = open(&file).unwrap();
    let [track] = movie.tracks.as_slice() else { panic!("{name}: not one track") };
    track.clone()
}

#[test]
fn both_containers_say_the_same() {
    for (name, rfc6381, fits_ts) in CLIPS {
        let mut mkv = clip(&format!("{name}.mkv"));
        let mp4 = clip(&format!("{name}.mp4"));
        if let Codec::Opus(OpusConfig { first_packet, .. }) = &mut mkv.codec {
            assert_eq!(*first_packet, if name == "opus-60ms" { 2880 } else { 960 });
            *first_packet = 0; // not looked at in MP4
        }
        // The MP4 was written by ffmpeg: its boxes are another's.
        assert_eq!(mkv.codec, mp4.codec, "{name}");
        assert_eq!((mkv.sample_rate, mkv.channels), (mp4.sample_rate, mp4.channels), "{name}");
        assert_eq!(mkv.codec.rfc6381().as_deref(), rfc6381, "{name}");
        assert_eq!(mkv.codec.fits_ts(), fits_ts, "{name}");
        if let Codec::Unsupported { reason } = mkv.codec {
            assert_eq!(reason, "MP2 sound is not played in HLS yet");
        }
    }
}

/// What ffprobe calls the codec of a sound track; of one that is not played, what its refusal must name.
fn names(track: &Track) -> &'static str {
    match &track.codec {
        Codec::Aac(_) => "aac",
        Codec::Mp3(_) => "mp3",
        Codec::Opus(_) => "opus",
        Codec::Flac(_) => "flac",
        Codec::Ac3(_) => "ac3",
        Codec::Eac3(_) => "eac3",
        Codec::Alac(_) => "alac",
        Codec::Unsupported { reason } => reason,
        _ => "no sound",
    }
}

/// Files in which another reader sees something else.
const EXCEPTIONS: [&str; 8] = [
    // encrypted: the list has what is behind it
    "cbcs_audio.mp4",
    "prog_8s_enc_dashinit.mp4",
    "sample_ac4_protected.mp4",
    "short-cenc.mp4",
    // one channel in the configuration, two in the sample entry, and frames that cannot be decoded
    "sample_fragmented_uuid.mp4",
    // no sample entry at all
    "sample_missing_stsd.mp4",
    // the object type says MP3, the frames are MP2
    "sample_mp2_audio.mp4",
    // two TrackEntries of one number
    "chapters_truncated_chapter_string_2.mkv",
];

fn refusal(codec: &str) -> Option<&'static str> {
    Some(match codec {
        "dts" => "DTS",
        "vorbis" => "Vorbis",
        "truehd" => "TrueHD",
        "ac-4" => "AC-4",
        "iamf" => "IAMF",
        "mpegh_3d_audio" | "mha1" => "MPEG-H",
        "wmav2" => "",
        "amr_nb" | "amr_wb" => "AMR",
        "fpcm" | "pcm_s16le" | "pcm_s16be" => "PCM",
        _ => return None,
    })
}

#[test]
fn real_files_are_what_their_list_says() {
    let corpus = std::env::var_os("TORRENTSTREAM_CORPUS")
        .map_or_else(|| folder().join("../../shared/corpus"), PathBuf::from);
    let Ok(list) = std::fs::read_to_string(corpus.join("INDEX.tsv")) else {
        eprintln!("skipped: no corpus at {}", corpus.display());
        return;
    };
    let (mut same, mut wrong, mut closed) = (0, Vec::new(), 0);
    for line in list.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, _, container @ ("mp4" | "mkv"), _, _, sound, ..] = fields[..] else { continue };
        if sound.is_empty() {
            continue;
        }
        let file: Bytes = std::fs::read(corpus.join(name)).unwrap().into();
        let Ok(movie) = open(&file) else {
            closed += 1;
            continue;
        };
        let ours = movie.tracks.iter().filter(|track| track.kind == TrackKind::Audio);
        let ours: Vec<&Track> = ours.collect();
        let theirs: Vec<&str> = sound.split(", ").collect();
        if ours.len() != theirs.len() {
            wrong.push(format!("{name}: {} tracks, listed {sound}", ours.len()));
            continue;
        }
        for (track, listed) in ours.into_iter().zip(theirs) {
            let parts: Vec<&str> = listed.split(['/', ':']).collect();
            let [codec, channels, rate, ..] = parts[..] else { panic!("{listed}") };
            let told = (names(track), format!("{}ch", track.channels), track.sample_rate.to_string());
            let fits = match refusal(codec) {
                Some(reason) => names(track).contains(reason) && !track.codec.is_supported(),
                None => told == (codec, channels.to_owned(), rate.to_owned()),
            };
            if fits {
                same += 1;
            } else {
                wrong.push(format!("{name} ({container}): {told:?}, listed {listed}"));
            }
        }
    }
    eprintln!("{same} tracks are as listed; {closed} files cannot be opened; {wrong:#?}");
    // What the list says of these is not what the file says.
    wrong.retain(|line| !EXCEPTIONS.iter().any(|name| line.contains(name)));
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(same > 100);
}
