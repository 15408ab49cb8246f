//! What a request asks for: which entities, and what takes their place.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use regex::Regex;
use serde::Deserialize;
use skyflow_types::DetectEntity;

use crate::folded::folded;
use crate::{DetectError, WholeNumber};

/// Holds the options of a request in their wire form. Null, zero and empty options count as absent: some SDKs cannot
/// omit them.
#[derive(Deserialize, Clone, Default)]
pub struct PolicyOptions {
    entity_types: Option<Vec<DetectEntity>>,
    token_type: Option<TokenTypeOptions>,
    allow_regex: Option<Vec<String>>,
    restrict_regex: Option<Vec<String>>,
    transformations: Option<TransformationOptions>,
}

#[derive(Deserialize, Clone, Default)]
struct TokenTypeOptions {
    default: Option<String>,
    vault_token: Option<Vec<DetectEntity>>,
    entity_only: Option<Vec<DetectEntity>>,
    entity_unq_counter: Option<Vec<DetectEntity>>,
}

#[derive(Deserialize, Clone, Default)]
struct TransformationOptions {
    shift_dates: Option<ShiftOptions>,
}

#[derive(Deserialize, Clone, Default)]
struct ShiftOptions {
    min_days: Option<WholeNumber>,
    max_days: Option<WholeNumber>,
    entity_types: Option<Vec<DetectEntity>>,
}

impl PolicyOptions {
    /// Tells whether no option is set, as is required beside a stored configuration.
    pub fn is_empty(&self) -> bool {
        let Self { entity_types, token_type, allow_regex, restrict_regex, transformations } = self;
        is_unset(entity_types)
            && token_type.as_ref().is_none_or(TokenTypeOptions::is_empty)
            && is_unset(allow_regex)
            && is_unset(restrict_regex)
            && transformations.as_ref().is_none_or(TransformationOptions::is_empty)
    }
}

impl TokenTypeOptions {
    fn is_empty(&self) -> bool {
        let Self { default, vault_token, entity_only, entity_unq_counter } = self;
        default.as_ref().is_none_or(String::is_empty)
            && [vault_token, entity_only, entity_unq_counter].into_iter().all(is_unset)
    }
}

impl TransformationOptions {
    fn is_empty(&self) -> bool {
        self.shift_dates.as_ref().is_none_or(ShiftOptions::is_empty)
    }
}

impl ShiftOptions {
    fn is_empty(&self) -> bool {
        days(self.min_days).is_none() && days(self.max_days).is_none() && is_unset(&self.entity_types)
    }
}

fn is_unset<T>(list: &Option<Vec<T>>) -> bool {
    list.as_ref().is_none_or(Vec::is_empty)
}

/// Returns a number of days that was set: zero is unset.
fn days(number: Option<WholeNumber>) -> Option<i64> {
    number.map(|days| days.0).filter(|days| *days != 0)
}

/// What takes the place of an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    VaultToken,
    EntityOnly,
    Counter,
}

impl TokenKind {
    fn parse(name: &str) -> Result<Self, DetectError> {
        match name {
            "vault_token" => Ok(Self::VaultToken),
            "entity_only" => Ok(Self::EntityOnly),
            "entity_unq_counter" => Ok(Self::Counter),
            _ => Err(DetectError::invalid(
                "Invalid request. token_type.default is invalid. Specify vault_token, entity_only or \
                 entity_unq_counter.",
            )),
        }
    }
}

/// By how many days the dates of each entity are shifted.
type Shifts = BTreeMap<DetectEntity, RangeInclusive<i64>>;

/// The entities whose dates can be shifted.
pub(crate) const DATES: [DetectEntity; 3] =
    [DetectEntity::DATE, DetectEntity::DATE_INTERVAL, DetectEntity::DOB];

/// What the rules for one value say.
#[derive(Debug, PartialEq)]
pub(crate) enum Ruling {
    /// It stays as it is.
    Allowed,
    /// `[RESTRICTED]` takes its place.
    Restricted,
    /// A label of the request takes its place.
    Labelled(String),
    /// Neither.
    Replaced,
}

