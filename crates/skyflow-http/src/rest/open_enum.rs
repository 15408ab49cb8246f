/// Implements the conversions of a generated enum to and from its wire value, which may be an unknown one.
///
/// Servers write values in uppercase and in lowercase, so case is ignored.
#[doc(hidden)]
#[macro_export]
macro_rules! open_enum {
    ($name:ident, $($variant:ident = $wire:literal),+ $(,)?) => {
        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                $(if text.eq_ignore_ascii_case($wire) {
                    return Self::$variant;
                })+
                Self::Other(text.to_owned())
            }
        }

        impl $name {
            /// Returns the value used on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $wire,)+
                    Self::Other(text) => text,
                }
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                text.as_str().into()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl $crate::rest::runtime::serde::Serialize for $name {
            fn serialize<S: $crate::rest::runtime::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> $crate::rest::runtime::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::rest::runtime::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::rest::runtime::open_enum_value(deserializer)
            }
        }
    };
}
