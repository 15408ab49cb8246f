use serde_json::json;

use super::{client, deidentified, detect, file, reidentified, run, start};

#[tokio::test]
async fn unknown_vault_tokens_are_not_found() {
    let client = client();
    let known =
        deidentified(&client, "I am Jane Doe.", json!({"token_type": {"default": "vault_token"}})).await;
    let known = known["processed_text"].as_str().unwrap();
    assert_eq!(reidentified(&client, known, json!({})).await, "I am Jane Doe.");
    let expected = "Detokenization failed. Token Ot1Tsdz is invalid. Specify a valid token.";
    for text in ["[NAME_Ot1Tsdz]".to_owned(), format!("{known} [SSN_Ot1Tsdz] and [NAME_1]")] {
        let refused = detect(&client, "/reidentify/string", json!({ "text": text })).await;
        assert_eq!(refused.error(404), expected, "{text}");
        assert_eq!(refused.body["error"]["grpc_code"], 5);
        let refused = detect(&client, "/reidentify/file", file("txt", &text)).await;
        assert_eq!(refused.error(404), expected, "{text}");
    }
}

#[tokio::test]
async fn text_in_brackets_that_is_no_token_stays() {
    let client = client();
    for text in [
        "[SSN_1] [NAME_1234567] [NAME] [LOCATION_ADDRESS] [LOCATION_ADDRESS_STREET_2]",
        "[name_Ot1Tsdz] [NAME_too long] [NAME_Ot1Tsdz8] [NAME_Ot1Tsd] [OTHER_Ot1Tsdz] [RESTRICTED] [x_y]",
        "array[NAME_index] [DATE_of_birth] [] [_] [",
    ] {
        assert_eq!(reidentified(&client, text, json!({})).await, text);
    }
}

#[tokio::test]
async fn jsonl_returns_with_a_published_extension() {
    let client = client();
    let lines = "{\"name\":\"Jane Doe\"}\n{\"name\":\"John Roe\"}\n";
    let id = start(&client, "/deidentify/file", file("jsonl", lines)).await;
    let output = run(&client, &id).await["output"][0].clone();
    assert_eq!(output["processedFileExtension"], "json");
    assert_eq!(super::content(&output).lines().count(), 2);
}
