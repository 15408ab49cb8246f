//! Where a call of a connection goes, and the outcome of its response.

use crate::json::Json;
use crate::trace::{Call, Reply};

/// Where the recording server listens.
const ORIGIN: &str = "http://127.0.0.1:18080";

/// Splits the URL of a call into origin and path; one without an origin is the recording server's.
pub fn address(call: &Call) -> (String, String) {
    let url = call.args.get("url").as_str().unwrap_or_default();
    let after_scheme = url.find("://").map_or(0, |at| at + 3);
    if after_scheme == 0 {
        return (ORIGIN.to_owned(), url.to_owned());
    }
    let end =
        url.get(after_scheme..).and_then(|rest| rest.find('/')).map_or(url.len(), |at| after_scheme + at);
    let (origin, path) = url.split_at_checked(end).unwrap_or((url, ""));
    (origin.to_owned(), path.to_owned())
}

/// Returns the first parameter of the path that has no value.
pub fn missing_parameter(call: &Call) -> Option<String> {
    let (_, path) = address(call);
    let mut names = path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    names.find(|name| !call.args.get("path_params").has(name)).map(ToOwned::to_owned)
}

/// The media type that the call asks for, in lowercase and without parameters.
pub fn media_type(call: &Call) -> String {
    let headers = call.args.get("headers").members().iter();
    let mut named = headers.filter(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let value = named.next_back().and_then(|(_, value)| value.as_str()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

enum Kind {
    Json,
    Form,
    Other,
}

/// Returns how the content type of a response says to read its body.
fn kind_of(reply: &Reply) -> Kind {
    let content_type = reply.header("content-type").unwrap_or("application/json").to_ascii_lowercase();
    match content_type.split(';').next().unwrap_or_default().trim() {
        "application/json" | "text/json" => Kind::Json,
        other if other.ends_with("+json") => Kind::Json,
        "application/x-www-form-urlencoded" => Kind::Form,
        _ => Kind::Other,
    }
}

/// Tells whether the official SDK takes for text what this one takes apart.
pub fn is_read_further(reply: &Reply) -> bool {
    let seen_as_json = reply.header("content-type").is_none() || reply.is_json_by_header();
    !seen_as_json && !matches!(kind_of(reply), Kind::Other)
}

/// Returns the outcome of a response with a 2xx status and any body.
pub(super) fn response(reply: &Reply) -> Json {
    let text = reply.text();
    let kind = kind_of(reply);
    let json = matches!(kind, Kind::Json).then(|| Json::parse(&text).ok()).flatten();
    let data = match (json, kind) {
        (Some(json), _) => json,
        (None, Kind::Form) if !text.is_empty() => Json::object(
            skyflow_http::form_pairs(&text).into_iter().map(|(name, value)| (name, Json::Text(value))),
        ),
        _ => Json::Text(text),
    };
    let request_id = Json::text_or_null(reply.request_id());
    Json::object([
        ("type", Json::text("InvokeConnectionResponse")),
        ("data", data),
        ("metadata", Json::object([("request_id", request_id)])),
        ("errors", Json::List(Vec::new())),
    ])
}
