//! Files of Detect and the runs over them.

use std::io::Cursor;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use skyflow::{Bleep, DeidentifyFileRequest, Detect, DetectRun, FileSource, MaskingMethod, Transcription};

use super::super::arguments::{Arguments, Stop, inexpressible, only, unknown};
use super::super::finished;
use super::super::upload::is_missing;
use super::{OPTIONS, options, responses, with_options};
use crate::json::Json;
use crate::outcome::Outcome;
use crate::trace::Call;

const MASKING_METHODS: [(&str, MaskingMethod); 2] =
    [("BLACKBOX", MaskingMethod::Blackbox), ("BLUR", MaskingMethod::Blur)];

const TRANSCRIPTIONS: [(&str, Transcription); 5] = [
    ("TRANSCRIPTION", Transcription::Plain),
    ("DIARIZED_TRANSCRIPTION", Transcription::Diarized),
    ("MEDICAL_TRANSCRIPTION", Transcription::Medical),
    ("MEDICAL_DIARIZED_TRANSCRIPTION", Transcription::MedicalDiarized),
    ("PLAINTEXT_TRANSCRIPTION", Transcription::Plaintext),
];

pub(in crate::call) async fn deidentify_file(detect: &Detect, call: &Call) -> Result<Outcome, Stop> {
    const OF_FILES: [&str; 11] = [
        "file",
        "output_processed_image",
        "output_ocr_text",
        "masking_method",
        "pixel_density",
        "max_resolution",
        "output_processed_audio",
        "output_transcription",
        "bleep",
        "output_directory",
        "wait_time",
    ];
    let args = Arguments::of("deidentify_file", &call.args, &[&OF_FILES[..], &OPTIONS].concat())?;
    // Both live until the run is over.
    let sources = tempfile::tempdir().map_err(|error| unknown(error.to_string()))?;
    let outputs = tempfile::tempdir().map_err(|error| unknown(error.to_string()))?;
    let request = DeidentifyFileRequest::new(source(&args, call, sources.path())?);
    let mut request = with_options!(request, options(&args)?);
    if let Some(yes) = args.nullable_flag("output_processed_image")? {
        request = request.output_processed_image(yes);
    }
    if let Some(yes) = args.nullable_flag("output_ocr_text")? {
        request = request.output_ocr_text(yes);
    }
    if let Some(method) = args.choice("masking_method", &MASKING_METHODS)? {
        request = request.masking_method(method);
    }
    if let Some(density) = size("pixel_density", args.raw("pixel_density"))? {
        request = request.pixel_density(density);
    }
    if let Some(resolution) = size("max_resolution", args.raw("max_resolution"))? {
        request = request.max_resolution(resolution);
    }
    if let Some(yes) = args.nullable_flag("output_processed_audio")? {
        request = request.output_processed_audio(yes);
    }
    if let Some(transcription) = args.choice("output_transcription", &TRANSCRIPTIONS)? {
        request = request.output_transcription(transcription);
    }
    request = request.bleep(bleep(args.raw("bleep"))?);
    let written_to = match args.raw("output_directory") {
        Json::Null | Json::Bool(false) => None,
        Json::Bool(true) => Some(outputs.path().to_owned()),
        Json::Text(name) => Some(outputs.path().join(name.trim_start_matches('/'))),
        other => return Err(inexpressible("output_directory", format!("is {}", other.kind()))),
    };
    if let Some(directory) = &written_to {
        request = request.output_directory(directory);
    }
    if let Some(wait) = span("wait_time", args.raw("wait_time"))? {
        request = request.wait_time(wait);
    }
    finished(detect.deidentify_file(request).await, |run| {
        let mut shown = responses::run(&run);
        if let Some(directory) = &written_to {
            shown.set("files_written", files_in(directory, &run));
        }
        shown
    })
}

