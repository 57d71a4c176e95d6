//! A report as text for people.

use super::{IndexState, Report, TrackReport};
use std::fmt;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.container)?;
        if let Some(duration) = self.duration {
            write!(f, ", {}", Clock(duration))?;
        }
        writeln!(f)?;
        let mut rows = vec![["track", "kind", "codec", "language", "details"].map(str::to_owned)];
        rows.extend(self.tracks.iter().map(TrackReport::row));
        write_table(f, &rows)?;
        if !self.chapters.is_empty() {
            writeln!(f, "chapters:")?;
        }
        for chapter in &self.chapters {
            writeln!(f, "  {}  {}", Clock(chapter.start), harmless(chapter.title.as_deref().unwrap_or("")))?;
        }
        if !self.attachments.is_empty() {
            writeln!(f, "attachments:")?;
        }
        for attachment in &self.attachments {
            let (name, mime) = (harmless(&attachment.name), harmless(&attachment.mime));
            writeln!(f, "  {name}  {mime}, {} bytes", attachment.size)?;
        }
        match self.index {
            IndexState::Complete => {}
            IndexState::Scanning(progress) => {
                writeln!(f, "index: being made, {:.0} % done", progress * 100.0)?;
            }
            IndexState::Missing => writeln!(f, "index: missing; it is made when the file is played")?,
        }
        self.write_hls(f)
    }
}

impl Report {
    fn write_hls(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hls = &self.hls;
        if let Some(reason) = &hls.reason {
            return writeln!(f, "HLS: not possible: {reason}");
        }
        let container = if hls.container == Some("fmp4") { "fragmented MP4" } else { "MPEG-TS" };
        let (count, target) = (hls.segments.len(), hls.target_duration.unwrap_or(0));
        writeln!(f, "HLS: {container}, {count} segments of at most {target} s")?;
        if let Some(reason) = hls.silence {
            writeln!(f, "no sound: {reason}")?;
        }
        let rows = hls.renditions.iter().map(|rendition| {
            let tracks: Vec<String> = rendition.tracks.iter().map(ToString::to_string).collect();
            [rendition.uri.clone(), rendition.kind.to_owned(), tracks.join("+")]
        });
        let heading = ["playlist", "kind", "tracks"].map(str::to_owned);
        write_table(f, &[heading].into_iter().chain(rows).collect::<Vec<_>>())
    }
}

/// Columns as wide as their widest cell, two blanks apart; the last one has no end.
fn write_table<const COLUMNS: usize>(f: &mut fmt::Formatter<'_>, rows: &[[String; COLUMNS]]) -> fmt::Result {
    let mut widths = [0; COLUMNS];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for row in rows {
        let mut line = String::new();
        for (width, cell) in widths.iter().zip(row) {
            line.push_str("  ");
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width - cell.chars().count()));
        }
        writeln!(f, "{}", line.trim_end())?;
    }
    Ok(())
}

impl TrackReport {
    fn row(&self) -> [String; 5] {
        [
            self.id.to_string(),
            self.kind.to_owned(),
            harmless(&self.codec),
            harmless(self.language.as_deref().unwrap_or("-")),
            self.details().join(", "),
        ]
    }

    fn details(&self) -> Vec<String> {
        let mut details: Vec<String> = Vec::new();
        if let Some(name) = &self.name {
            details.push(format!("\u{201c}{}\u{201d}", harmless(name)));
        }
        if let (Some(width), Some(height)) = (self.width, self.height) {
            details.push(format!("{width}x{height}"));
        }
        if let Some((width, height)) = self.pixel_aspect {
            details.push(format!("pixels {width}:{height}"));
        }
        if let Some(degrees) = self.rotation {
            details.push(format!("turned by {degrees}\u{b0}"));
        }
        if let Some(rate) = self.frame_rate {
            let rate = format!("{rate:.3}");
            details.push(format!("{} fps", rate.trim_end_matches('0').trim_end_matches('.')));
        }
        if let Some(rate) = self.sample_rate {
            details.push(format!("{rate} Hz"));
        }
        if let Some(channels) = self.channels {
            details.push(match channels {
                1 => "mono".to_owned(),
                2 => "stereo".to_owned(),
                6 => "5.1".to_owned(),
                8 => "7.1".to_owned(),
                channels => format!("{channels} channels"),
            });
        }
        if let Some(bits) = self.bit_depth {
            details.push(format!("{bits} bit"));
        }
        if let Some(colour) = self.colour.filter(|colour| colour.range != "SDR") {
            details.push(format!("HDR ({})", colour.range));
        }
        if let Some(dolby) = self.dolby_vision {
            details.push(format!("Dolby Vision {}.{}", dolby.profile, dolby.compatibility));
        }
        let flags = [
            (self.atmos, "Atmos"),
            (self.default, "default"),
            (self.forced, "forced"),
            (self.hearing_impaired, "for the hard of hearing"),
            (self.visual_impaired, "with pictures described"),
            (self.commentary, "commentary"),
            (self.original, "original language"),
        ];
        details.extend(flags.iter().filter(|(set, _)| *set).map(|(_, text)| (*text).to_owned()));
        details.extend(self.reason.map(|reason| format!("not in HLS: {reason}")));
        details
    }
}

/// Texts come out of the file: nothing of them may steer a terminal.
fn harmless(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.replace(steers, "?")
}

/// Seconds as h:mm:ss.mmm.
struct Clock(f64);

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Rounded once, so that no part of it is ever 60.
        let millis = (self.0.max(0.0) * 1000.0).round();
        let (minutes, seconds) = ((millis / 60_000.0).floor(), millis % 60_000.0 / 1000.0);
        write!(f, "{}:{:02}:{seconds:06.3}", (minutes / 60.0).floor(), minutes % 60.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(Clock(0.0).to_string(), "0:00:00.000");
        assert_eq!(Clock(3661.5).to_string(), "1:01:01.500");
        assert_eq!(Clock(59.9999).to_string(), "0:01:00.000");
    }

    #[test]
    fn nothing_steers_a_terminal() {
        assert_eq!(harmless("a\u{1b}[2Jb\u{202e}c"), "a?[2Jb?c");
    }
}
