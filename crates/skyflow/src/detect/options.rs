//! Options that the requests for de-identified text and files share.

use skyflow_api::types;
use skyflow_types::DetectEntity;

use crate::Error;
use crate::record::not_blank;

/// What takes the place of an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenKind {
    /// The entity and a token of the vault, such as `[NAME_5RVywhc]`: it can be turned into the value again. Of files,
    /// csv, json, jsonl, txt and xml have them.
    VaultToken,
    /// The entity and a number, such as `[NAME_1]`: the same value has the same number within one request.
    EntityUniqueCounter,
    /// The entity alone, such as `[NAME]`.
    EntityOnly,
}

impl TokenKind {
    /// Returns the name used on the wire, such as `entity_unq_counter`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VaultToken => "vault_token",
            Self::EntityUniqueCounter => "entity_unq_counter",
            Self::EntityOnly => "entity_only",
        }
    }
}

/// Says what takes the place of which entity.
///
/// ```
/// use skyflow::{DetectEntity, TokenFormat, TokenKind};
///
/// let format = TokenFormat::of(TokenKind::EntityOnly).vault_token([DetectEntity::SSN, DetectEntity::NAME]);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenFormat {
    default: Option<TokenKind>,
    vault_token: Vec<DetectEntity>,
    entity_unique_counter: Vec<DetectEntity>,
    entity_only: Vec<DetectEntity>,
}

impl TokenFormat {
    /// Sets no list: entities in no list get the server's default, a counter.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says what takes the place of the entities that are in no list.
    pub fn of(default: TokenKind) -> Self {
        Self { default: Some(default), ..Self::default() }
    }

    /// Replaces these entities with vault tokens.
    pub fn vault_token(mut self, entities: impl IntoIterator<Item = impl Into<DetectEntity>>) -> Self {
        self.vault_token.extend(entities.into_iter().map(Into::into));
        self
    }

    /// Replaces these entities with a counted name.
    pub fn entity_unique_counter(
        mut self,
        entities: impl IntoIterator<Item = impl Into<DetectEntity>>,
    ) -> Self {
        self.entity_unique_counter.extend(entities.into_iter().map(Into::into));
        self
    }

    /// Replaces these entities with the name alone.
    pub fn entity_only(mut self, entities: impl IntoIterator<Item = impl Into<DetectEntity>>) -> Self {
        self.entity_only.extend(entities.into_iter().map(Into::into));
        self
    }

    fn has_vault_tokens(&self) -> bool {
        self.default == Some(TokenKind::VaultToken) || !self.vault_token.is_empty()
    }

    fn to_wire(&self) -> types::TokenTypeMapping {
        let mut wire = types::TokenTypeMapping::default();
        wire.default_type = self.default.map(|kind| kind.as_str().into());
        wire.vault_token = entity_types(&self.vault_token);
        wire.entity_unq_counter = entity_types(&self.entity_unique_counter);
        wire.entity_only = entity_types(&self.entity_only);
        wire
    }
}

/// Says by how many days dates are shifted, instead of being replaced by a token.
///
/// ```
/// use skyflow::{DateShift, DetectEntity};
///
/// let shift = DateShift::days(10, 30).entities([DetectEntity::DOB]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DateShift {
    min_days: i64,
    max_days: i64,
    entities: Vec<DetectEntity>,
}

impl DateShift {
    const ENTITIES: [DetectEntity; 3] = [DetectEntity::DATE, DetectEntity::DATE_INTERVAL, DetectEntity::DOB];

    /// Shifts by at least `min` and at most `max` days. Both are 1 or more, and `max` is not below `min`.
    pub fn days(min: i64, max: i64) -> Self {
        Self { min_days: min, max_days: max, entities: Vec::new() }
    }

    /// Says which entities are shifted: `date`, `date_interval` and `dob` can be.
    pub fn entities(mut self, entities: impl IntoIterator<Item = impl Into<DetectEntity>>) -> Self {
        self.entities.extend(entities.into_iter().map(Into::into));
        self
    }

    /// The rules of the Go SDK, the only one that has them.
    fn check(&self) -> Result<(), Error> {
        let days = [("shift_dates.min_days", self.min_days), ("shift_dates.max_days", self.max_days)];
        if let Some((field, _)) = days.iter().find(|(_, days)| *days <= 0) {
            return Err(Error::invalid(*field, "must be 1 or more"));
        }
        if self.max_days < self.min_days {
            return Err(Error::invalid("shift_dates.max_days", "must not be less than min_days"));
        }
        match self.entities.iter().position(|entity| !Self::ENTITIES.contains(entity)) {
            Some(index) => {
                let field = format!("shift_dates.entities[{index}]");
                Err(Error::invalid(field, "must be date, date_interval or dob"))
            }
            None => Ok(()),
        }
    }

    fn to_wire(&self) -> types::Transformations {
        let mut shift = types::ShiftDates::default().min_days(self.min_days).max_days(self.max_days);
        if !self.entities.is_empty() {
            shift = shift.entity_types(self.entities.iter().map(DetectEntity::as_str));
        }
        types::Transformations::default().shift_dates(shift)
    }
}

