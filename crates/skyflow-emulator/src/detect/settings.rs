use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use skyflow_emulator_detect::{
    Detector, Dictionary, FileOptions, Ocr, Policy, PolicyOptions, Recognizer, Tesseract, built_in,
};

use super::CannedRun;
use super::canned::CannedRuns;
use super::configurations::{Configuration, Configurations, Destinations};
use super::run_queue::RunQueue;
use crate::errors::{ApiError, ApiResult};
use crate::schema::Schema;

/// What a builder says about Detect.
#[derive(Debug, Default)]
pub(crate) struct DetectSettings {
    pub(crate) recognizers: Vec<Box<dyn Recognizer>>,
    pub(crate) dictionary: Arc<Dictionary>,
    pub(crate) canned: Vec<CannedRun>,
    pub(crate) configurations: BTreeMap<String, Value>,
    pub(crate) run_time: Duration,
    pub(crate) ocr: Option<Box<dyn Ocr>>,
}

/// Detect in one vault.
pub(crate) struct Settings {
    pub(crate) detector: Detector,
    pub(crate) canned: CannedRuns,
    pub(crate) run_time: Duration,
    pub(crate) runs: Arc<RunQueue>,
    pub(crate) ocr: Option<Box<dyn Ocr>>,
    pub(crate) configurations: Configurations,
}

/// What a request asks for.
pub(crate) struct Wanted {
    pub(crate) policy: Policy,
    pub(crate) destinations: Destinations,
    pub(crate) listed: Listed,
    /// The options of a stored configuration for files.
    pub(crate) media: FileOptions,
}

impl Wanted {
    /// Lists entities as version 2 does.
    pub(crate) fn in_version_2(mut self) -> Self {
        if self.listed == Listed::Version1 {
            self.listed = Listed::WithoutValues;
        }
        self
    }
}

/// How the found entities are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listed {
    /// In the names of version 1, with their values.
    Version1,
    /// In the names of version 2.
    WithValues,
    /// In the names of version 2.
    WithoutValues,
    Nothing,
}

impl Settings {
    /// Reads the stored configurations; the error names the one that cannot be used.
    pub(crate) fn new(settings: DetectSettings, schema: &Schema) -> Result<Self, String> {
        let configurations = Configurations::default();
        for (id, body) in settings.configurations {
            match Configuration::read(body, schema) {
                Ok(configuration) => configurations.put(id, configuration),
                Err(_) => return Err(id),
            }
        }
        let mut recognizers = built_in();
        recognizers.extend(settings.recognizers);
        Ok(Self {
            detector: Detector::new(recognizers, settings.dictionary),
            canned: CannedRuns::new(settings.canned),
            run_time: settings.run_time,
            runs: Arc::default(),
            ocr: settings.ocr.or_else(|| Some(Box::new(Tesseract::find()?))),
            configurations,
        })
    }

    /// Reads what a request asks for: its own options, or those of a stored configuration.
    pub(crate) fn wanted(&self, configuration: Option<&str>, options: PolicyOptions) -> ApiResult<Wanted> {
        let Some(id) = configuration.filter(|id| !id.is_empty()) else {
            let policy = Policy::read(options)?;
            let (destinations, media) = (Destinations::new(), FileOptions::default());
            return Ok(Wanted { policy, destinations, listed: Listed::Version1, media });
        };
        if !options.is_empty() {
            return Err(ApiError::bad_request(
                "Invalid request. configuration_id was given with other options. Specify one of the two.",
            ));
        }
        self.stored(id)
    }

    /// Reads what a stored configuration asks for.
    pub(crate) fn stored(&self, id: &str) -> ApiResult<Wanted> {
        // The wording of Skyflow for a configuration that does not exist.
        let unknown =
            || ApiError::bad_request("Field vault_id or configuration_id is missing in the request");
        let Configuration { options, destinations, skips_entities, media, .. } =
            self.configurations.get(id).ok_or_else(unknown)?;
        let listed = if skips_entities { Listed::Nothing } else { Listed::Version1 };
        Ok(Wanted { policy: Policy::read(options)?, destinations, listed, media })
    }
}
