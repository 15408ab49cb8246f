//! Input that cannot be used: a typed error that names the field, before anything is sent.

use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, PublicKeyData};
use serde_json::{Value, json};
use skyflow::{
    Credentials, DetokenizeRequest, Error, ErrorKind, GetRequest, InsertRequest, Redaction, Skyflow,
    TokenMode, UpdateRequest, Vault, VaultConfig,
};
use skyflow_auth::CredentialsErrorKind as Kind;
use skyflow_auth::{CredentialsError, KeyProblem};
use skyflow_emulator::EmbeddedVault;
use skyflow_http::HttpService;
use skyflow_testkit::API_KEY;
use skyflow_testkit::Recorder;
use skyflow_testkit::polling::in_time;
use skyflow_tests::clients::{CARD_NUMBER, TOKEN_URI, over, responding, vault_over};

/// Something that must not be repeated in an error.
const SECRET: &str = "do-not-repeat-4111";

fn assert_names(error: &Error, kind: ErrorKind, field: &str) {
    assert_eq!((error.kind(), error.field()), (kind, Some(field)), "{error}");
    assert_eq!(error.http_code(), Some(400), "as in the official SDKs: {error}");
    assert!(!error.may_have_been_applied() && !error.is_retryable() && error.attempts() == 0, "{error}");
    let shown = format!("{error} {error:?} {error:#?}");
    assert!(error.to_string().contains(field), "{error}");
    assert!(!shown.contains("4111") && !shown.contains(SECRET), "{shown}");
}

// --- credentials -----------------------------------------------------------------------------------------------

fn assert_credentials(error: &CredentialsError, field: &str, kind: Kind) {
    assert_eq!((error.field(), error.kind()), (field, kind), "{error}");
    assert!(error.to_string().starts_with(field), "{error}");
    assert!(!format!("{error} {error:?}").contains(SECRET), "{error:?}");
}

#[test]
fn an_api_key_of_another_form_is_refused() {
    for (key, kind) in [
        ("", Kind::Empty),
        ("  ", Kind::Empty),
        ("sky-", Kind::ApiKeyFormat),
        ("do-not-repeat-4111", Kind::ApiKeyFormat),
        ("sky-abcde-0123456789abcdef0123456789abcde", Kind::ApiKeyFormat),
        ("sky-abcde-0123456789abcdef0123456789abcdef0", Kind::ApiKeyFormat),
        ("sky-abcde-0123456789abcdef0123456789abcdeg", Kind::ApiKeyFormat),
        ("sky-abcd-00123456789abcdef0123456789abcdef", Kind::ApiKeyFormat),
        ("SKY-abcde-0123456789abcdef0123456789abcdef", Kind::ApiKeyFormat),
        ("sky-abcdé-123456789abcdef0123456789abcdef", Kind::ApiKeyFormat),
        ("sky-abcde-0123456789abcdef0123456789abcde\n", Kind::ApiKeyFormat),
        ("xsky-abcde-0123456789abcdef0123456789abcde", Kind::ApiKeyFormat),
    ] {
        assert_credentials(&Credentials::api_key(key).unwrap_err(), "apiKey", kind);
    }
}

/// Makes a JWT; the client does not verify its signature.
fn jwt(claims: &Value) -> String {
    use base64::Engine;
    let encode = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.c2lnbmF0dXJl", encode(r#"{"alg":"RS256"}"#), encode(&claims.to_string()))
}

#[test]
fn invalid_or_expired_bearer_token_is_refused() {
    let expired = jwt(&json!({"exp": 1_000_000_000}));
    for (token, kind) in [
        ("", Kind::Empty),
        (" ", Kind::Empty),
        ("a\r\nx-evil: 1", Kind::TokenMalformed),
        ("do-not-repeat-4111\0", Kind::TokenMalformed),
        (expired.as_str(), Kind::TokenExpired),
    ] {
        assert_credentials(&Credentials::bearer_token(token).unwrap_err(), "token", kind);
    }
    assert!(Credentials::bearer_token(jwt(&json!({"exp": 99_999_999_999_u64}))).is_ok());
}

