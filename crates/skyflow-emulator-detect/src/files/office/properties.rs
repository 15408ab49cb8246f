use std::ops::Range;

use super::package::Package;
use super::parts::Parts;
use crate::files::xml::{Token, decode, escape, escape_attribute, local, tokens};
use crate::files::{FileProblem, rewriter::Rewriter};
use crate::mapped_text::{MappedText, Splices};

/// Elements that must hold a time; an edited one is left out as a whole.
const TIMES: [&str; 3] = ["created", "modified", "lastPrinted"];
/// The texts among the types of a property.
const TEXTS: [&str; 3] = ["lpwstr", "lpstr", "bstr"];

struct Open {
    tag: Range<usize>,
    name: Range<usize>,
    is_edited: bool,
}

/// Rewrites the properties of a file, each under its own name.
pub(super) fn rewrite(source: &str, rewriter: &mut Rewriter<'_>) -> Result<String, FileProblem> {
    let mut splices = Splices::default();
    let mut open: Vec<Open> = Vec::new();
    let mut property = String::new();
    for token in tokens(source)? {
        match token {
            Token::Start { tag, name, attributes, empty } => {
                for attribute in &attributes {
                    if source.get(attribute.name.clone()) != Some("name") {
                        continue;
                    }
                    let mut text = MappedText::default();
                    decode(source, &attribute.value, &mut text)?;
                    text.text().clone_into(&mut property);
                    let edits = rewriter.edits_aside(text.text(), "")?;
                    splices.edit(&text, &edits, escape_attribute);
                }
                if !empty {
                    open.push(Open { tag, name, is_edited: false });
                }
            }
            Token::Text(range) => {
                let Some(element) = open.last_mut() else { continue };
                let name = source.get(element.name.clone()).map_or("", local);
                let label = match (property.as_str(), name) {
                    // In Office files a person, elsewhere a program.
                    ("", "creator") => "author",
                    ("", name) => name,
                    (property, _) => property,
                };
                let mut text = MappedText::default();
                decode(source, &range, &mut text)?;
                let edits = rewriter.edits_aside(text.text(), label)?;
                element.is_edited |= !edits.is_empty();
                splices.edit(&text, &edits, escape);
            }
            Token::End { tag, name } => {
                let Some(element) = open.pop().filter(|element| element.is_edited) else { continue };
                let written = source.get(name.clone()).unwrap_or_default();
                let (prefix, local) = written.rsplit_once(':').unwrap_or(("", written));
                if TIMES.contains(&local) {
                    splices.replace(element.tag.start..tag.end, "");
                } else if prefix == "vt" && !TEXTS.contains(&local) {
                    // A number or a time that has become a text.
                    splices.replace(element.name, "vt:lpwstr");
                    splices.replace(name, "vt:lpwstr");
                }
            }
            _ => {}
        }
    }
    Ok(splices.apply(source))
}

/// Returns the number of pages that the program noted which wrote the file.
pub(super) fn pages(package: &Package, parts: &Parts) -> Option<u32> {
    let part = package.part(parts.of_package("extended-properties").unwrap_or("docProps/app.xml"))?;
    let text = String::from_utf8_lossy(&part.content);
    let (_, rest) = text.split_once("<Pages>")?;
    rest.split_once('<')?.0.trim().parse().ok()
}
