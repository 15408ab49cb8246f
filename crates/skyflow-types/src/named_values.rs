use std::fmt;

/// Reports text that names no value of a closed list, such as an environment; the text is not repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownValue {
    field: &'static str,
    known: &'static [&'static str],
}

impl UnknownValue {
    pub(crate) const fn new(field: &'static str, known: &'static [&'static str]) -> Self {
        Self { field, known }
    }

    /// Returns the name of the field, such as `env`.
    pub fn field(&self) -> &'static str {
        self.field
    }

    /// Returns the names that are accepted, such as `PROD`.
    pub fn known(&self) -> &'static [&'static str] {
        self.known
    }

    /// Returns the rule without the field's name, for callers that know the field by another name.
    pub fn problem(&self) -> String {
        format!("must be one of {}", self.known.join(", "))
    }
}

impl fmt::Display for UnknownValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.problem())
    }
}

impl std::error::Error for UnknownValue {}

/// Implements `as_str`, `Display`, `FromStr` and serde for an enum of named values, from one list of the names.
///
/// Names are read in any ASCII case and written as listed.
macro_rules! named_values {
    ($type:ident, $field:literal, { $($variant:ident => $name:literal),+ $(,)? }) => {
        impl $type {
            /// Returns the name of the value, as it is sent, printed and read.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::UnknownValue;

            /// Reads a name in any ASCII case.
            fn from_str(text: &str) -> Result<Self, $crate::UnknownValue> {
                $(if text.eq_ignore_ascii_case($name) {
                    return Ok(Self::$variant);
                })+
                Err($crate::UnknownValue::new($field, &[$($name),+]))
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

pub(crate) use named_values;

#[cfg(test)]
mod tests {
    use std::fmt::{Debug, Display};
    use std::str::FromStr;

    use serde::Serialize;
    use serde::de::DeserializeOwned;

    use crate::{Env, LogLevel, Redaction, TokenMode, UnknownValue};

    fn check<T>(values: &[T], error: &str)
    where
        T: FromStr<Err = UnknownValue> + Display + Serialize + DeserializeOwned + PartialEq + Debug + Copy,
    {
        for value in values {
            let name = value.to_string();
            let quoted = format!("\"{name}\"");
            assert_eq!(serde_json::to_string(value).unwrap(), quoted);
            assert_eq!(serde_json::from_str::<T>(&quoted).unwrap(), *value);
            assert_eq!(name.to_ascii_lowercase().parse::<T>().unwrap(), *value);
        }
        let unknown = "canary".parse::<T>().unwrap_err();
        assert_eq!(unknown.to_string(), error);
        assert_eq!(unknown.known().len(), values.len());
        assert_eq!("".parse::<T>().unwrap_err(), unknown);
        let in_json = serde_json::from_str::<T>("\"canary\"").unwrap_err().to_string();
        assert!(in_json.starts_with(error) && !in_json.contains("canary"), "{in_json}");
    }

    #[test]
    fn named_values_are_read_as_written() {
        check(
            &[Env::Prod, Env::Sandbox, Env::Stage, Env::Dev],
            "env must be one of PROD, SANDBOX, STAGE, DEV",
        );
        check(
            &[LogLevel::Debug, LogLevel::Info, LogLevel::Warn, LogLevel::Error, LogLevel::Off],
            "log_level must be one of DEBUG, INFO, WARN, ERROR, OFF",
        );
        check(
            &[Redaction::Default, Redaction::Redacted, Redaction::Masked, Redaction::PlainText],
            "redaction must be one of DEFAULT, REDACTED, MASKED, PLAIN_TEXT",
        );
        check(
            &[TokenMode::Disable, TokenMode::Enable, TokenMode::EnableStrict],
            "token_mode must be one of DISABLE, ENABLE, ENABLE_STRICT",
        );
    }
}
