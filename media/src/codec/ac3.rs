//! AC-3 and E-AC-3: what a stream is, by its frames or by the `dac3` and `dec3` boxes (ETSI TS 102 366 annex F,
//! with the extension of ETSI TS 103 420 8.3 for objects).

mod frame;

use crate::error::Error;
use crate::reader::BitReader;
use bytes::Bytes;
use frame::{LAST_AC3, Place, SyncFrame, channels_of};

/// Bit rates of AC-3 in 1,000 bits per second by `bit_rate_code` (TS 102 366 table F.4.1).
const BIT_RATES: [u16; 19] =
    [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640];
/// Sampling frequencies by `fscod` (table 4.1).
const SAMPLE_RATES: [u32; 3] = [48_000, 44_100, 32_000];
/// Samples in a block.
const BLOCK: u32 = 256;
/// Frames that are looked at in one access unit: eight programs with eight substreams each, in six parts.
const MAX_FRAMES: usize = 432;
/// How much of an access unit is looked at: the frames of eight substreams of the largest size.
pub(crate) const MAX_UNIT: u64 = 8 * 4096;

/// What an AC-3 frame's header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ac3Config {
    /// The payload of the `dac3` box.
    pub record: Bytes,
    /// Samples per second.
    pub sample_rate: u32,
    /// Channels, the low frequency one included.
    pub channels: u32,
    /// Bits per second, 0 when unknown.
    pub bit_rate: u32,
}

impl Ac3Config {
    /// Samples in one frame.
    pub const SAMPLES_PER_FRAME: u32 = 6 * BLOCK;

    /// Reads the payload of a `dac3` box (F.4).
    ///
    /// # Errors
    /// `Truncated` when it is cut off, `Malformed` for a reserved sampling frequency or a `bsid` of E-AC-3.
    pub fn parse(payload: &[u8]) -> Result<Self, Error> {
        let mut bits = BitReader::new(payload);
        let (fscod, bsid) = (bits.bits(2)?, bits.bits(5)?);
        bits.skip(3)?; // bsmod
        let (acmod, lfe) = (bits.bits(3)?, bits.bits(1)?);
        let bit_rate = BIT_RATES.get(bits.bits(5)? as usize).copied().unwrap_or(0);
        let sample_rate = SAMPLE_RATES
            .get(fscod as usize)
            .filter(|_| bsid <= LAST_AC3)
            .ok_or(Error::malformed("an AC-3 configuration (dac3): sampling frequency or kind", 0))?;
        // Half and a quarter of the frequency (bsid 9 and 10).
        let shift = bsid.saturating_sub(8).min(2);
        Ok(Self {
            record: Bytes::copy_from_slice(payload.get(..3).unwrap_or_default()),
            sample_rate: sample_rate >> shift,
            channels: channels_of(acmod) + lfe,
            bit_rate: (u32::from(bit_rate) * 1000) >> shift,
        })
    }

    fn of_frame(frame: &SyncFrame) -> Self {
        let mut record = BitWriter::default();
        record.put(frame.fscod, 2);
        record.put(frame.bsid, 5);
        record.put(frame.bsmod, 3);
        record.put(frame.acmod, 3);
        record.put(frame.lfe, 1);
        record.put(frame.bit_rate_code, 5);
        record.put(0, 5);
        let bit_rate = BIT_RATES.get(frame.bit_rate_code as usize).copied().unwrap_or(0);
        Self {
            record: record.bytes.into(),
            sample_rate: frame.sample_rate,
            channels: channels_of(frame.acmod) + frame.lfe,
            bit_rate: (u32::from(bit_rate) * 1000) >> frame.bsid.saturating_sub(8).min(2),
        }
    }
}

/// What an E-AC-3 frame's header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Eac3Config {
    /// The payload of the `dec3` box.
    pub record: Bytes,
    /// Samples per second.
    pub sample_rate: u32,
    /// Channels of the independent substream and those that depend on it.
    pub channels: u32,
    /// Samples in one access unit: 256 for each block of the first substream.
    pub samples_per_frame: u32,
    /// `complexity_index_type_a`: objects of a Dolby Atmos (JOC) mix; 0 for none.
    pub joc_complexity: u8,
}

