//! Where a cue is shown (WebVTT 6.3.1).

/// Hundredths of a percent, at most 10,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percent(pub u16);

impl Percent {
    /// `part` of `whole`, kept between 0 and 100 %; `None` when `whole` is not above 0.
    pub(super) fn of(part: f64, whole: f64) -> Option<Self> {
        let percent = part / whole * 100.0;
        (whole > 0.0 && percent.is_finite()).then(|| Self::from_f64(percent))
    }

    /// Percent, kept between 0 and 100.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=10,000")]
    pub(super) fn from_f64(percent: f64) -> Self {
        Self((percent.clamp(0.0, 100.0) * 100.0).round() as u16)
    }

    /// Reads `12.5%`.
    fn parse(text: &str) -> Option<Self> {
        let number = text.strip_suffix('%')?;
        let plain = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let percent: f64 = number.parse().ok().filter(|_| plain)?;
        (0.0..=100.0).contains(&percent).then(|| Self::from_f64(percent))
    }
}

/// Which line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Line {
    /// Counted from the top from 0, or from the bottom from -1.
    Number(i16),
    /// So far from the top.
    Percent(Percent),
}

/// How text is aligned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names of the format")]
pub enum Align {
    Start,
    Center,
    End,
    Left,
    Right,
}

/// Settings of a cue; `None` means the format's default: centred at the bottom.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Settings {
    /// Vertical writing: `rl` or `lr`.
    pub vertical: Option<&'static str>,
    /// The line, with the alignment of the box to it.
    pub line: Option<(Line, Option<&'static str>)>,
    /// How far from the left, with the alignment of the box to it.
    pub position: Option<(Percent, Option<&'static str>)>,
    /// How wide.
    pub size: Option<Percent>,
    /// How text is aligned.
    pub align: Option<Align>,
}

impl Settings {
    /// Reads the settings behind a cue's times; what is not understood is left out, regions are.
    pub(super) fn parse(text: &str) -> Self {
        let mut this = Self::default();
        for setting in text.split_ascii_whitespace() {
            let Some((name, value)) = setting.split_once(':') else { continue };
            match name {
                "vertical" => this.vertical = one_of(value, &["rl", "lr"]).or(this.vertical),
                "line" => this.line = line(value).or(this.line),
                "position" => this.position = position(value).or(this.position),
                "size" => this.size = Percent::parse(value).or(this.size),
                "align" => this.align = align(value).or(this.align),
                _ => {}
            }
        }
        this
    }

    /// Where the number of a keypad is on the screen, as ASS and the `{\an8}` of SRT have it: 1 is at the bottom
    /// left, 9 at the top right.
    pub(super) fn at_key(key: u8) -> Self {
        let align = match key % 3 {
            1 => Some(Align::Start),
            0 => Some(Align::End),
            _ => None,
        };
        let line = match key {
            4..=6 => Some(Line::Percent(Percent(4_500))),
            7..=9 => Some(Line::Number(0)),
            _ => None,
        };
        Self { line: line.map(|line| (line, None)), align, ..Self::default() }
    }
}

fn one_of(value: &str, names: &[&'static str]) -> Option<&'static str> {
    names.iter().copied().find(|name| *name == value)
}

fn line(value: &str) -> Option<(Line, Option<&'static str>)> {
    let (place, side) = value.split_once(',').map_or((value, None), |(place, side)| (place, Some(side)));
    let side = side.map(|side| one_of(side, &["start", "center", "end"]));
    let place = match Percent::parse(place) {
        Some(percent) => Line::Percent(percent),
        None => Line::Number(place.parse::<f32>().ok().filter(|line| line.abs() < 1000.0).map(whole)?),
    };
    Some((place, side.flatten()))
}

#[expect(clippy::cast_possible_truncation, reason = "below 1,000")]
fn whole(line: f32) -> i16 {
    line as i16
}

fn position(value: &str) -> Option<(Percent, Option<&'static str>)> {
    let (place, side) = value.split_once(',').map_or((value, None), |(place, side)| (place, Some(side)));
    let side = side.and_then(|side| one_of(side, &["line-left", "center", "line-right"]));
    Some((Percent::parse(place)?, side))
}

fn align(value: &str) -> Option<Align> {
    Some(match value {
        "start" => Align::Start,
        // "middle" was the name in drafts.
        "center" | "middle" => Align::Center,
        "end" => Align::End,
        "left" => Align::Left,
        "right" => Align::Right,
        _ => return None,
    })
}
