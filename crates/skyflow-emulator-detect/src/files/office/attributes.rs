use crate::files::xml::{Attribute, decode, escape_attribute, local};
use crate::files::{FileProblem, rewriter::Rewriter};
use crate::mapped_text::{MappedText, Splices};

use super::formula;
use super::names::Names;

/// Attributes that hold what people write, whatever they say.
const TEXTS: [&str; 31] = [
    "alt",
    "anchor",
    "author",
    "caption",
    "comment",
    "descr",
    "description",
    "display",
    "displayName",
    "displayText",
    "docLocation",
    "error",
    "errorTitle",
    "fullName",
    "help",
    "href",
    "initials",
    "instr",
    "lastEditedBy",
    "location",
    "name",
    "prompt",
    "promptTitle",
    "string",
    "tag",
    "text",
    "title",
    "tooltip",
    "v",
    "value",
    "userId",
];
/// Elements whose `val` is such an attribute.
const TEXT_ELEMENTS: [&str; 14] = [
    "attr",
    "mailSubject",
    "tblCaption",
    "tblDescription",
    "alias",
    "tag",
    "docVar",
    "default",
    "listItem",
    "statusText",
    "helpText",
    "placeholder",
    "docPart",
    "result",
];
/// Attributes that hold fonts, places, shapes and names of vocabularies: structure that looks like text.
const STRUCTURE: [&str; 17] = [
    "Ignorable",
    "MustUnderstand",
    "ProcessContent",
    "Requires",
    "ascii",
    "cs",
    "eastAsia",
    "hAnsi",
    "path",
    "prefixMappings",
    "ref",
    "schemaLocation",
    "spans",
    "sqref",
    "style",
    "topLeftCell",
    "typeface",
];
/// Elements whose attributes are all structure.
const STRUCTURE_ELEMENTS: [&str; 6] = ["font", "lsdException", "rFont", "altName", "latentStyles", "rFonts"];
/// Attributes whose own name says what they hold.
const LABELS: [&str; 5] = ["author", "fullName", "initials", "lastEditedBy", "userId"];
/// A run of digits that is longer than any measure or id.
const LONG_NUMBER: usize = 12;

/// Rewrites the attributes of a tag that hold text.
pub(super) fn rewrite(
    source: &str,
    element: &str,
    attributes: &[Attribute],
    splices: &mut Splices,
    names: &mut Names,
    rewriter: &mut Rewriter<'_>,
) -> Result<(), FileProblem> {
    for attribute in attributes {
        let written = source.get(attribute.name.clone()).unwrap_or_default();
        let name = local(written);
        let mut text = MappedText::default();
        decode(source, &attribute.value, &mut text)?;
        if written.starts_with("xmlns") || !is_text(element, name, text.text()) {
            continue;
        }
        match (element, name) {
            ("sheet", "name") => {
                let renamed = names.sheet(text.text()).map(escape_attribute);
                renamed.into_iter().for_each(|sheet| splices.replace(attribute.value.clone(), sheet));
                continue;
            }
            ("hyperlink", "location") => {
                formula::rewrite(&text, splices, names, rewriter, escape_attribute)?;
                continue;
            }
            // Names that Excel gives, such as that of the area to be printed.
            ("definedName", "name") if text.text().starts_with("_xlnm.") => continue,
            _ => {}
        }
        // `name` and the like say nothing: styles, themes and shapes have names too.
        let label = if LABELS.contains(&name) { name } else { "" };
        let mut edits = rewriter.edits_aside(text.text(), label)?;
        if is_name(element, name) {
            for edit in &mut edits {
                let value = text.text().get(edit.range.clone()).unwrap_or_default();
                edit.replacement = names.name(value, &edit.replacement);
            }
        }
        splices.edit(&text, &edits, escape_attribute);
    }
    Ok(())
}

fn is_text(element: &str, name: &str, value: &str) -> bool {
    if STRUCTURE.contains(&name) || STRUCTURE_ELEMENTS.contains(&element) {
        return false;
    }
    if TEXTS.contains(&name) || (name == "val" && TEXT_ELEMENTS.contains(&element)) {
        return true;
    }
    let is_prose = |c: char| c.is_whitespace() || c == '@' || c == '%' || !c.is_ascii();
    let longest_number = value.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or(0);
    value.contains(is_prose) || longest_number >= LONG_NUMBER || is_divided_number(value)
}

/// Tells whether a value is a number as people write them, such as `123-45-6789`, and not a measure.
fn is_divided_number(value: &str) -> bool {
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let is_number = value.chars().all(|c| c.is_ascii_digit() || "-./+()".contains(c));
    is_number && (7..value.len()).contains(&digits) && value.parse::<f64>().is_err()
}

/// Tells whether an attribute holds a name that others refer to.
fn is_name(element: &str, name: &str) -> bool {
    matches!(
        (element, name),
        ("definedName" | "table" | "bookmarkStart", "name" | "displayName") | (_, "anchor")
    )
}
