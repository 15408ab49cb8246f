//! Credentials from configuration maps, from the environment and from `.env` files.

use std::path::Path;
use std::process::Command;

use serde_json::json;
use skyflow_auth::{CREDENTIALS_ENV, Credentials, CredentialsConfig, CredentialsErrorKind as Kind};
use skyflow_testkit::API_KEY;

use crate::support::TestKey;

fn read(json: serde_json::Value) -> Result<Credentials, (&'static str, Kind)> {
    let config: CredentialsConfig = serde_json::from_value(json).unwrap();
    Credentials::try_from(config).map_err(|error| (error.field(), error.kind()))
}

#[test]
fn each_kind_is_read_in_both_spellings() {
    let text = TestKey::shared().json().to_string();
    for (config, expected) in [
        (json!({"api_key": API_KEY}), Credentials::api_key(API_KEY)),
        (json!({"apiKey": API_KEY}), Credentials::api_key(API_KEY)),
        (json!({"token": "opaque"}), Credentials::bearer_token("opaque")),
        (json!({"path": "x.json"}), Ok(Credentials::from_path("x.json"))),
        (json!({"credentials_string": text}), Credentials::from_json(&text)),
        (json!({"credentialsString": text, "token": null}), Credentials::from_json(&text)),
        (
            json!({"path": "x", "roles": ["a"], "context": {"k": 1}, "tokenUri": "https://h/t"}),
            Credentials::from_path("x")
                .roles(["a"])
                .and_then(|c| c.context(json!({"k": 1})))
                .and_then(|c| c.token_uri("https://h/t")),
        ),
    ] {
        assert_eq!(read(config).unwrap(), expected.unwrap());
    }
}

#[test]
fn ambiguous_or_empty_credentials_are_errors() {
    for (config, field, kind) in [
        (json!({}), "credentials", Kind::Missing),
        (json!({"roles": ["a"]}), "credentials", Kind::Missing),
        (json!({"path": "x", "token": "y"}), "credentials", Kind::Several),
        (json!({"apiKey": API_KEY, "credentialsString": "{}"}), "credentials", Kind::Several),
        (json!({"path": " "}), "path", Kind::Empty),
        (json!({"token": ""}), "token", Kind::Empty),
        (json!({"api_key": " "}), "apiKey", Kind::Empty),
        (json!({"credentials_string": ""}), "credentials_string", Kind::Empty),
        (json!({"credentials_string": "x"}), "credentials", Kind::NotJson),
        (json!({"api_key": "sky-x"}), "apiKey", Kind::ApiKeyFormat),
        (json!({"api_key": API_KEY, "roles": ["a"]}), "roles", Kind::NotApplicable),
        (json!({"path": "x", "roles": []}), "roles", Kind::Empty),
        (json!({"path": "x", "context": ""}), "context", Kind::Context),
        (json!({"path": "x", "token_uri": "http://h"}), "tokenURI", Kind::TokenUri),
    ] {
        assert_eq!(read(config.clone()).unwrap_err(), (field, kind), "{config}");
    }
    assert!(
        serde_json::from_value::<Credentials>(json!({"path": "x", "pasword": "y"})).is_err(),
        "unknown key"
    );
    let error = serde_json::from_value::<Credentials>(json!({"apiKey": "canary-key"})).unwrap_err();
    assert!(!error.to_string().contains("canary"));
    let config: CredentialsConfig =
        serde_json::from_value(json!({"apiKey": "canary", "path": "canary"})).unwrap();
    assert!(!format!("{config:?}").contains("canary"));
}

/// Runs one ignored test of this binary in a process with a separate environment.
fn in_child(test: &str, directory: &Path, environment: &[(&str, &str)]) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "--nocapture", &format!("config::{test}")])
        .current_dir(directory)
        .env_remove(CREDENTIALS_ENV)
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn environment_is_read_last_with_file_rules() {
    let directory = tempfile::tempdir().unwrap();
    let json = TestKey::shared().json();
    let with_real_breaks = json.to_string().replace("\\n", "\n");
    for text in [json.to_string(), serde_json::to_string_pretty(&json).unwrap(), with_real_breaks] {
        in_child("child_has_an_account", directory.path(), &[(CREDENTIALS_ENV, &text)]);
    }
    in_child("child_has_nothing", directory.path(), &[]);
    in_child("child_has_an_empty_variable", directory.path(), &[(CREDENTIALS_ENV, "  ")]);
}

