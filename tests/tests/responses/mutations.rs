//! Every change of one field in the recorded responses: none loses what the change does not touch.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use futures_util::StreamExt;
use serde_json::{Map, Value, json};
use skyflow::{
    BatchOperation, BatchRequest, DeidentifyTextRequest, DeleteRequest, DetokenizeRequest, Error, FileSource,
    GetRequest, InsertRequest, QueryRequest, TokenizeRequest, UpdateRequest, UploadFileRequest, Vault,
};
use skyflow_testkit::polling::in_time;
use skyflow_tests::clients::{responding, vault_over};

/// Stands for text that Rust cannot hold, until the body is written.
const SURROGATE: &str = "@surrogate@";

/// Larger bodies have nothing that smaller ones do not have.
const LARGEST: usize = 3000;

/// A member or an element.
type Place = Vec<Value>;

/// What a caller gets of a response: where it was in the body, and what it is.
type Parts = Vec<(Place, String)>;

/// The operations, by the recorded ones and by the member that tells their forms apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Call {
    Insert,
    InsertEach,
    Batch,
    Get,
    Pages,
    Query,
    Detokenize,
    Tokenize,
    Update,
    Delete,
    Upload,
    DeidentifyText,
    Run,
}

impl Call {
    fn of(operation: &str, body: &Value) -> &'static [Self] {
        match operation {
            "insert" if body.get("responses").is_some() => &[Self::InsertEach, Self::Batch],
            "insert" => &[Self::Insert],
            "get" => &[Self::Get, Self::Pages],
            "query" => &[Self::Query],
            "detokenize" => &[Self::Detokenize],
            "update" => &[Self::Update],
            "delete" => &[Self::Delete],
            "upload_file" => &[Self::Upload],
            "deidentify_text" => &[Self::DeidentifyText],
            "get_detect_run" | "deidentify_file" if body.get("output").is_some() => &[Self::Run],
            _ => &[],
        }
    }

    const fn list(self) -> &'static str {
        match self {
            Self::InsertEach | Self::Batch => "responses",
            Self::DeidentifyText => "entities",
            Self::Run => "output",
            Self::Delete => "RecordIDResponse",
            _ => "records",
        }
    }

    const fn writes(self) -> bool {
        matches!(
            self,
            Self::Insert | Self::InsertEach | Self::Batch | Self::Update | Self::Delete | Self::Upload
        )
    }

    /// Makes the call, whose request fits the recorded response, and takes the response apart.
    async fn parts(self, vault: &Vault, recorded: &Value) -> Result<Parts, Error> {
        let elements = recorded[self.list()].as_array().map_or(&[][..], Vec::as_slice);
        let count = elements.len();
        let at = |index: usize| vec![json!(self.list()), json!(index)];
        Ok(match self {
            Self::Insert | Self::InsertEach => {
                let rows = (0..count).map(|n| json!({"n": n}));
                let request =
                    InsertRequest::new("t").records(rows).continue_on_error(self == Self::InsertEach);
                let response = vault.insert(request.clone()).await?;
                let typed = vault.insert_as::<Map<String, Value>>(request).await?;
                let known: BTreeSet<_> =
                    response.inserted_fields.iter().map(|row| row.request_index).collect();
                let failed: BTreeSet<_> = response.errors.iter().map(|row| row.request_index).collect();
                assert!(
                    (0..count).all(|n| known.contains(&n) != failed.contains(&n)),
                    "each row is in one list"
                );
                let rows: Vec<_> = response.each_record().filter_map(Result::ok).collect();
                assert_eq!(typed.rows, rows, "read in one pass or row by row");
                assert_eq!(typed.rows.len() + typed.errors.len(), count);
                let typed = typed.rows.len();
                let rows = response.inserted_fields.iter();
                let rows = rows.map(|row| (at(row.request_index), shown(row, row.tokens.as_ref())));
                let failed = response.errors.iter().map(|row| (at(row.request_index), row.error.clone()));
                let parts: Parts = rows.chain(failed).collect();
                assert!(typed + 1 >= known.len(), "typed decoding loses one row at most");
                parts
            }
            Self::Batch => {
                let operations = (0..count).map(|n| BatchOperation::insert("t", json!({"n": n})));
                let response = vault.batch(BatchRequest::new(operations)).await?;
                let outcome =
                    |outcome: &skyflow::BatchOutcome| format!("{:?} {:?}", outcome.http_code, outcome.result);
                response.outcomes.iter().map(|row| (at(row.request_index), outcome(row))).collect()
            }
            Self::Get => {
                let request = GetRequest::new("t").all_rows();
                let response = vault.get(request.clone()).await?;
                let typed = vault.get_as::<Map<String, Value>>(request).await?;
                let (rows, misfits): (Vec<_>, Vec<_>) = response.each_record().partition(Result::is_ok);
                let rows: Vec<_> = rows.into_iter().map(Result::unwrap).collect();
                assert_eq!(typed.rows, rows, "read in one pass or row by row");
                assert_eq!(typed.errors.len(), misfits.len());
                assert!(typed.rows.len() + 1 >= response.data.len());
                numbered(&at, response.data.iter().map(json_of))
            }
            Self::Pages => {
                let pages = vault.get_pages(GetRequest::new("t").all_rows().limit(count as u64));
                let mut rows: Vec<_> = pages.collect().await;
                if let [Err(_)] = rows.as_slice()
                    && let Some(Err(error)) = rows.pop()
                    && count > 1
                {
                    return Err(error);
                }
                numbered(&at, rows.iter().flatten().map(json_of))
            }
            Self::Query => {
                let response = vault.query(QueryRequest::new("SELECT 1")).await?;
                let typed = response.each_record::<Map<String, Value>>().filter(Result::is_ok).count();
                assert!(typed + 1 >= response.fields.len());
                numbered(&at, response.fields.iter().map(json_of))
            }
            Self::Detokenize => {
                let tokens = elements.iter().map(|entry| entry["token"].as_str().unwrap_or("none"));
                let request = tokens.fold(DetokenizeRequest::new(), DetokenizeRequest::token);
                let response = vault.detokenize(request.continue_on_error(true)).await?;
                assert_eq!(response.detokenized_fields.len() + response.errors.len(), count);
                let values = response.detokenized_fields.iter();
                let values = values.map(|field| (at(field.request_index), format!("{:?}", field.value())));
                let errors =
                    response.errors.iter().map(|field| (at(field.request_index), field.error.clone()));
                values.chain(errors).collect()
            }
            Self::Tokenize => {
                let values =
                    elements.iter().fold(TokenizeRequest::new(), |request, _| request.value("v", "g"));
                let response = vault.tokenize(values).await?;
                let tokens = response.tokenized_fields.iter();
                let tokens = tokens.map(|field| (at(field.request_index), field.token.clone()));
                let errors =
                    response.errors.iter().map(|field| (at(field.request_index), field.error.clone()));
                tokens.chain(errors).collect()
            }
            Self::Update => {
                let response = vault.update(UpdateRequest::new("t", "id", json!({"n": 1}))).await?;
                let tokens = response.tokens.as_ref().map(|tokens| tokens.raw().to_owned());
                vec![
                    (vec![json!("skyflow_id")], response.skyflow_id.clone()),
                    (vec![json!("tokens")], format!("{tokens:?}")),
                ]
            }
            Self::Delete => {
                let response = vault.delete(DeleteRequest::new("t", ["id"])).await?;
                numbered(&at, response.deleted_ids.iter().cloned())
            }
            Self::Upload => {
                let file = FileSource::bytes("a.txt", "a");
                let response =
                    vault.upload_file(UploadFileRequest::new("t", "c", file).skyflow_id("id")).await?;
                let metadata = response.file_metadata.as_ref().map(|metadata| metadata.raw().to_owned());
                vec![
                    (vec![json!("skyflowID")], response.skyflow_id.clone()),
                    (vec![json!("fileMetadata")], format!("{metadata:?}")),
                ]
            }
            Self::DeidentifyText => {
                let response = vault.detect().deidentify_text(DeidentifyTextRequest::new("x")).await?;
                let counts = [("word_count", response.word_count), ("character_count", response.char_count)];
                let mut parts = numbered(&at, response.entities.iter().map(json_of));
                parts.push((vec![json!("processed_text")], response.processed_text.clone()));
                parts.extend(counts.map(|(name, count)| (vec![json!(name)], format!("{name} {count:?}"))));
                parts
            }
            Self::Run => {
                let run = vault.detect().run("r")?.within(std::time::Duration::ZERO).wait().await?;
                let mut parts =
                    numbered(&at, run.outputs.iter().map(|output| format!("{:?}", output.content)));
                for (name, part) in [
                    ("status", run.status.to_string()),
                    ("message", format!("{:?}", run.message)),
                    ("size", format!("{:?}", run.size_in_kb)),
                    ("pages", format!("{:?}", run.page_count)),
                    ("duration", format!("{:?}", run.duration_in_seconds)),
                ] {
                    parts.push((vec![json!(name)], format!("{name} {part}")));
                }
                parts
            }
        })
    }

    /// Tells whether there is no result without the member: the call fails, and loses what is beside it.
    fn needs(self, place: &Place) -> bool {
        let member = place.first().and_then(Value::as_str);
        match self {
            Self::DeidentifyText => member == Some("processed_text"),
            // A run in another state has no counts, and what its files are depends on their kind.
            Self::Run => matches!(member, Some("status" | "outputType")),
            _ => false,
        }
    }
}

