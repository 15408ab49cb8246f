//! Files of type `txt`: one passage, so that a value is found over the end of a line.

use super::{FileProblem, rewriter::Rewriter, text_encoding};
use crate::rewrite::apply;

pub(super) fn process(content: &[u8], rewriter: &mut Rewriter<'_>) -> Result<Vec<u8>, FileProblem> {
    let (text, encoding) = text_encoding::decode(content)
        .ok_or_else(|| FileProblem::broken("the text is not written in the encoding its first bytes say"))?;
    let edits = rewriter.edits(&text, "")?;
    Ok(text_encoding::encode(&apply(&text, &edits), encoding))
}
