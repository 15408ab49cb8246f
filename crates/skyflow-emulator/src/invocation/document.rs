use crate::exact::Exact;
use skyflow_http::{form_pairs, form_urlencoded};

/// A part of a message, as far as rules can reach into it.
pub(super) enum Document {
    Json(Exact),
    /// A form, a query, headers, or the parameters of a path. Names may be nested: `card[number]`.
    Pairs(Vec<(String, Exact)>),
}

/// A field, and which list elements lie on the way to it.
pub(super) struct Field<'a> {
    pub(super) indices: Vec<usize>,
    pub(super) value: &'a mut Exact,
}

impl Document {
    pub(super) fn pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        Self::Pairs(pairs.into_iter().map(|(name, value)| (name, Exact::String(value))).collect())
    }

    pub(super) fn from_form(text: &str) -> Self {
        Self::pairs(form_pairs(text))
    }

    pub(super) fn into_form(self) -> String {
        let pairs = self.into_pairs();
        form_urlencoded(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    }

    pub(super) fn into_pairs(self) -> Vec<(String, String)> {
        match self {
            Self::Json(_) => Vec::new(),
            Self::Pairs(pairs) => {
                pairs.into_iter().map(|(name, value)| (name, crate::schema::text_of(&value))).collect()
            }
        }
    }

    /// Finds the fields that a path means. Nulls, objects and lists are no fields.
    pub(super) fn fields(&mut self, path: &[String]) -> Vec<Field<'_>> {
        let mut found = Vec::new();
        match self {
            Self::Json(root) => collect(root, path, Vec::new(), &mut found),
            Self::Pairs(pairs) => {
                for (name, value) in pairs {
                    if let Some(indices) = indices_of(name, path) {
                        found.push(Field { indices, value });
                    }
                }
            }
        }
        found
    }
}

fn collect<'a>(value: &'a mut Exact, path: &[String], indices: Vec<usize>, found: &mut Vec<Field<'a>>) {
    let Some((first, rest)) = path.split_first() else {
        if matches!(value, Exact::String(_) | Exact::Number(_) | Exact::Bool(_)) {
            found.push(Field { indices, value });
        }
        return;
    };
    match value {
        Exact::Object(members) => {
            if let Some(member) = members.get_mut(first) {
                collect(member, rest, indices, found);
            }
        }
        Exact::Array(elements) => {
            for (index, element) in elements.iter_mut().enumerate() {
                if first == "*" || first.parse() == Ok(index) {
                    let mut indices = indices.clone();
                    indices.push(index);
                    collect(element, rest, indices, found);
                }
            }
        }
        _ => {}
    }
}

/// Compares the name of a pair with a path: `a[b][0]` with `a.b.*`, and `a.b` with itself.
fn indices_of(name: &str, path: &[String]) -> Option<Vec<usize>> {
    if let [only] = path
        && name == only
    {
        return Some(Vec::new());
    }
    let flat = name.replace("][", ".").replace('[', ".");
    let parts: Vec<&str> = flat.trim_end_matches(']').split('.').collect();
    if parts.len() != path.len() {
        return None;
    }
    let mut indices = Vec::new();
    for (part, expected) in parts.into_iter().zip(path) {
        match part.parse() {
            Ok(index) if expected == "*" => indices.push(index),
            _ if part == expected => {}
            _ => return None,
        }
    }
    Some(indices)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn found(document: &mut Document, path: &str) -> Vec<(Vec<usize>, Value)> {
        let value = |value: &Exact| serde_json::from_str(&value.to_string()).unwrap();
        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
        document.fields(&path).into_iter().map(|field| (field.indices, value(field.value))).collect()
    }

    #[test]
    fn a_star_is_any_element_of_a_list() {
        let mut json =
            Document::Json(json!({"data": {"emails": [{"a": "x"}, {"b": 1}, {"a": 2}, {"a": null}]}}).into());
        assert_eq!(found(&mut json, "data.emails.*.a"), [(vec![0], json!("x")), (vec![2], json!(2))]);
        assert_eq!(found(&mut json, "data.emails.2.a"), [(vec![2], json!(2))]);
        for nothing in ["data", "data.emails", "data.*", "emails.*.a", "data.emails.*.a.b"] {
            assert_eq!(found(&mut json, nothing), [], "{nothing}");
        }
    }

    #[test]
    fn form_pairs_match_by_name_and_by_nesting() {
        let mut form = Document::from_form("card%5Bnumber%5D=1&list[0][x]=2&list[1][x]=3&a.b=4&plain=5");
        assert_eq!(found(&mut form, "card.number"), [(vec![], json!("1"))]);
        assert_eq!(found(&mut form, "list.*.x"), [(vec![0], json!("2")), (vec![1], json!("3"))]);
        assert_eq!(found(&mut form, "plain"), [(vec![], json!("5"))]);
        assert_eq!(found(&mut form, "a.b"), [(vec![], json!("4"))]);
        assert_eq!(found(&mut form, "card"), []);
    }
}