fn shown(row: &impl serde::Serialize, tokens: Option<&skyflow::Record>) -> String {
    format!("{} {}", json_of(row), tokens.map_or("", skyflow::Record::raw))
}

fn json_of(row: &impl serde::Serialize) -> String {
    serde_json::to_string(row).unwrap()
}

fn numbered(at: &impl Fn(usize) -> Place, rows: impl Iterator<Item = String>) -> Parts {
    rows.enumerate().map(|(index, row)| (at(index), row)).collect()
}

/// Returns the places of all members and elements of a value.
fn places(value: &Value, here: &Place, found: &mut Vec<Place>) {
    let mut nested = |step: Value, value: &Value| {
        let place: Place = here.iter().cloned().chain([step]).collect();
        found.push(place.clone());
        places(value, &place, found);
    };
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| nested(json!(name), value)),
        Value::Array(elements) => {
            elements.iter().enumerate().for_each(|(index, value)| nested(json!(index), value));
        }
        _ => {}
    }
}

fn within<'a>(value: &'a mut Value, place: &[Value]) -> &'a mut Value {
    place.iter().fold(value, |value, step| match step.as_u64() {
        Some(index) => &mut value[index as usize],
        None => &mut value[step.as_str().unwrap()],
    })
}

/// Returns the body with each change of the value at a place.
fn changes(body: &Value, place: &Place) -> Vec<Value> {
    let others = [
        Value::Null,
        json!(true),
        json!(false),
        json!(-3),
        json!(1.5),
        json!(""),
        json!("other"),
        json!(SURROGATE),
        json!([]),
        json!([1]),
        json!({}),
        json!({"a": {"b": [null]}}),
    ];
    let mut changed: Vec<Value> = others
        .into_iter()
        .map(|other| {
            let mut body = body.clone();
            *within(&mut body, place) = other;
            body
        })
        .collect();
    if let Some((Value::String(name), parent)) = place.split_last() {
        let mut without = body.clone();
        let members = within(&mut without, parent).as_object_mut().unwrap();
        let value = members.remove(name).unwrap();
        changed.push(without.clone());
        within(&mut without, parent)[format!("{name}X")] = value.clone();
        changed.push(without);
        let mut beside = body.clone();
        within(&mut beside, parent)["undocumented"] = json!({"a": [value, SURROGATE]});
        changed.push(beside);
    }
    changed
}

