use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use regex::Regex;
use rusqlite::types::{Value as SqlValue, ValueRef};
use skyflow_types::Redaction;

use super::column::{Column, ColumnOperation, DataType, Table, TokenPolicy};
use super::error::SchemaError;
use super::{REDACTED, SKYFLOW_ID, value};
use crate::exact::Exact;
use crate::tokens::TokenPattern;

const DEFAULT_TTL_MINUTES: u32 = 60;
const MAX_TTL_MINUTES: u32 = 20_160;

/// Every table of the vault, checked, with its patterns compiled.
pub(crate) struct Schema {
    tables: BTreeMap<String, Arc<CompiledTable>>,
    groups: BTreeMap<String, Arc<CompiledColumn>>,
}

impl Schema {
    pub(crate) fn compile(tables: &[Table]) -> Result<Self, SchemaError> {
        let mut schema = Self { tables: BTreeMap::new(), groups: BTreeMap::new() };
        let mut patterns = Patterns::default();
        for table in tables {
            let compiled = Arc::new(CompiledTable::compile(table, &mut patterns)?);
            for column in &compiled.columns {
                match schema.groups.get(&column.group) {
                    Some(first) => first.must_agree_with(column)?,
                    None => {
                        schema.groups.insert(column.group.clone(), Arc::clone(column));
                    }
                }
            }
            if schema.tables.insert(table.name.clone(), compiled).is_some() {
                return Err(SchemaError::Name { name: table.name.clone(), reason: "it is given twice" });
            }
        }
        Ok(schema)
    }

    pub(crate) fn table(&self, name: &str) -> Option<&Arc<CompiledTable>> {
        self.tables.get(name)
    }

    pub(crate) fn tables(&self) -> impl Iterator<Item = &Arc<CompiledTable>> {
        self.tables.values()
    }

    /// Returns one column for its whole group: the columns of a group share what matters for tokens.
    pub(crate) fn group(&self, name: &str) -> Option<&Arc<CompiledColumn>> {
        self.groups.get(name)
    }
}

/// Patterns that are compiled already: columns of a kind share them, and compiling is most of the work of a schema.
#[derive(Default)]
struct Patterns {
    regexes: HashMap<String, Regex>,
    tokens: HashMap<String, Arc<TokenPattern>>,
}

impl Patterns {
    fn regex(&mut self, column: &Column, pattern: &str) -> Result<Regex, SchemaError> {
        if let Some(known) = self.regexes.get(pattern) {
            return Ok(known.clone());
        }
        let regex = Regex::new(pattern).map_err(|error| SchemaError::Pattern {
            column: column.name.clone(),
            reason: error.to_string(),
        })?;
        self.regexes.insert(pattern.to_owned(), regex.clone());
        Ok(regex)
    }

    fn token(&mut self, column: &Column, pattern: &str) -> Result<Arc<TokenPattern>, SchemaError> {
        if let Some(known) = self.tokens.get(pattern) {
            return Ok(Arc::clone(known));
        }
        let compiled = TokenPattern::compile(pattern)
            .map_err(|reason| SchemaError::Pattern { column: column.name.clone(), reason })?;
        let compiled = Arc::new(compiled);
        self.tokens.insert(pattern.to_owned(), Arc::clone(&compiled));
        Ok(compiled)
    }
}

/// One table, ready for work.
pub(crate) struct CompiledTable {
    pub(crate) spec: Table,
    columns: Vec<Arc<CompiledColumn>>,
    by_name: HashMap<String, usize>,
}

impl CompiledTable {
    fn compile(table: &Table, patterns: &mut Patterns) -> Result<Self, SchemaError> {
        check_name(&table.name, false)?;
        let mut by_name = HashMap::new();
        let mut columns = Vec::with_capacity(table.columns.len());
        for column in &table.columns {
            check_name(&column.name, true)?;
            if by_name.insert(column.name.clone(), columns.len()).is_some() || column.name == SKYFLOW_ID {
                return Err(SchemaError::Name { name: column.name.clone(), reason: "it is given twice" });
            }
            columns.push(Arc::new(CompiledColumn::compile(&table.name, column, patterns)?));
        }
        Ok(Self { spec: table.clone(), columns, by_name })
    }

    pub(crate) fn name(&self) -> &str {
        &self.spec.name
    }

    pub(crate) fn columns(&self) -> &[Arc<CompiledColumn>] {
        &self.columns
    }

    pub(crate) fn column(&self, name: &str) -> Option<&Arc<CompiledColumn>> {
        self.by_name.get(name).and_then(|index| self.columns.get(*index))
    }

