use std::fmt;

use zeroize::Zeroizing;

/// A key, a token, an assertion: text that opens a door.
///
/// It has no `Display`, its `Debug` shows nothing, not even the length, and its memory is wiped when the last copy
/// is dropped. [`Secret::expose`] is the one way to the text.
#[derive(Clone)]
pub struct Secret(Zeroizing<Box<str>>);

impl Secret {
    /// Wraps a secret text.
    ///
    /// The text is copied once and the buffer that was passed in is wiped.
    pub fn new(text: impl Into<String>) -> Self {
        let text = Zeroizing::new(text.into());
        Self(Zeroizing::new(Box::from(text.as_str())))
    }

    /// Returns the text itself; keep it out of logs and errors.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret([REDACTED])")
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl PartialEq for Secret {
    /// Compares in a time that depends on the lengths only.
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (self.0.as_bytes(), other.0.as_bytes());
        a.len() == b.len() && a.iter().zip(b).fold(0, |diff, (x, y)| diff | (x ^ y)) == 0
    }
}

impl Eq for Secret {}

impl<'de> serde::Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_neither_text_nor_length() {
        let (short, long) = (Secret::new("a"), Secret::new("a much longer secret"));
        assert_eq!(format!("{short:?}"), format!("{long:?}"));
        assert!(!format!("{long:#?}").contains("longer"));
    }

    #[test]
    fn secrets_compare_by_content() {
        assert_eq!(Secret::new("same"), Secret::from("same"));
        assert_ne!(Secret::new("same"), Secret::new("samE"));
        assert_ne!(Secret::new("same"), Secret::new("same2"));
    }
}
