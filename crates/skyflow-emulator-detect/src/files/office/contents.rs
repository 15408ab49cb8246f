use std::collections::BTreeSet;

use super::Kind;
use super::package::Package;
use super::parts::Parts;
use crate::files::{FileProblem, rewriter::Rewriter};

/// The part that says what the others are.
pub(super) const TYPES: &str = "[Content_Types].xml";

/// Parts that are not XML and stay as they are.
const KEPT: [&str; 14] = [
    "png", "jpg", "jpeg", "jfif", "gif", "bmp", "tif", "tiff", "emf", "wmf", "ico", "webp", "odttf",
    "fntdata",
];
/// Relationships to files and programs within the file.
const EMBEDDED: [&str; 6] =
    ["aFChunk", "activeXControlBinary", "control", "oleObject", "package", "vbaProject"];
/// Relationships to the sources of letters: they hold what is outside of the file, and who stored it where.
pub(super) const MAIL_MERGE: [&str; 3] = ["mailMergeHeaderSource", "mailMergeSource", "recipientData"];
const XML: [&str; 4] = ["xml", "rels", "vml", "svg"];

fn extension(name: &str) -> String {
    name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).unwrap_or_default()
}

/// Tells whether a part is XML, whatever its name says.
pub(super) fn is_xml(name: &str, content: &[u8]) -> bool {
    let start = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content).trim_ascii_start();
    XML.contains(&extension(name).as_str()) || start.starts_with(b"<")
}

/// Refuses a package that is of another kind, or that holds what is not looked into.
pub(super) fn check(kind: Kind, package: &Package, parts: &Parts) -> Result<(), FileProblem> {
    let types = package.part(TYPES).map(|part| String::from_utf8_lossy(&part.content)).unwrap_or_default();
    let (main, folder) = match kind {
        Kind::Document => ("wordprocessingml.document.main", "word/"),
        Kind::Spreadsheet => ("spreadsheetml.sheet.main", "xl/"),
        Kind::Presentation => ("presentationml.presentation.main", "ppt/"),
    };
    if types.contains("macroEnabled") {
        return Err(FileProblem::unsupported(
            "the file has macros; the embedded vault does not process those",
        ));
    }
    let has_main = parts.of_package("officeDocument").is_some_and(|main| package.part(main).is_some())
        || package.parts.iter().any(|part| part.name.starts_with(folder));
    if !types.contains(main) || !has_main {
        return Err(FileProblem::broken("the file is not an Office file of its format"));
    }
    for part in &package.parts {
        let name = part.name.as_str();
        if name.contains("embeddings/")
            || name.contains("activeX")
            || name.contains("vbaProject")
            || EMBEDDED.iter().any(|kind| parts.is(name, kind))
        {
            return Err(FileProblem::unsupported(
                "the file holds other files or programs; the embedded vault does not look into those",
            ));
        }
        let is_known =
            KEPT.contains(&extension(name).as_str()) || is_xml(name, &part.content) || is_removed(name);
        if !is_known {
            return Err(FileProblem::unsupported(
                "the file holds a part that is neither XML nor a picture; the embedded vault does not look into those",
            ));
        }
    }
    Ok(())
}

/// Refuses a package whose parts have names that the text engine would change: other parts refer to them.
pub(super) fn check_names(package: &Package, rewriter: &mut Rewriter<'_>) -> Result<(), FileProblem> {
    for part in &package.parts {
        let file = part.name.rsplit('/').next().unwrap_or_default();
        let stem = file.split('.').next().unwrap_or_default();
        let word = stem.trim_end_matches(|c: char| c.is_ascii_digit());
        // Office gives names such as `image1`.
        let is_given = file == TYPES || (word.len() < 24 && word.chars().all(|c| c.is_ascii_alphabetic()));
        if is_given {
            continue;
        }
        if !rewriter.edits_aside(stem, "")?.is_empty() {
            return Err(FileProblem::unsupported(
                "a part in the file bears a name that would have to be changed; the embedded vault does not rename parts",
            ));
        }
    }
    Ok(())
}

/// Tells whether a part is dropped: a picture of the first page, what a driver of a printer noted, the people to whom a
/// letter goes, and signatures, which hold no longer.
fn is_removed(name: &str) -> bool {
    name.starts_with("docProps/thumbnail.")
        || name.ends_with("/recipientData.xml")
        || name.contains("printerSettings")
        || name.starts_with("_xmlsignatures/")
}

/// Removes the parts that are dropped and returns their names.
pub(super) fn remove(package: &mut Package, parts: &Parts) -> BTreeSet<String> {
    let is_removed =
        |name: &str| is_removed(name) || parts.is(name, "recipientData") || parts.is(name, "thumbnail");
    let (removed, kept) =
        std::mem::take(&mut package.parts).into_iter().partition(|part| is_removed(&part.name));
    package.parts = kept;
    let removed: Vec<super::package::Part> = removed;
    removed.into_iter().map(|part| part.name).collect()
}
