//! What must not be seen, in all the forms it could take.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Secrets and values, each with a name that may be shown when one of them is found.
#[derive(Clone, Default)]
pub(crate) struct Canaries(BTreeMap<String, String>);

impl Canaries {
    /// Forbids a text.
    pub(crate) fn forbid(&mut self, name: &str, text: &str) {
        assert!(text.len() >= 3, "{name} is too short to be told from chance");
        self.0.entry(text.to_owned()).or_insert_with(|| name.to_owned());
    }

    /// Forbids a token of several segments: each of them alone says too much, except the first, which is the same for
    /// all tokens.
    pub(crate) fn forbid_jwt(&mut self, name: &str, token: &str) {
        for segment in token.split('.').skip(1).filter(|segment| segment.len() > 15) {
            self.forbid(name, segment);
        }
        self.forbid(name, token);
    }

    /// Forbids each line of a PEM text.
    pub(crate) fn forbid_pem(&mut self, name: &str, pem: &str) {
        let lines: Vec<_> = pem.lines().filter(|line| !line.starts_with('-') && line.len() > 15).collect();
        assert!(lines.len() > 10, "{name} is a key");
        lines.into_iter().for_each(|line| self.forbid(name, line));
    }

    /// Returns the name and the form of the first forbidden text that `text` holds.
    pub(crate) fn find(&self, text: &str) -> Option<String> {
        self.0.iter().find_map(|(secret, name)| {
            forms(secret)
                .into_iter()
                .find(|(_, form)| text.contains(form))
                .map(|(form, found)| format!("{name}, {form}: {}", around(text, &found)))
        })
    }

    /// Fails when `text` holds any forbidden text.
    #[track_caller]
    pub(crate) fn assert_absent(&self, what: &str, text: &str) {
        assert!(!self.0.is_empty());
        if let Some(found) = self.find(text) {
            panic!("{what} shows {found}");
        }
    }
}

fn around(text: &str, found: &str) -> String {
    let at = text.find(found).unwrap();
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    text[start..].chars().take(400).collect()
}

/// A text in every form in which a program could print it.
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
        ("as it is", secret.to_owned()),
        ("JSON", serde_json::to_string(secret).unwrap().trim_matches('"').to_owned()),
        ("Rust literal", format!("{secret:?}").trim_matches('"').to_owned()),
        ("percent", percent(false)),
        ("percent, lower case", percent(true)),
        ("form", percent(false).replace("%20", "+")),
        ("hex", bytes.iter().map(|b| format!("{b:02x}")).collect()),
        ("HEX", bytes.iter().map(|b| format!("{b:02X}")).collect()),
        ("list of bytes", listed.join(", ")),
    ];
    for lead in 0..3 {
        // Wherever the text begins inside something longer, these characters do not depend on what is around it.
        let longer = [&vec![0; lead], bytes].concat();
        let known = (lead * 4).div_ceil(3)..longer.len() * 4 / 3;
        if known.len() >= 4 {
            forms.push(("base64", STANDARD_NO_PAD.encode(&longer)[known.clone()].to_owned()));
            forms.push(("base64url", URL_SAFE_NO_PAD.encode(&longer)[known].to_owned()));
        }
    }
    forms
}

#[test]
fn the_scanner_finds_a_secret_in_every_form() {
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
