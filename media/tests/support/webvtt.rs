//! A strict reader of WebVTT segments: whatever breaks a rule of the format is refused.

/// A cue as it is written; times in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VttCue {
    pub(crate) id: String,
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) settings: String,
    pub(crate) text: String,
}

/// The cues of an HLS segment (WebVTT 4.1, RFC 8216 3.5).
pub(crate) fn segment(text: &str) -> Result<Vec<VttCue>, String> {
    let header = "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:900000\n\n";
    cues(text.strip_prefix(header).ok_or("the header")?)
}

/// The cues of a file without an X-TIMESTAMP-MAP.
pub(crate) fn file(text: &str) -> Result<Vec<VttCue>, String> {
    cues(text.strip_prefix("WEBVTT\n\n").ok_or("the header")?)
}

fn cues(text: &str) -> Result<Vec<VttCue>, String> {
    let body = text.strip_suffix("\n\n").map_or(text, |body| body);
    if body.is_empty() {
        return Ok(Vec::new());
    }
    let cues: Vec<VttCue> = body.split("\n\n").map(cue).collect::<Result<_, _>>()?;
    if !cues.windows(2).all(|pair| pair[0].start <= pair[1].start) {
        return Err("cues are not in order".into());
    }
    let mut ids: Vec<&str> = cues.iter().map(|cue| cue.id.as_str()).collect();
    ids.sort_unstable();
    if ids.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err("two cues of one identifier".into());
    }
    Ok(cues)
}

fn cue(block: &str) -> Result<VttCue, String> {
    let fault = |what: &str| format!("{what}: {block:?}");
    if block.chars().any(|c| c.is_control() && c != '\n') || block.contains('\u{feff}') {
        return Err(fault("a control character"));
    }
    let (id, rest) = block.split_once('\n').ok_or_else(|| fault("no times"))?;
    let (times, text) = rest.split_once('\n').ok_or_else(|| fault("no text"))?;
    let (start, rest) = times.split_once(" --> ").ok_or_else(|| fault("no arrow"))?;
    let (end, settings) = rest.split_once(' ').unwrap_or((rest, ""));
    let (start, end) = (time(start).ok_or_else(|| fault("start"))?, time(end).ok_or_else(|| fault("end"))?);
    if start >= end || id.is_empty() || id.contains("-->") {
        return Err(fault("an end before its start, or a bad identifier"));
    }
    if !settings.is_empty() && !settings.split(' ').all(is_setting) {
        return Err(fault("settings"));
    }
    payload(text).map_err(|what| fault(&what))?;
    Ok(VttCue { id: id.into(), start, end, settings: settings.into(), text: text.into() })
}

fn time(text: &str) -> Option<u64> {
    let (hours, rest) = text.split_once(':')?;
    let (minutes, rest) = rest.split_once(':')?;
    let (seconds, millis) = rest.split_once('.')?;
    let number = |digits: &str, length: usize| {
        (digits.len() == length && digits.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| digits.parse::<u64>().ok())?
    };
    let hours = number(hours, hours.len().max(2))?;
    let (minutes, seconds, millis) = (number(minutes, 2)?, number(seconds, 2)?, number(millis, 3)?);
    (minutes < 60 && seconds < 60).then_some(((hours * 60 + minutes) * 60 + seconds) * 1000 + millis)
}

fn is_setting(setting: &str) -> bool {
    let Some((name, value)) = setting.split_once(':') else { return false };
    let percent = |text: &str| {
        let number = text.strip_suffix('%').and_then(|number| number.parse::<f64>().ok());
        number.is_some_and(|number| (0.0..=100.0).contains(&number))
    };
    let (place, side) = value.split_once(',').map_or((value, None), |(place, side)| (place, Some(side)));
    match name {
        "vertical" => matches!(value, "rl" | "lr"),
        "line" => {
            (percent(place) || place.parse::<i32>().is_ok())
                && side.is_none_or(|side| matches!(side, "start" | "center" | "end"))
        }
        "position" => {
            percent(place) && side.is_none_or(|side| matches!(side, "line-left" | "center" | "line-right"))
        }
        "size" => percent(value),
        "align" => matches!(value, "start" | "center" | "end" | "left" | "right"),
        _ => false,
    }
}

/// Cue text (4.2.2): known tags, well nested, everything else escaped, no empty line.
fn payload(text: &str) -> Result<(), String> {
    if text.is_empty() || text.split('\n').any(str::is_empty) || text.contains("-->") {
        return Err("an empty line, or an arrow".into());
    }
    let mut open: Vec<&str> = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['<', '>', '&']) {
        rest = &rest[at..];
        if rest.starts_with('&') {
            let entity = ["&amp;", "&lt;", "&gt;", "&lrm;", "&rlm;", "&nbsp;"];
            let entity = entity.into_iter().find(|entity| rest.starts_with(entity));
            rest = &rest[entity.ok_or("an ampersand")?.len()..];
            continue;
        }
        let end = rest.find('>').ok_or("a tag without an end")?;
        let tag = rest[..end].strip_prefix('<').ok_or("a stray >")?;
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name) {
                return Err(format!("</{name}> closes nothing"));
            }
            continue;
        }
        let (head, annotation) = tag.split_once(' ').unwrap_or((tag, ""));
        let name = head.split('.').next().unwrap_or(head);
        let needs_annotation = matches!(name, "v" | "lang");
        let is_known = matches!(name, "b" | "i" | "u" | "c" | "ruby") || needs_annotation;
        let is_rt = name == "rt" && open.contains(&"ruby");
        if !(is_known || is_rt) || needs_annotation == annotation.is_empty() {
            return Err(format!("<{tag}>"));
        }
        open.push(name);
    }
    if open.is_empty() { Ok(()) } else { Err(format!("{open:?} stay open")) }
}
