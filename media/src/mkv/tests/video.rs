//! What is learnt of pictures: from the Video element, from CodecPrivate, and from the first key frame.

use super::writer::*;
use super::*;
use crate::codec::testing::hex;
use crate::colour::Colour;
use crate::mkv::ebml::id;
use crate::track::Rotation;
use std::io::Write;

/// The first bytes of a key frame of libaom, and of libvpx (10 bits), 320x180.
const AV1_FRAME: &str = "0a0b000000043cfeccdaf9004032912a10008400020820880000dd4ac9ea66ca21a9";
const VP9_FRAME: &str = "924983420009f8059b031c120e0c2c0005d05fc9";
/// x265, Main, 320x180: VPS, SPS, PPS.
const HEVC_SETS: [&str; 3] = [
    "40010c01ffff01600000030090000003000003003c959409",
    "42010101600000030090000003000003003ca00a080c1f3e595952930bc05a020000030002000003003210",
    "4401c073c189",
];

fn track(codec: &str, more: &[Vec<u8>]) -> Vec<u8> {
    let mut entry = vec![uint(id::TRACK_NUMBER, 1), uint(id::TRACK_TYPE, 1), text(id::CODEC_ID, codec)];
    entry.extend_from_slice(more);
    master(id::TRACK_ENTRY, &entry)
}

/// A file of one track with these blocks.
fn of_blocks(entry: Vec<u8>, blocks: &[Vec<u8>]) -> Bytes {
    file(&[info(1000.0), tracks(&[entry]), cluster(0, blocks)])
}

fn learnt(entry: Vec<u8>, frame: &[u8]) -> Track {
    open(&of_blocks(entry, &[simple(1, 0, true, frame)])).unwrap().tracks().first().unwrap().clone()
}

fn with_lengths(units: &[Vec<u8>]) -> Vec<u8> {
    units
        .iter()
        .flat_map(|unit| [&u32::try_from(unit.len()).unwrap().to_be_bytes(), unit.as_slice()].concat())
        .collect()
}

fn with_start_codes(units: &[Vec<u8>]) -> Vec<u8> {
    units.iter().flat_map(|unit| [&[0, 0, 0, 1], unit.as_slice()].concat()).collect()
}

fn private(data: &[u8]) -> Vec<u8> {
    element(id::CODEC_PRIVATE, data)
}

#[test]
fn what_the_header_lacks_the_first_key_frame_tells() {
    let av1 = learnt(track("V_AV1", &[]), &hex(AV1_FRAME));
    assert_eq!((av1.codec.rfc6381().as_deref(), av1.width, av1.height), (Some("av01.0.00M.08"), 320, 180));
    let av1 = learnt(track("V_AV1", &[private(&[0x81, 0, 0x0c, 0])]), &hex(AV1_FRAME));
    assert_eq!((av1.codec.rfc6381().as_deref(), av1.width), (Some("av01.0.00M.08"), 320));
    let vp9 = learnt(track("V_VP9", &[uint(id::DEFAULT_DURATION, 40_000_000)]), &hex(VP9_FRAME));
    assert_eq!((vp9.codec.rfc6381().as_deref(), vp9.width), (Some("vp09.02.11.10"), 320));
    let vp9 = learnt(track("V_VP9", &[private(&[1, 1, 2, 2, 1, 31])]), &hex(VP9_FRAME));
    assert_eq!(vp9.codec.rfc6381().as_deref(), Some("vp09.02.31.10"));
    let mut units = HEVC_SETS.map(hex).to_vec();
    units.push(vec![0x28, 1, 0xaf]);
    let empty = hex("0101600000009000000000003cf000fcfdf8f800000f00");
    for header in [vec![], vec![private(&empty)]] {
        let hevc = learnt(track("V_MPEGH/ISO/HEVC", &header), &with_lengths(&units));
        assert_eq!((hevc.codec.rfc6381().as_deref(), hevc.height), (Some("hvc1.1.6.L60.90"), 180));
        assert_eq!(hevc.frame_rate, Some(25.0));
    }
}

