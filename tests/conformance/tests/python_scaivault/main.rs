//! Plain HTTP by the documented wire contract, from Python without an SDK, and the typed client, on one embedded server:
//! both must see the same.

#[path = "../python_sdk/venv.rs"]
mod venv;

mod calls;

use std::path::Path;
use std::process::Stdio;

use scaivault::{Client, ClientBuilder};
use scaivault_emulator::{EmbeddedScaiVault, Identity, Server};
use serde_json::{Map, Value};
use skyflow_http::Transport;
use tokio::process::Command;

use venv::Package;

const HTTPX: Package = Package { name: "httpx", version: "0.28.1" };

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plain_http_and_the_client_see_the_same() {
    let python = match tokio::task::spawn_blocking(|| HTTPX.python(Path::new(env!("CARGO_TARGET_TMPDIR"))))
        .await
        .unwrap()
    {
        Ok(python) => python,
        Err(problem) => return report(&format!("NOT TESTED: {problem}\n")),
    };
    let server = EmbeddedScaiVault::builder().build().unwrap().serve().await.unwrap();
    let limited = server.vault().issue_token(Identity::new("sa:limited").scopes(["secrets:read"])).unwrap();
    let theirs = run_python(&python, &server, limited.expose()).await;
    let ours = calls::run(&server, &client(&server).token(limited).build().unwrap()).await;
    let (theirs, ours) = (neutral(&theirs, "python"), neutral(&ours, "rust"));
    let steps: Vec<_> = theirs.keys().collect();
    assert_eq!(steps, ours.keys().collect::<Vec<_>>());
    let different: Vec<String> = steps
        .iter()
        .filter(|step| theirs[**step] != ours[**step])
        .map(|step| format!("{step}:\n  python {}\n  rust   {}", theirs[*step], ours[*step]))
        .collect();
    assert!(different.is_empty(), "{}", different.join("\n"));
    reads_what_python_wrote(&server, &theirs).await;
    report(&format!("python httpx: equal {}, different 0\n", steps.len()));
}

/// Not captured by the test harness, so that the log of a run shows what was compared.
fn report(text: &str) {
    use std::io::Write as _;
    std::io::stderr().write_all(text.as_bytes()).unwrap();
}

fn client(server: &Server) -> ClientBuilder<scaivault::Async> {
    let builder = Client::builder().base_url(server.base_url()).environment(|_| None);
    builder.token_url(server.token_url()).transport(Transport::new())
}

async fn run_python(python: &Path, server: &Server, limited_token: &str) -> Map<String, Value> {
    let vault = server.vault();
    let output = Command::new(python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python_scaivault/driver.py"))
        .env("NAME", "python")
        .env("BASE_URL", server.base_url())
        .env("TOKEN_URL", server.token_url())
        .env("TOKEN", vault.token().expose())
        .env("LIMITED_TOKEN", limited_token)
        .env("CLIENT_ID", vault.client_id())
        .env("CLIENT_SECRET", vault.client_secret().expose())
        .env("PYTHONIOENCODING", "utf-8")
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let (printed, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "the driver failed: {said}\n{printed}");
    serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}\n{said}"))
}

/// Replaces the name of the side that spoke, and times, which differ between the sides.
fn neutral(said: &Map<String, Value>, name: &str) -> Map<String, Value> {
    let text = serde_json::to_string(said).unwrap().replace(name, "NAME");
    let mut said: Map<String, Value> = serde_json::from_str(&text).unwrap();
    for time in ["created_at", "updated_at"] {
        let time = &mut said["read"][time];
        assert!(time.as_str().is_some_and(|text| text.ends_with('Z') && text.len() == 27), "{time}");
        *time = Value::Null;
    }
    said
}

/// The server is one: what Python wrote is what the client reads.
async fn reads_what_python_wrote(server: &Server, theirs: &Map<String, Value>) {
    let client = client(server).token(server.vault().token().clone()).build().unwrap();
    let secret = client.secrets().read("python/db/password").await.unwrap();
    assert_eq!(Value::from(secret.version), theirs["rotate"]["new_version"]);
    let old = client.secrets().read("python/db/password").version(2).await.unwrap();
    assert_eq!(old.data.data_as::<Value>().unwrap(), theirs["read"]["data"]);
}
