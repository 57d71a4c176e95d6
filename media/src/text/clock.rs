//! Times as subtitle files write them: hours, minutes, seconds and a fraction.

use crate::time::Time90k;

/// What stands behind the seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fraction {
    /// A number of milliseconds, however many digits it has: players read SubRip so.
    Millis,
    /// Digits behind a decimal point.
    Decimal,
}

/// The longest time that is believed: 100 hours.
const MAX_MILLIS: i64 = 360_000_000;

/// Reads `[[h:]m:]s[,.:]fff`, with blanks between, as far as it is one; the rest of `text` is left alone.
pub(super) fn parse(text: &str, fraction: Fraction) -> Option<Time90k> {
    let mut fields: [i64; 3] = [0; 3];
    let mut count = 0;
    let mut rest = text.trim_start();
    let negative = rest.starts_with('-');
    rest = rest.trim_start_matches('-');
    loop {
        let (value, _, behind) = number(rest)?;
        // Three fields and no more: what follows them, even behind a colon, is the fraction.
        *fields.get_mut(count)? = value;
        count += 1;
        rest = behind.trim_start();
        match rest.strip_prefix(':') {
            Some(behind) if count < 3 => rest = behind.trim_start(),
            _ => break,
        }
    }
    if count < 2 {
        return None;
    }
    let [hours, minutes, seconds] = if count == 3 { fields } else { [0, fields[0], fields[1]] };
    let millis = rest
        .strip_prefix([',', '.', ':', ';'])
        .and_then(|behind| number(behind.trim_start()))
        .map_or(0, |(value, digits, _)| match (fraction, digits) {
            (Fraction::Decimal, 1) => value * 100,
            (Fraction::Decimal, 2) => value * 10,
            (_, 0..=3) => value,
            (_, digits) => value / 10_i64.saturating_pow(u32::try_from(digits - 3).unwrap_or(18)),
        });
    let total = hours.checked_mul(60)?.checked_add(minutes)?.checked_mul(60)?.checked_add(seconds)?;
    let total = total.checked_mul(1000)?.checked_add(millis)?;
    let total = if negative { -total } else { total };
    (total.abs() <= MAX_MILLIS).then_some(Time90k(total * 90))
}

/// The digits that `text` begins with: their value, how many they are, and what follows. At most 9.
fn number(text: &str) -> Option<(i64, usize, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if !(1..=9).contains(&digits) {
        return None;
    }
    let (number, rest) = text.split_at_checked(digits)?;
    Some((number.parse().ok()?, digits, rest))
}

/// A line `start --> end rest`.
pub(super) fn parse_line(line: &str, fraction: Fraction) -> Option<(Time90k, Time90k, &str)> {
    let (start, behind) = line.split_once("-->")?;
    let behind = behind.trim_start_matches(['>', ' ', '\t']);
    let end_len = behind.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(behind.len());
    let (end, settings) = behind.split_at_checked(end_len)?;
    Some((parse(start, fraction)?, parse(end, fraction)?, settings))
}

/// Milliseconds of a time, rounded to the nearest.
pub(super) const fn millis(time: Time90k) -> i64 {
    time.0.saturating_add(45).div_euclid(90)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(text: &str) -> Option<i64> {
        parse(text, Fraction::Millis).map(millis)
    }

    #[test]
    fn times_as_they_are_found() {
        assert_eq!(ms("00:01:02,345"), Some(62_345));
        assert_eq!(ms("0:1:2.345"), Some(62_345));
        assert_eq!(ms("01:02.345"), Some(62_345));
        assert_eq!(ms(" 00: 01: 02, 345 "), Some(62_345));
        assert_eq!(ms("00:01:02:345"), Some(62_345));
        assert_eq!(ms("00:01:02"), Some(62_000));
        assert_eq!(ms("00:00:02,5"), Some(2_005), "as players read it");
        assert_eq!(ms("00:00:02,5000"), Some(2_500));
        assert_eq!(ms("-00:00:02,500"), Some(-2_500));
        assert_eq!(parse("0:00:02.50", Fraction::Decimal), Some(Time90k(225_000)));
        for none in ["", "abc", "12", "1:", "1:2:", "999999999:00:00", "1234567890:00"] {
            assert_eq!(ms(none), None, "{none}");
        }
    }

    #[test]
    fn lines() {
        let line = |text| parse_line(text, Fraction::Millis).map(|(a, b, rest)| (millis(a), millis(b), rest));
        assert_eq!(line("00:00:01,000 --> 00:00:02,000"), Some((1000, 2000, "")));
        assert_eq!(line("00:00:01,000-->00:00:02,000  X1:1 X2:2"), Some((1000, 2000, "X1:1 X2:2")));
        assert_eq!(
            line("01:00.500 --> 01:02.000 align:start line:0"),
            Some((60_500, 62_000, "align:start line:0"))
        );
        assert_eq!(line("a --> b"), None);
    }
}
