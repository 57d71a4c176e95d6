//! The sync frame: where it ends and what its bit stream information says (ETSI TS 102 366 4.3, 5.3, E.1.2).

use super::{BIT_RATES, SAMPLE_RATES};
use crate::error::Error;
use crate::reader::BitReader;

/// The largest `bsid` of AC-3; above it begins E-AC-3 (E.1.1), whose own is 16.
pub(super) const LAST_AC3: u32 = 10;
const LAST_EAC3: u32 = 16;

/// Channels without the low frequency one, by `acmod` (table 4.3).
pub(super) const fn channels_of(acmod: u32) -> u32 {
    match acmod {
        1 => 1,
        0 | 2 => 2,
        3 | 4 => 3,
        5 | 6 => 4,
        _ => 5,
    }
}

/// Which substream of an access unit a frame is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A program of its own, and its number.
    Independent(u32),
    /// More channels for the last independent one.
    Dependent(u32),
}

/// A frame's header. Fields keep the standard's names and codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SyncFrame {
    /// Bytes.
    pub(super) len: usize,
    pub(super) place: Place,
    pub(super) fscod: u32,
    pub(super) bsid: u32,
    pub(super) bsmod: u32,
    pub(super) acmod: u32,
    /// 1 with a low frequency channel, else 0.
    pub(super) lfe: u32,
    /// Of AC-3 only.
    pub(super) bit_rate_code: u32,
    pub(super) sample_rate: u32,
    /// Blocks of 256 samples.
    pub(super) blocks: u32,
    /// `chanmap` of a dependent substream, 0 when it has none.
    pub(super) channel_map: u32,
    /// `complexity_index_type_a`, 0 without objects.
    pub(super) joc_complexity: u8,
}

