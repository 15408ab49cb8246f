use serde_json::{Value, json};
use skyflow::api::{FilePart, Multipart};
use skyflow::http::{Body, BoxError};
use skyflow::{FileSource, InvokeConnectionRequest};

use skyflow_testkit::API_KEY;

use crate::third_party::{URL, send, send_to};

fn post(content_type: &str, body: &Value) -> InvokeConnectionRequest {
    InvokeConnectionRequest::post().content_type(content_type).body(body)
}

#[tokio::test]
async fn every_method_sends_the_token_without_a_scheme() {
    for (request, method) in [
        (InvokeConnectionRequest::get(), "GET"),
        (InvokeConnectionRequest::post(), "POST"),
        (InvokeConnectionRequest::put(), "PUT"),
        (InvokeConnectionRequest::patch(), "PATCH"),
        (InvokeConnectionRequest::delete(), "DELETE"),
    ] {
        let sent = send(request).await;
        assert_eq!((sent.method.as_str(), sent.target()), (method, "/v1/gateway/outboundRoutes/o1/route"));
        assert_eq!(sent.header("x-skyflow-authorization"), API_KEY);
        assert!(sent.headers["x-skyflow-authorization"].is_sensitive());
        assert!(!sent.headers.contains_key("authorization"));
        assert!(!sent.headers.contains_key("content-type"), "{method}: nothing is sent without a body");
        assert!(sent.body.is_empty(), "{method}");
        assert!(sent.header("sky-metadata").contains("skyflow-rust@"));
    }
}

