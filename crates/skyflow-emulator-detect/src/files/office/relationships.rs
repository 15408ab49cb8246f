use std::collections::BTreeSet;
use std::ops::Range;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use super::contents::MAIL_MERGE;
use crate::files::xml::{Attribute, Token, decode, escape_attribute, local, tokens};
use crate::files::{FileProblem, rewriter::Rewriter};
use crate::mapped_text::{MappedText, Splices};
use crate::rewrite::apply;

/// What a target of a relationship may not hold as it is.
const ENCODED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'[')
    .add(b']')
    .add(b'{')
    .add(b'}')
    .add(b'|')
    .add(b'^');

/// Rewrites the targets outside of the package, and drops relationships to removed parts.
pub(super) fn rewrite(
    part: &str,
    source: &str,
    removed: &BTreeSet<String>,
    rewriter: &mut Rewriter<'_>,
) -> Result<String, FileProblem> {
    // `word/_rels/document.xml.rels` speaks of what is in `word/`.
    let folder = part.split_once("_rels/").map_or("", |(folder, _)| folder);
    let mut splices = Splices::default();
    for element in elements(source)? {
        let Some(target) = element.value(source, "Target") else { continue };
        let mut written = MappedText::default();
        decode(source, &target, &mut written)?;
        let mode = element.value(source, "TargetMode").and_then(|mode| source.get(mode));
        let kind = element.value(source, "Type").and_then(|kind| source.get(kind)?.rsplit('/').next());
        if kind.is_some_and(|kind| MAIL_MERGE.contains(&kind)) {
            splices.replace(element.tag.clone(), "");
            continue;
        }
        if mode != Some("External") {
            if removed.contains(&resolve(folder, written.text())) {
                splices.replace(element.tag.clone(), "");
            }
            continue;
        }
        let plain = percent_decode_str(written.text()).decode_utf8_lossy().into_owned();
        let edits = rewriter.edits_aside(&plain, "")?;
        if !edits.is_empty() {
            let changed = utf8_percent_encode(&apply(&plain, &edits), ENCODED).to_string();
            splices.replace(target, escape_attribute(&changed));
        }
    }
    Ok(splices.apply(source))
}

/// Drops what the content types say about removed parts.
pub(super) fn without_types(source: &str, removed: &BTreeSet<String>) -> Result<String, FileProblem> {
    let mut splices = Splices::default();
    for element in elements(source)? {
        let name = element.value(source, "PartName").and_then(|name| source.get(name));
        if name.is_some_and(|name| removed.contains(name.trim_start_matches('/'))) {
            splices.replace(element.tag.clone(), "");
        }
    }
    Ok(splices.apply(source))
}

pub(super) struct Element {
    tag: Range<usize>,
    is_open: bool,
    attributes: Vec<Attribute>,
}

impl Element {
    pub(super) fn value(&self, source: &str, name: &str) -> Option<Range<usize>> {
        let named = |attribute: &&Attribute| source.get(attribute.name.clone()).map(local) == Some(name);
        self.attributes.iter().find(named).map(|attribute| attribute.value.clone())
    }
}

/// Returns the elements below the root, from their start to their end.
pub(super) fn elements(source: &str) -> Result<Vec<Element>, FileProblem> {
    let mut elements: Vec<Element> = Vec::new();
    for token in tokens(source)? {
        match token {
            Token::Start { tag, attributes, empty, .. } => {
                elements.push(Element { tag, is_open: !empty, attributes });
            }
            // These elements have no children, but may have an end tag.
            Token::End { tag, .. } => {
                if let Some(last) = elements.last_mut().filter(|last| last.is_open) {
                    last.tag.end = tag.end;
                    last.is_open = false;
                }
            }
            _ => {}
        }
    }
    Ok(elements)
}

pub(super) fn resolve(folder: &str, target: &str) -> String {
    let mut path: Vec<&str> = match target.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => folder.split('/').filter(|step| !step.is_empty()).collect(),
    };
    for step in target.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                path.pop();
            }
            step => path.push(step),
        }
    }
    path.join("/")
}
