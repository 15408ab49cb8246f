//! Values that try to be more than values: in headers, in the path, in the query.

use percent_encoding::percent_decode_str;
use serde_json::json;
use skyflow::{ErrorKind, InvokeConnectionRequest};

use skyflow_testkit::Scripted;

use crate::third_party::{Clients, ok};

const PATH: &str = "https://h.example/before/{id}/after";

/// What means something to a parser somewhere: alone, and in every place of an ordinary text.
fn hostile() -> Vec<String> {
    let seeds = [
        "\r",
        "\n",
        "\r\n",
        "\0",
        "\r\n\r\n",
        "\r\nx: y",
        "\n x",
        "\r\n\tfolded",
        "\u{b}",
        "\u{c}",
        "\u{1b}[2J",
        "\u{7f}",
        "\u{85}",
        "\u{2028}",
        "\u{202e}",
        "/",
        "//",
        "/..",
        "../",
        "../../admin",
        "..\\",
        "\\",
        "..;/",
        "%2e%2e%2f",
        "%2f",
        "%5c",
        "%00",
        "%0d%0a",
        "%252e",
        "%",
        "%zz",
        "?",
        "?admin=1",
        "#",
        "#x",
        "&",
        "&a=b",
        "=",
        "+",
        ";",
        ":",
        "@",
        "{id}",
        "{",
        "}",
        "[0]",
        "\"",
        "'",
        "<",
        ">",
        " ",
        "\t",
        "é",
        "ﬀ",
        "\u{ff0f}",
        "💳",
        "Å",
    ];
    let mut all = Vec::new();
    for seed in seeds {
        for text in
            [seed.to_owned(), format!("a{seed}"), format!("{seed}a"), format!("a{seed}b"), seed.repeat(3)]
        {
            all.push(text);
        }
        for text in [format!("https://evil.example{seed}"), format!("admin{seed}y=1#"), format!("..{seed}..")]
        {
            all.push(text);
        }
        all.push(format!("{}{seed}", "x".repeat(300)));
    }
    all.extend([".", "..", "...", ""].map(str::to_owned));
    all.sort_unstable();
    all.dedup();
    all
}

#[test]
fn the_corpus_has_at_least_five_hundred_values() {
    assert!(hostile().len() >= 500, "{}", hostile().len());
}

#[tokio::test]
async fn rel_s05_path_value_is_one_segment_or_refused() {
    let (mut sent_values, mut refused) = (0, 0);
    let third_party = Scripted::new([ok()]);
    let connection = third_party.at(PATH);
    for value in hostile() {
        let before = third_party.requests().len();
        match connection.invoke(InvokeConnectionRequest::get().path_param("id", &value)).await {
            Ok(_) => {
                let target = third_party.requests().last().unwrap().target().to_owned();
                let segments: Vec<&str> = target.split('/').collect();
                let ["", "before", segment, "after"] = segments[..] else { panic!("{value:?} -> {target}") };
                assert!(
                    segment.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%".contains(&b)),
                    "{target}"
                );
                assert_eq!(percent_decode_str(segment).decode_utf8().unwrap(), value);
                sent_values += 1;
            }
            Err(error) => {
                assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("path_params.id")));
                assert_eq!(third_party.requests().len(), before, "{value:?}: nothing was sent");
                assert!(value.is_empty() || value == "." || value == "..", "{value:?}");
                refused += 1;
            }
        }
    }
    assert_eq!((sent_values + refused, refused), (hostile().len(), 3));
}

#[tokio::test]
async fn rel_s05_query_name_and_value_are_one_pair() {
    let third_party = Scripted::new([ok()]);
    let connection = third_party.at("https://h.example/route");
    let decoded = |text: &str| percent_decode_str(text).decode_utf8().unwrap().into_owned();
    for value in hostile() {
        let request = InvokeConnectionRequest::get()
            .query_param("k", &value)
            .query_params(&json!({"list": [value, "z"]}));
        connection.invoke(request).await.unwrap();
        let target = third_party.requests().last().unwrap().target().to_owned();
        let (path, query) = target.split_once('?').unwrap();
        let pairs: Vec<_> = query.split('&').map(|pair| pair.split_once('=').unwrap()).collect();
        assert_eq!((path, pairs.len()), ("/route", 3), "{target}");
        assert_eq!((decoded(pairs[0].1), decoded(pairs[1].1)), (value.clone(), value.clone()));
        assert!(!target.contains('#'));

        let request = InvokeConnectionRequest::get().query_param(&value, "v");
        if value.is_empty() {
            assert_eq!(connection.invoke(request).await.unwrap_err().field(), Some("query_params"));
            continue;
        }
        connection.invoke(request).await.unwrap();
        let target = third_party.requests().last().unwrap().target().to_owned();
        let (name, text) = target.strip_prefix("/route?").unwrap().split_once('=').unwrap();
        assert_eq!((decoded(name), text), (value, "v"));
    }
}

