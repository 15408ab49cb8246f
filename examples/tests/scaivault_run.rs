//! The example `scaivault_run` as a process, with a server on a socket: cases 49 and 50 of ScaiVault.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use http::StatusCode;
use rustix::process::{Pid, Signal, kill_process};
use scaivault::Client;
use scaivault::dynamic::EngineConfig;
use scaivault_emulator::{EmbeddedScaiVault, Fault, Identity, Server};
use serde_json::json;

/// A server with secrets, and an empty folder in which commands run.
struct Bench {
    server: Server,
    folder: tempfile::TempDir,
}

async fn bench() -> Bench {
    let server = EmbeddedScaiVault::builder().build().unwrap().serve().await.unwrap();
    let token = server.vault().token().clone();
    let client = Client::builder().base_url(server.base_url()).token(token).build().unwrap();
    let secrets = client.secrets();
    let data = json!({"password": "canary-password", "foo-bar": "x", "port": 5432, "list": [1]});
    secrets.write("app/db", &data).await.unwrap();
    secrets.write("app/same", &json!({"foo_bar": "canary-value"})).await.unwrap();
    secrets.write("app/nul", &json!({"zero": "canary\u{0}value"})).await.unwrap();
    let config = EngineConfig::default().connection_url("pg://{{username}}:{{password}}@h/d");
    client.dynamic().create_engine("support-db", "database", config).await.unwrap();
    client.dynamic().create_role("support-db", "readonly").await.unwrap();
    Bench { server, folder: tempfile::tempdir().unwrap() }
}

impl Bench {
    /// Prepares a run; `arguments` are those before the command.
    fn run(&self, arguments: &[&str], script: &str) -> Command {
        // Tests lie in `<profile>/deps`, examples in `<profile>/examples`.
        let tests = std::env::current_exe().unwrap();
        let path: PathBuf =
            tests.parent().and_then(|deps| deps.parent()).unwrap().join("examples/scaivault_run");
        let mut command = Command::new(path);
        command.args(arguments).args(["--", "sh", "-c", script]).current_dir(self.folder.path());
        command.env("TMPDIR", self.folder.path());
        command.env("SCAIVAULT_BASE_URL", self.server.base_url());
        command.env("SCAIVAULT_TOKEN", self.server.vault().token().expose());
        command.env_remove("SCAIVAULT_TENANT_ID").stdin(Stdio::null());
        command
    }
}

async fn output(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_49_problems_end_it_before_the_command() {
    let bench = bench().await;
    let vault = bench.server.vault();
    let stranger = vault.issue_token(Identity::new("sa:stranger")).unwrap();
    let touch = "touch started";
    let with = |arguments: &[&str], name: &str, value: &str| {
        let mut command = bench.run(arguments, touch);
        command.env(name, value);
        command
    };
    for (command, code, named) in [
        (
            bench.run(&["app/db", "app/same"], touch),
            5,
            "FOO_BAR of app/same has the name of another variable",
        ),
        (bench.run(&["app/nul"], touch), 5, "ZERO of app/nul has a value with a NUL character"),
        (bench.run(&["App"], touch), 5, "paths[0] may hold only"),
        (bench.run(&["app/db", "app/none"], touch), 4, "secret_not_found"),
        (bench.run(&["app/db", "--lease", "support-db/none"], touch), 4, "role_not_found"),
        (with(&["app/db"], "SCAIVAULT_TOKEN", stranger.expose()), 3, "access_denied"),
        (with(&["app/db"], "SCAIVAULT_TOKEN", "skt_unknown"), 2, "token_invalid"),
        (with(&["app/db"], "SCAIVAULT_TOKEN", ""), 5, "token is missing"),
        (with(&["app/db"], "SCAIVAULT_BASE_URL", "http://127.0.0.1:1"), 1, "connect"),
        (bench.run(&[], touch), 1, "usage:"),
    ] {
        let output = output(command).await;
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{named}: {said}");
        assert!(said.contains(named) && !said.contains("canary"), "{named}: {said}");
        assert!(output.stdout.is_empty());
    }
    vault.inject(Fault::status(StatusCode::SERVICE_UNAVAILABLE).operation("secrets.batch_read"));
    assert_eq!(output(bench.run(&["app/db"], touch)).await.status.code(), Some(1));
    let left: Vec<_> = std::fs::read_dir(bench.folder.path()).unwrap().collect();
    assert!(left.is_empty(), "no command has started: {left:?}");
    assert_eq!(vault.live_leases().unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_50_command_has_secrets_and_no_token() {
    let bench = bench().await;
    let script = "env; tr '\\0' ' ' < /proc/$PPID/cmdline 2>/dev/null; exit 7";
    let output_of = async |arguments: &[&str]| {
        let output = output(bench.run(arguments, script)).await;
        assert_eq!(output.status.code(), Some(7), "{}", text(&output.stderr));
        assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let shown = output_of(&["app/db"]).await;
    for line in ["PASSWORD=canary-password", "FOO_BAR=x", "PORT=5432", "LIST=[1]"] {
        assert!(shown.lines().any(|shown| shown == line), "{line}");
    }
    assert!(!shown.contains("SCAIVAULT_TOKEN") && shown.contains("SCAIVAULT_BASE_URL="));
    assert_eq!(shown.matches("canary-password").count(), 1, "the value is no argument of the program");
    let kept = output_of(&["--keep-token", "app/db"]).await;
    assert!(kept.contains(&format!("SCAIVAULT_TOKEN={}", bench.server.vault().token().expose())));
    let killed = output(bench.run(&["app/db"], "kill -9 $$")).await;
    assert_eq!(killed.status.code(), Some(137), "as shells write the end by a signal");
    let left: Vec<_> = std::fs::read_dir(bench.folder.path()).unwrap().collect();
    assert!(left.is_empty(), "nothing is written: {left:?}");
}

/// Starts a command and waits for its first line.
fn started(mut command: Command) -> (Child, BufReader<impl Read>) {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    (child, stdout)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_50_signals_pass_and_the_lease_ends() {
    let bench = bench().await;
    for (signal, name) in [(Signal::TERM, "TERM"), (Signal::INT, "INT"), (Signal::USR1, "USR1")] {
        let script = format!(
            "trap 'echo got {name}; exit 9' {name}; test -n \"$CONNECTION_URL\" && echo ready; while :; do sleep 0.05; done"
        );
        let command = bench.run(&["--lease", "support-db/readonly"], &script);
        let (child, stdout) = tokio::task::spawn_blocking(|| started(command)).await.unwrap();
        assert_eq!(bench.server.vault().live_leases().unwrap(), 1);
        kill_process(Pid::from_raw(child.id().try_into().unwrap()).unwrap(), signal).unwrap();
        let (status, rest) = tokio::task::spawn_blocking(move || {
            let (mut child, mut stdout, mut rest) = (child, stdout, String::new());
            stdout.read_to_string(&mut rest).unwrap();
            (child.wait().unwrap(), rest)
        })
        .await
        .unwrap();
        assert_eq!((status.code(), rest.as_str()), (Some(9), format!("got {name}\n").as_str()));
        assert_eq!(bench.server.vault().live_leases().unwrap(), 0, "{name}");
    }
}
