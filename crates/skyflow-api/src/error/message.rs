//! Text that a server wrote, made fit for a log.

/// The longest message that is kept, in bytes.
const MAX_BYTES: usize = 4096;

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
