//! Files made here, right and wrong.

use super::writer::*;
use super::*;
use crate::codec::mpeg_audio::MpegAudioConfig;
use crate::mkv::ebml::id;
use std::io::Write;

const VIDEO: TrackId = TrackId(1);
const AUDIO: TrackId = TrackId(2);

fn reason(result: Result<impl std::fmt::Debug, Error>) -> &'static str {
    result.expect_err("must fail").what
}

/// A file with one cluster, of less than 30 s and without Cues.
pub(super) fn short(tracks_element: Vec<u8>, clusters: &[Vec<u8>]) -> Bytes {
    file(&[info(1000.0), tracks_element, clusters.concat()])
}

fn payloads(samples: &[Sample]) -> Vec<Vec<u8>> {
    samples.iter().map(|sample| sample.data.to_vec()).collect()
}

/// The samples of the whole of a file, one list a track.
fn whole(file: &Bytes) -> Vec<Vec<Sample>> {
    samples_by_span(&open(file).unwrap(), file, &[WHOLE]).unwrap()
}

fn times(samples: &[Sample]) -> Vec<i64> {
    samples.iter().map(|sample| sample.pts.0).collect()
}

#[test]
fn a_film_is_cut_at_its_cues_wherever_they_are() {
    let expected = whole(&film(20, Index::End, true));
    assert_eq!((expected[0].len(), expected[1].len()), (500, 938));
    for index in [Index::Front, Index::End] {
        for relative in [true, false] {
            let file = film(20, index, relative);
            let mkv = open(&file).unwrap();
            let keyframes = mkv.keyframes(VIDEO).unwrap();
            let starts: Vec<i64> = keyframes.iter().map(|keyframe| keyframe.pts.0).collect();
            assert_eq!(starts, (0..20).map(|second| second * 90_000).collect::<Vec<_>>());
            let samples = samples_by_span(&mkv, &file, &spans(&keyframes)).unwrap();
            assert_eq!(samples, expected, "{index:?} {relative}");
            let video = &samples[0];
            assert!(video.windows(2).all(|pair| pair[0].dts < pair[1].dts));
            assert_eq!(video[0].dts, Time90k(-7200), "two frames of reordering");
            assert_eq!(video.iter().filter(|sample| sample.sync).count(), 20);
        }
    }
}

#[test]
fn sound_is_on_a_grid_of_whole_frames() {
    let audio = whole(&film(3, Index::End, true)).remove(1);
    for (index, sample) in audio.iter().enumerate() {
        assert_eq!(sample.pts, Time90k::from_ratio(index as i128 * 1024, 48_000));
    }
}

#[test]
fn tracks_say_what_they_are() {
    let extra = [text(id::LANGUAGE, "und"), text(id::NAME, "Commentary"), uint(id::FLAG_DEFAULT, 0)];
    let other = master(
        id::TRACK_ENTRY,
        &[
            uint(id::TRACK_NUMBER, 3),
            uint(id::TRACK_TYPE, 17),
            text(id::CODEC_ID, "S_TEXT/UTF8"),
            text(id::LANGUAGE, "fre"),
            text(id::LANGUAGE_BCP47, "fr-CA"),
        ],
    );
    let nameless = master(id::TRACK_ENTRY, &[uint(id::TRACK_TYPE, 1)]);
    let tracks = tracks(&[crc(), video(&[]), audio(&extra), nameless, other, audio(&[])]);
    let mkv = open(&short(tracks, &[second(0)])).unwrap();
    let [video, audio, subtitle] = mkv.tracks() else { panic!("{:?}", mkv.tracks()) };
    assert_eq!(
        (video.kind, video.width, video.height, video.frame_rate),
        (TrackKind::Video, 1920, 1080, Some(25.0))
    );
    assert_eq!((video.language.as_deref(), video.default), (Some("eng"), true));
    assert!(matches!(video.codec, Codec::H264(_)) && matches!(audio.codec, Codec::Aac(_)));
    assert_eq!((audio.sample_rate, audio.channels, audio.default), (48_000, 2, false));
    assert_eq!((audio.language.as_deref(), audio.name.as_deref()), (None, Some("Commentary")));
    assert_eq!((subtitle.language.as_deref(), subtitle.codec.is_supported()), (Some("fr-CA"), true));
    assert_eq!(mkv.duration(), Some(Time90k(90_000)));
}

