//! The body of a successful response: no good element is lost, and no error shows what is in it.
//!
//! The first byte chooses the operation; in the rest, the byte 1 is replaced by a name.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};
use skyflow::{
    BatchOperation, BatchRequest, DeidentifyTextRequest, DeleteRequest, DetokenizeRequest, Error, ErrorKind,
    GetRequest, InsertRequest, QueryRequest, TokenizeRequest, UpdateRequest, Vault,
};

use crate::client::{Reply, with_reply};
use crate::json::unambiguous;
use crate::shown::{NAME, assert_is_one_line, shown};

/// More elements are like fewer.
const MOST: usize = 32;

#[derive(Debug, Clone, Copy)]
enum Call {
    Insert,
    InsertEach,
    Batch,
    Get,
    Query,
    Detokenize,
    Tokenize,
    Update,
    Delete,
    DeidentifyText,
}

const CALLS: [Call; 10] = [
    Call::Insert,
    Call::InsertEach,
    Call::Batch,
    Call::Get,
    Call::Query,
    Call::Detokenize,
    Call::Tokenize,
    Call::Update,
    Call::Delete,
    Call::DeidentifyText,
];

/// The type that rows are decoded into.
#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "decoding is what is tried")]
struct Row {
    skyflow_id: String,
    name: Option<String>,
    age: Option<u8>,
}

/// Checks one input.
pub fn check(input: &[u8]) {
    let [call, body @ ..] = input else { return };
    let call = CALLS[usize::from(call.wrapping_sub(b'a')) % CALLS.len()];
    let body = with_name(body);
    let parsed = unambiguous(&body);
    let elements = parsed.as_ref().and_then(|body| body.get(call.list())?.as_array().cloned());
    if elements.as_ref().is_some_and(|elements| elements.len() > MOST) {
        return;
    }
    let reply = Reply { status: 200, content_type: Some("application/json"), body, ..Reply::default() };
    let outcome =
        with_reply(reply, async |vault| call.run(vault, parsed.as_ref(), elements.as_deref()).await);
    if let Err(error) = outcome {
        assert!(call.may_fail(parsed.as_ref(), elements.as_deref()), "{call:?} lost everything: {error:?}");
        assert!(matches!(error.kind(), ErrorKind::Decode | ErrorKind::InvalidInput), "{error:?}");
        let is_write =
            matches!(call, Call::Insert | Call::InsertEach | Call::Batch | Call::Update | Call::Delete);
        assert_eq!(error.may_have_been_applied(), is_write, "{error:?}");
        hides_the_body(&error);
    }
}

