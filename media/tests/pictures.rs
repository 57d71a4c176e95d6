//! What is learnt of pictures, beside what ffprobe says of the same files.
//!
//! `pictures.tsv` was made with `ffprobe -show_streams -select_streams v:0` (5.1): file, codec, profile, level,
//! width, height, pixel format, primaries, transfer, matrix, range, sample aspect ratio, rotation against the
//! clock.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use bytes::Bytes;
use media::source::Step;
use media::track::{Codec, Rotation, Track, TrackKind};
use mp4_atom::{Atom, Av1c, Avcc, Hvcc, VpcC};
use std::path::Path;

struct Row<'a>(Vec<&'a str>);

impl Row<'_> {
    fn field(&self, index: usize) -> &str {
        self.0.get(index).unwrap()
    }

    /// Bits of a luma sample, by the name of the pixel format.
    fn bit_depth(&self) -> u8 {
        let format = self.field(6);
        let deep = |bits: &str| format.ends_with(&format!("{bits}le"));
        [12, 10].into_iter().find(|bits| deep(&bits.to_string())).unwrap_or(8)
    }
}

/// The first picture track, as ffprobe takes it.
fn first_video(file: &Bytes) -> Option<Track> {
    let Ok(Step::Done(movie)) = media::open(file) else { return None };
    movie.tracks.into_iter().find(|track| track.kind == TrackKind::Video)
}

/// Profile and level out of the codec's RFC 6381 name, in ffprobe's words.
fn profile_and_level(codec: &Codec) -> (String, String) {
    let name = codec.rfc6381().unwrap();
    let parts: Vec<&str> = name.split('.').collect();
    match codec {
        Codec::Hevc(_) => {
            let profile = match parts[1] {
                "1" => "Main",
                "2" => "Main 10",
                "4" => "Rext",
                other => other,
            };
            (profile.to_owned(), parts[3][1..].to_owned())
        }
        Codec::Av1(_) => {
            let profile = ["Main", "High", "Professional"][parts[1].parse::<usize>().unwrap()];
            (profile.to_owned(), parts[2][..2].parse::<u8>().unwrap().to_string())
        }
        // ffprobe does not tell VP9's level.
        Codec::Vp9(_) => (format!("Profile {}", parts[1].parse::<u8>().unwrap()), "-99".to_owned()),
        Codec::H264(config) => {
            let [profile, constraints, level] = config.profile;
            let profile = match profile {
                66 if constraints & 0x40 != 0 => "Constrained Baseline",
                66 => "Baseline",
                77 => "Main",
                88 => "Extended",
                100 => "High",
                110 => "High 10",
                122 => "High 4:2:2",
                244 => "High 4:4:4 Predictive",
                _ => "?",
            };
            (profile.to_owned(), level.to_string())
        }
        _ => unreachable!(),
    }
}

fn bit_depth(codec: &Codec) -> u8 {
    match codec {
        Codec::H264(config) => config.picture.bit_depth,
        Codec::Hevc(config) => config.bit_depth,
        Codec::Av1(config) => config.bit_depth,
        Codec::Vp9(config) => config.bit_depth,
        _ => 0,
    }
}

/// Code points by ffprobe's names; the two of BT.601 count as one.
fn code_point(name: &str) -> Option<u8> {
    Some(match name {
        "bt709" => 1,
        "bt470bg" | "smpte170m" => 6,
        "bt2020" | "bt2020nc" => 9,
        "smpte2084" => 16,
        "arib-std-b67" => 18,
        "gbr" => 0,
        _ => return None,
    })
}

