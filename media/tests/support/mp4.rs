//! A writer of MP4 files (ISO/IEC 14496-12), with every freedom to write wrong ones.

use super::Rng;
use bytes::Bytes;
use std::ops::Range;

/// x264, High@4.0, 1920x1080, 24 fps, reorder 2, as a configuration record.
pub(crate) const AVC_CONFIG: &[u8] = &[
    1, 0x64, 0, 0x28, 0xff, 0xe1, 0, 27, 0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02, 0x27, 0xe5,
    0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xc0, 0x3c, 0x60, 0xc6, 0x58, 1, 0, 4,
    0x68, 0xee, 0x3c, 0x80,
];

/// AAC-LC, 48 kHz, stereo, as an `esds` payload.
const ESDS: &[u8] = &[
    0, 0, 0, 0, 3, 0x19, 0, 1, 0, 4, 0x11, 0x40, 0x15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 2, 0x11, 0x90, 6,
    1, 2,
];

/// A box.
pub(crate) fn boxed(kind: &[u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len() + 8);
    out.extend((payload.len() as u32 + 8).to_be_bytes());
    out.extend(kind);
    out.extend(payload);
    out
}

/// A box of boxes.
pub(crate) fn master(kind: &[u8; 4], children: &[Vec<u8>]) -> Vec<u8> {
    boxed(kind, &children.concat())
}

/// A full box of version 0 with these words.
pub(crate) fn table(kind: &[u8; 4], words: &[u32]) -> Vec<u8> {
    let mut payload = Vec::with_capacity(words.len() * 4 + 4);
    payload.extend([0; 4]);
    payload.extend(words.iter().flat_map(|word| word.to_be_bytes()));
    boxed(kind, &payload)
}

/// A full box with a count in front of `rows`.
pub(crate) fn counted(kind: &[u8; 4], width: usize, rows: &[u32]) -> Vec<u8> {
    let mut words = vec![(rows.len() / width) as u32];
    words.extend(rows);
    table(kind, &words)
}

/// A track as its boxes; `None` leaves a box out.
#[derive(Debug, Clone)]
pub(crate) struct Track {
    pub(crate) id: u32,
    pub(crate) timescale: u32,
    pub(crate) handler: [u8; 4],
    /// The `elst` box.
    pub(crate) edit: Option<Vec<u8>>,
    pub(crate) stsd: Vec<u8>,
    /// All of `stbl` but `stsd`.
    pub(crate) tables: Vec<Vec<u8>>,
}

impl Track {
    /// H.264 without samples.
    pub(crate) fn video(id: u32, timescale: u32, config: &[u8]) -> Self {
        let mut entry = vec![0; 78];
        entry[7] = 1;
        entry[24..28].copy_from_slice(&[0x07, 0x80, 0x04, 0x38]); // 1920x1080
        entry.extend(boxed(b"avcC", config));
        Self::new(id, timescale, *b"vide", boxed(b"avc1", &entry))
    }

    /// AAC without samples.
    pub(crate) fn audio(id: u32, timescale: u32) -> Self {
        let mut entry = vec![0; 28];
        entry[7] = 1;
        entry[17] = 2;
        entry[24..26].copy_from_slice(&48_000u16.to_be_bytes());
        entry.extend(boxed(b"esds", ESDS));
        Self::new(id, timescale, *b"soun", boxed(b"mp4a", &entry))
    }

    fn new(id: u32, timescale: u32, handler: [u8; 4], entry: Vec<u8>) -> Self {
        let stsd = [vec![0, 0, 0, 0, 0, 0, 0, 1], entry].concat();
        Self { id, timescale, handler, edit: None, stsd: boxed(b"stsd", &stsd), tables: Vec::new() }
    }

    /// Adds tables.
    pub(crate) fn with(mut self, tables: &[Vec<u8>]) -> Self {
        self.tables.extend_from_slice(tables);
        self
    }

