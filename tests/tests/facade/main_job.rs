//! Insert a card, get tokens, turn them back, get the row: with every kind of credentials, over a socket and without.

use http::header::AUTHORIZATION;
use serde::{Deserialize, Serialize};
use skyflow::{
    Credentials, DetokenizeRequest, GetRequest, InsertRequest, Redaction, Skyflow, Vault, VaultConfig,
};
use skyflow_emulator::{AuthKind, EmbeddedVault, Operation};
use skyflow_testkit::Recorder;
use skyflow_testkit::polling::in_time;
use skyflow_tests::clients::{CARD_NUMBER, CARDHOLDER, insert_card};

use crate::places::Place;

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Card {
    card_number: String,
    cardholder_name: String,
}

async fn the_main_job(vault: &Vault) {
    let inserted = vault.insert(insert_card()).await.unwrap();
    let [row] = &inserted.inserted_fields[..] else { panic!("one row: {inserted:?}") };
    assert!(inserted.errors.is_empty() && inserted.request_id.is_some());
    let tokens: Card = row.decode().unwrap();
    assert_ne!(tokens, Card { card_number: CARD_NUMBER.into(), cardholder_name: CARDHOLDER.into() });
    assert_eq!(row.token("card_number").as_ref(), Some(&tokens.card_number));

    let both = [&tokens.card_number, &tokens.cardholder_name];
    for (redaction, values) in [
        (Redaction::PlainText, [Some(CARD_NUMBER), Some(CARDHOLDER)]),
        (Redaction::Masked, [Some("XXXXXXXXXXXX1111"), Some("*REDACTED*")]),
    ] {
        let request = DetokenizeRequest::new().tokens(both.map(String::as_str), redaction);
        let response = vault.detokenize(request).await.unwrap();
        let got: Vec<_> = response.detokenized_fields.iter().map(|field| field.value()).collect();
        assert_eq!(got[0].as_deref(), values[0], "{redaction}");
        assert!(response.errors.is_empty() && response.request_id.is_some());
        if redaction == Redaction::PlainText {
            assert_eq!(got[1].as_deref(), values[1]);
        } else {
            assert_ne!(got[1].as_deref(), Some(CARDHOLDER), "{redaction}");
        }
    }

    let by_id = GetRequest::new("table1").ids([&row.skyflow_id]).redaction(Redaction::PlainText);
    let got: Vec<Card> = vault.get(by_id).await.unwrap().records().unwrap();
    assert_eq!(got, [Card { card_number: CARD_NUMBER.into(), cardholder_name: CARDHOLDER.into() }]);
}

#[tokio::test]
async fn main_job_runs_with_all_kinds_of_credentials() {
    for place in Place::all().await {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), place.credentials_json()).unwrap();
        let bearer = in_time(place.bearer_token()).await;
        for (credentials, kind, exchanges) in [
            (Credentials::api_key(place.vault().api_key().expose()).unwrap(), AuthKind::ApiKey, 0),
            (Credentials::bearer_token(bearer).unwrap(), AuthKind::BearerToken, 0),
            (Credentials::from_json(&place.credentials_json()).unwrap(), AuthKind::BearerToken, 1),
            (Credentials::from_path(file.path()), AuthKind::BearerToken, 1),
        ] {
            place.vault().clear_journal();
            let recorder = Recorder::new();
            let shown = format!("{credentials:?}");
            in_time(the_main_job(&place.vault_client(credentials, &recorder))).await;

            let journal = place.vault().journal();
            let minted =
                journal.iter().filter(|e| e.operation == Some(Operation::AuthenticationGetToken.name()));
            assert_eq!(minted.count(), exchanges, "{shown}: one token for all calls");
            let calls: Vec<_> = journal
                .iter()
                .filter(|e| e.operation != Some(Operation::AuthenticationGetToken.name()))
                .collect();
            assert_eq!(
                calls.iter().filter_map(|e| e.operation).collect::<Vec<_>>(),
                [
                    Operation::RecordsInsert.name(),
                    Operation::TokensDetokenize.name(),
                    Operation::TokensDetokenize.name(),
                    Operation::RecordsList.name()
                ]
            );
            for call in calls {
                assert_eq!((call.caller.auth, call.failed), (kind, 0), "{shown}");
                assert!(
                    call.caller.user_agent.as_deref().is_some_and(|agent| agent.starts_with("skyflow-rust/"))
                );
                assert!(
                    call.caller.metadata.as_deref().is_some_and(|json| json.contains("sdk_name_version"))
                );
            }
            for exchange in recorder.exchanges() {
                let minting = exchange.uri.path().ends_with("/oauth/token");
                assert_eq!(exchange.headers.contains_key(AUTHORIZATION), !minting, "{}", exchange.uri.path());
            }
        }
    }
}

