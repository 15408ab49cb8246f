use skyflow_types::Redaction;

/// The type of the values of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DataType {
    /// Text.
    String,
    /// A 32-bit signed integer.
    Int32,
    /// A 64-bit signed integer.
    Int64,
    /// A floating-point number.
    Float32,
    /// A floating-point number; the vault keeps 64 bits of either type.
    Float64,
    /// `true` or `false`.
    Bool,
    /// A calendar date, `YYYY-MM-DD`.
    Date,
    /// A date and a time, such as `2026-01-31T12:00:00Z`.
    DateTime,
    /// A time of day, `HH:MM:SS`.
    Time,
    /// Any JSON object or array.
    Json,
    /// A file; its content arrives by upload.
    File,
}

impl DataType {
    const NAMES: [(Self, &'static str); 11] = [
        (Self::String, "DT_STRING"),
        (Self::Int32, "DT_INT32"),
        (Self::Int64, "DT_INT64"),
        (Self::Float32, "DT_FLOAT32"),
        (Self::Float64, "DT_FLOAT64"),
        (Self::Bool, "DT_BOOL"),
        (Self::Date, "DT_DATE"),
        (Self::DateTime, "DT_DATETIME"),
        (Self::Time, "DT_TIME"),
        (Self::Json, "DT_JSON"),
        (Self::File, "DT_FILE"),
    ];

    /// Returns Skyflow's name of the type, such as `DT_STRING`.
    pub fn as_str(self) -> &'static str {
        name_of(&Self::NAMES, self)
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        // Skyflow's own schemas spell a type in more than one way.
        match name {
            "DT_ENUM" => Some(Self::String),
            _ => value_of(&Self::NAMES, name),
        }
    }
}

/// How the tokens of a column are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenPolicy {
    /// A UUID; the same value always gets the same one.
    DeterministicUuid,
    /// A fresh UUID each time.
    NonDeterministicUuid,
    /// A token in the column's format, or in the shape of the value; the same value always gets the same one.
    DeterministicFormatPreserving,
    /// A fresh token in the column's format, or in the shape of the value.
    NonDeterministicFormatPreserving,
    /// The older name of a fresh token in the column's format.
    FormatPreserving,
    /// A fresh text of 16 lower-case letters and digits.
    Random,
    /// A fresh UUID that stops working when the column's time to live has passed; the value itself is never part of
    /// a record.
    Transient,
    /// Keeps the first six and the last four digits of a card number.
    PreserveLeftSixRightFour,
    /// Keeps the domain of an e-mail address.
    PreserveEmailDomain,
}

impl TokenPolicy {
    const NAMES: [(Self, &'static str); 9] = [
        (Self::DeterministicUuid, "DETERMINISTIC_UUID"),
        (Self::NonDeterministicUuid, "NON_DETERMINISTIC_UUID"),
        (Self::DeterministicFormatPreserving, "DETERMINISTIC_FPT"),
        (Self::NonDeterministicFormatPreserving, "NON_DETERMINISTIC_FPT"),
        (Self::FormatPreserving, "FORMAT_PRESERVING_TOKEN"),
        (Self::Random, "RANDOM_TOKEN"),
        (Self::Transient, "NON_DETERMINISTIC_TRANSIENT_UUID"),
        (Self::PreserveLeftSixRightFour, "DETERMINISTIC_PRESERVE_LEFT_6_RIGHT_4"),
        (Self::PreserveEmailDomain, "DETERMINISTIC_PRESERVE_EMAIL_DOMAIN"),
    ];

    /// Returns Skyflow's name of the policy, such as `DETERMINISTIC_UUID`.
    pub fn as_str(self) -> &'static str {
        name_of(&Self::NAMES, self)
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        value_of(&Self::NAMES, name)
    }

    /// Tells whether equal values of a column group share one token.
    pub fn is_deterministic(self) -> bool {
        matches!(
            self,
            Self::DeterministicUuid
                | Self::DeterministicFormatPreserving
                | Self::PreserveLeftSixRightFour
                | Self::PreserveEmailDomain
        )
    }
}

/// What a query may do with a column (`skyflow.options.operation`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ColumnOperation {
    /// Compare for equality.
    ExactMatch,
    /// Compare by order.
    Order,
    /// Compute sums and averages.
    Aggregation,
    /// Everything; the column is not encrypted.
    All,
}

impl ColumnOperation {
    const NAMES: [(Self, &'static str); 4] = [
        (Self::ExactMatch, "EXACT_MATCH"),
        (Self::Order, "ORDER"),
        (Self::Aggregation, "AGGREGATION"),
        (Self::All, "ALL_OP"),
    ];

    pub(super) fn as_str(self) -> &'static str {
        name_of(&Self::NAMES, self)
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        value_of(&Self::NAMES, name)
    }
}