fn differences(row: &Row<'_>, track: &Track) -> Vec<String> {
    let mut found = Vec::new();
    let mut check = |what: &str, ours: String, theirs: String| {
        if ours != theirs && !matches!(theirs.as_str(), "?" | "-99") {
            found.push(format!("{}: {what} {ours}, ffprobe {theirs}", row.field(0)));
        }
    };
    let (profile, level) = profile_and_level(&track.codec);
    check("profile", profile, row.field(2).to_owned());
    check("level", level, row.field(3).to_owned());
    check("width", track.width.to_string(), row.field(4).to_owned());
    check("height", track.height.to_string(), row.field(5).to_owned());
    check("bit depth", bit_depth(&track.codec).to_string(), row.bit_depth().to_string());
    let colour = track.colour.unwrap_or(media::colour::Colour::UNSPECIFIED);
    let same = |ours: u8| if ours == 5 { 6 } else { ours };
    for (index, ours) in [(7, colour.primaries), (8, colour.transfer), (9, colour.matrix)] {
        if let Some(theirs) = code_point(row.field(index)) {
            check(["primaries", "transfer", "matrix"][index - 7], same(ours).to_string(), theirs.to_string());
        }
    }
    check("full range", colour.full_range.to_string(), (row.field(10) == "pc").to_string());
    let (across, down) = track.pixel_aspect;
    let theirs = row.field(11).split_once(':').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
    let (a, b): (u64, u64) = theirs.filter(|(a, b)| *a > 0 && *b > 0).unwrap_or((1, 1));
    check("aspect", (u64::from(across) * b).to_string(), (u64::from(down) * a).to_string());
    let rotation = match track.rotation {
        Rotation::None => 0,
        Rotation::Clockwise90 => -90,
        Rotation::Half => 180,
        Rotation::Clockwise270 => 90,
    };
    let theirs: i32 = row.field(12).parse().unwrap();
    check("rotation", rotation.to_string(), if theirs == -180 { 180 } else { theirs }.to_string());
    found
}

/// The codec's configuration as `mp4-atom` reads it: whole, and saying the same.
fn check_record(codec: &Codec, name: &str) {
    match codec {
        Codec::Hevc(config) => {
            let read = Hvcc::decode_body(&mut config.record.as_ref()).unwrap();
            assert_eq!(read.configuration_version, 1, "{name}");
            assert_eq!(read.bit_depth_luma_minus8 + 8, config.bit_depth, "{name}");
            assert_eq!(read.length_size_minus_one + 1, config.length_size, "{name}");
            for kind in [32, 33, 34] {
                let array = read.arrays.iter().find(|array| array.nal_unit_type == kind).unwrap();
                assert!(array.completeness && !array.nalus.is_empty(), "{name}");
            }
            // The header repeats the SPS from its fourth byte on.
            let sps =
                read.arrays.iter().find(|array| array.nal_unit_type == 33).unwrap().nalus.first().unwrap();
            assert_eq!(sps[3] & 31, read.general_profile_idc, "{name}");
        }
        Codec::Av1(config) => {
            let read = Av1c::decode_body(&mut config.record.as_ref()).unwrap();
            let depth = if read.twelve_bit {
                12
            } else if read.high_bitdepth {
                10
            } else {
                8
            };
            assert_eq!(depth, config.bit_depth, "{name}");
        }
        Codec::Vp9(config) => {
            // A full box: mp4-atom reads version and flags elsewhere.
            let read = VpcC::decode_body(&mut config.record.as_ref()).unwrap();
            assert_eq!(read.bit_depth, config.bit_depth, "{name}");
            assert!(read.level >= 10, "{name}");
        }
        Codec::H264(config) => {
            let read = Avcc::decode_body(&mut config.record.as_ref()).unwrap();
            assert_eq!(read.length_size, config.length_size, "{name}");
            assert!(
                !read.sequence_parameter_sets.is_empty() && !read.picture_parameter_sets.is_empty(),
                "{name}"
            );
        }
        _ => unreachable!(),
    }
}

#[test]
fn the_corpus_as_ffprobe_sees_it() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    if !corpus.is_dir() {
        println!("skipped: no corpus at {}", corpus.display());
        return;
    }
    let (mut compared, mut left_out, mut wrong) = (0, Vec::new(), Vec::new());
    for line in include_str!("pictures.tsv").lines() {
        let row = Row(line.split('\t').collect());
        let file: Bytes = std::fs::read(corpus.join(row.field(0))).unwrap().into();
        match first_video(&file) {
            // Turned and mirrored as well: no turn that could be told.
            Some(track) if row.field(0).ends_with("sample_rotate_and_reflect.mp4") => {
                assert_eq!(track.rotation, Rotation::None);
            }
            Some(track) if track.codec.is_supported() => {
                compared += 1;
                check_record(&track.codec, row.field(0));
                wrong.extend(differences(&row, &track));
            }
            Some(Track { codec: Codec::Unsupported { reason }, .. }) => {
                left_out.push(format!("{} ({}): {reason}", row.field(0), row.field(1)));
            }
            _ => left_out.push(format!("{} ({}): not opened", row.field(0), row.field(1))),
        }
    }
    println!("{compared} compared; left out:\n{}", left_out.join("\n"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared >= 100, "only {compared} compared");
}
