//! Override blocks of ASS: `{\i1\an8\pos(10,20)}`.

/// What an override changes, as far as WebVTT can say it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::text) enum Action {
    /// On, off, or as the style has it.
    Italic(Option<bool>),
    /// The same.
    Bold(Option<bool>),
    /// The same.
    Underline(Option<bool>),
    /// `\an`: a key of the number pad.
    Key(u8),
    /// `\pos`, or where `\move` begins, in the script's pixels.
    Place(f64, f64),
    /// `\r`: back to the style.
    Reset,
    /// `\p`: what follows are commands to draw, or text again.
    Drawing(bool),
}

/// Tags in one block that are looked at.
const MAX_TAGS: usize = 256;

/// The actions of a block's inside. Comments, colours, fonts, karaoke and movement mean nothing here.
pub(in crate::text) fn parse(block: &str) -> Vec<Action> {
    let mut actions = Vec::new();
    let mut depth = 0usize;
    let mut from = None;
    let mut tags = 0;
    // A backslash in parentheses, as in `\t(0,500,\i1)`, belongs to the tag around it.
    for (at, c) in block.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '\\' if depth == 0 => {
                if let Some(from) = from.replace(at + 1) {
                    actions.extend(block.get(from..at).and_then(action));
                }
                tags += 1;
                if tags > MAX_TAGS {
                    return actions;
                }
            }
            _ => {}
        }
    }
    actions.extend(from.and_then(|from| block.get(from..)).and_then(action));
    actions
}

fn action(tag: &str) -> Option<Action> {
    let tag = tag.trim();
    // Longer names first: `\be`, `\bord`, `\blur` are no `\b`, `\pos` and `\pbo` no `\p`.
    if let Some(arguments) = tag.strip_prefix("pos").or_else(|| tag.strip_prefix("move")) {
        let mut numbers = arguments.trim_start().strip_prefix('(')?.trim_end_matches(')').split(',');
        let mut number = || numbers.next()?.trim().parse::<f64>().ok().filter(|number| number.is_finite());
        return Some(Action::Place(number()?, number()?));
    }
    if let Some(key) = tag.strip_prefix("an") {
        return key.trim().parse().ok().filter(|key| (1..=9).contains(key)).map(Action::Key);
    }
    let (name, value) = tag.split_at_checked(1)?;
    let value = value.trim();
    let number = || value.is_empty().then_some(None).or_else(|| value.parse::<i32>().ok().map(Some));
    Some(match name {
        "i" => Action::Italic(number()?.map(|number| number != 0)),
        // `\b700` is a weight.
        "b" => Action::Bold(number()?.map(|number| number == 1 || number >= 600)),
        "u" => Action::Underline(number()?.map(|number| number != 0)),
        "p" => Action::Drawing(number()?.is_some_and(|scale| scale > 0)),
        // `\a` of SSA: 1 to 3 at the bottom, 4 more at the top, 8 more in the middle.
        "a" => Action::Key(super::key_of_ssa(value.parse().ok()?)?),
        "r" => Action::Reset,
        _ => return None,
    })
}