#[test]
fn what_cannot_be_played_says_why() {
    let codec_of = |number: u64, kind: u64, codec: &str, more: &[Vec<u8>]| {
        let mut entry =
            vec![uint(id::TRACK_NUMBER, number), uint(id::TRACK_TYPE, kind), text(id::CODEC_ID, codec)];
        entry.extend_from_slice(more);
        let file = short(tracks(&[master(id::TRACK_ENTRY, &entry)]), &[second(0)]);
        open(&file).unwrap().tracks().first().unwrap().codec.clone()
    };
    let why = |codec: Codec| match codec {
        Codec::Unsupported { reason } => reason,
        playable => panic!("{playable:?}"),
    };
    let rate = |hertz| master(id::AUDIO, &[float(id::SAMPLING_FREQUENCY, hertz), uint(id::CHANNELS, 2)]);
    assert!(why(codec_of(1, 1, "V_VP8", &[])).contains("VP8"));
    assert!(why(codec_of(1, 1, "V_SOMETHING", &[])).contains("video codec"));
    assert!(why(codec_of(1, 1, "V_VP9", &[])).contains("key frame"));
    assert!(why(codec_of(1, 1, "V_MPEG4/ISO/AVC", &[])).contains("parameter sets"));
    let annex_b = element(id::CODEC_PRIVATE, &[0, 0, 0, 1, 0x67]);
    assert!(why(codec_of(1, 1, "V_MPEG4/ISO/AVC", &[annex_b])).contains("parameter sets"));
    let encryption =
        master(id::CONTENT_ENCODINGS, &[master(id::CONTENT_ENCODING, &[uint(id::CONTENT_ENCODING_TYPE, 1)])]);
    assert!(why(codec_of(1, 2, "A_AAC", &[encryption])).contains("encrypted"));

    let speed =
        |factor| [float(id::TRACK_TIMESTAMP_SCALE, factor), float(id::TRACK_TIMESTAMP_SCALE, 1.0)].concat();
    assert!(why(codec_of(1, 2, "A_AAC", &[speed(1.04)])).contains("another speed"));
    assert!(codec_of(1, 2, "A_AAC", &[speed(1.0), rate(48_000.0)]).is_supported());
    let Codec::Aac(aac) = codec_of(1, 2, "A_AAC/MPEG4/LC/SBR", &[rate(22_050.0)]) else { panic!() };
    assert_eq!(
        (aac.object_type, aac.sample_rate, aac.output_rate, aac.channel_configuration),
        (2, 22_050, 44_100, 2)
    );
    let odd = codec_of(1, 2, "A_AAC", &[rate(12_345.0)]);
    assert!(odd.is_supported() && !odd.fits_ts());
    assert!(why(codec_of(1, 2, "A_DTS", &[])).contains("DTS"));
}

#[test]
fn mpeg_audio_is_known_by_its_first_frame() {
    let entry = master(
        id::TRACK_ENTRY,
        &[
            uint(id::TRACK_NUMBER, 2),
            uint(id::TRACK_TYPE, 2),
            text(id::CODEC_ID, "A_MPEG/L3"),
            master(id::AUDIO, &[float(id::SAMPLING_FREQUENCY, 48_000.0)]),
        ],
    );
    let blocks =
        [simple(2, 5, true, &[0xff, 0xf3, 0x84, 0xc4, 9]), simple(2, 29, true, &[0xff, 0xf3, 0x84, 0xc4])];
    let file = short(tracks(&[entry]), &[cluster(0, &blocks)]);
    let mkv = open(&file).unwrap();
    assert_eq!(mkv.tracks()[0].codec, Codec::Mp3(MpegAudioConfig::layer3(24_000, 1)));
    assert_eq!(times(&whole(&file)[0]), [450, 450 + 2160]);
}

#[test]
fn laced_frames_have_times_of_their_own() {
    let lace = |flags: u8, head: &[u8]| {
        let payload = [head, &[1, 1, 1, 2, 2, 2, 3, 3, 3]].concat();
        element(id::SIMPLE_BLOCK, &block(2, 100, flags, &payload))
    };
    for block in [lace(0x82, &[2, 3, 3]), lace(0x86, &[2, 0x83, 0xbf]), lace(0x84, &[2])] {
        let file = short(tracks(&[audio(&[])]), &[cluster(0, &[block])]);
        let samples = whole(&file).remove(0);
        assert_eq!(payloads(&samples), [[1; 3], [2; 3], [3; 3]]);
        assert_eq!(times(&samples), [9000, 9000 + 1920, 9000 + 3840]);
    }
}

#[test]
fn codec_delay_moves_sound_forward() {
    let file = short(tracks(&[audio(&[uint(id::CODEC_DELAY, 21_333_333)])]), &[second(0)]);
    assert_eq!(times(&whole(&file)[0])[..3], [-1920, 0, 1920]);
}

