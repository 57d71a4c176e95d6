//! The two tables of a segment (ISO/IEC 13818-1 2.4.4): one packet each.

use super::packet::PACKET;
use super::{AUDIO_PID, Streams, VIDEO_PID};
use crate::track::{Codec, Track};

const PMT_PID: u16 = 0x1000;
const PROGRAM: u16 = 1;
/// ISO_639_language_descriptor (2.6.18).
const LANGUAGE_DESCRIPTOR: u8 = 0x0a;

/// Appends the program association table.
pub(super) fn write_pat(out: &mut Vec<u8>, counter: u8) {
    let mut body = Vec::with_capacity(8);
    body.extend_from_slice(&PROGRAM.to_be_bytes());
    body.extend_from_slice(&(0xe000 | PMT_PID).to_be_bytes());
    write_section(out, 0, counter, 0x00, &body);
}

/// Appends the program map table.
pub(super) fn write_pmt(out: &mut Vec<u8>, counter: u8, streams: &Streams<'_>) {
    let pcr_pid = if streams.video.is_some() { VIDEO_PID } else { AUDIO_PID };
    let mut body = Vec::with_capacity(32);
    body.extend_from_slice(&(0xe000 | pcr_pid).to_be_bytes());
    body.extend_from_slice(&0xf000u16.to_be_bytes()); // no program descriptors
    if streams.video.is_some() {
        body.push(0x1b); // H.264 (table 2-34)
        body.extend_from_slice(&(0xe000 | VIDEO_PID).to_be_bytes());
        body.extend_from_slice(&0xf000u16.to_be_bytes());
    }
    if let Some(audio) = streams.audio {
        body.push(stream_type(&audio.codec));
        body.extend_from_slice(&(0xe000 | AUDIO_PID).to_be_bytes());
        match language(audio) {
            Some(code) => {
                body.extend_from_slice(&0xf006u16.to_be_bytes());
                body.extend_from_slice(&[LANGUAGE_DESCRIPTOR, 4, code[0], code[1], code[2], 0]);
            }
            None => body.extend_from_slice(&0xf000u16.to_be_bytes()),
        }
    }
    write_section(out, PMT_PID, counter, 0x02, &body);
}

/// Table 2-34; MP3 below 32 kHz is MPEG-2 audio.
const fn stream_type(codec: &Codec) -> u8 {
    match codec {
        Codec::Mp3(config) if config.sample_rate >= 32_000 => 0x03,
        Codec::Mp3(_) => 0x04,
        _ => 0x0f, // AAC with ADTS
    }
}

/// A three-letter code; the descriptor has no room for others.
fn language(track: &Track) -> Option<[u8; 3]> {
    let code: [u8; 3] = track.language.as_deref()?.as_bytes().try_into().ok()?;
    code.iter().all(u8::is_ascii_lowercase).then_some(code)
}

/// Appends a packet with one section of table `table_id` for the program.
fn write_section(out: &mut Vec<u8>, pid: u16, counter: u8, table_id: u8, body: &[u8]) {
    let start = out.len();
    let [pid_high, pid_low] = pid.to_be_bytes();
    out.extend_from_slice(&[0x47, 0x40 | pid_high, pid_low, 0x10 | counter & 15, 0]); // pointer_field 0
    let section = out.len();
    // behind section_length: five bytes of header, the body, the CRC
    let length = u16::try_from(body.len() + 9).unwrap_or(0) | 0xb000;
    out.push(table_id);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&PROGRAM.to_be_bytes()); // transport_stream_id, or program_number
    out.extend_from_slice(&[0xc1, 0, 0]); // version 0, current, section 0 of 0
    out.extend_from_slice(body);
    let crc = crc32(out.get(section..).unwrap_or_default());
    out.extend_from_slice(&crc.to_be_bytes());
    out.resize(start + PACKET, 0xff);
}

/// Annex A: polynomial 0x04C11DB7, not reflected.
fn crc32(data: &[u8]) -> u32 {
    data.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 24, |crc, _| {
            if crc >> 31 == 1 { crc << 1 ^ 0x04c1_1db7 } else { crc << 1 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pat_is_what_every_analyser_expects() {
        let mut out = Vec::new();
        write_pat(&mut out, 5);
        assert_eq!(out.len(), PACKET);
        assert_eq!(out[..17], [0x47, 0x40, 0, 0x15, 0, 0, 0xb0, 13, 0, 1, 0xc1, 0, 0, 0, 1, 0xf0, 0]);
        assert_eq!(crc32(&out[5..21]), 0, "a section with its CRC sums to 0");
        assert!(out[21..].iter().all(|byte| *byte == 0xff));
    }
}
