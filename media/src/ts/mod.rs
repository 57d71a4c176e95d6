//! MPEG-TS segments (ISO/IEC 13818-1; RFC 8216 3.2).
//!
//! A segment is a pure function of the file, the tracks and its number. Nothing is carried over from one
//! segment to the next, and yet they join: timestamps come from the presentation clock, and every elementary
//! stream begins with continuity counter 0 and ends on a multiple of 16 packets, PAT and PMT count with the
//! segment's number. How a stream is brought to that length is told in `packet.rs`.

mod packet;
mod pes;
mod psi;
mod size;

use crate::access_units;
use crate::codec::h264::{self, AvcConfig};
use crate::error::Error;
use crate::movie::Movie;
pub use crate::plan::BASE;
use crate::plan::SegmentPlan;
use crate::rendition::Rendition;
use crate::source::{ByteSource, Step, Stop};
use crate::time::Time90k;
use crate::track::{Codec, Sample, Track, TrackId};
use bytes::Bytes;
pub(crate) use size::estimated_size;

use packet::{FirstPacket, PACKET, PAYLOAD, Packetizer};

/// The program clock runs this much behind decoding (0.7 s, what players' buffers expect).
const PCR_LEAD: Time90k = Time90k(63_000);

const VIDEO_PID: u16 = 0x100;
const AUDIO_PID: u16 = 0x101;

/// A PES packet of sound holds at most this many bytes (16 packets' worth) ...
const MAX_AUDIO_PES: usize = 2_930;
/// ... and this much time, so that it is never far from the picture it belongs to.
const MAX_AUDIO_SPAN: Time90k = Time90k(18_000);
/// ... where sound carries the clock, less: it must come every 100 ms (ISO/IEC 13818-1 2.7.2).
const MAX_CLOCK_SPAN: Time90k = Time90k(6_300);
/// ... and no gap: a frame that is this far (1 ms, what Matroska rounds to) from its place begins another.
const MAX_AUDIO_JITTER: i64 = 90;

/// A segment may become this much larger than four times its samples: packets of a few bytes, parameter sets.
const MAX_EXTRA: usize = 32 << 20;

/// The segment's first bytes, PAT and PMT, which are known before any media byte has arrived.
pub fn head(movie: &Movie, rendition: &Rendition, index: u32) -> Bytes {
    let mut out = Vec::with_capacity(2 * PACKET);
    write_head(&mut out, &Streams::of(movie, rendition), index);
    out.into()
}

fn write_head(out: &mut Vec<u8>, streams: &Streams<'_>, index: u32) {
    let counter = u8::try_from(index & 15).unwrap_or(0);
    psi::write_pat(out, counter);
    psi::write_pmt(out, counter, streams);
}

struct Streams<'a> {
    video: Option<&'a Track>,
    audio: Option<&'a Track>,
}

impl<'a> Streams<'a> {
    fn of(movie: &'a Movie, rendition: &Rendition) -> Self {
        let track = |id| movie.track(id);
        Self { video: rendition.video.and_then(track), audio: rendition.audio.and_then(track) }
    }
}

/// What one segment holds.
#[derive(Debug, Default)]
struct SegmentSamples {
    /// Pictures in decode order.
    video: Vec<Sample>,
    /// Frames of sound.
    audio: Vec<Sample>,
}

/// Makes segment `index`. It begins with [`head`].
///
/// # Errors
/// What is wrong with the file's bytes; a miss is [`Step::Need`].
pub fn segment(
    movie: &Movie,
    plan: &SegmentPlan,
    rendition: &Rendition,
    index: u32,
    src: &dyn ByteSource,
) -> Result<Step<Bytes>, Error> {
    Step::of(make(movie, plan, rendition, index, src))
}

