//! A request of ours against a recorded one.

use std::collections::BTreeSet;

use super::json::Found;
use super::{claims, json};
use crate::call::recorded_bytes;
use crate::difference::Part;
use crate::identity::{Identity, claims_of};
use crate::json::Json;
use crate::lab::Sent;
use crate::trace::Recorded;
use crate::wire;

type Finding = (Part, String, String);

pub(super) fn compare(recorded: &Recorded, ours: &Sent) -> Vec<Finding> {
    let mut found = Vec::new();
    let scheme = if recorded.tls { "https" } else { "http" };
    let host = recorded.headers.get("host").as_str().unwrap_or_default();
    for (part, expected, got) in [
        (Part::Method, recorded.method.as_str(), ours.method.as_str()),
        (Part::Scheme, scheme, ours.scheme.as_str()),
        (Part::Host, host, ours.host.as_str()),
    ] {
        if expected != got {
            found.push((part, expected.to_owned(), got.to_owned()));
        }
    }
    if wire::segments(&recorded.path) != wire::segments(&ours.path) {
        found.push((Part::Path, recorded.path.clone(), ours.path.clone()));
    }
    query(recorded, ours, &mut found);
    headers(recorded, ours, &mut found);
    body(recorded, ours, &mut found);
    found
}

fn query(recorded: &Recorded, ours: &Sent, found: &mut Vec<Finding>) {
    let (expected, got) = (wire::pairs(&recorded.query), wire::pairs(&ours.query));
    let keys: BTreeSet<&String> = expected.iter().chain(&got).map(|(key, _)| key).collect();
    for key in keys {
        let values = |pairs: &[(String, String)]| {
            let values = pairs.iter().filter(|(name, _)| name == key);
            values.map(|(_, value)| value.clone()).collect::<Vec<_>>().join("&")
        };
        let count = |pairs: &[(String, String)]| pairs.iter().filter(|(name, _)| name == key).count();
        if values(&expected) != values(&got) || count(&expected) != count(&got) {
            let shown = |pairs: &[(String, String)]| match count(pairs) {
                0 => "absent".to_owned(),
                _ => values(pairs),
            };
            found.push((Part::Query(key.clone()), shown(&expected), shown(&got)));
        }
    }
}