/// What both requests can say about entities and tokens.
#[derive(Clone, Default)]
pub(super) struct Options {
    pub(super) entities: Vec<DetectEntity>,
    pub(super) token_format: Option<TokenFormat>,
    pub(super) allow_regex: Vec<String>,
    pub(super) restrict_regex: Vec<String>,
    pub(super) shift_dates: Option<DateShift>,
    pub(super) configuration_id: Option<String>,
}

impl Options {
    pub(super) fn check(&self) -> Result<(), Error> {
        for (list, patterns) in [("allow_regex", &self.allow_regex), ("restrict_regex", &self.restrict_regex)]
        {
            for (index, pattern) in patterns.iter().enumerate() {
                not_blank(format_args!("{list}[{index}]"), pattern)?;
            }
        }
        if let Some(shift) = &self.shift_dates {
            shift.check()?;
        }
        match &self.configuration_id {
            Some(id) => self.check_configuration(id),
            None => Ok(()),
        }
    }

    /// A stored configuration says all of it; the API takes none of the other options beside it.
    fn check_configuration(&self, id: &str) -> Result<(), Error> {
        not_blank("configuration_id", id)?;
        let others = [
            ("entities", !self.entities.is_empty()),
            ("token_format", self.token_format.is_some()),
            ("allow_regex", !self.allow_regex.is_empty()),
            ("restrict_regex", !self.restrict_regex.is_empty()),
            ("shift_dates", self.shift_dates.is_some()),
        ];
        match others.iter().find(|(_, given)| *given) {
            Some((field, _)) => Err(Error::invalid(*field, "cannot be combined with configuration_id")),
            None => Ok(()),
        }
    }

    /// Tells whether values may be stored in the vault; what a configuration says is not known here.
    pub(super) fn may_store_values(&self) -> bool {
        self.configuration_id.is_some() || self.has_vault_tokens()
    }

    pub(super) fn has_vault_tokens(&self) -> bool {
        self.token_format.as_ref().is_some_and(TokenFormat::has_vault_tokens)
    }

    pub(super) fn entity_types(&self) -> Option<Vec<types::EntityType>> {
        entity_types(&self.entities)
    }

    pub(super) fn token_type(&self) -> Option<types::TokenTypeMapping> {
        self.token_format.as_ref().map(TokenFormat::to_wire)
    }

    pub(super) fn transformations(&self) -> Option<types::Transformations> {
        self.shift_dates.as_ref().map(DateShift::to_wire)
    }
}

/// An empty list means the same as none, and is not sent.
pub(super) fn entity_types(entities: &[DetectEntity]) -> Option<Vec<types::EntityType>> {
    (!entities.is_empty()).then(|| entities.iter().cloned().map(Into::into).collect())
}

pub(super) fn patterns(patterns: Vec<String>) -> Option<Vec<String>> {
    (!patterns.is_empty()).then_some(patterns)
}

/// Writes the options into a body: the generated ones are alike, and have no type in common.
macro_rules! fill_options {
    ($body:ident, $options:expr) => {{
        let options = $options;
        $body.entity_types = options.entity_types();
        $body.token_type = options.token_type();
        $body.transformations = options.transformations();
        $body.allow_regex = $crate::detect::options::patterns(options.allow_regex);
        $body.restrict_regex = $crate::detect::options::patterns(options.restrict_regex);
        $body.configuration_id = options.configuration_id;
    }};
}

/// Writes the setters that both requests have.
macro_rules! option_setters {
    () => {
        /// Looks for these entities only; for every entity when none is named.
        pub fn entities(
            mut self,
            entities: impl IntoIterator<Item = impl Into<skyflow_types::DetectEntity>>,
        ) -> Self {
            self.options.entities.extend(entities.into_iter().map(Into::into));
            self
        }

        /// Says what takes the place of the entities; a counted name by default.
        pub fn token_format(mut self, format: $crate::TokenFormat) -> Self {
            self.options.token_format = Some(format);
            self
        }

        /// Keeps entities in clear that match one of these patterns, whole or in part.
        pub fn allow_regex(mut self, patterns: impl IntoIterator<Item = impl Into<String>>) -> Self {
            self.options.allow_regex.extend(patterns.into_iter().map(Into::into));
            self
        }

        /// Replaces entities that one of these patterns matches as a whole with `[RESTRICTED]`; an allowed
        /// entity stays allowed.
        pub fn restrict_regex(mut self, patterns: impl IntoIterator<Item = impl Into<String>>) -> Self {
            self.options.restrict_regex.extend(patterns.into_iter().map(Into::into));
            self
        }

        /// Shifts dates instead of replacing them. Skyflow's documentation says that it has no effect on documents,
        /// images and PDFs.
        pub fn shift_dates(mut self, shift: $crate::DateShift) -> Self {
            self.options.shift_dates = Some(shift);
            self
        }

        /// Takes everything from a configuration that is stored at Skyflow; it goes with none of the other options.
        pub fn configuration_id(mut self, id: impl Into<String>) -> Self {
            self.options.configuration_id = Some(id.into());
            self
        }
    };
}

pub(super) use {fill_options, option_setters};
