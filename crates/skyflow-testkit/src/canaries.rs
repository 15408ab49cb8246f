//! Secrets that must not appear in an output, in all the forms they could take.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Secrets and values, each with a name that may be shown when one of them is found.
///
/// They are looked for as they are, in JSON, as a Rust literal, percent-encoded, as a form, in hexadecimal, as a list of
/// bytes, and in Base64 at any offset.
///
/// ```
/// use skyflow_testkit::Canaries;
///
/// let mut canaries = Canaries::new();
/// canaries.forbid("card number", "4111111111111111");
/// canaries.assert_absent("the log", "inserted 1 record");
/// assert!(canaries.find("q=34313131313131313131313131313131").is_some());
/// ```
#[derive(Clone, Default)]
pub struct Canaries(BTreeMap<String, String>);

impl Canaries {
    /// Starts without secrets.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forbids a string.
    ///
    /// # Panics
    ///
    /// Panics when it is shorter than three bytes: that much appears by chance.
    #[track_caller]
    pub fn forbid(&mut self, name: &str, text: &str) {
        assert!(text.len() >= 3, "{name} is too short: it appears by chance");
        self.0.entry(text.to_owned()).or_insert_with(|| name.to_owned());
    }

    /// Forbids a secret and each piece of 24 bytes of it.
    pub fn forbid_pieces(&mut self, name: &str, text: &str) {
        let mut rest = text;
        while let Some((piece, after)) = rest.split_at_checked(24) {
            self.forbid(name, piece);
            rest = after;
        }
        self.forbid(name, text);
    }

    /// Forbids a token of several segments, and each segment but the first, which is the same for all tokens.
    pub fn forbid_jwt(&mut self, name: &str, token: &str) {
        for segment in token.split('.').skip(1).filter(|segment| segment.len() > 15) {
            self.forbid(name, segment);
        }
        self.forbid(name, token);
    }

    /// Forbids each line of a key in PEM format.
    ///
    /// # Panics
    ///
    /// Panics when it has ten lines or fewer: then it is not an RSA key.
    #[track_caller]
    pub fn forbid_pem(&mut self, name: &str, pem: &str) {
        let lines: Vec<_> = pem.lines().filter(|line| !line.starts_with('-') && line.len() > 15).collect();
        assert!(lines.len() > 10, "{name} is not a key");
        lines.into_iter().for_each(|line| self.forbid(name, line));
    }

    /// Returns the name and form of the first secret that `text` holds, and where; `None` without one.
    pub fn find(&self, text: &str) -> Option<String> {
        self.0.iter().find_map(|(secret, name)| {
            forms(secret)
                .into_iter()
                .find(|(_, form)| text.contains(form))
                .map(|(form, found)| format!("{name}, {form}: {}", around(text, &found)))
        })
    }

    /// Asserts that `text` holds no secret.
    ///
    /// # Panics
    ///
    /// Panics when it holds one, and when no secret is known: such a test could not fail.
    #[track_caller]
    pub fn assert_absent(&self, what: &str, text: &str) {
        assert!(!self.0.is_empty(), "no secret is forbidden");
        let found = self.find(text);
        assert!(found.is_none(), "{what} shows {}", found.unwrap_or_default());
    }
}

/// Shows the names only.
impl fmt::Debug for Canaries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.values()).finish()
    }
}

/// Returns the line that holds `found`, for the person who runs the test.
fn around<'a>(text: &'a str, found: &str) -> &'a str {
    let line = text.lines().find(|line| line.contains(found)).unwrap_or(text);
    line.char_indices().nth(400).and_then(|(end, _)| line.get(..end)).unwrap_or(line)
}

/// Returns a string in every form in which a program could print it.
fn forms(secret: &str) -> Vec<(&'static str, String)> {
    let bytes = secret.as_bytes();
    let percent = |lower: bool| -> String {
        bytes
            .iter()
            .map(|&b| match b {
                b if b.is_ascii_alphanumeric() || b"-._~".contains(&b) => char::from(b).to_string(),
                b if lower => format!("%{b:02x}"),
                b => format!("%{b:02X}"),
            })
            .collect()
    };
    let listed: Vec<String> = bytes.iter().map(u8::to_string).collect();
    let mut forms = vec![
        ("as is", secret.to_owned()),
        ("JSON", serde_json::to_string(secret).unwrap_or_default().trim_matches('"').to_owned()),
        ("Rust literal", format!("{secret:?}").trim_matches('"').to_owned()),
        ("percent", percent(false)),
        ("percent, lowercase", percent(true)),
        ("form", percent(false).replace("%20", "+")),
        ("hex", bytes.iter().map(|b| format!("{b:02x}")).collect()),
        ("HEX", bytes.iter().map(|b| format!("{b:02X}")).collect()),
        ("list of bytes", listed.join(", ")),
    ];
    for lead in 0..3 {
        // These characters are the same wherever the string begins inside something longer.
        let longer = [&vec![0; lead], bytes].concat();
        let known = (lead * 4).div_ceil(3)..longer.len() * 4 / 3;
        for (form, encoded) in
            [("Base64", STANDARD_NO_PAD.encode(&longer)), ("Base64url", URL_SAFE_NO_PAD.encode(&longer))]
        {
            if let Some(known) = encoded.get(known.clone()).filter(|known| known.len() >= 4) {
                forms.push((form, known.to_owned()));
            }
        }
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scanner_finds_secret_in_every_form() {
        let mut canaries = Canaries::default();
        canaries.forbid("card", "4111111111111111");
        canaries.forbid("name", "John Doe \"é\"");
        for text in [
            "a 4111111111111111 b",
            "John Doe \"é\"",
            r#"{"name":"John Doe \"é\""}"#,
            "q=John%20Doe%20%22%C3%A9%22&",
            "q=John+Doe+%22%C3%A9%22&",
            "34313131313131313131313131313131",
            "[52, 49, 49, 49, 49, 49, 49, 49, 49, 49, 49, 49, 49, 49, 49, 49]",
        ] {
            assert!(canaries.find(text).is_some(), "{text}");
        }
        for before in ["", "a", "ab", "abc", "abcd"] {
            for after in ["", "x", "xy", "xyz"] {
                let encoded = STANDARD_NO_PAD.encode(format!("{before}4111111111111111{after}"));
                assert!(canaries.find(&encoded).is_some(), "{before} {after} {encoded}");
                let encoded = URL_SAFE_NO_PAD.encode(format!("{before}John Doe \"é\"{after}"));
                assert!(canaries.find(&encoded).is_some(), "{before} {after} {encoded}");
            }
        }
        assert_eq!(canaries.find("4111 John"), None);
    }

    #[test]
    fn piece_of_a_secret_is_found_too() {
        let mut canaries = Canaries::new();
        canaries.forbid_pieces("key", "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKL");
        assert!(canaries.find("x opqrstuvwxyzABCDEFGHIJKL y").is_some());
        assert_eq!(canaries.find("0123456789abcdef"), None);
        assert!(!format!("{canaries:?}").contains("0123"));
    }
}
