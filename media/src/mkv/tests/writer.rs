//! A writer of small Matroska files, with every freedom to write wrong ones.

use crate::mkv::ebml::id;
use bytes::Bytes;

/// x264, High@4.0, 1920x1080, 24 fps, reorder 2, as a configuration record.
pub(super) const AVC_CONFIG: &[u8] = &[
    1, 0x64, 0, 0x28, 0xff, 0xe1, 0, 27, 0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02, 0x27, 0xe5,
    0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xc0, 0x3c, 0x60, 0xc6, 0x58, 1, 0, 4,
    0x68, 0xee, 0x3c, 0x80,
];
/// AAC-LC, 48 kHz, stereo.
pub(super) const AAC_CONFIG: &[u8] = &[0x11, 0x90];

pub(super) fn element_id(id: u32) -> Vec<u8> {
    id.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect()
}

/// An element with a size of 8 bytes, so that sizes do not move what follows.
pub(super) fn element(id: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = element_id(id);
    out.extend((payload.len() as u64 | 1 << 56).to_be_bytes());
    out.extend(payload);
    out
}

/// An element of unknown size, said in `width` bytes.
pub(super) fn endless(id: u32, width: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = element_id(id);
    let size = (1u64 << (8 * width - 1) >> (width - 1)) | ((1 << (7 * width)) - 1);
    out.extend(&size.to_be_bytes()[8 - width as usize..]);
    out.extend(payload);
    out
}

/// An element of elements.
pub(super) fn master(id: u32, children: &[Vec<u8>]) -> Vec<u8> {
    element(id, &children.concat())
}

pub(super) fn uint(id: u32, value: u64) -> Vec<u8> {
    element(id, &value.to_be_bytes())
}

pub(super) fn float(id: u32, value: f64) -> Vec<u8> {
    element(id, &value.to_be_bytes())
}

pub(super) fn text(id: u32, value: &str) -> Vec<u8> {
    element(id, value.as_bytes())
}

pub(super) fn void(size: usize) -> Vec<u8> {
    element(0xec, &vec![0; size])
}

pub(super) fn crc() -> Vec<u8> {
    vec![0xbf, 0x84, 1, 2, 3, 4]
}

pub(super) fn header() -> Vec<u8> {
    master(id::EBML, &[text(id::DOC_TYPE, "matroska")])
}

/// Info with a tick of 1 ms and a duration in ticks.
pub(super) fn info(duration: f64) -> Vec<u8> {
    master(id::INFO, &[uint(id::TIMESTAMP_SCALE, 1_000_000), float(id::DURATION, duration)])
}

/// Track 1: H.264, 25 frames per second.
pub(super) fn video(extra: &[Vec<u8>]) -> Vec<u8> {
    let mut children = vec![
        uint(id::TRACK_NUMBER, 1),
        uint(id::TRACK_TYPE, 1),
        text(id::CODEC_ID, "V_MPEG4/ISO/AVC"),
        element(id::CODEC_PRIVATE, AVC_CONFIG),
        uint(id::DEFAULT_DURATION, 40_000_000),
    ];
    children.extend_from_slice(extra);
    master(id::TRACK_ENTRY, &children)
}

/// Track 2: AAC.
pub(super) fn audio(extra: &[Vec<u8>]) -> Vec<u8> {
    let mut children = vec![
        uint(id::TRACK_NUMBER, 2),
        uint(id::TRACK_TYPE, 2),
        text(id::CODEC_ID, "A_AAC"),
        element(id::CODEC_PRIVATE, AAC_CONFIG),
        master(id::AUDIO, &[float(id::SAMPLING_FREQUENCY, 48_000.0), uint(id::CHANNELS, 2)]),
    ];
    children.extend_from_slice(extra);
    master(id::TRACK_ENTRY, &children)
}

pub(super) fn tracks(entries: &[Vec<u8>]) -> Vec<u8> {
    master(id::TRACKS, entries)
}

pub(super) fn block(track: u8, time: i16, flags: u8, payload: &[u8]) -> Vec<u8> {
    let [high, low] = time.to_be_bytes();
    [&[0x80 | track, high, low, flags], payload].concat()
}

pub(super) fn simple(track: u8, time: i16, key: bool, payload: &[u8]) -> Vec<u8> {
    element(id::SIMPLE_BLOCK, &block(track, time, if key { 0x80 } else { 0 }, payload))
}

/// A BlockGroup; `reference` makes it no keyframe.
pub(super) fn group(track: u8, time: i16, reference: bool, payload: &[u8]) -> Vec<u8> {
    let mut children = vec![crc(), uint(0x9b, 40), element(id::BLOCK, &block(track, time, 0, payload))];
    if reference {
        children.push(element(id::REFERENCE_BLOCK, &[0xd8]));
    }
    master(id::BLOCK_GROUP, &children)
}

