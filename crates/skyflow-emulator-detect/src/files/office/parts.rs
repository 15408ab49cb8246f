use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

use super::package::Package;
use super::relationships::{elements, resolve};
use crate::files::FileProblem;
use crate::files::xml::{Document, decode, local, normalized};
use crate::mapped_text::MappedText;

/// A relationship to another part of the package.
struct Relation {
    id: String,
    kind: String,
    target: String,
}

/// What the parts of a package are: their relationships say it, their names do not.
#[derive(Default)]
pub(super) struct Parts {
    /// The relationships by the part that has them; those of the package itself under an empty name.
    relations: BTreeMap<String, Vec<Relation>>,
    /// The last step of the type of the relationship to a part, such as `worksheet`.
    kinds: BTreeMap<String, String>,
}

impl Parts {
    pub(super) fn read(package: &Package) -> Result<Self, FileProblem> {
        let mut parts = Self::default();
        for part in package.parts.iter().filter(|part| part.name.ends_with(".rels")) {
            let Some((folder, file)) = part.name.split_once("_rels/") else { continue };
            let owner = format!("{folder}{}", file.trim_end_matches(".rels"));
            let document = Document::read(&part.content)?;
            let source = normalized(&document.source)?;
            for element in elements(&source)? {
                let value = |name: &str| -> Result<Option<String>, FileProblem> {
                    let Some(range) = element.value(&source, name) else { return Ok(None) };
                    let mut text = MappedText::default();
                    decode(&source, &range, &mut text)?;
                    Ok(Some(text.text().to_owned()))
                };
                let (Some(kind), Some(target)) = (value("Type")?, value("Target")?) else { continue };
                if value("TargetMode")?.as_deref() == Some("External") {
                    continue;
                }
                let kind = kind.rsplit('/').next().map(local).unwrap_or_default().to_owned();
                let target = resolve(folder, &percent_decode_str(&target).decode_utf8_lossy()).to_lowercase();
                parts.kinds.entry(target.clone()).or_insert_with(|| kind.clone());
                let id = value("Id")?.unwrap_or_default();
                parts.relations.entry(owner.to_lowercase()).or_default().push(Relation { id, kind, target });
            }
        }
        Ok(parts)
    }

    /// Tells whether a part is of a kind; the folder says so for a part that nothing refers to.
    pub(super) fn is(&self, part: &str, kind: &str) -> bool {
        const FOLDERS: [(&str, &str); 6] = [
            ("xl/worksheets/", "worksheet"),
            ("xl/pivotcache/pivotcachedefinition", "pivotCacheDefinition"),
            ("xl/pivotcache/pivotcacherecords", "pivotCacheRecords"),
            ("xl/externallinks/", "externalLink"),
            ("ppt/slides/", "slide"),
            ("customxml/item", "customXml"),
        ];
        let part = part.to_lowercase();
        match self.kinds.get(&part) {
            Some(known) => known == kind,
            None => {
                part.ends_with(".xml")
                    && FOLDERS.iter().any(|(folder, of)| *of == kind && part.starts_with(folder))
            }
        }
    }

    /// Tells whether a part holds properties of the file.
    pub(super) fn is_properties(&self, part: &str) -> bool {
        let kind = self.kinds.get(&part.to_lowercase());
        part.starts_with("docProps/") || kind.is_some_and(|kind| kind.ends_with("-properties"))
    }

    /// Returns the part of a kind that the package itself refers to, such as the main document.
    pub(super) fn of_package<'a>(&'a self, kind: &'a str) -> Option<&'a str> {
        self.related("", kind).next()
    }

    /// Returns the parts of a kind that a part refers to.
    pub(super) fn related<'a>(&'a self, part: &str, kind: &'a str) -> impl Iterator<Item = &'a str> {
        let relations = self.relations.get(&part.to_lowercase()).into_iter().flatten();
        relations.filter(move |relation| relation.kind == kind).map(|relation| relation.target.as_str())
    }

    /// Returns the part behind a relationship.
    pub(super) fn target(&self, part: &str, id: &str) -> Option<&str> {
        let relations = self.relations.get(&part.to_lowercase())?;
        relations.iter().find(|relation| relation.id == id).map(|relation| relation.target.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::super::package::Part;
    use super::*;

    #[test]
    fn relationships_say_what_a_part_is() {
        let part = |name: &str, content: &str| Part { name: name.into(), content: content.into() };
        let relations = r#"<Relationships>
            <Relationship Id="a" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="/Tab%20One.xml"/>
            <Relationship Id="b" Type="http://purl.oclc.org/ooxml/officeDocument/relationships/sharedStrings" Target="../s.xml"></Relationship>
            <Relationship Id="c" Type="x/hyperlink" Target="http://x" TargetMode="External"/></Relationships>"#;
        let package = Package { parts: vec![part("book/_rels/main.xml.rels", relations)] };
        let parts = Parts::read(&package).unwrap();
        assert!(parts.is("Tab One.xml", "worksheet") && parts.is("s.xml", "sharedStrings"));
        assert!(parts.is("xl/worksheets/sheet1.xml", "worksheet") && !parts.is("x.xml", "worksheet"));
        assert_eq!(parts.target("book/main.xml", "a"), Some("tab one.xml"));
        assert_eq!(parts.related("book/main.xml", "sharedStrings").collect::<Vec<_>>(), ["s.xml"]);
    }
}
