//! Decodes the id of an inserted row and its tokens into one type, in one pass.

use std::fmt;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use serde::forward_to_deserialize_any;

pub(super) const ID: &str = "skyflow_id";

/// Decodes a row; `None` when it does not fit the type, or its tokens have a member that is called like the id.
pub(super) fn decode<T: DeserializeOwned>(skyflow_id: &str, tokens: &str) -> Option<T> {
    let mut json = serde_json::Deserializer::from_str(tokens);
    let row =
        T::deserialize(Row { skyflow_id: Some(skyflow_id), is_struct: false, members: &mut json }).ok()?;
    json.end().ok().map(|()| row)
}

/// An object: the id, where there is one, then the members of another object.
pub(super) struct Row<'de, D> {
    pub(super) skyflow_id: Option<&'de str>,
    /// Whether only structs are made of it: they refuse a member that is called like the id, and a map does not.
    pub(super) is_struct: bool,
    pub(super) members: D,
}

impl<'de, D: Deserializer<'de>> Row<'de, D> {
    #[inline]
    fn visit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.members.deserialize_map(Chained { skyflow_id: self.skyflow_id, visitor })
    }
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Row<'de, D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        if self.is_struct { Err(D::Error::custom("expected a struct")) } else { self.visit(visitor) }
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.visit(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq
        tuple tuple_struct map enum identifier ignored_any
    }
}

/// Visits the members after the id.
struct Chained<'de, V> {
    skyflow_id: Option<&'de str>,
    visitor: V,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Chained<'de, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    #[inline]
    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_map(Members { skyflow_id: self.skyflow_id, is_id: false, members })
    }
}

struct Members<'de, A> {
    /// The id, until it was read.
    skyflow_id: Option<&'de str>,
    is_id: bool,
    members: A,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Members<'de, A> {
    type Error = A::Error;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        if self.skyflow_id.is_none() {
            return self.members.next_key_seed(seed);
        }
        self.is_id = true;
        seed.deserialize(BorrowedStrDeserializer::new(ID)).map(Some)
    }

    #[inline]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        match self.skyflow_id.filter(|_| self.is_id) {
            Some(id) => {
                self.skyflow_id = None;
                seed.deserialize(BorrowedStrDeserializer::new(id))
            }
            None => self.members.next_value_seed(seed),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Tokens {
        skyflow_id: String,
        card: String,
        extra: Option<Vec<u8>>,
    }

    #[test]
    fn id_and_tokens_become_one_value() {
        let text = r#" {"card":"5391","extra":[1,2],"more":{"x":null}} "#;
        let row: Tokens = decode("id-1", text).unwrap();
        assert_eq!(row, Tokens { skyflow_id: "id-1".into(), card: "5391".into(), extra: Some(vec![1, 2]) });
        let all = json!({"skyflow_id": "id-1", "card": "5391", "extra": [1, 2], "more": {"x": null}});
        assert_eq!(decode::<Value>("id-1", text), Some(all.clone()));
        assert_eq!(decode::<Option<Value>>("id-1", text), Some(Some(all)));
        let empty: BTreeMap<String, String> = decode("id-1", "{}").unwrap();
        assert_eq!(empty, [("skyflow_id".to_owned(), "id-1".to_owned())].into());
        for other in ["", "[]", "7", "null", "{\"card\":1}", "{} x", "{"] {
            assert_eq!(decode::<Tokens>("id-1", other), None, "{other}");
        }
    }
}