/// Holds the checked options of a request.
#[derive(Debug)]
pub struct Policy {
    /// `None` for every entity.
    pub(crate) entities: Option<BTreeSet<DetectEntity>>,
    pub(crate) default: TokenKind,
    pub(crate) kinds: BTreeMap<DetectEntity, TokenKind>,
    pub(crate) allow: Vec<Regex>,
    pub(crate) restrict: Vec<Regex>,
    /// Labels, each with the patterns of the values that get it.
    pub(crate) labels: Vec<(String, Vec<Regex>)>,
    pub(crate) shifts: Shifts,
}

impl Policy {
    /// Reads and checks the options of a request.
    ///
    /// # Errors
    ///
    /// Fails when an option names an unknown entity, an invalid regular expression or an impossible range of days.
    pub fn read(options: PolicyOptions) -> Result<Self, DetectError> {
        let wanted = checked("entity_types", options.entity_types.unwrap_or_default())?;
        let token_type = options.token_type.unwrap_or_default();
        let lists = [
            (TokenKind::VaultToken, "token_type.vault_token", token_type.vault_token),
            (TokenKind::EntityOnly, "token_type.entity_only", token_type.entity_only),
            (TokenKind::Counter, "token_type.entity_unq_counter", token_type.entity_unq_counter),
        ];
        let mut kinds = BTreeMap::new();
        for (kind, field, entities) in lists {
            for entity in checked(field, entities.unwrap_or_default())? {
                if kinds.insert(entity.clone(), kind).is_some_and(|other| other != kind) {
                    return Err(DetectError::invalid(format!(
                        "Invalid request. token_type names {entity} in two lists. Specify it in one."
                    )));
                }
            }
        }
        // `all` in a list is what the other lists do not name.
        let default = match kinds.remove(&DetectEntity::ALL) {
            Some(kind) => kind,
            None => match token_type.default.as_deref() {
                None | Some("") => TokenKind::Counter,
                Some(name) => TokenKind::parse(name)?,
            },
        };
        Ok(Self {
            entities: (!wanted.is_empty() && !wanted.contains(&DetectEntity::ALL)).then_some(wanted),
            default,
            kinds,
            allow: compiled("allow_regex", options.allow_regex, false)?,
            restrict: compiled("restrict_regex", options.restrict_regex, true)?,
            labels: Vec::new(),
            shifts: options
                .transformations
                .and_then(|all| all.shift_dates)
                .filter(|shift| !shift.is_empty())
                .map(shifts)
                .transpose()?
                .unwrap_or_default(),
        })
    }

    /// Tells whether values may be stored.
    pub fn has_vault_tokens(&self) -> bool {
        let kinds = self.kinds.values().chain([&self.default]);
        kinds.into_iter().any(|kind| *kind == TokenKind::VaultToken)
    }

    /// Returns this policy for a file whose format has no vault tokens.
    ///
    /// # Errors
    ///
    /// Fails when the policy has vault tokens.
    pub fn without_vault_tokens(self) -> Result<Self, DetectError> {
        match self.has_vault_tokens() {
            false => Ok(self),
            true => Err(DetectError::invalid(
                "Invalid request. Vault tokens are not supported for this type of file. Specify entity_only or \
                 entity_unq_counter.",
            )),
        }
    }

    /// Tells whether an entity is looked for. Who asks for names, locations or addresses asks for their parts too.
    pub(crate) fn wants(&self, entity: &DetectEntity) -> bool {
        let Some(entities) = &self.entities else { return true };
        let is_part_of = |whole: &DetectEntity| {
            entity.as_str().strip_prefix(whole.as_str()).is_some_and(|rest| rest.starts_with('_'))
        };
        let wholes = [DetectEntity::NAME, DetectEntity::LOCATION, DetectEntity::LOCATION_ADDRESS];
        entities.contains(entity) || wholes.iter().any(|whole| entities.contains(whole) && is_part_of(whole))
    }

    pub(crate) fn kind_of(&self, entity: &DetectEntity) -> TokenKind {
        self.kinds.get(entity).copied().unwrap_or(self.default)
    }

    /// Says what the patterns make of a value: allowing wins.
    pub(crate) fn ruling(&self, value: &str) -> Ruling {
        let folded = folded(value);
        let matches = |pattern: &Regex| {
            pattern.is_match(value) || folded.as_ref().is_some_and(|folded| pattern.is_match(folded.text()))
        };
        if self.allow.iter().any(matches) {
            Ruling::Allowed
        } else if self.restrict.iter().any(matches) {
            Ruling::Restricted
        } else {
            let label = self.labels.iter().find(|(_, patterns)| patterns.iter().any(matches));
            label.map_or(Ruling::Replaced, |(label, _)| Ruling::Labelled(label.clone()))
        }
    }