#[tokio::test]
async fn many_rows_keep_their_order_in_every_call() {
    let place = Place::Process(EmbeddedVault::builder().build().unwrap());
    let key = Credentials::api_key(place.vault().api_key().expose()).unwrap();
    let vault = place.vault_client(key, &Recorder::new());
    let numbers: Vec<String> = (0..20).map(|n| format!("41111111111{n:05}")).collect();
    let cards =
        numbers.iter().map(|n| Card { card_number: n.clone(), cardholder_name: format!("Holder {n}") });
    for continue_on_error in [false, true] {
        let request = InsertRequest::new("table1")
            .records(cards.clone())
            .return_tokens(true)
            .continue_on_error(continue_on_error);
        let inserted = in_time(vault.insert(request)).await.unwrap();
        let indexes: Vec<_> = inserted.inserted_fields.iter().map(|row| row.request_index).collect();
        assert_eq!(indexes, (0..20).collect::<Vec<_>>());
        // In reverse order: a value belongs to its token, not to a position.
        let tokens = inserted.inserted_fields.iter().rev().map(|row| row.token("card_number").unwrap());
        let request = DetokenizeRequest::new().tokens(tokens, Redaction::PlainText);
        let response = in_time(vault.detokenize(request)).await.unwrap();
        let values: Vec<_> = response.detokenized_fields.iter().rev().filter_map(|f| f.value()).collect();
        assert_eq!(values, numbers);
    }
}

#[tokio::test]
async fn continue_on_error_keeps_the_other_rows() {
    let place = Place::Process(EmbeddedVault::builder().build().unwrap());
    let key = Credentials::api_key(place.vault().api_key().expose()).unwrap();
    let vault = place.vault_client(key, &Recorder::new());
    let rows = [
        serde_json::json!({"name": "Ada"}),
        serde_json::json!({"no_such_column": "x"}),
        serde_json::json!({"name": "Bob"}),
    ];
    let request = InsertRequest::new("table1").records(rows.clone()).continue_on_error(true);
    let response = in_time(vault.insert(request)).await.unwrap();
    assert_eq!(response.inserted_fields.iter().map(|row| row.request_index).collect::<Vec<_>>(), [0, 2]);
    let [error] = &response.errors[..] else { panic!("one error: {response:?}") };
    assert_eq!((error.request_index, error.http_code), (1, Some(400)));
    assert_eq!(error.request_id, response.request_id);

    let error = in_time(vault.insert(InsertRequest::new("table1").records(rows))).await.unwrap_err();
    assert_eq!(error.http_code(), Some(404));
    assert!(!error.may_have_been_applied(), "all rows or none");

    let token = DetokenizeRequest::new().token("9999-9999-9999-9999").continue_on_error(true);
    let response = in_time(vault.detokenize(token)).await.unwrap();
    assert_eq!((response.detokenized_fields.len(), response.errors.len()), (0, 1));
}

#[tokio::test]
async fn two_vaults_of_one_client_are_isolated() {
    let places = [EmbeddedVault::builder().build().unwrap(), EmbeddedVault::builder().build().unwrap()];
    let mut servers = Vec::new();
    let mut builder = Skyflow::builder();
    for place in &places {
        let server = place.serve().await.unwrap();
        let key = Credentials::api_key(place.api_key().expose()).unwrap();
        builder =
            builder.vault(VaultConfig::with_base_url(place.vault_id(), server.base_url()).credentials(key));
        servers.push(server);
    }
    let client = builder.build().unwrap();
    let [first, second] = places.each_ref().map(|place| client.vault(place.vault_id()).unwrap());
    let row = in_time(first.insert(insert_card())).await.unwrap().inserted_fields.remove(0);
    let by_id = || GetRequest::new("table1").ids([&row.skyflow_id]);
    assert_eq!(in_time(first.get(by_id())).await.unwrap().data.len(), 1);
    assert_eq!(in_time(second.get(by_id())).await.unwrap_err().http_code(), Some(404));
    assert_eq!(client.default_vault().unwrap().id(), first.id());
}
