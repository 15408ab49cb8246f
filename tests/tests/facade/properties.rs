use std::sync::OnceLock;

use percent_encoding::percent_decode_str;
use proptest::prelude::*;
use serde_json::{Value, json};
use skyflow::{
    DetokenizeRequest, ErrorKind, GetRequest, InsertRequest, Redaction, Skyflow, UpdateRequest, Vault,
};
use skyflow_emulator::{Column, DataType, EmbeddedVault, Table, TokenPolicy};
use tokio::runtime::{Builder, Runtime};

use crate::scripted_vault::{Clients, script};

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap())
}

/// A vault with a column of each type that has tokens.
fn vault_of_all_types() -> &'static Vault {
    static VAULT: OnceLock<Vault> = OnceLock::new();
    VAULT.get_or_init(|| {
        let column =
            |name: &str, data_type| Column::new(name, data_type).tokens(TokenPolicy::DeterministicUuid);
        let table = Table::new("all_types")
            .column(column("text", DataType::String))
            .column(column("integer", DataType::Int32))
            .column(column("number", DataType::Float32))
            .column(column("flag", DataType::Bool))
            .column(column("nested", DataType::Json));
        let embedded = EmbeddedVault::builder().table(table).build().unwrap();
        Skyflow::connect(embedded.endpoint()).unwrap().default_vault().unwrap()
    })
}

fn nested() -> impl Strategy<Value = Value> {
    let transport = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    transport.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn detokenized_values_equal_inserted_values(
        text in any::<String>().prop_filter("a value", |text| !text.is_empty()),
        integer in any::<i32>(),
        number in any::<f32>().prop_filter("JSON has no others", |number| number.is_finite()),
        flag in any::<bool>(),
        nested in prop::collection::btree_map(any::<String>(), nested(), 0..4),
    ) {
        let nested = json!(nested);
        let row = json!({"text": text, "integer": integer, "number": number, "flag": flag, "nested": nested});
        runtime().block_on(async {
            let vault = vault_of_all_types();
            let inserted = vault.insert(InsertRequest::new("all_types").record(&row).return_tokens(true)).await.unwrap();
            let stored = &inserted.inserted_fields[0];
            let columns = ["text", "integer", "number", "flag", "nested"];
            let tokens = columns.map(|column| stored.token(column).unwrap());
            let response = vault.detokenize(DetokenizeRequest::new().tokens(&tokens, Redaction::PlainText)).await.unwrap();
            let values: Vec<String> = response.detokenized_fields.iter().map(|field| field.value().unwrap()).collect();
            assert_eq!(values[0], text);
            assert_eq!(values[1].parse::<i32>().unwrap(), integer);
            assert_eq!(values[2].parse::<f32>().unwrap(), number);
            assert_eq!(values[3].parse::<bool>().unwrap(), flag);
            assert_eq!(serde_json::from_str::<Value>(&values[4]).unwrap(), nested);

            let request = GetRequest::new("all_types").ids([&stored.skyflow_id]).redaction(Redaction::PlainText);
            let got = vault.get(request).await.unwrap().data.remove(0);
            assert_eq!(got.get::<String>("text").unwrap().unwrap(), text);
            assert_eq!(got.get::<Value>("nested").unwrap().unwrap(), nested);
        });
    }

    #[test]
    fn rel_b05_mixed_row_statuses_keep_their_index(
        statuses in prop::collection::vec(prop::sample::select(vec![200_u16, 207, 400, 404, 409, 429, 500]), 1..60),
        unmentioned in 0_usize..4,
    ) {
        let entry = |(index, status): (usize, &u16)| match status {
            200..300 => json!({"Status": status, "Body": {"records": [{"skyflow_id": index.to_string(), "tokens": {"n": "t"}}]}}),
            _ => json!({"Status": status, "Body": {"error": index.to_string()}}),
        };
        let responses: Vec<Value> = statuses.iter().enumerate().map(entry).collect();
        let server = script(&[(200, json!({"responses": responses}))]);
        let count = statuses.len() + unmentioned;
        let rows = (0..count).map(|n| json!({"n": n}));
        let request = InsertRequest::new("t").records(rows).continue_on_error(true);
        let response = runtime().block_on(server.vault().insert(request)).unwrap();

        let mut seen: Vec<usize> = response.inserted_fields.iter().map(|row| row.request_index).collect();
        seen.extend(response.errors.iter().map(|row| row.request_index));
        seen.sort_unstable();
        prop_assert_eq!(seen, (0..count).collect::<Vec<_>>(), "each row once");
        for row in &response.inserted_fields {
            prop_assert!(statuses[row.request_index] < 300);
            prop_assert_eq!(&row.skyflow_id, &row.request_index.to_string());
        }
        for row in &response.errors {
            match statuses.get(row.request_index) {
                Some(status) => {
                    prop_assert_eq!(row.http_code, Some(*status));
                    prop_assert_eq!(&row.error, &row.request_index.to_string());
                }
                None => prop_assert_eq!(row.http_code, None),
            }
        }
    }

    #[test]
    fn rel_s05_any_string_is_one_segment_or_refused(
        table in segment(), id in segment(), column in segment(), value in segment(),
    ) {
        // Each of the two calls reads its part of this response.
        let server = script(&[(200, json!({"skyflow_id": "x", "records": []}))]);
        let vault = server.vault();
        let (update, get) = runtime().block_on(async {
            let update = vault.update(UpdateRequest::new(&table, &id, json!({"a": 1}))).await;
            (update, vault.get(GetRequest::new(&table).column(&column, [&value])).await)
        });
        let blank = |text: &str| text.trim().is_empty();
        let dots = |text: &str| matches!(text, "." | "..");
        let mut sent = server.requests().into_iter();

        let refused = [&table, &id].iter().any(|text| blank(text) || dots(text));
        prop_assert_eq!(update.as_ref().err().map(skyflow::Error::kind), refused.then_some(ErrorKind::InvalidInput));
        if !refused {
            let target = sent.next().unwrap().target().to_owned();
            let segments: Vec<_> = target.split('/').map(|part| percent_decode_str(part).decode_utf8().unwrap()).collect();
            prop_assert_eq!(&segments, &["", "v1", "vaults", "v1", &table, &id]);
            prop_assert!(!target.contains(['?', '#']));
        }

        let refused = [&table, &column, &value].iter().any(|text| blank(text)) || dots(&table);
        prop_assert_eq!(get.as_ref().err().map(skyflow::Error::kind), refused.then_some(ErrorKind::InvalidInput));
        if !refused {
            let target = sent.next().unwrap().target().to_owned();
            let (path, query) = target.split_once('?').unwrap();
            prop_assert_eq!(path.split('/').count(), 5);
            let pairs: Vec<_> = query.split('&').map(|pair| pair.split_once('=').unwrap()).collect();
            let decoded = |at: usize| percent_decode_str(pairs[at].1).decode_utf8().unwrap().into_owned();
            prop_assert_eq!(pairs.len(), 2);
            prop_assert_eq!((pairs[0].0, decoded(0)), ("column_name", column));
            prop_assert_eq!((pairs[1].0, decoded(1)), ("column_values", value));
        }
        prop_assert!(sent.next().is_none());
    }
}

/// Any text, and more often than by chance one that means something in a URI.
fn segment() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => any::<String>(),
        2 => "[a-z./?#%&=\\\\;:@+ ]{0,12}",
        1 => prop::sample::select(vec!["", ".", "..", "../x", "%2e%2e", "a/b", "//", " ", "\u{0}", "a\r\nHost: evil"])
            .prop_map(str::to_owned),
    ]
}
