//! Office files: an archive of XML parts, of which each is rewritten in place.
//!
//! Pictures and fonts inside stay as they are; sound is refused. Files that hold other files or programs are refused: nothing
//! could be said about what is in there.

mod attributes;
mod caches;
mod contents;
mod field_code;
mod formula;
mod header_footer;
mod markup;
mod names;
mod package;
mod paragraph;
mod parts;
mod properties;
mod relationships;
mod table;
mod worksheet;

#[cfg(test)]
mod tests;

use self::caches::PivotFields;
use self::names::Names;
use self::package::Package;
use self::parts::Parts;
use self::worksheet::Workbook;
use super::xml::{self, Document};
use super::{FileProblem, rewriter::Rewriter};

/// What an Office file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Document,
    Spreadsheet,
    Presentation,
}

/// An Office file that was processed.
pub(super) struct Processed {
    pub(super) content: Vec<u8>,
    pub(super) pages: Option<u32>,
    pub(super) slides: Option<u32>,
}

/// What the parts of a file say about each other.
struct Context {
    parts: Parts,
    workbook: Workbook,
    fields: PivotFields,
}

pub(super) fn process(
    kind: Kind,
    content: &[u8],
    rewriter: &mut Rewriter<'_>,
) -> Result<Processed, FileProblem> {
    let mut package = Package::read(content)?;
    let parts = Parts::read(&package)?;
    contents::check(kind, &package, &parts)?;
    contents::check_names(&package, rewriter)?;
    let removed = contents::remove(&mut package, &parts);
    let (workbook, fields, mut names) = match kind {
        Kind::Spreadsheet => (
            Workbook::read(&package, &parts)?,
            PivotFields::read(&package, &parts)?,
            Names::read(&package, &parts, rewriter)?,
        ),
        Kind::Document | Kind::Presentation => Default::default(),
    };
    let context = Context { parts, workbook, fields };
    for part in &mut package.parts {
        if !contents::is_xml(&part.name, &part.content) {
            continue;
        }
        let document = Document::read(&part.content)?;
        let name = part.name.as_str();
        let is_of_others = context.parts.is(name, "customXml") && !name.starts_with("customXml/itemProps");
        if is_of_others {
            let changed = xml::rewrite_document(&document.source, rewriter)?;
            part.content = document.write(&changed);
            continue;
        }
        let source = &xml::normalized(&document.source)?;
        let changed = if name == contents::TYPES {
            relationships::without_types(source, &removed)?
        } else if name.ends_with(".rels") {
            relationships::rewrite(name, source, &removed, rewriter)?
        } else if context.parts.is_properties(name) {
            properties::rewrite(source, rewriter)?
        } else {
            markup::rewrite(name, source, &context, &mut names, rewriter)?
        };
        part.content = document.write(&changed);
    }
    let slides = package.parts.iter().filter(|part| context.parts.is(&part.name, "slide")).count();
    Ok(Processed {
        content: package.write()?,
        pages: (kind == Kind::Document).then(|| properties::pages(&package, &context.parts)).flatten(),
        slides: (kind == Kind::Presentation).then_some(u32::try_from(slides).unwrap_or(u32::MAX)),
    })
}