pub(in crate::call) async fn get_detect_run(detect: &Detect, args: &Json) -> Result<Outcome, Stop> {
    let args = Arguments::of("get_detect_run", args, &["run_id"])?;
    finished(detect.get_detect_run(args.required("run_id")?).await, |run| responses::run(&run))
}

fn source(args: &Arguments<'_>, call: &Call, directory: &Path) -> Result<FileSource, Stop> {
    let Some(description) = args.text("file")? else {
        return Err(inexpressible("file", "is missing".to_owned()));
    };
    let (form, name) = description.split_once(':').unwrap_or(("", description.as_str()));
    let content = file_content(call);
    match form {
        "object" => Ok(FileSource::reader(name, Cursor::new(content))),
        "nameless" => Ok(FileSource::reader("", Cursor::new(content))),
        "path" => {
            let path = directory.join(name.rsplit('/').next().unwrap_or_default());
            if !is_missing(call, name) {
                std::fs::write(&path, content).map_err(|error| unknown(error.to_string()))?;
            }
            Ok(FileSource::path(path))
        }
        _ => Err(unknown(format!("file `{description}`"))),
    }
}

/// The bytes of the file: the recording holds them only where they were sent.
pub(crate) fn file_content(call: &Call) -> Vec<u8> {
    let sent = call.exchanges.first().map(|exchange| exchange.request.body.get("value").get("file"));
    let decoded = sent.and_then(|file| STANDARD.decode(file.get("base64").as_str()?).ok());
    decoded.unwrap_or_else(|| b"Jane Doe, SSN 123-45-6789\n".to_vec())
}

fn size(name: &str, value: &Json) -> Result<Option<u32>, Stop> {
    match value {
        Json::Null => Ok(None),
        Json::Number(digits) if digits.parse::<u32>().is_ok() => Ok(digits.parse().ok()),
        other => Err(inexpressible(name, format!("is {other} and not a 32-bit count"))),
    }
}

/// Seconds that a `Duration` holds without rounding them.
fn span(name: &str, value: &Json) -> Result<Option<Duration>, Stop> {
    if value.is_null() {
        return Ok(None);
    }
    let seconds = value.as_f64();
    let exact = seconds.and_then(|seconds| {
        let span = Duration::try_from_secs_f64(seconds).ok()?;
        (span.as_secs_f64().to_bits() == seconds.to_bits()).then_some(span)
    });
    match exact {
        Some(span) => Ok(Some(span)),
        None => Err(inexpressible(name, format!("is {value} and no span of time"))),
    }
}

fn bleep(given: &Json) -> Result<Bleep, Stop> {
    let mut bleep = Bleep::new();
    if given.is_null() {
        return Ok(bleep);
    }
    only("bleep", given, &["gain", "frequency", "start_padding", "stop_padding"])?;
    match given.get("gain") {
        Json::Null => {}
        gain => match gain.as_f64() {
            Some(gain) => bleep = bleep.gain(gain),
            None => return Err(inexpressible("bleep.gain", format!("is {gain}"))),
        },
    }
    if let Some(frequency) = size("bleep.frequency", given.get("frequency"))? {
        bleep = bleep.frequency(frequency);
    }
    if let Some(padding) = span("bleep.start_padding", given.get("start_padding"))? {
        bleep = bleep.start_padding(padding);
    }
    if let Some(padding) = span("bleep.stop_padding", given.get("stop_padding"))? {
        bleep = bleep.stop_padding(padding);
    }
    Ok(bleep)
}

/// The names of the files in the output directory, sorted; a file that does not hold its output has no name.
fn files_in(directory: &Path, run: &DetectRun) -> Json {
    let whole = run
        .saved
        .iter()
        .zip(&run.outputs)
        .all(|(path, output)| std::fs::read(path).is_ok_and(|content| content == output.content));
    let entries = std::fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok);
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    if whole { Json::List(names.into_iter().map(Json::Text).collect()) } else { Json::Null }
}
