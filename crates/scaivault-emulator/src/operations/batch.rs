//! Reads of many secrets.

use std::collections::BTreeMap;

use scaivault::{PathPattern, SecretPath};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::call::{Call, Reply};
use crate::failure::{Failure, Outcome, invalid};
use crate::operations::secrets::listed;
use crate::policy::authorize;
use crate::state::State;
use crate::versions::live;

/// The largest number of paths in a batch.
const MAX_BATCH: usize = 100;

#[derive(Deserialize)]
struct BatchBody {
    paths: Vec<String>,
    #[serde(default)]
    options: BatchOptions,
    #[serde(default)]
    expand_wildcards: bool,
}

#[derive(Deserialize, Default)]
struct BatchOptions {
    #[serde(default)]
    include_metadata: bool,
    #[serde(default)]
    fail_fast: bool,
    version: Option<u64>,
}

fn batch_body(call: &Call) -> Outcome<BatchBody> {
    let body: BatchBody = call.json()?;
    match body.paths.len() {
        1..=MAX_BATCH => Ok(body),
        _ => Err(Failure::field("paths", "must be from 1 to 100 paths")),
    }
}

#[derive(Serialize)]
struct BatchReply {
    secrets: BTreeMap<String, Box<RawValue>>,
    errors: BTreeMap<String, Value>,
}

pub(crate) fn read(state: &State, call: &Call) -> Outcome<Reply> {
    let body = batch_body(call)?;
    let mut reply = BatchReply { secrets: BTreeMap::new(), errors: BTreeMap::new() };
    for path in &body.paths {
        match batch_element(state, call, path, &body.options) {
            Ok(element) => {
                reply.secrets.insert(path.clone(), element);
            }
            Err(failure) if body.options.fail_fast => return Err(failure.with("path", path.as_str())),
            Err(failure) => {
                reply
                    .errors
                    .insert(path.clone(), json!({ "code": failure.code, "message": failure.message }));
            }
        }
    }
    let units = u32::try_from(reply.secrets.len()).unwrap_or(u32::MAX);
    Ok(Reply { read_units: units, ..Reply::ok(&reply)? })
}

fn batch_element(state: &State, call: &Call, path: &str, options: &BatchOptions) -> Outcome<Box<RawValue>> {
    #[derive(Serialize)]
    struct Element<'a> {
        data: &'a RawValue,
        version: u64,
        secret_type: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        metadata: Option<&'a Map<String, Value>>,
    }
    let path = SecretPath::new(path).map_err(invalid("invalid_path"))?;
    authorize(state, call, path.as_str(), "read")?;
    let secret = live(state, &call.tenant, path.as_str())?;
    let version = secret.version(options.version, call.now)?;
    let element = Element {
        data: &version.data,
        version: version.version,
        secret_type: &secret.secret_type,
        metadata: options.include_metadata.then_some(&secret.metadata),
    };
    serde_json::value::to_raw_value(&element)
        .map_err(|_| Failure::new("internal_error", "the secret has no JSON form"))
}

pub(crate) fn metadata(state: &State, call: &Call) -> Outcome<Reply> {
    let body = batch_body(call)?;
    let (mut secrets, mut errors) = (Map::new(), Map::new());
    for path in &body.paths {
        if body.expand_wildcards && path.contains(['*', '?']) {
            let pattern = PathPattern::new(path).map_err(invalid("invalid_glob"))?;
            for secret in listed(state, call)?.iter().filter(|secret| pattern.matches(&secret.path)) {
                secrets.insert(secret.path.clone(), secret.info());
            }
            continue;
        }
        match authorize(state, call, path, "list").and_then(|()| live(state, &call.tenant, path)) {
            Ok(secret) => {
                secrets.insert(path.clone(), secret.info());
            }
            Err(failure) => {
                errors.insert(path.clone(), json!({ "code": failure.code, "message": failure.message }));
            }
        }
    }
    Reply::ok(&json!({ "secrets": secrets, "errors": errors }))
}
