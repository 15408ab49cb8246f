use std::fmt;

use base64::Engine as _;
use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::runtime;

/// Holds bytes that JSON writes as Base64: standard alphabet, with padding.
///
/// They are encoded straight into the body of a request, and decoded straight out of the body of a response, so that a
/// file is in memory once beside the body. `Debug` shows the size only.
///
/// ```
/// use skyflow_http::rest::Base64;
///
/// let content = Base64::from(b"Jane Doe".to_vec());
/// assert_eq!(serde_json::to_string(&content)?, r#""SmFuZSBEb2U=""#);
/// assert_eq!(serde_json::from_str::<Base64>(r#""SmFuZSBEb2U=""#)?, content);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Base64(Bytes);

impl Base64 {
    /// Returns the bytes.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl AsRef<[u8]> for Base64 {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Bytes> for Base64 {
    fn from(content: Bytes) -> Self {
        Self(content)
    }
}

impl From<Vec<u8>> for Base64 {
    fn from(content: Vec<u8>) -> Self {
        Self(content.into())
    }
}

impl fmt::Debug for Base64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Base64({} bytes)", self.0.len())
    }
}

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if runtime::counts(&self.0) {
            return serializer.serialize_str("");
        }
        serializer.collect_str(&Base64Display::new(&self.0, &STANDARD))
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Base64;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a Base64 string")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Base64, E> {
                // The cause would repeat a byte of the content.
                STANDARD.decode(text).map(Base64::from).map_err(|_| E::custom("invalid Base64"))
            }
        }

        deserializer.deserialize_str(Text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_come_back_as_they_were() {
        for length in 0..200_u8 {
            let content = Base64::from((0..length).collect::<Vec<u8>>());
            let json = serde_json::to_string(&content).unwrap();
            assert_eq!(serde_json::from_str::<Base64>(&json).unwrap(), content);
        }
        assert_eq!(serde_json::from_str::<Base64>(r#""SmFuZSBE\u0062w==""#).unwrap().as_ref(), b"Jane Do");
    }

    #[test]
    fn invalid_base64_is_rejected_and_not_repeated() {
        for text in [r#""SECRET!""#, r#""SmFuZQ""#, "7"] {
            let error = serde_json::from_str::<Base64>(text).unwrap_err();
            assert!(!error.to_string().contains("SECRET"), "{error}");
        }
    }

    #[test]
    fn debug_shows_the_size() {
        assert_eq!(format!("{:?}", Base64::from(b"secret".to_vec())), "Base64(6 bytes)");
    }
}
