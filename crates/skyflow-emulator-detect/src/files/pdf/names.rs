use std::collections::BTreeSet;

use lopdf::content::Operation;
use lopdf::{Document, Object, StringFormat, decode_text_string};

use super::forms::{dictionary_of, within};
use crate::files::{FileProblem, rewriter::Rewriter};
use crate::rewrite::apply;

/// How many digits make a number that may be somebody's.
const DIGITS: usize = 7;

/// The names of a file that look like text: destinations, layers of a form and its export values are named by people.
///
/// They are collected before any is looked at, because content streams repeat a name without end.
#[derive(Default)]
pub(super) struct Names(BTreeSet<Vec<u8>>);

impl Names {
    pub(super) fn add_document(&mut self, document: &Document) {
        for object in document.objects.values() {
            self.add(object);
        }
        for (key, value) in &document.trailer {
            self.add_name(key);
            self.add(value);
        }
    }

    pub(super) fn add_operation(&mut self, operation: &Operation) {
        for operand in &operation.operands {
            self.add(operand);
        }
    }

    fn add(&mut self, object: &Object) {
        for object in within(object) {
            if let Object::Name(name) = object {
                self.add_name(name);
            }
            for (key, _) in dictionary_of(object).into_iter().flatten() {
                self.add_name(key);
            }
        }
    }

    fn add_name(&mut self, name: &[u8]) {
        if looks_like_text(name) && !self.0.contains(name) {
            self.0.insert(name.to_vec());
        }
    }

    /// Refuses names of which anything is to be replaced: what refers to a name may be outside of the file.
    pub(super) fn check(&self, rewriter: &mut Rewriter<'_>) -> Result<(), FileProblem> {
        for name in &self.0 {
            if !rewriter.edits_aside(&text_of(name), "")?.is_empty() {
                return Err(FileProblem::unsupported(
                    "the names inside the PDF hold values; the embedded vault does not replace names, such as those \
                     of destinations and of the states of a button; register a canned result for the file",
                ));
            }
        }
        Ok(())
    }
}

/// Rewrites a name to which nothing refers.
pub(super) fn rewrite(name: &mut Vec<u8>, rewriter: &mut Rewriter<'_>) -> Result<(), FileProblem> {
    if looks_like_text(name) {
        let text = text_of(name);
        let edits = rewriter.edits_aside(&text, "")?;
        if !edits.is_empty() {
            *name = apply(&text, &edits).into_bytes();
        }
    }
    Ok(())
}

fn looks_like_text(name: &[u8]) -> bool {
    name.iter().any(|byte| byte.is_ascii_whitespace() || *byte == b'@' || !byte.is_ascii())
        || has_number(name)
}

/// Returns whether enough digits are adjacent, or are divided as numbers are.
fn has_number(name: &[u8]) -> bool {
    let groups = name.split(|byte| !(byte.is_ascii_digit() || b"-./".contains(byte)));
    groups.into_iter().any(|group| group.iter().filter(|byte| byte.is_ascii_digit()).count() >= DIGITS)
}

fn text_of(name: &[u8]) -> String {
    // Names are in UTF-8 by now; older files write them as strings.
    let as_string = || decode_text_string(&Object::String(name.to_vec(), StringFormat::Literal)).ok();
    let text = std::str::from_utf8(name).ok().map(str::to_owned).or_else(as_string);
    text.unwrap_or_else(|| String::from_utf8_lossy(name).into_owned())
}
