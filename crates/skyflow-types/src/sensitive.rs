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
///
/// It cannot be printed as text, and is not the value itself:
///
/// ```compile_fail,E0277
/// let card = skyflow_types::Sensitive::new("4111111111111111");
/// println!("{card}");
/// ```
///
/// ```compile_fail,E0308
/// let card: String = skyflow_types::Sensitive::new(String::from("4111111111111111"));
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

    /// P07: what a panic says about the values beside it.
    #[test]
    #[expect(clippy::unnecessary_literal_unwrap, reason = "the panics are the subject")]
    fn rel_p07_panics_beside_values_hide_them() {
        type Panics = Box<dyn Fn() + std::panic::UnwindSafe>;
        const CARD: &str = "4111111111111111";
        let card = || Sensitive::new(CARD.to_owned());
        let secret = || crate::Secret::new(CARD);
        let panics: [(&str, Panics); 5] = [
            ("unwrap_err", Box::new(move || Ok::<_, ()>(card()).unwrap_err())),
            ("unwrap", Box::new(move || Err::<(), _>(card()).unwrap())),
            ("expect", Box::new(move || Err::<(), _>(vec![Some(card())]).expect("no card"))),
            ("assert_eq", Box::new(move || assert_eq!(card(), Sensitive::new(String::new())))),
            ("secret", Box::new(move || Err::<(), _>(secret()).unwrap())),
        ];
        for (name, panics) in panics {
            let payload = std::panic::catch_unwind(panics).unwrap_err();
            let message = payload.downcast_ref::<String>().unwrap();
            assert!(!message.contains(CARD) && message.contains("REDACTED"), "{name}: {message}");
        }
    }
}
