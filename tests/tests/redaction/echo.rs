//! P01: a server that repeats all headers and the body of a request in every kind of response: no key, no token and no
//! header value of the caller comes back in a message.

use std::error::Error as StdError;

use serde_json::{Value, json};
use skyflow::{
    BatchOperation, BatchRequest, CallOptions, ConnectionConfig, Credentials, DetokenizeRequest, Error,
    GetRequest, InsertRequest, InvokeConnectionRequest, Skyflow, TokenizeRequest, VaultConfig,
};
use skyflow_testkit::polling::in_time;
use skyflow_testkit::raw_server::{RawServer, Received};
use skyflow_testkit::{API_KEY, Canaries};

use crate::capture::Capture;

const CARD: &str = "4111111111111111";
const HEADER: &str = "canary-of-the-caller/+\"x\"";
const OWN_TOKEN: &str = "canary.of.the.connection.0123456789";
// With letters that no hexadecimal number in a log has.
const PIN: &str = "zq7w";

/// The forms in which the server repeats a request: a head without its status, and a body.
fn echoes(request: &Received) -> Vec<(&'static str, Vec<u8>)> {
    let pairs: Vec<(&str, String)> = request
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let lines: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let body = String::from_utf8_lossy(&request.body).into_owned();
    let all = format!("{} {} {body}", request.target, lines.join(" "));
    let object: Value = pairs.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    let envelope =
        json!({"error": {"message": all, "http_status": all, "grpc_code": 3, "details": [all, object]}});
    let row = json!({"error": all, "message": all, "token": null});
    let rows = json!({"records": [row, row], "responses": [{"Status": 400, "Body": row}, {"Status": 400, "Body": row}]});
    let escaped = all.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    let json_type = "content-type: application/json";
    vec![
        (json_type, envelope.to_string().into_bytes()),
        (json_type, format!("\u{feff}{envelope}").into_bytes()),
        (json_type, format!("{envelope}x").into_bytes()),
        (json_type, envelope.to_string().as_bytes()[..envelope.to_string().len() - 5].to_vec()),
        (json_type, rows.to_string().into_bytes()),
        (json_type, json!({"errors": [all, {"detail": all}]}).to_string().into_bytes()),
        (json_type, json!({"title": all, "detail": all}).to_string().into_bytes()),
        (json_type, json!({"error": all, "error_description": all}).to_string().into_bytes()),
        (json_type, json!({"Message": all}).to_string().into_bytes()),
        (json_type, json!(all).to_string().into_bytes()),
        (json_type, object.to_string().into_bytes()),
        ("content-type: text/plain", all.clone().into_bytes()),
        ("content-type: text/plain", format!("{}\r\n\r\n{body}", lines.join("\r\n")).into_bytes()),
        (
            "content-type: application/xml",
            format!("<Error><Message>{escaped}</Message></Error>").into_bytes(),
        ),
        ("content-type: text/html", format!("<html><title>{escaped}</title>{escaped}").into_bytes()),
        (
            "content-type: application/x-www-form-urlencoded",
            format!("error={all}&error_description={all}").into_bytes(),
        ),
        ("content-type: application/octet-stream", request.body.to_vec()),
    ]
}

async fn server(form: usize, status: &'static str) -> RawServer {
    RawServer::start(move |mut connection| async move {
        while let Some(request) = connection.request().await {
            let (kind, body) = echoes(&request).swap_remove(form);
            let token = ["authorization", "x-skyflow-authorization"].iter().find_map(|name| request.headers.get(*name));
            let token = token.map_or("none", |token| token.to_str().unwrap());
            let head = format!(
                "HTTP/1.1 {status} {token}\r\n{kind}\r\nx-request-id: {token}\r\nserver: {token}\r\nx-echo: {token}\r\n\
                 content-length: {}\r\n\r\n",
                body.len()
            );
            connection.send(head).await;
            connection.send(body).await;
        }
    })
    .await
    .unwrap()
}

/// All that a program may print of an outcome.
fn printed<T: std::fmt::Debug>(outcome: Result<T, Error>, all: &mut String) {
    match outcome {
        Ok(value) => all.push_str(&format!("{value:?}\n{value:#?}\n")),
        Err(error) => {
            let chain = std::iter::successors(Some(&error as &dyn StdError), |&error| error.source());
            chain.for_each(|error| all.push_str(&format!("{error}\n{error:?}\n")));
            let ids = (error.request_id(), error.http_status(), error.run_id());
            all.push_str(&format!("{} {ids:?} {:?}\n", error.message(), error.expose_server_message()));
        }
    }
}