    /// Says by how many days dates of this entity are shifted.
    pub(crate) fn shift_of(&self, entity: &DetectEntity) -> Option<&RangeInclusive<i64>> {
        self.shifts.get(entity)
    }
}

fn checked(field: &str, entities: Vec<DetectEntity>) -> Result<BTreeSet<DetectEntity>, DetectError> {
    // What it names is not repeated: it may be a value in the wrong field.
    match entities.iter().position(|entity| !entity.is_known()) {
        None => Ok(entities.into_iter().collect()),
        Some(index) => Err(DetectError::invalid(format!(
            "Invalid request. {field}[{index}] is no entity type. Specify valid entity types."
        ))),
    }
}

/// A pattern of the restrict list has to match an entity as a whole.
pub(crate) fn compiled(
    field: &str,
    patterns: Option<Vec<String>>,
    whole: bool,
) -> Result<Vec<Regex>, DetectError> {
    let compile = |(index, pattern): (usize, String)| {
        // By itself too: `a)|(b` is no pattern, although it is one in a group.
        let compiled = Regex::new(&pattern).and_then(|compiled| match whole {
            true => Regex::new(&format!(r"\A(?:{pattern})\z")),
            false => Ok(compiled),
        });
        // The text of the error would repeat the pattern, which may hold a value.
        compiled.map_err(|_| {
            DetectError::invalid(format!("Invalid request. {field}[{index}] is no valid regular expression."))
        })
    };
    patterns.unwrap_or_default().into_iter().enumerate().map(compile).collect()
}

/// Checks a range of days.
pub(crate) fn days_between(min: Option<i64>, max: Option<i64>) -> Result<RangeInclusive<i64>, DetectError> {
    let (min, max) = match (min, max) {
        (Some(min), Some(max)) => (min, max),
        (Some(days), None) | (None, Some(days)) => (days, days),
        (None, None) => (0, 0),
    };
    // Ten thousand years of days: beyond it there is no date to shift to.
    if min < 1 || max < min || max > 3_652_500 {
        return Err(DetectError::invalid(
            "Invalid request. shift_dates needs min_days of 1 or more, and max_days that are not less.",
        ));
    }
    Ok(min..=max)
}

