//! Text that a server wrote, made fit for a log.

use http::HeaderMap;
use http::header::CONTENT_TYPE;

/// The longest message that is kept, in bytes.
const MAX_BYTES: usize = 4096;

/// Takes out what could forge log lines or turn the reading direction, and cuts the text at 4 KiB.
pub fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len().min(MAX_BYTES));
    for c in text.trim().chars() {
        let c = if matches!(c, '\n' | '\r' | '\t') { ' ' } else { c };
        if clean.len() + c.len_utf8() > MAX_BYTES {
            break;
        }
        if !c.is_control() && !is_invisible(c) {
            clean.push(c);
        }
    }
    clean
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Returns a body that is not JSON as the message it is; `None` for a page, which is for people with a browser.
pub fn plain_text(headers: &HeaderMap, body: &[u8]) -> Option<String> {
    let is_html = headers
        .get(CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().to_ascii_lowercase().starts_with(b"text/html"));
    let text = String::from_utf8_lossy(body);
    (!is_html && !text.trim_start().starts_with('<')).then(|| text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_cannot_forge_a_log_line() {
        assert_eq!(clean(" a\r\nINFO b\u{1b}[31m\u{0}\u{202e}c\u{2028}d "), "a  INFO b[31mcd");
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let cut = clean(&"ü".repeat(10_000));
        assert_eq!(cut.len(), 4096);
        assert_eq!(clean(&format!("x{}", "ü".repeat(10_000))).len(), 4095);
    }
}