#[tokio::test]
async fn rel_s04_header_value_arrives_or_is_refused() {
    let third_party = Scripted::new([ok()]);
    let connection = third_party.at("https://h.example/route");
    let mut refused = 0;
    for value in hostile() {
        let before = third_party.requests().len();
        match connection.invoke(InvokeConnectionRequest::get().header("x-custom", value.as_str())).await {
            Ok(_) => {
                let sent = third_party.requests();
                let sent = sent.last().unwrap();
                assert_eq!(sent.header("x-custom"), value);
                assert!(value.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~')), "{value:?}");
                assert!(!sent.headers.contains_key("x"));
            }
            Err(error) => {
                assert_eq!(
                    (error.kind(), error.field()),
                    (ErrorKind::InvalidInput, Some("headers.x-custom"))
                );
                assert_eq!(third_party.requests().len(), before, "{value:?}");
                refused += 1;
            }
        }
    }
    assert!(refused > 100, "{refused}");
}

#[tokio::test]
async fn rel_s04_header_name_is_a_token_or_refused() {
    let third_party = Scripted::new([ok()]);
    let connection = third_party.at("https://h.example/route");
    for value in hostile() {
        let before = third_party.requests().len();
        let name = format!("x-{value}");
        match connection.invoke(InvokeConnectionRequest::get().header(name.as_str(), "v")).await {
            Ok(_) => {
                assert!(
                    name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b)),
                    "{name:?}"
                );
                assert_eq!(third_party.requests().last().unwrap().header(&name), "v");
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::InvalidInput);
                assert_eq!(third_party.requests().len(), before, "{value:?}");
            }
        }
    }
}

#[tokio::test]
async fn rel_s04_hop_by_hop_headers_are_refused() {
    let third_party = Scripted::new([ok()]);
    let connection = third_party.at("https://h.example/route");
    for name in [
        "Host",
        "Content-Length",
        "Transfer-Encoding",
        "Connection",
        "Keep-Alive",
        "Proxy-Connection",
        "TE",
        "Trailer",
        "Upgrade",
        "Proxy-Authorization",
        "Proxy-Authenticate",
        "Expect",
        "HTTP2-Settings",
        "sky-metadata",
        ":path",
        ":authority",
        "",
        " ",
        "x y",
    ] {
        for name in [name.to_owned(), name.to_ascii_lowercase(), name.to_ascii_uppercase()] {
            let error =
                connection.invoke(InvokeConnectionRequest::post().header(&name, "x")).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{name:?}");
            assert!(error.field().unwrap().starts_with("headers"), "{name:?}");
        }
    }
    assert!(third_party.requests().is_empty());
}

#[tokio::test]
async fn missing_and_unused_path_parameters_are_named() {
    let third_party = Scripted::new([ok()]);
    let connection = third_party.at(PATH);
    let error = connection.invoke(InvokeConnectionRequest::get()).await.unwrap_err();
    assert_eq!(error.field(), Some("path_params.id"));
    let request = InvokeConnectionRequest::get().path_param("id", "1").path_param("other", "2");
    assert_eq!(connection.invoke(request).await.unwrap_err().field(), Some("path_params.other"));
    let long = InvokeConnectionRequest::get().path_param("id", "x".repeat(70_000));
    assert_eq!(connection.invoke(long).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    let contradiction = InvokeConnectionRequest::get()
        .path_param("id", "1")
        .content_type("application/json")
        .multipart(skyflow::api::Multipart::new());
    assert_eq!(connection.invoke(contradiction).await.unwrap_err().field(), Some("headers.content-type"));
    assert!(third_party.requests().is_empty());
}
