use skyflow_emulator::{
    BuildError, Column, Dictionary, Finding, NewServiceAccount, Passage, Recognizer, Role, Table, TokenPolicy,
};
use skyflow_types::DetectEntity;

use super::*;

#[tokio::test]
async fn text_response_matches_the_documentation() {
    let response = deidentified(&client(), TEXT, json!({})).await;
    assert_eq!(response["processed_text"], "My name is [NAME_1] and my SSN is [SSN_1].");
    assert_eq!((response["word_count"].clone(), response["character_count"].clone()), (json!(10), json!(46)));
    let [name, ssn] = response["entities"].as_array().unwrap().as_slice() else { panic!("{response}") };
    assert_eq!((name["token"].clone(), name["value"].clone()), (json!("NAME_1"), json!("Jane Doe")));
    assert_eq!(name["entity_type"], "NAME");
    let location =
        json!({"start_index": 11, "end_index": 19, "start_index_processed": 11, "end_index_processed": 19});
    assert_eq!(name["location"], location);
    assert!(name["entity_scores"]["NAME"].as_f64().unwrap() > 0.5);
    let location =
        json!({"start_index": 34, "end_index": 45, "start_index_processed": 34, "end_index_processed": 41});
    assert_eq!(ssn["location"], location);
}

#[tokio::test]
async fn vault_tokens_are_stable_and_reidentify() {
    let folder = tempfile::tempdir().unwrap();
    let open = || EmbeddedVault::builder().data_file(folder.path().join("vault.db")).build().unwrap();
    let options = json!({"token_type": {"default": "vault_token"}});
    let client = Client::new(&open());
    let first = deidentified(&client, TEXT, options.clone()).await;
    let text = first["processed_text"].as_str().unwrap().to_owned();
    assert!(!text.contains("Jane") && !text.contains("6789"), "{text}");
    let token = first["entities"][0]["token"].as_str().unwrap();
    let tail = token.strip_prefix("NAME_").unwrap();
    assert!(tail.len() == 7 && tail.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{token}");
    let name = deidentified(
        &client,
        "Jane Doe",
        json!({"token_type": {"vault_token": ["name"]}, "entity_types": ["all"]}),
    )
    .await;
    assert_eq!(name["processed_text"], format!("[{token}]"));
    assert_eq!(reidentified(&client, &text, json!({})).await, TEXT);
    drop(client);
    let client = Client::new(&open());
    assert_eq!(deidentified(&client, TEXT, options).await["processed_text"], first["processed_text"]);
    assert_eq!(reidentified(&client, &text, json!(null)).await, TEXT);
}

#[tokio::test]
async fn reidentify_follows_request_and_role() {
    let client = client();
    let response = deidentified(&client, TEXT, json!({"token_type": {"default": "vault_token"}})).await;
    let text = response["processed_text"].as_str().unwrap();
    let format = json!({"masked": ["ssn"], "redacted": ["name"]});
    assert_eq!(reidentified(&client, text, format).await, "My name is *REDACTED* and my SSN is XXXXX6789.");
    for (role, shown) in
        [(Role::VaultOwner, TEXT), (Role::DetectInvoker, "My name is XXXXX Doe and my SSN is XXXXX6789.")]
    {
        let other = as_role(&client, role);
        assert_eq!(reidentified(&other, text, json!({"plaintext": ["all"]})).await, shown, "{role:?}");
    }
    for role in [Role::VaultEditor, Role::VaultViewer, Role::ConnectionInvoker] {
        let other = as_role(&client, role);
        detect(&other, "/reidentify/string", json!({"text": text})).await.error(403);
    }
}

fn as_role(client: &Client, role: Role) -> Client {
    let account = client.vault.create_service_account(NewServiceAccount::new("a").role(role)).unwrap();
    client.with_bearer(account.create_api_key().unwrap().expose())
}

#[tokio::test]
async fn only_owners_and_detect_invokers_may_call() {
    let client = client();
    for (role, status) in [
        (Role::VaultOwner, 200),
        (Role::VaultEditor, 403),
        (Role::DetectInvoker, 200),
        (Role::VaultViewer, 403),
        (Role::ConnectionInvoker, 403),
    ] {
        let other = as_role(&client, role);
        for (path, body) in [
            ("/deidentify/string", json!({"text": TEXT})),
            ("/deidentify/file/text", file("txt", TEXT)),
            ("/guardrails", json!({"text": TEXT})),
        ] {
            assert_eq!(detect(&other, path, body).await.status.as_u16(), status, "{role:?} {path}");
        }
    }
    as_role(&client, Role::DetectInvoker).get("/table1").await.error(403);
}

fn with(mut body: Value, option: &str, value: Value) -> Value {
    body[option] = value;
    body
}

#[tokio::test]
async fn invalid_requests_fail_and_store_nothing() {
    let client = client();
    let refused = [
        ("/deidentify/string", json!({"text": ""})),
        ("/deidentify/string", json!({"text": " "})),
        ("/deidentify/string", json!({})),
        ("/deidentify/string", json!({"text": TEXT, "entity_types": ["no_such"]})),
        ("/deidentify/string", json!({"text": TEXT, "configuration_id": "no_such"})),
        ("/reidentify/string", json!({"text": ""})),
        ("/reidentify/string", json!({"text": "x", "format": {"masked": ["name"], "redacted": ["name"]}})),
        ("/guardrails", json!({"text": null})),
        ("/deidentify/file", json!({})),
        ("/deidentify/file/text", file("txt", "")),
        ("/deidentify/file/text", file("pdf", "x")),
        ("/deidentify/file/image", file("txt", "x")),
        ("/deidentify/file/text", json!({"file": {"base64": "=", "data_format": "txt"}})),
        ("/deidentify/file", file("exe", "x")),
        ("/reidentify/file", file("pdf", "x")),
        ("/deidentify/file/audio", with(file("mp3", "x"), "output_transcription", json!("no_such"))),
        ("/deidentify/file/audio", with(file("mp3", "x"), "bleep_frequency", json!("x"))),
        ("/deidentify/file/audio", with(file("mp3", "x"), "bleep_frequency", json!(-1))),
        ("/deidentify/file/audio", with(file("mp3", "x"), "bleep_frequency", json!(10.5))),
        ("/deidentify/file/audio", with(file("mp3", "x"), "bleep_stop_padding", json!(-0.5))),
        ("/deidentify/file/document/pdf", with(file("pdf", "x"), "density", json!(-1))),
        ("/deidentify/file/document/pdf", with(file("pdf", "x"), "density", json!(1001))),
        ("/deidentify/file/document/pdf", with(file("pdf", "x"), "max_resolution", json!(71))),
        ("/deidentify/file/document/pdf", with(file("pdf", "x"), "max_resolution", json!(3001))),
        ("/deidentify/file/audio", with(file("mp3", "x"), "bleep_frequency", json!(19))),
        ("/deidentify/file/audio", with(file("mp3", "x"), "bleep_frequency", json!(20_001))),
        ("/deidentify/file/audio", with(file("mp3", "x"), "bleep_start_padding", json!(20.5))),
        ("/deidentify/file/audio", with(file("mp3", "x"), "bleep_stop_padding", json!(21))),
        ("/deidentify/file/audio", with(file("mp3", "x"), "bleep_gain", json!(-60.5))),
        ("/guardrails", json!({"text": "x".repeat(500_001)})),
        ("/guardrails", json!({"text": "x", "deny_topics": vec!["x"; 101]})),
        ("/guardrails", json!({"text": "x", "deny_topics": ["x".repeat(61)]})),
    ];
    for (path, body) in refused {
        detect(&client, path, body.clone()).await.error(400);
    }
    for format in ["mp3", "pdf", "png", "pptx", "xlsx", "docx"] {
        let mut with_vault_tokens = file(format, TEXT);
        with_vault_tokens["token_type"] = json!({"default": "vault_token"});
        detect(&client, "/deidentify/file", with_vault_tokens).await.error(400);
    }
    let other = json!({"text": TEXT, "vault_id": "another"}).to_string();
    request(&client, Method::POST, "/v1/detect/deidentify/string", other).await.error(404);
    let none = json!({"text": TEXT}).to_string();
    request(&client, Method::POST, "/v1/detect/deidentify/string", none).await.error(400);
    // One entity of two has no column, so that the other one is not stored either.
    let vault = EmbeddedVault::builder()
        .without_default_tables()
        .table(Table::new("own").column(Column::string("name_entity").tokens(TokenPolicy::DeterministicUuid)))
        .build()
        .unwrap();
    let client = Client::new(&vault);
    let body = json!({"text": TEXT, "token_type": {"default": "vault_token"}});
    let response = detect(&client, "/deidentify/string", body).await;
    assert!(response.error(400).contains("ssn_entity"));
    assert_eq!(client.get("/own").await.ok()["records"], json!([]));
    let options = json!({"token_type": {"vault_token": ["name"]}});
    let text = deidentified(&client, TEXT, options).await["processed_text"].as_str().unwrap().to_owned();
    assert_eq!(reidentified(&client, &text, json!({})).await, "My name is Jane Doe and my SSN is [SSN_1].");
}

#[tokio::test]
async fn zero_and_empty_options_count_as_unset() {
    let client = client();
    let options = json!({
        "entity_types": [], "allow_regex": [], "restrict_regex": null, "configuration_id": "",
        "token_type": {"default": "", "vault_token": [], "entity_only": null},
        "transformations": {"shift_dates": {}},
    });
    let text = deidentified(&client, TEXT, options.clone()).await["processed_text"].clone();
    assert_eq!(text, "My name is [NAME_1] and my SSN is [SSN_1].");
    let mut body = options;
    for (name, value) in [
        ("density", json!(0)),
        ("max_resolution", json!(0.0)),
        ("masking_method", json!("")),
        ("output_transcription", json!("")),
        ("bleep_frequency", json!(0)),
        ("bleep_gain", json!(0)),
        ("bleep_start_padding", json!(0)),
    ] {
        body[name] = value;
    }
    for format in ["txt", "TXT"] {
        body["file"] = file(format, TEXT)["file"].clone();
        let run_id = start(&client, "/deidentify/file", body.clone()).await;
        assert_eq!(run_id.len(), 36, "{format}");
    }
    body["file"] = file("pdf", "x")["file"].clone();
    body["density"] = json!(300.0);
    start(&client, "/deidentify/file/document/pdf", body).await;
}

#[tokio::test]
async fn shaped_vault_token_uses_first_matching_column() {
    let column = || Column::string("name_entity");
    let fitting = || Table::new("b").column(column().tokens(TokenPolicy::DeterministicFormatPreserving));
    let builder = EmbeddedVault::builder().without_default_tables().table(Table::new("a").column(column()));
    let vault = builder.table(fitting()).build().unwrap();
    vault.dictionary().teach("Ann [x]", DetectEntity::NAME);
    let client = Client::new(&vault);
    let options = json!({"entity_types": ["name"], "token_type": {"default": "vault_token"}});
    let text = deidentified(&client, TEXT, options.clone()).await["processed_text"].clone();
    assert!(!text.as_str().unwrap().contains("Jane"), "{text}");
    assert_eq!(reidentified(&client, text.as_str().unwrap(), json!({})).await, TEXT);
    let mut unreadable = options;
    unreadable["text"] = json!("for Ann [x].");
    detect(&client, "/deidentify/string", unreadable).await.error(400);
}

#[tokio::test]
async fn dictionary_recognizers_configurations_apply() {
    /// Finds every `§`.
    #[derive(Debug)]
    struct Sections;

    impl Recognizer for Sections {
        fn recognize(&self, passage: &Passage<'_>) -> Vec<Finding> {
            let found = passage.text().match_indices('§');
            found
                .map(|(at, sign)| Finding::new(at..at + sign.len(), DetectEntity::MEDICAL_CODE, 0.5))
                .collect()
        }
    }

    let dictionary = Dictionary::new();
    dictionary.teach("Acme Falcon", DetectEntity::PROJECT);
    let vault = EmbeddedVault::builder()
        .dictionary(dictionary)
        .recognizer(Sections)
        .detect_configuration(
            "c1",
            json!({"entity_types": ["project"], "token_type": {"default": "entity_only"}}),
        )
        .build()
        .unwrap();
    let client = Client::new(&vault);
    let text = "§ acme falcon of the Blue Fox";
    assert_eq!(
        deidentified(&client, text, json!({})).await["processed_text"],
        "[MEDICAL_CODE_1] [PROJECT_1] of the Blue Fox"
    );
    vault.dictionary().teach("blue fox", DetectEntity::PRODUCT);
    let all = deidentified(&client, text, json!({"entity_types": ["project", "product"]})).await;
    assert_eq!(all["processed_text"], "§ [PROJECT_1] of the [PRODUCT_1]");
    let configured = deidentified(&client, text, json!({"configuration_id": "c1"})).await;
    assert_eq!(configured["processed_text"], "§ [PROJECT] of the Blue Fox");
    let both = json!({"text": text, "configuration_id": "c1", "allow_regex": ["x"]});
    detect(&client, "/deidentify/string", both).await.error(400);
    let broken =
        EmbeddedVault::builder().detect_configuration("c2", json!({"entity_types": ["no_such"]})).build();
    assert!(matches!(broken, Err(BuildError::DetectConfiguration { id }) if id == "c2"));
}

#[tokio::test]
async fn guardrails_say_what_they_were_asked_for() {
    let client = client();
    for (body, toxic, topic, validation) in [
        (json!({"text": "Hello"}), false, false, "passed"),
        (json!({"text": "You idiot", "check_toxicity": true}), true, false, "failed"),
        (json!({"text": "You idiot"}), true, false, "failed"),
        (json!({"text": "You idiot", "check_toxicity": null}), true, false, "failed"),
        (json!({"text": "You idiot", "check_toxicity": false}), false, false, "passed"),
        (json!({"text": "about Weapons", "deny_topics": ["weapons"]}), false, true, "failed"),
    ] {
        let response = detect(&client, "/guardrails", body).await.ok();
        assert_eq!(
            (response["toxic"].clone(), response["denied_topic"].clone()),
            (json!(toxic), json!(topic))
        );
        assert_eq!(response["validation"], validation);
    }
}

#[tokio::test]
async fn values_in_a_dense_list_are_each_found() {
    let client = client();
    for (text, processed) in [
        ("John Doe,123-45-6789,1990-06-05", "[NAME_1],[SSN_1],[DATE_1]"),
        ("4111111111111111,5555555555554444", "[CREDIT_CARD_1],[CREDIT_CARD_2]"),
        ("10.0.0.1,10.0.0.2", "[IP_ADDRESS_1],[IP_ADDRESS_2]"),
        ("Phones: 415-555-2671,415-555-2672", "Phones: [PHONE_NUMBER_1],[PHONE_NUMBER_2]"),
    ] {
        assert_eq!(deidentified(&client, text, json!({})).await["processed_text"], processed);
    }
}
