use std::collections::{BTreeMap, BTreeSet};

use super::package::Package;
use super::parts::Parts;
use crate::files::xml::{Document, Token, decode, local, normalized, tokens};
use crate::files::{FileProblem, rewriter::Rewriter};
use crate::mapped_text::MappedText;
use crate::rewrite::{Edit, apply};

/// The longest name of a sheet, in characters.
const SHEET_LIMIT: usize = 31;

/// The names within a file that its formulas, links and fields refer to, such as those of sheets.
///
/// Where one token replaces several values, as `entity_only` has it, their names stay apart: the second is numbered,
/// and so is every reference to it.
#[derive(Default)]
pub(super) struct Names {
    /// The values behind each name, in lowercase.
    values: BTreeMap<String, Vec<String>>,
    /// The new names of the sheets that get one, by the old ones in lowercase.
    sheets: BTreeMap<String, String>,
}

impl Names {
    /// Chooses the names of the sheets of a workbook; other files have none.
    pub(super) fn read(
        package: &Package,
        parts: &Parts,
        rewriter: &mut Rewriter<'_>,
    ) -> Result<Self, FileProblem> {
        let mut names = Self::default();
        let main = parts.of_package("officeDocument").unwrap_or("xl/workbook.xml");
        let Some(part) = package.part(main) else { return Ok(names) };
        let document = Document::read(&part.content)?;
        let mut taken = BTreeSet::new();
        let mut edited = Vec::new();
        for sheet in sheets(&normalized(&document.source)?)? {
            let edits = rewriter.edits_aside(&sheet, "")?;
            if edits.is_empty() {
                taken.insert(sheet.to_lowercase());
            } else {
                edited.push((sheet, edits));
            }
        }
        for (sheet, edits) in edited {
            let edits: Vec<Edit> = edits
                .into_iter()
                .map(|Edit { range, replacement }| {
                    let value = sheet.get(range.clone()).unwrap_or_default();
                    Edit { replacement: names.name(value, &replacement), range }
                })
                .collect();
            let name = free(&apply(&sheet, &edits), &taken);
            taken.insert(name.to_lowercase());
            names.sheets.insert(sheet.to_lowercase(), name);
        }
        Ok(names)
    }

    /// Returns the new name of a sheet, where it gets one.
    pub(super) fn sheet(&self, name: &str) -> Option<&str> {
        self.sheets.get(&name.to_lowercase()).map(String::as_str)
    }

    /// Turns what replaces a value into a name: letters, digits and underscores.
    pub(super) fn name(&mut self, value: &str, replacement: &str) -> String {
        let is_plain = |c: char| c.is_alphanumeric() || c == '_';
        let name: String =
            replacement.trim_matches(['[', ']']).chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
        let value = value.to_lowercase();
        let values = self.values.entry(name.to_lowercase()).or_default();
        let number = values.iter().position(|known| *known == value).unwrap_or_else(|| {
            values.push(value);
            values.len() - 1
        });
        numbered(&name, number)
    }
}

fn numbered(name: &str, number: usize) -> String {
    match number {
        0 => name.to_owned(),
        _ => format!("{name}_{}", number + 1),
    }
}

/// Cuts a name to what a sheet may be called, and numbers it where another sheet has it.
fn free(name: &str, taken: &BTreeSet<String>) -> String {
    let candidate = |number: usize| {
        let suffix = numbered("", number);
        let kept: String = name.chars().take(SHEET_LIMIT - suffix.len()).collect();
        // A name must not begin or end with an apostrophe.
        format!("{}{suffix}", kept.trim_end_matches(['\'', ' ']))
    };
    let mut number = 0;
    while taken.contains(&candidate(number).to_lowercase()) {
        number += 1;
    }
    candidate(number)
}

/// Returns the names of the sheets of a workbook.
fn sheets(workbook: &str) -> Result<Vec<String>, FileProblem> {
    let mut names = Vec::new();
    for token in tokens(workbook)? {
        let Token::Start { name, attributes, .. } = token else { continue };
        if workbook.get(name).map(local) != Some("sheet") {
            continue;
        }
        for attribute in attributes.iter().filter(|a| workbook.get(a.name.clone()) == Some("name")) {
            let mut text = MappedText::default();
            decode(workbook, &attribute.value, &mut text)?;
            names.push(text.text().to_owned());
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_one_token_keep_names_of_their_own() {
        let mut names = Names::default();
        assert_eq!(names.name("Jane O'Hara", "[NAME]"), "NAME");
        assert_eq!(names.name("John Roe", "[NAME]"), "NAME_2");
        assert_eq!(names.name("JANE O'HARA", "[NAME]"), "NAME");
        assert_eq!(names.name("2020/01/05", "2020/02/06"), "2020_02_06");
    }

    #[test]
    fn sheet_names_are_unique_and_at_most_31_long() {
        let long = "ORGANIZATION_MEDICAL_FACILITY_1 billing 2024";
        let cut = "ORGANIZATION_MEDICAL_FACILITY_1";
        let mut taken = BTreeSet::new();
        assert_eq!(free(long, &taken), cut);
        taken.insert(cut.to_lowercase());
        assert_eq!(free(long, &taken), "ORGANIZATION_MEDICAL_FACILITY_2");
        taken.insert("organization_medical_facility_2".to_owned());
        assert_eq!(free(long, &taken), "ORGANIZATION_MEDICAL_FACILITY_3");
        assert_eq!(free("NAME's", &taken), "NAME's");
    }
}
