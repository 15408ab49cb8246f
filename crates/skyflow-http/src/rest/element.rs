use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{DecodeError, Json};

/// Holds one element of a list or map. Elements are decoded one by one, so a malformed one does not lose the others.
///
/// ```
/// use skyflow_http::rest::{Element, Json};
///
/// let rows: Vec<Element<u8>> = Json::parse("[1, \"two\", 3]")?.decode()?;
/// let (read, unreadable): (Vec<_>, Vec<_>) = rows.into_iter().map(Element::into_result).partition(Result::is_ok);
/// assert_eq!((read.len(), unreadable.len()), (2, 1));
/// # Ok::<(), skyflow_http::rest::DecodeError>(())
/// ```
#[derive(Clone)]
pub struct Element<T>(Result<T, DecodeError>);

impl<T> Element<T> {
    /// Returns the value.
    ///
    /// # Errors
    ///
    /// Fails when the JSON does not have the shape of the type.
    pub fn get(&self) -> Result<&T, &DecodeError> {
        self.0.as_ref()
    }

    /// Returns the value by itself.
    ///
    /// # Errors
    ///
    /// Fails when the JSON does not have the shape of the type.
    pub fn into_result(self) -> Result<T, DecodeError> {
        self.0
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Element<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Json::deserialize(deserializer)?.decode()))
    }
}

/// Writes the value, and null for one that could not be read.
impl<T: Serialize> Serialize for Element<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.as_ref().ok().serialize(serializer)
    }
}

impl<T: fmt::Debug> fmt::Debug for Element<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Ok(value) => value.fmt(f),
            Err(error) => error.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_malformed_element_does_not_lose_the_others() {
        let rows: Vec<Element<String>> = serde_json::from_str(r#"["a",{"canary":1},null,"b"]"#).unwrap();
        let read: Vec<_> = rows.iter().filter_map(|row| row.get().ok()).collect();
        assert_eq!(read, ["a", "b"]);
        assert!(!format!("{rows:?}").contains("canary"));
    }

    #[test]
    fn json_that_is_broken_fails_as_a_whole() {
        assert!(serde_json::from_str::<Vec<Element<String>>>(r#"["a",]"#).is_err());
    }
}