#[test]
fn block_groups_are_keyframes_unless_they_refer_to_others() {
    let blocks = [group(1, 0, false, b"I"), group(1, 40, true, b"P"), simple(1, 80, false, b"p")];
    let file = short(tracks(&[video(&[])]), &[cluster(0, &blocks)]);
    let samples = whole(&file).remove(0);
    assert_eq!(samples.iter().map(|sample| sample.sync).collect::<Vec<_>>(), [true, false, false]);
    assert_eq!(payloads(&samples), [b"I", b"P", b"p"]);
}

#[test]
fn void_and_crc_may_be_anywhere() {
    let blocks = [void(3), simple(1, 0, true, b"I"), crc(), void(0), simple(1, 40, false, b"P")];
    let clusters = [void(9), cluster(0, &blocks), crc(), void(100), second(1000)];
    let body =
        [vec![crc(), void(4), info(2000.0), void(1), tracks(&[void(2), video(&[crc()])])], clusters.to_vec()]
            .concat();
    assert_eq!(whole(&file(&body))[0].len(), 27);
}

#[test]
fn unknown_sizes_of_every_width() {
    for width in 1..=8 {
        let open_cluster = |time: u64| {
            endless(
                id::CLUSTER,
                width,
                &[uint(id::TIMESTAMP, time), simple(1, 0, true, b"I"), simple(1, 40, false, b"P")].concat(),
            )
        };
        let parts = [info(2000.0), tracks(&[video(&[])]), open_cluster(0), open_cluster(1000), cues(&[])];
        let file: Bytes = [header(), endless(id::BODY, width, &parts.concat())].concat().into();
        assert_eq!(times(&whole(&file)[0]), [0, 3600, 90_000, 93_600], "width {width}");
    }
}

#[test]
fn the_first_of_several_segments_is_taken() {
    let one = film(2, Index::None, false);
    let file: Bytes = [&one[..], &one[..]].concat().into();
    assert_eq!(whole(&file)[0].len(), 50);
}

#[test]
fn seek_heads_may_lie() {
    let own = seek_head(&[(id::SEEK_HEAD, 0), (id::SEEK_HEAD, 0)]);
    let front = [info(1000.0), tracks(&[video(&[])])].concat();
    let second_head = (own.len() + front.len() + second(0).len()) as u64;
    let nonsense = [
        (id::SEEK_HEAD, 0),
        (id::SEEK_HEAD, second_head),
        (id::CUES, 0),
        (id::CUES, u64::MAX),
        (id::CUES, second_head + 3),
        (id::TAGS, 1 << 40),
    ];
    let file = file(&[own.clone(), front, second(0), seek_head(&nonsense)]);
    assert_eq!(open(&file).unwrap().keyframes(VIDEO).unwrap().len(), 1);
    assert_eq!(whole(&file)[0].len(), 25);
}

#[test]
fn tracks_behind_the_clusters_are_found_by_the_seek_head() {
    let seek = |at| seek_head(&[(id::TRACKS, at)]);
    let at = (seek(0).len() + info(0.0).len() + second(0).len()) as u64;
    let file = file(&[seek(at), info(1000.0), second(0), tracks(&[video(&[])])]);
    assert_eq!(whole(&file)[0].len(), 25);
}

#[test]
fn compressed_frames_come_out_as_they_were() {
    let encoding = |algorithm: u64, settings: &[u8]| {
        let compression =
            [uint(id::CONTENT_COMP_ALGO, algorithm), element(id::CONTENT_COMP_SETTINGS, settings)];
        master(
            id::CONTENT_ENCODINGS,
            &[master(id::CONTENT_ENCODING, &[master(id::CONTENT_COMPRESSION, &compression)])],
        )
    };
    let mut deflater = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    deflater.write_all(b"a frame").unwrap();
    let deflated = deflater.finish().unwrap();
    for (encodings, stored) in [(encoding(3, b"a f"), &b"rame"[..]), (encoding(0, b""), &deflated)] {
        let file = short(tracks(&[video(&[encodings])]), &[cluster(0, &[simple(1, 0, true, stored)])]);
        assert_eq!(payloads(&whole(&file)[0]), [b"a frame"]);
    }
    let file = short(tracks(&[video(&[encoding(0, b"")])]), &[cluster(0, &[simple(1, 0, true, b"?")])]);
    assert_eq!(payloads(&whole(&file)[0]), [b""; 0], "a damaged frame is passed over");
    let file = short(tracks(&[video(&[encoding(2, b"")])]), &[second(0)]);
    assert!(!open(&file).unwrap().tracks()[0].codec.is_supported());
}

