use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use skyflow_http::rest::{DecodeError, Json};
use skyflow_types::Secret;
use zeroize::{Zeroize, Zeroizing};

/// The data of a secret: a JSON object in one buffer that is wiped when it is dropped.
///
/// It is decoded on demand. What [`data_as`](Self::data_as) and [`get`](Self::get) return is yours, and is not wiped
/// unless its type does that; types that borrow, such as `struct Login<'a> { password: &'a str }`, make no copy. Clones
/// are copies, and wiped too. The buffers of the connection through which the data came are wiped where this crate is
/// the last owner of the memory, and are otherwise overwritten by later responses.
///
/// ```
/// # fn read(secret: scaivault::Secret) -> Result<(), scaivault::Error> {
/// #[derive(serde::Deserialize)]
/// struct Login<'a> {
///     username: &'a str,
///     password: &'a str,
/// }
///
/// let login: Login<'_> = secret.data.data_as()?;
/// let password = secret.data.get("password");
/// # let _ = (login.username, login.password, password);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SecretData(Zeroizing<Box<[u8]>>);

impl SecretData {
    /// Copies JSON text into a buffer of exactly its size.
    pub(crate) fn of_json(text: &str) -> Self {
        Self(Zeroizing::new(text.as_bytes().into()))
    }

    /// Decodes the data into a type, which may borrow from it.
    ///
    /// # Errors
    ///
    /// Fails when the data does not have the shape of the type; the error names the place and no value.
    pub fn data_as<'a, T: Deserialize<'a>>(&'a self) -> Result<T, crate::Error> {
        serde_json::from_slice(&self.0)
            .map_err(|error| crate::Error::undecodable("secrets.read", DecodeError::new(&error, &self.0)))
    }

    /// Returns a member of the data as text: strings as they are, every other value as JSON. `None` without it.
    pub fn get(&self, name: &str) -> Option<Secret> {
        let members: BTreeMap<String, &RawValue> = serde_json::from_slice(&self.0).ok()?;
        let member = members.get(name)?.get();
        let text = serde_json::from_str::<String>(member).map(Zeroizing::new);
        Some(Secret::new(text.as_ref().map_or(member, |text| text.as_str())))
    }

    /// Returns the names of the members.
    pub fn keys(&self) -> Vec<String> {
        let members: Result<BTreeMap<String, &RawValue>, _> = serde_json::from_slice(&self.0);
        members.map(|members| members.into_keys().collect()).unwrap_or_default()
    }

    /// Returns the data as JSON text; keep it out of logs and errors.
    pub fn expose_json(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Tells whether two sets of data have the same members with the same values, in any order.
    pub(crate) fn is_same_as(&self, other: &Json) -> bool {
        let own: Result<serde_json::Value, _> = serde_json::from_slice(&self.0);
        match (own, serde_json::from_str::<serde_json::Value>(other.get())) {
            (Ok(own), Ok(other)) => own == other,
            _ => false,
        }
    }

    pub(crate) fn size(&self) -> usize {
        self.0.len()
    }
}

impl<'de> Deserialize<'de> for SecretData {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Borrowed from the response where the deserializer can, so that no copy is left behind.
        let text = <&RawValue>::deserialize(deserializer)?;
        if !text.get().starts_with('{') {
            return Err(serde::de::Error::custom("expected an object"));
        }
        Ok(Self::of_json(text.get()))
    }
}

impl fmt::Debug for SecretData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretData([REDACTED])")
    }
}

/// Wipes the body of a response when nothing else points into its memory.
pub(crate) fn wipe(body: Bytes) {
    if let Ok(mut body) = body.try_into_mut() {
        body.as_mut().zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_text_or_json() {
        let data = SecretData::of_json(r#"{"a":"x\ny","n":12345678901234567890.10,"o":{"k":1},"z":null}"#);
        let get = |name| data.get(name).map(|secret| secret.expose().to_owned());
        assert_eq!(get("a").as_deref(), Some("x\ny"));
        assert_eq!(get("n").as_deref(), Some("12345678901234567890.10"));
        assert_eq!(get("o").as_deref(), Some(r#"{"k":1}"#));
        assert_eq!((get("z").as_deref(), get("missing")), (Some("null"), None));
        assert_eq!(data.keys(), ["a", "n", "o", "z"]);
    }

    #[test]
    fn neither_debug_nor_errors_show_the_data() {
        let data: SecretData = serde_json::from_str(r#"{"password":"hunter2"}"#).unwrap();
        #[derive(Debug, Deserialize)]
        struct Wrong {
            #[allow(dead_code)]
            password: u8,
        }
        let error = data.data_as::<Wrong>().unwrap_err();
        assert!(!format!("{data:?} {error} {error:?}").contains("hunter2"));
        assert!(serde_json::from_str::<SecretData>("[1]").is_err());
    }

    #[test]
    fn equal_data_may_have_another_order() {
        let data = SecretData::of_json(r#"{"a":1,"b":"x"}"#);
        assert!(data.is_same_as(&Json::parse(r#"{"b":"x", "a":1}"#).unwrap()));
        assert!(!data.is_same_as(&Json::parse(r#"{"b":"x"}"#).unwrap()));
    }
}