fn make(
    movie: &Movie,
    plan: &SegmentPlan,
    rendition: &Rendition,
    index: u32,
    src: &dyn ByteSource,
) -> Result<Bytes, Stop> {
    let tracks: Vec<TrackId> = rendition.tracks().collect();
    let mut lists = access_units::samples(movie, plan, &tracks, index, src)?.into_iter();
    let samples = SegmentSamples {
        video: rendition.video.and_then(|_| lists.next()).unwrap_or_default(),
        audio: rendition.audio.and_then(|_| lists.next()).unwrap_or_default(),
    };
    if rendition.video.is_some() && samples.video.is_empty() {
        return Err(Error::malformed("no whole picture in the segment", 0).into());
    }
    Ok(write(movie, plan, rendition, index, &samples)?)
}

/// Makes what an I-frame playlist lists: a segment of one picture.
///
/// # Errors
/// `Unsupported` when the picture does not fit into MPEG-TS.
pub(crate) fn picture(
    movie: &Movie,
    plan: &SegmentPlan,
    rendition: &Rendition,
    index: u32,
    picture: Sample,
) -> Result<Bytes, Error> {
    let samples = SegmentSamples { video: vec![picture], audio: Vec::new() };
    write(movie, plan, rendition, index, &samples)
}

fn write(
    movie: &Movie,
    plan: &SegmentPlan,
    rendition: &Rendition,
    index: u32,
    samples: &SegmentSamples,
) -> Result<Bytes, Error> {
    let streams = Streams::of(movie, rendition);
    let clock = |time: Time90k| plan.clock(time);

    let config = match streams.video.map(|track| &track.codec) {
        Some(Codec::H264(config)) => Some(config),
        Some(_) => return Err(Error::unsupported("only H.264 video can be carried in MPEG-TS")),
        None => None,
    };
    let max_span = if config.is_some() { MAX_AUDIO_SPAN } else { MAX_CLOCK_SPAN };
    let audio_pes = streams
        .audio
        .map(|track| group_audio(&samples.audio, &track.codec, max_span))
        .transpose()?
        .unwrap_or_default();

    let mut packets = Packetizer::new(room_for(samples, &audio_pes, config.map(|config| config.as_ref()))?);
    write_head(packets.bytes(), &streams, index);

    let mut audio_left = audio_pes.iter();
    let mut next_audio = audio_left.next();
    let mut write_audio = |packets: &mut Packetizer, until: Option<Time90k>| {
        while let Some(pes) = next_audio.filter(|pes| until.is_none_or(|until| pes.pts <= until)) {
            next_audio = audio_left.next();
            let header = pes::audio_header(clock(pes.pts), pes.len());
            let first = FirstPacket {
                pcr: config.is_none().then(|| clock(pes.pts) - PCR_LEAD),
                random_access: config.is_none(),
            };
            let slices = std::iter::once(header.as_slice()).chain(pes.slices());
            packets.write_pes(AUDIO_PID, first, slices, header.len() + pes.len(), next_audio.is_none());
        }
    };
    if let Some(config) = config {
        let last = samples.video.len().saturating_sub(1);
        for (number, sample) in samples.video.iter().enumerate() {
            // The picture leads: players look for the first keyframe, and the clock is in its packets.
            if number > 0 {
                write_audio(&mut packets, Some(sample.dts));
            }
            let header = pes::video_header(clock(sample.pts), clock(sample.dts));
            let mut slices = vec![header.as_slice()];
            h264::annex_b(config, &sample.data, sample.sync, &mut slices);
            let len = slices.iter().map(|slice| slice.len()).sum();
            let first = FirstPacket { pcr: Some(clock(sample.dts) - PCR_LEAD), random_access: sample.sync };
            packets.write_pes(VIDEO_PID, first, slices.iter().copied(), len, number == last);
        }
    }
    write_audio(&mut packets, None);
    Ok(packets.finish())
}

