//! Responses with a status other than 2xx.

use http::StatusCode;
use skyflow::ErrorKind;

use crate::json::Json;
use crate::outcome::{Failure, Outcome};
use crate::trace::Reply;

/// Returns the failure for an error response: of any shape, with status and request id.
pub(super) fn of(reply: &Reply) -> Failure {
    let body = reply.json();
    let error = body.as_ref().map_or(&Json::Null, |body| {
        let whole = if matches!(body, Json::Object(_)) { body } else { &Json::Null };
        if whole.get("error").is_null() { whole } else { whole.get("error") }
    });
    let (joined, last_status) = body.as_ref().map_or((None, None), rows);
    let spoken = match (&body, error) {
        (Some(Json::Text(text)), _) | (_, Json::Text(text)) => Some(text.clone()),
        (Some(_), error) => error.get("message").as_str().map(ToOwned::to_owned).or(joined),
        (None, _) => plain(reply),
    };
    let canonical = StatusCode::from_u16(reply.status).ok().and_then(|status| status.canonical_reason());
    let grpc =
        if body.as_ref().is_some_and(|body| body.get("error").is_null()) { "code" } else { "grpc_code" };
    Failure {
        kind: ErrorKind::Api,
        message: spoken.map(|text| clean(&text)).filter(|text| !text.is_empty()),
        http_code: Some(status_in(error.get("http_code")).or(last_status).unwrap_or(reply.status)),
        http_status: error.get("http_status").as_str().or(canonical).map(ToOwned::to_owned),
        grpc_code: error.get("grpc_code").as_i64().or_else(|| error.get(grpc).as_i64()),
        request_id: reply.request_id().map(ToOwned::to_owned),
        details: error.get("details").elements().to_vec(),
        error_from_client: match reply.header("error-from-client") {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => None,
        },
        may_have_been_applied: false,
        run_id: None,
    }
}

/// The token endpoint's own status, words and request id are kept.
pub(super) fn of_token_endpoint(reply: &Reply) -> Outcome {
    let failure = of(reply);
    let readable = if reply.is_success() { None } else { failure.message };
    Outcome::Failed(Box::new(Failure {
        kind: ErrorKind::Auth,
        message: readable,
        http_code: Some(reply.status),
        http_status: None,
        details: Vec::new(),
        error_from_client: None,
        ..failure
    }))
}

/// Joins the words of rows that failed one by one; the status of the last counts.
fn rows(body: &Json) -> (Option<String>, Option<u16>) {
    let failed = body.get("responses").elements().iter().filter(|row| {
        !row.get("Body").get("error").is_null()
            || row.get("Status").as_i64().is_some_and(|status| status >= 400)
    });
    let (mut message, mut status) = (Vec::new(), None);
    for row in failed {
        status = status_in(row.get("Status")).filter(|status| *status >= 400).or(status);
        let error = row.get("Body").get("error");
        message.extend(error.as_str().or(error.get("message").as_str()).map(ToOwned::to_owned));
    }
    ((!message.is_empty()).then(|| message.join("; ")), status)
}

fn status_in(code: &Json) -> Option<u16> {
    let code = code.as_i64().or_else(|| code.as_str()?.parse().ok())?;
    u16::try_from(code).ok().filter(|code| (100..=999).contains(code))
}

/// A text is the message; a page for a browser holds none, and neither does JSON that is cut.
fn plain(reply: &Reply) -> Option<String> {
    let text = reply.text();
    let is_page = reply.header("content-type").is_some_and(|value| value.starts_with("text/html"))
        || text.trim_start().starts_with(['<', '{', '[']);
    (!is_page && !text.trim().is_empty()).then_some(text)
}

/// Takes out what could forge a line of a log, and cuts at 4 KiB.
fn clean(text: &str) -> String {
    let invisible = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    let mut kept = String::new();
    for c in text.trim().chars() {
        let c = if matches!(c, '\n' | '\r' | '\t') { ' ' } else { c };
        if kept.len() + c.len_utf8() > 4096 {
            break;
        }
        if !invisible(c) {
            kept.push(c);
        }
    }
    kept
}
