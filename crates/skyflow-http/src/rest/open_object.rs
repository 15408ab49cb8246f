//! Objects whose members have several names, or that have more members than the document names.
//!
//! Derived code rejects a member that is present under two of its names, and buffers members without a field, which
//! changes numbers. The macro reads member by member instead.

use serde::de;

/// Implements `Deserialize` for a struct, from the names of each field and the function that finishes it.
#[doc(hidden)]
#[macro_export]
macro_rules! open_object {
    ($name:ident { $($field:ident : $finish:ident = $wire:literal $(| $alias:literal)*),* $(,)? } $($extra:ident)?) => {
        impl<'de> $crate::rest::runtime::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::rest::runtime::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Members;

                impl<'de> $crate::rest::runtime::serde::de::Visitor<'de> for Members {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_map<A: $crate::rest::runtime::serde::de::MapAccess<'de>>(
                        self,
                        mut members: A,
                    ) -> Result<$name, A::Error> {
                        $(let mut $field = None;)*
                        $(let mut $extra = std::collections::BTreeMap::new();)?
                        while let Some(name) = members.next_key::<String>()? {
                            match name.as_str() {
                                $($wire $(| $alias)* => {
                                    $crate::rest::runtime::fill(&mut $field, members.next_value()?);
                                })*
                                _ => $crate::open_object_other!(members, name $(, $extra)?),
                            }
                        }
                        Ok($name {
                            $($field: $crate::rest::runtime::$finish::<_, A::Error>($field, $wire)?,)*
                            $($extra)?
                        })
                    }
                }

                deserializer.deserialize_map(Members)
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! open_object_other {
    ($members:ident, $name:ident) => {{
        let _: $crate::rest::runtime::serde::de::IgnoredAny = $members.next_value()?;
    }};
    ($members:ident, $name:ident, $extra:ident) => {{
        $extra.insert($name, $members.next_value()?);
    }};
}

/// A member as it was read: absent, null, or a value.
type Held<T> = Option<Option<T>>;

/// Keeps a value; null does not replace a value that was read under another name.
pub fn fill<T>(held: &mut Held<T>, found: Option<T>) {
    if found.is_some() || held.is_none() {
        *held = Some(found);
    }
}

/// Finishes a member that may be absent or null.
pub fn optional<T, E: de::Error>(held: Held<T>, _: &'static str) -> Result<Option<T>, E> {
    Ok(held.flatten())
}

/// Finishes a list or map that is empty when absent or null.
pub fn empty_when_absent<T: Default, E: de::Error>(held: Held<T>, _: &'static str) -> Result<T, E> {
    Ok(held.flatten().unwrap_or_default())
}

/// Finishes a required list or map; null is an empty one.
pub fn required_list<T: Default, E: de::Error>(held: Held<T>, name: &'static str) -> Result<T, E> {
    held.map(Option::unwrap_or_default).ok_or_else(|| E::missing_field(name))
}

/// Finishes a required member; null counts as missing.
pub fn required<T, E: de::Error>(held: Held<T>, name: &'static str) -> Result<T, E> {
    held.flatten().ok_or_else(|| E::missing_field(name))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::Json;

    #[derive(serde::Serialize)]
    struct Page {
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<String>,
        rows: Vec<i64>,
        #[serde(flatten)]
        extra: BTreeMap<String, Json>,
    }

    crate::open_object!(Page { title: optional = "title" | "name", rows: required_list = "rows" | "data" } extra);

    #[test]
    fn members_without_a_field_survive_a_round_trip() {
        let text = r#"{"rows":[1],"big":12345678901234567890.10,"deep":{ "b":1, "a":null },"none":null}"#;
        let page: Page = serde_json::from_str(text).unwrap();
        assert_eq!(page.extra.keys().collect::<Vec<_>>(), ["big", "deep", "none"]);
        assert_eq!(serde_json::to_string(&page).unwrap(), text);
    }

    #[test]
    fn a_member_may_come_under_any_or_all_names() {
        for text in [
            r#"{"title":"a","rows":[]}"#,
            r#"{"name":"a","data":null}"#,
            r#"{"title":"a","name":null,"rows":[]}"#,
            r#"{"title":null,"name":"a","rows":[]}"#,
        ] {
            let page: Page = serde_json::from_str(text).unwrap();
            assert_eq!((page.title.as_deref(), page.rows.len()), (Some("a"), 0), "{text}");
            assert!(page.extra.is_empty(), "{text}");
        }
    }

    #[test]
    fn a_list_under_none_of_its_names_is_an_error() {
        for text in ["{}", r#"{"items":[1]}"#, "[]", "null", r#"{"rows":{}}"#] {
            assert!(serde_json::from_str::<Page>(text).is_err(), "{text}");
        }
    }
}
