//! Links between the documents of the repository.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use regex::Regex;

use super::{compiled, read};
use crate::tracked::files;

/// The broken links, and how many were checked.
pub struct Links {
    pub problems: Vec<String>,
    pub count: usize,
}

/// Checks every relative link of every tracked document: the file exists, and so does the heading.
pub fn broken(root: &Path) -> Result<Links, String> {
    let mut documents = BTreeMap::new();
    for file in files(root)? {
        if file.extension().is_some_and(|extension| extension == "md") {
            documents.insert(file.clone(), read(&root.join(&file))?);
        }
    }
    let link = compiled(r"\]\(([^()\s]+)\)")?;
    let mut links = Links { problems: Vec::new(), count: 0 };
    for (file, text) in &documents {
        for target in targets(text, &link) {
            links.count += 1;
            if let Some(problem) = problem(root, file, &target, &documents) {
                links.problems.push(format!("{}: ({target}) {problem}", file.display()));
            }
        }
    }
    Ok(links)
}

/// The relative targets of the links outside of code. Rustdoc checks links to items itself.
fn targets(text: &str, link: &Regex) -> Vec<String> {
    let prose = prose(text);
    let found = link.captures_iter(&prose).filter_map(|capture| capture.get(1));
    let is_relative = |target: &&str| !target.contains("://") && !target.contains("::");
    found.map(|target| target.as_str()).filter(is_relative).map(ToOwned::to_owned).collect()
}

/// The text without fenced blocks and code spans.
fn prose(text: &str) -> String {
    let mut shown = String::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            let outside = line.split('`').step_by(2).collect::<Vec<_>>().join("``");
            shown.push_str(&outside);
            shown.push('\n');
        }
    }
    shown
}

fn problem(
    root: &Path,
    file: &Path,
    target: &str,
    documents: &BTreeMap<PathBuf, String>,
) -> Option<&'static str> {
    let (path, heading) =
        target.split_once('#').map_or((target, None), |(path, heading)| (path, Some(heading)));
    // Items that rustdoc resolves, such as `(Error::field)`, and links of rustdoc pages.
    if !path.is_empty() && !path.contains(['/', '.']) && !root.join(path).exists() {
        return None;
    }
    let path = if path.is_empty() { file.to_path_buf() } else { normal(&file.parent()?.join(path)) };
    if !root.join(&path).exists() {
        return Some("does not exist");
    }
    match (heading, documents.get(&path)) {
        (Some(heading), Some(text)) if !headings(text).iter().any(|known| known == heading) => {
            Some("has no such heading")
        }
        _ => None,
    }
}

fn normal(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut path, component| {
        match component {
            Component::ParentDir => drop(path.pop()),
            Component::CurDir => {}
            other => path.push(other),
        }
        path
    })
}

/// The ids of the headings, as GitHub and mdBook make them.
fn headings(text: &str) -> Vec<String> {
    let titles = prose_of_headings(text);
    titles
        .map(|title| {
            let kept = title.to_lowercase();
            let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

fn prose_of_headings(text: &str) -> impl Iterator<Item = String> {
    let mut fenced = false;
    text.lines().filter_map(move |line| {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        let title = line.trim_start_matches('#');
        (!fenced && title.len() < line.len() && title.starts_with(' ')).then(|| title.trim().replace('`', ""))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        targets(text, &compiled(r"\]\(([^()\s]+)\)").unwrap())
    }

    #[test]
    fn links_in_code_are_not_links() {
        let text = "[a](a.md) `[b](b.md)` [c](https://c.example)\n```text\n[d](d.md)\n```\n[e](#e)";
        assert_eq!(found(text), ["a.md", "#e"]);
    }

    #[test]
    fn missing_files_and_headings_are_reported() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("docs");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("a.md"), "").unwrap();
        let documents = BTreeMap::from([(PathBuf::from("docs/a.md"), "# One, `two`\n".to_owned())]);
        let problem = |target: &str| problem(root.path(), Path::new("docs/a.md"), target, &documents);
        assert_eq!(problem("a.md"), None);
        assert_eq!(problem("../docs/a.md#one-two"), None);
        assert_eq!(problem("#one-two"), None);
        assert_eq!(problem("#three"), Some("has no such heading"));
        assert_eq!(problem("b.md"), Some("does not exist"));
    }
}
