//! The headers and footers of worksheets: texts with codes in them, such as `&C` for the middle.

const ELEMENTS: [&str; 6] =
    ["oddHeader", "oddFooter", "evenHeader", "evenFooter", "firstHeader", "firstFooter"];

/// Tells whether the text of an element has codes.
pub(super) fn has_codes(element: &str) -> bool {
    ELEMENTS.contains(&element)
}

/// Replaces the codes with spaces: `&CJane` says `Jane`, and every character stays where it is. The three sections
/// are separate lines, so that nothing is found across their borders.
pub(super) fn without_codes(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        let end = code(after).min(after.len());
        let length = (0..=end).rev().find(|end| after.is_char_boundary(*end)).unwrap_or_default();
        shown.push_str(before);
        let is_border = after.starts_with(['L', 'C', 'R']);
        shown.extend(std::iter::repeat_n(if is_border { '\n' } else { ' ' }, 1 + length));
        rest = after.get(length..).unwrap_or_default();
    }
    shown.push_str(rest);
    shown
}

/// The length of a code behind its `&`: a font in quotes, a size, a colour, or one letter.
fn code(after: &str) -> usize {
    let digits = |text: &str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    match after.chars().next() {
        Some('"') => after.get(1..).and_then(|font| font.find('"')).map_or(1, |end| end + 2),
        Some('K') => 7,
        Some(first) if first.is_ascii_digit() => digits(after),
        // `&&` is an ampersand, and every other code is one letter.
        Some(first) if first.is_ascii() => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_become_spaces_and_nothing_moves() {
        for (text, shown) in [
            ("&CJane Doe", "\n\nJane Doe"),
            ("&L&\"Arial,Bold\"&12Jane&R&P/&N", "\n\n                Jane\n\n  /  "),
            ("&K01+000Zoë", "        Zoë"),
            ("R&&D, 100 %&", "R  D, 100 % "),
            ("&\"broken", "  broken"),
            ("&é&", " é "),
            ("&K12", "    "),
            ("&K12345é", "       é"),
        ] {
            assert_eq!(without_codes(text), shown, "{text}");
            assert_eq!(without_codes(text).len(), text.len(), "{text}");
        }
    }
}
