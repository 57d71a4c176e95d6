//! What only the first picture tells: parameter sets that are not in the index, or a codec's first header.

use super::Mp4File;
use crate::picture::{Framing, MAX_HEAD};
use crate::source::{ByteSource, Stop};
use crate::track::Codec;

impl Mp4File {
    /// Completes picture codecs out of the beginning of each such track's first sample.
    pub(super) fn learn_pictures(&mut self, src: &dyn ByteSource) -> Result<(), Stop> {
        for (track, table) in self.tracks.iter_mut().zip(&self.tables) {
            let Some(incomplete) = &table.incomplete else { continue };
            let Some(first) = table.first_sample() else { continue };
            let head = first.start..first.end.min(first.start.saturating_add(MAX_HEAD));
            match src.read(head) {
                Ok(sample) => {
                    if incomplete.complete(&sample, track) == Some(Framing::ByteStream) {
                        let reason = "samples that are byte streams (annex B), which MP4 does not allow";
                        track.codec = Codec::Unsupported { reason };
                    }
                }
                // Damage here is met again, and told, when the segment is made.
                Err(Stop::Fail(_)) => {}
                Err(need) => return Err(need),
            }
        }
        Ok(())
    }
}