#[tokio::test]
async fn rel_p01_echoing_server_reveals_no_secret() {
    let capture = Capture::of_the_process();
    let mut canaries = Canaries::default();
    canaries.forbid("API key", API_KEY);
    canaries.forbid("piece of the API key", &API_KEY[..16]);
    canaries.forbid("header", HEADER);
    canaries.forbid("token of the connection", OWN_TOKEN);
    canaries.forbid("PIN", PIN);
    // Messages are exposed on request with the values that they repeat, and without what was sent in a header.
    let mut exposed_values = Canaries::default();
    exposed_values.forbid("card", CARD);
    let mut shown = String::new();
    let forms = echoes(&Received {
        method: String::new(),
        target: String::new(),
        headers: Default::default(),
        body: Default::default(),
    })
    .len();
    for form in 0..forms {
        for status in ["200", "207", "400", "401", "404", "413", "429", "500", "502"] {
            let server = server(form, status).await;
            let client = Skyflow::builder()
                .vault(VaultConfig::with_base_url("v", server.url("")))
                .connection(ConnectionConfig::new("c", server.url("/pay/")))
                .credentials(Credentials::api_key(API_KEY).unwrap())
                .build()
                .unwrap();
            let options = CallOptions::new().no_retry().header("x-canary", HEADER).header("x-pin", PIN);
            let vault = client.default_vault().unwrap().with_options(options.clone());
            let row = || json!({"card_number": CARD});
            let insert = || InsertRequest::new("t").record(row()).record(row());
            printed(in_time(vault.insert(insert())).await, &mut shown);
            printed(in_time(vault.insert(insert().continue_on_error(true))).await, &mut shown);
            let batch =
                BatchRequest::new([BatchOperation::insert("t", row()), BatchOperation::insert("t", row())]);
            let batch = in_time(vault.batch(batch)).await;
            if let Ok(response) = &batch {
                let errors = response.outcomes.iter().filter_map(|outcome| outcome.result.as_ref().err());
                errors.for_each(|error| shown.push_str(&format!("{error} {error:?}\n")));
            }
            printed(batch, &mut shown);
            let tokens = DetokenizeRequest::new().token("a").token("b").continue_on_error(true);
            printed(in_time(vault.detokenize(tokens)).await, &mut shown);
            let values = TokenizeRequest::new().value("a", "g").value("b", "g");
            printed(in_time(vault.tokenize(values)).await, &mut shown);
            printed(in_time(vault.get(GetRequest::new("t").ids(["a"]))).await, &mut shown);
            let connection = client.default_connection().unwrap().with_options(options);
            for request in [
                InvokeConnectionRequest::post().body(&row()),
                InvokeConnectionRequest::post().header("x-skyflow-authorization", OWN_TOKEN).body(&row()),
            ] {
                printed(in_time(connection.invoke(request)).await, &mut shown);
            }
        }
    }
    canaries.assert_absent("what a user could print", &shown);
    let log = capture.text();
    assert!(log.contains("connections.invoke") && log.contains("records.insert"), "the calls were logged");
    canaries.assert_absent("the log", &log);
    exposed_values.assert_absent("the log", &log);
}

/// P02: no environment variable makes a library log values.
#[test]
fn rel_p02_no_variable_opens_the_logs() {
    let crates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
    let mut folders: Vec<_> = ["skyflow", "skyflow-api", "skyflow-auth", "skyflow-http", "skyflow-types"]
        .map(|name| crates.join(name).join("src"))
        .to_vec();
    let mut names = std::collections::BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for call in ["env::var(", "env::var_os(", "env!("] {
                for (at, _) in text.match_indices(call) {
                    let argument =
                        text[at + call.len()..].split([')', ',']).next().unwrap().trim().to_owned();
                    names.insert(argument);
                }
            }
        }
    }
    let opens = |name: &&String| {
        let name = name.to_lowercase();
        ["log", "debug", "trace", "verbose", "redact", "sensitive"].iter().any(|word| name.contains(word))
    };
    let opening: Vec<_> = names.iter().filter(opens).collect();
    assert!(opening.is_empty(), "{opening:?}");
}
