//! Detect version 2: the bindings of its six operations, checked and sent as every other call is.

use std::ops::RangeBounds;

use skyflow_api::detect_v2::{
    CheckGuardrails, DeidentifyFile, DeidentifyString, GetRun, ReidentifyFile, ReidentifyString,
};
use skyflow_api::types::{
    CheckGuardrailsRequestV2, CheckGuardrailsResponseV2, DeidentifyFileRequestV2, DeidentifyStringRequestV2,
    DeidentifyStringResponseV2, DetectConfiguration, DetectRunResponseV2, MediaSettings,
    ReidentifyFileRequestV2, ReidentifyFileResponseV2, ReidentifyStringRequestV2, ReidentifyStringResponseV2,
};
use skyflow_api::{ApiErrorBody, Operation};

use super::Detect;
use super::guardrails::check_limits;
use super::run::RESPONSE_LIMIT;
use crate::Error;
use crate::handle::Call;
use crate::record::{none_blank, not_blank};

/// A handle on version 2 of Detect in one vault, which is a beta at Skyflow; cheap to clone.
///
/// Requests and responses are those of [`skyflow_api::types`].
///
/// ```
/// # async fn run(detect: skyflow::Detect) -> Result<(), skyflow::Error> {
/// use skyflow::api::types::{DeidentifyStringRequestV2, DetectConfiguration};
///
/// let configuration = DetectConfiguration::new(detect.vault_id().as_str());
/// let request = DeidentifyStringRequestV2::new("My name is Jane Doe.").configuration(configuration);
/// let response = detect.version_2().deidentify_string(request).await?;
/// println!("{}", response.processed_text.unwrap_or_default().len());
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct DetectV2 {
    detect: Detect,
}

impl Detect {
    /// Returns a handle on version 2 of Detect, with the options and layers of this one.
    pub fn version_2(&self) -> DetectV2 {
        DetectV2 { detect: self.clone() }
    }
}

impl DetectV2 {
    /// Replaces the sensitive data of a text: `POST /v2/detect/deidentify/string`.
    ///
    /// # Errors
    ///
    /// Fails before anything is sent when the text is blank, or not exactly one of `configuration_id` and
    /// `configuration` is set; fails as every call does afterwards.
    pub async fn deidentify_string(
        &self,
        request: DeidentifyStringRequestV2,
    ) -> Result<DeidentifyStringResponseV2, Error> {
        let checked = not_blank("text", &request.text).and_then(|()| {
            check_configuration(request.configuration_id.as_deref(), request.configuration.as_ref())
        });
        self.send(checked, DeidentifyString::new(request)).await
    }

    /// Puts values back into a text: `POST /v2/detect/reidentify/string`.
    ///
    /// # Errors
    ///
    /// Fails before anything is sent when the text is blank; fails as every call does afterwards, with a status of 404
    /// for an unknown token.
    pub async fn reidentify_string(
        &self,
        request: ReidentifyStringRequestV2,
    ) -> Result<ReidentifyStringResponseV2, Error> {
        let checked = not_blank("text", &request.text);
        self.send(checked, ReidentifyString::new(request)).await
    }

    /// Checks a text for toxicity and denied topics: `POST /v2/detect/guardrails`.
    ///
    /// # Errors
    ///
    /// Fails before anything is sent when the text or a topic is blank or too long; fails as every call does
    /// afterwards, and when the response has no verdict.
    pub async fn check_guardrails(
        &self,
        request: CheckGuardrailsRequestV2,
    ) -> Result<CheckGuardrailsResponseV2, Error> {
        let topics = request.deny_topics.as_deref();
        let checked = not_blank("text", &request.text)
            .and_then(|()| topics.map_or(Ok(()), |topics| none_blank("deny_topics", topics)))
            .and_then(|()| check_limits(&request.text, topics.unwrap_or_default()));
        let call = checked.map(|()| Call::new(CheckGuardrails::new(request)));
        let read = |response: skyflow_api::Response<CheckGuardrailsResponseV2>| match response.body.validation
        {
            // A verdict that is missing must not let a text pass.
            None => Err(Error::bad_response("the response has no verdict")),
            Some(_) => Ok(response.body),
        };
        self.detect.vault.handle.call(call, read).await
    }

