//! Formulas of Excel: what people have named and written in them is looked at, their grammar is not.

use std::ops::Range;

use super::names::Names;
use crate::files::{FileProblem, rewriter::Rewriter};
use crate::mapped_text::{MappedText, Splices};
use crate::rewrite::Edit;

/// From so many digits on, a number may be one of a card or an account.
const LONG_NUMBER: usize = 7;

/// A part of a formula that people chose.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    /// A text in quotation marks.
    Literal,
    /// A sheet, in apostrophes or before an exclamation mark.
    Sheet,
    /// A name in brackets: the column of a table, a workbook.
    Column,
    /// A defined name, or a long number.
    Name,
}

/// Shows the parts of a formula and makes the edits so that it stays one.
pub(super) fn rewrite(
    formula: &MappedText,
    splices: &mut Splices,
    names: &mut Names,
    rewriter: &mut Rewriter<'_>,
    encode: fn(&str) -> String,
) -> Result<(), FileProblem> {
    let mut edits = Vec::new();
    for (range, kind) in parts(formula.text()) {
        let part = formula.text().get(range.clone()).unwrap_or_default();
        if let (Kind::Sheet, Some(sheet)) = (kind, names.sheet(&part.replace("''", "'"))) {
            edits.push(Edit { range, replacement: sheet.replace('\'', "''") });
            continue;
        }
        for edit in rewriter.edits_aside(part, "")? {
            let value = part.get(edit.range.clone()).unwrap_or_default();
            let replacement = match kind {
                Kind::Literal => edit.replacement.replace('"', "\"\""),
                Kind::Column => escaped(&edit.replacement),
                Kind::Sheet | Kind::Name => names.name(value, &edit.replacement),
            };
            let edited = range.start + edit.range.start..range.start + edit.range.end;
            edits.push(Edit { range: edited, replacement });
        }
    }
    splices.edit(formula, &edits, encode);
    Ok(())
}

/// Writes a text as the name of a column in brackets.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        if "[]#'@".contains(letter) {
            escaped.push('\'');
        }
        escaped.push(letter);
    }
    escaped
}

/// Returns what people chose, in the order of the formula.
fn parts(formula: &str) -> Vec<(Range<usize>, Kind)> {
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some(first) = formula.get(at..).and_then(|rest| rest.chars().next()) {
        let inside = at + first.len_utf8();
        let rest = formula.get(inside..).unwrap_or_default();
        match first {
            '"' => {
                let range = inside..inside + quoted(rest, '"');
                at = range.end + 1;
                parts.push((range, Kind::Literal));
            }
            '\'' => {
                let range = inside..inside + quoted(rest, '\'');
                at = range.end + 1;
                // A range of sheets names the first and the last.
                let sheets = formula.get(range.clone()).unwrap_or_default().split(':');
                let mut start = range.start;
                for sheet in sheets {
                    parts.push((start..start + sheet.len(), Kind::Sheet));
                    start += sheet.len() + 1;
                }
            }
            '[' => {
                let range = inside..inside + rest.find(['[', ']']).unwrap_or(rest.len());
                at = range.end;
                parts.push((range, Kind::Column));
            }
            _ if is_of_name(first) => {
                let whole = formula.get(at..).unwrap_or_default();
                let name =
                    whole.get(..whole.find(|c| !is_of_name(c)).unwrap_or(whole.len())).unwrap_or_default();
                let range = at..at + name.len();
                at = range.end;
                match whole.get(name.len()..).and_then(|rest| rest.chars().next()) {
                    Some('!') => parts.push((range, Kind::Sheet)),
                    Some('(') => {}
                    _ if is_chosen(name) => parts.push((range, Kind::Name)),
                    _ => {}
                }
            }
            _ => at = inside,
        }
    }
    parts.retain(|(range, _)| !range.is_empty());
    parts
}

/// Returns how long a text is up to its closing mark; a doubled one is part of it.
fn quoted(rest: &str, mark: char) -> usize {
    let mut letters = rest.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        if letter == mark && letters.next_if(|(_, next)| *next == mark).is_none() {
            return at;
        }
    }
    rest.len()
}

fn is_of_name(letter: char) -> bool {
    letter.is_alphanumeric() || "_.$\\?".contains(letter)
}

/// Tells whether a word is a name or a long number, and not a reference to cells or a short number.
fn is_chosen(word: &str) -> bool {
    let plain = word.replace('$', "");
    if plain.starts_with(|c: char| c.is_ascii_digit() || c == '.') && plain.parse::<f64>().is_ok() {
        return plain.bytes().filter(u8::is_ascii_digit).count() >= LONG_NUMBER;
    }
    let letters = plain.chars().take_while(char::is_ascii_alphabetic).count();
    let digits = plain.get(letters..).unwrap_or_default();
    if !digits.chars().all(|c| c.is_ascii_digit() || c == '.') {
        return true;
    }
    match letters {
        0 => digits.len() >= LONG_NUMBER,
        1..=3 => digits.len() > LONG_NUMBER,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(formula: &str) -> Vec<(&str, Kind)> {
        parts(formula).into_iter().map(|(range, kind)| (&formula[range], kind)).collect()
    }

    #[test]
    fn the_grammar_of_a_formula_is_not_looked_at() {
        for formula in [
            "SUM($B$2:$B$9)*C$1",
            "VLOOKUP(A2,$A$1:$C$40,2,FALSE())",
            "$A:$C+1:3-1.5e3*12%",
            "IF(A1>100,1,0)",
            "AAA1048576",
        ] {
            assert_eq!(found(formula), [], "{formula}");
        }
    }

    #[test]
    fn strings_sheets_names_and_long_numbers_are() {
        assert_eq!(found(r#""to ""Ada"" " & A1"#), [(r#"to ""Ada"" "#, Kind::Literal)]);
        assert_eq!(
            found("'Bo O''Larkin'!$A$1+'A B:C D'!A1+Accounts!B2"),
            [
                ("Bo O''Larkin", Kind::Sheet),
                ("A B", Kind::Sheet),
                ("C D", Kind::Sheet),
                ("Accounts", Kind::Sheet)
            ]
        );
        assert_eq!(
            found("Table1[[#This Row],[Jane Doe]]*Rate_2+4929123456781234"),
            [
                ("Table1", Kind::Name),
                ("#This Row", Kind::Column),
                ("Jane Doe", Kind::Column),
                ("Rate_2", Kind::Name),
                ("4929123456781234", Kind::Name)
            ]
        );
        assert_eq!(found("\"open"), [("open", Kind::Literal)]);
        assert_eq!(found("é\u{1f642}'"), [("é", Kind::Name)]);
    }
}
