//! Decodes the id of an inserted row and its tokens into one type, in one pass.

use std::fmt;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde::forward_to_deserialize_any;

const ID: &str = "skyflow_id";

/// Decodes a row; `None` when it does not fit the type, or its tokens have a member that is called like the id.
pub(super) fn decode<T: DeserializeOwned>(skyflow_id: &str, tokens: &str) -> Option<T> {
    let mut json = serde_json::Deserializer::from_str(tokens);
    let row = T::deserialize(Row { skyflow_id, tokens: &mut json }).ok()?;
    json.end().ok().map(|()| row)
}

/// An object: the id, then the members of the tokens.
struct Row<'a, 'de> {
    skyflow_id: &'de str,
    tokens: &'a mut serde_json::Deserializer<serde_json::de::StrRead<'de>>,
}

impl<'de> Deserializer<'de> for Row<'_, 'de> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.tokens.deserialize_map(Chained { skyflow_id: self.skyflow_id, visitor })
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq
        tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// Visits the members of the tokens after the id.
struct Chained<'de, V> {
    skyflow_id: &'de str,
    visitor: V,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Chained<'de, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, tokens: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_map(Members { next: Next::Id, skyflow_id: self.skyflow_id, tokens })
    }
}

struct Members<'de, A> {
    next: Next,
    skyflow_id: &'de str,
    tokens: A,
}

#[derive(Clone, Copy, PartialEq)]
enum Next {
    Id,
    IdValue,
    Token,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Members<'de, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        if self.next == Next::Token {
            return self.tokens.next_key_seed(seed);
        }
        self.next = Next::IdValue;
        seed.deserialize(BorrowedStrDeserializer::new(ID)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        if self.next == Next::Token {
            return self.tokens.next_value_seed(seed);
        }
        self.next = Next::Token;
        seed.deserialize(BorrowedStrDeserializer::new(self.skyflow_id))
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
