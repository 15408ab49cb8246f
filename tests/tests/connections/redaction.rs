use serde_json::json;
use skyflow::InvokeConnectionRequest;
use skyflow::api::Multipart;

use skyflow_testkit::{API_KEY, Scripted};

use crate::third_party::{Clients, URL, reply};

const CANARY: &str = "canary-4111111111111111";

#[tokio::test]
async fn request_response_and_error_show_no_value() {
    let request = || {
        InvokeConnectionRequest::post()
            .path_param("id", CANARY)
            .query_param("q", CANARY)
            .query_params(&json!({"k": CANARY}))
            .header("x-secret", CANARY)
            .header("authorization", CANARY)
    };
    let shown = [
        format!("{:#?}", request().body(&json!({"card": CANARY}))),
        format!("{:#?}", request().raw_body(CANARY)),
        format!("{:#?}", request().multipart(Multipart::new().text("card", CANARY))),
    ];
    assert!(shown.iter().all(|shown| !shown.contains("4111")), "{shown:?}");

    let url = "https://h.example/{id}";
    let headers = &[("content-type", "application/json"), ("set-cookie", CANARY)];
    let ok = Scripted::new([reply(200, headers, br#"{"card":"canary-4111111111111111"}"#)]);
    let connection = ok.at(url);
    let response = connection.invoke(request()).await.unwrap();
    let mismatch = response.decode::<Vec<u8>>().unwrap_err();
    let shown = format!("{connection:?} {response:#?} {:?} {mismatch} {mismatch:?}", response.metadata);
    assert!(!shown.contains("4111") && !shown.contains(API_KEY), "{shown}");
    assert!(shown.contains("set-cookie"), "names of headers may be shown");

    for body in [
        &br#"{"error":{"message":"card 4111111111111111 declined"}}"#[..],
        b"4111111111111111",
        b"{\"x\":4111111111111111}",
    ] {
        let failing = Scripted::new([reply(402, headers, body)]);
        let error = failing.at(url).invoke(request().body(&json!({"card": CANARY}))).await.unwrap_err();
        assert!(!format!("{error} {error:#?}").contains("4111111111111111"), "{error:?}");
        assert!(
            String::from_utf8_lossy(error.expose_server_body()).contains("4111"),
            "for those who ask for it"
        );
    }
}

#[tokio::test]
async fn refusals_name_the_place_and_not_the_value() {
    let request = || InvokeConnectionRequest::post();
    for (request, field) in [
        (request().header("x-secret", format!("{CANARY}\r\n")), Some("headers.x-secret")),
        (request().header(format!("{CANARY}\r\n"), "x"), Some("headers")),
        (request().path_param(CANARY, "x"), None),
        (request().query_params(&json!({"k": {"a": CANARY}})), Some("query_params.k")),
        (request().query_params(&json!(CANARY)), Some("query_params")),
        (request().content_type("text/xml").body(&json!({CANARY: "\0"})), Some("body")),
        (request().content_type("application/x-www-form-urlencoded").body(&json!([CANARY])), Some("body")),
    ] {
        let third_party = Scripted::new([]);
        let error = third_party.at(URL).invoke(request).await.unwrap_err();
        if let Some(field) = field {
            assert_eq!(error.field(), Some(field));
            assert!(!format!("{error} {error:?}").contains("4111"), "{error:?}");
        }
        assert_eq!(third_party.requests().len(), 0);
    }
}