    /// Tells whether fields may hold an object under this name, whose members are columns `name.member`.
    pub(crate) fn has_nested(&self, name: &str) -> bool {
        self.columns.iter().any(|c| c.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
    }
}

/// One column, ready for work.
pub(crate) struct CompiledColumn {
    pub(crate) name: String,
    pub(crate) group: String,
    pub(crate) data_type: DataType,
    pub(crate) token_policy: Option<TokenPolicy>,
    pub(crate) token_pattern: Option<Arc<TokenPattern>>,
    pub(crate) redaction: Redaction,
    pub(crate) unique: bool,
    pub(crate) required: bool,
    pub(crate) ttl_minutes: u32,
    pub(crate) file_types: Vec<String>,
    operations: Vec<ColumnOperation>,
    array: bool,
    mask: Option<(Regex, String)>,
    validations: Vec<Regex>,
    allowed_values: Vec<String>,
}

impl CompiledColumn {
    fn compile(table: &str, column: &Column, patterns: &mut Patterns) -> Result<Self, SchemaError> {
        let ttl_minutes = column.ttl_minutes.unwrap_or(DEFAULT_TTL_MINUTES);
        if !(1..=MAX_TTL_MINUTES).contains(&ttl_minutes) {
            return Err(SchemaError::tag(&column.name, "skyflow.options.ttl", &ttl_minutes.to_string()));
        }
        if column.data_type == DataType::File && column.token_policy == Some(TokenPolicy::Transient) {
            // Transient values live with their token only, and a file does not.
            return Err(SchemaError::tag(
                &column.name,
                "skyflow.options.default_token_policy",
                TokenPolicy::Transient.as_str(),
            ));
        }
        let token_pattern = match &column.token_format {
            Some(format) => Some(patterns.token(column, format)?),
            None => None,
        };
        let mask = match &column.mask {
            Some((find, replace)) => Some((patterns.regex(column, find)?, replace.clone())),
            None => None,
        };
        let validations =
            column.validations.iter().map(|p| patterns.regex(column, p)).collect::<Result<_, _>>()?;
        Ok(Self {
            group: column.column_group.clone().unwrap_or_else(|| format!("{table}.{}", column.name)),
            name: column.name.clone(),
            data_type: column.data_type,
            token_policy: column.token_policy,
            token_pattern,
            redaction: column.redaction,
            unique: column.unique,
            required: column.required,
            ttl_minutes,
            file_types: column.file_types.clone(),
            operations: column.operations.clone(),
            array: column.array,
            mask,
            validations,
            allowed_values: column.allowed_values.clone(),
        })
    }

    fn must_agree_with(&self, other: &Self) -> Result<(), SchemaError> {
        let differ = |what| Err(SchemaError::Group { group: self.group.clone(), what });
        let pattern = |column: &Self| column.token_pattern.as_ref().map(|p| p.as_str().to_owned());
        let mask =
            |column: &Self| column.mask.as_ref().map(|(find, to)| (find.as_str().to_owned(), to.clone()));
        let checks =
            |column: &Self| column.validations.iter().map(|v| v.as_str().to_owned()).collect::<Vec<_>>();
        if self.token_policy != other.token_policy {
            return differ("the token policy");
        }
        if pattern(self) != pattern(other) {
            return differ("the format-preserving pattern");
        }
        if self.redaction != other.redaction || mask(self) != mask(other) {
            return differ("redaction");
        }
        if checks(self) != checks(other) {
            return differ("validation");
        }
        Ok(())
    }

    pub(crate) fn is_transient(&self) -> bool {
        self.token_policy == Some(TokenPolicy::Transient)
    }

    pub(crate) fn is_file(&self) -> bool {
        self.data_type == DataType::File
    }

    pub(crate) fn is_structured(&self) -> bool {
        self.array || self.data_type == DataType::Json
    }

    pub(crate) fn allows(&self, operation: ColumnOperation) -> bool {
        self.operations.is_empty()
            || self.operations.contains(&ColumnOperation::All)
            || self.operations.contains(&operation)
    }

    /// Tells what is wrong with a value, in a few words that do not repeat it.
    pub(crate) fn problem_with(&self, value: &Exact) -> Option<&'static str> {
        if value.is_null() {
            return self.required.then_some("requires a value");
        }
        if self.is_file() {
            return Some("takes files, which are uploaded");
        }
        let elements = match (self.array, value) {
            (true, Exact::Array(elements)) => elements.as_slice(),
            (true, _) => return Some("requires an array"),
            (false, single) => std::slice::from_ref(single),
        };
        if !elements.iter().all(|element| value::has_type(self.data_type, element)) {
            return Some("has another data type");
        }
        let valid = |element: &Exact| {
            let text = value::text_of(element);
            self.validations.iter().all(|pattern| pattern.is_match(&text))
                && (self.allowed_values.is_empty() || self.allowed_values.contains(&text))
        };
        if self.data_type != DataType::Json && !elements.iter().all(valid) {
            return Some("does not accept this value");
        }
        None
    }

    /// Shows a value at a level; [`Redaction::Default`] means the column's own.
    pub(crate) fn show(&self, value: Exact, level: Redaction) -> Exact {
        let level = if level == Redaction::Default { self.redaction } else { level };
        match (level, &self.mask) {
            _ if value.is_null() => value,
            (Redaction::PlainText, _) => value,
            (Redaction::Masked, Some((find, replace))) => {
                let text = value::text_of(&value);
                // A value that the mask does not fit is hidden whole: the mask would leave it as it is.
                if find.is_match(&text) {
                    find.replace_all(&text, replace.as_str()).into_owned().into()
                } else {
                    REDACTED.into()
                }
            }
            _ => REDACTED.into(),
        }
    }

