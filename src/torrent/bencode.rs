//! A bounded bencode reader (BEP 3): borrows from its input, never recurses deeper than [`MAX_DEPTH`].

/// Deepest nesting that is read; a .torrent needs six.
const MAX_DEPTH: u32 = 32;
/// Most values in one document: a list of 100,000 files with their paths fits.
const MAX_VALUES: u32 = 2_000_000;

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// An integer that fits 64 bits.
    Integer(i64),
    /// A byte string.
    Bytes(&'a [u8]),
    /// A list.
    List(Vec<Self>),
    /// A dictionary, in the order of the document.
    Dictionary(Dictionary<'a>),
}

/// A dictionary's entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dictionary<'a>(Vec<Entry<'a>>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry<'a> {
    key: &'a [u8],
    value: Value<'a>,
    raw: &'a [u8],
}

/// Why bytes are not bencode that we read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum BencodeError {
    #[error("it ends too early")]
    Truncated,
    #[error("it is not bencode")]
    Malformed,
    #[error("it is nested too deeply or has too many values")]
    Limit,
    #[error("something follows its end")]
    Trailing,
}

impl<'a> Dictionary<'a> {
    fn entry(&self, key: &str) -> Option<&Entry<'a>> {
        self.0.iter().find(|entry| entry.key == key.as_bytes())
    }

    /// The value of `key`; the first one where a key is repeated.
    pub(super) fn get(&self, key: &str) -> Option<&Value<'a>> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The bytes `key`'s value is written in: what the infohash is made of.
    pub(super) fn raw(&self, key: &str) -> Option<&'a [u8]> {
        self.entry(key).map(|entry| entry.raw)
    }

    /// True when a key occurs twice: which of the two counts would depend on the reader.
    pub(super) fn has_repeated_keys(&self) -> bool {
        let mut keys: Vec<&[u8]> = self.0.iter().map(|entry| entry.key).collect();
        keys.sort_unstable();
        keys.windows(2).any(|pair| pair[0] == pair[1])
    }
}

impl<'a> Value<'a> {
    pub(super) fn bytes(&self) -> Option<&'a [u8]> {
        if let Self::Bytes(bytes) = self { Some(bytes) } else { None }
    }

    pub(super) fn integer(&self) -> Option<i64> {
        if let Self::Integer(integer) = self { Some(*integer) } else { None }
    }

    pub(super) fn list(&self) -> Option<&[Self]> {
        if let Self::List(list) = self { Some(list) } else { None }
    }

    pub(super) fn dictionary(&self) -> Option<&Dictionary<'a>> {
        if let Self::Dictionary(dictionary) = self { Some(dictionary) } else { None }
    }
}

/// Reads one value that fills `bytes`.
pub(super) fn parse(bytes: &[u8]) -> Result<Value<'_>, BencodeError> {
    let mut reader = Reader { bytes, position: 0, values: 0 };
    let value = reader.value(0)?;
    if reader.position < bytes.len() { Err(BencodeError::Trailing) } else { Ok(value) }
}

struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
    values: u32,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Result<u8, BencodeError> {
        self.bytes.get(self.position).copied().ok_or(BencodeError::Truncated)
    }

    fn value(&mut self, depth: u32) -> Result<Value<'a>, BencodeError> {
        self.values += 1;
        if depth > MAX_DEPTH || self.values > MAX_VALUES {
            return Err(BencodeError::Limit);
        }
        match self.peek()? {
            b'i' => {
                self.position += 1;
                self.number(b'e').map(Value::Integer)
            }
            b'l' => {
                self.position += 1;
                let mut list = Vec::new();
                while self.peek()? != b'e' {
                    list.push(self.value(depth + 1)?);
                }
                self.position += 1;
                Ok(Value::List(list))
            }
            b'd' => {
                self.position += 1;
                let mut entries = Vec::new();
                while self.peek()? != b'e' {
                    let key = self.string()?;
                    let start = self.position;
                    let value = self.value(depth + 1)?;
                    entries.push(Entry { key, value, raw: &self.bytes[start..self.position] });
                }
                self.position += 1;
                Ok(Value::Dictionary(Dictionary(entries)))
            }
            b'0'..=b'9' => self.string().map(Value::Bytes),
            _ => Err(BencodeError::Malformed),
        }
    }

    fn string(&mut self) -> Result<&'a [u8], BencodeError> {
        let length = usize::try_from(self.number(b':')?).map_err(|_| BencodeError::Malformed)?;
        let end = self.position.checked_add(length).ok_or(BencodeError::Truncated)?;
        let bytes = self.bytes.get(self.position..end).ok_or(BencodeError::Truncated)?;
        self.position = end;
        Ok(bytes)
    }

    /// A decimal number up to and including `end`.
    fn number(&mut self, end: u8) -> Result<i64, BencodeError> {
        // The longest 64-bit number has 20 characters: an endless row of digits is not searched through.
        let rest = &self.bytes[self.position..];
        let window = &rest[..rest.len().min(21)];
        let Some(length) = window.iter().position(|byte| !(byte.is_ascii_digit() || *byte == b'-')) else {
            return Err(if window.len() < 21 { BencodeError::Truncated } else { BencodeError::Malformed });
        };
        if window[length] != end {
            return Err(BencodeError::Malformed);
        }
        self.position += length + 1;
        let text = std::str::from_utf8(&window[..length]).map_err(|_| BencodeError::Malformed)?;
        text.parse().map_err(|_| BencodeError::Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_every_kind() {
        let value = parse(b"d1:ai-5e1:bl2:xy0:e1:cd1:d3:zzzee").unwrap();
        let dictionary = value.dictionary().unwrap();
        assert_eq!(dictionary.get("a").and_then(Value::integer), Some(-5));
        assert_eq!(dictionary.get("b").and_then(Value::list).map(<[_]>::len), Some(2));
        assert_eq!(dictionary.raw("c"), Some(&b"d1:d3:zzze"[..]));
        assert!(!dictionary.has_repeated_keys());
        assert!(parse(b"d1:ai1e1:ai2ee").unwrap().dictionary().unwrap().has_repeated_keys());
    }

    #[test]
    fn refuses_what_is_broken() {
        use BencodeError::*;
        for (bytes, error) in [
            (&b""[..], Truncated),
            (b"i5", Truncated),
            (b"5:abc", Truncated),
            (b"i99999999999999999999e", Malformed),
            (b"i+5e", Malformed),
            (b"-1:", Malformed),
            (b"99999999999999999999999999999999", Malformed),
            (b"9223372036854775807:", Truncated),
            (b"di1ei2ee", Malformed),
            (b"i5ei6e", Trailing),
            (b"x", Malformed),
        ] {
            assert_eq!(parse(bytes), Err(error), "{:?}", String::from_utf8_lossy(bytes));
        }
        assert_eq!(parse(&[b'l'; 100_000]), Err(Limit));
    }

    proptest! {
        #[test]
        fn survives_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn survives_almost_bencode(text in "[dlie0-9:a]{0,200}") {
            let _ = parse(text.as_bytes());
        }
    }
}
