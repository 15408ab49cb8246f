//! Connections of the embedded vault: tokens become values on the way out, values become tokens on the way in.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "in a test a panic is the report"
)]

mod support;

use http::{Method, Request, header};
use serde_json::{Value, json};
use skyflow_emulator::{
    BuildError, ConnectionSpec, EmbeddedVault, Fault, NewServiceAccount, Operation, Role,
};
use skyflow_http::Body;

use support::{Client, Response, send};

fn route(content_type: &str, rules: &Value) -> Value {
    let mut route = json!({"path": "/charges/{card}", "method": "POST", "contentType": content_type});
    for (name, value) in rules.as_object().unwrap() {
        route[name] = value.clone();
    }
    route
}

fn spec(mode: &str, routes: &[Value]) -> ConnectionSpec {
    let json = json!({"name": "c", "mode": mode, "vaultID": "any", "authMode": "NOAUTH", "routes": routes});
    ConnectionSpec::from_json(&json).unwrap().with_id("c1")
}

fn detokenize(field: &str) -> Value {
    json!({"action": "DETOKENIZATION", "fieldName": field})
}

fn tokenize(field: &str, column: &str) -> Value {
    json!({"action": "TOKENIZATION", "fieldName": field, "table": "table1", "column": column})
}

struct Setup {
    client: Client,
    path: String,
    token: String,
}

async fn setup(spec: ConnectionSpec) -> Setup {
    let path = spec.path();
    let client = Client::new(&EmbeddedVault::builder().connection(spec).build().unwrap());
    let (_, tokens) = client.insert_one("table1", json!({"card_number": "4111111111111111"})).await;
    Setup { client, path, token: tokens["card_number"].as_str().unwrap().to_owned() }
}

