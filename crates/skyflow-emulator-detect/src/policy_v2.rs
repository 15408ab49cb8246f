//! What a request of version 2 asks for: rules for each entity, objects in pictures, custom types.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use skyflow_types::DetectEntity;

use crate::policy::{DATES, TokenKind, compiled, days_between};
use crate::{DetectError, Policy, WholeNumber};

/// Holds the `detect` object of a configuration in its wire form.
#[derive(Deserialize, Clone, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RulesOptions {
    entities: Option<Vec<EntityRule>>,
    object_entities: Option<Vec<ObjectRule>>,
    restrict: Option<Vec<String>>,
    skip: Option<Vec<String>>,
    custom_types: Option<Vec<CustomType>>,
    return_entities: Option<String>,
}

#[derive(Deserialize, Clone)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct EntityRule {
    entity_type: Option<String>,
    deidentification_type: Option<String>,
    destination: Option<String>,
    transformation: Option<Transformation>,
}

#[derive(Deserialize, Clone)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Transformation {
    shift_dates: Option<ShiftDates>,
}

#[derive(Deserialize, Clone)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ShiftDates {
    min_days: Option<WholeNumber>,
    max_days: Option<WholeNumber>,
}

#[derive(Deserialize, Clone)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ObjectRule {
    entity_type: Option<String>,
    deidentification_type: Option<String>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct CustomType {
    label: Option<String>,
    r#match: Option<Vec<String>>,
}

/// Says which of the found entities a response lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReturnedEntities {
    /// Each without its value.
    #[default]
    ExcludeSensitiveData,
    /// Each with its value.
    All,
    /// None of them.
    None,
}

/// Says what happens to the objects that a picture shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ObjectRedaction {
    /// They stay.
    #[default]
    None,
    /// Some kinds of objects are covered.
    Some,
    /// Everything is covered.
    All,
}

/// Holds the checked rules of a request.
#[derive(Debug)]
#[non_exhaustive]
pub struct Rules {
    /// How entities are treated.
    pub policy: Policy,
    /// The column that holds the vault tokens of an entity, as the request names it.
    pub destinations: BTreeMap<DetectEntity, String>,
    /// How objects in pictures are treated.
    pub objects: ObjectRedaction,
    /// What the response lists.
    pub returned: ReturnedEntities,
}

