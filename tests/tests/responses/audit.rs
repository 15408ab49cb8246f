//! Audit events: the documented members, and the event as it was sent.

use std::pin::pin;

use futures_util::{StreamExt, TryStreamExt};
use serde_json::{Value, json};
use skyflow::ErrorKind;
use skyflow::api::audit::ListEvents;
use skyflow::vault::AuditEvent;
use skyflow_testkit::{Reply, Scripted};
use skyflow_tests::clients::vault_over;

use crate::vault_responding;

async fn events(events: Value) -> Vec<AuditEvent> {
    let vault = vault_responding(200, &json!({"event": events}));
    pin!(vault.audit_events(ListEvents::new("acc"))).try_collect().await.unwrap()
}

#[tokio::test]
async fn events_have_their_published_members() {
    let event = json!({
        "context": {"keyID": "k1", "subject": "user@example.com", "changeID": "c1"},
        "response": {
            "code": 200, "message": "success", "data": null,
            "nestedResponse": [
                {"code": 200, "message": "", "identifier": "RECORD/a"},
                {"code": 404, "message": "no such row", "identifier": ""},
            ],
        },
    });
    let event = events(json!([event])).await.remove(0);
    let context = event.context.as_ref().unwrap();
    assert_eq!(
        (context.key_id.as_deref(), context.subject.as_deref()),
        (Some("k1"), Some("user@example.com"))
    );
    let nested = &event.response.as_ref().unwrap().nested_response;
    let outcomes: Vec<_> = nested
        .iter()
        .map(|entry| (entry.code, entry.message.as_deref(), entry.identifier.as_deref()))
        .collect();
    assert_eq!(
        outcomes,
        [(Some(200), Some(""), Some("RECORD/a")), (Some(404), Some("no such row"), Some("")),]
    );
    let shown = format!("{event:?}");
    assert!(shown.contains("k1") && !shown.contains("user@example.com") && !shown.contains("no such row"));
}

#[tokio::test]
async fn events_are_there_as_they_were_sent() {
    let sent = json!([
        {"accountID": "acc", "newMember": {"n": 1}},
        {"accountID": ["another", "shape"]},
        null,
    ]);
    let events = events(sent.clone()).await;
    let raw: Vec<Value> = events.iter().map(|event| serde_json::from_str(event.raw()).unwrap()).collect();
    assert_eq!(json!(raw), sent);
    assert_eq!(events[0].account_id.as_deref(), Some("acc"));
    assert_eq!(events[1].account_id, None, "one of another shape loses no other");
}

#[tokio::test]
async fn cursors_that_return_end_the_stream() {
    let page = |cursor: &str| {
        Reply::json(
            200,
            &json!({"event": [{"accountID": "acc"}], "nextOps": {"changeID": cursor, "timestamp": "t"}}),
        )
    };
    let replies: Vec<_> = (0..50).map(|n| page(["a", "b"][n % 2])).collect();
    let server = Scripted::new(replies);
    let vault = vault_over(server.service());
    let events: Vec<_> = vault.audit_events(ListEvents::new("acc")).collect().await;
    assert_eq!(events.iter().filter(|event| event.is_ok()).count(), 3);
    let error = events.last().unwrap().as_ref().unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Decode, Some("audit.list_events")));
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn bad_member_of_an_event_loses_no_other() {
    let sent = json!([{"accountID": "acc", "context": {"keyID": 7, "changeID": "c1"}, "response": "text"}]);
    let event = events(sent).await.remove(0);
    assert_eq!(event.account_id.as_deref(), Some("acc"));
    assert_eq!(event.context.as_ref().unwrap().change_id.as_deref(), Some("c1"));
}
