use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use skyflow_emulator_detect::{
    Detector, Dictionary, Ocr, Policy, PolicyOptions, Recognizer, Tesseract, built_in,
};

use super::CannedRun;
use super::canned::CannedRuns;
use super::run_queue::RunQueue;
use crate::errors::{ApiError, ApiResult};

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
    configurations: BTreeMap<String, PolicyOptions>,
}

impl Settings {
    /// Reads the stored configurations; the error names the one that cannot be used.
    pub(crate) fn new(settings: DetectSettings) -> Result<Self, String> {
        let mut configurations = BTreeMap::new();
        for (id, options) in settings.configurations {
            let options = serde_json::from_value::<PolicyOptions>(options).ok();
            let usable = options.filter(|options| Policy::read(options.clone()).is_ok());
            match usable {
                Some(options) => drop(configurations.insert(id, options)),
                None => return Err(id),
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
    pub(crate) fn policy(&self, configuration: Option<&str>, options: PolicyOptions) -> ApiResult<Policy> {
        let Some(id) = configuration.filter(|id| !id.is_empty()) else { return Ok(Policy::read(options)?) };
        if !options.is_empty() {
            return Err(ApiError::bad_request(
                "Invalid request. configuration_id was given with other options. Specify one of the two.",
            ));
        }
        match self.configurations.get(id) {
            Some(stored) => Ok(Policy::read(stored.clone())?),
            // Skyflow's words for a configuration that does not exist.
            None => {
                Err(ApiError::bad_request("Field vault_id or configuration_id is missing in the request"))
            }
        }
    }
}
