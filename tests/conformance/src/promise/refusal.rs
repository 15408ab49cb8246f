//! Calls of Detect that are refused before anything is sent.

use super::detect::{asks_for_vault_tokens, extension, file_name};
use crate::call::file_content;
use crate::json::Json;
use crate::trace::Call;

/// Why a call is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    BlankText,
    BlankPattern,
    ShiftedDates,
    VaultTokens,
    WaitTime,
    NoCount,
    NoFormat,
    EmptyFile,
}

/// Returns why a call of Detect is refused, and the field it is refused for: the first one, in the order in which they
/// are looked at.
pub fn of(call: &Call) -> Option<(Reason, String)> {
    let args = &call.args;
    let is_blank = |value: &Json| value.as_str().is_none_or(|text| text.trim().is_empty());
    let blank = |name: &str| is_blank(args.get(name)).then(|| (Reason::BlankText, name.to_owned()));
    match call.op.as_str() {
        "deidentify_text" => blank("text").or_else(|| options(args)),
        "reidentify_text" => blank("text"),
        "get_detect_run" => blank("run_id"),
        "deidentify_file" => options(args).or_else(|| file(call)),
        _ => None,
    }
}

fn options(args: &Json) -> Option<(Reason, String)> {
    let pattern = ["allow_regex", "restrict_regex"].into_iter().find_map(|list| {
        let blank = |pattern: &Json| pattern.as_str().is_some_and(|text| text.trim().is_empty());
        let at = args.get(list).elements().iter().position(blank)?;
        Some((Reason::BlankPattern, format!("{list}[{at}]")))
    });
    let dates = || shifted_dates(args.get("transformations"));
    pattern.or_else(|| Some((Reason::ShiftedDates, format!("shift_dates.{}", dates()?))))
}

/// The rules of the Go SDK: both ends are positive, in their order, and only dates can be shifted.
fn shifted_dates(shift: &Json) -> Option<String> {
    const DATES: [&str; 3] = ["date", "date_interval", "dob"];
    if shift.is_null() {
        return None;
    }
    let days = |name: &str| shift.get(name).as_i64().unwrap_or_default();
    let (min, max) = (days("min_days"), days("max_days"));
    let no_date =
        |entity: &Json| !DATES.contains(&entity.as_str().unwrap_or_default().to_ascii_lowercase().as_str());
    if min < 1 {
        Some("min_days".to_owned())
    } else if max < 1 || max < min {
        Some("max_days".to_owned())
    } else {
        let at = shift.get("entities").elements().iter().position(no_date)?;
        Some(format!("entities[{at}]"))
    }
}

fn file(call: &Call) -> Option<(Reason, String)> {
    let args = &call.args;
    let refused = |reason, field: &str| Some((reason, field.to_owned()));
    if super::run::wait_time(call).as_secs_f64() > 64.0 {
        return refused(Reason::WaitTime, "wait_time");
    }
    let bleep = args.get("bleep");
    let counts = [
        ("pixel_density", args.get("pixel_density")),
        ("max_resolution", args.get("max_resolution")),
        ("bleep.frequency", bleep.get("frequency")),
    ];
    if let Some((field, _)) = counts.iter().find(|(_, count)| count.as_i64() == Some(0)) {
        return refused(Reason::NoCount, field);
    }
    if bleep.get("gain").as_f64().is_some_and(|gain| !gain.is_finite()) {
        return refused(Reason::NoCount, "bleep.gain");
    }
    if file_name(call).trim().is_empty() || extension(call).is_empty() {
        return refused(Reason::NoFormat, "file_name");
    }
    let has_tokens = ["csv", "json", "jsonl", "txt", "xml"].contains(&extension(call).as_str());
    if asks_for_vault_tokens(call) && !has_tokens {
        return refused(Reason::VaultTokens, "token_format");
    }
    if file_content(call).is_empty() { refused(Reason::EmptyFile, "file") } else { None }
}
