//! Hides the header values that a call has sent in the text of a server that repeats them.

use std::collections::HashSet;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use http::HeaderValue;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

const HIDDEN: &str = "[REDACTED]";

/// So many bytes of a value are recognized wherever they are; a shorter value as a whole word only.
pub(crate) const PIECE: usize = 8;

/// A shorter value says nothing.
pub(crate) const SHORTEST: usize = 3;

/// Replaces each value, and each part of one, in every form in which a server could repeat it.
pub(crate) fn hide(values: &[HeaderValue], text: &str) -> String {
    if values.is_empty() || text.is_empty() {
        return text.to_owned();
    }
    let mut pieces = HashSet::new();
    let mut words = Vec::new();
    for form in values.iter().flat_map(forms) {
        let form = form.to_ascii_lowercase();
        if form.len() >= PIECE {
            pieces.extend(form.windows(PIECE).map(<[u8]>::to_vec));
        } else if form.len() >= SHORTEST {
            words.push(form);
        }
    }
    let lowercase = text.to_ascii_lowercase();
    let bytes = lowercase.as_bytes();
    let found = bytes.windows(PIECE).enumerate().filter(|(_, piece)| pieces.contains(*piece));
    let mut hidden: Vec<Range<usize>> = found.map(|(at, _)| at..at + PIECE).collect();
    hidden.extend(words.iter().flat_map(|word| whole_words(bytes, word)));
    hidden.sort_by_key(|range| range.start);
    without(text, &hidden)
}

/// Returns what a server can make of a header value.
fn forms(value: &HeaderValue) -> Vec<Vec<u8>> {
    let value = value.as_bytes();
    let mut plain = vec![value.to_vec()];
    // Without the name of the scheme, which alone is no secret.
    let after_scheme = value.iter().position(|byte| *byte == b' ').and_then(|at| value.get(at + 1..));
    plain.extend(after_scheme.map(<[u8]>::to_vec));
    if let Some(pair) = after_scheme.and_then(|encoded| STANDARD.decode(encoded).ok()) {
        // The user and the password of `Basic`.
        let user_and_password = pair.split(|byte| *byte == b':').map(<[u8]>::to_vec);
        plain.extend(user_and_password.collect::<Vec<_>>());
        plain.push(pair);
    }
    let mut forms = plain.clone();
    for plain in plain.iter().filter(|plain| plain.len() >= PIECE) {
        if let Ok(text) = std::str::from_utf8(plain) {
            forms.push(utf8_percent_encode(text, NON_ALPHANUMERIC).to_string().into_bytes());
            forms.push(text.replace('"', "\\\"").into_bytes());
            forms.push(text.replace('/', "\\/").into_bytes());
            let html =
                text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
            forms.push(html.into_bytes());
        }
        forms.push(plain.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect());
        for lead in 0..3 {
            // These characters are the same wherever the value begins inside something longer.
            let longer = [&vec![0; lead], plain.as_slice()].concat();
            let known = (lead * 4).div_ceil(3)..longer.len() * 4 / 3;
            for encoded in [STANDARD_NO_PAD.encode(&longer), URL_SAFE_NO_PAD.encode(&longer)] {
                forms.extend(encoded.get(known.clone()).map(|known| known.as_bytes().to_vec()));
            }
        }
    }
    forms
}

fn whole_words<'a>(text: &'a [u8], word: &'a [u8]) -> impl Iterator<Item = Range<usize>> + 'a {
    let is_edge = |at: Option<usize>| {
        at.and_then(|at| text.get(at)).is_none_or(|byte| !byte.is_ascii_alphanumeric() && byte.is_ascii())
    };
    let found = text.windows(word.len()).enumerate().filter(move |(_, window)| *window == word);
    found
        .map(move |(at, _)| at..at + word.len())
        .filter(move |range| is_edge(range.start.checked_sub(1)) && is_edge(Some(range.end)))
}

