use std::ops::Range;

use crate::detect::files::mapped_text::{MappedText, Splices};
use crate::detect::files::xml::escape;
use crate::detect::rewrite::Edit;

use super::names::Names;

/// Makes the edits of a formula or a field code so that it stays one.
///
/// Within a literal a replacement stands as it is. Anywhere else it is part of a name, and brackets would mean
/// something.
pub(super) fn edit(splices: &mut Splices, text: &MappedText, edits: &[Edit], names: &mut Names) {
    for edit in edits {
        let is_literal = is_in_literal(text.text(), &edit.range);
        let replacement = match is_literal {
            true => edit.replacement.replace('"', "\"\""),
            false => names.name(text.text().get(edit.range.clone()).unwrap_or_default(), &edit.replacement),
        };
        splices.edit(text, &[Edit { range: edit.range.clone(), replacement }], escape);
    }
}

fn is_in_literal(text: &str, range: &Range<usize>) -> bool {
    text.get(..range.start).unwrap_or_default().matches('"').count() % 2 == 1
}
