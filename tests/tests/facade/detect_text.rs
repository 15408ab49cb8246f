use serde_json::json;
use skyflow::{
    DateShift, DeidentifyTextRequest, DetectEntity, ErrorKind, GuardrailsRequest, ReidentifyTextRequest,
    TextIndex, TokenFormat, TokenKind,
};

use crate::scripted_vault::{Clients, script};

#[tokio::test]
async fn only_the_options_that_are_set_are_sent() {
    let server = script(&[(200, json!({"processed_text": "x", "text": "x", "validation": "passed"}))]);
    let detect = server.detect();
    let none: [DetectEntity; 0] = [];
    detect.deidentify_text(DeidentifyTextRequest::new("x").entities(none)).await.unwrap();
    detect.reidentify_text(ReidentifyTextRequest::new("x")).await.unwrap();
    detect.check_guardrails(GuardrailsRequest::new("x")).await.unwrap();
    let sent = server.requests();
    let targets: Vec<_> = sent.iter().map(|sent| sent.target()).collect();
    let expected = ["/v1/detect/deidentify/string", "/v1/detect/reidentify/string", "/v1/detect/guardrails"];
    assert_eq!(targets, expected);
    assert!(sent.iter().all(|sent| sent.json() == json!({"text": "x", "vault_id": "v1"})));
}

#[tokio::test]
async fn every_option_reaches_the_wire() {
    let server = script(&[(200, json!({"processed_text": "x", "text": "x", "validation": "failed"}))]);
    let detect = server.detect();
    let format = TokenFormat::of(TokenKind::VaultToken)
        .vault_token(["ssn"])
        .entity_only([DetectEntity::NAME])
        .entity_unique_counter(["LOYALTY_NUMBER"]);
    let request = DeidentifyTextRequest::new("x")
        .entities([DetectEntity::SSN, DetectEntity::new("LOYALTY_NUMBER")])
        .token_format(format)
        .allow_regex(["a"])
        .restrict_regex(["b"])
        .shift_dates(DateShift::days(1, 5).entities([DetectEntity::DOB]));
    detect.deidentify_text(request).await.unwrap();
    detect.deidentify_text(DeidentifyTextRequest::new("x").configuration_id("c1")).await.unwrap();
    let request = ReidentifyTextRequest::new("x")
        .redacted_entities(["phone_number"])
        .masked_entities(["ssn"])
        .plain_text_entities(["name"]);
    detect.reidentify_text(request).await.unwrap();
    let request = GuardrailsRequest::new("x").check_toxicity(false).deny_topics(["weapons"]);
    assert!(!detect.check_guardrails(request).await.unwrap().passed);
    let bodies: Vec<_> = server.requests().into_iter().map(|sent| sent.json()).collect();
    let expected = [
        json!({"text": "x", "vault_id": "v1", "entity_types": ["ssn", "loyalty_number"],
            "token_type": {"default": "vault_token", "vault_token": ["ssn"], "entity_only": ["name"],
                "entity_unq_counter": ["loyalty_number"]},
            "allow_regex": ["a"], "restrict_regex": ["b"],
            "transformations": {"shift_dates": {"min_days": 1, "max_days": 5, "entity_types": ["dob"]}}}),
        json!({"text": "x", "vault_id": "v1", "configuration_id": "c1"}),
        json!({"text": "x", "vault_id": "v1",
            "format": {"redacted": ["phone_number"], "masked": ["ssn"], "plaintext": ["name"]}}),
        json!({"text": "x", "vault_id": "v1", "check_toxicity": false, "deny_topics": ["weapons"]}),
    ];
    assert_eq!(bodies, expected);
}

#[tokio::test]
async fn text_response_keeps_unknown_entities() {
    let response = json!({
        "processed_text": "[NAME_1] é", "word_count": 3, "character_count": 10, "new": 1,
        "entities": [{"token": "NAME_1", "value": "Jane Doe", "entity_type": "NAME",
            "location": {"start_index": 0, "end_index": 8, "start_index_processed": 0, "end_index_processed": 8},
            "entity_scores": {"NAME": 0.9, "NAME_GIVEN": 0.5}},
            {"token": "X_1", "entity_type": "BRAND_NEW", "location": null}],
    });
    let server = script(&[(200, response)]);
    let response = server.detect().deidentify_text(DeidentifyTextRequest::new("Jane Doe é")).await.unwrap();
    assert_eq!(response.processed_text, "[NAME_1] é");
    assert_eq!((response.word_count, response.char_count), (Some(3), Some(10)));
    assert_eq!(response.request_id.unwrap().as_str(), "req-1");
    let [name, other] = &response.entities[..] else { panic!() };
    assert_eq!(name.entity, Some(DetectEntity::NAME));
    assert_eq!(name.scores[&DetectEntity::NAME_GIVEN], 0.5);
    assert_eq!(name.text_index.unwrap().slice("Jane Doe é"), Some("Jane Doe"));
    assert_eq!(name.processed_index, Some(TextIndex { start: 0, end: 8 }));
    assert_eq!((other.entity.clone(), other.text_index), (Some(DetectEntity::new("brand_new")), None));
}

