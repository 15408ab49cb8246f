use skyflow_emulator::{Column, Dictionary, NewServiceAccount, Role, Table, TokenPolicy};

use super::*;

/// A vault with a column of its own for the tokens of names and loyalty numbers.
fn with_columns() -> Client {
    let column = |name: &str| Column::string(name).tokens(TokenPolicy::DeterministicUuid);
    let dictionary = Dictionary::new();
    dictionary.teach("LX 4711", "loyalty_number");
    let vault = EmbeddedVault::builder()
        .table(Table::new("people").column(column("full_name")).column(column("loyalty_number_entity")))
        .dictionary(dictionary)
        .build()
        .unwrap();
    Client::new(&vault)
}

async fn configured(client: &Client, body: Value) -> Response {
    detect(client, "/configurations", body).await
}

async fn on(client: &Client, method: Method, id: &str, body: Value) -> Response {
    request(client, method, &format!("/v1/detect/configurations/{id}"), body.to_string()).await
}

#[tokio::test]
async fn configurations_are_stored_changed_and_removed() {
    let client = with_columns();
    let options = json!({"entity_types": ["ssn"], "token_type": {"default": "entity_only"}});
    let id = configured(&client, options.clone()).await.ok()["configuration_id"].as_str().unwrap().to_owned();
    let stored = on(&client, Method::GET, &id, json!({})).await.ok();
    assert_eq!((&stored["configuration_id"], &stored["entity_types"]), (&json!(id), &json!(["ssn"])));
    let text = deidentified(&client, TEXT, json!({"configuration_id": id})).await;
    assert_eq!(text["processed_text"], "My name is Jane Doe and my SSN is [SSN].");
    let changed =
        json!({"entity_types": ["name"], "skip_entities": true, "vault_id": client.vault.vault_id()});
    assert_eq!(on(&client, Method::PUT, &id, changed).await.ok()["skip_entities"], true);
    let text = deidentified(&client, TEXT, json!({"configuration_id": id})).await;
    assert_eq!(text["processed_text"], "My name is [NAME_1] and my SSN is 123-45-6789.");
    assert_eq!(text["entities"], json!([]));
    let mut body = file("txt", TEXT);
    body["configuration_id"] = json!(id);
    let ended = run(&client, &start(&client, "/deidentify/file/text", body).await).await;
    assert_eq!(ended["output"].as_array().unwrap().len(), 1, "{ended}");
    let uri = format!("/v1/detect/configurations?vault_id={}", client.vault.vault_id());
    let all = request(&client, Method::GET, &uri, String::new()).await.ok();
    assert_eq!(all["configurations"].as_array().unwrap().len(), 1);
    on(&client, Method::DELETE, &id, json!({})).await.ok();
    on(&client, Method::DELETE, &id, json!({})).await.error(404);
    on(&client, Method::GET, &id, json!({})).await.error(404);
    let body = json!({"text": TEXT, "configuration_id": id});
    detect(&client, "/deidentify/string", body).await.error(400);
}

#[tokio::test]
async fn column_mappings_say_where_tokens_are_kept() {
    for spelling in ["column_mappings", "columns_mappings"] {
        let client = with_columns();
        let mut body = json!({"token_type": {"vault_token": ["name"]}});
        body[spelling] =
            json!([{"entity_types": ["name"], "table_name": "people", "column_name": "full_name"}]);
        let id = configured(&client, body).await.ok()["configuration_id"].clone();
        let text = deidentified(&client, TEXT, json!({"configuration_id": id})).await;
        let text = text["processed_text"].as_str().unwrap();
        let records = client.get("/people?redaction=PLAIN_TEXT").await.ok();
        assert_eq!(records["records"][0]["fields"]["full_name"], "Jane Doe", "{records}");
        let restored = reidentified(&client, text, json!({})).await;
        assert_eq!(restored, "My name is Jane Doe and my SSN is [SSN_1].");
    }
}

