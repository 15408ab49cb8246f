use crate::segmentation::is_word;

/// A word of a text, with the hyphens and apostrophes inside of it, but without a possessive end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Word {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whether it begins with a capital letter.
    pub(super) capital: bool,
    /// Whether its script has no capitals.
    pub(super) caseless: bool,
    /// Whether it is one letter: an initial.
    pub(super) single: bool,
    /// Whether it begins a sentence or a line.
    pub(super) begins: bool,
}

/// Returns the words of a text in order. Whatever has a digit or an underscore in it is none.
pub(super) fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut letters = text.char_indices().peekable();
    let mut begins = true;
    while let Some((start, first)) = letters.next() {
        if !is_word(first) {
            begins =
                matches!(first, '.' | '!' | '?' | '\n' | '\r' | '•') || (begins && !first.is_alphanumeric());
            continue;
        }
        let mut word = first.is_alphabetic();
        let mut count = 1;
        let mut end = start + first.len_utf8();
        while let Some(&(at, letter)) = letters.peek() {
            if is_word(letter) {
                word &= !letter.is_numeric() && letter != '_';
                count += usize::from(letter.is_alphanumeric());
            } else {
                let mut ahead = letters.clone();
                let _joint = ahead.next();
                let joins = matches!(letter, '-' | '\'' | '’' | '\u{2010}' | '\u{2011}')
                    && ahead.peek().is_some_and(|(_, next)| next.is_alphabetic());
                if !joins {
                    break;
                }
                count += 1;
            }
            end = at + letter.len_utf8();
            let _taken = letters.next();
        }
        if word {
            let value = text.get(start..end).unwrap_or_default();
            let own =
                ["'s", "’s", "'S", "’S"].iter().find_map(|own| value.strip_suffix(own)).unwrap_or(value);
            let capital = first.is_uppercase();
            let caseless = !capital && !first.is_lowercase();
            words.push(Word { start, end: start + own.len(), capital, caseless, single: count == 1, begins });
        }
        begins = false;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_hyphens_and_lose_possessives() {
        for (text, expected) in [
            ("Zoë O'Neill-Smith's cat", &["Zoë", "O'Neill-Smith", "cat"][..]),
            ("Zoe\u{308}!", &["Zoe\u{308}"]),
            ("a1 b_c 12 d", &["d"]),
            ("-x- 'y'", &["x", "y"]),
            ("🙂Ana🙂", &["Ana"]),
            ("", &[]),
        ] {
            let found: Vec<&str> = words(text).iter().map(|word| &text[word.start..word.end]).collect();
            assert_eq!(found, expected, "{text:?}");
        }
    }

    #[test]
    fn capitals_initials_and_beginnings_are_known() {
        let known: Vec<_> =
            words("Hi B. Éva\nyou").iter().map(|word| (word.capital, word.single, word.begins)).collect();
        assert_eq!(
            known,
            [(true, false, true), (true, true, false), (true, false, true), (false, false, true)]
        );
    }
}