impl Eac3Config {
    /// Reads the payload of a `dec3` box (F.6, TS 103 420 8.3).
    ///
    /// # Errors
    /// `Truncated` when it is cut off, `Malformed` for a sampling frequency that the box cannot say.
    pub fn parse(payload: &[u8]) -> Result<Self, Error> {
        let mut bits = BitReader::new(payload);
        let mut read = 16 + 24;
        bits.skip(13)?; // data rate
        let programs = bits.bits(3)? + 1;
        let mut first = None;
        for _ in 0..programs {
            let fscod = bits.bits(2)?;
            bits.skip(5 + 1 + 1 + 3)?; // bsid, reserved, asvc, bsmod
            let (acmod, lfe) = (bits.bits(3)?, bits.bits(1)?);
            bits.skip(3)?;
            let locations = if bits.bits(4)? > 0 {
                bits.bits(9)?
            } else {
                bits.skip(1)?;
                0
            };
            read += if locations > 0 { 32 } else { 24 };
            let channels = channels_of(acmod) + lfe + channels_at(locations);
            first = first.or(Some((fscod, channels)));
        }
        let rate = |fscod: u32| SAMPLE_RATES.get(fscod as usize).copied();
        let (sample_rate, channels) = first
            .and_then(|(fscod, channels)| Some((rate(fscod)?, channels)))
            .ok_or(Error::malformed("an E-AC-3 configuration (dec3): sampling frequency", 0))?;
        let joc_complexity = match (bits.skip(7), bits.flag(), bits.bits(8)) {
            (Ok(()), Ok(true), Ok(complexity)) => u8::try_from(complexity).unwrap_or(0),
            _ => 0,
        };
        // Nothing else is known to follow.
        let longest = (read / 8 + 8).min(payload.len());
        Ok(Self {
            record: Bytes::copy_from_slice(payload.get(..longest).unwrap_or_default()),
            sample_rate,
            channels,
            samples_per_frame: 6 * BLOCK,
            joc_complexity,
        })
    }

    /// Of the programs of an access unit of so many bytes.
    fn of_programs(first: &Program, others: &[Program], bytes: usize) -> Self {
        let programs = || std::iter::once(first).chain(others);
        let samples = first.blocks * BLOCK;
        let bit_rate = bytes as u64 * 8 * u64::from(first.head.sample_rate) / u64::from(samples.max(1));
        let mut record = BitWriter::default();
        record.put(u32::try_from((bit_rate + 500) / 1000).unwrap_or(u32::MAX).min(0x1fff), 13);
        // Eight at most: substreamid has three bits.
        record.put(u32::try_from(others.len()).unwrap_or(7) & 7, 3);
        for program in programs() {
            record.put(program.head.fscod, 2);
            record.put(program.head.bsid, 5);
            record.put(0, 2); // reserved, asvc
            record.put(program.head.bsmod, 3);
            record.put(program.head.acmod, 3);
            record.put(program.head.lfe, 1);
            record.put(0, 3);
            record.put(program.dependents, 4);
            match program.dependents {
                0 => record.put(0, 1),
                _ => record.put(program.locations, 9),
            }
        }
        let joc_complexity = programs().map(|program| program.joc_complexity).max().unwrap_or(0);
        if joc_complexity > 0 {
            record.put(1, 8);
            record.put(joc_complexity.into(), 8);
        }
        let head = &first.head;
        Self {
            record: record.bytes.into(),
            sample_rate: head.sample_rate,
            channels: channels_of(head.acmod) + head.lfe + channels_at(first.locations),
            samples_per_frame: samples,
            joc_complexity,
        }
    }
}

/// Which of the two a stream is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ac3Stream {
    /// AC-3 alone.
    Ac3(Ac3Config),
    /// E-AC-3, or AC-3 with dependent substreams of E-AC-3.
    Eac3(Eac3Config),
}

impl Ac3Stream {
    /// What the frames of one access unit say, all substreams included; `None` when it does not begin with a
    /// frame. A frame that is cut off or damaged ends the unit.
    pub fn parse(unit: &[u8]) -> Option<Self> {
        let mut programs: Vec<Program> = Vec::new();
        let mut bytes = 0;
        for frame in sync_frames(unit) {
            bytes += frame.len;
            match (frame.place, programs.last_mut()) {
                (Place::Independent(id), _) => match programs.iter_mut().find(|program| program.id == id) {
                    Some(program) => program.blocks += frame.blocks,
                    None => programs.push(Program::of(id, frame)),
                },
                (Place::Dependent(id), Some(program)) => program.add(id, &frame),
                (Place::Dependent(_), None) => return None,
            }
        }
        match programs.as_slice() {
            [only] if only.head.is_ac3() && only.dependents == 0 => {
                Some(Self::Ac3(Ac3Config::of_frame(&only.head)))
            }
            [first, others @ ..] => Some(Self::Eac3(Eac3Config::of_programs(first, others, bytes))),
            [] => None,
        }
    }