#[test]
fn without_cues_only_a_short_file_is_cut() {
    let mkv = open(&film(30, Index::None, false)).unwrap();
    assert_eq!(mkv.keyframes(VIDEO).unwrap(), [Keyframe { pts: Time90k::ZERO, at: 0 }]);
    let mkv = open(&film(31, Index::None, false)).unwrap();
    assert!(reason(mkv.keyframes(VIDEO)).contains("no index (Cues)"));
    assert!(reason(open(&film(31, Index::End, true)).unwrap().keyframes(AUDIO)).contains("for this track"));
    assert!(reason(mkv.keyframes(TrackId(9))).contains("no such track"));
}

#[test]
fn the_end_is_on_the_clock_of_the_frames() {
    let at_an_hour = |duration: f64| {
        let body = [info(duration), tracks(&[video(&[])]), second(3_600_000), second(3_601_000)];
        let mkv = open(&file(&body)).unwrap();
        assert_eq!(mkv.keyframes(VIDEO).unwrap(), [Keyframe { pts: Time90k(3600 * 90_000), at: 0 }]);
        mkv.end(VIDEO)
    };
    assert_eq!(at_an_hour(2000.0), Some(Time90k(3602 * 90_000)));
    assert_eq!(at_an_hour(3_602_000.0), Some(Time90k(3602 * 90_000)));
}

/// Two clusters of a second and cues for them, changed by `change`.
fn with_cues(change: impl Fn(&mut Vec<TestCue>)) -> Bytes {
    clusters_with_cues(&[second(0), second(1000)], change)
}

fn clusters_with_cues(clusters: &[Vec<u8>; 2], change: impl Fn(&mut Vec<TestCue>)) -> Bytes {
    let front = [info(30_000.0), tracks(&[video(&[]), audio(&[])])].concat();
    let first = front.len() as u64;
    let mut list = vec![
        TestCue { time: 0, cluster: first, relative: Some(FIRST_BLOCK) },
        TestCue { time: 1000, cluster: first + clusters[0].len() as u64, relative: Some(FIRST_BLOCK) },
    ];
    change(&mut list);
    let cues_at = 100 + first + clusters.concat().len() as u64;
    let seek = seek_head(&[(id::CUES, cues_at)]);
    let pad = void(100 - seek.len() - 9);
    for cue in &mut list {
        cue.cluster += 100;
    }
    file(&[seek, pad, front, clusters.concat(), cues(&list)])
}

#[test]
fn cues_are_checked_against_the_file() {
    let cut = |file: &Bytes| {
        let mkv = open(file).unwrap();
        samples_by_span(&mkv, file, &spans(&mkv.keyframes(VIDEO).unwrap()))
    };
    let right = cut(&with_cues(|_| {})).unwrap();
    assert_eq!(right[0].len(), 50);
    // A wrong place inside the cluster: the block is looked for by its time.
    for wrong in [0, 3, FIRST_BLOCK + 1, 200] {
        let found = cut(&with_cues(|cues| cues[1].relative = Some(wrong))).unwrap();
        assert_eq!(found, right, "{wrong}");
    }
    assert_eq!(cut(&with_cues(|cues| cues[1].relative = None)).unwrap(), right);
    // A picture that is no keyframe.
    let not_key = cut(&with_cues(|cues| (cues[1].time, cues[1].relative) = (1120, None)));
    assert_eq!(reason(not_key), "the index (Cues) points at a picture that is no keyframe");
    // No block at that time, no cluster at that place.
    assert!(reason(cut(&with_cues(|cues| cues[1].time = 1010))).contains("not there"));
    assert!(reason(cut(&with_cues(|cues| cues[1].cluster += 1))).contains("no cluster"));
}

#[test]
fn a_late_first_cue_gets_a_cut_before_it() {
    let file = with_cues(|cues| {
        cues.remove(0);
        cues[0].time = 1001;
    });
    let mkv = open(&file).unwrap();
    let keyframes = mkv.keyframes(VIDEO).unwrap();
    assert_eq!(keyframes.iter().map(|keyframe| keyframe.at).collect::<Vec<_>>(), [0, 1]);
    let samples = samples_by_span(&mkv, &file, &spans(&keyframes)).unwrap();
    assert_eq!(samples[0].len(), 50);
}

#[test]
fn what_precedes_the_first_keyframe_is_left_out() {
    let amid =
        cluster(0, &[simple(1, 0, false, b"B"), simple(2, 0, true, b"sound"), simple(1, 40, false, b"P")]);
    let file = clusters_with_cues(&[amid, second(1000)], |cues| {
        cues.remove(0);
    });
    let mkv = open(&file).unwrap();
    let keyframes = mkv.keyframes(VIDEO).unwrap();
    assert_eq!(keyframes.iter().map(|keyframe| keyframe.pts).collect::<Vec<_>>(), [Time90k(90_000)]);
    let samples = samples_by_span(&mkv, &file, &spans(&keyframes)).unwrap();
    assert_eq!((samples[0].len(), samples[0][0].sync), (25, true));
    assert_eq!(payloads(&samples[1])[0], b"sound", "sound needs no picture");
}

