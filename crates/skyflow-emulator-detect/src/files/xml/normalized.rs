use std::borrow::Cow;

use super::{Token, escape, tokens};
use crate::files::FileProblem;
use crate::mapped_text::Splices;

/// Returns a document without comments and instructions, and with CDATA sections as text.
///
/// Nothing shows those in the parts of an Office file, but they could divide a text, or hold one.
pub(crate) fn normalized(source: &str) -> Result<Cow<'_, str>, FileProblem> {
    let rest = source.strip_prefix("<?xml ").unwrap_or(source);
    if !["<!--", "<![CDATA[", "<?"].iter().any(|mark| rest.contains(mark)) {
        return Ok(Cow::Borrowed(source));
    }
    let mut splices = Splices::default();
    for token in tokens(source)? {
        match token {
            // The ranges are those between the marks.
            Token::Comment(range) => splices.replace(range.start - 4..range.end + 3, ""),
            Token::CharacterData(range) => {
                let text = escape(source.get(range.clone()).unwrap_or_default());
                splices.replace(range.start - 9..range.end + 3, text);
            }
            Token::Instruction(range) => {
                let before = source.get(..range.start).unwrap_or_default();
                let start = before.rfind("<?").unwrap_or(range.start);
                splices.replace(start..range.end + 2, "");
            }
            _ => {}
        }
    }
    Ok(Cow::Owned(splices.apply(source)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_not_divided_by_what_nothing_shows() {
        let source = "<?xml version='1.0'?><!-- a --><t>J<!-- b -->o<![CDATA[h<]]><?c d?>n</t>";
        assert_eq!(normalized(source).unwrap(), "<?xml version='1.0'?><t>Joh&lt;n</t>");
        assert!(matches!(normalized("<?xml version='1.0'?><t>x</t>").unwrap(), Cow::Borrowed(_)));
        assert_eq!(normalized("<t><?a b?>x</t>").unwrap(), "<t>x</t>");
    }
}