    pub(crate) fn build(&self) -> Vec<u8> {
        let mut tkhd = vec![0; 84];
        tkhd[3] = 7;
        tkhd[12..16].copy_from_slice(&self.id.to_be_bytes());
        let mut mdhd = vec![0; 24];
        mdhd[12..16].copy_from_slice(&self.timescale.to_be_bytes());
        mdhd[20..22].copy_from_slice(&0x55c4u16.to_be_bytes()); // "und"
        let mut hdlr = vec![0; 25];
        hdlr[8..12].copy_from_slice(&self.handler);
        let stbl = [std::slice::from_ref(&self.stsd), &self.tables].concat();
        let here =
            boxed(b"dref", &[&[0, 0, 0, 0, 0, 0, 0, 1], boxed(b"url ", &[0, 0, 0, 1]).as_slice()].concat());
        let header = match &self.handler {
            b"vide" => boxed(b"vmhd", &[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
            _ => boxed(b"smhd", &[0; 8]),
        };
        let minf = master(b"minf", &[header, boxed(b"dinf", &here), master(b"stbl", &stbl)]);
        let mdia = master(b"mdia", &[boxed(b"mdhd", &mdhd), boxed(b"hdlr", &hdlr), minf]);
        let edit = self.edit.iter().map(|elst| boxed(b"edts", elst));
        let mut children = vec![boxed(b"tkhd", &tkhd)];
        children.extend(edit);
        children.push(mdia);
        master(b"trak", &children)
    }
}

/// `moov` with a movie timescale of 1,000.
pub(crate) fn moov(tracks: &[Vec<u8>]) -> Vec<u8> {
    moov_at(1000, tracks)
}

/// `moov` with that movie timescale.
pub(crate) fn moov_at(timescale: u32, tracks: &[Vec<u8>]) -> Vec<u8> {
    let mut mvhd = vec![0; 100];
    mvhd[12..16].copy_from_slice(&timescale.to_be_bytes());
    boxed(b"moov", &[boxed(b"mvhd", &mvhd), tracks.concat()].concat())
}

/// A file with its index first: `ftyp`, `moov`, and `mdat` that holds `media`.
///
/// `moov` is made by a function of the offset of `media`, which does not change its length.
pub(crate) fn file(moov: impl Fn(u32) -> Vec<u8>, media: &[u8]) -> Bytes {
    let ftyp = boxed(b"ftyp", b"isom\0\0\0\0isom");
    let offset = ftyp.len() + moov(0).len() + 8;
    [ftyp, moov(offset as u32), boxed(b"mdat", media)].concat().into()
}

/// A frame of sound in [`Film`], about 160 kbit/s.
const SOUND: u32 = 430;

/// A film at 24 pictures a second with AAC, as x264 and a muxer that interleaves every two pictures write it:
/// its composition offsets change with nearly every picture, and a key frame comes every 2 s.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Film {
    pub(crate) seconds: u32,
    /// Bytes of a picture, or a little less.
    pub(crate) picture: u32,
}

impl Film {
    fn pictures(self) -> u32 {
        self.seconds * 24
    }

    fn frames(self) -> u32 {
        (u64::from(self.seconds) * 48_000 / 1024) as u32
    }

    /// The pictures and the frames of sound of one chunk of each.
    fn chunk(self, chunk: u32) -> (Range<u32>, Range<u32>) {
        let sound =
            |chunk: u32| (u64::from(chunk) * 2 * u64::from(self.frames())) / u64::from(self.pictures());
        (chunk * 2..chunk * 2 + 2, sound(chunk) as u32..sound(chunk + 1) as u32)
    }

    fn picture_len(self, number: u32) -> u32 {
        self.picture - number % 97
    }

    fn sound_len(number: u32) -> u32 {
        SOUND - number % 97
    }

    /// The index, for media that begin at `base`; places beyond 2 GiB wrap, which an index alone does not mind.
    pub(crate) fn moov(self, base: u32) -> Vec<u8> {
        let (pictures, frames) = (self.pictures(), self.frames());
        let ctts = [1, 1024, 1, 2560, 1, 1024, 1, 0].repeat(pictures as usize / 4);
        let key: Vec<u32> = (0..pictures / 48).map(|group| group * 48 + 1).collect();
        let sizes = |count: u32, len: &dyn Fn(u32) -> u32| -> Vec<u32> {
            [0, count].into_iter().chain((0..count).map(len)).collect()
        };
        let (mut video_at, mut audio_at, mut stsc) = (Vec::new(), Vec::new(), Vec::new());
        let mut at = base;
        for chunk in 0..pictures / 2 {
            let (video, audio) = self.chunk(chunk);
            let held = audio.len() as u32;
            video_at.push(at);
            at = (at + video.map(|number| self.picture_len(number)).sum::<u32>()) & 0x7fff_ffff;
            audio_at.push(at);
            at = (at + audio.map(Self::sound_len).sum::<u32>()) & 0x7fff_ffff;
            if stsc.chunks(3).last().is_none_or(|row: &[u32]| row[1] != held) {
                stsc.extend([chunk + 1, held, 1]);
            }
        }
        let video = Track::video(1, 12_288, AVC_CONFIG).with(&[
            counted(b"stts", 2, &[pictures, 512]),
            counted(b"ctts", 2, &ctts),
            counted(b"stss", 1, &key),
            table(b"stsz", &sizes(pictures, &|number| self.picture_len(number))),
            counted(b"stsc", 3, &[1, 2, 1]),
            counted(b"stco", 1, &video_at),
        ]);
        let audio = Track::audio(2, 48_000).with(&[
            counted(b"stts", 2, &[frames, 1024]),
            table(b"stsz", &sizes(frames, &Self::sound_len)),
            counted(b"stsc", 3, &stsc),
            counted(b"stco", 1, &audio_at),
        ]);
        moov(&[video.build(), audio.build()])
    }

    /// The index of a file that ends with it, at its place in front.
    pub(crate) fn head(self) -> Vec<u8> {
        [boxed(b"ftyp", b"isom\0\0\0\0isom"), self.moov(1 << 24)].concat()
    }

    /// The whole file. Each picture is one NAL unit of noise.
    pub(crate) fn file(self) -> Bytes {
        let mut noise = Rng(1);
        let mut media = Vec::new();
        for chunk in 0..self.pictures() / 2 {
            let (video, audio) = self.chunk(chunk);
            for number in video {
                let len = self.picture_len(number);
                media.extend((len - 4).to_be_bytes());
                media.push(if number % 48 == 0 { 0x65 } else { 0x41 });
                media.extend((5..len).map(|_| noise.next() as u8 | 1));
            }
            for number in audio {
                media.extend((0..Self::sound_len(number)).map(|_| noise.next() as u8));
            }
        }
        file(|base| self.moov(base), &media)
    }
}