#[test]
fn the_first_key_frame_need_not_be_the_first_frame() {
    let frame = hex(VP9_FRAME);
    let later = [
        simple(1, 0, false, &[0x86, 0, 0x40]),
        group(1, 40, true, &[0x86, 0, 0x40]),
        simple(2, 60, true, &frame),
        group(1, 80, false, &frame),
    ];
    let film = open(&of_blocks(track("V_VP9", &[]), &later)).unwrap();
    assert!(matches!(film.tracks().first().unwrap().codec, Codec::Vp9(_)));
    let never = [simple(1, 0, false, &frame), simple(1, 40, true, &[1, 2, 3])];
    let film = open(&of_blocks(track("V_VP9", &[]), &never)).unwrap();
    assert!(!film.tracks().first().unwrap().codec.is_supported());
}

#[test]
fn frames_that_were_compressed_tell_as_well() {
    let encoding = |algorithm: u64, settings: &[u8]| {
        let compression =
            [uint(id::CONTENT_COMP_ALGO, algorithm), element(id::CONTENT_COMP_SETTINGS, settings)];
        let compression = master(id::CONTENT_COMPRESSION, &compression);
        master(id::CONTENT_ENCODINGS, &[master(id::CONTENT_ENCODING, &[compression])])
    };
    let frame = [hex(VP9_FRAME), vec![0x55; 100_000]].concat();
    let stripped = learnt(track("V_VP9", &[encoding(3, &frame[..3])]), &frame[3..]);
    assert!(matches!(stripped.codec, Codec::Vp9(_)));
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&frame).unwrap();
    let deflated = learnt(track("V_VP9", &[encoding(0, &[])]), &encoder.finish().unwrap());
    assert!(matches!(deflated.codec, Codec::Vp9(_)));
}

#[test]
fn a_long_key_frame_is_not_asked_for_whole() {
    let frame = [hex(VP9_FRAME), vec![0x55; 3 << 20]].concat();
    let film = of_blocks(track("V_VP9", &[]), &[simple(1, 0, true, &frame)]);
    let (opened, asked) = drive(&film, |src| MkvFile::open(src));
    assert!(matches!(opened.unwrap().tracks().first().unwrap().codec, Codec::Vp9(_)));
    let bytes: u64 = asked.iter().map(|range| range.end - range.start).sum();
    assert!(bytes < 512 << 10, "{asked:?}");
}

#[test]
fn byte_streams_become_samples_with_lengths() {
    let config = crate::codec::h264::AvcConfig::parse(&Bytes::from_static(AVC_CONFIG)).unwrap();
    let sets = [config.sps[0].to_vec(), config.pps[0].to_vec()];
    let slice = vec![0x65, 0x88, 0x80, 0x40];
    let units = [sets.as_slice(), std::slice::from_ref(&slice)].concat();
    // The sets in the header, and beside that only in the stream.
    let cases = [(Some(with_start_codes(&sets)), vec![slice]), (None, units.clone())];
    for (header, units) in cases {
        let header: Vec<Vec<u8>> = header.iter().map(|sets| private(sets)).collect();
        let film =
            of_blocks(track("V_MPEG4/ISO/AVC", &header), &[simple(1, 0, true, &with_start_codes(&units))]);
        let mkv = open(&film).unwrap();
        let Codec::H264(learnt) = &mkv.tracks().first().unwrap().codec else { panic!("{:?}", mkv.tracks()) };
        assert_eq!((&learnt.sps, learnt.length_size), (&config.sps, 4));
        let samples = samples_by_span(&mkv, &film, &[WHOLE]).unwrap();
        assert_eq!(samples[0][0].data, with_lengths(&units));
    }
    // Sets in a byte stream, but frames with lengths.
    let film = of_blocks(
        track("V_MPEG4/ISO/AVC", &[private(&with_start_codes(&sets))]),
        &[simple(1, 0, true, &with_lengths(&units))],
    );
    let mkv = open(&film).unwrap();
    assert!(mkv.tracks().first().unwrap().codec.is_supported());
    assert_eq!(samples_by_span(&mkv, &film, &[WHOLE]).unwrap()[0][0].data, with_lengths(&units));
}