impl Setup {
    async fn call(&self, route: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Response {
        self.call_as(&self.client.bearer, Method::POST, route, headers, body).await
    }

    async fn call_as(
        &self,
        token: &str,
        method: Method,
        route: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Response {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{route}", self.path))
            .header("x-skyflow-authorization", token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        send(&self.client.vault, request.body(body.into()).unwrap()).await
    }
}

#[tokio::test]
async fn outbound_route_replaces_tokens_with_values() {
    let rules = json!({
        "url": [detokenize("card")],
        "queryParams": [detokenize("q")],
        "requestHeader": [detokenize("X-Card")],
        "requestBody": [detokenize("card.number"), detokenize("list.*.n"), detokenize("absent.field")],
    });
    let setup = setup(spec("EGRESS", &[route("JSON", &rules)])).await;
    let token = &setup.token;
    let body =
        json!({"card": {"number": token, "name": "Ada"}, "list": [{"n": token}, {"m": 1}], "amount": 5});
    let path = format!("/charges/{token}?q={token}&r=a%20b");
    let told =
        setup.call(&path, &[("x-card", token), ("authorization", "Basic abc")], body.to_string()).await.ok();
    let value = "4111111111111111";
    assert_eq!(told["path"], format!("/charges/{value}"));
    assert_eq!(told["query"], format!("q={value}&r=a%20b"));
    assert_eq!(
        told["body"],
        json!({"card": {"number": value, "name": "Ada"}, "list": [{"n": value}, {"m": 1}], "amount": 5})
    );
    assert_eq!(told["headers"]["x-card"], value);
    assert_eq!(told["headers"]["authorization"], "Basic abc");
    assert!(told["headers"].get("x-skyflow-authorization").is_none(), "the token stays in the vault");
}

#[tokio::test]
async fn redaction_and_a_selector_limit_what_goes_out() {
    let masked = json!({"action": "DETOKENIZATION", "fieldName": "masked", "redaction": "MASKED"});
    let part =
        json!({"action": "DETOKENIZATION", "fieldName": "text", "dataSelectorRegex": r"card=([0-9-]+)"});
    let setup = setup(spec("EGRESS", &[route("JSON", &json!({"requestBody": [masked, part]}))])).await;
    let token = &setup.token;
    let body = json!({"masked": token, "text": format!("a card={token}; card={token}.")});
    let told = setup.call("/charges/1", &[], body.to_string()).await.ok();
    assert_eq!(told["body"]["masked"], "XXXXXXXXXXXX1111");
    assert_eq!(told["body"]["text"], "a card=4111111111111111; card=4111111111111111.");
}

#[tokio::test]
async fn a_form_is_read_and_written_as_a_form() {
    let rules = json!({"requestBody": [detokenize("card.number"), detokenize("list.*")]});
    let setup = setup(spec("EGRESS", &[route("X_WWW_FORM_URLENCODED", &rules)])).await;
    let token = &setup.token;
    let form = format!("card%5Bnumber%5D={token}&list[0]={token}&note=a+b%26c");
    let told =
        setup.call("/charges/1", &[("content-type", "application/x-www-form-urlencoded")], form).await.ok();
    let value = "4111111111111111";
    assert_eq!(told["body"], format!("card%5Bnumber%5D={value}&list%5B0%5D={value}&note=a%20b%26c"));
}

#[tokio::test]
async fn inbound_route_stores_values_passes_on_tokens() {
    let rules = json!({
        "requestBody": [tokenize("cards.*.number", "card_number"), tokenize("cards.*.name", "cardholder_name")],
    });
    let setup = setup(spec("INGRESS", &[route("JSON", &rules)])).await;
    assert!(setup.path.starts_with("/v1/gateway/inboundRoutes/"));
    let body = json!({"cards": [{"number": "5555555555554444", "name": "Ada"}, {"number": "4012888888881881"}], "x": 1});
    let told = setup.call("/charges/1", &[("content-type", "application/json")], body.to_string()).await.ok();
    for (at, value) in [(0, "5555555555554444"), (1, "4012888888881881")] {
        let token = &told["cards"][at]["number"];
        assert_ne!(token, value);
        assert_eq!(setup.client.reveal(token, "PLAIN_TEXT").await, value);
    }
    assert_eq!(setup.client.reveal(&told["cards"][0]["name"], "PLAIN_TEXT").await, "Ada");
    assert_eq!(told["x"], 1);
    let rows = setup.client.get("/table1?redaction=PLAIN_TEXT").await.ok();
    assert_eq!(
        rows["records"].as_array().unwrap().len(),
        3,
        "one record for each element, and the one before"
    );
}

#[tokio::test]
async fn responses_are_rewritten_and_upsert_keeps_one() {
    let mut route = route(
        "JSON",
        &json!({
            "responseBody": [tokenize("body.email", "email")],
            "responseHeader": [],
        }),
    );
    route["tableUpsertInfo"] = json!([{"table": "table1", "column": "email"}]);
    let setup = setup(spec("EGRESS", &[route])).await;
    let mut tokens = Vec::new();
    for _ in 0..2 {
        let told = setup.call("/charges/1", &[], json!({"email": "a@b.example"}).to_string()).await.ok();
        tokens.push(told["body"]["email"].clone());
    }
    assert_eq!(setup.client.reveal(&tokens[1], "PLAIN_TEXT").await, "a@b.example");
    let rows = setup.client.get("/table1").await.ok();
    assert_eq!(rows["records"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn whose_fault_it_was_is_told_truthfully() {
    let setup = setup(spec("EGRESS", &[route("JSON", &json!({"requestBody": [detokenize("n")]}))])).await;
    let whose = |response: &Response| {
        response.headers.get("error-from-client").map(|v| v.to_str().unwrap().to_owned())
    };
    let token = setup.token.clone();
    let good = json!({"n": token}).to_string();

    let response = setup.call("/charges/1", &[], good.clone()).await;
    assert_eq!((response.status.as_u16(), whose(&response)), (200, None));
    for status in ["402", "500"] {
        let response = setup.call("/charges/1", &[("x-echo-status", status)], good.clone()).await;
        assert_eq!((response.status.as_str(), whose(&response).as_deref()), (status, Some("true")));
        assert_eq!(response.body["body"]["n"], "4111111111111111", "the target's own words pass");
    }
    let unknown = setup.call("/charges/1", &[], json!({"n": "4242424242424242"}).to_string()).await;
    assert!(!unknown.error(400).contains("4242"), "a field without a token may hold a value");
    let refused = [
        (unknown, 400),
        (setup.call("/charges/1", &[], "{").await, 400),
        (setup.call("/elsewhere", &[], good.clone()).await, 404),
        (setup.call("/", &[], good.clone()).await, 404),
        (setup.call_as(&setup.client.bearer, Method::PUT, "/charges/1", &[], good.clone()).await, 405),
        (setup.call_as("sky-wrong", Method::POST, "/charges/1", &[], good.clone()).await, 401),
        (
            setup
                .call_as(&format!("Bearer {}", setup.client.bearer), Method::POST, "/charges/1", &[], good)
                .await,
            401,
        ),
    ];
    for (response, status) in refused {
        response.error(status);
        assert_eq!(whose(&response).as_deref(), Some("false"), "{status}");
    }
}

#[tokio::test]
async fn vault_token_is_not_read_from_foreign_headers() {
    let setup = setup(spec("EGRESS", &[route("JSON", &json!({}))])).await;
    let request = Request::post(format!("{}/charges/1", setup.path))
        .header(header::AUTHORIZATION, format!("Bearer {}", setup.client.bearer))
        .body(Body::empty())
        .unwrap();
    send(&setup.client.vault, request).await.error(401);
}

#[tokio::test]
async fn only_owners_and_invokers_may_invoke() {
    let setup = setup(spec("EGRESS", &[route("JSON", &json!({"requestBody": [detokenize("n")]}))])).await;
    for (role, status) in [
        (Role::VaultOwner, 200),
        (Role::ConnectionInvoker, 200),
        (Role::VaultEditor, 403),
        (Role::VaultViewer, 403),
    ] {
        let account =
            setup.client.vault.create_service_account(NewServiceAccount::new("a").role(role)).unwrap();
        let key = account.create_api_key().unwrap();
        let body = json!({"n": setup.token}).to_string();
        let response = setup.call_as(key.expose(), Method::POST, "/charges/1", &[], body).await;
        assert_eq!(response.status.as_u16(), status, "{role:?}");
        if role == Role::ConnectionInvoker {
            let body = json!({"detokenizationParameters": [{"token": setup.token}]});
            setup.client.with_bearer(key.expose()).post("/detokenize", body).await.error(403);
        }
    }
}

#[tokio::test]
async fn what_is_not_emulated_says_so_by_name() {
    let field = |extra: Value| {
        let mut field = detokenize("n");
        for (name, value) in extra.as_object().unwrap() {
            field[name] = value.clone();
        }
        json!({"requestBody": [field]})
    };
    for (content_type, rules, gap) in [
        ("XML", json!({}), "XML"),
        ("X_MULTIPART_FORM_DATA", json!({}), "MULTIPART"),
        ("JSON", json!({"mleType": "JWE"}), "message level encryption"),
        ("JSON", json!({"preFieldRequestMessageActions": [{"functionName": "f"}]}), "functions"),
        ("JSON", field(json!({"action": "ENCRYPTION"})), "encryption"),
        ("JSON", field(json!({"functionName": "f"})), "functions"),
        ("JSON", field(json!({"transformFormat": "f"})), "transformations"),
    ] {
        let setup = setup(spec("EGRESS", &[route(content_type, &rules)])).await;
        let response = setup.call("/charges/1", &[], "{}").await;
        assert!(response.error(501).contains(gap), "{}", response.body);
    }
}

#[test]
fn forwarding_needs_a_named_target() {
    let build = |spec: ConnectionSpec| EmbeddedVault::builder().connection(spec).build().map(drop);
    let elsewhere = || spec("EGRESS", &[]).with_target("https://api.example.com/v1").unwrap();
    assert!(matches!(build(elsewhere()), Err(BuildError::Connection(_))));
    build(elsewhere().allow_target("https://api.example.com").unwrap()).unwrap();
    assert!(build(elsewhere().allow_target("https://example.com").unwrap()).is_err());
    assert!(build(elsewhere().allow_target("https://api.example.com:8443").unwrap()).is_err());
    build(spec("EGRESS", &[]).with_target("http://127.0.0.1:1").unwrap()).unwrap();
    assert!(spec("EGRESS", &[]).with_target("http://api.example.com").is_err());
    assert!(build(spec("EGRESS", &[]).with_id("a/b")).is_err());
    let twice =
        EmbeddedVault::builder().connection(spec("EGRESS", &[])).connection(spec("EGRESS", &[])).build();
    assert!(matches!(twice, Err(BuildError::Connection(_))));
}

#[test]
fn invalid_connection_descriptions_are_refused() {
    for json in [
        json!({}),
        json!({"mode": "SIDEWAYS", "routes": []}),
        json!({"mode": "EGRESS", "routes": [{"path": "no slash", "method": "GET"}]}),
        json!({"mode": "EGRESS", "routes": [{"path": "/{", "method": "GET"}]}),
        json!({"mode": "EGRESS", "routes": [{"path": "/", "method": "no method"}]}),
        json!({"mode": "EGRESS", "routes": [{"path": "/", "method": "GET", "contentType": "CBOR"}]}),
        json!({"mode": "EGRESS", "routes": [{"path": "/", "method": "GET", "requestBody": [{"action": "GUESS"}]}]}),
        json!({"mode": "INGRESS", "routes": [{"path": "/", "method": "GET",
            "requestBody": [{"action": "TOKENIZATION", "fieldName": "a", "table": "t"}]}]}),
        json!({"mode": "EGRESS", "routes": [{"path": "/", "method": "GET",
            "requestBody": [{"action": "DETOKENIZATION", "fieldName": "a", "dataSelectorRegex": "("}]}]}),
        json!({"mode": "EGRESS", "baseURL": "http://api.example.com", "routes": []}),
    ] {
        assert!(ConnectionSpec::from_json(&json).is_err(), "{json}");
    }
}

#[tokio::test]
async fn journal_and_faults_see_connections_not_paths() {
    let setup = setup(spec("EGRESS", &[route("JSON", &json!({}))])).await;
    let outbound = Operation::ConnectionsInvokeOutbound;
    setup
        .client
        .vault
        .inject(Fault::status(http::StatusCode::TOO_MANY_REQUESTS).operation(outbound).times(1));
    let responses = [
        setup.call("/charges/4111111111111111", &[], "").await.status.as_u16(),
        setup.call("/charges/4111111111111111", &[], "").await.status.as_u16(),
    ];
    assert_eq!(responses, [429, 200]);
    let journal = setup.client.vault.journal();
    let entry = journal.last().unwrap();
    assert_eq!(entry.operation, Some(outbound.name()));
    assert!(entry.path_template.ends_with("/outboundRoutes/{connection_id}/{route}"));
    assert!(!format!("{entry:?}").contains("4111"));
    let events = format!("/v1/audit/events?filterOps.accountID={}", setup.client.vault.account_id());
    let request = Request::get(events)
        .header(header::AUTHORIZATION, format!("Bearer {}", setup.client.bearer))
        .body(Body::empty())
        .unwrap();
    let events = send(&setup.client.vault, request).await.ok();
    assert!(!events.to_string().contains("4111"), "{events}");
}

#[tokio::test]
async fn the_kind_of_route_is_the_mode_of_a_connection() {
    let json = json!({
        "ID": "f1", "name": "c", "baseURL": "builtin:echo",
        "routes": [{
            "path": "/x", "method": "POST", "contentType": "JSON",
            "requestBody": [
                {"action": "DETOKENIZATION", "fieldName": "card"},
                {"action": "NOACTION", "fieldName": "name"},
                {"fieldName": "other"},
            ],
            "preFieldRequestMessageActions": [{"type": "NOACTION", "target": "Body"}],
            "postFieldResponseMessageActions": [],
        }],
    });
    let outbound = ConnectionSpec::outbound_from_json(&json).unwrap();
    assert_eq!(outbound.path(), "/v1/gateway/outboundRoutes/f1");
    let inbound = ConnectionSpec::inbound_from_json(&json).unwrap();
    assert_eq!(inbound.path(), "/v1/gateway/inboundRoutes/f1");
    let setup = setup(outbound).await;
    let body = json!({"card": setup.token, "name": "n", "other": setup.token}).to_string();
    let echoed = setup.call("/x", &[], body).await.ok()["body"].clone();
    assert_eq!(echoed, json!({"card": "4111111111111111", "name": "n", "other": setup.token}));

    assert!(ConnectionSpec::from_json(&json).unwrap_err().to_string().contains("outbound_from_json"));
    let mut with_mode = json.clone();
    with_mode["mode"] = json!("EGRESS");
    assert!(ConnectionSpec::outbound_from_json(&with_mode).is_ok());
    assert!(ConnectionSpec::inbound_from_json(&with_mode).is_err());
    with_mode["routes"][0]["preFieldRequestMessageActions"][0]["type"] = json!("SIGN");
    let signing = ConnectionSpec::from_json(&with_mode).unwrap();
    let client = self::setup(signing).await;
    client.call("/x", &[], "{}").await.error(501);
}
