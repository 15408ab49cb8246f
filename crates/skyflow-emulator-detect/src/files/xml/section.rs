/// Ends a CDATA section and begins another, which adds no character.
const BORDER: &str = "]]><![CDATA[";

/// Writes a replacement for a CDATA section, so that it and its neighbours do not end the section.
pub(super) fn in_section(before: &str, replacement: &str, after: &str) -> String {
    let completes = |text: &str| text.starts_with('>') || text.starts_with("]>");
    let mut written = String::with_capacity(replacement.len());
    if before.ends_with(']') && completes(replacement) {
        written.push_str(BORDER);
    }
    written.push_str(&replacement.replace("]]>", &format!("]]{BORDER}>")));
    let last = if replacement.is_empty() { before } else { replacement };
    if last.ends_with(']') && completes(after) {
        written.push_str(BORDER);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacements_do_not_end_a_cdata_section() {
        let whole = |before: &str, replacement: &str, after: &str| {
            before.to_owned() + &in_section(before, replacement, after) + after
        };
        for (before, replacement, after) in [
            ("", "a]]>b", ""),
            ("a[", "[N]", "]>b"),
            ("a", "b]]", ">"),
            ("]]", ">", ""),
            ("]", "]>", ""),
            ("]", "]", ">"),
            ("]", "", "]>"),
            ("]]", "", ">"),
        ] {
            let section = whole(before, replacement, after);
            let parts: Vec<&str> = section.split(BORDER).collect();
            assert!(parts.iter().all(|part| !part.contains("]]>")), "{section}");
            assert_eq!(parts.concat(), [before, replacement, after].concat());
        }
        assert_eq!(whole("x ", "[N]", "] y"), "x [N]] y");
    }
}
