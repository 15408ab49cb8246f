//! State that outlives a process, and a client in another process than the vault.

use std::process::{ExitStatus, Stdio};

use skyflow_emulator::EmbeddedVault;
use skyflow_testkit::polling::in_time;
use skyflow_tests::clients::{CARD_NUMBER, in_process, insert_card};
use tokio::process::Command;

/// Runs the other process with these credentials in its environment.
async fn other_process(arguments: &[&str], credentials: Option<&str>) -> (ExitStatus, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_second-process"));
    command.args(arguments).env_remove("SKYFLOW_CREDENTIALS").stdin(Stdio::null()).kill_on_drop(true);
    if let Some(credentials) = credentials {
        command.env("SKYFLOW_CREDENTIALS", credentials);
    }
    let output = in_time(command.output()).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "no panic, no log");
    (output.status, String::from_utf8(output.stdout).unwrap())
}

async fn card_token(vault: &EmbeddedVault) -> String {
    let inserted = in_time(in_process(vault).insert(insert_card())).await.unwrap();
    inserted.inserted_fields[0].token("card_number").unwrap()
}

#[tokio::test]
async fn second_process_detokenizes_file_backed_vault() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.db");
    let vault = EmbeddedVault::builder().data_file(&path).build().unwrap();
    let token = card_token(&vault).await;
    drop(vault);
    let (status, printed) = other_process(&["data-file", path.to_str().unwrap(), &token], None).await;
    assert!(status.success(), "{printed}");
    assert_eq!(printed, CARD_NUMBER);

    // Another file is another vault: the value was in the file and nowhere else.
    let other = folder.path().join("other.db");
    let (status, printed) = other_process(&["data-file", other.to_str().unwrap(), &token], None).await;
    assert!(!status.success());
    assert!(printed.starts_with("Api - "), "{printed}");
}

#[tokio::test]
async fn client_defaults_to_environment_credentials() {
    let vault = EmbeddedVault::builder().build().unwrap();
    let server = vault.serve().await.unwrap();
    let token = card_token(&vault).await;
    let arguments = ["url", &server.base_url(), vault.vault_id(), &token];
    let credentials = server.credentials_json();
    let (status, printed) = other_process(&arguments, Some(credentials.expose())).await;
    assert!(status.success(), "{printed}");
    assert_eq!(printed, CARD_NUMBER);
}

#[tokio::test]
async fn invalid_environment_credentials_are_named() {
    let vault = EmbeddedVault::builder().build().unwrap();
    let server = vault.serve().await.unwrap();
    let arguments = ["url", &server.base_url(), vault.vault_id(), "some-token"];
    for (credentials, starts) in [
        (None, "Configuration credentials "),
        (Some(""), "Auth SKYFLOW_CREDENTIALS "),
        (Some("   "), "Auth SKYFLOW_CREDENTIALS "),
        (Some("not json"), "Auth SKYFLOW_CREDENTIALS "),
        (Some("{}"), "Auth SKYFLOW_CREDENTIALS "),
    ] {
        let (status, printed) = other_process(&arguments, credentials).await;
        assert!(!status.success(), "{credentials:?}");
        assert!(printed.starts_with(starts), "{credentials:?}: {printed}");
    }
    assert_eq!(vault.journal().len(), 0);
}