impl Rules {
    /// Reads and checks the rules of a request; without any, every entity gets a counter.
    ///
    /// # Errors
    ///
    /// Fails when a rule names an unknown entity, style or pattern, names an entity twice, or wants vault tokens for all
    /// entities: those need a column for each.
    pub fn read(options: RulesOptions) -> Result<Self, DetectError> {
        let mut policy = Policy {
            entities: None,
            default: TokenKind::Counter,
            kinds: BTreeMap::new(),
            allow: compiled("configuration.detect.skip", options.skip, false)?,
            restrict: compiled("configuration.detect.restrict", options.restrict, true)?,
            labels: labels(options.custom_types.unwrap_or_default())?,
            shifts: BTreeMap::new(),
        };
        let mut destinations = BTreeMap::new();
        let rules = options.entities.unwrap_or_default();
        let mut wanted = (!rules.is_empty()).then(BTreeSet::new);
        for (index, rule) in rules.into_iter().enumerate() {
            let invalid = |field: &str, problem: &str| {
                let field = format!("configuration.detect.entities[{index}].{field}");
                DetectError::invalid(format!("Invalid request. {field} {problem}."))
            };
            let name = rule.entity_type.filter(|name| !name.is_empty());
            let entity = match name.as_deref().map(str::to_ascii_uppercase).as_deref() {
                Some("NONE") => continue,
                Some(name) => DetectEntity::new(name),
                None => DetectEntity::ALL,
            };
            if !entity.is_known() {
                return Err(invalid("entityType", "is no entity type"));
            }
            let kind = match upper(rule.deidentification_type).as_str() {
                "" | "UNKNOWN" | "ENTITY_UNIQUE_COUNTER" => TokenKind::Counter,
                "ENTITY_ONLY" => TokenKind::EntityOnly,
                "VAULT_TOKEN" => TokenKind::VaultToken,
                _ => return Err(invalid("deidentificationType", "is invalid")),
            };
            if entity == DetectEntity::ALL && kind == TokenKind::VaultToken {
                return Err(invalid(
                    "deidentificationType",
                    "needs an entity: vault tokens of each have their column",
                ));
            }
            if let Some(shift) = rule.transformation.and_then(|transformation| transformation.shift_dates) {
                let range =
                    days_between(shift.min_days.map(|days| days.0), shift.max_days.map(|days| days.0))?;
                let dates = DATES.into_iter().filter(|date| entity == DetectEntity::ALL || entity == *date);
                let before = policy.shifts.len();
                policy.shifts.extend(dates.map(|date| (date, range.clone())));
                if before == policy.shifts.len() {
                    return Err(invalid(
                        "transformation.shiftDates",
                        "is for DATE, DATE_INTERVAL and DOB only",
                    ));
                }
            }
            if let Some(destination) = rule.destination.filter(|destination| !destination.is_empty()) {
                if kind != TokenKind::VaultToken {
                    return Err(invalid("destination", "is for vault tokens only"));
                }
                destinations.insert(entity.clone(), destination);
            }
            if let Some(entities) = &mut wanted
                && !entities.insert(entity.clone())
            {
                return Err(invalid("entityType", "is named twice"));
            }
            match entity == DetectEntity::ALL {
                true => policy.default = kind,
                false => drop(policy.kinds.insert(entity, kind)),
            }
        }
        policy.entities = wanted.filter(|entities| !entities.contains(&DetectEntity::ALL));
        Ok(Self {
            policy,
            destinations,
            objects: objects(options.object_entities.unwrap_or_default())?,
            returned: match upper(options.return_entities).as_str() {
                "" | "EXCLUDE_SENSITIVE_DATA" => ReturnedEntities::ExcludeSensitiveData,
                "ALL" => ReturnedEntities::All,
                "NONE" => ReturnedEntities::None,
                _ => {
                    return Err(DetectError::invalid(
                        "Invalid request. configuration.detect.returnEntities is invalid. Specify \
                         EXCLUDE_SENSITIVE_DATA, ALL or NONE.",
                    ));
                }
            },
        })
    }
}

fn upper(name: Option<String>) -> String {
    name.unwrap_or_default().to_ascii_uppercase()
}

