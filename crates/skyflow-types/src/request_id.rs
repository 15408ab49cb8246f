use std::fmt;

use serde::{Serialize, Serializer};

/// The `x-request-id` of an answer: what Skyflow's support asks for.
///
/// It is read from the answer and never made up. Bytes outside printable ASCII are replaced by `?` and the text is
/// cut at 128 characters, so that it is safe to log.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RequestId(Box<str>);

impl Serialize for RequestId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl RequestId {
    /// The name of the header that carries it.
    pub const HEADER: &'static str = "x-request-id";

    /// Reads the bytes of a header value; `None` when nothing is left of it.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let text: String = bytes
            .trim_ascii()
            .iter()
            .take(128)
            .map(|&b| if b.is_ascii_graphic() || b == b' ' { char::from(b) } else { '?' })
            .collect();
        (!text.is_empty()).then(|| Self(text.into_boxed_str()))
    }

    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_or_hostile_ids_are_absent_or_harmless() {
        assert_eq!(RequestId::from_bytes(b""), None);
        assert_eq!(RequestId::from_bytes(b"  "), None);
        assert_eq!(RequestId::from_bytes(b" req-1 ").unwrap().as_str(), "req-1");
        assert_eq!(RequestId::from_bytes("ü\r\nx".as_bytes()).unwrap().as_str(), "????x");
        assert_eq!(RequestId::from_bytes(&[b'a'; 1000]).unwrap().as_str().len(), 128);
    }
}
