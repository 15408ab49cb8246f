//! The stored configurations of Detect, as the management document describes them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{PoisonError, RwLock};

use serde::Deserialize;
use serde_json::{Value, json};
use skyflow_emulator_detect::{FileOptions, Policy, PolicyOptions};
use skyflow_types::DetectEntity;

use super::media::Media;
use crate::errors::{ApiError, ApiResult};
use crate::schema::{Schema, column_of};

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ColumnName {
    pub(crate) table: String,
    pub(crate) column: String,
}

/// Where the vault tokens of entities lie, besides the columns that are called after them.
pub(crate) type Destinations = BTreeMap<DetectEntity, ColumnName>;

/// A stored configuration.
#[derive(Clone)]
pub(crate) struct Configuration {
    pub(crate) options: PolicyOptions,
    pub(crate) destinations: Destinations,
    /// Whether responses leave the list of entities out.
    pub(crate) skips_entities: bool,
    /// The options for files.
    pub(crate) media: FileOptions,
    /// As it was given.
    body: Value,
}

/// A configuration in its wire form.
#[derive(Deserialize)]
struct Wire {
    #[serde(rename = "vault_id")]
    _vault_id: Option<String>,
    #[serde(flatten)]
    options: PolicyOptions,
    /// The published examples and the published schema spell it differently.
    #[serde(alias = "columns_mappings", default)]
    column_mappings: Option<Vec<ColumnMapping>>,
    skip_entities: Option<bool>,
    #[serde(flatten)]
    media: Media,
    vault_file_mappings: Option<Vec<Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ColumnMapping {
    entity_types: Option<Vec<DetectEntity>>,
    table_name: Option<String>,
    column_name: Option<String>,
}

/// Members of a configuration: any other is refused, so that no setting is ignored.
const MEMBERS: [&str; 14] = [
    "allow_regex",
    "audio",
    "column_mappings",
    "columns_mappings",
    "configuration_id",
    "document",
    "entity_types",
    "image",
    "restrict_regex",
    "skip_entities",
    "token_type",
    "transformations",
    "vault_file_mappings",
    "vault_id",
];

/// Members of the blocks of a configuration, by their place.
const BLOCKS: [(&str, &[&str]); 4] = [
    (
        "/audio",
        &[
            "bleep_frequency",
            "bleep_gain",
            "bleep_start_padding",
            "bleep_stop_padding",
            "output_processed_audio",
            "output_transcription",
        ],
    ),
    ("/document", &["pdf"]),
    ("/document/pdf", &["density", "max_resolution"]),
    ("/image", &["masking_method", "output_ocr_text", "output_processed_image"]),
];

impl Configuration {
    /// Reads and checks a configuration for a vault of this schema.
    pub(crate) fn read(body: Value, schema: &Schema) -> ApiResult<Self> {
        let shape =
            || ApiError::bad_request("Invalid request. The configuration does not have the expected shape.");
        body.as_object().ok_or_else(shape)?;
        let has_others = |place: &str, known: &[&str]| {
            let members = body.pointer(place).and_then(Value::as_object);
            members.is_some_and(|members| members.keys().any(|member| !known.contains(&member.as_str())))
        };
        if has_others("", &MEMBERS) || BLOCKS.iter().any(|(place, known)| has_others(place, known)) {
            return Err(ApiError::bad_request("Invalid request. The configuration has an unknown member."));
        }
        let wire = Wire::deserialize(&body).map_err(|_| shape())?;
        if wire.vault_file_mappings.is_some_and(|mappings| !mappings.is_empty()) {
            return Err(ApiError::not_emulated("vault_file_mappings"));
        }
        let _checked = Policy::read(wire.options.clone())?;
        let mut destinations = Destinations::new();
        for (index, mapping) in wire.column_mappings.unwrap_or_default().into_iter().enumerate() {
            let name = ColumnName {
                table: mapping.table_name.unwrap_or_default(),
                column: mapping.column_name.unwrap_or_default(),
            };
            require_column(schema, &name, &format!("column_mappings[{index}]"))?;
            for entity in mapping.entity_types.unwrap_or_default() {
                if !entity.is_known() || entity == DetectEntity::ALL {
                    return Err(ApiError::bad_request(format!(
                        "Invalid request. column_mappings[{index}].entity_types is invalid. Specify single entity types."
                    )));
                }
                destinations.insert(entity, name.clone());
            }
        }
        let skips_entities = wire.skip_entities.unwrap_or_default();
        let media = wire.media.read()?;
        Ok(Self { options: wire.options, destinations, skips_entities, media, body })
    }
}

/// Refuses a column that does not give one value the same token each time.
pub(crate) fn require_column(schema: &Schema, name: &ColumnName, field: &str) -> ApiResult<()> {
    let column = schema.table(&name.table).and_then(|table| table.column(&name.column));
    match column.and_then(|column| column.token_policy) {
        Some(policy) if policy.is_deterministic() => Ok(()),
        _ => Err(ApiError::bad_request(format!(
            "Invalid request. {field} is no column with deterministic tokens. Specify one of the vault."
        ))),
    }
}

/// The configurations of a vault; they live as long as it is open.
#[derive(Default)]
pub(crate) struct Configurations {
    stored: RwLock<BTreeMap<String, Configuration>>,
    /// The columns that tokens of an entity have been put into, so that they are found again.
    used: RwLock<BTreeSet<(DetectEntity, ColumnName)>>,
}

impl Configurations {
    pub(crate) fn put(&self, id: String, configuration: Configuration) {
        self.note(&configuration.destinations);
        self.stored.write().unwrap_or_else(PoisonError::into_inner).insert(id, configuration);
    }

    pub(crate) fn get(&self, id: &str) -> Option<Configuration> {
        self.stored.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    pub(crate) fn remove(&self, id: &str) -> bool {
        self.stored.write().unwrap_or_else(PoisonError::into_inner).remove(id).is_some()
    }

    /// Returns a configuration as it was given, with its id.
    pub(crate) fn body(&self, id: &str) -> Option<Value> {
        self.get(id).map(|configuration| with_id(id, configuration.body))
    }

    pub(crate) fn bodies(&self) -> Vec<Value> {
        let stored = self.stored.read().unwrap_or_else(PoisonError::into_inner);
        stored.iter().map(|(id, configuration)| with_id(id, configuration.body.clone())).collect()
    }

    /// Remembers where tokens are put.
    pub(crate) fn note(&self, destinations: &Destinations) {
        let mut used = self.used.write().unwrap_or_else(PoisonError::into_inner);
        used.extend(destinations.iter().map(|(entity, name)| (entity.clone(), name.clone())));
    }

    /// Tells whether a column holds tokens of an entity.
    pub(crate) fn holds(&self, entity: &DetectEntity, table: &str, column: &str) -> bool {
        let used = self.used.read().unwrap_or_else(PoisonError::into_inner);
        let name = ColumnName { table: table.to_owned(), column: column.to_owned() };
        column == column_of(entity) || used.contains(&(entity.clone(), name))
    }
}

fn with_id(id: &str, mut body: Value) -> Value {
    if let Some(members) = body.as_object_mut() {
        members.insert("configuration_id".to_owned(), json!(id));
    }
    body
}