impl Call {
    const fn list(self) -> &'static str {
        match self {
            Self::InsertEach | Self::Batch => "responses",
            Self::Delete => "RecordIDResponse",
            _ => "records",
        }
    }

    /// Tells whether there may be nothing in the response that a caller could get.
    fn may_fail(self, body: Option<&Value>, elements: Option<&[Value]>) -> bool {
        match self {
            Self::Update => !body.is_some_and(Value::is_object),
            Self::DeidentifyText => body.and_then(|body| body.get("processed_text")?.as_str()).is_none(),
            // Without a token that was requested, a response may be about anything.
            Self::Detokenize => {
                elements.is_none_or(|all| all.iter().all(|entry| text(entry, "token").is_none()))
            }
            // A token has nothing but its place to tell which value it belongs to.
            Self::Tokenize => elements.is_none_or(<[Value]>::is_empty),
            _ => elements.is_none(),
        }
    }

    async fn run(self, vault: &Vault, body: Option<&Value>, elements: Option<&[Value]>) -> Result<(), Error> {
        let elements = elements.unwrap_or_default();
        let count = elements.len().max(1);
        let rows = (0..count).map(|n| json!({"n": n}));
        match self {
            Self::Insert | Self::InsertEach => {
                let each = matches!(self, Self::InsertEach);
                let request = InsertRequest::new("t").records(rows).continue_on_error(each);
                let response = vault.insert(request).await?;
                let known = response.inserted_fields.iter().map(|row| row.request_index);
                each_is_in_one_list(count, known, response.errors.iter().map(|row| row.request_index));
                for (index, element) in elements.iter().enumerate() {
                    let row = if each { only_row(element) } else { Some(element) };
                    let Some((id, tokens)) = row.and_then(written_row) else { continue };
                    let found = response
                        .inserted_fields
                        .iter()
                        .find(|row| row.request_index == index && row.skyflow_id == id)
                        .unwrap_or_else(|| panic!("row {index} is lost: {element}"));
                    let found = found.tokens.as_ref().map(|tokens| read(tokens.raw()));
                    assert_eq!(found.as_ref(), tokens, "the tokens of row {index}");
                }
                response
                    .each_record::<Row>()
                    .filter_map(Result::err)
                    .for_each(|error| hides_the_body(&error));
            }
            Self::Batch => {
                let rows = rows.map(|row| BatchOperation::insert("t", row));
                let response = vault.batch(BatchRequest::new(rows)).await?;
                let indexes: Vec<_> = response.outcomes.iter().map(|outcome| outcome.request_index).collect();
                assert!(indexes.iter().copied().eq(0..count), "{indexes:?}");
                for (outcome, element) in response.outcomes.iter().zip(elements) {
                    if let Some((id, _)) = only_row(element).and_then(written_row) {
                        let found = outcome.result.as_ref().ok().and_then(|row| row.skyflow_id.as_deref());
                        assert_eq!(found, Some(id), "{element} is lost");
                    }
                }
            }
            Self::Get => {
                let response = vault.get(GetRequest::new("t").all_rows()).await?;
                assert!(body.is_none() || response.data.len() + response.errors.len() == elements.len());
                keeps(elements, response.data.iter().map(|row| row.raw()));
                response
                    .each_record::<Row>()
                    .filter_map(Result::err)
                    .for_each(|error| hides_the_body(&error));
                response.errors.iter().for_each(|error| hides_the_body(error));
            }
            Self::Query => {
                let response = vault.query(QueryRequest::new("SELECT 1")).await?;
                keeps(elements, response.fields.iter().map(|row| row.record.raw()));
                response
                    .each_record::<Row>()
                    .filter_map(Result::err)
                    .for_each(|error| hides_the_body(&error));
            }
            Self::Detokenize => detokenized(vault, elements).await?,
            Self::Tokenize => {
                let request = (0..count).fold(TokenizeRequest::new(), |request, _| request.value("v", "g"));
                let response = vault.tokenize(request).await?;
                let known = response.tokenized_fields.iter().map(|field| field.request_index);
                each_is_in_one_list(count, known, response.errors.iter().map(|field| field.request_index));
                for (index, element) in elements.iter().enumerate() {
                    let Some(token) = text(element, "token") else { continue };
                    if is_failure(element) {
                        continue;
                    }
                    let mut fields = response.tokenized_fields.iter();
                    assert!(
                        fields.any(|field| field.request_index == index && field.token == token),
                        "{element} is lost"
                    );
                }
            }
            Self::Update => {
                let response = vault.update(UpdateRequest::new("t", "asked", json!({"n": 1}))).await?;
                let Some(body) = body else { return Ok(()) };
                let id = text(body, "skyflow_id").unwrap_or("asked");
                assert_eq!(response.skyflow_id, id);
                if let Some(tokens) = body.get("tokens").filter(|tokens| tokens.is_object()) {
                    let found = response.tokens.as_ref().map(|tokens| read(tokens.raw()));
                    assert_eq!(found.as_ref(), Some(tokens));
                }
            }
            Self::Delete => {
                let response = vault.delete(DeleteRequest::new("t", ["id"])).await?;
                for id in elements.iter().filter_map(Value::as_str).filter(|id| !id.is_empty()) {
                    assert!(response.deleted_ids.iter().any(|deleted| deleted == id), "{id:?} is lost");
                }
            }
            Self::DeidentifyText => {
                let response = vault.detect().deidentify_text(DeidentifyTextRequest::new("x")).await?;
                if let Some(body) = body {
                    assert_eq!(body["processed_text"], response.processed_text.as_str());
                }
            }
        }
        Ok(())
    }
}

