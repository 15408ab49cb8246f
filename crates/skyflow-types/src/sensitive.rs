use std::fmt;

use serde::{Deserialize, Serialize};

/// A value of the vault: it travels through serde and shows nothing in `Debug`.
///
/// There is no `Display`; [`Sensitive::expose`] and [`Sensitive::into_inner`] are the ways to the value.
///
/// ```
/// use skyflow_types::Sensitive;
///
/// #[derive(Debug, serde::Deserialize)]
/// struct Card {
///     card_number: Sensitive<String>,
/// }
///
/// let card: Card = serde_json::from_str(r#"{"card_number":"4111111111111111"}"#)?;
/// assert_eq!(format!("{card:?}"), "Card { card_number: Sensitive([REDACTED]) }");
/// assert_eq!(card.card_number.expose(), "4111111111111111");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sensitive<T>(T);

impl<T> Sensitive<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// Returns the value; keep it out of logs and errors.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// Unwraps the value.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sensitive([REDACTED])")
    }
}

impl<T> From<T> for Sensitive<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serde_is_transparent_and_debug_is_not() {
        let value: Sensitive<u32> = serde_json::from_str("42").unwrap();
        assert_eq!(serde_json::to_string(&value).unwrap(), "42");
        assert_eq!(format!("{value:?}"), "Sensitive([REDACTED])");
        assert_eq!(value.into_inner(), 42);
    }
}
