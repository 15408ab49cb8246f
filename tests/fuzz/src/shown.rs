//! Everything that a log can show of an error.

use std::error::Error;

/// A value without a form that a redactor knows. It has a space, so that no part of an error takes it for a name.
pub(crate) const NAME: &str = "Zebulon Quartermain";

/// Returns the text of an error and of its sources, in every form.
pub(crate) fn shown(error: &dyn Error) -> String {
    let mut text = format!("{error} {error:?} {error:#?}");
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(&format!("\n{source} {source:?} {source:#?}"));
        next = source.source();
    }
    text
}

/// Fails when the one-line form of an error could forge a line of a log.
pub(crate) fn assert_is_one_line(error: &dyn Error) {
    let line = error.to_string();
    assert!(!line.contains(char::is_control), "the message has a control character: {line:?}");
}
