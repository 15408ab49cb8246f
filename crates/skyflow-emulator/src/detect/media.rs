//! Options for sound, PDF and images, of requests and of stored configurations.

use serde::Deserialize;
use skyflow_emulator_detect::{FileOptions, MaskingMethod, WholeNumber};

use crate::errors::{ApiError, ApiResult};

/// The options of a stored configuration, as the management document describes them.
#[derive(Deserialize)]
pub(crate) struct Media {
    audio: Option<AudioOptions>,
    document: Option<Document>,
    image: Option<Image>,
}

#[derive(Deserialize)]
struct Document {
    pdf: Option<PdfOptions>,
}

#[derive(Deserialize)]
struct Image {
    output_processed_image: Option<bool>,
    output_ocr_text: Option<bool>,
    masking_method: Option<String>,
}

/// The name of the black box in requests.
pub(crate) const BLACKBOX: &[&str] = &["blackbox"];

/// The names of the black box in configurations: the published descriptions of the two hosts differ.
const BLACKOUT: &[&str] = &["blackout", "blackbox"];

impl Media {
    /// Checks the options and returns those that have an effect.
    pub(crate) fn read(self) -> ApiResult<FileOptions> {
        let mut options = FileOptions::default();
        if let Some(audio) = self.audio {
            audio.check()?;
        }
        if let Some(pdf) = self.document.and_then(|document| document.pdf) {
            pdf.check()?;
        }
        if let Some(image) = self.image {
            options.output_processed_image = image.output_processed_image;
            options.output_ocr_text = image.output_ocr_text;
            options.masking_method = masking_method(image.masking_method.as_deref(), BLACKOUT)?;
        }
        Ok(options)
    }
}

/// Reads how parts of an image are hidden; `boxes` are the names of the black box.
pub(crate) fn masking_method(name: Option<&str>, boxes: &[&str]) -> ApiResult<Option<MaskingMethod>> {
    match name {
        None | Some("") => Ok(None),
        Some("blur") => Ok(Some(MaskingMethod::Blur)),
        Some(name) if boxes.contains(&name) => Ok(Some(MaskingMethod::Blackbox)),
        Some(_) => Err(ApiError::bad_request(format!(
            "Invalid request. masking_method is invalid. Specify {} or blur.",
            boxes.first().copied().unwrap_or_default()
        ))),
    }
}

/// The options of a request or a configuration for PDF. They are checked and have no effect: pages are never turned
/// into pictures.
#[derive(Deserialize)]
pub(crate) struct PdfOptions {
    density: Option<WholeNumber>,
    max_resolution: Option<WholeNumber>,
}

impl PdfOptions {
    pub(crate) fn check(&self) -> ApiResult<()> {
        bounded("density", self.density.map(float), f64::MIN, 1000.0)?;
        bounded("max_resolution", self.max_resolution.map(float), 72.0, 3000.0)
    }
}

/// The options of a request or a configuration for sound. They are checked and have no effect: sound is not processed.
#[derive(Deserialize)]
pub(crate) struct AudioOptions {
    output_transcription: Option<String>,
    #[serde(rename = "output_processed_audio")]
    _output_processed_audio: Option<bool>,
    bleep_start_padding: Option<f64>,
    bleep_stop_padding: Option<f64>,
    bleep_frequency: Option<WholeNumber>,
    bleep_gain: Option<f64>,
}

impl AudioOptions {
    const TRANSCRIPTIONS: [&str; 5] = [
        "transcription",
        "medical_transcription",
        "diarized_transcription",
        "medical_diarized_transcription",
        "plaintext_transcription",
    ];

    pub(crate) fn check(&self) -> ApiResult<()> {
        let transcription = self.output_transcription.as_deref().filter(|text| !text.is_empty());
        if transcription.is_some_and(|text| !Self::TRANSCRIPTIONS.contains(&text)) {
            return Err(ApiError::bad_request(format!(
                "Invalid request. output_transcription is invalid. Specify one of: {}.",
                Self::TRANSCRIPTIONS.join(", ")
            )));
        }
        bounded("bleep_start_padding", self.bleep_start_padding, f64::MIN, 20.0)?;
        bounded("bleep_stop_padding", self.bleep_stop_padding, f64::MIN, 20.0)?;
        bounded("bleep_frequency", self.bleep_frequency.map(float), 20.0, 20_000.0)?;
        bounded("bleep_gain", self.bleep_gain, -60.0, f64::MAX)
    }
}

/// Refuses a number beyond its published bounds. Zero counts as unset: some SDKs cannot omit a number. No number of
/// these is below zero, but a gain.
pub(crate) fn bounded(name: &str, number: Option<f64>, least: f64, most: f64) -> ApiResult<()> {
    let least = if name == "bleep_gain" { least } else { least.max(0.0) };
    match number.filter(|number| *number != 0.0) {
        Some(number) if !(least..=most).contains(&number) => {
            let limits = match (least > f64::MIN && least != 0.0, most < f64::MAX) {
                (true, true) => format!("from {least} to {most}"),
                (true, false) => format!("of {least} or more"),
                (false, _) => format!("from 0 to {most}"),
            };
            Err(ApiError::bad_request(format!(
                "Invalid request. {name} is invalid. Specify a number {limits}."
            )))
        }
        _ => Ok(()),
    }
}

/// Turns a whole number of a request into one that may have a fraction.
pub(crate) fn float(number: WholeNumber) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "it is compared with bounds that are far below 2^53")]
    let float = number.0 as f64;
    float
}