/// Replaces ranges, which are sorted by their start and may overlap.
fn without(text: &str, hidden: &[Range<usize>]) -> String {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for range in hidden {
        match runs.last_mut().filter(|run| range.start <= run.end) {
            Some(run) => run.end = run.end.max(range.end),
            None => runs.push(range.clone()),
        }
    }
    let mut shown = String::with_capacity(text.len());
    let mut done = 0;
    for run in runs {
        // A value may begin or end within a character.
        let start = (0..=run.start).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
        let end = (run.end..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
        let found = text.get(start..end).unwrap_or_default();
        shown.push_str(text.get(done..start).unwrap_or_default());
        shown.push_str(if found.starts_with(' ') { " " } else { "" });
        shown.push_str(HIDDEN);
        shown.push_str(if found.ends_with(' ') { " " } else { "" });
        done = end;
    }
    shown.push_str(text.get(done..).unwrap_or_default());
    shown
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::{HeaderMap, HeaderName};

    use super::*;
    use crate::progress::{PublicHeaders, note, occurs};

    const KEY: &str = "sky-ab123-0123456789abcdef0123456789abcdef";

    fn sent(pairs: &[(&'static str, &str)]) -> Vec<HeaderValue> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        let mut noted = Vec::new();
        note(&headers, None, &mut noted);
        note(&headers, None, &mut noted);
        noted
    }

    fn hidden(text: &str) -> String {
        let basic = format!("Basic {}", STANDARD.encode("robot:pass-word-of-the-robot"));
        let bearer = format!("Bearer {KEY}");
        let headers = [
            ("authorization", bearer.as_str()),
            ("x-key", "quoted \"part\" of/it <&>"),
            ("x-pin", "7351"),
            ("proxy-authorization", &basic),
            ("content-type", "application/json"),
            ("x-short", "a"),
        ];
        hide(&sent(&headers), text)
    }

    #[test]
    fn sent_values_are_hidden_in_every_form() {
        assert_eq!(hidden(&format!("Invalid token: Bearer {KEY}.")), "Invalid token: [REDACTED].");
        assert_eq!(hidden(&format!("{KEY}{KEY}")), "[REDACTED]");
        assert_eq!(hidden("key sky-ab123-01234… is unknown"), "key [REDACTED]… is unknown");
        assert_eq!(hidden(&format!("é{}é", KEY.to_uppercase())), "é[REDACTED]é");
        assert_eq!(hidden("pin 7351, not 17351 or 73510"), "pin [REDACTED], not 17351 or 73510");
        assert_eq!(
            hidden("user robot, password pass-word-of-the-robot"),
            "user [REDACTED], password [REDACTED]"
        );
        for form in [
            "quoted%20%22part%22%20of%2Fit",
            "quoted \\\"part\\\" of/it",
            "quoted \"part\" of\\/it",
            "quoted &quot;part&quot; of/it &lt;&amp;&gt;",
        ] {
            assert_eq!(hidden(form), "[REDACTED]", "{form}");
        }
        let hex: String = KEY.bytes().map(|byte| format!("{byte:02X}")).collect();
        assert_eq!(hidden(&hex), "[REDACTED]");
        for lead in ["", "x", "xy"] {
            let encoded = STANDARD_NO_PAD.encode(format!("{lead}Bearer {KEY}"));
            let shown = hidden(&encoded);
            assert!(shown.contains(HIDDEN) && shown.len() < 20, "{shown}");
        }
    }

    #[test]
    fn other_text_and_public_headers_stay() {
        for text in ["", "Bearer token of a server, application/json, a", "ünïcödé", "sky-ab1"] {
            assert_eq!(hidden(text), text);
        }
        assert_eq!(hide(&[], KEY), KEY);
        assert_eq!(sent(&[("x-a", "same value"), ("x-b", "same value")]).len(), 1);
        let declared = PublicHeaders(Arc::new(vec![HeaderName::from_static("x-metadata")]));
        let headers = HeaderMap::from_iter(
            ["x-metadata", "x-other"]
                .map(|name| (HeaderName::from_static(name), HeaderValue::from_static(name))),
        );
        let mut noted = Vec::new();
        note(&headers, Some(&declared), &mut noted);
        assert_eq!(noted, ["x-other"]);
    }

    #[test]
    fn parts_of_a_value_occur_in_a_request_id() {
        let sent = sent(&[("authorization", &format!("Bearer {KEY}")), ("x-pin", "7351")]);
        for id in [KEY, "Bearer sky-ab123-0123456789", "7351"] {
            assert!(occurs(&sent, id.as_bytes()), "{id}");
        }
        for id in ["", "9c4e2d1a-5b6c-4d7e-8f90-a1b2c3d4e5f6", "73510", "req-7"] {
            assert!(!occurs(&sent, id.as_bytes()), "{id}");
        }
    }
}