fn pem(label: &str, der: &[u8]) -> String {
    use base64::Engine;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}

fn account() -> Value {
    let vault = EmbeddedVault::builder().build().unwrap();
    serde_json::from_str(vault.credentials_json(TOKEN_URI).expose()).unwrap()
}

fn with(account: &Value, field: &str, value: impl Into<Value>) -> String {
    let mut account = account.clone();
    account[field] = value.into();
    account.to_string()
}

#[test]
fn invalid_service_account_document_names_field() {
    let good = account();
    assert!(Credentials::from_json(&good.to_string()).is_ok());
    let refused = |json: &str| Credentials::from_json(json).unwrap_err();
    for text in
        ["", " ", "do-not-repeat-4111", "[]", "\"x\"", "null", "{", "{\"privateKey\":\"do-not-repeat-4111"]
    {
        let error = refused(text);
        assert_eq!(error.field(), "credentials", "{text:?}: {error}");
        assert!(matches!(error.kind(), Kind::NotJson | Kind::Empty), "{text:?}: {error}");
        assert!(!format!("{error} {error:?}").contains(SECRET), "{error:?}");
    }
    for field in ["privateKey", "clientID", "keyID", "tokenURI"] {
        let mut without = good.clone();
        without.as_object_mut().unwrap().remove(field);
        assert_credentials(&refused(&without.to_string()), field, Kind::Missing);
        assert_credentials(&refused(&with(&good, field, Value::Null)), field, Kind::Missing);
        assert_credentials(&refused(&with(&good, field, "")), field, Kind::Empty);
        assert_credentials(&refused(&with(&good, field, " \n ")), field, Kind::Empty);
        assert_credentials(&refused(&with(&good, field, 4111)), field, Kind::NotText);
        assert_credentials(
            &refused(&with(&good, field, json!({"do-not-repeat-4111": 1}))),
            field,
            Kind::NotText,
        );
    }
}

#[test]
fn private_key_error_names_the_actual_format() {
    let good = account();
    let rsa = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
    let ec = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let whole = rsa.serialize_pem();
    let cut: String =
        whole.lines().take(5).chain(["-----END PRIVATE KEY-----"]).collect::<Vec<_>>().join("\n");
    let certificate =
        rcgen::CertificateParams::new(["x.example".to_owned()]).unwrap().self_signed(&ec).unwrap();
    assert!(Credentials::from_json(&with(&good, "privateKey", whole.as_str())).is_ok());
    for (key, problem) in [
        ("do-not-repeat-4111".to_owned(), KeyProblem::NotPem),
        ("-----BEGIN PRIVATE KEY-----".to_owned(), KeyProblem::NotPem),
        (ec.serialize_pem(), KeyProblem::NotRsa),
        (pem("PUBLIC KEY", &rsa.subject_public_key_info()), KeyProblem::Public),
        (certificate.pem(), KeyProblem::Public),
        (pem("ENCRYPTED PRIVATE KEY", b"do-not-repeat-4111"), KeyProblem::Encrypted),
        (pem("PRIVATE KEY", b"do-not-repeat-4111"), KeyProblem::Malformed),
        (pem("RSA PRIVATE KEY", b"do-not-repeat-4111"), KeyProblem::Malformed),
        (cut, KeyProblem::Malformed),
    ] {
        let error = Credentials::from_json(&with(&good, "privateKey", key.as_str())).unwrap_err();
        assert_credentials(&error, "privateKey", Kind::PrivateKey(problem));
        for line in key.lines().filter(|line| line.len() > 20 && !line.starts_with('-')) {
            assert!(!format!("{error} {error:?}").contains(line), "{error:?}");
        }
    }
}