    /// The name Skyflow gives the type of a detokenized value.
    pub(crate) fn value_type(&self) -> &'static str {
        match self.data_type {
            _ if self.array => "ARRAY",
            DataType::String | DataType::File => "STRING",
            DataType::Time => "TIME",
            DataType::Int32 | DataType::Int64 => "INTEGER",
            DataType::Float32 | DataType::Float64 => "FLOAT",
            DataType::Bool => "BOOL",
            DataType::Date => "DATE",
            DataType::DateTime => "DATETIME",
            DataType::Json => "JSON",
        }
    }

    /// Reads a value that came as text, such as one in a URL.
    pub(crate) fn parse_text(&self, text: &str) -> Exact {
        let is_text = matches!(
            self.data_type,
            DataType::String | DataType::Date | DataType::DateTime | DataType::Time | DataType::File
        );
        let parsed = if is_text { None } else { Exact::parse(text) };
        parsed.map_or_else(|| text.into(), |value| self.normal(value))
    }

    /// Brings a value into the form that is stored and that tokens are made from.
    pub(crate) fn normal(&self, value: Exact) -> Exact {
        value::normal(self.data_type, value)
    }

    pub(crate) fn to_sql(&self, value: &Exact) -> SqlValue {
        value::to_sql(value)
    }

    pub(crate) fn read(&self, stored: ValueRef<'_>) -> Exact {
        value::from_sql(self.data_type, self.is_structured(), stored)
    }
}

fn check_name(name: &str, nested: bool) -> Result<(), SchemaError> {
    let allowed = |c: char| {
        c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-') || (nested && c == '.')
    };
    let reason = if name.is_empty() || name.len() > 128 {
        "it must have 1 to 128 characters"
    } else if !name.chars().all(allowed) {
        "it may hold lower-case letters, digits, `_` and `-` only"
    } else if matches!(name, "query" | "detokenize" | "tokenize") {
        "it is the name of an operation"
    } else {
        return Ok(());
    };
    Err(SchemaError::Name { name: name.to_owned(), reason })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::default_tables;
    use super::*;

    fn shown(table: &str, column: &str, level: Redaction, value: Value) -> Value {
        let schema = Schema::compile(&default_tables()).unwrap();
        let shown = schema.table(table).unwrap().column(column).unwrap().show(value.into(), level);
        serde_json::from_str(&shown.to_string()).unwrap()
    }

    #[test]
    fn quickstart_masks_match_their_documentation() {
        for (table, column, value, masked) in [
            ("credit_cards", "card_number", "4111111111111111", "XXXXXXXXXXXX1111"),
            ("credit_cards", "card_number", "4111-1111-1111-1234", "XXXXXXXXXXXX1234"),
            ("persons", "ssn", "123-45-6789", "XXX-XX-6789"),
            ("persons", "ssn", "123456789", "XXXXX6789"),
            ("persons", "date_of_birth", "1986-06-06", "XXXX-06-06"),
            ("persons", "email_address", "ada@example.com", "a******a@example.com"),
        ] {
            assert_eq!(shown(table, column, Redaction::Masked, json!(value)), masked, "{table}.{column}");
        }
    }

    #[test]
    fn the_default_level_is_the_one_of_the_column() {
        let level = Redaction::Default;
        assert_eq!(shown("persons", "name", level, json!("Ada")), REDACTED);
        assert_eq!(shown("persons", "ssn", level, json!("123-45-6789")), "XXX-XX-6789");
        assert_eq!(shown("persons", "state", level, json!("CA")), "CA");
        assert_eq!(shown("persons", "name", Redaction::PlainText, json!("Ada")), "Ada");
    }

    #[test]
    fn values_the_mask_does_not_fit_are_hidden() {
        assert_eq!(shown("persons", "ssn", Redaction::Masked, json!("odd")), REDACTED);
        assert_eq!(shown("persons", "name", Redaction::Masked, json!("Ada")), REDACTED);
    }

    #[test]
    fn null_stays_null_at_every_level() {
        for level in [Redaction::Masked, Redaction::Redacted, Redaction::PlainText, Redaction::Default] {
            assert_eq!(shown("persons", "ssn", level, Value::Null), Value::Null);
        }
    }

    #[test]
    fn names_that_could_be_mistaken_are_refused() {
        for bad in ["", "Cards", "my table", "query", "a\"b"] {
            assert!(matches!(Schema::compile(&[Table::new(bad)]), Err(SchemaError::Name { .. })), "{bad}");
        }
        let twice = Table::new("t").column(Column::string("a")).column(Column::string("a"));
        assert!(matches!(Schema::compile(&[twice]), Err(SchemaError::Name { .. })));
    }

    #[test]
    fn columns_of_one_group_must_agree() {
        let table = Table::new("t")
            .column(Column::string("a").column_group("g").tokens(TokenPolicy::DeterministicUuid))
            .column(Column::string("b").column_group("g").tokens(TokenPolicy::Random));
        assert!(matches!(Schema::compile(&[table]), Err(SchemaError::Group { .. })));
    }
}
