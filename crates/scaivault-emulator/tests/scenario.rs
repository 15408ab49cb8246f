//! One scenario over TCP, over TLS, and against the program with the variables that it prints.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of a test")]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use futures_util::TryStreamExt;
use scaivault::dynamic::EngineConfig;
use scaivault::http::Transport;
use scaivault::{Client, Error};
use scaivault_emulator::{EmbeddedScaiVault, Server};
use serde_json::json;

/// Uses secrets, certificates and dynamic credentials, and removes what would stop a second run.
async fn scenario(client: &Client) {
    let (secrets, path) = (client.secrets(), "scenario/db/password");
    let written = secrets.write(path, &json!({ "password": "first" })).await.unwrap();
    assert_eq!(written.version, 1);
    let rotated = secrets.rotate(path).new_value(&json!({ "password": "second" })).grace_period("1h");
    assert_eq!(rotated.await.unwrap().new_version, Some(2));
    let secret = secrets.read(path).await.unwrap();
    assert_eq!(secret.data.data_as::<serde_json::Value>().unwrap(), json!({ "password": "second" }));
    let listed: Vec<_> = secrets.list().prefix("scenario/").items().try_collect().await.unwrap();
    assert_eq!(listed.iter().map(|item| item.path.as_str()).collect::<Vec<_>>(), [path]);
    secrets.delete(path).permanent(true).await.unwrap();
    assert!(matches!(secrets.read(path).await, Err(Error::NotFound(_))));

    let pki = client.pki();
    let ca = pki.create_ca("scenario", "Scenario", "root").key_type("ec").key_size(256).await.unwrap();
    pki.create_role("scenario", &ca.id).allowed_domains(["svc.example"]).key_type("ec").await.unwrap();
    let issued = pki.issue("scenario", "svc.example").await.unwrap();
    assert!(pki.validate_certificate(&issued.certificate_pem).await.unwrap().valid);
    assert!(pki.get_crl(&ca.id).await.unwrap().starts_with(&[0x30]));
    pki.delete_role("scenario").await.unwrap();

    let dynamic = client.dynamic();
    let config = EngineConfig::default().connection_url("postgres://{{username}}:{{password}}@db.example/x");
    dynamic.create_engine("scenario", "database", config).await.unwrap();
    dynamic.create_role("scenario", "readonly").await.unwrap();
    let scoped = dynamic.credentials("scenario", "readonly");
    let scoped =
        scoped.with(|credentials| async move { credentials.get("password").is_some() }).await.unwrap();
    assert!(scoped.output && scoped.revocation.is_ok());
    dynamic.delete_role("scenario", "readonly").await.unwrap();
    dynamic.delete_engine("scenario").await.unwrap();
}

fn client(server: &Server, transport: Transport) -> Client {
    let builder = Client::builder().environment(|_| None).base_url(server.base_url());
    builder.token(server.vault().token().clone()).transport(transport).build().unwrap()
}

#[tokio::test]
async fn scenario_runs_over_tcp() {
    let server = EmbeddedScaiVault::builder().build().unwrap().serve().await.unwrap();
    scenario(&client(&server, Transport::new())).await;
    assert_eq!(server.vault().live_leases().unwrap(), 0);
    server.shutdown().await;
}

#[tokio::test]
async fn scenario_runs_over_tls() {
    let server = EmbeddedScaiVault::builder().build().unwrap().serve_tls().await.unwrap();
    assert!(server.base_url().starts_with("https://"));
    let trust = Transport::builder().only_root_certificates_pem(server.ca_pem().unwrap().as_bytes());
    scenario(&client(&server, trust.unwrap().build())).await;
    let stranger = client(&server, Transport::new());
    assert!(stranger.secrets().read("a/b").await.is_err(), "the certificate is not trusted");
    server.shutdown().await;
}

/// The program, which ends with the test.
struct Program {
    child: Child,
    /// What it prints after the exports, and its messages.
    rest: Vec<std::thread::JoinHandle<String>>,
    exports: HashMap<String, String>,
    tls: HashMap<String, String>,
    token_url: String,
}

impl Program {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_scaivault-emulator"))
            .args(["--port", "0", "--tls-port", "0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let messages = child.stderr.take().unwrap();
        let (exports, tls) = (HashMap::new(), HashMap::new());
        let mut program = Self { child, rest: Vec::new(), exports, tls, token_url: String::new() };
        for line in stdout.by_ref().lines().map(Result::unwrap) {
            let (line, into) = match line.strip_prefix("# ") {
                Some(line) => (line.to_owned(), &mut program.tls),
                None => (line, &mut program.exports),
            };
            if let Some(url) = line.strip_prefix("The token endpoint is ") {
                program.token_url = url.to_owned();
            } else if let Some((name, value)) = line.strip_prefix("export ").and_then(|l| l.split_once('=')) {
                into.insert(name.to_owned(), value.trim_matches('\'').to_owned());
                if name == "SCAIVAULT_CA_FILE" {
                    break;
                }
            }
        }
        program.rest = vec![std::thread::spawn(|| read(stdout)), std::thread::spawn(|| read(messages))];
        program
    }

    /// Ends the program, and returns what it has printed since the exports.
    fn end(&mut self) -> String {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.rest.drain(..).map(|reader| reader.join().unwrap()).collect()
    }
}

fn read(mut from: impl std::io::Read) -> String {
    let mut text = String::new();
    from.read_to_string(&mut text).unwrap();
    text
}

impl Drop for Program {
    fn drop(&mut self) {
        self.end();
        if let Some(path) = self.tls.get("SCAIVAULT_CA_FILE") {
            let _ = std::fs::remove_file(path);
        }
    }
}

fn of_environment(variables: HashMap<String, String>, token_url: Option<&str>) -> Client {
    let builder = Client::builder().environment(move |name| variables.get(name).cloned());
    match token_url {
        Some(url) => builder.token_url(url).build().unwrap(),
        None => builder.build().unwrap(),
    }
}

#[tokio::test]
async fn scenario_runs_with_the_printed_exports() {
    let mut program = Program::start();
    let mut names: Vec<_> = program.exports.keys().map(String::as_str).collect();
    names.sort_unstable();
    let expected = ["SCAIKEY_CLIENT_ID", "SCAIKEY_CLIENT_SECRET", "SCAIVAULT_BASE_URL", "SCAIVAULT_TOKEN"];
    assert_eq!(names, expected);
    scenario(&of_environment(program.exports.clone(), None)).await;

    let mut credentials = program.exports.clone();
    credentials.remove("SCAIVAULT_TOKEN");
    let client = of_environment(credentials, Some(&program.token_url));
    client.secrets().write("of/client-credentials", &json!({ "a": 1 })).await.unwrap();

    let mut tls = program.exports.clone();
    tls.extend(program.tls.clone());
    assert!(tls.get("SCAIVAULT_BASE_URL").unwrap().starts_with("https://"));
    let secret = of_environment(tls, None).secrets().read("of/client-credentials").await.unwrap();
    assert_eq!(secret.version, 1, "both ports serve one vault");
    let printed = program.end();
    assert!(printed.trim().is_empty(), "a server that works is silent: {printed}");
}