#[test]
fn rel_t11_unsafe_token_uri_is_refused() {
    let good = account();
    for uri in [
        "http://manage.skyflowapis.com/v1/auth/sa/oauth/token",
        "http://127.0.0.1.evil.example/",
        "http://localhost.evil.example/",
        "ftp://manage.skyflowapis.com/",
        "manage.skyflowapis.com",
        "//manage.skyflowapis.com",
        "/v1/auth",
        "https://",
        "https://user:password@manage.skyflowapis.com/",
        "https://manage.skyflowapis.com@evil.example/",
        "https://manage.skyflowapis.com\\@evil.example/",
        "https://manage.skyflowapis.com#@evil.example/",
        "https://manage.skyflowapis.com:99999/",
        "https://manage.skyflowapis.com /",
        "https://manage.skyflowapis.com/\r\nx-evil: 1",
        "javascript:alert(1)",
        "file:///etc/passwd",
    ] {
        let error = Credentials::from_json(&with(&good, "tokenURI", uri)).unwrap_err();
        assert_credentials(&error, "tokenURI", Kind::TokenUri);
        let error = Credentials::from_json(&good.to_string()).unwrap().token_uri(uri).unwrap_err();
        assert_eq!(error.kind(), Kind::TokenUri, "{uri}");
    }
}

#[test]
fn credential_options_without_effect_are_refused() {
    let key = || Credentials::api_key(API_KEY).unwrap();
    for error in [
        key().roles(["role1"]).unwrap_err(),
        key().context("user").unwrap_err(),
        key().token_uri(TOKEN_URI).unwrap_err(),
        key().lifetime(std::time::Duration::from_secs(60)).unwrap_err(),
    ] {
        assert_eq!(error.kind(), Kind::NotApplicable, "a restriction that would silently not hold: {error}");
    }
}

#[test]
fn unusable_credentials_file_fails_at_build() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let recorder = Recorder::new();
    for (path, field) in [
        (folder.path().join("absent.json"), "credentials.path"),
        (folder.path().to_owned(), "credentials.path"),
        (file("empty.json", ""), "credentials"),
        (file("text.json", "do-not-repeat-4111"), "credentials"),
        (file("fields.json", "{}"), "credentials.privateKey"),
        // A secret passed as a path by mistake.
        (SECRET.into(), "credentials.path"),
    ] {
        let config = VaultConfig::new("vault1", "cluster1").credentials(Credentials::from_path(&path));
        let transport = recorder.around(responding(200, None, ""));
        let error = over(transport).vault(config).build().unwrap_err();
        assert_names(&error, ErrorKind::Auth, field);
    }
    assert_eq!(recorder.count(), 0);
}

// --- where a vault is ------------------------------------------------------------------------------------------

fn build(config: VaultConfig) -> Error {
    let recorder = Recorder::new();
    let transport = recorder.around(responding(200, None, ""));
    let with_key = config.credentials(Credentials::api_key(API_KEY).unwrap());
    let error = over(transport).vault(with_key).build().unwrap_err();
    assert_eq!(recorder.count(), 0);
    error
}

#[test]
fn cluster_id_must_be_a_dns_label() {
    let long = "a".repeat(64);
    for cluster in [
        "",
        " ",
        "-a",
        "a-",
        "a.b",
        "a/b",
        "a_b",
        "a b",
        "a@b",
        "a:1",
        "a?b",
        "a#b",
        "a\\b",
        "a%2eb",
        "é",
        "a\n",
        "evil.example/",
        "do-not-repeat-4111.example",
        "127.0.0.1",
        &long,
    ] {
        assert_names(&build(VaultConfig::new("vault1", cluster)), ErrorKind::InvalidInput, "cluster_id");
    }
}

#[test]
fn a_vault_id_that_is_none_is_refused() {
    for id in ["", " ", "a b", "a\tb", "a\r\nb", "a\0"] {
        assert_names(&build(VaultConfig::new(id, "cluster1")), ErrorKind::InvalidInput, "vault_id");
    }
}

