//! The official Python SDK, as it is published, against the embedded vault over TLS; and the same calls from this SDK.

mod pinned;
mod scenario;
mod venv;

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use skyflow::{Credentials, Skyflow, Vault, VaultConfig};
use skyflow_conformance::call::vault_call;
use skyflow_conformance::compare::as_official;
use skyflow_conformance::json::Json;
use skyflow_conformance::outcome::Outcome;
use skyflow_conformance::trace::Call;
use skyflow_emulator::{EmbeddedVault, Server};
use skyflow_http::Transport;
use tokio::process::Command;

use pinned::SDK;
use scenario::{Known, Step, neutral};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn published_python_sdk_gets_the_same_results() {
    let python = tokio::task::spawn_blocking(|| SDK.python(Path::new(env!("CARGO_TARGET_TMPDIR"))))
        .await
        .unwrap()
        .unwrap();
    let vault = EmbeddedVault::builder().build().unwrap();
    let server = vault.serve_tls().await.unwrap();
    let api_key = vault.api_key().expose().to_owned();
    let steps = scenario::steps();

    let by_key = Json::object([("api_key", Json::text(&api_key))]);
    let python_by_key = run_python(&python, &server, &by_key).await;
    let ours = run_rust(&server, Credentials::api_key(api_key.as_str()).unwrap(), &steps).await;
    compare(&steps, &python_by_key, &ours);
    reads_what_python_wrote(&server, Credentials::api_key(api_key).unwrap(), &steps, &python_by_key).await;

    // The other way round, with a service account: what one SDK asks a token for, the other does too.
    let vault = EmbeddedVault::builder().build().unwrap();
    let server = vault.serve_tls().await.unwrap();
    let account = server.credentials_json().expose().to_owned();
    let by_account = Json::object([("credentials_string", Json::text(&account))]);
    let ours = run_rust(&server, Credentials::from_json(&account).unwrap(), &steps).await;
    let python_by_account = run_python(&python, &server, &by_account).await;
    compare(&steps, &python_by_account, &ours);
    // Not captured by the test harness, so that the log of a run shows what was compared.
    let counts = format!("python sdk: equal {}, different 0\n", 2 * steps.len());
    std::io::stderr().write_all(counts.as_bytes()).unwrap();
}