#[tokio::test]
async fn invalid_input_is_refused_before_sending() {
    let server = script(&[(200, json!({}))]);
    let detect = server.detect();
    let text = || DeidentifyTextRequest::new("x");
    let refused = [
        (DeidentifyTextRequest::new(" \n"), "text"),
        (text().allow_regex(["a", " "]), "allow_regex[1]"),
        (text().restrict_regex([""]), "restrict_regex[0]"),
        (text().shift_dates(DateShift::days(0, 5)), "shift_dates.min_days"),
        (text().shift_dates(DateShift::days(-3, -1)), "shift_dates.min_days"),
        (text().shift_dates(DateShift::days(6, 5)), "shift_dates.max_days"),
        (text().shift_dates(DateShift::days(1, 5).entities(["dob", "ssn"])), "shift_dates.entities[1]"),
        (text().configuration_id(" "), "configuration_id"),
        (text().configuration_id("c").entities(["ssn"]), "entities"),
        (text().configuration_id("c").token_format(TokenFormat::new()), "token_format"),
        (text().configuration_id("c").allow_regex(["a"]), "allow_regex"),
        (text().configuration_id("c").restrict_regex(["a"]), "restrict_regex"),
        (text().configuration_id("c").shift_dates(DateShift::days(1, 2)), "shift_dates"),
    ];
    for (request, field) in refused {
        let error = detect.deidentify_text(request).await.unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some(field)), "{error}");
        assert_eq!(error.operation(), Some("strings.deidentify"));
    }
    let error = detect.reidentify_text(ReidentifyTextRequest::new("")).await.unwrap_err();
    assert_eq!(error.field(), Some("text"));
    let error = detect.check_guardrails(GuardrailsRequest::new("x").deny_topics([""])).await.unwrap_err();
    assert_eq!(error.field(), Some("deny_topics[0]"));
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn only_requests_that_store_nothing_are_retried() {
    let vault_tokens = TokenFormat::new().vault_token(["ssn"]);
    for (request, attempts, ambiguous) in [
        (DeidentifyTextRequest::new("x"), 3, false),
        (DeidentifyTextRequest::new("x").token_format(TokenFormat::of(TokenKind::EntityOnly)), 3, false),
        (DeidentifyTextRequest::new("x").token_format(vault_tokens), 1, true),
        (DeidentifyTextRequest::new("x").configuration_id("c"), 1, true),
    ] {
        let server = script(&[(503, json!({"error": {"message": "busy"}}))]);
        let error = server.detect().deidentify_text(request).await.unwrap_err();
        assert_eq!(
            (server.requests().len(), error.may_have_been_applied()),
            (attempts, ambiguous),
            "{error}"
        );
    }
}

#[tokio::test]
async fn guardrails_without_a_verdict_do_not_pass() {
    for (response, passed, toxic, topic) in [
        (
            json!({"toxic": false, "denied_topic": true, "validation": "failed"}),
            false,
            Some(false),
            Some(true),
        ),
        (
            json!({"toxicity": true, "denied_topics": false, "validation": "FAILED"}),
            false,
            Some(true),
            Some(false),
        ),
        (json!({"text": "x", "validation": "passed"}), true, None, None),
    ] {
        let server = script(&[(200, response)]);
        let response = server.detect().check_guardrails(GuardrailsRequest::new("x")).await.unwrap();
        assert_eq!((response.passed, response.toxic, response.denied_topic), (passed, toxic, topic));
    }
    for response in [json!({}), json!({"validation": "maybe"}), json!({"validation": null})] {
        let server = script(&[(200, response)]);
        let error = server.detect().check_guardrails(GuardrailsRequest::new("x")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert_eq!(error.request_id().unwrap().as_str(), "req-1");
    }
}

#[tokio::test]
async fn response_without_text_keeps_its_request_id() {
    for response in [json!({}), json!({"processed_text": null}), json!([])] {
        let server = script(&[(200, response)]);
        let error = server.detect().deidentify_text(DeidentifyTextRequest::new("x")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert_eq!(error.request_id().unwrap().as_str(), "req-1");
    }
}