#[test]
fn rel_s02_plain_http_to_other_hosts_is_refused() {
    for url in [
        "http://vault.example",
        "http://10.0.0.1",
        "http://192.168.0.1:8080",
        "http://0.0.0.0",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "http://evil.example/127.0.0.1",
        "http://evil.example?127.0.0.1",
        "http://evil.example#127.0.0.1",
        "http://127.0.0.1@evil.example",
        "http://localhost:80@evil.example",
        "http://evil.example:80#@localhost",
        "http://localhost\\@evil.example",
        "http://[::ffff:10.0.0.1]",
        "http://[::ffff:127.0.0.1]",
        "http://[::]",
        "http://[fe80::1]",
        "http://2130706433",
        "http://0x7f000001",
        "http://0177.0.0.1",
        "http://127.1",
        "http://127.0.0.1.",
        "http://localhost.",
        "http://128.0.0.1",
        "http://loopback",
        "http://ⓛocalhost",
        "HTTP://vault.example",
        "//vault.example",
        "vault.example",
        "ftp://localhost",
        "ws://localhost",
        "file:///etc/passwd",
        "https://",
        "https:///path",
        "https://user@vault.example",
        "https://user:do-not-repeat-4111@vault.example",
        "https://vault.example/?a=b",
        "https://vault.example/#a",
        "https://vault.example/../x",
        "https://vault example",
        "https://vault.example\r\nx-evil: 1",
        "",
        " ",
        "http://",
        "://",
    ] {
        let error = build(VaultConfig::with_base_url("vault1", url));
        assert_names(&error, ErrorKind::InvalidInput, "base_url");
    }
    for url in [
        "http://127.0.0.1:1",
        "http://127.9.9.9",
        "http://localhost:8080/",
        "http://[::1]:1",
        "https://v.example/x/",
    ] {
        let key = Credentials::api_key(API_KEY).unwrap();
        let config = VaultConfig::with_base_url("vault1", url).credentials(key);
        assert!(over(responding(200, None, "")).vault(config).build().is_ok(), "{url}");
    }
}

#[test]
fn missing_duplicate_unknown_vaults_are_errors() {
    assert_names(&Skyflow::builder().build().unwrap_err(), ErrorKind::Configuration, "vault");
    let key = || Credentials::api_key(API_KEY).unwrap();
    let config = || VaultConfig::new("vault1", "cluster1").credentials(key());
    let transport = || responding(200, None, "");
    let twice = over(transport()).vault(config()).vault(config()).build().unwrap_err();
    assert_names(&twice, ErrorKind::InvalidInput, "vault_id");
    let client = over(transport()).vault(config()).build().unwrap();
    for unknown in ["vault2", "", "VAULT1", SECRET] {
        assert_names(&client.vault(unknown).unwrap_err(), ErrorKind::InvalidInput, "vault_id");
    }
}

// --- requests --------------------------------------------------------------------------------------------------

/// A vault over a service that must not be reached.
fn unreached() -> (Vault, Recorder) {
    let recorder = Recorder::new();
    (vault_over(recorder.around(responding(200, None, ""))), recorder)
}

/// A type whose serialisation fails.
struct Unserialisable;

impl serde::Serialize for Unserialisable {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom(SECRET))
    }
}