#[test]
fn few_rounds_and_nothing_twice() {
    let file = film(200, Index::End, true);
    let (mkv, asked) = drive(&file, |src| MkvFile::open(src));
    let mkv = mkv.unwrap();
    let cues_at = mkv.others[0];
    assert_eq!(asked, [0..65_536, cues_at..file.len() as u64]);
    let spans = spans(&mkv.keyframes(VIDEO).unwrap());
    let mut end = 0;
    for span in &spans {
        let (_, asked) = drive(&file, |src| mkv.samples(src, &[VIDEO, AUDIO], span));
        assert_eq!(asked, mkv.byte_ranges(span));
        assert!(end < asked[0].start + 100, "overlaps by no more than a block's header");
        end = asked[0].end;
        let (size, held) = (mkv.size_of(VIDEO, &[VIDEO, AUDIO], span), asked[0].end - asked[0].start);
        assert!(size <= held && size * 10 > held, "{size} of {held}");
    }
}

#[test]
fn a_key_block_far_inside_its_cluster_is_read_without_the_rest() {
    let blocks: Vec<Vec<u8>> = (0..40i16)
        .map(|index| simple(1, index * 40, index % 20 == 0, &[index.to_be_bytes()[1]; 10_000]))
        .collect();
    let relative = FIRST_BLOCK + blocks[..20].concat().len() as u64;
    let front = [info(30_000.0), tracks(&[video(&[])])].concat();
    let index = |front: u64| {
        cues(&[
            TestCue { time: 0, cluster: front, relative: Some(FIRST_BLOCK) },
            TestCue { time: 800, cluster: front, relative: Some(relative) },
        ])
    };
    let first = (front.len() + index(0).len()) as u64;
    let file = file(&[front, index(first), cluster(0, &blocks)]);
    let mkv = open(&file).unwrap();
    let spans = spans(&mkv.keyframes(VIDEO).unwrap());
    let (samples, asked) = drive(&file, |src| mkv.samples(src, &[VIDEO], &spans[1]));
    let samples = samples.unwrap().remove(0);
    assert_eq!((samples.len(), samples[0].data[0]), (20, 20));
    assert_eq!(asked.iter().map(|range| range.end - range.start).max(), Some(asked[0].end - asked[0].start));
    assert!(mkv.size_of(VIDEO, &[VIDEO], &spans[1]) < 210_000, "{asked:?}");
    let all = samples_by_span(&mkv, &file, &spans).unwrap().remove(0);
    assert_eq!(all, whole(&file).remove(0));
}

#[test]
fn blocks_may_say_how_long_they_last() {
    let line = |time: i16, ticks: u64, text: &[u8]| {
        let children = [element(id::BLOCK, &block(3, time, 0, text)), uint(id::BLOCK_DURATION, ticks)];
        master(id::BLOCK_GROUP, &children)
    };
    let subtitle = master(
        id::TRACK_ENTRY,
        &[uint(id::TRACK_NUMBER, 3), uint(id::TRACK_TYPE, 17), text(id::CODEC_ID, "S_TEXT/UTF8")],
    );
    let lace = [&[2][..], &[1, 2, 3]].concat();
    let laced = master(
        id::BLOCK_GROUP,
        &[element(id::BLOCK, &block(2, 0, 0x04, &lace)), uint(id::BLOCK_DURATION, 63)],
    );
    let blocks = [
        simple(1, 0, true, b"I"),
        line(20, 1500, b"one"),
        line(20, 0, b"two"),
        line(10, 333, b"late"),
        laced,
    ];
    let file = short(tracks(&[video(&[]), audio(&[]), subtitle]), &[cluster(0, &blocks)]);
    let lists = whole(&file);
    let lines: Vec<_> =
        lists[2].iter().map(|line| (line.pts.0, line.duration.map(|time| time.0), &line.data[..])).collect();
    let expected: [(i64, Option<i64>, &[u8]); 3] =
        [(1800, Some(135_000), b"one"), (1800, Some(0), b"two"), (900, Some(29_970), b"late")];
    assert_eq!(lines, expected);
    assert_eq!(lists[0][0].duration, None);
    assert!(lists[1].iter().all(|frame| frame.duration == Some(Time90k(1890))));
}
