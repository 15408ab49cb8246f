use crate::files::xml::{Attribute, decode, escape_attribute, local};
use crate::files::{FileProblem, rewriter::Rewriter};
use crate::mapped_text::{MappedText, Splices};

use super::formula;
use super::names::Names;
use super::worksheet::plain_digits;
use crate::rewrite::apply;
use crate::rules::is_known_label;

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
const TEXT_ELEMENTS: [&str; 16] = [
    "attr",
    "customFilter",
    "filter",
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
/// Attributes whose own name says that they hold a person, and those that say it for an element.
const PEOPLE: [&str; 11] = [
    "assignedTo",
    "author",
    "fullName",
    "lastEditedBy",
    "lastModifiedBy",
    "lockedBy",
    "modifiedBy",
    "refreshedBy",
    "resolvedBy",
    "userId",
    "userName",
];
const NAMES_OF_PEOPLE: [(&str, &str); 5] = [
    ("cmAuthor", "name"),
    ("author", "name"),
    ("person", "displayName"),
    ("userInfo", "name"),
    ("filterUser", "displayName"),
];
/// A run of digits that is longer than any measure or id.
const LONG_NUMBER: usize = 12;

/// An element whose attributes are rewritten.
pub(super) struct Element<'a> {
    pub(super) source: &'a str,
    pub(super) name: &'a str,
    pub(super) parent: &'a str,
    /// What labels the value that the element holds in an attribute; empty where it holds none.
    pub(super) label: &'a str,
}

/// Rewrites the attributes of a tag that hold text.
pub(super) fn rewrite(
    element: &Element<'_>,
    attributes: &[Attribute],
    splices: &mut Splices,
    names: &mut Names,
    rewriter: &mut Rewriter<'_>,
) -> Result<(), FileProblem> {
    let Element { source, name: element, parent, label: of_value } = *element;
    for attribute in attributes {
        let written = source.get(attribute.name.clone()).unwrap_or_default();
        let name = local(written);
        let mut text = MappedText::default();
        decode(source, &attribute.value, &mut text)?;
        let is_bound = parent == "cacheField" && (name.starts_with("min") || name.starts_with("max"));
        let is_value = !of_value.is_empty() && ["v", "val"].contains(&name) || is_bound;
        if written.starts_with("xmlns") || !(is_value || is_text(element, name, text.text())) {
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
            // The header of a column, which labels its cells and their copies.
            ("tableColumn" | "cacheField", "name") if is_known_label(text.text()) => continue,
            // Names that Excel gives, such as that of the area to be printed.
            ("definedName", "name") if text.text().starts_with("_xlnm.") => continue,
            _ => {}
        }
        // `name` and the like say nothing: styles, themes and shapes have names too.
        let label = match name {
            _ if is_value => of_value,
            "initials" => name,
            _ if PEOPLE.contains(&name) || NAMES_OF_PEOPLE.contains(&(element, name)) => "author",
            _ => "",
        };
        if let Some(digits) = plain_digits(text.text()).filter(|_| is_value) {
            let edits = rewriter.edits_aside(&digits, label)?;
            if !edits.is_empty() {
                splices.replace(attribute.value.clone(), escape_attribute(&apply(&digits, &edits)));
            }
            continue;
        }
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
    if TEXTS.contains(&name) || PEOPLE.contains(&name) || (name == "val" && TEXT_ELEMENTS.contains(&element))
    {
        return true;
    }
    let is_prose = |c: char| c.is_whitespace() || c == '@' || c == '%' || !c.is_ascii();
    let longest_number = value.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or(0);
    value.contains(is_prose) || is_path(value) || longest_number >= LONG_NUMBER || is_divided_number(value)
}

/// Tells whether a value says where something is stored.
fn is_path(value: &str) -> bool {
    value.contains('\\')
        || value.starts_with("file:")
        || value.starts_with('/') && value.matches('/').count() > 2
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
