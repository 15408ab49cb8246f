//! The request to a third party and the outcome of its response, computed from the recorded call.

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

/// The path with its parameters filled in, segment by segment; `None` when one has no value.
pub fn segments(call: &Call) -> Option<Vec<String>> {
    let (_, path) = address(call);
    let filled = |segment: &str| {
        let mut segment = segment.to_owned();
        for (name, value) in call.args.get("path_params").members() {
            segment = segment.replace(&format!("{{{name}}}"), value.as_str().unwrap_or_default());
        }
        segment
    };
    let missing = |segment: &str| {
        let names = segment.split('{').skip(1).filter_map(|rest| rest.split('}').next());
        names.into_iter().any(|name| !call.args.get("path_params").has(name))
    };
    let raw: Vec<&str> = path.trim_matches('/').split('/').collect();
    if raw.iter().any(|segment| missing(segment)) {
        return None;
    }
    Some(raw.into_iter().map(filled).collect())
}

/// The query pairs: a list repeats its key.
pub fn query(call: &Call) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for (name, value) in call.args.get("query_params").members() {
        match value {
            Json::Null => {}
            Json::List(elements) => pairs.extend(elements.iter().map(|one| (name.clone(), word(one)))),
            one => pairs.push((name.clone(), word(one))),
        }
    }
    pairs.sort();
    pairs
}

/// The media type that the call asks for, in lower case and without parameters.
pub fn media_type(call: &Call) -> String {
    let headers = call.args.get("headers").members().iter();
    let mut named = headers.filter(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let value = named.next_back().and_then(|(_, value)| value.as_str()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The body as text, for every content type but a multipart form.
pub fn body(call: &Call) -> String {
    let body = call.args.get("body");
    if !call.args.has("body") {
        return String::new();
    }
    match (media_type(call).as_str(), body) {
        ("" | "application/json", _) => body.to_string(),
        (_, Json::Text(text)) => text.clone(),
        ("text/xml" | "application/xml", _) => xml("root", body),
        ("application/x-www-form-urlencoded", _) => {
            let pairs = form(body);
            let pairs = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            skyflow_http::form_urlencoded(pairs)
        }
        _ => body.to_string(),
    }
}

/// The parts of a multipart form: name, content, content type.
pub fn parts(call: &Call) -> Vec<(String, String, Option<&'static str>)> {
    let part = |(name, value): &(String, Json)| match value {
        Json::List(_) | Json::Object(_) => (name.clone(), value.to_string(), Some("application/json")),
        one => (name.clone(), word(one), None),
    };
    call.args.get("body").members().iter().map(part).collect()
}

fn word(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::Text(text) => text.clone(),
        other => other.to_string(),
    }
}

fn form(body: &Json) -> Vec<(String, String)> {
    fn walk(name: &str, value: &Json, pairs: &mut Vec<(String, String)>) {
        match value {
            Json::List(elements) => {
                for (index, element) in elements.iter().enumerate() {
                    walk(&format!("{name}[{index}]"), element, pairs);
                }
            }
            Json::Object(members) => {
                members.iter().for_each(|(member, value)| walk(&format!("{name}[{member}]"), value, pairs));
            }
            one => pairs.push((name.to_owned(), word(one))),
        }
    }
    let mut pairs = Vec::new();
    body.members().iter().for_each(|(name, value)| walk(name, value, &mut pairs));
    pairs
}

fn xml(name: &str, value: &Json) -> String {
    let content = match value {
        Json::Null => return format!("<{name}/>"),
        Json::Object(members) => {
            let element = |(member, value): &(String, Json)| match value {
                Json::List(elements) => {
                    elements.iter().map(|element| xml(member, element)).collect::<String>()
                }
                one => xml(member, one),
            };
            members.iter().map(element).collect()
        }
        one => [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\"", "&quot;"), ("'", "&apos;")]
            .iter()
            .fold(word(one), |text, (mark, entity)| text.replace(mark, entity)),
    };
    format!("<{name}>{content}</{name}>")
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