impl SyncFrame {
    /// The frame that begins `bytes`; `None` when none does.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let bsid = u32::from(*bytes.get(5)? >> 3);
        if bytes.get(..2)? != [0x0b, 0x77] {
            return None;
        }
        let mut bits = BitReader::new(bytes.get(2..)?);
        match bsid {
            0..=LAST_AC3 => Self::ac3(&mut bits).ok()?,
            11..=LAST_EAC3 => Self::eac3(&mut bits).ok()?,
            _ => None,
        }
    }

    pub(super) const fn is_ac3(&self) -> bool {
        self.bsid <= LAST_AC3
    }

    /// syncinfo and the beginning of bsi (4.3.1, 4.3.2).
    fn ac3(bits: &mut BitReader<'_>) -> Result<Option<Self>, Error> {
        bits.skip(16)?; // crc1
        let (fscod, size_code) = (bits.bits(2)?, bits.bits(6)?);
        let (bsid, bsmod, acmod) = (bits.bits(5)?, bits.bits(3)?, bits.bits(3)?);
        if acmod & 1 == 1 && acmod != 1 {
            bits.skip(2)?; // cmixlev
        }
        if acmod & 4 == 4 {
            bits.skip(2)?; // surmixlev
        }
        if acmod == 2 {
            bits.skip(2)?; // dsurmod
        }
        let lfe = bits.bits(1)?;
        let rate = SAMPLE_RATES.get(fscod as usize);
        let kilobits = BIT_RATES.get(size_code as usize / 2).copied().map(u32::from);
        let (Some(&rate), Some(kilobits)) = (rate, kilobits) else { return Ok(None) };
        // Words of 16 bits (table 4.13); at 44.1 kHz odd codes have one more.
        let words = kilobits * 96_000 / rate + if fscod == 1 { size_code & 1 } else { 0 };
        Ok(Some(Self {
            len: 2 * words as usize,
            place: Place::Independent(0),
            fscod,
            bsid,
            bsmod,
            acmod,
            lfe,
            bit_rate_code: size_code / 2,
            sample_rate: rate >> bsid.saturating_sub(8),
            blocks: 6,
            channel_map: 0,
            joc_complexity: 0,
        }))
    }

    /// The beginning of bsi (E.1.2.2).
    fn eac3(bits: &mut BitReader<'_>) -> Result<Option<Self>, Error> {
        let (kind, id, size) = (bits.bits(2)?, bits.bits(3)?, bits.bits(11)?);
        let fscod = bits.bits(2)?;
        let code = bits.bits(2)?;
        let (rate, block_code) = match SAMPLE_RATES.get(fscod as usize) {
            Some(rate) => (Some(*rate), code),
            // Half the frequency, and always six blocks.
            None => (SAMPLE_RATES.get(code as usize).map(|rate| rate / 2), 3),
        };
        let blocks = [1, 2, 3, 6].get(block_code as usize).copied().unwrap_or(6);
        let (acmod, lfe, bsid) = (bits.bits(3)?, bits.bits(1)?, bits.bits(5)?);
        let (Some(sample_rate), 0..=2) = (rate, kind) else { return Ok(None) };
        let mut frame = Self {
            len: 2 * (size as usize + 1),
            place: if kind == 1 { Place::Dependent(id) } else { Place::Independent(id) },
            fscod,
            bsid,
            bsmod: 0,
            acmod,
            lfe,
            bit_rate_code: 0,
            sample_rate,
            blocks,
            channel_map: 0,
            joc_complexity: 0,
        };
        // What follows is optional in every way.
        let _ = frame.rest_of_bsi(bits, kind);
        Ok(Some(frame))
    }

    /// The rest of bsi, of which three things are kept: `chanmap`, `bsmod`, and the objects in `addbsi`.
    fn rest_of_bsi(&mut self, bits: &mut BitReader<'_>, kind: u32) -> Result<(), Error> {
        let is_dual = self.acmod == 0;
        for _ in 0..=u32::from(is_dual) {
            bits.skip(5)?; // dialnorm
            skip_if(bits, 8)?; // compr
        }
        if kind == 1 && bits.flag()? {
            self.channel_map = bits.bits(16)?;
        }
        if bits.flag()? {
            self.skip_mixing(bits, kind)?;
        }
        if bits.flag()? {
            self.read_information(bits)?;
        }
        if kind == 0 && self.blocks != 6 {
            bits.skip(1)?; // convsync
        }
        // blkid is not stored with six blocks
        if kind == 2 && (self.blocks == 6 || bits.flag()?) {
            bits.skip(6)?; // frmsizecod
        }
        if bits.flag()? {
            // addbsi of 2 bytes or more: 7 reserved bits, flag_ec3_extension_type_a, the complexity
            let length = bits.bits(6)? + 1;
            if length >= 2 && bits.bits(8)? == 1 {
                self.joc_complexity = u8::try_from(bits.bits(8)?).unwrap_or(0);
            }
        }
        Ok(())
    }

    /// Mixing metadata (mixmdate).
    fn skip_mixing(&self, bits: &mut BitReader<'_>, kind: u32) -> Result<(), Error> {
        let acmod = self.acmod;
        if acmod > 2 {
            bits.skip(2)?; // dmixmod
        }
        if acmod & 1 == 1 && acmod > 2 {
            bits.skip(6)?; // ltrtcmixlev, lorocmixlev
        }
        if acmod & 4 == 4 {
            bits.skip(6)?; // ltrtsurmixlev, lorosurmixlev
        }
        if self.lfe == 1 {
            skip_if(bits, 5)?; // lfemixlevcod
        }
        if kind != 0 {
            return Ok(());
        }
        skip_if(bits, 6)?; // pgmscl
        if acmod == 0 {
            skip_if(bits, 6)?; // pgmscl2
        }
        skip_if(bits, 6)?; // extpgmscl
        match bits.bits(2)? {
            1 => bits.skip(5)?,
            2 => bits.skip(12)?,
            3 => {
                let bytes = bits.bits(5)? + 2;
                bits.skip(8 * bytes)?;
            }
            _ => {}
        }
        if acmod < 2 {
            skip_if(bits, 14)?; // panmean, paninfo
        }
        if acmod == 0 {
            skip_if(bits, 14)?; // of the second channel
        }
        if bits.flag()? {
            match self.blocks {
                1 => bits.skip(5)?,
                blocks => (0..blocks).try_for_each(|_| skip_if(bits, 5))?,
            }
        }
        Ok(())
    }

    /// Informational metadata (infomdate).
    fn read_information(&mut self, bits: &mut BitReader<'_>) -> Result<(), Error> {
        self.bsmod = bits.bits(3)?;
        bits.skip(2)?; // copyrightb, origbs
        if self.acmod == 2 {
            bits.skip(4)?; // dsurmod, dheadphonmod
        }
        if self.acmod >= 6 {
            bits.skip(2)?; // dsurexmod
        }
        skip_if(bits, 8)?; // mixlevel, roomtyp, adconvtyp
        if self.acmod == 0 {
            skip_if(bits, 8)?;
        }
        if self.fscod < 3 {
            bits.skip(1)?; // sourcefscod
        }
        Ok(())
    }
}

/// Skips `count` bits if the flag before them is set.
fn skip_if(bits: &mut BitReader<'_>, count: u32) -> Result<(), Error> {
    if bits.flag()? { bits.skip(count) } else { Ok(()) }
}