    /// A stream of which no frame has been seen, as far as the number of channels tells. A sampling frequency that
    /// is not one of AC-3's counts as 48 kHz.
    ///
    /// Decoders go by the frames; the record only has to name the right kind of stream.
    pub fn assumed(extended: bool, sample_rate: u32, channels: u32) -> Self {
        let (fscod, sample_rate) = match sample_rate {
            44_100 => (1, 44_100),
            32_000 => (2, 32_000),
            _ => (0, 48_000),
        };
        let (acmod, lfe) = match channels {
            1 => (1, 0),
            3 => (3, 0),
            4 => (6, 0),
            5 => (7, 0),
            6.. => (7, 1),
            _ => (2, 0),
        };
        let head = SyncFrame {
            len: 0,
            place: Place::Independent(0),
            fscod,
            bsid: if extended { 16 } else { 8 },
            bsmod: 0,
            acmod,
            lfe,
            bit_rate_code: if channels > 2 { 15 } else { 10 },
            sample_rate,
            blocks: 6,
            channel_map: 0,
            joc_complexity: 0,
        };
        if extended {
            // 640,000 bits per second.
            let bytes = 640_000 / 8 * 1536 / sample_rate as usize;
            Self::Eac3(Eac3Config::of_programs(&Program::of(0, head), &[], bytes))
        } else {
            Self::Ac3(Ac3Config::of_frame(&head))
        }
    }
}

/// Samples in an access unit of AC-3 or E-AC-3: those of its first substream. `None` when it does not begin with a
/// frame.
pub fn unit_samples(unit: &[u8]) -> Option<u32> {
    let of_first = |frame: &SyncFrame| matches!(frame.place, Place::Independent(0));
    let blocks: u32 = sync_frames(unit).filter(of_first).map(|frame| frame.blocks).sum();
    (blocks > 0).then_some(blocks * BLOCK)
}

fn sync_frames(unit: &[u8]) -> impl Iterator<Item = SyncFrame> {
    let mut rest = unit;
    let frames = std::iter::from_fn(move || {
        let frame = SyncFrame::parse(rest)?;
        rest = rest.get(frame.len..).unwrap_or_default();
        Some(frame)
    });
    frames.take(MAX_FRAMES)
}

/// An independent substream with those that depend on it.
struct Program {
    id: u32,
    head: SyncFrame,
    /// Blocks in all frames of the independent substream.
    blocks: u32,
    /// How many different substreams depend on it.
    dependents: u32,
    /// Their numbers, a bit each.
    seen: u32,
    /// `chan_loc`: what they add.
    locations: u32,
    joc_complexity: u8,
}

impl Program {
    const fn of(id: u32, head: SyncFrame) -> Self {
        let (blocks, joc_complexity) = (head.blocks, head.joc_complexity);
        Self { id, head, blocks, dependents: 0, seen: 0, locations: 0, joc_complexity }
    }

    fn add(&mut self, id: u32, frame: &SyncFrame) {
        self.seen |= 1 << (id & 7);
        self.dependents = self.seen.count_ones();
        self.locations |= locations_of(frame.channel_map);
        self.joc_complexity = self.joc_complexity.max(frame.joc_complexity);
    }
}

/// Channels at each place of `chan_loc` (table F.6.1), lowest bit first: Lc/Rc, Lrs/Rrs, Cs, Ts, Lsd/Rsd, Lw/Rw,
/// Lvh/Rvh, Cvh, LFE2.
const AT_PLACE: [u32; 9] = [2, 2, 1, 1, 2, 2, 2, 1, 1];

fn channels_at(locations: u32) -> u32 {
    AT_PLACE.iter().enumerate().map(|(bit, count)| (locations >> bit & 1) * count).sum()
}

/// `chan_loc` of a dependent substream's `chanmap` (table E.1.4), whose first bit is the highest: from Lc/Rc (5) to
/// Cvh (12), and LFE2 (14). The others replace channels of the independent substream.
fn locations_of(channel_map: u32) -> u32 {
    let from_lc = (0..8).filter(|place| channel_map >> (15 - 5 - place) & 1 == 1);
    from_lc.fold(0, |locations, place| locations | 1 << place) | (channel_map >> 1 & 1) << 8
}

/// Numbers put together bit by bit.
#[derive(Default)]
struct BitWriter {
    bytes: Vec<u8>,
    used: u32,
}

impl BitWriter {
    /// Adds the `count` lowest bits of `value`.
    fn put(&mut self, value: u32, count: u32) {
        for bit in (0..count).rev() {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= u8::from(value >> bit & 1 == 1) << (7 - self.used % 8);
            }
            self.used += 1;
        }
    }
}

#[cfg(test)]
mod tests;
