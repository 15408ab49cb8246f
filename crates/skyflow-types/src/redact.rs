const HIDDEN: &str = "[REDACTED]";

/// So many digits in a row may identify a person.
const DIGITS: usize = 9;

/// The most separators between two digits of one number.
const SEPARATORS: usize = 4;

/// Takes what looks like personal data out of a text that a server wrote, before it is shown.
///
/// Runs of nine or more digits and e-mail addresses are replaced by `[REDACTED]`. Digits of any script count, and up to
/// four separators may stand between two of them: spaces, punctuation, and the escapes of URLs, HTML and JSON.
/// Invisible characters are left out. UUIDs and 32-digit hexadecimal ids stay: support needs them.
///
/// ```
/// use skyflow_types::redact_text;
///
/// assert_eq!(redact_text("value 4111 1111 1111 1111 is not unique"), "value [REDACTED] is not unique");
/// ```
pub fn redact_text(text: &str) -> String {
    let visible: String;
    let text = match text.contains(is_invisible) {
        true => {
            visible = text.chars().filter(|c| !is_invisible(*c)).collect();
            &visible
        }
        false => text,
    };
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    let mut inside_word = false;
    while let Some(first) = rest.chars().next() {
        let word = word_of(rest);
        let (digits, run) = digit_run(rest);
        let (taken, hidden) = if !inside_word && is_id(word) {
            (word.trim_end_matches(['.', '-']).len(), false)
        } else if !inside_word && is_address(word) {
            (word.len(), true)
        } else if digits >= DIGITS {
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

/// Tells whether a character has no width, turns the reading direction, or separates lines.
pub fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}')
}

fn word_of(text: &str) -> &str {
    text.split(|c: char| !is_word(c)).next().unwrap_or_default()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '@' | '\u{ff20}' | '\u{fe6b}' | '.' | '_' | '+' | '%' | '-')
}

/// Tells whether a word is an e-mail address, also one with the escapes of a URL.
fn is_address(word: &str) -> bool {
    let at = |c: char| matches!(c, '@' | '\u{ff20}' | '\u{fe6b}');
    let (name, host) = match word.split_once(at).or_else(|| word.split_once("%40")) {
        Some(parts) => parts,
        None => return false,
    };
    !name.is_empty() && (host.contains('.') || host.contains("%2E") || host.contains("%2e"))
}

fn is_id(word: &str) -> bool {
    let word = word.trim_end_matches(['.', '-']);
    let groups: Vec<usize> = word.split('-').map(str::len).collect();
    let hexadecimal = word.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    // 32 digits without a letter may be two card numbers; the groups of a UUID fit no number that identifies somebody.
    let mixed = || word.bytes().any(|b| b.is_ascii_alphabetic());
    hexadecimal && (groups == [8, 4, 4, 4, 12] || (groups == [32] && mixed()))
}

