//! A recording that is changed anywhere is no longer the one of this SDK's call.

use std::thread;

use skyflow_conformance::json::Json;
use skyflow_conformance::report::Verdict;

use crate::places::{Place, at_mut, below, changed, place, shown};
use crate::{is_different, one_recorded, recorded, variants, verdict};

/// Rules that explain members which are left out, and nothing else.
const HARMLESS: [&str; 2] = ["unset-omitted", "token-call-headers"];

#[test]
fn every_change_of_a_recording_is_found() {
    let traces: Vec<Json> = recorded().into_iter().chain(of_detect()).filter(is_compared_whole).collect();
    assert!(traces.len() > 180, "{}", traces.len());
    let halves: Vec<Vec<Json>> = traces.chunks(traces.len() / 2 + 1).map(<[Json]>::to_vec).collect();
    let mutate_all = |half: Vec<Json>| half.iter().flat_map(mutate).collect::<Vec<_>>();
    let threads: Vec<_> = halves.into_iter().map(|half| thread::spawn(move || mutate_all(half))).collect();
    let found: Vec<Option<String>> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    assert!(found.len() > 10_000, "{}", found.len());
    let missed: Vec<&String> = found.iter().flatten().collect();
    assert!(missed.is_empty(), "{} changes are not found:\n{missed:#?}", missed.len());
}

/// Variants of Detect, the files whose names alone differ left out.
fn of_detect() -> impl Iterator<Item = Json> {
    variants::recorded().into_iter().filter(|trace| {
        let case = trace.get("case").as_str().unwrap_or_default();
        ["deidentify", "reidentify", "get_detect_run"].iter().any(|op| case.starts_with(op))
            && !case.contains("_capitals_")
    })
}

fn is_compared_whole(trace: &Json) -> bool {
    match verdict(trace) {
        Verdict::Equal => true,
        Verdict::Parity(rules) => rules.iter().all(|rule| HARMLESS.contains(rule)),
        _ => false,
    }
}

/// Changes a recording in every place that is compared; returns for each change what is wrong when it is not found.
fn mutate(trace: &Json) -> Vec<Option<String>> {
    let case = trace.get("case").as_str().unwrap();
    let mut mutations = Vec::new();
    for place in places(trace) {
        let mut copy = trace.clone();
        let old = at_mut(&mut copy, &place).unwrap().clone();
        for (how, new) in changed(&old) {
            if is_the_same(&place, &old, &new) {
                continue;
            }
            *at_mut(&mut copy, &place).unwrap() = new;
            let verdict = verdict(&copy);
            mutations.push(
                (!is_different(&verdict)).then(|| format!("{case}{}, {how}: {verdict:?}", shown(&place))),
            );
        }
    }
    mutations
}

fn places(trace: &Json) -> Vec<Place> {
    let mut places = Vec::new();
    for index in 0..trace.get("requests").elements().len() {
        let request = trace.get("requests").at(index);
        let compared =
            ["method", "path", "query", "tls", "headers.host", "body.kind", "body.value", "body.parts"];
        for part in compared {
            places.extend(below(trace, &place(&format!("requests[{index}].{part}"))));
        }
        // These members of the token call occur nowhere else and have no meaning.
        if request.get("path").as_str() != Some("/v1/auth/sa/oauth/token") {
            places.extend(below(trace, &place(&format!("requests[{index}].headers.authorization"))));
        }
        for header in ["content-type", "sky-metadata"] {
            if request.get("headers").has(header) {
                places.push(place(&format!("requests[{index}].headers.{header}")));
            }
        }
    }
    let result = trace.get("result");
    if result.has("returned") {
        places.extend(below(trace, &place("result.returned")));
    } else if !trace.get("requests").elements().is_empty() {
        for field in ["raised", "message", "http_code", "http_status", "grpc_code", "request_id", "details"] {
            places.extend(below(trace, &place(&format!("result.{field}"))));
        }
    }
    places
}

/// Changes that mean nothing: null for absent outside of rows, a default for none, and what is no part of a request.
fn is_the_same(place: &Place, old: &Json, new: &Json) -> bool {
    let at = shown(place);
    let in_rows = at.contains(".fields") || at.contains(".tokens") || at.starts_with(".result");
    let envelope = at.contains(".body.value") && !in_rows;
    let defaults =
        ["homogeneous", "byot", "tokenization", "continueOnError", "redaction", "scope", "default"];
    let last = at.rsplit('.').next().unwrap_or_default().to_owned();
    let dropped = match (old, new) {
        (Json::Object(old), Json::Object(new)) if old.len() > new.len() => old.last().cloned(),
        _ => None,
    };
    let unsaid = |name: &str, value: &Json| {
        value.without_nulls() == Json::Object(Vec::new())
            || value.is_null()
            || (defaults.contains(&name)
                && ["false", "\"DISABLE\"", "\"DEFAULT\"", "\"entity_unq_counter\""]
                    .contains(&value.to_string().as_str()))
    };
    let of_a_part = [".headers", ".content"].iter().any(|what| at.contains(&format!("]{what}")));
    (envelope && new.is_null() && unsaid(&last, old))
        || (envelope && dropped.is_some_and(|(name, value)| unsaid(&name, &value)))
        || at.ends_with(".headers.sky-metadata") && !new.is_null()
        // A media type that depends on the machine.
        || at.ends_with(".file.file.type") && old.as_str() == Some("")
        // The boundary of a form is anybody's choice.
        || at.ends_with(".headers.content-type") && new.to_string().contains("multipart/form-data; boundary=")
        || at.contains(".body.parts") && (of_a_part || at.ends_with(']'))
        || at.ends_with(".authorization.claims") && old.is_null()
        || at.ends_with(".details") && old.elements().is_empty() && new.is_null()
        || at.ends_with(".authorization") && matches!(new, Json::Object(_))
}

#[test]
fn contents_of_form_parts_are_compared() {
    let whole = one_recorded("upload_path_with_id");
    for (at, value) in [
        ("requests[0].body.parts[0].content", r#"{"len":4,"text":"tabl"}"#),
        ("requests[0].body.parts[2].content", r#"{"len":1,"text":"x"}"#),
        ("requests[0].body.parts[3].content", r#"{"len":4,"text":"true"}"#),
        ("requests[0].body.parts[4].content.len", "27"),
        ("requests[0].body.parts[4].content.text", "\"Jane\""),
        ("requests[0].body.parts[4].filename", "\"other.txt\""),
        ("requests[0].body.parts[4].headers", r#"["Content-Type: text/html"]"#),
        ("requests[0].body.parts[4].name", "\"files\""),
        ("requests[0].headers.content-type", "\"application/json\""),
    ] {
        let mut copy = whole.clone();
        *at_mut(&mut copy, &place(at)).unwrap() = Json::parse(value).unwrap();
        assert!(is_different(&verdict(&copy)), "{at}");
    }
}

#[test]
fn calls_that_were_refused_must_be_refused() {
    let mut refused = one_recorded("delete_empty_ids");
    assert_eq!(verdict(&refused), Verdict::Equal);
    refused.set(
        "result",
        Json::parse(r#"{"returned":{"type":"DeleteResponse","deleted_ids":[],"errors":null}}"#).unwrap(),
    );
    assert!(is_different(&verdict(&refused)));
    let mut refused = one_recorded("delete_empty_ids");
    *at_mut(&mut refused, &place("input.args.ids")).unwrap() = Json::parse(r#"["a"]"#).unwrap();
    assert!(is_different(&verdict(&refused)));
}
