//! The arguments of a recorded call, read with the types that the Rust API has.

use crate::json::Json;
use crate::outcome::Outcome;

/// What ends a call before it is made.
pub type Stop = Box<Outcome>;

/// The arguments of one call.
pub struct Arguments<'a>(&'a Json);

impl<'a> Arguments<'a> {
    /// Takes the arguments of `op`; one that is not in `known` is not passed over.
    pub fn of(op: &str, args: &'a Json, known: &[&str]) -> Result<Self, Stop> {
        if !matches!(args, Json::Object(_)) {
            return Err(unknown(format!("the arguments of {op} are {}", args.kind())));
        }
        match args.members().iter().find(|(name, _)| !known.contains(&name.as_str())) {
            Some((name, _)) => Err(unknown(format!("argument `{name}` of {op}"))),
            None => Ok(Self(args)),
        }
    }

    pub fn raw(&self, name: &str) -> &'a Json {
        self.0.get(name)
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.has(name)
    }

    /// A text; null is the same as not given.
    pub fn text(&self, name: &str) -> Result<Option<String>, Stop> {
        match self.raw(name) {
            Json::Null => Ok(None),
            value => text(name, value).map(Some),
        }
    }

    /// A text that every call has; empty when it is missing, for a constructor to refuse.
    pub fn required(&self, name: &str) -> Result<String, Stop> {
        Ok(self.text(name)?.unwrap_or_default())
    }

    pub fn flag(&self, name: &str) -> Result<Option<bool>, Stop> {
        match self.raw(name) {
            Json::Bool(yes) => Ok(Some(*yes)),
            Json::Null if !self.has(name) => Ok(None),
            other => Err(inexpressible(name, format!("is {} and not a bool", other.kind()))),
        }
    }

    /// A flag for which null is the same as not given.
    pub fn nullable_flag(&self, name: &str) -> Result<Option<bool>, Stop> {
        if self.raw(name).is_null() { Ok(None) } else { self.flag(name) }
    }

    /// A list; null is the same as not given.
    pub fn list(&self, name: &str) -> Result<Option<&'a [Json]>, Stop> {
        list(name, self.raw(name))
    }

    pub fn texts(&self, name: &str) -> Result<Option<Vec<String>>, Stop> {
        texts(name, self.raw(name))
    }

    /// A count, as a number or, as Python wants it, as a text of digits.
    pub fn count(&self, name: &str) -> Result<Option<u64>, Stop> {
        let digits = match self.raw(name) {
            Json::Null => return Ok(None),
            Json::Number(digits) | Json::Text(digits) => digits,
            other => return Err(inexpressible(name, format!("is {} and not a count", other.kind()))),
        };
        let count = digits.parse().map_err(|_| inexpressible(name, "is no count".to_owned()))?;
        Ok(Some(count))
    }

    /// One of a few names.
    pub fn choice<T: Copy>(&self, name: &str, choices: &[(&str, T)]) -> Result<Option<T>, Stop> {
        choice(name, self.raw(name), choices)
    }
}

pub fn text(name: &str, value: &Json) -> Result<String, Stop> {
    value
        .as_str()
        .map(ToOwned::to_owned)
        .ok_or_else(|| inexpressible(name, format!("is {} and not a text", value.kind())))
}

fn list<'a>(name: &str, value: &'a Json) -> Result<Option<&'a [Json]>, Stop> {
    match value {
        Json::Null => Ok(None),
        Json::List(elements) => Ok(Some(elements)),
        other => Err(inexpressible(name, format!("is {} and not a list", other.kind()))),
    }
}

/// A list of texts; null is the same as not given.
pub fn texts(name: &str, value: &Json) -> Result<Option<Vec<String>>, Stop> {
    let Some(elements) = list(name, value)? else { return Ok(None) };
    let elements = elements.iter().enumerate();
    elements
        .map(|(index, element)| text(&format!("{name}[{index}]"), element))
        .collect::<Result<_, _>>()
        .map(Some)
}

/// Takes an object that has no other members than these.
pub fn only(name: &str, item: &Json, known: &[&str]) -> Result<(), Stop> {
    if !matches!(item, Json::Object(_)) {
        return Err(inexpressible(name, format!("is {} and not an object", item.kind())));
    }
    match item.members().iter().find(|(key, _)| !known.contains(&key.as_str())) {
        Some((key, _)) => Err(inexpressible(&format!("{name}.{key}"), "has no place".to_owned())),
        None => Ok(()),
    }
}

pub fn choice<T: Copy>(name: &str, value: &Json, choices: &[(&str, T)]) -> Result<Option<T>, Stop> {
    if value.is_null() {
        return Ok(None);
    }
    let text = text(name, value)?;
    match choices.iter().find(|(known, _)| *known == text) {
        Some((_, chosen)) => Ok(Some(*chosen)),
        None => Err(inexpressible(name, "is none of the choices".to_owned())),
    }
}

pub fn inexpressible(argument: &str, why: String) -> Stop {
    Box::new(Outcome::Inexpressible { argument: argument.to_owned(), why })
}

pub fn unknown(what: String) -> Stop {
    Box::new(Outcome::Unknown(what))
}

/// The levels of redaction, by the names that both SDKs have.
pub const REDACTIONS: [(&str, skyflow::Redaction); 4] = [
    ("DEFAULT", skyflow::Redaction::Default),
    ("REDACTED", skyflow::Redaction::Redacted),
    ("MASKED", skyflow::Redaction::Masked),
    ("PLAIN_TEXT", skyflow::Redaction::PlainText),
];

/// The token modes, by the names that both SDKs have.
pub const TOKEN_MODES: [(&str, skyflow::TokenMode); 3] = [
    ("DISABLE", skyflow::TokenMode::Disable),
    ("ENABLE", skyflow::TokenMode::Enable),
    ("ENABLE_STRICT", skyflow::TokenMode::EnableStrict),
];
