//! The calls that both SDKs make, and what must be the same in their results.

use std::collections::BTreeMap;

use skyflow_conformance::json::Json;

/// One call; its arguments may point into the results of earlier ones: `{{cards.inserted_fields.0.skyflow_id}}`.
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) op: String,
    pub(crate) args: Json,
}

pub(crate) fn steps() -> Vec<Step> {
    let text = |json: &Json| json.as_str().unwrap().to_owned();
    let steps = Json::parse(include_str!("scenario.json")).unwrap();
    let step = |step: &Json| Step {
        name: text(step.get("name")),
        op: text(step.get("op")),
        args: step.get("args").clone(),
    };
    steps.elements().iter().map(step).collect()
}

/// What earlier calls returned, and who calls.
pub(crate) struct Known(Json);

impl Known {
    pub(crate) fn new(sdk: &str, digit: &str) -> Self {
        Self(Json::object([("sdk", Json::text(sdk)), ("digit", Json::text(digit))]))
    }

    pub(crate) fn learn(&mut self, name: &str, returned: &Json) {
        self.0.set(name, returned.clone());
    }

    pub(crate) fn filled(&self, value: &Json) -> Json {
        each_text(value, &|text| {
            let mut filled = String::new();
            let mut rest = text;
            while let Some((before, (path, after))) =
                rest.split_once("{{").and_then(|(before, rest)| Some((before, rest.split_once("}}")?)))
            {
                filled.push_str(before);
                filled.push_str(self.look_up(path));
                rest = after;
            }
            filled + rest
        })
    }

    fn look_up(&self, path: &str) -> &str {
        let value = path.split('.').fold(&self.0, |value, part| match part.parse() {
            Ok(index) => value.at(index),
            Err(_) => value.get(part),
        });
        value.as_str().unwrap_or_else(|| panic!("nothing is known as {path}"))
    }
}

fn each_text(value: &Json, change: &dyn Fn(&str) -> String) -> Json {
    match value {
        Json::Text(text) => Json::Text(change(text)),
        Json::List(elements) => {
            Json::List(elements.iter().map(|element| each_text(element, change)).collect())
        }
        Json::Object(members) => {
            Json::object(members.iter().map(|(key, value)| (key.clone(), each_text(value, change))))
        }
        other => other.clone(),
    }
}

/// Takes out of the results what each caller has of its own: ids of rows, runs and requests, and its name. Words of an SDK's
/// own about what it refuses are not compared.
pub(crate) fn neutral(results: &[Json], sdk: &str, digit: &str) -> Vec<Json> {
    let mut ids = BTreeMap::new();
    results.iter().for_each(|result| collect_ids(result, &mut ids));
    let own = format!(".{sdk}@");
    let own_token = format!("567890abcde{digit}");
    let rename = |text: &str| {
        let mut text = text.replace(&own, ".sdk@").replace(&own_token, "567890abcde_");
        text = text.replace(&format!("Own {sdk}"), "Own sdk");
        for (id, number) in &ids {
            text = text.replace(id.as_str(), &format!("<id {number}>"));
        }
        text
    };
    results
        .iter()
        .map(|result| without_own(&each_text(result, &rename)))
        .map(|result| canonical(&result))
        .collect()
}

fn collect_ids(value: &Json, ids: &mut BTreeMap<String, usize>) {
    for (key, value) in value.members() {
        if let ("skyflow_id" | "run_id", Some(id)) = (key.as_str(), value.as_str()) {
            let number = ids.len();
            ids.entry(id.to_owned()).or_insert(number);
        }
        collect_ids(value, ids);
    }
    value.elements().iter().for_each(|element| collect_ids(element, ids));
}

fn without_own(result: &Json) -> Json {
    let refused =
        result.get("message").as_str().is_some_and(|message| message.starts_with("Skyflow Python SDK"));
    if refused {
        return Json::object([("raised", Json::text("before anything was sent"))]);
    }
    match result {
        Json::Object(members) => {
            Json::object(members.iter().map(|(key, value)| match (key.as_str(), value) {
                // Each request has its own; that there is one is the same.
                ("request_id", Json::Text(_)) => (key.clone(), Json::text("<request id>")),
                _ => (key.clone(), without_own(value)),
            }))
        }
        Json::List(elements) => Json::List(elements.iter().map(without_own).collect()),
        other => other.clone(),
    }
}

/// Members in order, numbers in one spelling.
fn canonical(value: &Json) -> Json {
    match value {
        Json::Object(members) => {
            let mut members: Vec<_> =
                members.iter().map(|(key, value)| (key.clone(), canonical(value))).collect();
            members.sort_by(|(left, _), (right, _)| left.cmp(right));
            Json::object(members)
        }
        Json::List(elements) => Json::List(elements.iter().map(canonical).collect()),
        Json::Number(digits) => Json::number(digits.parse::<f64>().unwrap_or(f64::NAN)),
        other => other.clone(),
    }
}