/// Runs the driver; nothing of the SDK is changed, only its environment says whom to trust.
async fn run_python(python: &Path, server: &Server, credentials: &Json) -> Vec<Json> {
    let directory = tempfile::tempdir().unwrap();
    let trusted = directory.path().join("ca.pem");
    std::fs::write(&trusted, server.ca_pem().unwrap()).unwrap();
    let own = |file: &str| format!("{}/tests/python_sdk/{file}", env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(python)
        .arg(own("driver.py"))
        .arg(own("scenario.json"))
        .env("VAULT_ID", server.vault().vault_id())
        // The SDK appends a domain; behind a slash it becomes a path, which the embedded vault strips.
        .env("CLUSTER_ID", format!("localhost:{}/local", server.addr().port()))
        .env("CREDENTIALS", credentials.to_string())
        .env("SSL_CERT_FILE", &trusted)
        .env("NO_PROXY", "localhost,127.0.0.1")
        .env("PYTHONIOENCODING", "utf-8")
        .env_remove("SKYFLOW_CREDENTIALS")
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the driver failed: {said}\n{printed}");
    let results = Json::parse(printed.lines().last().unwrap_or_default());
    results.unwrap_or_else(|error| panic!("{error}: {printed}\n{said}")).elements().to_vec()
}

fn client_of(server: &Server, credentials: Credentials) -> Vault {
    let transport =
        Transport::builder().add_root_certificates_pem(server.ca_pem().unwrap().as_bytes()).unwrap();
    let client = Skyflow::builder()
        .vault(
            VaultConfig::with_base_url(server.vault().vault_id(), server.base_url()).credentials(credentials),
        )
        .transport(transport.build().into_service())
        .build()
        .unwrap();
    client.default_vault().unwrap()
}

async fn run_rust(server: &Server, credentials: Credentials, steps: &[Step]) -> Vec<Json> {
    let vault = client_of(server, credentials);
    let mut known = Known::new("rust", "2");
    let mut results = Vec::new();
    for step in steps {
        let result = one(&vault, &known, step).await;
        known.learn(&step.name, result.get("returned"));
        results.push(result);
    }
    results
}

/// Makes one call; the result has the form of the official one.
async fn one(vault: &Vault, known: &Known, step: &Step) -> Json {
    let args = known.filled(&step.args);
    let call =
        Call { op: step.op.clone(), args, tokens: Vec::new(), exchanges: Vec::new(), result: Json::Null };
    match vault_call(vault, &call).await {
        Outcome::Returned(response) => Json::object([("returned", as_official(&call, &response))]),
        Outcome::Refused { .. } => Json::object([("raised", Json::text("before anything was sent"))]),
        Outcome::Failed(failure) => Json::object([
            ("raised", Json::text("SkyflowError")),
            ("message", Json::text_or_null(failure.message)),
            ("http_code", Json::number_or_null(failure.http_code)),
            ("http_status", Json::text_or_null(failure.http_status)),
            ("grpc_code", Json::number_or_null(failure.grpc_code)),
            ("request_id", Json::text_or_null(failure.request_id)),
            ("details", Json::List(failure.details)),
        ]),
        other => panic!("{}: {other}", step.name),
    }
}

/// The vault is one: a row that Python got is the row that this SDK gets.
async fn reads_what_python_wrote(server: &Server, credentials: Credentials, steps: &[Step], python: &[Json]) {
    let step = steps.iter().position(|step| step.name == "by_column").unwrap();
    let row = python[step].get("returned").get("data").at(0);
    let args = Json::object([
        ("table", Json::text("table1")),
        ("ids", Json::List(vec![row.get("skyflow_id").clone()])),
        ("redaction_type", Json::text("PLAIN_TEXT")),
    ]);
    let get = Step { name: "by id".to_owned(), op: "get".to_owned(), args };
    let ours = one(&client_of(server, credentials), &Known::new("rust", "2"), &get).await;
    let (ours, theirs) = (ours.get("returned").get("data").at(0), row);
    assert!(theirs.has("email") && ours.members().len() == theirs.members().len(), "{ours} {theirs}");
    assert!(theirs.members().iter().all(|(name, value)| ours.get(name) == value), "{ours} {theirs}");
}

fn compare(steps: &[Step], python: &[Json], ours: &[Json]) {
    assert_eq!(python.len(), steps.len());
    let python: Vec<Json> = python.iter().map(without_uncounted_zeros).collect();
    let (python, ours) = (neutral(&python, "python", "1"), neutral(ours, "rust", "2"));
    let different: Vec<String> = steps
        .iter()
        .zip(python.iter().zip(&ours))
        .filter(|(_, (python, ours))| python != ours)
        .map(|(step, (python, ours))| format!("{}:\n  python {python}\n  rust   {ours}", step.name))
        .collect();
    assert!(different.is_empty(), "{}", different.join("\n"));
}

/// Makes null of the zeros that Python passes on for what was not counted in a run; `docs/parity.md` has the reason.
fn without_uncounted_zeros(result: &Json) -> Json {
    const COUNTS: [&str; 4] = ["duration_in_seconds", "page_count", "size_in_kb", "slide_count"];
    let returned = result.get("returned");
    if !returned.has("run_id") {
        return result.clone();
    }
    let counted = returned.members().iter().map(|(name, value)| {
        let is_uncounted = COUNTS.contains(&name.as_str()) && value.to_string().parse() == Ok(0.0);
        (name.clone(), if is_uncounted { Json::Null } else { value.clone() })
    });
    Json::object([("returned", Json::object(counted))])
}
