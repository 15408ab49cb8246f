//! Text that a server wrote, made fit for a log.

/// The longest message that is kept, in bytes.
const MAX_BYTES: usize = 4096;

/// Numbers with at least this many digits are taken for data: a social security number has nine.
const MIN_DIGITS: usize = 9;

/// Takes out what could forge log lines or turn the reading direction, and cuts the text at 4 KiB.
pub(super) fn clean(text: &str) -> String {
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

/// Hides what looks like a card number, a social security number or a mail address.
pub(super) fn mask(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    for (at, word) in text.split(' ').enumerate() {
        if at > 0 {
            masked.push(' ');
        }
        masked.push_str(if is_mail(word) { "[REDACTED]" } else { word });
    }
    mask_numbers(&masked)
}

fn is_mail(word: &str) -> bool {
    word.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
}

/// Hides runs of digits, also when single spaces or hyphens stand between them.
fn mask_numbers(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(start);
        let mut end = 0;
        let mut digits = 0;
        let mut separated = false;
        for (at, c) in from.char_indices() {
            match c {
                '0'..='9' => {
                    (digits, separated) = (digits + 1, false);
                    end = at + 1;
                }
                ' ' | '-' if !separated => separated = true,
                _ => break,
            }
        }
        let (number, after) = from.split_at(end);
        masked.push_str(before);
        masked.push_str(if digits >= MIN_DIGITS { "[REDACTED]" } else { number });
        rest = after;
    }
    masked.push_str(rest);
    masked
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

    #[test]
    fn numbers_and_addresses_that_identify_somebody_are_hidden() {
        for (text, shown) in [
            ("value 4111111111111111 exists", "value [REDACTED] exists"),
            ("value 4111 1111 1111 1111.", "value [REDACTED]."),
            ("ssn 123-45-6789, again 123456789", "ssn [REDACTED], again [REDACTED]"),
            ("mail jane@example.com is taken", "mail [REDACTED] is taken"),
            ("http 400, grpc 3, 25 rows of 1000", "http 400, grpc 3, 25 rows of 1000"),
            ("column a@b has no host", "column a@b has no host"),
            ("", ""),
        ] {
            assert_eq!(mask(text), shown);
        }
    }
}