fn touches(change: &Place, part: &Place) -> bool {
    change.iter().zip(part).all(|(one, other)| one == other)
}

/// Sends the changed responses of one recording through a call; returns how many.
async fn assert_no_loss(call: Call, status: u16, recorded: &Value) -> usize {
    let vault = |body: &str| vault_over(responding(status, Some("application/json"), body.to_owned()));
    let expected = in_time(call.parts(&vault(&recorded.to_string()), recorded)).await.unwrap();
    let (mut all, mut cases) = (Vec::new(), 0);
    places(recorded, &Vec::new(), &mut all);
    for place in all {
        // Elements that move have other places.
        let is_list = place.len() == 1 && place[0] == call.list();
        for body in changes(recorded, &place) {
            cases += 1;
            let body = body.to_string().replace(SURROGATE, "\\ud800");
            let what = format!("{call:?} {place:?} {body}");
            let outcome = in_time(call.parts(&vault(&body), recorded)).await;
            if is_list || call.needs(&place) {
                let Err(error) = outcome else { continue };
                assert!(error.field().is_some() || !call.writes() || error.may_have_been_applied(), "{what}");
                continue;
            }
            let found = outcome.unwrap_or_else(|error| panic!("{what}: {error:?}"));
            let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
            found.iter().for_each(|(_, part)| *counts.entry(part).or_default() += 1);
            // What was put beside the members of a row does not touch them.
            for (at, part) in expected.iter().filter(|(at, _)| !touches(&place, at)) {
                let count = counts.entry(part).or_default();
                *count -= 1;
                assert!(*count >= 0, "{what} loses {at:?} {part}, found {found:?}");
            }
        }
    }
    cases
}

#[tokio::test]
async fn no_change_of_one_field_loses_another() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/traces");
    let mut seen: BTreeSet<(Call, String)> = BTreeSet::new();
    let mut cases: BTreeMap<Call, usize> = BTreeMap::new();
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    for file in files {
        // Some recordings hold what is not JSON.
        let Ok(trace) = serde_json::from_slice::<Value>(&std::fs::read(&file).unwrap()) else { continue };
        for response in trace["responses"].as_array().unwrap() {
            let (status, body) = (response["status"].as_u64().unwrap() as u16, &response["body"]);
            let calls = match (200..300).contains(&status) && body.is_object() {
                true => Call::of(trace["input"]["op"].as_str().unwrap(), body),
                false => &[],
            };
            for call in calls {
                let is_empty = body[call.list()].as_array().is_some_and(Vec::is_empty);
                let is_new = seen.insert((*call, body.to_string()));
                if is_new && !is_empty && body.to_string().len() <= LARGEST && !body[call.list()].is_null()
                    || is_new && matches!(call, Call::Update | Call::Upload)
                {
                    *cases.entry(*call).or_default() += assert_no_loss(*call, status, body).await;
                }
            }
        }
    }
    // No recording has these.
    let tokens =
        json!({"records": [{"token": "t1"}, {"token": "t2"}, {"token": null, "error": "no such value"}]});
    *cases.entry(Call::Tokenize).or_default() += assert_no_loss(Call::Tokenize, 207, &tokens).await;
    println!("{cases:?}");
    assert_eq!(cases.len(), 13, "{cases:?}");
    assert!(cases.values().sum::<usize>() > 4000, "{cases:?}");
}