/// Counts the digits at the start of `text`, with separators between them, and the bytes they take.
fn digit_run(text: &str) -> (usize, usize) {
    let (mut digits, mut length, mut separators) = (0, 0, 0);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let taken = if is_digit(c) {
            // An id after a separator is no part of the number.
            if separators > 0 && is_id(word_of(rest)) {
                break;
            }
            digits += 1;
            separators = 0;
            length = text.len() - rest.len() + c.len_utf8();
            c.len_utf8()
        } else if digits > 0
            && separators < SEPARATORS
            && let Some(taken) = separator(rest, c)
        {
            separators += 1;
            taken
        } else {
            break;
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
    (digits, length)
}

/// Tells whether a character is a decimal digit of any script, a digit in a circle or one in another position.
fn is_digit(c: char) -> bool {
    c.is_ascii_digit() || (!c.is_ascii() && c.is_numeric())
}

/// Returns the length of a separator at the start of the text: a character that is no letter, or an escape of one.
fn separator(text: &str, first: char) -> Option<usize> {
    let escape = match first {
        // `%20`, and each byte of `%C2%A0`.
        '%' => text.get(1..3).filter(|code| code.bytes().all(|b| b.is_ascii_hexdigit())).map(|_| 3),
        // `\u00a0`, `\n`
        '\\' => match text.as_bytes().get(1) {
            Some(b'u') => {
                text.get(2..6).filter(|code| code.bytes().all(|b| b.is_ascii_hexdigit())).map(|_| 6)
            }
            Some(b'n' | b'r' | b't' | b'f' | b'b' | b'/' | b'"' | b'\\') => Some(2),
            _ => None,
        },
        // `&nbsp;`, `&#160;`
        '&' => text.find(';').filter(|end| *end < 10).map(|end| end + 1),
        _ => None,
    };
    escape.or_else(|| (!first.is_alphanumeric()).then(|| first.len_utf8()))
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
            ("no jane.doe%40example.com here", "no [REDACTED] here"),
            ("no jane\u{ff20}example.com here", "no [REDACTED] here"),
            ("no ja\u{ad}ne@exam\u{200b}ple.com here", "no [REDACTED] here"),
            ("é 4111111111111111é", "é [REDACTED]é"),
            ("card4111-1111-1111-1111x", "card[REDACTED]x"),
            ("12-34-56-78-90", "[REDACTED]"),
            ("ssn 123.45.6789", "ssn [REDACTED]"),
            ("call (415) 555-2671", "call ([REDACTED]"),
        ] {
            assert_eq!(redact_text(text), shown);
        }
    }

    #[test]
    fn rel_p06_separators_do_not_hide_a_card() {
        let separators = [
            ".",
            "_",
            "/",
            ",",
            ":",
            ";",
            "|",
            "+",
            "*",
            "#",
            "~",
            "·",
            "  ",
            " - ",
            ", ",
            "\t",
            "\n",
            "\r\n",
            "\u{a0}",
            "\u{2002}",
            "\u{2009}",
            "\u{202f}",
            "\u{3000}",
            "\u{2010}",
            "\u{2011}",
            "\u{2012}",
            "\u{2013}",
            "\u{2014}",
            "\u{2212}",
            "\u{ff0d}",
            "\u{ff0e}",
            "\u{200b}",
            "\u{ad}",
            "\u{200d}",
            "%20",
            "%2D",
            "%2d",
            "%C2%A0",
            "%E2%80%93",
            "\\u00a0",
            "\\n",
            "\\/",
            "\\\\",
            "&nbsp;",
            "&#160;",
            "&#xA0;",
            "\"",
            "'",
            "[",
            "]{",
            "^",
            "=",
            "\u{0}",
        ];
        for separator in separators {
            for groups in [["4111", "1111", "1111", "1111"].as_slice(), &["3782", "822463", "10005"]] {
                let text = format!("value {} is taken", groups.join(separator));
                assert_eq!(redact_text(&text), "value [REDACTED] is taken", "{text:?}");
            }
            let spread: Vec<_> = "123456789".chars().map(String::from).collect();
            assert_eq!(redact_text(&spread.join(separator)), "[REDACTED]", "{separator:?}");
        }
    }

    #[test]
    fn rel_p06_digits_of_any_script_are_digits() {
        for zero in ['0', '\u{ff10}', '\u{660}', '\u{6f0}', '\u{966}', '\u{e50}', '\u{1d7ce}', '\u{1d7f6}'] {
            let digit = |n: u32| char::from_u32(u32::from(zero) + n).unwrap();
            let card: String =
                [4, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1].map(digit).into_iter().collect();
            assert_eq!(redact_text(&format!("no {card}.")), "no [REDACTED].", "{zero:?}");
        }
    }

    #[test]
    fn ids_codes_and_words_stay_readable() {
        for text in [
            "Get failed. [b9b80eef-4a4a-4b9c-8f9a-1d2e3f4a5b6c] isn't a valid Skyflow ID. Specify a valid Skyflow ID.",
            "row 00000000-0000-4000-8000-000000000000, vault d408485953784308a000f8dcf81901ef",
            "404: 00000000-0000-4000-8000-000000000000",
            "row 7/12345678-1234-1234-1234-123456789012.",
            "Token not found for 1234",
            "HTTP 404 at 2026-11-21",
            "",
            "column a@b has no host",
            "ünïcödé 12 34",
            "http 400, grpc 3, 25 rows of 1000",
            "line 12, column 345 of records[3]",
            "50% of 20 rows; see https://docs.example/a%20b",
        ] {
            assert_eq!(redact_text(text), text);
        }
    }

    #[test]
    fn any_text_is_redacted_without_panic() {
        for text in [
            "%", "%4", "1%", "1%é", "1\\", "1\\u", "1\\u00é", "1&", "1&é;", "&;1", "é%40", "%40", "a%40.",
            "@.",
        ] {
            redact_text(text);
        }
    }
}