#[tokio::test]
async fn json_is_what_serde_writes_and_the_default() {
    #[derive(serde::Serialize)]
    struct Order<'a> {
        z: u64,
        a: &'a str,
        none: Option<u8>,
    }
    let request = InvokeConnectionRequest::post().body(&Order { z: u64::MAX, a: "é", none: None });
    let sent = send(request).await;
    assert_eq!(sent.header("content-type"), "application/json");
    assert_eq!(sent.text(), r#"{"z":18446744073709551615,"a":"é","none":null}"#);

    for content_type in ["Application/JSON; charset=utf-8", "application/vnd.api+json", "text/json"] {
        let sent = send(post(content_type, &json!({"a": 1}))).await;
        assert_eq!((sent.header("content-type"), sent.text()), (content_type, r#"{"a":1}"#));
    }
    let sent = send(InvokeConnectionRequest::get().body(&json!({}))).await;
    assert_eq!(sent.text(), "{}", "a body that was given is sent, with a GET too");
    assert_eq!(send(InvokeConnectionRequest::post().body("text")).await.text(), r#""text""#);
}

#[tokio::test]
async fn a_form_nests_in_brackets_at_any_depth() {
    let body =
        json!({"card": {"number": "4111 1111", "cvv": [1, {"x": true}]}, "n": null, "f": 1.5, "e": "é&="});
    let sent = send(post("application/x-www-form-urlencoded; charset=utf-8", &body)).await;
    let mut pairs: Vec<&str> = sent.text().split('&').collect();
    pairs.sort_unstable();
    let expected = [
        "card%5Bcvv%5D%5B0%5D=1",
        "card%5Bcvv%5D%5B1%5D%5Bx%5D=true",
        "card%5Bnumber%5D=4111%201111",
        "e=%C3%A9%26%3D",
        "f=1.5",
        "n=",
    ];
    assert_eq!(pairs, expected);
    let own =
        InvokeConnectionRequest::post().content_type("application/x-www-form-urlencoded").body("a=1&a=2");
    assert_eq!(send(own).await.text(), "a=1&a=2");
}

#[tokio::test]
async fn xml_is_escaped_and_a_text_is_the_callers_own() {
    for content_type in ["text/xml", "application/xml", "APPLICATION/SOAP+XML; charset=utf-8"] {
        let sent = send(post(content_type, &json!({"a": {"b": "<x>&"}, "list": [1, 2]}))).await;
        assert_eq!(sent.text(), "<root><a><b>&lt;x&gt;&amp;</b></a><list>1</list><list>2</list></root>");
        assert_eq!(sent.header("content-type"), content_type);
        let own = "<?xml version=\"1.0\"?><order id=\"7\"/>";
        let request = InvokeConnectionRequest::post().content_type(content_type).body(own);
        assert_eq!(send(request).await.text(), own);
    }
}

#[tokio::test]
async fn text_is_sent_unchanged_and_values_as_json() {
    for content_type in ["text/plain", "text/html; charset=utf-8", "TEXT/CSV", "application/octet-stream"] {
        let request = InvokeConnectionRequest::post().content_type(content_type).body("<b>\"x\"</b>");
        assert_eq!(send(request).await.text(), "<b>\"x\"</b>", "{content_type}");
        assert_eq!(send(post(content_type, &json!({"a": "<b>"}))).await.text(), r#"{"a":"<b>"}"#);
    }
}

#[tokio::test]
async fn bytes_and_streams_pass_untouched() {
    let sent = send(InvokeConnectionRequest::put().raw_body(vec![0_u8, 255, 10])).await;
    assert_eq!(
        (sent.header("content-type"), &sent.body[..]),
        ("application/octet-stream", &[0, 255, 10][..])
    );
    assert!(!sent.is_stream);
    let chunks = futures_util::stream::iter([Ok::<_, BoxError>("one".into()), Ok("two".into())]);
    let request =
        InvokeConnectionRequest::put().content_type("image/png").raw_body(Body::from_stream(chunks));
    let sent = send(request).await;
    assert!(sent.is_stream);
    assert_eq!((sent.header("content-type"), sent.text()), ("image/png", "onetwo"));
}

#[tokio::test]
async fn a_multipart_form_has_text_json_and_file_parts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scan.png");
    std::fs::write(&path, "pixels").unwrap();
    let form = Multipart::new()
        .text("kind", "passport")
        .json("owner", &json!({"age": 7}))
        .unwrap()
        .file("note", FilePart::new("in memory").file_name("n.txt").content_type("text/plain"))
        .file("scan", FileSource::path(&path).into_part().await.unwrap());
    let request =
        InvokeConnectionRequest::post().content_type("Multipart/Form-Data; boundary=\"b-1\"").multipart(form);
    let sent = send(request).await;
    assert!(!sent.is_stream, "a small file of the disk is read at once, and can be sent again");
    assert_eq!(sent.header("content-type"), "multipart/form-data; boundary=b-1");
    let expected = "--b-1\r\nContent-Disposition: form-data; name=\"kind\"\r\n\r\npassport\r\n\
        --b-1\r\nContent-Disposition: form-data; name=\"owner\"\r\nContent-Type: application/json\r\n\r\n{\"age\":7}\r\n\
        --b-1\r\nContent-Disposition: form-data; name=\"note\"; filename=\"n.txt\"\r\nContent-Type: text/plain\r\n\r\nin memory\r\n\
        --b-1\r\nContent-Disposition: form-data; name=\"scan\"; filename=\"scan.png\"\r\nContent-Type: image/png\r\n\r\npixels\r\n\
        --b-1--\r\n";
    assert_eq!(sent.text(), expected);
}

#[tokio::test]
async fn value_becomes_a_multipart_form() {
    let sent = send(post("multipart/form-data", &json!({"name": "joey", "n": 1, "obj": {"a": 1}}))).await;
    let boundary = sent.header("content-type").strip_prefix("multipart/form-data; boundary=").unwrap();
    let parts: Vec<_> = sent.text().split(&format!("--{boundary}\r\n")).skip(1).collect();
    assert_eq!(parts.len(), 3);
    assert!(
        parts[0].ends_with("name=\"n\"\r\n\r\n1\r\n") || parts[0].ends_with("name=\"name\"\r\n\r\njoey\r\n")
    );
    assert!(sent.text().contains("name=\"obj\"\r\nContent-Type: application/json\r\n\r\n{\"a\":1}\r\n"));
}

#[tokio::test]
async fn query_is_encoded_and_lists_repeat_their_key() {
    let request = InvokeConnectionRequest::get()
        .path_param("id", "a/b")
        .path_param("n", 7)
        .query_param("a", "1 2")
        .query_params(&json!({"d": ["x", "y"], "e": "é&=", "none": null, "t": true}))
        .query_param("a", 3);
    let sent = send_to("https://h.example/{id}/x/{n}-{id}/", request).await;
    assert_eq!(sent.target(), "/a%2Fb/x/7-a%2Fb/?a=1%202&d=x&d=y&e=%C3%A9%26%3D&t=true&a=3");
}

#[tokio::test]
async fn headers_of_the_caller_pass_and_its_token_wins() {
    let request = InvokeConnectionRequest::post()
        .header("AUTHORIZATION", "Basic abc")
        .header("X-Custom", "first")
        .header("x-custom", "second")
        .header("X-SKYFLOW-Authorization", "own-token")
        .body(&json!({}));
    let sent = send(request).await;
    assert_eq!(sent.header("authorization"), "Basic abc");
    assert_eq!(sent.headers.get_all("x-custom").iter().count(), 1);
    assert_eq!(sent.header("x-custom"), "second");
    let tokens: Vec<_> = sent.headers.get_all("x-skyflow-authorization").iter().collect();
    assert_eq!(tokens, ["own-token"]);
    assert!(sent.headers["authorization"].is_sensitive());
}

#[tokio::test]
async fn response_arrives_over_http_to_loopback() {
    let sent = send_to("http://127.0.0.1:9/x", InvokeConnectionRequest::get()).await;
    assert_eq!(sent.host(), "127.0.0.1");
    assert_eq!(send(InvokeConnectionRequest::get()).await.host(), URL.split('/').nth(2).unwrap());
}
