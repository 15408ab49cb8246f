use regex::Regex;
use serde::Deserialize;
use skyflow_types::Redaction;

/// A field of a route, as the service describes it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RuleJson {
    action: Option<String>,
    field_name: Option<String>,
    table: Option<String>,
    column: Option<String>,
    data_selector: Option<String>,
    data_selector_regex: Option<String>,
    transform_format: Option<String>,
    encryption_type: Option<String>,
    redaction: Option<Redaction>,
    function_name: Option<String>,
    source_regex: Option<String>,
    transformed_regex: Option<String>,
}

/// What happens to a field.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    /// The names on the way to the field; `*` is any element of a list.
    pub(crate) path: Vec<String>,
    pub(crate) action: Action,
    /// Picks the part of a text that is the value: its first group, or the whole match.
    pub(crate) selector: Option<Regex>,
}

#[derive(Debug, Clone)]
pub(crate) enum Action {
    Detokenize(Redaction),
    Tokenize { table: String, column: String },
}

impl RuleJson {
    /// Names what the field asks for that this emulator does not do.
    pub(super) fn gap(&self) -> Option<&'static str> {
        let is_set = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
        let encryption = self.encryption_type.as_deref().is_some_and(|kind| !matches!(kind, "" | "NONE"));
        if self.action.as_deref() == Some("ENCRYPTION") || encryption {
            Some("encryption")
        } else if is_set(&self.function_name) {
            Some("functions")
        } else if is_set(&self.transform_format)
            || is_set(&self.source_regex)
            || is_set(&self.transformed_regex)
        {
            Some("transformations of values")
        } else if is_set(&self.data_selector) {
            Some("dataSelector (dataSelectorRegex is)")
        } else {
            None
        }
    }
}

impl Rule {
    /// Names of headers have no case and no nesting.
    pub(super) fn of_header(mut self) -> Self {
        self.path = vec![self.path.join(".").to_ascii_lowercase()];
        self
    }

    /// Reads a field; `None` when nothing happens to it.
    pub(super) fn read(json: RuleJson) -> Result<Option<Self>, String> {
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let action = match json.action.as_deref().unwrap_or_default() {
            "NOT_SELECTED" | "NOACTION" | "" | "ENCRYPTION" => return Ok(None),
            "DETOKENIZATION" => Action::Detokenize(json.redaction.unwrap_or(Redaction::PlainText)),
            "TOKENIZATION" => match (given(json.table), given(json.column)) {
                (Some(_), Some(column)) if column.contains('.') => {
                    return Err("a field is tokenized into a nested column".to_owned());
                }
                (Some(table), Some(column)) => Action::Tokenize { table, column },
                _ => return Err("a field to tokenize names no table or no column".to_owned()),
            },
            _ => return Err("a field has an unknown action".to_owned()),
        };
        let Some(name) = given(json.field_name) else { return Err("a field has no fieldName".to_owned()) };
        let selector = given(json.data_selector_regex)
            .map(|text| {
                Regex::new(&text).map_err(|_| "a dataSelectorRegex is no regular expression".to_owned())
            })
            .transpose()?;
        Ok(Some(Self { path: name.split('.').map(str::to_owned).collect(), action, selector }))
    }
}
