//! The identifiers of vaults, connections, clusters and requests.

use std::fmt;
use std::sync::Arc;

/// Reports an identifier that cannot be used; the rejected text is not repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {problem}")]
pub struct InvalidId {
    field: &'static str,
    problem: &'static str,
}

impl InvalidId {
    /// Returns the name of the field that was refused, such as `cluster_id`.
    pub fn field(&self) -> &'static str {
        self.field
    }

    /// Returns the violated rule, without the field's name.
    pub fn problem(&self) -> &'static str {
        self.problem
    }
}

/// Identifies a vault.
///
/// Skyflow's own ids have 32 characters; any text without white space or control characters is accepted, because
/// the id is percent-encoded where it enters a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VaultId(Box<str>);

impl VaultId {
    /// Checks and wraps a vault id.
    ///
    /// # Errors
    ///
    /// Fails when the id is empty or holds white space or control characters.
    pub fn new(id: impl AsRef<str>) -> Result<Self, InvalidId> {
        checked("vault_id", id.as_ref()).map(Self)
    }

    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Identifies a connection.
///
/// It is the name under which a client finds the connection again; only its URL is sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(Box<str>);

impl ConnectionId {
    /// Checks and wraps a connection id.
    ///
    /// # Errors
    ///
    /// Fails when the id is empty or holds white space or control characters.
    pub fn new(id: impl AsRef<str>) -> Result<Self, InvalidId> {
        checked("connection_id", id.as_ref()).map(Self)
    }

    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn checked(field: &'static str, id: &str) -> Result<Box<str>, InvalidId> {
    let problem = if id.is_empty() {
        "must not be empty"
    } else if id.chars().any(|c| c.is_whitespace() || c.is_control()) {
        "must not contain white space or control characters"
    } else {
        return Ok(id.into());
    };
    Err(InvalidId { field, problem })
}

/// Identifies the cluster that serves a vault: the first label of the vault's URL.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClusterId(Box<str>);

impl ClusterId {
    /// Checks and wraps a cluster id.
    ///
    /// # Errors
    ///
    /// Fails unless the id is one DNS label: 1 to 63 ASCII letters, digits or hyphens, with no hyphen at either
    /// end. Anything else could change the host that a request is sent to.
    pub fn new(id: impl AsRef<str>) -> Result<Self, InvalidId> {
        let id = id.as_ref();
        let problem = if id.is_empty() {
            "must not be empty"
        } else if id.len() > 63
            || id.starts_with('-')
            || id.ends_with('-')
            || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        {
            "must be one DNS label (letters, digits and inner hyphens, at most 63)"
        } else {
            return Ok(Self(id.to_ascii_lowercase().into_boxed_str()));
        };
        Err(InvalidId { field: "cluster_id", problem })
    }

    /// Returns the id as text, in lowercase.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An id is written as its text, and read with the check of its `new`.
macro_rules! id_as_text {
    ($($type:ident),+) => {$(
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $type {
            type Err = InvalidId;

            fn from_str(id: &str) -> Result<Self, InvalidId> {
                Self::new(id)
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let id = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Self::new(id).map_err(serde::de::Error::custom)
            }
        }
    )+};
}

id_as_text!(VaultId, ConnectionId, ClusterId);

/// The `x-request-id` of a response, which Skyflow's support needs.
///
/// It is read from the response and never made up. Bytes outside printable ASCII are replaced by `?` and the text is
/// cut at 128 characters, so that it is safe to log. Clones share it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RequestId(Arc<str>);

impl serde::Serialize for RequestId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl RequestId {
    /// The name of the header that carries it.
    pub const HEADER: &'static str = "x-request-id";

    /// Reads the bytes of a header value; `None` when it is blank.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.trim_ascii();
        let bytes = bytes.get(..128).unwrap_or(bytes);
        let is_shown = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
        let shown = |&byte: &u8| if is_shown(byte) { char::from(byte) } else { '?' };
        let text: Arc<str> = match std::str::from_utf8(bytes) {
            Ok(text) if text.bytes().all(is_shown) => text.into(),
            _ => bytes.iter().map(shown).collect::<String>().into(),
        };
        (!text.is_empty()).then_some(Self(text))
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
    fn cluster_id_is_exactly_one_dns_label() {
        assert_eq!(ClusterId::new("ebFC9bee4242").unwrap().as_str(), "ebfc9bee4242");
        let too_long = "a".repeat(64);
        for bad in ["", " ", "a.b", "a/b", "localhost:8443", "-a", "a-", "a b", "ä", "a@b", "a#", &too_long]
        {
            assert_eq!(ClusterId::new(bad).unwrap_err().field(), "cluster_id", "{bad:?}");
        }
    }

    #[test]
    fn vault_id_refuses_blank_and_control_characters() {
        assert_eq!(VaultId::new("d408485953784308a000f8dcf81901ef").unwrap().to_string().len(), 32);
        for bad in ["", " ", "a b", "a\n", "\u{0}"] {
            assert_eq!(VaultId::new(bad).unwrap_err().field(), "vault_id", "{bad:?}");
        }
    }

    #[test]
    fn a_refused_id_is_not_repeated_in_the_error() {
        let text = ClusterId::new("secret.example").unwrap_err().to_string();
        assert!(!text.contains("secret"), "{text}");
    }

    #[test]
    fn ids_are_read_with_their_own_check() {
        let id: VaultId = serde_json::from_str("\"v1\"").unwrap();
        assert_eq!(serde_json::to_string(&id).unwrap(), "\"v1\"");
        assert_eq!("CLUSTER".parse::<ClusterId>().unwrap().as_ref(), "cluster");
        let error = serde_json::from_str::<ConnectionId>("\"a canary\"").unwrap_err().to_string();
        assert!(error.contains("connection_id must not contain") && !error.contains("canary"), "{error}");
    }

    #[test]
    fn missing_or_hostile_ids_are_absent_or_harmless() {
        assert_eq!(RequestId::from_bytes(b""), None);
        assert_eq!(RequestId::from_bytes(b"  "), None);
        assert_eq!(RequestId::from_bytes(b" req-1 ").unwrap().as_str(), "req-1");
        assert_eq!(RequestId::from_bytes("ü\r\nx".as_bytes()).unwrap().as_str(), "????x");
        assert_eq!(RequestId::from_bytes(&[b'a'; 1000]).unwrap().as_str().len(), 128);
    }
}
