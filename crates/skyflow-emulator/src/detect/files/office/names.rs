use std::collections::BTreeMap;

/// The names within a file that its formulas, links and fields refer to, such as those of sheets.
///
/// Where one token stands for several values, as `entity_only` has it, their names stay apart: the second is numbered,
/// and so is every reference to it.
#[derive(Default)]
pub(super) struct Names {
    /// The values behind each name, in small letters.
    values: BTreeMap<String, Vec<String>>,
}

impl Names {
    /// Turns what replaces a value into a name: letters, digits and underscores.
    pub(super) fn name(&mut self, value: &str, replacement: &str) -> String {
        let is_plain = |c: char| c.is_alphanumeric() || c == '_';
        let name: String =
            replacement.trim_matches(['[', ']']).chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
        // Formulas double the apostrophes of a name.
        let value = value.replace("''", "'").to_lowercase();
        let values = self.values.entry(name.to_lowercase()).or_default();
        let number = values.iter().position(|known| *known == value).unwrap_or_else(|| {
            values.push(value);
            values.len() - 1
        });
        match number {
            0 => name,
            _ => format!("{name}_{}", number + 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_one_token_keep_names_of_their_own() {
        let mut names = Names::default();
        assert_eq!(names.name("Jane O'Hara", "[NAME]"), "NAME");
        assert_eq!(names.name("John Roe", "[NAME]"), "NAME_2");
        assert_eq!(names.name("JANE O''HARA", "[NAME]"), "NAME");
        assert_eq!(names.name("2020/01/05", "2020/02/06"), "2020_02_06");
    }
}