/// Detokenizes what the response is about, and checks where each token is known.
async fn detokenized(vault: &Vault, elements: &[Value]) -> Result<(), Error> {
    let tokens: Vec<Option<&str>> = elements
        .iter()
        .map(|element| text(element, "token").filter(|token| !token.trim().is_empty()))
        .collect();
    let requested = tokens.iter().map(|token| token.unwrap_or("none")).chain(["behind"]);
    let request = requested.fold(DetokenizeRequest::new(), DetokenizeRequest::token);
    let response = vault.detokenize(request.continue_on_error(true)).await?;
    let known = response.detokenized_fields.iter().map(|field| field.request_index);
    each_is_in_one_list(tokens.len() + 1, known, response.errors.iter().map(|field| field.request_index));
    let distinct: BTreeSet<_> = tokens.iter().flatten().collect();
    let is_certain = distinct.len() == tokens.len()
        && distinct
            .iter()
            .all(|token| !token.starts_with("signed_token") && !["none", "behind"].contains(token));
    if !is_certain {
        return Ok(());
    }
    for (index, element) in elements.iter().enumerate() {
        if is_failure(element) || element.get("value").is_none_or(Value::is_null) {
            continue;
        }
        let field = response.detokenized_fields.iter().find(|field| field.request_index == index);
        let field = field.unwrap_or_else(|| panic!("{element} is lost"));
        assert_eq!(field.raw().map(read).as_ref(), element.get("value"));
        if let Some(value) = text(element, "value") {
            assert_eq!(field.value().as_deref(), Some(value));
        }
    }
    Ok(())
}

fn each_is_in_one_list(count: usize, good: impl Iterator<Item = usize>, failed: impl Iterator<Item = usize>) {
    let (good, failed): (BTreeSet<_>, BTreeSet<_>) = (good.collect(), failed.collect());
    assert!(good.is_disjoint(&failed) && good.union(&failed).copied().eq(0..count), "{good:?} {failed:?}");
}

/// Every element with fields is among the rows, in the order of the response.
fn keeps<'a>(elements: &[Value], rows: impl Iterator<Item = &'a str>) {
    let mut rows = rows.map(read);
    for fields in
        elements.iter().filter_map(|element| element.get("fields")).filter(|fields| fields.is_object())
    {
        assert!(rows.any(|row| row == *fields), "{fields} is lost");
    }
}

/// Returns id and tokens of a row that was written.
fn written_row(row: &Value) -> Option<(&str, Option<&Value>)> {
    let id = text(row, "skyflow_id").filter(|id| !id.is_empty())?;
    match row.get("tokens") {
        None | Some(Value::Null) => Some((id, None)),
        Some(tokens) => tokens.is_object().then_some((id, Some(tokens))),
    }
}

/// Returns the row of an entry of a batch that succeeded.
fn only_row(entry: &Value) -> Option<&Value> {
    let members = entry.as_object()?;
    let body = members.get("Body")?.as_object()?;
    let is_success = members.get("Status")?.as_u64().is_some_and(|status| (200..300).contains(&status));
    let is_plain = members.len() == 2 && body.len() == 1;
    match body.get("records")?.as_array()?.as_slice() {
        [row] if is_success && is_plain => Some(row),
        _ => None,
    }
}

fn is_failure(element: &Value) -> bool {
    element.get("error").is_some_and(|error| !error.is_null())
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str().filter(|text| !text.is_empty())
}

fn read(json: &str) -> Value {
    serde_json::from_str(json).expect("a part of a response is JSON")
}

fn hides_the_body(error: &dyn std::error::Error) {
    let shown = shown(error);
    assert!(!shown.contains(NAME), "{shown}");
    assert_is_one_line(error);
}

fn with_name(body: &[u8]) -> Vec<u8> {
    let parts: Vec<&[u8]> = body.split(|byte| *byte == 1).collect();
    parts.join(NAME.as_bytes())
}
