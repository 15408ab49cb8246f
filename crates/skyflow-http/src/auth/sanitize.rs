/// The most characters of a server's message that are kept.
const LONGEST: usize = 512;

/// A run of token characters this long is a token and no word; API keys have 42.
const TOKEN_LENGTH: usize = 40;

/// Makes a server's message fit for a log line: one line, bounded, and without anything that looks like a token.
pub(crate) fn message(text: &str) -> String {
    let mut clean = String::with_capacity(text.len().min(LONGEST));
    let is_token =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+' | '/' | '=' | '%' | '~');
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let run = rest.find(|c| !is_token(c)).unwrap_or(rest.len());
        let (run, after) = rest.split_at(run);
        if run.is_empty() {
            clean.push(if c.is_control() || c.is_whitespace() { ' ' } else { c });
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
        } else {
            clean.push_str(if run.len() >= TOKEN_LENGTH { "[REDACTED]" } else { run });
            rest = after;
        }
        if clean.chars().count() >= LONGEST {
            break;
        }
    }
    clean.trim().chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::message;

    #[test]
    fn message_is_one_short_line_without_tokens() {
        assert_eq!(message("invalid key"), "invalid key");
        assert_eq!(message(" a\r\nb\u{1b}[31m\tc\u{2028}"), "a  b [31m c");
        assert_eq!(
            message("bad assertion eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2lnbmF0dXJl!"),
            "bad assertion [REDACTED]!"
        );
        assert_eq!(message("key sky-abcde-0123456789abcdef0123456789abcdef"), "key [REDACTED]");
        assert_eq!(
            message("account f7a4a7bb4c4b4d66a8d4bb1f1d8e3b9a"),
            "account f7a4a7bb4c4b4d66a8d4bb1f1d8e3b9a"
        );
        assert_eq!(message(&"üä".repeat(10_000)).chars().count(), 512);
        assert_eq!(message(&"a".repeat(10_000)), "[REDACTED]");
    }
}