/// The most bytes that a segment can have, so that its memory is taken once.
///
/// # Errors
/// `Limit` when that is far more than its samples have: parameter sets repeated with thousands of pictures of a
/// few bytes.
fn room_for(
    samples: &SegmentSamples,
    audio: &[AudioPes<'_>],
    config: Option<&AvcConfig>,
) -> Result<usize, Error> {
    /// PES header, delimiter, the first start code, and the clock in the first packet.
    const HEADERS: usize = 64;
    let sets = config.map_or(0, h264::sets_len);
    let length_size = config.map_or(4, |config| usize::from(config.length_size));
    let picture = |sample: &Sample| {
        // A start code may be longer than the length that it replaces, by 4 bytes in 2 at worst.
        let data = if length_size < 4 { sample.data.len() * 5 / 2 } else { sample.data.len() };
        data + HEADERS + if sample.sync { sets } else { 0 }
    };
    let sound = |pes: &AudioPes<'_>| pes.len() + HEADERS;
    let units = samples.video.iter().map(picture).chain(audio.iter().map(sound));
    // The two tables, and at most 15 packets for each of two streams.
    let room = units.map(|len| len.div_ceil(PAYLOAD) * PACKET).sum::<usize>() + 32 * PACKET;
    let payload: usize = samples.video.iter().chain(&samples.audio).map(|sample| sample.data.len()).sum();
    if room > payload.saturating_mul(4).saturating_add(MAX_EXTRA) {
        return Err(Error::limit("a segment that is far larger than its samples", 0));
    }
    Ok(room)
}

/// Frames of sound that share a PES packet.
struct AudioPes<'a> {
    pts: Time90k,
    frames: Vec<(Option<[u8; 7]>, &'a [u8])>,
}

impl AudioPes<'_> {
    fn len(&self) -> usize {
        self.frames.iter().map(|(header, data)| header.map_or(0, |header| header.len()) + data.len()).sum()
    }

    fn slices(&self) -> impl Iterator<Item = &[u8]> {
        self.frames.iter().flat_map(|(header, data)| {
            let header = header.as_ref().map(|header| header.as_slice());
            header.into_iter().chain([*data])
        })
    }
}

/// Puts frames together, whole ones only, and an ADTS header in front of each AAC frame.
fn group_audio<'a>(
    samples: &'a [Sample],
    codec: &Codec,
    max_span: Time90k,
) -> Result<Vec<AudioPes<'a>>, Error> {
    let mut groups: Vec<AudioPes<'a>> = Vec::new();
    let mut group_len = 0;
    let (frame_samples, rate) = match codec {
        Codec::Aac(config) => (config.samples_per_frame(), config.sample_rate),
        Codec::Mp3(config) => (config.samples_per_frame, config.sample_rate),
        _ => return Err(Error::unsupported("only AAC and MP3 sound can be carried in MPEG-TS")),
    };
    // Only the first frame of a PES packet has a timestamp; the others follow it without a gap.
    let follows = |group: &AudioPes<'_>, sample: &Sample| {
        let samples = i128::from(frame_samples) * group.frames.len() as i128;
        let expected = group.pts + Time90k::from_ratio(samples, i128::from(rate));
        (sample.pts - expected).0.abs() <= MAX_AUDIO_JITTER
    };
    for sample in samples {
        let header = match codec {
            // A frame too long for its header's 13 bits is no AAC; the decoder could not use it either.
            Codec::Aac(config) => match config.adts_header(sample.data.len()) {
                Some(header) => Some(header),
                None => continue,
            },
            _ => None,
        };
        let len = header.map_or(0, |header| header.len()) + sample.data.len();
        if len > pes::MAX_AUDIO_PAYLOAD {
            continue;
        }
        match groups.last_mut() {
            Some(group)
                if group_len + len <= MAX_AUDIO_PES
                    && sample.pts - group.pts < max_span
                    && follows(group, sample) =>
            {
                group.frames.push((header, &sample.data));
                group_len += len;
            }
            _ => {
                groups.push(AudioPes { pts: sample.pts, frames: vec![(header, &sample.data)] });
                group_len = len;
            }
        }
    }
    Ok(groups)
}