#[tokio::test]
async fn an_insert_that_cannot_be_sent_names_the_field() {
    let (vault, recorder) = unreached();
    let row = || json!({"card_number": CARD_NUMBER});
    let base = || InsertRequest::new("table1");
    let rows: Vec<(&str, InsertRequest)> = vec![
        ("table", InsertRequest::new("").record(row())),
        ("table", InsertRequest::new(" \t").record(row())),
        ("records", base()),
        ("records", base().records(Vec::<Value>::new())),
        ("records[0]", base().record("do-not-repeat-4111")),
        ("records[0]", base().record(4111)),
        ("records[0]", base().record(json!([row()]))),
        ("records[0]", base().record(Value::Null)),
        ("records[0]", base().record(None::<Value>)),
        ("records[0]", base().record(())),
        ("records[2]", base().record(row()).record(row()).record(true)),
        ("records[1]", base().record(row()).record(Unserialisable)),
        ("upsert", base().record(row()).upsert("card_number").homogeneous(true)),
        ("upsert", base().record(row()).upsert("")),
        ("tokens", base().record(row()).token_mode(TokenMode::Enable)),
        ("tokens", base().record(row()).token_mode(TokenMode::EnableStrict)),
        ("tokens[0]", base().record_with_tokens(row(), json!({"card_number": "t"}))),
        ("tokens[0]", base().record_with_tokens(row(), json!({"other": "t"})).token_mode(TokenMode::Enable)),
        ("tokens[0]", base().record_with_tokens(row(), json!({})).token_mode(TokenMode::Enable)),
        ("tokens[0]", base().record_with_tokens(row(), "do-not-repeat-4111").token_mode(TokenMode::Enable)),
        (
            "tokens[0]",
            base()
                .record_with_tokens(json!({"a": CARD_NUMBER, "b": 1}), json!({"a": "t"}))
                .token_mode(TokenMode::EnableStrict),
        ),
        (
            "tokens[1]",
            base()
                .record_with_tokens(row(), json!({"card_number": "t"}))
                .record(row())
                .token_mode(TokenMode::EnableStrict),
        ),
    ];
    for (field, request) in rows {
        for go_on in [false, true] {
            let request = request.clone().continue_on_error(go_on);
            let shown = format!("{request:?}");
            assert!(!shown.contains("4111"), "{shown}");
            let error = in_time(vault.insert(request)).await.expect_err(&shown);
            assert_names(&error, ErrorKind::InvalidInput, field);
            assert_eq!(error.operation(), Some(if go_on { "records.batch" } else { "records.insert" }));
        }
    }
    let mixed =
        base().record(json!({"a": 1})).record(json!({"b": 1})).homogeneous(true).continue_on_error(true);
    assert_names(&in_time(vault.insert(mixed)).await.unwrap_err(), ErrorKind::InvalidInput, "records[1]");
    assert_eq!(recorder.count(), 0);
}

#[tokio::test]
async fn invalid_detokenize_names_the_field() {
    let (vault, recorder) = unreached();
    for (field, request) in [
        ("tokens", DetokenizeRequest::new()),
        ("tokens[0]", DetokenizeRequest::new().token("")),
        ("tokens[0]", DetokenizeRequest::new().token(" ").token(SECRET)),
        ("tokens[1]", DetokenizeRequest::new().token(SECRET).token_with("\n", Redaction::PlainText)),
    ] {
        let shown = format!("{request:?}");
        assert!(!shown.contains(SECRET), "{shown}");
        let error = in_time(vault.detokenize(request)).await.expect_err(&shown);
        assert_names(&error, ErrorKind::InvalidInput, field);
    }
    assert_eq!(recorder.count(), 0);
}

#[tokio::test]
async fn a_get_that_cannot_be_sent_names_the_field() {
    let (vault, recorder) = unreached();
    let base = || GetRequest::new("table1");
    for (field, request) in [
        ("table", GetRequest::new("").ids(["id"])),
        ("ids", base()),
        ("ids", base().ids(Vec::<String>::new())),
        ("ids[1]", base().ids(["id", ""])),
        ("ids", base().ids(["id"]).column("email", [SECRET])),
        ("ids", base().ids(["id"]).all_rows()),
        ("column_name", base().column("", [SECRET])),
        ("column_values", base().column("email", Vec::<String>::new())),
        ("column_values[0]", base().column("email", [" "])),
        ("column_name", base().column("email", [SECRET]).return_tokens(true)),
        ("redaction", base().ids(["id"]).return_tokens(true).redaction(Redaction::PlainText)),
        ("fields", base().ids(["id"]).fields(Vec::<String>::new())),
        ("fields[0]", base().ids(["id"]).fields([""])),
    ] {
        let shown = format!("{request:?}");
        assert!(!shown.contains(SECRET), "{shown}");
        let error = in_time(vault.get(request)).await.expect_err(&shown);
        assert_names(&error, ErrorKind::InvalidInput, field);
    }
    assert_eq!(recorder.count(), 0);
}