fn name_of<T: Copy + PartialEq>(names: &[(T, &'static str)], value: T) -> &'static str {
    names.iter().find(|(known, _)| *known == value).map_or("", |(_, name)| name)
}

fn value_of<T: Copy>(names: &[(T, &'static str)], name: &str) -> Option<T> {
    names.iter().find(|(_, known)| *known == name).map(|(value, _)| *value)
}

/// Describes one column of a vault table.
///
/// A fresh column stores text, makes no tokens, and shows its values in plain text.
///
/// ```
/// use skyflow_emulator::{Column, TokenPolicy};
///
/// let ssn = Column::string("ssn")
///     .tokens(TokenPolicy::DeterministicFormatPreserving)
///     .token_format("^[0-9]{3}-[0-9]{2}-[0-9]{4}$")
///     .validate("^[0-9]{3}-?[0-9]{2}-?[0-9]{4}$")
///     .masked("^[0-9]{3}-?[0-9]{2}-?([0-9]{4})$", "XXX-XX-${1}");
/// assert_eq!(ssn.name(), "ssn");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    pub(crate) name: String,
    pub(crate) data_type: DataType,
    pub(crate) array: bool,
    pub(crate) token_policy: Option<TokenPolicy>,
    pub(crate) token_format: Option<String>,
    pub(crate) column_group: Option<String>,
    pub(crate) redaction: Redaction,
    pub(crate) mask: Option<(String, String)>,
    pub(crate) validations: Vec<String>,
    pub(crate) allowed_values: Vec<String>,
    pub(crate) unique: bool,
    pub(crate) required: bool,
    pub(crate) ttl_minutes: Option<u32>,
    pub(crate) operations: Vec<ColumnOperation>,
    pub(crate) file_types: Vec<String>,
}

impl Column {
    /// Starts a column of the given type.
    pub fn new(name: impl Into<String>, data_type: DataType) -> Self {
        Self {
            name: name.into(),
            data_type,
            array: false,
            token_policy: None,
            token_format: None,
            column_group: None,
            redaction: Redaction::PlainText,
            mask: None,
            validations: Vec::new(),
            allowed_values: Vec::new(),
            unique: false,
            required: false,
            ttl_minutes: None,
            operations: Vec::new(),
            file_types: Vec::new(),
        }
    }

    /// Starts a text column.
    pub fn string(name: impl Into<String>) -> Self {
        Self::new(name, DataType::String)
    }

    /// Starts a file column.
    pub fn file(name: impl Into<String>) -> Self {
        Self::new(name, DataType::File)
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Makes tokens for the values of this column.
    #[must_use]
    pub fn tokens(mut self, policy: TokenPolicy) -> Self {
        self.token_policy = Some(policy);
        self
    }

    /// Makes tokens that match this regular expression; it matters for the format-preserving policies.
    #[must_use]
    pub fn token_format(mut self, pattern: impl Into<String>) -> Self {
        self.token_format = Some(pattern.into());
        self
    }

    /// Puts the column into a group: the same value in the same group has the same deterministic token. Columns that
    /// name no group are alone in `table.column`.
    #[must_use]
    pub fn column_group(mut self, group: impl Into<String>) -> Self {
        self.column_group = Some(group.into());
        self
    }

    /// Shows `*REDACTED*` instead of the values, unless a request is allowed to see more.
    #[must_use]
    pub fn redacted(mut self) -> Self {
        self.redaction = Redaction::Redacted;
        self
    }

    /// Shows the values with a mask, unless a request is allowed to see more: every match of `find` becomes
    /// `replace`, in which `${1}` is the first group.
    #[must_use]
    pub fn masked(mut self, find: impl Into<String>, replace: impl Into<String>) -> Self {
        self.redaction = Redaction::Masked;
        self.mask_with(find, replace)
    }

    /// Says how the values look when a request asks for `MASKED`, without changing what is shown by default.
    #[must_use]
    pub fn mask_with(mut self, find: impl Into<String>, replace: impl Into<String>) -> Self {
        self.mask = Some((find.into(), replace.into()));
        self
    }

    /// Refuses values in which this regular expression finds no match; several add up.
    #[must_use]
    pub fn validate(mut self, pattern: impl Into<String>) -> Self {
        self.validations.push(pattern.into());
        self
    }

    /// Refuses values other than these.
    #[must_use]
    pub fn one_of<V: Into<String>>(mut self, values: impl IntoIterator<Item = V>) -> Self {
        self.allowed_values.extend(values.into_iter().map(Into::into));
        self
    }

    /// Refuses a second record with the same value.
    #[must_use]
    pub fn unique(mut self) -> Self {
        self.unique = true;
        self
    }

    /// Refuses records without a value.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Holds a JSON array of values of the column's type.
    #[must_use]
    pub fn array(mut self) -> Self {
        self.array = true;
        self
    }

    /// Sets how long the token of a transient value works, in minutes (1 to 20160; 60 when nothing is said).
    #[must_use]
    pub fn ttl_minutes(mut self, minutes: u32) -> Self {
        self.ttl_minutes = Some(minutes);
        self
    }

    /// Limits what queries may do with the column; without any limit they may do everything.
    #[must_use]
    pub fn operation(mut self, operation: ColumnOperation) -> Self {
        self.operations.push(operation);
        self
    }

    /// Accepts only files of this MIME type; several add up.
    #[must_use]
    pub fn file_type(mut self, mime_type: impl Into<String>) -> Self {
        self.file_types.push(mime_type.into());
        self
    }
}

/// Describes one table of a vault. Every table has a `skyflow_id` besides its columns.
///
/// ```
/// use skyflow_emulator::{Column, Table, TokenPolicy};
///
/// let members = Table::new("members")
///     .column(Column::string("email").tokens(TokenPolicy::DeterministicUuid).unique().required())
///     .column(Column::string("nickname"));
/// assert_eq!(members.name(), "members");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
}

impl Table {
    /// Starts a table without columns.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), columns: Vec::new() }
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Adds a column.
    #[must_use]
    pub fn column(mut self, column: Column) -> Self {
        self.columns.push(column);
        self
    }
}