#[test]
fn colour_shape_turn_and_dolby_vision() {
    let video = |children: &[Vec<u8>]| {
        let size = [uint(id::PIXEL_WIDTH, 1440), uint(id::PIXEL_HEIGHT, 1080)];
        let entry = track("V_VP9", &[master(id::VIDEO, &[&size, children].concat())]);
        learnt(entry, &[])
    };
    let colour = master(
        id::COLOUR,
        &[
            uint(id::MATRIX_COEFFICIENTS, 9),
            uint(id::TRANSFER_CHARACTERISTICS, 16),
            uint(id::PRIMARIES, 9),
            uint(id::RANGE, 2),
        ],
    );
    let pq = Colour { primaries: 9, transfer: 16, matrix: 9, full_range: true };
    assert_eq!(video(&[colour]).colour, Some(pq));
    let shown = |width, height, unit| {
        let display = [uint(id::DISPLAY_WIDTH, width), uint(id::DISPLAY_HEIGHT, height)];
        video(&[display.as_slice(), &[uint(id::DISPLAY_UNIT, unit)]].concat()).pixel_aspect
    };
    assert_eq!(shown(1920, 1080, 0), (4, 3));
    assert_eq!(shown(16, 9, 3), (4, 3));
    assert_eq!(shown(16, 9, 4), (1, 1), "of unknown unit");
    assert_eq!(shown(1439, 1080, 0), (1, 1), "rounded");
    assert_eq!(shown(0, 1080, 0), (1, 1));
    let roll = |degrees: f64| {
        let pose = master(id::PROJECTION, &[float(id::PROJECTION_POSE_ROLL, degrees)]);
        video(&[pose]).rotation
    };
    assert_eq!([roll(90.0), roll(-90.0)], [Rotation::Clockwise270, Rotation::Clockwise90]);
    assert_eq!([roll(180.0), roll(-180.0)], [Rotation::Half; 2]);
    assert_eq!([roll(45.0), roll(f64::NAN)], [Rotation::None; 2]);
    let mapping = |kind: &[u8; 4], data: &[u8]| {
        let kind = u64::from(u32::from_be_bytes(*kind));
        let children = [uint(id::BLOCK_ADD_ID_TYPE, kind), element(id::BLOCK_ADD_ID_EXTRA_DATA, data)];
        learnt(track("V_VP9", &[master(id::BLOCK_ADDITION_MAPPING, &children)]), &[]).dolby_vision
    };
    let found = mapping(b"dvvC", &[1, 0, 0x10, 0x35, 0x10]).unwrap();
    assert_eq!((found.profile, found.level, found.compatibility), (8, 6, 1));
    assert_eq!(mapping(b"mvcC", &[1, 0, 0x10, 0x35, 0x10]), None);
    assert_eq!(mapping(b"dvcC", &[1]), None);
}

#[test]
fn pictures_beside_a_film_are_cover_art() {
    let still = |number| {
        let entry = [uint(id::TRACK_NUMBER, number), uint(id::TRACK_TYPE, 1), text(id::CODEC_ID, "V_MJPEG")];
        master(id::TRACK_ENTRY, &entry)
    };
    let kinds = |entries: &[Vec<u8>]| {
        let film = file(&[info(1000.0), tracks(entries), cluster(0, &[simple(1, 0, true, &[1])])]);
        open(&film).unwrap().tracks().iter().map(|track| track.kind).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&[still(2), video(&[])]), [TrackKind::Other, TrackKind::Video]);
    assert_eq!(kinds(&[still(2)]), [TrackKind::Video]);
}

#[test]
fn codecs_that_are_not_played_are_named() {
    let why = |codec: &str, letters: &[u8]| {
        let header = [vec![0; 16], letters.to_vec(), vec![0; 20]].concat();
        match learnt(track(codec, &[private(&header)]), &[1]).codec {
            Codec::Unsupported { reason } => reason,
            playable => panic!("{playable:?}"),
        }
    };
    assert!(why("V_MS/VFW/FOURCC", b"XVID").contains("XviD"));
    assert!(why("V_MS/VFW/FOURCC", b"WVC1").contains("VC-1"));
    assert!(why("V_MS/VFW/FOURCC", b"H264").contains("H.264"));
    assert!(why("V_MS/VFW/FOURCC", b"").contains("Video for Windows"));
    assert!(why("V_THEORA", b"").contains("Theora"));
    assert!(why("V_MPEG2", b"").contains("MPEG-2"));
    assert!(why("V_REAL/RV40", b"").contains("RealVideo"));
}
