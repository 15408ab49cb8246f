//! What a word is, for all that looks at texts.

/// Tells whether a letter belongs to a word: marks that combine with the letter before them do.
pub(super) fn is_word(letter: char) -> bool {
    letter.is_alphanumeric()
        || letter == '_'
        || matches!(letter,
            '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5bd}' | '\u{64b}'..='\u{65f}'
            | '\u{93c}' | '\u{94d}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}'
            | '\u{fe20}'..='\u{fe2f}')
}

/// Returns the words of a text, each with where it starts.
pub(super) fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + text.get(at..)?.find(is_word)?;
        let rest = text.get(start..)?;
        at = start + rest.find(|letter| !is_word(letter)).unwrap_or(rest.len());
        Some((start, text.get(start..at)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_after_letters_digits_and_marks() {
        let found: Vec<_> = words("🙂Yo\u{301}rk's 2_nd, \u{5e9}\u{5b8}\u{5dc}!").collect();
        assert_eq!(found, [(4, "Yo\u{301}rk"), (11, "s"), (13, "2_nd"), (19, "\u{5e9}\u{5b8}\u{5dc}")]);
        assert_eq!(words(" …!").count(), 0);
    }
}
