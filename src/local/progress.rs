//! How far work on a local file has come, for people.

use std::fmt::Write as _;
use std::io::Write;
use std::time::{Duration, Instant};

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The file is looked through for an index.
    Index,
    /// The presentation is written.
    Write,
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub stage: Stage,
    /// Of `total`.
    pub done: u64,
    /// More than 0 as soon as there is anything to do.
    pub total: u64,
    /// Bytes read or written so far.
    pub bytes: u64,
}

/// Cells of the bar.
const WIDTH: u64 = 25;
/// How often a terminal is written to at most.
const EVERY: Duration = Duration::from_millis(100);

/// Shows progress on one line of a terminal; elsewhere as a line for each tenth.
pub struct Bar<W: Write> {
    out: W,
    terminal: bool,
    stage: Option<(Stage, Instant)>,
    shown: Option<Instant>,
    tenths: u64,
}

impl<W: Write> Bar<W> {
    /// A bar on `out`, which may be a terminal.
    pub const fn new(out: W, terminal: bool) -> Self {
        Self { out, terminal, stage: None, shown: None, tenths: 0 }
    }

    /// Shows `progress`; what cannot be written is not shown.
    pub fn show(&mut self, progress: &Progress) {
        let started = match self.stage {
            Some((stage, started)) if stage == progress.stage => started,
            _ => {
                self.end();
                let now = Instant::now();
                self.stage = Some((progress.stage, now));
                (self.shown, self.tenths) = (None, 0);
                now
            }
        };
        let is_last = progress.done >= progress.total;
        if self.terminal {
            if is_last || self.shown.is_none_or(|shown| shown.elapsed() >= EVERY) {
                self.shown = Some(Instant::now());
                let _ = write!(self.out, "\r\x1b[K{}", line(progress, started.elapsed(), true));
                let _ = self.out.flush();
            }
        } else {
            let tenths = progress.done.saturating_mul(10) / progress.total.max(1);
            if tenths > self.tenths {
                self.tenths = tenths;
                let _ = writeln!(self.out, "{}", line(progress, started.elapsed(), false));
            }
        }
    }

    /// Ends the line.
    pub fn end(&mut self) {
        if self.terminal && self.shown.take().is_some() {
            let _ = writeln!(self.out);
        }
        self.stage = None;
    }
}

impl<W: Write> Drop for Bar<W> {
    fn drop(&mut self) {
        self.end();
    }
}

#[expect(clippy::cast_precision_loss, reason = "for showing")]
fn line(progress: &Progress, elapsed: Duration, bar: bool) -> String {
    let (done, total) = (progress.done.min(progress.total), progress.total.max(1));
    let what = match progress.stage {
        Stage::Index => "making an index",
        Stage::Write => "writing",
    };
    let mut line = String::from(what);
    if bar {
        let filled = usize::try_from(done.saturating_mul(WIDTH) / total).unwrap_or(0);
        let empty = usize::try_from(WIDTH).unwrap_or(0).saturating_sub(filled);
        let _ = write!(line, " [{}{}]", "#".repeat(filled), " ".repeat(empty));
    }
    let _ = write!(line, " {} %", done.saturating_mul(100) / total);
    let seconds = elapsed.as_secs_f64();
    if seconds >= 0.5 && done > 0 {
        let _ = write!(line, ", {:.1} MB/s", progress.bytes as f64 / seconds / 1e6);
        let left = seconds / done as f64 * (total - done) as f64;
        let _ = write!(line, ", {:.0}:{:02.0} left", (left / 60.0).floor(), (left % 60.0).floor());
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(done: u64) -> Progress {
        Progress { stage: Stage::Write, done, total: 200, bytes: done * 1_000_000 }
    }

    #[test]
    fn lines() {
        assert_eq!(line(&at(0), Duration::ZERO, false), "writing 0 %");
        let middle = line(&at(50), Duration::from_secs(25), true);
        assert_eq!(
            middle,
            format!("writing [{}{}] 25 %, 2.0 MB/s, 1:15 left", "#".repeat(6), " ".repeat(19))
        );
        assert!(line(&at(300), Duration::from_secs(1), true).contains("] 100 %"));
    }

    #[test]
    fn outside_of_a_terminal_a_line_for_each_tenth() {
        let mut out = Vec::new();
        let mut bar = Bar::new(&mut out, false);
        for done in 1..=200 {
            bar.show(&at(done));
        }
        drop(bar);
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.lines().count(), 10, "{text}");
        assert!(!text.contains('\r') && text.lines().last().unwrap().starts_with("writing 100 %"));
    }
}