    /// Starts to de-identify a file, and returns the id of the run: `POST /v2/detect/deidentify/file`.
    ///
    /// # Errors
    ///
    /// Fails before anything is sent when `value` is blank, or not exactly one of `configuration_id` and
    /// `configuration` is set; fails as every call does afterwards, and when the response names no run.
    pub async fn start_deidentify_file(&self, request: DeidentifyFileRequestV2) -> Result<String, Error> {
        let checked = not_blank("value", &request.value).and_then(|()| {
            check_configuration(request.configuration_id.as_deref(), request.configuration.as_ref())
        });
        let started = self.send(checked, DeidentifyFile::new(request)).await?;
        started.run_id.filter(|id| !id.trim().is_empty()).ok_or_else(|| {
            Error::bad_response("the response does not name the run").in_operation(DeidentifyFile::INFO.name)
        })
    }

    /// Puts values back into a file, at once: `POST /v2/detect/reidentify/file`.
    ///
    /// # Errors
    ///
    /// Fails before anything is sent when `value` is blank; fails as every call does afterwards.
    pub async fn reidentify_file(
        &self,
        request: ReidentifyFileRequestV2,
    ) -> Result<ReidentifyFileResponseV2, Error> {
        let checked = not_blank("value", &request.value);
        self.send(checked, ReidentifyFile::new(request)).await
    }

    /// Gets the state of a run once: `GET /v2/detect/runs/{run_id}`.
    ///
    /// # Errors
    ///
    /// Fails before anything is sent when the id is blank; fails as every call does afterwards.
    pub async fn get_run(&self, run_id: impl Into<String>) -> Result<DetectRunResponseV2, Error> {
        let run_id = run_id.into();
        let checked = not_blank("run_id", &run_id);
        self.send(checked, GetRun::new(run_id, self.detect.vault_id().as_str())).await
    }

    async fn send<O: Operation<Error = ApiErrorBody>>(
        &self,
        checked: Result<(), Error>,
        operation: O,
    ) -> Result<O::Output, Error> {
        let call = checked.map(|()| Call::new(operation).response_limit(RESPONSE_LIMIT));
        self.detect.vault.handle.call(call, |response| Ok(response.body)).await
    }
}

fn check_configuration(id: Option<&str>, configuration: Option<&DetectConfiguration>) -> Result<(), Error> {
    match (id, configuration) {
        (Some(id), None) => not_blank("configuration_id", id),
        (None, Some(configuration)) => {
            not_blank("configuration.vault_id", &configuration.vault_id)?;
            configuration.media.as_ref().map_or(Ok(()), check_media)
        }
        _ => {
            Err(Error::invalid("configuration", "specify exactly one of configuration_id and configuration"))
        }
    }
}

/// Checks the bounds of the published description. Zero is within all of them: it means the default.
fn check_media(media: &MediaSettings) -> Result<(), Error> {
    let bleep = media.audio.as_ref().and_then(|audio| audio.bleep.as_ref());
    let pdf = media.document.as_ref().and_then(|document| document.pdf.as_ref());
    bounded("document.pdf.density", pdf.and_then(|pdf| pdf.density), &(1..=1000), "must be from 1 to 1000")?;
    bounded(
        "document.pdf.max_resolution",
        pdf.and_then(|pdf| pdf.max_resolution),
        &(72..=3000),
        "must be from 72 to 3000",
    )?;
    bounded(
        "audio.bleep.frequency",
        bleep.and_then(|bleep| bleep.frequency),
        &(20..=20_000),
        "must be from 20 to 20000",
    )?;
    bounded("audio.bleep.gain", bleep.and_then(|bleep| bleep.gain), &(-60..), "must be -60 or more")?;
    for (field, padding) in [
        ("audio.bleep.start_padding", bleep.and_then(|bleep| bleep.start_padding)),
        ("audio.bleep.stop_padding", bleep.and_then(|bleep| bleep.stop_padding)),
    ] {
        bounded(field, padding, &(0.0..=20.0), "must be from 0 to 20")?;
    }
    Ok(())
}

/// Refuses a number outside its bounds.
fn bounded<T: PartialOrd + Default>(
    field: &str,
    number: Option<T>,
    bounds: &impl RangeBounds<T>,
    problem: &'static str,
) -> Result<(), Error> {
    match number {
        Some(number) if number != T::default() && !bounds.contains(&number) => {
            Err(Error::invalid(format!("configuration.media.{field}"), problem))
        }
        _ => Ok(()),
    }
}
