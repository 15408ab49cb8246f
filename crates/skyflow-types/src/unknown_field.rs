use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

/// How much of a name is shown.
const SHOWN: usize = 64;

/// The least likeness, from 0 to 1, at which one name is taken for a misspelling of the other.
const LIKENESS: f64 = 0.5;

/// Reports a field of a configuration that is not known, with the known field it is most like.
///
/// ```
/// use skyflow_types::UnknownField;
///
/// let error = UnknownField::new("clusterid", &["vault_id", "cluster_id"]);
/// assert_eq!(error.to_string(), "unknown field `clusterid`, did you mean `cluster_id`?");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownField {
    name: String,
    nearest: Option<&'static str>,
    known: &'static [&'static str],
}

impl UnknownField {
    /// Looks for the nearest of the known names.
    pub fn new(name: &str, known: &'static [&'static str]) -> Self {
        let plain = |name: &str| name.replace(['_', '-'], "").to_ascii_lowercase();
        let wanted = plain(name);
        let likeness = |known: &&'static str| strsim::normalized_levenshtein(&wanted, &plain(known));
        let nearest = known
            .iter()
            .copied()
            .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
            .filter(|nearest| likeness(nearest) >= LIKENESS);
        // A name is free text of a file: no control characters, and not much of it.
        Self { name: name.chars().take(SHOWN).flat_map(char::escape_debug).collect(), nearest, known }
    }

    /// Returns the unknown name, escaped and cut to 64 characters.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the known name that is most like it; `None` when none is.
    pub fn nearest(&self) -> Option<&'static str> {
        self.nearest
    }
}

impl fmt::Display for UnknownField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown field `{}`, ", self.name)?;
        match self.nearest {
            Some(nearest) => write!(f, "did you mean `{nearest}`?"),
            None => write!(f, "expected one of {}", self.known.join(", ")),
        }
    }
}

impl std::error::Error for UnknownField {}

/// Collects the names of the fields that a configuration type does not have: a member with `#[serde(flatten)]`.
///
/// serde's own `deny_unknown_fields` does not name the nearest field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnknownFields(Vec<String>);

impl UnknownFields {
    /// Reports the first of them.
    ///
    /// # Errors
    ///
    /// Fails when there is one.
    pub fn deny(&self, known: &'static [&'static str]) -> Result<(), UnknownField> {
        self.0.first().map_or(Ok(()), |name| Err(UnknownField::new(name, known)))
    }
}

impl<'de> Deserialize<'de> for UnknownFields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Names)
    }
}

struct Names;

impl<'de> Visitor<'de> for Names {
    type Value = UnknownFields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the fields of a configuration")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<UnknownFields, A::Error> {
        let mut names = Vec::new();
        while let Some((name, IgnoredAny)) = map.next_entry::<String, IgnoredAny>()? {
            names.push(name);
        }
        Ok(UnknownFields(names))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["vault_id", "cluster_id", "api_key", "env"];

    #[test]
    fn unknown_field_names_the_nearest_one() {
        for (name, nearest) in [
            ("vaultId", Some("vault_id")),
            ("clusterid", Some("cluster_id")),
            ("apikey", Some("api_key")),
            ("enviroment", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(UnknownField::new(name, KNOWN).nearest(), nearest, "{name}");
        }
        let far = UnknownField::new("password", KNOWN).to_string();
        assert_eq!(far, "unknown field `password`, expected one of vault_id, cluster_id, api_key, env");
    }

    #[test]
    fn unknown_field_cannot_forge_a_log_line() {
        let shown = UnknownField::new(&format!("a\n{}", "b".repeat(500)), KNOWN).to_string();
        assert!(!shown.contains('\n') && shown.len() < 200, "{shown}");
    }
}