#[tokio::test]
async fn rel_s05_hostile_name_is_one_segment_or_error() {
    let recorder = Recorder::new();
    let vault = vault_over(recorder.around(responding(200, None, "{\"records\":[]}")));
    let hostile = [
        "../x",
        "..%2fx",
        "a/b",
        "a?b=c",
        "a#b",
        "a\\b",
        "a b",
        "a%b",
        "é",
        "a;b",
        "a&b",
        "//evil.example",
        "a\r\nb",
        "%2e%2e",
        "a:b",
        "@evil",
        "\u{202e}x",
        "a\0b",
        "*",
        "...",
    ];
    for table in hostile {
        let request = InsertRequest::new(table).record(json!({"a": 1}));
        let _ = in_time(vault.insert(request)).await;
    }
    let exchanges = recorder.exchanges();
    assert_eq!(exchanges.len(), hostile.len());
    for (exchange, table) in exchanges.iter().zip(hostile) {
        assert_eq!(exchange.uri.host(), Some("cluster1.vault.skyflowapis.com"), "{table:?}");
        assert_eq!(exchange.uri.query(), None, "{table:?}");
        let segments: Vec<_> = exchange.uri.path().split('/').collect();
        let ["", "v1", "vaults", "vault1", segment] = segments[..] else { panic!("{table:?}: {segments:?}") };
        let decoded = percent_decode(segment);
        assert_eq!(decoded, table, "what the server decodes is what was given");
    }
    for dots in [".", ".."] {
        let request = InsertRequest::new(dots).record(json!({"a": 1}));
        let error = in_time(vault.insert(request)).await.unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("table")), "{error}");
    }
    assert_eq!(recorder.count(), hostile.len());
}

fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        if *first == b'%' {
            let digits = std::str::from_utf8(&after[..2]).unwrap();
            bytes.push(u8::from_str_radix(digits, 16).unwrap());
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn credentials_are_sent_to_the_vault_host_only() {
    let recorder = Recorder::new();
    let redirected = skyflow_http::DynLayer::from_fn(|inner: HttpService| {
        use tower::ServiceExt;
        inner.map_request(|mut request: skyflow_http::Request| {
            *request.uri_mut() = "https://evil.example/v1/vaults/vault1/table1".parse().unwrap();
            request
        })
    });
    let key = Credentials::api_key(API_KEY).unwrap();
    let config = VaultConfig::new("vault1", "cluster1").credentials(key);
    let transport = recorder.around(responding(200, None, ""));
    let client = over(transport).vault(config).attempt_layer(redirected).build().unwrap();
    let request = InsertRequest::new("table1").record(json!({"a": 1}));
    let error = in_time(client.default_vault().unwrap().insert(request)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth, "{error}");
    assert!(!error.may_have_been_applied() && !error.is_retryable());
    assert_eq!(recorder.count(), 0);
}

/// A row that a caller's own type makes.
#[derive(Clone, serde::Serialize)]
struct Line {
    name: &'static str,
    price: f64,
    parts: Vec<f32>,
}

#[tokio::test]
async fn nan_and_infinities_are_refused_by_name() {
    let (vault, recorder) = unreached();
    let good = || Line { name: "a", price: 7.5, parts: vec![1.0] };
    let bad = |price: f64| Line { price, ..good() };
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let insert = InsertRequest::new("t").records([good(), good(), good(), bad(number)]).upsert("name");
        for go_on in [false, true] {
            let error = vault.insert(insert.clone().continue_on_error(go_on)).await.unwrap_err();
            assert_names(&error, ErrorKind::InvalidInput, "records[3].price");
            assert!(error.message().contains("must be a finite number"), "{error}");
        }
        let error = vault.update(UpdateRequest::new("t", "i", bad(number))).await.unwrap_err();
        assert_names(&error, ErrorKind::InvalidInput, "fields.price");
        let nested = json!({"name": "x"});
        let tokens =
            InsertRequest::new("t").record_with_tokens(nested, bad(number)).token_mode(TokenMode::Enable);
        assert_names(&vault.insert(tokens).await.unwrap_err(), ErrorKind::InvalidInput, "tokens[0].price");
        let line = Line { parts: vec![0.0, number as f32], ..good() };
        let error = vault.insert(InsertRequest::new("t").record(line)).await.unwrap_err();
        assert_names(&error, ErrorKind::InvalidInput, "records[0].parts[1]");
    }
    assert_eq!(recorder.count(), 0);
}