fn shifts(options: ShiftOptions) -> Result<Shifts, DetectError> {
    let range = days_between(days(options.min_days), days(options.max_days))?;
    let entities: BTreeSet<DetectEntity> = options.entity_types.unwrap_or_default().into_iter().collect();
    if let Some(other) = entities.iter().find(|entity| !DATES.contains(entity)) {
        let name = if other.is_known() { other.as_str() } else { "an unknown entity" };
        return Err(DetectError::invalid(format!(
            "Invalid request. shift_dates.entity_types names {name}. Specify date, date_interval or dob."
        )));
    }
    let entities = if entities.is_empty() { DATES.into_iter().collect() } else { entities };
    Ok(entities.into_iter().map(|entity| (entity, range.clone())).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn policy(options: Value) -> Result<Policy, String> {
        let options = serde_json::from_value::<PolicyOptions>(options).unwrap();
        Policy::read(options).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_said_is_every_entity_with_a_counter() {
        for options in [
            json!({}),
            json!({"entity_types": null, "token_type": null, "allow_regex": null, "transformations": null}),
            json!({"entity_types": [], "token_type": {"default": null}, "transformations": {"shift_dates": null}}),
            json!({"token_type": {"default": "", "vault_token": []}, "restrict_regex": []}),
            json!({"transformations": {"shift_dates": {}}}),
            json!({"transformations": {"shift_dates": {"min_days": 0, "max_days": 0.0, "entity_types": []}}}),
            json!({"entity_types": ["all"]}),
            json!({"entity_types": ["ssn", "ALL"], "token_type": {"entity_unq_counter": ["all"]}}),
        ] {
            let policy = policy(options).unwrap();
            assert!(policy.wants(&DetectEntity::ZODIAC_SIGN));
            assert_eq!(policy.kind_of(&DetectEntity::NAME), TokenKind::Counter);
            assert!(policy.shift_of(&DetectEntity::DOB).is_none());
        }
    }

    #[test]
    fn empty_options_count_as_absent() {
        let is_empty = |options| serde_json::from_value::<PolicyOptions>(options).unwrap().is_empty();
        assert!(is_empty(json!({
            "entity_types": [], "allow_regex": [], "restrict_regex": null,
            "token_type": {"default": "", "entity_only": []},
            "transformations": {"shift_dates": {"min_days": 0, "max_days": 0}},
        })));
        for options in [
            json!({"entity_types": ["ssn"]}),
            json!({"allow_regex": ["a"]}),
            json!({"token_type": {"default": "entity_only"}}),
            json!({"token_type": {"entity_only": ["ssn"]}}),
            json!({"transformations": {"shift_dates": {"max_days": 1}}}),
        ] {
            assert!(!is_empty(options.clone()), "{options}");
        }
    }

    #[test]
    fn zero_min_days_is_unset_and_days_may_be_floats() {
        let shift = json!({"transformations": {"shift_dates": {"min_days": 0, "max_days": 3.0}}});
        let policy = policy(shift).unwrap();
        assert_eq!(*policy.shift_of(&DetectEntity::DOB).unwrap(), 3..=3);
    }

    #[test]
    fn lists_win_over_the_default_with_their_parts() {
        let policy = policy(json!({"entity_types": ["NAME", "location_address"],
            "token_type": {"default": "entity_only", "vault_token": ["name"]}}))
        .unwrap();
        assert_eq!(policy.kind_of(&DetectEntity::NAME), TokenKind::VaultToken);
        assert_eq!(policy.kind_of(&DetectEntity::NAME_GIVEN), TokenKind::EntityOnly);
        for (entity, wanted) in [
            ("name", true),
            ("name_given", true),
            ("location_address_street", true),
            ("location", false),
            ("location_city", false),
        ] {
            assert_eq!(policy.wants(&DetectEntity::new(entity)), wanted, "{entity}");
        }
        assert!(policy.without_vault_tokens().is_err());
    }

    #[test]
    fn allow_wins_and_restrict_matches_whole_values() {
        let policy =
            policy(json!({"allow_regex": ["Jane"], "restrict_regex": ["Jane Doe", "[0-9]+", "a|b"]}))
                .unwrap();
        for (value, ruling) in [
            ("Jane Doe", Ruling::Allowed),
            ("123", Ruling::Restricted),
            ("123-4", Ruling::Replaced),
            ("b", Ruling::Restricted),
            ("ab", Ruling::Replaced),
        ] {
            assert_eq!(policy.ruling(value), ruling, "{value}");
        }
    }

    #[test]
    fn a_refusal_says_which_element_of_a_list_it_is() {
        for (options, named) in [
            (json!({"entity_types": ["ssn", "no_such"]}), "entity_types[1]"),
            (json!({"token_type": {"entity_only": ["no_such"]}}), "token_type.entity_only[0]"),
            (json!({"allow_regex": ["a", "b", "("]}), "allow_regex[2]"),
        ] {
            let message = policy(options).map(drop).unwrap_err();
            assert!(message.contains(named), "{message}");
        }
    }

    #[test]
    fn invalid_options_are_refused_without_values() {
        for options in [
            json!({"entity_types": ["canary"]}),
            json!({"token_type": {"default": "canary"}}),
            json!({"token_type": {"entity_only": ["canary"]}}),
            json!({"token_type": {"entity_only": ["ssn"], "vault_token": ["ssn"]}}),
            json!({"allow_regex": ["canary("]}),
            json!({"restrict_regex": ["canary)"]}),
            json!({"restrict_regex": ["canary)|(?:x"]}),
            json!({"transformations": {"shift_dates": {"min_days": -1, "max_days": 3}}}),
            json!({"transformations": {"shift_dates": {"min_days": 0, "entity_types": ["dob"]}}}),
            json!({"transformations": {"shift_dates": {"min_days": 4, "max_days": 3}}}),
            json!({"transformations": {"shift_dates": {"min_days": 1, "max_days": i64::MAX}}}),
            json!({"transformations": {"shift_dates": {"min_days": 1, "max_days": 3, "entity_types": ["canary"]}}}),
            json!({"transformations": {"shift_dates": {"min_days": 1, "max_days": 3, "entity_types": ["ssn"]}}}),
        ] {
            let message = policy(options.clone()).map(drop).expect_err(&options.to_string());
            assert!(!message.contains("canary"), "{message}");
        }
    }
}