/// Reads the types of a request: a value that matches as a whole gets their label.
fn labels(types: Vec<CustomType>) -> Result<Vec<(String, Vec<regex::Regex>)>, DetectError> {
    let read = |(index, of_type): (usize, CustomType)| {
        let field = format!("configuration.detect.customTypes[{index}]");
        let label = of_type.label.filter(|label| !label.trim().is_empty());
        let label = label.filter(|label| !label.contains(['[', ']'])).ok_or_else(|| {
            DetectError::invalid(format!("Invalid request. {field}.label is missing or has brackets."))
        })?;
        Ok((label, compiled(&format!("{field}.match"), of_type.r#match, true)?))
    };
    types.into_iter().enumerate().map(read).collect()
}

fn objects(rules: Vec<ObjectRule>) -> Result<ObjectRedaction, DetectError> {
    const KINDS: [&str; 6] = ["ALL", "FACE", "LICENSE_PLATE", "LOGO", "NONE", "SIGNATURE"];
    let mut redaction = ObjectRedaction::None;
    for (index, rule) in rules.into_iter().enumerate() {
        let invalid = |field: &str| {
            let field = format!("configuration.detect.objectEntities[{index}].{field}");
            DetectError::invalid(format!("Invalid request. {field} is invalid."))
        };
        let kind = match upper(rule.entity_type) {
            kind if kind.is_empty() => "ALL".to_owned(),
            kind => kind,
        };
        if !KINDS.contains(&kind.as_str()) {
            return Err(invalid("entityType"));
        }
        match upper(rule.deidentification_type).as_str() {
            "" | "UNREDACT" | "UNKNOWN" => {}
            "REDACT" if kind == "ALL" => redaction = ObjectRedaction::All,
            "REDACT" if kind != "NONE" && redaction == ObjectRedaction::None => {
                redaction = ObjectRedaction::Some
            }
            "REDACT" => {}
            _ => return Err(invalid("deidentificationType")),
        }
    }
    Ok(redaction)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::policy::Ruling;

    fn rules(options: Value) -> Result<Rules, String> {
        let options = serde_json::from_value::<RulesOptions>(options).map_err(|error| error.to_string())?;
        Rules::read(options).map_err(|error| error.to_string())
    }

    #[test]
    fn rules_apply_to_their_entity_and_all_to_the_rest() {
        let rules = rules(json!({"entities": [
            {"entityType": "ALL", "deidentificationType": "ENTITY_ONLY"},
            {"entityType": "SSN", "deidentificationType": "VAULT_TOKEN", "destination": "t.c"},
            {"entityType": "DOB", "transformation": {"shiftDates": {"minDays": 1, "maxDays": 2}}},
        ]}))
        .unwrap();
        assert!(rules.policy.wants(&DetectEntity::URL));
        assert_eq!(rules.policy.kind_of(&DetectEntity::URL), TokenKind::EntityOnly);
        assert_eq!(rules.policy.kind_of(&DetectEntity::SSN), TokenKind::VaultToken);
        assert_eq!(rules.policy.shift_of(&DetectEntity::DOB), Some(&(1..=2)));
        assert_eq!(rules.policy.shift_of(&DetectEntity::DATE), None);
        assert_eq!(rules.destinations[&DetectEntity::SSN], "t.c");
        assert_eq!(rules.returned, ReturnedEntities::ExcludeSensitiveData);
    }

    #[test]
    fn unset_rules_mean_all_and_none_means_none() {
        for options in [json!({}), json!({"entities": []}), json!({"entities": [{}]})] {
            let rules = rules(options).unwrap();
            assert!(rules.policy.wants(&DetectEntity::NAME));
            assert_eq!(rules.policy.kind_of(&DetectEntity::NAME), TokenKind::Counter);
        }
        let none = rules(json!({"entities": [{"entityType": "NONE"}]})).unwrap();
        assert!(!none.policy.wants(&DetectEntity::NAME));
    }

    #[test]
    fn custom_types_label_whole_values_and_skip_wins() {
        let rules = rules(json!({"skip": ["^Jane Roe$"], "restrict": ["123"],
            "customTypes": [{"label": "STAFF", "match": ["Jane (Doe|Roe)", "Jo"]}]}))
        .unwrap();
        for (value, ruling) in [
            ("Jane Doe", Ruling::Labelled("STAFF".to_owned())),
            ("Jane Roe", Ruling::Allowed),
            ("Jane Does", Ruling::Replaced),
            ("123", Ruling::Restricted),
        ] {
            assert_eq!(rules.policy.ruling(value), ruling, "{value}");
        }
    }

    #[test]
    fn objects_are_redacted_by_kind_or_as_a_whole() {
        for (options, expected) in [
            (json!([{"entityType": "FACE", "deidentificationType": "REDACT"}]), ObjectRedaction::Some),
            (json!([{"deidentificationType": "REDACT"}]), ObjectRedaction::All),
            (json!([{"entityType": "LOGO"}]), ObjectRedaction::None),
        ] {
            assert_eq!(rules(json!({"objectEntities": options})).unwrap().objects, expected);
        }
    }

    #[test]
    fn invalid_rules_are_refused_with_their_place() {
        for (options, named) in [
            (json!({"entities": [{}, {"entityType": "NO_SUCH"}]}), "entities[1].entityType"),
            (
                json!({"entities": [{"deidentificationType": "VAULT_TOKEN"}]}),
                "entities[0].deidentificationType",
            ),
            (json!({"entities": [{"entityType": "SSN"}, {"entityType": "ssn"}]}), "entities[1].entityType"),
            (json!({"entities": [{"entityType": "SSN", "destination": "x"}]}), "entities[0].destination"),
            (
                json!({"entities": [{"entityType": "SSN", "transformation": {"shiftDates": {"minDays": 1}}}]}),
                "shiftDates",
            ),
            (json!({"entities": [{"entity_type": "SSN"}]}), "entity_type"),
            (json!({"customTypes": [{"match": ["x"]}]}), "customTypes[0].label"),
            (json!({"skip": ["("]}), "skip[0]"),
            (json!({"returnEntities": "SOME"}), "returnEntities"),
            (json!({"objectEntities": [{"entityType": "CAR"}]}), "objectEntities[0].entityType"),
        ] {
            let message = rules(options).map(drop).unwrap_err();
            assert!(message.contains(named), "{message}");
        }
    }
}
