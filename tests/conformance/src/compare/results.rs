//! What our call returned or reported, against what the recorded one did.

use skyflow::ErrorKind;

use super::json::strict;
use super::official::as_official;
use super::{claims, json};
use crate::difference::{Difference, Place};
use crate::json::Json;
use crate::outcome::{Failure, Outcome};
use crate::promise::reason;
use crate::replay::Observed;
use crate::trace::Call;

pub(super) fn compare(recorded: &Call, ours: &Observed, differences: &mut Vec<Difference>) {
    let outcome = |expected: &str| Difference::new(Place::Outcome, expected, &ours.outcome);
    let result = &recorded.result;
    match (&ours.outcome, result.has("returned"), result.has("raised")) {
        (Outcome::Unknown(_) | Outcome::Inexpressible { .. }, _, _) => {
            differences.push(outcome(&result.to_string()));
        }
        (Outcome::Returned(response), true, _) => returned(recorded, ours, response, differences),
        (Outcome::Refused { field }, _, true) if recorded.refused() => {
            if let Some(reason) = reason::differs(recorded.message(), field) {
                differences.push(Difference::new(Place::Error("reason"), reason, field));
            }
        }
        (Outcome::Failed(failure), _, true) if !recorded.refused() => raised(result, failure, differences),
        _ => differences.push(outcome(&result.to_string())),
    }
}

fn returned(recorded: &Call, ours: &Observed, response: &Json, differences: &mut Vec<Difference>) {
    let expected = recorded.result.get("returned");
    let found = match recorded.op.as_str() {
        "bearer_token" => bearer(recorded, expected, response),
        "signed_data_tokens" => signed(expected, response, ours.at),
        _ => strict(expected, &as_official(recorded, response)),
    };
    let place = |(at, expected, got): json::Found| Difference { place: Place::Returned(at), expected, got };
    differences.extend(found.into_iter().map(place));
}

/// Compares a bearer token. Its type is taken from the recorded response, because this SDK does not return it.
fn bearer(recorded: &Call, expected: &Json, response: &Json) -> Vec<json::Found> {
    let reply = recorded.tokens.last().and_then(|exchange| exchange.reply.as_ref());
    let kind = reply.and_then(|reply| reply.json()).map_or(Json::Null, |body| body.get("tokenType").clone());
    let mut whole = response.clone();
    if let Some(Json::List(pair)) = whole.member_mut("returned") {
        pair.push(kind);
    }
    strict(expected, &whole)
}

fn signed(expected: &Json, response: &Json, at: i64) -> Vec<json::Found> {
    let (whole, expected, got) = (expected, expected.get("signed"), response.get("signed"));
    if expected.elements().len() != got.elements().len() || whole.members().len() != 1 {
        return strict(whole, response);
    }
    let mut found = Vec::new();
    for (index, (expected, got)) in expected.elements().iter().zip(got.elements()).enumerate() {
        let mut rest = (expected.clone(), got.clone());
        rest.0.set("jwt_claims", Json::Null);
        rest.1.set("jwt_claims", Json::Null);
        let places = strict(&rest.0, &rest.1).into_iter().chain(claims::compare(
            expected.get("jwt_claims"),
            got.get("jwt_claims"),
            at,
        ));
        found.extend(places.map(|(at, expected, got)| (format!(".signed[{index}]{at}"), expected, got)));
    }
    found
}

fn raised(recorded: &Json, ours: &Failure, differences: &mut Vec<Difference>) {
    let mut field = |name: &'static str, expected: &Json, got: Json| {
        if *expected != got {
            differences.push(Difference::new(Place::Error(name), expected, got));
        }
    };
    field("type", recorded.get("raised"), Json::text("SkyflowError"));
    field("http_code", recorded.get("http_code"), Json::number_or_null(ours.http_code));
    field("http_status", recorded.get("http_status"), Json::text_or_null(ours.http_status.as_ref()));
    field("grpc_code", recorded.get("grpc_code"), Json::number_or_null(ours.grpc_code));
    field("request_id", recorded.get("request_id"), Json::text_or_null(ours.request_id.as_ref()));
    field("message", recorded.get("message"), Json::text_or_null(ours.message.as_ref()));
    // The official SDK has none.
    field("run_id", &Json::Null, Json::text_or_null(ours.run_id.as_ref()));
    let details = match recorded.get("details") {
        Json::Null => Json::List(Vec::new()),
        details => details.clone(),
    };
    let own = Json::List(ours.details.clone());
    if !strict(&details, &own).is_empty() {
        differences.push(Difference::new(Place::Error("details"), details, own));
    }
}

/// Says what is wrong with an outcome of which another was promised.
///
/// Words of the SDK's own are not compared, and neither is whether a failed write may have been applied.
pub fn same_outcome(promised: &Outcome, ours: &Outcome) -> Result<(), String> {
    let same = match (promised, ours) {
        (Outcome::Returned(left), Outcome::Returned(right)) => match strict(left, right).into_iter().next() {
            None => true,
            Some((at, expected, got)) => {
                return Err(format!("promised{at}: expected {expected}, got {got}"));
            }
        },
        (Outcome::Refused { field: left }, Outcome::Refused { field: right }) => left == right,
        (Outcome::Inexpressible { argument: left, .. }, Outcome::Inexpressible { argument: right, .. }) => {
            left == right
        }
        (Outcome::Failed(left), Outcome::Failed(right)) => {
            // Errors found in a decoded response do not carry the status yet.
            let unreadable_late = right.kind == ErrorKind::Decode && right.http_code.is_none();
            left.kind == right.kind
                && (left.message.is_none() || left.message == right.message)
                && (left.http_code == right.http_code || unreadable_late)
                && left.http_status == right.http_status
                && left.grpc_code == right.grpc_code
                && left.request_id == right.request_id
                && left.run_id == right.run_id
                && left.error_from_client == right.error_from_client
                && strict(&Json::List(left.details.clone()), &Json::List(right.details.clone())).is_empty()
        }
        _ => false,
    };
    if same { Ok(()) } else { Err(format!("promised: {promised}; got: {ours}")) }
}
