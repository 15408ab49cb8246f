const HIDDEN: &str = "[REDACTED]";

/// Takes what looks like personal data out of a text that a server wrote, before it is shown.
///
/// Runs of nine or more digits (single spaces and dashes between them do not help) and e-mail addresses are replaced by
/// `[REDACTED]`. UUIDs and 32-digit hexadecimal ids stay: support needs them.
///
/// ```
/// use skyflow_types::redact_text;
///
/// assert_eq!(redact_text("value 4111 1111 1111 1111 is not unique"), "value [REDACTED] is not unique");
/// ```
pub fn redact_text(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    let mut inside_word = false;
    while let Some(first) = rest.chars().next() {
        let word = rest.split(|c: char| !is_word(c)).next().unwrap_or_default();
        let (digits, run) = digit_run(rest);
        let (taken, hidden) = if !inside_word && is_id(word.trim_end_matches(['.', '-'])) {
            (word.len(), false)
        } else if !inside_word && is_address(word) {
            (word.len(), true)
        } else if digits >= 9 {
            (run, true)
        } else if digits > 0 {
            (run, false)
        } else {
            (first.len_utf8(), false)
        };
        let (part, after) = rest.split_at_checked(taken).unwrap_or((rest, ""));
        shown.push_str(if hidden { HIDDEN } else { part });
        inside_word = part.chars().next_back().is_some_and(is_word);
        rest = after;
    }
    shown
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '@' | '.' | '_' | '+' | '%' | '-')
}

fn is_address(word: &str) -> bool {
    word.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
}

fn is_id(word: &str) -> bool {
    let groups: Vec<usize> = word.split('-').map(str::len).collect();
    let hexadecimal = word.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    // 32 digits without a letter may be two card numbers; the groups of a UUID fit no number that identifies somebody.
    let mixed = || word.bytes().any(|b| b.is_ascii_alphabetic());
    hexadecimal && (groups == [8, 4, 4, 4, 12] || (groups == [32] && mixed()))
}

/// Counts the digits at the start of `text`, with single spaces and dashes between them, and the bytes they take.
fn digit_run(text: &str) -> (usize, usize) {
    let (mut digits, mut length, mut separated) = (0, 0, false);
    for (at, c) in text.char_indices() {
        match c {
            '0'..='9' => {
                digits += 1;
                length = at + 1;
                separated = false;
            }
            ' ' | '-' if digits > 0 && !separated => separated = true,
            _ => break,
        }
    }
    (digits, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rel_p06_numbers_and_addresses_are_hidden() {
        for (text, shown) in [
            ("value 4111111111111111 is not unique", "value [REDACTED] is not unique"),
            ("4111 1111 1111 1111", "[REDACTED]"),
            ("ssn=123-45-6789.", "ssn=[REDACTED]."),
            ("(378282246310005)", "([REDACTED])"),
            ("no jane.doe+x@example.com here", "no [REDACTED] here"),
            ("é 4111111111111111é", "é [REDACTED]é"),
            ("card4111-1111-1111-1111x", "card[REDACTED]x"),
            ("12-34-56-78-90", "[REDACTED]"),
        ] {
            assert_eq!(redact_text(text), shown);
        }
    }

    #[test]
    fn ids_codes_and_words_stay_readable() {
        for text in [
            "Get failed. [b9b80eef-4a4a-4b9c-8f9a-1d2e3f4a5b6c] isn't a valid Skyflow ID. Specify a valid Skyflow ID.",
            "row 00000000-0000-4000-8000-000000000000, vault d408485953784308a000f8dcf81901ef",
            "Token not found for 1234",
            "HTTP 404 at 2026-11-21",
            "",
            "column a@b has no host",
            "ünïcödé 12 34",
            "http 400, grpc 3, 25 rows of 1000",
        ] {
            assert_eq!(redact_text(text), text);
        }
    }
}
