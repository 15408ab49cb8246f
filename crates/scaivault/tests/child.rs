//! Secrets as the environment of a child process: cases 49 and 50, as far as they are the library's.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of a test")]
#![cfg(unix)]

mod support;

use std::process::Command;

use http::StatusCode;
use scaivault::Error;
use scaivault::secrets::EnvironmentVariables;
use scaivault_emulator::{Fault, Identity};
use serde_json::json;
use support::{bench, bench_with};

#[tokio::test]
async fn case_49_problems_are_found_before_a_child_starts() {
    let bench = bench_with(|vault| vault, |client| client.max_retries(0));
    let secrets = bench.client.secrets();
    let data = json!({"foo-bar": "x", "port": 5432, "list": [1, {"a": null}]});
    secrets.write("app/db", &data).await.unwrap();
    secrets.write("app/api", &json!({"foo_bar": "canary-value", "zero": "canary\u{0}value"})).await.unwrap();
    secrets.write("app/digit", &json!({"1st": "canary-value"})).await.unwrap();
    let variables = secrets.environment(["app/db"]).await.unwrap();
    let pairs: Vec<_> = variables.iter().map(|(name, value)| (name, value.expose())).collect();
    assert_eq!(pairs, [("FOO_BAR", "x"), ("LIST", r#"[1,{"a":null}]"#), ("PORT", "5432")]);

    // The credentials of a lease are variables by the same rules.
    let data = secrets.read("app/db").await.unwrap().data;
    let error = variables.with_data("support-db", &data).unwrap_err();
    assert_eq!(error.to_string(), "FOO_BAR of support-db has the name of another variable");
    let alone = EnvironmentVariables::default().with_data("support-db", &data).unwrap();
    assert_eq!(alone.get("PORT").unwrap().expose(), "5432");

    let reader = bench.client_of(Identity::new("sa:reader"));
    for (paths, field, exit_code) in [
        (&["app/db", "app/api"][..], Some("FOO_BAR"), 5),
        (&["app/api"], Some("ZERO"), 5),
        (&["app/digit"], Some("1ST"), 5),
        (&["app/db", "App"], Some("paths[1]"), 5),
        (&[], Some("paths"), 5),
        (&["app/db", "app/none"], None, 4),
    ] {
        let error = secrets.environment(paths.iter().copied()).await.unwrap_err();
        assert_eq!((error.field(), error.exit_code()), (field, exit_code), "{paths:?}: {error}");
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    }
    let error = reader.secrets().environment(["app/db"]).await.unwrap_err();
    assert!(matches!(error, Error::AccessDenied(_)), "{error}");
    assert_eq!(error.exit_code(), 3);
    bench.vault.inject(Fault::status(StatusCode::SERVICE_UNAVAILABLE).times(1));
    assert_eq!(secrets.environment(["app/db"]).await.unwrap_err().exit_code(), 1);
    bench.vault.inject(Fault::status(StatusCode::UNAUTHORIZED).times(1));
    assert_eq!(secrets.environment(["app/db"]).await.unwrap_err().exit_code(), 2);
    let prefixed = secrets.environment(["app/db"]).with_prefix("API_", "app/db").await.unwrap();
    assert_eq!(prefixed.get("API_PORT").unwrap().expose(), "5432");
}

#[tokio::test]
async fn case_50_child_has_values_and_no_credentials() {
    let bench = bench();
    let secrets = bench.client.secrets();
    secrets.write("app/db", &json!({"password": "canary-value"})).await.unwrap();
    let variables = secrets.environment(["app/db"]).await.unwrap();
    let own = ["SCAIVAULT_TOKEN", "SCAIVAULT_TOKEN_FILE", "SCAIKEY_CLIENT_SECRET"];
    // `env` prints what it has, and the shell ends with its own code.
    let mut command = Command::new("sh");
    command
        .args(["-c", "env; exit 7"])
        .env("SCAIVAULT_BASE_URL", "https://vault.example")
        .env("OTHER", "kept");
    for name in own {
        command.env(name, "canary-credential");
    }
    variables.apply_to(&mut command);
    let output = command.output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(7));
    assert!(shown.lines().any(|line| line == "PASSWORD=canary-value"));
    assert!(shown.contains("OTHER=kept") && shown.contains("SCAIVAULT_BASE_URL="));
    assert!(own.iter().all(|name| !shown.contains(name)) && !shown.contains("canary-credential"));
    let arguments: Vec<_> = command.get_args().collect();
    assert_eq!(arguments, ["-c", "env; exit 7"], "no value is an argument");

    // A child that is to call the server itself gets what it needs.
    variables.apply_to(&mut command);
    command.env("SCAIVAULT_TOKEN", "skt_child");
    assert!(
        String::from_utf8(command.output().unwrap().stdout).unwrap().contains("SCAIVAULT_TOKEN=skt_child")
    );
}
