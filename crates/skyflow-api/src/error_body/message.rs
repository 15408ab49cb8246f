//! The message of an error object, in the spellings that servers and gateways use.

use serde_json::value::RawValue;

use skyflow_http::rest::runtime::{lossy_members, lossy_string};

/// The members that hold a message, the best first; a member that holds an object or a list is looked into.
const MESSAGES: [&str; 14] = [
    "message",
    "errormessage",
    "errordescription",
    "detail",
    "faultstring",
    "msg",
    "title",
    "reason",
    "description",
    "error",
    "errors",
    "fault",
    "exception",
    "cause",
];

/// The most objects within one another that are looked into.
const DEPTH: usize = 5;

/// The most messages of a list that are joined.
const MOST: usize = 20;

/// The members of a JSON object. Their names are compared without case, dashes and underscores; null is absent.
#[derive(Default)]
pub(super) struct Members<'a>(Vec<(String, &'a str)>);

impl<'a> Members<'a> {
    pub(super) fn of(object: &'a str) -> Self {
        let members = lossy_members(object).into_iter().filter(|(_, value)| value.get() != "null");
        Self(members.map(|(name, value)| (plain(&name), value.get())).collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().rev().find(|(known, _)| known == name).map(|(_, value)| *value)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.get(name).and_then(lossy_string).filter(|text| !text.trim().is_empty())
    }

    /// Returns a whole number, which may be written as a string.
    pub(super) fn number(&self, name: &str) -> Option<i64> {
        let value = self.get(name)?;
        lossy_string(value).as_deref().unwrap_or(value).trim().parse().ok()
    }
}

fn plain(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).flat_map(char::to_lowercase).collect()
}

/// Returns the message of an error that is a string, an object or a list of them.
pub(super) fn of(error: &str) -> Option<String> {
    within(error, 0)
}

fn within(error: &str, depth: usize) -> Option<String> {
    if depth > DEPTH {
        return None;
    }
    if let Some(text) = lossy_string(error) {
        return Some(text).filter(|text| !text.trim().is_empty());
    }
    if error.starts_with('[') {
        let elements: Vec<&RawValue> = serde_json::from_str(error).ok()?;
        let messages: Vec<_> =
            elements.into_iter().take(MOST).filter_map(|element| within(element.get(), depth + 1)).collect();
        return (!messages.is_empty()).then(|| messages.join("; "));
    }
    let members = Members::of(error);
    let pair = |first: &str, second: &str| {
        let (first, second) = (members.text(first)?, members.text(second)?);
        Some(if first == second { second } else { format!("{first}: {second}") })
    };
    // OAuth, and the problems of RFC 9457.
    if let Some(message) = pair("error", "errordescription").or_else(|| pair("title", "detail")) {
        return Some(message);
    }
    let found = MESSAGES.iter().filter_map(|name| Some((*name, members.get(name)?)));
    found.into_iter().find_map(|(name, value)| match (name, value.starts_with('{')) {
        // Messages by field, as in `{"errors": {"name": ["must not be empty"]}}`.
        ("errors", true) if within(value, depth + 1).is_none() => by_field(value),
        _ => within(value, depth + 1),
    })
}

/// Joins the messages of an object that has a list of them for each field.
fn by_field(errors: &str) -> Option<String> {
    let messages = lossy_members(errors).into_iter().take(MOST).filter_map(|(_, messages)| {
        let messages: Vec<&RawValue> = serde_json::from_str(messages.get()).ok()?;
        messages.into_iter().find_map(|message| lossy_string(message.get()))
    });
    let messages: Vec<_> = messages.collect();
    (!messages.is_empty()).then(|| messages.join("; "))
}