#[test]
#[ignore = "run in a child process"]
fn child_has_an_account() {
    let taken = Credentials::first_of([None, None]).unwrap();
    assert_eq!(taken, Credentials::from_env().unwrap());
    assert!(format!("{taken:?}").contains("client-0001"));
    let own = Credentials::api_key(API_KEY).unwrap();
    assert_eq!(Credentials::first_of([None, Some(own.clone()), Some(taken)]).unwrap(), own);
}

#[test]
#[ignore = "run in a child process"]
fn child_has_nothing() {
    let error = Credentials::first_of([]).unwrap_err();
    assert_eq!((error.field(), error.kind()), (CREDENTIALS_ENV, Kind::Missing));
}

#[test]
#[ignore = "run in a child process"]
fn child_has_an_empty_variable() {
    assert_eq!(Credentials::from_env().unwrap_err().kind(), Kind::Empty);
}

#[cfg(feature = "dotenv")]
mod dotenv {
    use std::fs;

    use skyflow_auth::DotEnv;

    use super::*;

    fn line() -> String {
        format!("OTHER=1\nSKYFLOW_CREDENTIALS='{}'\n", TestKey::shared().json())
    }

    #[test]
    fn dotenv_file_is_read_only_where_requested() {
        let parent = tempfile::tempdir().unwrap();
        let child = parent.path().join("a/b");
        fs::create_dir_all(&child).unwrap();
        fs::write(parent.path().join(".env"), line()).unwrap();
        in_child("dotenv::child_finds_it_here", parent.path(), &[]);
        in_child("dotenv::child_finds_it_only_in_a_parent", &child, &[]);
        in_child("dotenv::child_finds_it_here", parent.path(), &[("OTHER", "2")]);
        let variable = TestKey::shared().json().to_string().replace("key-0001", "of-the-environment");
        in_child("dotenv::child_prefers_the_environment", parent.path(), &[(CREDENTIALS_ENV, &variable)]);
    }

    #[test]
    #[ignore = "run in a child process"]
    fn child_finds_it_here() {
        DotEnv::new().credentials().unwrap();
        assert!(Credentials::from_env().is_err(), "the environment is not changed");
        assert!(std::env::var("OTHER").is_err() || std::env::var("OTHER").unwrap() == "2");
    }

    #[test]
    #[ignore = "run in a child process"]
    fn child_finds_it_only_in_a_parent() {
        assert_eq!(DotEnv::new().credentials().unwrap_err().kind(), Kind::Missing);
        DotEnv::new().search_parents().credentials().unwrap();
    }

    #[test]
    #[ignore = "run in a child process"]
    fn child_prefers_the_environment() {
        assert!(format!("{:?}", DotEnv::new().credentials().unwrap()).contains("of-the-environment"));
    }

    #[test]
    fn a_named_file_is_read_as_it_is_usually_written() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("production.env");
        let json = TestKey::shared().json().to_string();
        for text in [
            line(),
            format!("SKYFLOW_CREDENTIALS={json}"),
            format!("export SKYFLOW_CREDENTIALS=\"{}\"\r\n", json.replace('\\', "\\\\").replace('"', "\\\"")),
            format!("SKYFLOW_CREDENTIALS=\"{}\"", json.replace('"', "\\\"")),
            format!("SKYFLOW_CREDENTIALS='{}'", json.replace("\\n", "\n")),
        ] {
            fs::write(&path, &text).unwrap();
            DotEnv::file(&path).credentials().unwrap();
        }
        fs::write(&path, "OTHER=1").unwrap();
        assert_eq!(DotEnv::file(&path).credentials().unwrap_err().kind(), Kind::Missing);
        fs::write(&path, "SKYFLOW_CREDENTIALS=x").unwrap();
        assert_eq!(DotEnv::file(&path).credentials().unwrap_err().kind(), Kind::NotJson);
    }
}
