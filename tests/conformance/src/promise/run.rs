//! Runs of Detect: the requests that start one and ask for it, and what is made of its state.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::is_tried_again;
use super::passages::{count, float, text};
use crate::compare::same_request;
use crate::json::Json;
use crate::lab::Sent;
use crate::trace::{Call, Reply, Trace};
use crate::wire;

/// How often a request is sent at most.
const TRIES: usize = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LAST_PAUSE: Duration = Duration::from_secs(4);
/// The time that is waited when nothing is said.
const WAIT: Duration = Duration::from_secs(64);

/// Reads the state of a run; `None` when it is none.
pub(super) fn responded(call: &Call, run_id: &str, body: &Json) -> Option<Json> {
    let status = text(body, "status")??;
    let outputs = match body.get("output") {
        Json::Null => Vec::new(),
        Json::List(outputs) => outputs.iter().map(output).collect::<Option<Vec<_>>>()?,
        _ => return None,
    };
    let counts = body.get("wordCharacterCount");
    if !counts.is_null() && !matches!(counts, Json::Object(_)) {
        return None;
    }
    text(body, "outputType")?;
    let number = |name: &str| match body.get(name) {
        Json::Null => Some(Json::Null),
        value => float(value),
    };
    let status = known_status(&status).unwrap_or(&status);
    // Zeros of the wire mean that nothing was counted: everywhere while it runs, later where it does not apply.
    let counted = |count: Json| if status == "IN_PROGRESS" { Json::Null } else { count };
    let applies =
        |count: Json| if count.as_f64().is_some_and(|n| n > 0.0) { counted(count) } else { Json::Null };
    let mut run = Json::object([
        ("run_id", Json::text(run_id)),
        ("status", Json::text(status)),
        ("message", Json::text_or_null(text(body, "message")?)),
        ("outputs", Json::List(outputs.clone())),
        ("word_count", counted(count(counts, "wordCount")?)),
        ("char_count", counted(count(counts, "characterCount")?)),
        ("size_in_kb", applies(number("size")?)),
        ("duration_in_seconds", applies(number("duration")?)),
        ("page_count", applies(count(body, "pages")?)),
        ("slide_count", applies(count(body, "slides")?)),
        ("errors", Json::List(Vec::new())),
    ]);
    if saves(call) {
        let saved = if status == "SUCCESS" { saved_names(call, &outputs) } else { Vec::new() };
        run.set("files_written", Json::List(saved.into_iter().map(Json::Text).collect()));
    }
    Some(run)
}

fn output(output: &Json) -> Option<Json> {
    if !matches!(output, Json::Object(_)) {
        return None;
    }
    let content = text(output, "processedFile")?.unwrap_or_default();
    STANDARD.decode(&content).ok()?;
    Some(Json::object([
        ("file", Json::Text(content)),
        ("type", Json::text_or_null(text(output, "processedFileType")?.map(known_kind))),
        ("extension", Json::text(text(output, "processedFileExtension")?.unwrap_or_default())),
    ]))
}

/// The statuses that are known, in whatever case.
pub fn known_status(status: &str) -> Option<&'static str> {
    ["UNKNOWN", "FAILED", "SUCCESS", "IN_PROGRESS"]
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(status))
}

/// The kinds that are known, in whatever case; others as they are.
fn known_kind(kind: String) -> String {
    const KNOWN: [&str; 11] = [
        "entities",
        "plaintext_transcription",
        "redacted_audio",
        "redacted_diarized_transcription",
        "redacted_file",
        "redacted_image",
        "redacted_medical_diarized_transcription",
        "redacted_medical_transcription",
        "redacted_text",
        "redacted_transcription",
        "redacted_transcription_diarize_json",
    ];
    match KNOWN.into_iter().find(|known| known.eq_ignore_ascii_case(&kind)) {
        Some(known) => known.to_owned(),
        None => kind,
    }
}

/// The id of a run that a server names by it, by a path, or by a URL.
pub(super) fn named(run_id: &str) -> Option<String> {
    let path = run_id.split(['?', '#']).next().unwrap_or_default().trim().trim_end_matches('/');
    let id = path.rsplit('/').next().unwrap_or_default().trim();
    let is_id = !id.is_empty() && id != "." && id != ".." && !id.ends_with(':');
    is_id.then(|| id.to_owned())
}

fn is_in_progress(call: &Call, sent: &Sent) -> bool {
    let state = sent.reply.as_ref().filter(|reply| reply.is_success()).and_then(Reply::json);
    let id = wire::run_of(&sent.path).unwrap_or_default();
    let state = state.and_then(|state| responded(call, &id, &state));
    state.is_some_and(|run| run.get("status").as_str() == Some("IN_PROGRESS"))
}

/// Tells whether the outputs are to be written.
pub fn saves(call: &Call) -> bool {
    matches!(call.args.get("output_directory"), Json::Bool(true) | Json::Text(_))
}