#[tokio::test]
async fn configurations_are_never_ignored_in_part() {
    let client = with_columns();
    let mapping = |entity: &str, column: &str| json!({"column_mappings": [{"entity_types": [entity], "table_name": "people", "column_name": column}]});
    for body in [
        mapping("name", "no_such"),
        mapping("no_such", "full_name"),
        mapping("all", "full_name"),
        json!({"entity_types": ["no_such"]}),
        json!({"no_such": true}),
        json!({"image": {"no_such": true}}),
        json!({"image": {"masking_method": "paint"}}),
        json!({"document": {"pdf": {"density": 1001}}}),
        json!({"document": {"pdf": {"no_such": 1}}}),
        json!({"audio": {"bleep_frequency": 19}}),
        json!({"audio": {"output_transcription": "no_such"}}),
    ] {
        configured(&client, body).await.error(400);
    }
    let mapped = json!({"vault_file_mappings": [{"source_file_location": {}}]});
    assert!(configured(&client, mapped).await.error(501).contains("vault_file_mappings"));
    let account = client.vault.create_service_account(NewServiceAccount::new("a").role(Role::DetectInvoker));
    let invoker = client.with_bearer(account.unwrap().create_api_key().unwrap().expose());
    configured(&invoker, json!({})).await.error(403);
}

#[tokio::test]
async fn entities_outside_the_published_ones_round_trip() {
    let client = with_columns();
    let text = "card LX 4711";
    let counted = deidentified(&client, text, json!({})).await;
    assert_eq!(counted["processed_text"], "card [LOYALTY_NUMBER_1]");
    assert_eq!(counted["entities"][0]["entity_type"], "LOYALTY_NUMBER");
    let stored = deidentified(&client, text, json!({"token_type": {"default": "vault_token"}})).await;
    let stored = stored["processed_text"].as_str().unwrap();
    assert!(stored.starts_with("card [LOYALTY_NUMBER_") && !stored.contains("_1]"), "{stored}");
    assert_eq!(reidentified(&client, stored, json!({})).await, text);
}

/// A recognition that reads one word in any picture.
#[cfg(feature = "image")]
#[derive(Debug)]
struct OneWord;

#[cfg(feature = "image")]
impl skyflow_emulator::Ocr for OneWord {
    fn read(&self, _: &[u8]) -> Result<Vec<skyflow_emulator::OcrWord>, skyflow_emulator::OcrError> {
        Ok(vec![skyflow_emulator::OcrWord::new("123-45-6789", 1, [1, 1, 4, 4])])
    }
}

#[cfg(feature = "image")]
#[tokio::test]
async fn media_options_of_configurations_are_honoured() {
    /// A white square.
    const PICTURE: &str =
        "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAADklEQVR4nGP4DwUMlDEA98A/wbI0QbsAAAAASUVORK5CYII=";

    let client = Client::new(&EmbeddedVault::builder().ocr(OneWord).build().unwrap());
    let image =
        json!({"masking_method": "blackout", "output_processed_image": false, "output_ocr_text": true});
    let (pdf, audio) = (json!({"density": 0, "max_resolution": 3000}), json!({"bleep_frequency": 0}));
    let body = json!({"image": image, "document": {"pdf": pdf}, "audio": audio});
    let id = configured(&client, body).await.ok()["configuration_id"].clone();
    let outputs = async |options: Value| {
        let mut body = json!({"file": {"base64": PICTURE, "data_format": "png"}, "configuration_id": id});
        body.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
        let run_id = start(&client, "/deidentify/file/image", body).await;
        let outputs = run(&client, &run_id).await["output"].as_array().unwrap().clone();
        outputs.iter().map(|output| output["processedFileType"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(outputs(json!({})).await, ["redacted_text", "entities"]);
    // The request's own option wins.
    let shown = outputs(json!({"output_processed_image": true})).await;
    assert_eq!(shown, ["redacted_image", "redacted_text", "entities"]);
}