pub(super) fn cluster(time: u64, blocks: &[Vec<u8>]) -> Vec<u8> {
    let children = [vec![uint(id::TIMESTAMP, time)], blocks.to_vec()].concat();
    master(id::CLUSTER, &children)
}

/// Bytes from a cluster's payload to its first block.
pub(super) const FIRST_BLOCK: u64 = 1 + 8 + 8;

/// A cue of track 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct TestCue {
    pub(super) time: u64,
    /// From the start of the body.
    pub(super) cluster: u64,
    pub(super) relative: Option<u64>,
}

pub(super) fn cues(cues: &[TestCue]) -> Vec<u8> {
    let point = |cue: &TestCue| {
        let mut place = vec![uint(id::CUE_TRACK, 1), uint(id::CUE_CLUSTER_POSITION, cue.cluster)];
        place.extend(cue.relative.map(|relative| uint(id::CUE_RELATIVE_POSITION, relative)));
        master(id::CUE_POINT, &[uint(id::CUE_TIME, cue.time), master(id::CUE_TRACK_POSITIONS, &place)])
    };
    master(id::CUES, &cues.iter().map(point).collect::<Vec<_>>())
}

/// A SeekHead; its size depends on the number of entries alone.
pub(super) fn seek_head(entries: &[(u32, u64)]) -> Vec<u8> {
    let seek = |(target, at): &(u32, u64)| {
        master(id::SEEK, &[element(id::SEEK_ID, &target.to_be_bytes()), uint(id::SEEK_POSITION, *at)])
    };
    master(id::SEEK_HEAD, &entries.iter().map(seek).collect::<Vec<_>>())
}

pub(super) fn file(body: &[Vec<u8>]) -> Bytes {
    [header(), master(id::BODY, body)].concat().into()
}

/// Where the Cues of a [`film`] are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Index {
    Front,
    End,
    None,
}

/// A cluster of one second: 25 pictures of which the first is the keyframe (I P B B ...), and sound.
pub(super) fn second(time: u64) -> Vec<u8> {
    cluster(time, &blocks_of(time))
}

/// The blocks of [`second`].
pub(super) fn blocks_of(time: u64) -> Vec<Vec<u8>> {
    let mut blocks = Vec::new();
    let shown = |decoded: i16| match decoded % 3 {
        _ if decoded == 0 => 0,
        1 => decoded + 2,
        _ => decoded - 1,
    };
    let mut sound = (time * 48).div_ceil(1024);
    for picture in 0..25i16 {
        let payload = [time.to_be_bytes(), i64::from(picture).to_be_bytes()].concat();
        blocks.push(simple(1, shown(picture) * 40, picture == 0, &payload));
        while sound * 1024 < (time + 40 * (picture as u64 + 1)) * 48 {
            let at = (sound * 1024 * 1000 + 24_000) / 48_000 - time;
            blocks.push(simple(2, at.try_into().unwrap(), true, &sound.to_be_bytes()));
            sound += 1;
        }
    }
    blocks
}

/// `seconds` of [`second`], a SeekHead in front; with `relative` the cues say where the block is.
pub(super) fn film(seconds: u64, index: Index, relative: bool) -> Bytes {
    let front = [info(seconds as f64 * 1000.0), tracks(&[video(&[]), audio(&[])])].concat();
    let clusters: Vec<Vec<u8>> = (0..seconds).map(|index| second(index * 1000)).collect();
    let seek_len = seek_head(&[(id::CUES, 0)]).len() as u64;
    let make_cues = |first: u64| {
        let mut at = first;
        let cue = |(index, cluster): (usize, &Vec<u8>)| {
            let cue =
                TestCue { time: index as u64 * 1000, cluster: at, relative: relative.then_some(FIRST_BLOCK) };
            at += cluster.len() as u64;
            cue
        };
        cues(&clusters.iter().enumerate().map(cue).collect::<Vec<_>>())
    };
    let cues_len = make_cues(0).len() as u64;
    let clusters_len: u64 = clusters.iter().map(|cluster| cluster.len() as u64).sum();
    let head = seek_len + front.len() as u64;
    let (cues_at, first) = match index {
        Index::Front => (head, head + cues_len),
        _ => (head + clusters_len, head),
    };
    let index_bytes = make_cues(first);
    let clusters = clusters.concat();
    match index {
        Index::Front => file(&[seek_head(&[(id::CUES, cues_at)]), front, index_bytes, clusters]),
        Index::End => file(&[seek_head(&[(id::CUES, cues_at)]), front, clusters, index_bytes]),
        Index::None => file(&[void(20), front, clusters]),
    }
}
