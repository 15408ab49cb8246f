//! Any mix of forms, methods, statuses and malformed entries: no written row loses its id.

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use skyflow::{BatchOperation, BatchRequest, InsertRequest};
use tokio::runtime::{Builder, Runtime};

use crate::vault_responding;

fn block_on<F: Future>(future: F) -> F::Output {
    thread_local! {
        static RUNTIME: Runtime = Builder::new_current_thread().enable_all().build().unwrap();
    }
    RUNTIME.with(|runtime| runtime.block_on(future))
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Method {
    Post,
    Put,
    Get,
    Delete,
}

/// How the entry of a row that was written or read is put together.
#[derive(Debug, Clone, Copy)]
enum Form {
    Plain,
    Wrapped(u16),
    /// `Body` without `Status`.
    Body,
    /// `Status` beside the members of the plain form.
    Beside(u16),
}

#[derive(Debug, Clone)]
enum Entry {
    /// A row with an id; members that a server may leave out are cut by the bits.
    Good { form: Form, cut: u8 },
    /// An error with a status outside of 2xx.
    Failed { wrapped: bool, status: u16, object: bool },
    /// JSON that is the entry of no operation.
    Malformed(Value),
}

fn method() -> impl Strategy<Value = Method> {
    prop::sample::select(vec![Method::Post, Method::Put, Method::Get, Method::Delete])
}

fn entry() -> impl Strategy<Value = Entry> {
    let success = prop::sample::select(vec![200_u16, 201, 207]);
    let form = prop_oneof![
        3 => Just(Form::Plain),
        3 => success.clone().prop_map(Form::Wrapped),
        1 => Just(Form::Body),
        1 => success.prop_map(Form::Beside),
    ];
    let status = prop::sample::select(vec![400_u16, 403, 404, 409, 429, 500, 503]);
    let malformed = prop::sample::select(vec![
        Value::Null,
        json!(17),
        json!("text"),
        json!([]),
        json!([{"skyflow_id": 1}]),
        json!({}),
        json!({"records": "text"}),
        json!({"records": [null, 1, []]}),
        json!({"Body": null, "Status": null}),
        json!({"Body": [], "Status": 99_999}),
        json!({"Body": {"records": {}}}),
        json!({"unknown": {"nested": true}}),
    ]);
    prop_oneof![
        6 => (form, any::<u8>()).prop_map(|(form, cut)| Entry::Good { form, cut }),
        2 => (any::<bool>(), status, any::<bool>())
            .prop_map(|(wrapped, status, object)| Entry::Failed { wrapped, status, object }),
        2 => malformed.prop_map(Entry::Malformed),
    ]
}

fn id(index: usize) -> String {
    format!("id-{index}")
}

/// The single operation's own response, without what `cut` takes away. A row that the vault names is never cut from
/// an insert: no one else knows its id.
fn response(method: Method, index: usize, cut: u8) -> Value {
    let keeps = |bit: u8| cut & (1 << bit) == 0;
    let mut body = Map::new();
    match method {
        Method::Post => {
            let mut row = Map::from_iter([("skyflow_id".to_owned(), json!(id(index)))]);
            if keeps(0) {
                row.insert("tokens".to_owned(), json!({"n": "t"}));
            }
            if !keeps(1) {
                // The published example of a batch has the id in both places, a row that was read in this one.
                row.insert("fields".to_owned(), json!({"skyflow_id": id(index)}));
            }
            if !keeps(1) && !keeps(2) {
                row.remove("skyflow_id");
            }
            body.insert("records".to_owned(), json!([row]));
        }
        Method::Put => {
            body.insert("tokens".to_owned(), if keeps(0) { json!({"n": "t"}) } else { Value::Null });
        }
        Method::Get => {
            body.insert("fields".to_owned(), if keeps(0) { json!({"n": 1}) } else { Value::Null });
        }
        Method::Delete => {
            body.insert("deleted".to_owned(), json!(true));
        }
    }
    if method != Method::Post && keeps(1) {
        body.insert("skyflow_id".to_owned(), if keeps(2) { json!(id(index)) } else { Value::Null });
    }
    if !keeps(3) {
        body.insert("error".to_owned(), Value::Null);
    }
    Value::Object(body)
}

fn wire(entry: &Entry, method: Method, index: usize) -> Value {
    match entry {
        Entry::Good { form, cut } => {
            let body = response(method, index, *cut);
            match form {
                Form::Plain => body,
                Form::Wrapped(status) => json!({"Body": body, "Status": status}),
                Form::Body => json!({"Body": body}),
                Form::Beside(status) => {
                    let mut body = body;
                    body["Status"] = (*status).into();
                    body
                }
            }
        }
        Entry::Failed { wrapped, status, object } => {
            let error =
                if *object { json!({"message": id(index), "http_code": status}) } else { json!(id(index)) };
            match wrapped {
                true => json!({"Body": {"error": error}, "Status": status}),
                false => json!({"error": error, "Status": status}),
            }
        }
        Entry::Malformed(value) => value.clone(),
    }
}

fn operation(method: Method, index: usize) -> BatchOperation {
    match method {
        Method::Post => BatchOperation::insert("t", json!({"n": index})),
        Method::Put => BatchOperation::update("t", id(index), json!({"n": index})),
        Method::Get => BatchOperation::get("t", id(index)),
        Method::Delete => BatchOperation::delete("t", id(index)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_row_of_a_batch_loses_its_id(
        entries in prop::collection::vec((method(), entry()), 1..20),
        unmentioned in 0_usize..3,
        go_on in any::<bool>(),
        http in prop::sample::select(vec![200_u16, 201, 207]),
    ) {
        let count = entries.len() + unmentioned;
        let operations = entries.iter().map(|(method, _)| *method).chain(std::iter::repeat_n(Method::Post, unmentioned));
        let operations = operations.enumerate().map(|(index, method)| operation(method, index));
        let responses: Vec<_> =
            entries.iter().enumerate().map(|(index, (method, entry))| wire(entry, *method, index)).collect();
        let vault = vault_responding(http, &json!({"vaultID": "v", "responses": responses}));
        let request = BatchRequest::new(operations).continue_on_error(go_on);
        let outcomes = block_on(vault.batch(request)).unwrap().outcomes;

        prop_assert_eq!(outcomes.len(), count);
        for (index, outcome) in outcomes.iter().enumerate() {
            prop_assert_eq!(outcome.request_index, index);
            match entries.get(index).map(|(_, entry)| entry) {
                Some(Entry::Good { form, .. }) => {
                    let row = outcome.result.as_ref().unwrap();
                    prop_assert_eq!(row.skyflow_id.as_ref(), Some(&id(index)));
                    let status = match form {
                        Form::Plain | Form::Body => http,
                        Form::Wrapped(status) | Form::Beside(status) => *status,
                    };
                    prop_assert_eq!(outcome.http_code, Some(status));
                }
                Some(Entry::Failed { status, .. }) => {
                    prop_assert_eq!(outcome.http_code, Some(*status));
                    let error = outcome.result.as_ref().unwrap_err();
                    prop_assert_eq!(error.message(), id(index));
                }
                Some(Entry::Malformed(value)) => {
                    let raw: Value = serde_json::from_str(outcome.raw().unwrap()).unwrap();
                    prop_assert_eq!(&raw, value);
                }
                None => {
                    prop_assert!(outcome.result.is_err() && outcome.raw().is_none());
                    prop_assert_eq!(outcome.http_code, None);
                }
            }
        }
    }

    #[test]
    fn no_row_of_an_insert_loses_its_id(
        entries in prop::collection::vec(entry(), 1..20),
        http in prop::sample::select(vec![200_u16, 207]),
    ) {
        let responses: Vec<_> =
            entries.iter().enumerate().map(|(index, entry)| wire(entry, Method::Post, index)).collect();
        let vault = vault_responding(http, &json!({"responses": responses}));
        let rows = (0..entries.len()).map(|n| json!({"n": n}));
        let request = InsertRequest::new("t").records(rows).continue_on_error(true);
        let response = block_on(vault.insert(request)).unwrap();

        let inserted: Vec<_> =
            response.inserted_fields.iter().map(|row| (row.request_index, row.skyflow_id.clone())).collect();
        let expected: Vec<_> = (0..entries.len())
            .filter(|index| matches!(entries[*index], Entry::Good { .. }))
            .map(|index| (index, id(index)))
            .collect();
        prop_assert_eq!(inserted, expected);
        let failed: Vec<_> = response.errors.iter().map(|row| row.request_index).collect();
        let expected: Vec<_> =
            (0..entries.len()).filter(|index| !matches!(entries[*index], Entry::Good { .. })).collect();
        prop_assert_eq!(failed, expected);
    }
}
