//! Bodies in forms that were not asked for: compressed, with a byte order mark, nested deeply, very large.

use std::io::Write;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use serde_json::json;
use skyflow::{CallOptions, Credentials, ErrorKind, GetRequest, InsertRequest, Vault, VaultConfig};
use skyflow_http::ErrorKind as TransportKind;
use skyflow_testkit::{Reply, Scripted};
use skyflow_tests::clients::{INSERTED, over, vault_over};

fn vault(status: u16, encoding: Option<&str>, body: Vec<u8>) -> Vault {
    let mut reply = Reply::status(status).header("content-type", "application/json").body(body);
    if let Some(encoding) = encoding {
        reply = reply.header("content-encoding", encoding);
    }
    vault_over(Scripted::new([reply]).service()).with_options(CallOptions::new().no_retry())
}

fn row() -> InsertRequest {
    InsertRequest::new("t").record(json!({"n": 1}))
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn zlib(plain: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn rows_in_a_compressed_response_are_not_lost() {
    let plain = INSERTED.as_bytes();
    for (encoding, body) in
        [("gzip", gzip(plain)), ("deflate", zlib(plain)), ("gzip", gzip(&[b"\xef\xbb\xbf", plain].concat()))]
    {
        let response = vault(200, Some(encoding), body).insert(row()).await.unwrap();
        assert_eq!(response.inserted_fields[0].skyflow_id, "id-1", "{encoding}");
    }
    let error = gzip(br#"{"error":{"message":"no such table","details":["Zebulon"]}}"#);
    let error = vault(404, Some("gzip"), error).insert(row()).await.unwrap_err();
    assert_eq!((error.message().as_str(), error.status().unwrap().as_u16()), ("no such table", 404));
}

#[tokio::test]
async fn gzip_is_requested_for_client_vault_and_call() {
    let script = Scripted::from_fn(|request| {
        let reply = Reply::status(200).header("content-type", "application/json");
        match request.header("accept-encoding") {
            "gzip" => reply.header("content-encoding", "gzip").body(gzip(INSERTED.as_bytes())),
            _ => reply.body(INSERTED),
        }
    });
    let requested = |client: bool, vault: Option<bool>, call: Option<bool>| {
        let script = script.clone();
        async move {
            let config = VaultConfig::new("vault1", "cluster1")
                .credentials(Credentials::api_key(skyflow_testkit::API_KEY).unwrap());
            let config = vault.map_or(config.clone(), |yes| config.gzip(yes));
            let client = over(script.service()).vault(config).gzip(client).build().unwrap();
            let options = call.map_or(CallOptions::new(), |yes| CallOptions::new().gzip(yes));
            let vault = client.default_vault().unwrap().with_options(options);
            let response = vault.insert(row()).await.unwrap();
            assert_eq!(response.inserted_fields[0].skyflow_id, "id-1");
            script.requests().last().unwrap().header("accept-encoding") == "gzip"
        }
    };
    assert!(!requested(false, None, None).await);
    assert!(requested(true, None, None).await);
    assert!(!requested(true, Some(false), None).await);
    assert!(requested(false, Some(true), None).await);
    assert!(!requested(true, None, Some(false)).await);
    assert!(requested(false, None, Some(true)).await);
}

#[tokio::test]
async fn unsupported_encoding_is_named() {
    for (encoding, body) in [
        ("br", b"\x0b\x02\x80{}\x03".to_vec()),
        ("zstd", b"\x28\xb5\x2f\xfd{}".to_vec()),
        ("gzip", b"{}".to_vec()),
    ] {
        let error = vault(200, Some(encoding), body.clone()).insert(row()).await.unwrap_err();
        assert_eq!((error.kind(), error.may_have_been_applied()), (ErrorKind::Decode, true));
        assert!(error.to_string().contains(&format!("unsupported content-encoding {encoding}")), "{error}");
        let error = vault(400, Some(encoding), body).insert(row()).await.unwrap_err();
        assert_eq!((error.kind(), error.status().unwrap().as_u16()), (ErrorKind::Api, 400));
        assert!(error.to_string().contains(&format!("unsupported content-encoding {encoding}")), "{error}");
    }
}

#[tokio::test]
async fn rel_r13_limit_counts_decoded_bytes() {
    let bomb = gzip(&vec![b' '; 4_000_000]);
    for status in [200, 400] {
        let limited = vault(status, Some("gzip"), bomb.clone())
            .with_options(CallOptions::new().response_limit(1_000_000));
        let error = limited.insert(row()).await.unwrap_err();
        assert_eq!(error.transport_error().unwrap().kind(), TransportKind::BodyTooLarge, "{status}");
    }
}

#[tokio::test]
async fn rel_r12_truncated_gzip_body_is_an_error() {
    // Text that hardly compresses.
    let mut random = fastrand::Rng::with_seed(12);
    let token: String = std::iter::repeat_with(|| random.alphanumeric()).take(5_600).collect();
    let whole =
        gzip(json!({"records": [{"skyflow_id": "id-1", "tokens": {"n": token}}]}).to_string().as_bytes());
    assert!(whole.len() >= 4096, "{} bytes", whole.len());
    for cut in 0..whole.len() {
        let error = vault(200, Some("gzip"), whole[..cut].to_vec()).insert(row()).await.unwrap_err();
        assert!(error.may_have_been_applied(), "{cut}: {error}");
    }
    let response = vault(200, Some("gzip"), whole).insert(row()).await.unwrap();
    assert_eq!(response.inserted_fields[0].token("n"), Some(token));
}

#[tokio::test]
async fn byte_order_mark_is_passed_over() {
    let body = format!("\u{feff}{INSERTED}").into_bytes();
    assert_eq!(vault(200, None, body.clone()).insert(row()).await.unwrap().inserted_fields.len(), 1);
    let each = format!("\u{feff}{{\"responses\":[{{\"Body\":{INSERTED},\"Status\":200}}]}}").into_bytes();
    let response = vault(207, None, each).insert(row().continue_on_error(true)).await.unwrap();
    assert_eq!(response.inserted_fields.len(), 1);
    // Behind the mark an element is bad.
    let rows = "\u{feff}{\"records\":[7,{\"fields\":{\"n\":1}}]}".as_bytes().to_vec();
    let response = vault(200, None, rows).get(GetRequest::new("t").ids(["a"])).await.unwrap();
    assert_eq!((response.data.len(), response.errors.len()), (1, 1));
}

#[tokio::test]
async fn rel_r14_depth_size_and_nan_are_typed() {
    let deep = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    // Deep values are kept as text where they are values, and refused where they are not.
    let body = format!("{{\"records\":[{{\"fields\":{{\"n\":{}}}}}]}}", deep(100_000));
    let row_of_depth =
        vault(200, None, body.into_bytes()).get(GetRequest::new("t").ids(["a"])).await.unwrap();
    let error = row_of_depth.records::<serde_json::Value>().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(
        std::error::Error::source(&error).unwrap().to_string().contains("nested too deeply"),
        "{error:?}"
    );
    for body in [deep(100_000), format!("{{\"records\":{{\"a\":{}}}}}", deep(100_000)), "[".repeat(200_000)] {
        let error =
            vault(200, None, body.into_bytes()).get(GetRequest::new("t").ids(["a"])).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
    }

    let keys: Vec<_> = (0..1_000_000).map(|n| format!("\"k{n}\":{n}")).collect();
    let body = format!("{{\"records\":[{{\"fields\":{{{}}}}}]}}", keys.join(","));
    let wide = vault(200, None, body.into_bytes()).get(GetRequest::new("t").ids(["a"])).await.unwrap();
    assert_eq!(wide.data[0].column_names().len(), 1_000_000);
    let body = format!("{{{},\"records\":[]}}", keys.join(","));
    assert!(
        vault(200, None, body.into_bytes())
            .get(GetRequest::new("t").ids(["a"]))
            .await
            .unwrap()
            .data
            .is_empty()
    );

    for number in ["NaN", "Infinity", "-Infinity", "nan", "1e", "+1", "0x1"] {
        let body = format!("{{\"records\":[{{\"fields\":{{\"n\":{number}}}}}]}}");
        let error =
            vault(200, None, body.into_bytes()).get(GetRequest::new("t").ids(["a"])).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{number}");
    }
    let body = b"{\"records\":[{\"fields\":{\"n\":1e999}}]}".to_vec();
    let huge = vault(200, None, body).get(GetRequest::new("t").ids(["a"])).await.unwrap();
    assert_eq!(huge.data[0].text("n").as_deref(), Some("1e999"));
}
