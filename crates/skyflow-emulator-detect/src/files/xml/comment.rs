use crate::rewrite::Edit;

/// The placeholder of a character that cannot be written in its position.
const STAND_IN: char = '_';

/// Makes replacements fit for a comment, which has no references: it may hold no two dashes and end with none.
///
/// The neighbours of a replacement count too; text that is not replaced is kept.
pub(super) fn in_comment(text: &str, edits: &[Edit]) -> Vec<Edit> {
    let mut written = String::with_capacity(text.len());
    let mut fitting = Vec::with_capacity(edits.len());
    let mut at = 0;
    let mut edits = edits.iter().peekable();
    while let Some(edit) = edits.next() {
        written.push_str(text.get(at..edit.range.start).unwrap_or_default());
        at = edit.range.end;
        let start = written.len();
        for character in edit.replacement.chars() {
            let fits = !is_mark(&written, character);
            written.push(if fits { character } else { STAND_IN });
        }
        // The next replacement looks at this one by itself; behind the last character comes a dash of the end.
        let next = text.get(at..).and_then(|rest| rest.chars().next()).unwrap_or('-');
        let is_beside = edits.peek().is_some_and(|edit| edit.range.start == at);
        if !is_beside && is_mark(&written, next) {
            if written.len() > start {
                written.pop();
            }
            written.push(STAND_IN);
        }
        let replacement = written.get(start..).unwrap_or_default().to_owned();
        fitting.push(Edit { range: edit.range.clone(), replacement });
    }
    fitting
}

/// Tells whether a character would make two dashes of one, or an end of two.
fn is_mark(written: &str, next: char) -> bool {
    (next == '-' && written.ends_with('-')) || (next == '>' && written.ends_with("--"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rewrite::apply;

    /// Replaces each `#` of a comment.
    fn replaced(text: &str, replacement: &str) -> String {
        let edit = |at| Edit { range: at..at + 1, replacement: replacement.to_owned() };
        let edits: Vec<Edit> = text.match_indices('#').map(|(at, _)| edit(at)).collect();
        apply(text, &in_comment(text, &edits))
    }

    #[test]
    fn only_what_a_comment_cannot_hold_is_changed() {
        for (text, replacement, comment) in [
            (" born # ", "1990-06-05", " born 1990-06-05 "),
            ("#", "-a<b>&-c", "-a<b>&-c"),
            ("#", "a--b---c", "a-_b-_-c"),
            ("#", "a-", "a_"),
            ("#", "-", "_"),
        ] {
            assert_eq!(replaced(text, replacement), comment);
        }
    }

    #[test]
    fn the_neighbours_of_a_replacement_count() {
        for (text, replacement, comment) in [
            ("a-#-b", "-1-", "a-_1_-b"),
            ("a-#-b", "", "a-_-b"),
            ("a-#-b", "-", "a-_-b"),
            ("a-#", "", "a-_"),
            ("##", "-", "-_"),
            ("-##", "", "-_"),
            ("-##-", "", "-_-"),
            // Not well-formed, but told where it ends all the same.
            ("--#", ">", "--_"),
            ("--#>", "", "--_>"),
            ("-#>", "-", "-_>"),
        ] {
            assert_eq!(replaced(text, replacement), comment, "{text} {replacement}");
        }
    }
}
