//! A writer of Matroska files (RFC 9559), with every freedom to write wrong ones.

use super::mp4::AVC_CONFIG;

pub(crate) const EBML: u32 = 0x1A45_DFA3;
pub(crate) const BODY: u32 = 0x1853_8067;
pub(crate) const SEEK_HEAD: u32 = 0x114D_9B74;
pub(crate) const INFO: u32 = 0x1549_A966;
pub(crate) const TRACKS: u32 = 0x1654_AE6B;
pub(crate) const CUES: u32 = 0x1C53_BB6B;
pub(crate) const CLUSTER: u32 = 0x1F43_B675;
pub(crate) const TIMESTAMP: u32 = 0xE7;
pub(crate) const SIMPLE_BLOCK: u32 = 0xA3;
const ENCODINGS: u32 = 0x6D80;

/// The bytes of an ID.
pub(crate) fn id_bytes(id: u32) -> Vec<u8> {
    id.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect()
}

/// An element with a size of four bytes.
pub(crate) fn element(id: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = id_bytes(id);
    out.extend((payload.len() as u32 | 1 << 28).to_be_bytes());
    out.extend(payload);
    out
}

/// An element that claims to have `size` bytes.
pub(crate) fn claiming(id: u32, size: u64, payload: &[u8]) -> Vec<u8> {
    let mut out = id_bytes(id);
    out.extend((size | 1 << 56).to_be_bytes());
    out.extend(payload);
    out
}

/// An element of unknown size.
pub(crate) fn endless(id: u32, payload: &[u8]) -> Vec<u8> {
    claiming(id, (1 << 56) - 1, payload)
}

/// An element of elements.
pub(crate) fn master(id: u32, children: &[Vec<u8>]) -> Vec<u8> {
    element(id, &children.concat())
}

/// An integer in as few bytes as it needs.
pub(crate) fn uint(id: u32, value: u64) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    let skip = (value.leading_zeros() / 8).min(7) as usize;
    let mut out = id_bytes(id);
    out.push(0x80 | (8 - skip) as u8);
    out.extend(&bytes[skip..]);
    out
}

pub(crate) fn header() -> Vec<u8> {
    master(EBML, &[element(0x4282, b"matroska")])
}

/// Info with a tick of `scale` nanoseconds and a duration in ticks.
pub(crate) fn info(scale: u64, duration: f64) -> Vec<u8> {
    master(INFO, &[uint(0x2A_D7B1, scale), element(0x4489, &duration.to_be_bytes())])
}

/// Track 1, H.264 at 24 pictures a second, and track 2, AAC at 48 kHz. With `zlib`, frames are compressed.
pub(crate) fn tracks(zlib: bool) -> Vec<u8> {
    let compression = element(0x5034, &uint(0x4254, 0));
    let encodings = master(ENCODINGS, &[element(0x6240, &compression)]);
    let encodings = if zlib { encodings } else { Vec::new() };
    let video = master(
        0xAE,
        &[
            uint(0xD7, 1),
            uint(0x83, 1),
            element(0x86, b"V_MPEG4/ISO/AVC"),
            element(0x63A2, AVC_CONFIG),
            uint(0x23_E383, 41_666_667),
            encodings.clone(),
        ],
    );
    let audio = master(
        0xAE,
        &[
            uint(0xD7, 2),
            uint(0x83, 2),
            element(0x86, b"A_AAC"),
            element(0x63A2, &[0x11, 0x90]),
            element(0xE1, &element(0xB5, &48_000f32.to_be_bytes())),
            encodings,
        ],
    );
    master(TRACKS, &[video, audio])
}

/// A SimpleBlock; `flags` are those of its header.
pub(crate) fn block(track: u8, time: i16, flags: u8, payload: &[u8]) -> Vec<u8> {
    let time = time.to_be_bytes();
    element(SIMPLE_BLOCK, &[&[0x80 | track, time[0], time[1], flags], payload].concat())
}

pub(crate) fn cluster(time: u64, blocks: &[Vec<u8>]) -> Vec<u8> {
    master(CLUSTER, &[uint(TIMESTAMP, time), blocks.concat()])
}

/// A cue of track 1: its time in ticks, its cluster's place in the body, the block's in the cluster.
pub(crate) fn cue(time: u64, cluster: u64, relative: Option<u64>) -> Vec<u8> {
    let relative = relative.map_or_else(Vec::new, |relative| uint(0xF0, relative));
    let position = short(0xB7, &[uint(0xF7, 1), uint(0xF1, cluster), relative].concat());
    short(0xBB, &[uint(0xB3, time), position].concat())
}

/// An element of less than 127 bytes with a size of one byte.
fn short(id: u32, payload: &[u8]) -> Vec<u8> {
    [id_bytes(id), vec![0x80 | payload.len() as u8], payload.to_vec()].concat()
}

/// A SeekHead.
pub(crate) fn seek_head(entries: &[(u32, u64)]) -> Vec<u8> {
    let seek = |(target, at): &(u32, u64)| {
        let target = element(0x53AB, &id_bytes(*target));
        element(0x4DBB, &[target, element(0x53AC, &at.to_be_bytes())].concat())
    };
    element(SEEK_HEAD, &entries.iter().flat_map(seek).collect::<Vec<u8>>())
}

/// A file: the header, and a Segment of these parts.
pub(crate) fn file(parts: &[Vec<u8>]) -> Vec<u8> {
    let body = parts.concat();
    [header(), claiming(BODY, body.len() as u64, &body)].concat()
}

/// The beginning of a film of `seconds` that claims to be `len` bytes long, up to its first cluster, with Cues
/// every 2 s. It has no media.
pub(crate) fn long_film(seconds: u64, len: u64) -> Vec<u8> {
    let start = [info(1_000_000, seconds as f64 * 1000.0), tracks(false)].concat();
    // Room for the Cues, whose length depends on the places in them; a Void fills what is left.
    let first = start.len() as u64 + 32 * (seconds / 2) + 32;
    let step = (len - (1 << 20)) / (seconds / 2);
    let cues: Vec<_> = (0..seconds / 2).map(|n| cue(n * 2000, first + n * step, Some(5))).collect();
    let cues = master(CUES, &cues);
    let room = first as usize - start.len() - cues.len() - 5;
    let blocks = [block(1, 0, 0x80, &[0, 0, 0, 1, 0x65]), block(2, 0, 0x80, &[0x21])].concat();
    // What is asked for together with the first blocks is here as well.
    let rest = element(0xEC, &vec![0; 128 << 10]);
    let cluster = element(CLUSTER, &[uint(TIMESTAMP, 0), blocks, rest].concat());
    let parts = [start, cues, element(0xEC, &vec![0; room]), cluster].concat();
    [header(), claiming(BODY, len, &parts)].concat()
}