/// The names of the files that a successful run writes, sorted: each output has one of its own.
fn saved_names(call: &Call, outputs: &[Json]) -> Vec<String> {
    const LONGEST: usize = 255;
    let stem = stem(call);
    let mut names: Vec<String> = Vec::new();
    for output in outputs {
        let clean = |extension: &str| {
            let letters = extension.chars().filter(char::is_ascii_alphanumeric).take(16);
            letters.collect::<String>().to_ascii_lowercase()
        };
        // The server's, else that of the input.
        let of_input = match output.get("type").as_str() {
            Some("entities") => "json",
            _ => own_extension(call),
        };
        let known = [output.get("extension").as_str().unwrap_or_default(), of_input].map(clean);
        let extension = known.into_iter().find(|extension| !extension.is_empty());
        let extension = extension.unwrap_or_else(|| "bin".to_owned());
        let name = (1..).map(|number: usize| {
            let suffix = if number > 1 { format!("-{number}") } else { String::new() };
            let room = LONGEST.saturating_sub("processed-.".len() + suffix.len() + extension.len());
            let stem = stem.get(..stem.floor_char_boundary(room)).unwrap_or_default();
            format!("processed-{stem}{suffix}.{extension}")
        });
        names.extend(name.into_iter().find(|name| !names.contains(name)));
    }
    names.sort();
    names
}

/// Tells whether the files that are written have the name of the file that was read, as it is.
pub fn keeps_its_name(call: &Call) -> bool {
    stem(call) == raw_stem(call)
}

fn own_extension(call: &Call) -> &str {
    super::detect::file_name(call).rsplit_once('.').map_or("", |(_, extension)| extension)
}

fn raw_stem(call: &Call) -> &str {
    let name = super::detect::file_name(call);
    name.rsplit_once('.').map_or(name, |(stem, _)| if stem.is_empty() { name } else { stem })
}

/// The name of the file without its extension; what means something to a file system is an underscore.
fn stem(call: &Call) -> String {
    let clean = |c: char| if c.is_alphanumeric() || "-_. ()".contains(c) { c } else { '_' };
    let stem: String = raw_stem(call).chars().map(clean).collect();
    let trimmed = stem.trim_matches(['.', ' ']);
    if trimmed.is_empty() { "file".to_owned() } else { trimmed.to_owned() }
}

/// Says what is wrong with the requests of a file: one starts a run, and all others ask for it, at once and then after
/// pauses that double from half a second to four, together no longer than the time that is waited.
pub fn asked_as_promised(trace: &Trace, call: &Call, sent: &[Sent]) -> Result<(), String> {
    let renews = matches!(trace.credentials.get("kind").as_str(), Some("string" | "path" | "env"));
    let mut renewed = !renews;
    let end = tried(call, sent, 0, &mut renewed)?;
    let (start, polls) = (sent.get(end), sent.get(end + 1..).unwrap_or_default());
    let response = start.and_then(|start| start.reply.as_ref()).filter(|reply| reply.is_success());
    let id = response.and_then(Reply::json).and_then(|body| text(&body, "run_id")?);
    let Some(id) = id.as_deref().and_then(named) else {
        return if polls.is_empty() { Ok(()) } else { Err("a run without a name was asked for".to_owned()) };
    };
    let Some(first) = polls.first() else { return Err(format!("the run {id} was not asked for")) };
    let of_the_vault = vec![("vault_id".to_owned(), trace.vault_id().to_owned())];
    let asks = |poll: &Sent| {
        poll.method == "GET"
            && wire::segments(&poll.path) == ["v1", "detect", "runs", &id]
            && wire::pairs(&poll.query) == of_the_vault
            && poll.body.is_empty()
    };
    if let Some(other) = polls.iter().find(|poll| !asks(poll)) {
        return Err(format!("{} {} does not ask for {id}", other.method, other.path));
    }
    let limit = wait_time(call);
    let (mut pause, mut from) = (FIRST_PAUSE, 0);
    loop {
        let end = tried(call, polls, from, &mut renewed)?;
        let (Some(asked), next) = (polls.get(end), polls.get(end + 1)) else {
            return Err("nothing was asked".to_owned());
        };
        let waited = asked.moment.duration_since(first.moment).unwrap_or_default();
        match next {
            None if is_in_progress(call, asked) && waited < limit => {
                return Err(format!("the waiting ended after {waited:?}"));
            }
            None => return Ok(()),
            Some(_) if !is_in_progress(call, asked) => {
                return Err("a run that has ended was asked for again".to_owned());
            }
            Some(_) if waited >= limit => return Err(format!("the waiting went on after {waited:?}")),
            Some(next) => {
                let paused = next.moment.duration_since(asked.moment).unwrap_or_default();
                let promised = pause.min(limit.saturating_sub(waited));
                if paused != promised {
                    return Err(format!("a pause of {paused:?} instead of {promised:?}"));
                }
            }
        }
        pause = (pause * 2).min(LAST_PAUSE);
        from = end + 1;
    }
}

/// The time that is waited, as the call says it.
pub fn wait_time(call: &Call) -> Duration {
    let seconds = call.args.get("wait_time").as_f64();
    seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or(WAIT)
}

/// Returns the last of the tries of one request; each is the request again.
fn tried(call: &Call, sent: &[Sent], from: usize, renewed: &mut bool) -> Result<usize, String> {
    let Some(first) = sent.get(from) else { return Err("nothing was sent".to_owned()) };
    let (mut last, mut tries) = (from, 1);
    while let Some(request) = sent.get(last) {
        let next = sent.get(last + 1);
        let again = match &request.reply {
            // Where the connection broke it may be tried again.
            None => next.is_some(),
            Some(reply) if reply.status == 401 && !*renewed => {
                *renewed = true;
                true
            }
            Some(reply) => tries < TRIES && is_tried_again(call, &request.path, reply.status),
        };
        if !again {
            break;
        }
        match next {
            Some(next) if same_request(first, next) => (last, tries) = (last + 1, tries + 1),
            Some(_) => return Err("a repeated request is not the same".to_owned()),
            None => return Err(format!("the request was tried {tries} times")),
        }
    }
    Ok(last)
}