fn headers(recorded: &Recorded, ours: &Sent, found: &mut Vec<Finding>) {
    let header = |name: &str| {
        ours.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    // The boundary of a form is anybody's choice.
    let media_type = |value: &str| value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let expected = recorded.headers.get("content-type").as_str().map(media_type);
    let got = header("content-type").as_deref().map(media_type);
    if expected != got {
        found.push((Part::Header("content-type"), shown(expected), shown(got)));
    }
    let metadata = header("sky-metadata");
    let expected = recorded.headers.get("sky-metadata").as_str();
    let told = |text: &str| Json::parse(text).unwrap_or(Json::Null);
    let whole = match (expected, &metadata) {
        (None, None) => true,
        (Some(expected), Some(got)) => {
            let (expected, got) = (told(expected), told(got));
            let names =
                |json: &Json| json.members().iter().map(|(name, _)| name.clone()).collect::<BTreeSet<_>>();
            names(&got).is_subset(&names(&expected))
                && got.get("sdk_name_version").as_str().is_some_and(ours_by_name)
        }
        _ => false,
    };
    if !whole {
        found.push((Part::Header("sky-metadata"), shown(expected), shown(metadata)));
    }
    if let Some(cookie) = header("cookie") {
        found.push((Part::Header("cookie"), "absent".to_owned(), cookie));
    }
    for name in ["authorization", "x-skyflow-authorization"] {
        authorization(recorded.headers.get(name), header(name), ours.at, found);
    }
    others(recorded, ours, found);
}

/// Headers that say who is calling, or that belong to the way.
const OF_THE_CLIENT: [&str; 10] = [
    "accept",
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "host",
    "sky-metadata",
    "user-agent",
    "x-skyflow-authorization",
];

/// Every other header is the caller's and passes as it is.
fn others(recorded: &Recorded, ours: &Sent, found: &mut Vec<Finding>) {
    let is_other =
        |name: &str| !OF_THE_CLIENT.contains(&name) && !name.starts_with("x-fern-") && name != "cookie";
    let expected = recorded.headers.members().iter().map(|(name, _)| name.to_ascii_lowercase());
    let names: BTreeSet<String> = expected.chain(ours.headers.keys().map(ToString::to_string)).collect();
    for name in names.iter().filter(|name| is_other(name)) {
        let wanted = recorded.headers.members().iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        let wanted = wanted.and_then(|(_, value)| value.as_str());
        let got = ours.headers.get(name).and_then(|value| value.to_str().ok());
        if wanted != got {
            found.push((Part::Header("of the caller"), shown(wanted), shown(got)));
        }
    }
}

fn ours_by_name(name: &str) -> bool {
    name.starts_with("skyflow-rust@")
}

fn shown(value: Option<impl std::fmt::Display>) -> String {
    value.map_or_else(|| "absent".to_owned(), |value| value.to_string())
}

/// The recording has the scheme, the kind of the token and its claims.
fn authorization(expected: &Json, got: Option<String>, at: i64, found: &mut Vec<Finding>) {
    let got = got.map_or(Json::Null, |value| {
        // A connection takes its token without a scheme.
        let pair = value.split_once(' ');
        let (scheme, token) = pair.map_or((None, value.as_str()), |(scheme, token)| (Some(scheme), token));
        let (kind, claims) = match claims_of(token) {
            Some(claims) => ("jwt", claims),
            None if token.starts_with("sky-") => ("api_key", Json::Null),
            None => ("opaque", Json::Null),
        };
        Json::object([("scheme", Json::text_or_null(scheme)), ("kind", Json::text(kind)), ("claims", claims)])
    });
    let same = ["scheme", "kind"].iter().all(|key| expected.get(key) == got.get(key))
        && claims::compare(expected.get("claims"), got.get("claims"), at).is_empty();
    if !same {
        found.push((Part::Authorization, expected.to_string(), got.to_string()));
    }
}

fn body(recorded: &Recorded, ours: &Sent, found: &mut Vec<Finding>) {
    match recorded.body.get("kind").as_str() {
        Some("empty") => {
            if !ours.body.is_empty() {
                found.push((
                    Part::Body(String::new()),
                    "nothing".to_owned(),
                    format!("{} bytes", ours.body.len()),
                ));
            }
        }
        Some("json") => json_body(recorded.body.get("value"), ours, found),
        Some("text") => {
            let expected = recorded.body.get("text").as_str().unwrap_or_default();
            let got = String::from_utf8_lossy(&ours.body);
            if expected != got {
                found.push((Part::Body(String::new()), expected.to_owned(), got.into_owned()));
            }
        }
        Some("form") => {
            let pair = |pair: &Json| {
                let text = |at| pair.at(at).as_str().unwrap_or_default().to_owned();
                (text(0), text(1))
            };
            let mut expected: Vec<_> = recorded.body.get("pairs").elements().iter().map(pair).collect();
            expected.sort();
            let got = wire::pairs(&String::from_utf8_lossy(&ours.body));
            if expected != got {
                found.push((Part::Body(String::new()), format!("{expected:?}"), format!("{got:?}")));
            }
        }
        Some("multipart") => form(recorded.body.get("parts").elements(), ours, found),
        kind => {
            let expected = format!("a body of the unknown kind {}", shown(kind));
            found.push((Part::Body(String::new()), expected, format!("{} bytes", ours.body.len())));
        }
    }
}

fn json_body(expected: &Json, ours: &Sent, found: &mut Vec<Finding>) {
    let text = String::from_utf8_lossy(&ours.body);
    let Ok(got) = Json::parse(&text) else {
        found.push((Part::Body(String::new()), expected.to_string(), text.into_owned()));
        return;
    };
    let in_body = |(at, expected, got): Found| (Part::Body(at), expected, got);
    if expected.get("assertion").is_null() {
        found.extend(json::body(expected, &got).into_iter().map(in_body));
        return;
    }
    // The assertion differs with each call; what it says does not.
    let without = |json: &Json| {
        let members = json.members().iter().filter(|(key, _)| key != "assertion");
        Json::object(members.cloned())
    };
    found.extend(json::body(&without(expected), &without(&got)).into_iter().map(in_body));
    let (recorded, assertion) =
        (expected.get("assertion"), got.get("assertion").as_str().unwrap_or_default());
    let Some((header, claims)) = Identity::shared().verified(assertion) else {
        found.push((
            Part::Body(".assertion".to_owned()),
            "a token signed by the key".to_owned(),
            assertion.to_owned(),
        ));
        return;
    };
    let named = |name: &str, list: Vec<Found>| {
        let name = format!(".assertion.{name}");
        list.into_iter().map(move |(at, expected, got)| (Part::Body(format!("{name}{at}")), expected, got))
    };
    found.extend(named("jwt_header", json::strict(recorded.get("jwt_header"), &header)));
    found.extend(named("jwt_claims", claims::compare(recorded.get("jwt_claims"), &claims, ours.at)));
    let mut rest = recorded.clone();
    for compared in ["jwt_header", "jwt_claims"] {
        rest.set(compared, Json::Null);
    }
    let verified = Json::object([
        ("jwt_header", Json::Null),
        ("jwt_claims", Json::Null),
        ("rs256_verified", Json::Bool(true)),
    ]);
    found.extend(named("is", json::strict(&rest, &verified)));
}

fn form(expected: &[Json], ours: &Sent, found: &mut Vec<Finding>) {
    let content_type =
        ours.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let got = wire::form(content_type, &ours.body).unwrap_or_default();
    let recorded: Vec<String> =
        expected.iter().map(|part| part.get("name").as_str().unwrap_or_default().to_owned()).collect();
    let sent: Vec<String> = got.iter().map(|part| part.name.clone()).collect();
    let in_both = |list: &[String], other: &[String]| {
        list.iter().filter(|name| other.contains(name)).cloned().collect::<Vec<_>>().join(", ")
    };
    let (left, right) = (in_both(&recorded, &sent), in_both(&sent, &recorded));
    if left != right {
        found.push((Part::Form("all".to_owned(), "order"), left, right));
    }
    let names: BTreeSet<String> = recorded.into_iter().chain(sent).collect();
    for name in names {
        let recorded: Vec<&Json> =
            expected.iter().filter(|part| part.get("name").as_str().unwrap_or_default() == name).collect();
        let sent: Vec<&wire::Part> = got.iter().filter(|part| part.name == name).collect();
        if recorded.len() != sent.len() {
            let shown = |count: usize, content: Option<String>| match (count, content) {
                (0, _) => "absent".to_owned(),
                (1, Some(content)) => content,
                (count, _) => format!("{count} times"),
            };
            let first = recorded
                .first()
                .map(|part| String::from_utf8_lossy(&recorded_bytes(part.get("content"))).into_owned());
            let ours = sent.first().map(|part| String::from_utf8_lossy(&part.content).into_owned());
            found.push((Part::Form(name, "count"), shown(recorded.len(), first), shown(sent.len(), ours)));
            continue;
        }
        for (recorded, sent) in recorded.into_iter().zip(sent) {
            part(&name, recorded, sent, found);
        }
    }
}

fn part(name: &str, recorded: &Json, sent: &wire::Part, found: &mut Vec<Finding>) {
    let place = |what| Part::Form(name.to_owned(), what);
    let file_name = recorded.get("filename").as_str();
    if file_name != sent.file_name.as_deref() {
        found.push((place("file name"), shown(file_name), shown(sent.file_name.as_deref())));
    }
    let header = recorded.get("headers").elements().iter().filter_map(Json::as_str);
    let content_type = header.filter_map(|line| line.strip_prefix("Content-Type: ")).next();
    if content_type != sent.content_type.as_deref() {
        found.push((place("content type"), shown(content_type), shown(sent.content_type.as_deref())));
    }
    let content = recorded.get("content");
    let text_length = content.get("text").as_str().map(str::len);
    let expected = recorded_bytes(content);
    let length_fits = text_length.is_none_or(|length| length == expected.len());
    if expected != sent.content || !length_fits {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        found.push((place("content"), text(&expected), text(&sent.content)));
    }
}
