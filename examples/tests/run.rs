//! Runs every example as a user does, in a separate process. Cargo builds them before this test.

use std::path::PathBuf;
use std::process::{Command, Output};

/// Every example, and strings that its output must contain.
const EXAMPLES: [(&str, &[&str]); 50] = [
    ("audit_events", &["ExecuteQuery: 200", "records_insert: 200"]),
    (
        "batch",
        &[
            "1: done with Some(200)",
            "state Some(\"London\")",
            "3: done with Some(200)",
            "4: failed with Some(400)",
        ],
    ),
    ("bin_lookup", &["VISA CREDIT of"]),
    ("blocking", &["inserted ", "got Ada Lovelace", "got Grace Hopper"]),
    ("bring_your_own_token", &["our token is the vault's: true", "its value is Grace Hopper"]),
    (
        "credentials_options",
        &[
            "minted a Bearer token",
            "ApiKey: inserted 1",
            "BearerToken: inserted 1",
            "File: inserted 1",
            "ServiceAccount: inserted 1",
            "Provider: inserted 1",
        ],
    ),
    (
        "custom_stack",
        &["records.insert: 200 OK after 1 attempt(s)", "records.list: 200 OK after 2 attempt(s)"],
    ),
    (
        "deidentify_file",
        &[
            "sample.csv: ",
            "processed-sample.csv",
            "processed-sample.docx",
            "processed-sample.json",
            "processed-sample.pdf",
            "processed-sample.pptx",
            "processed-sample.txt",
            "processed-sample.xlsx",
            "processed-sample.xml",
        ],
    ),
    (
        "deidentify_file_options",
        &[
            "image: redacted_image, redacted_text; None seconds, None pages",
            "recording: redacted_audio, redacted_transcription; Some(3.5) seconds, None pages",
            "PDF: redacted_file, entities; None seconds, Some(1) pages",
        ],
    ),
    (
        "deidentify_text",
        &[
            "counted:    My name is [NAME_1], born [DOB_1]. Card [CREDIT_CARD_1], SSN [SSN_1],",
            "Zoë Miller is [NAME_1]",
            "Card [CREDIT_CARD], SSN [SSN], mail zoe.miller@example.com",
            "SSN [RESTRICTED]",
            "My colleague John Doe knows more.",
        ],
    ),
    ("delete", &["deleted 1", "gone: Some(404)", "deleted *"]),
    (
        "detect_poller",
        &[
            "after a second: IN_PROGRESS",
            "after 4 minutes: IN_PROGRESS",
            "minutes: SUCCESS",
            "Dear Mr. [NAME_1], your SSN is [SSN_1].",
        ],
    ),
    ("detokenize", &["0: 4111111111111111", "1: XXXXXXXXXXXX1111", "2: *REDACTED*", "3: Token Not Found"]),
    (
        "end_user_context",
        &[
            "user-1 read its row",
            "a nurse read its row",
            "3 end users, 2 calls each, 3 tokens",
            "refused: context cannot be set",
        ],
    ),
    ("get", &["Ada Lovelace is 36", "found by e-mail: Ada Lovelace", "a token: "]),
    (
        "get_detect_run",
        &[
            "started: IN_PROGRESS, 0 outputs",
            "a minute later: SUCCESS",
            "Dear Mr. [NAME_1], your SSN is [SSN_1].",
        ],
    ),
    ("get_pages", &["60 rows, mean age 29"]),
    (
        "guardrails",
        &[
            "like? passed: true, toxic: Some(false), denied topic: Some(false)",
            "idiot! passed: false, toxic: Some(true), denied topic: Some(false)",
            "weapons? passed: false, toxic: Some(false), denied topic: Some(true)",
        ],
    ),
    (
        "inbound_connection",
        &["the shop got card \"", "the shop responded with 201", "in the vault: 4111111111111111"],
    ),
    ("insert", &["name ", "email ", "the same row: true"]),
    (
        "insert_continue_on_error",
        &["row 0: inserted", "row 1: refused with Some(400)", "row 2: refused with Some(400)"],
    ),
    (
        "invoke_connection",
        &[
            "the payment service got card 4111111111111111 at /orders/2026%2F7/charges",
            "charged 1999 to the card that ends in 1111: ch_1",
            "refused: the payment service's fault: Some(false)",
        ],
    ),
    (
        "manage_account",
        &[
            "customers: Some(Active)",
            "payments: Some(CreationInProgress)",
            "Some(\"VAULT_OWNER\") with 2 permissions",
            "unknown: not found: true, management.vaults.get: The requested resource wasn't found. (http 404, grpc 5)",
            "4 calls for account a451b783713e4424a7d761bb7bbc84eb",
        ],
    ),
    (
        "manage_clients",
        &["2 vaults", "the default is the first: true", "1 vault left; unknown now: true", "log level DEBUG"],
    ),
    (
        "json_logs",
        &[
            r#""db.collection.name":"persons""#,
            r#""skyflow.batch.rows":2"#,
            r#""error.type":"404""#,
            r#""level":"ERROR""#,
        ],
    ),
    ("opentelemetry", &["inserted 2 rows"]),
    ("own_hyper_client", &["200 OK with 0 records"]),
    ("mint_token", &["Authorization: Bearer ey", "exchanged nothing: true"]),
    ("query", &["Cambridge: 41", "a DELETE is refused with Some(400)"]),
    ("quickstart", &["4111111111111111 John Doe"]),
    ("reidentify_file", &["restored: 17,\"Jane Doe, SSN XXXXX6789, called.\""]),
    (
        "reidentify_text",
        &[
            "plain:    My name is Jane Doe and my SSN is 123-45-6789.",
            "partly:   My name is *REDACTED* and my SSN is XXXXX6789.",
            "a viewer: Some(403)",
        ],
    ),
    (
        "scoped_token",
        &[
            "as a viewer: Some(\"XXXXXXXXXXXX1111\")",
            "delete as a viewer: Some(403)",
            "one call as a viewer: Some(\"XXXXXXXXXXXX1111\")",
            "with all roles: Some(\"4111111111111111\")",
        ],
    ),
    (
        "several_vaults",
        &[
            "own credentials: Some(ApiKey), inserted 1",
            "own credentials: Some(ServiceAccount), inserted 1",
            "own credentials: None, inserted 1",
        ],
    ),
    (
        "signed_data_tokens",
        &["signed: true", "detokenized: 4111111111111111", "the unsigned token: Some(400)"],
    ),
    (
        "token_endpoint",
        &[
            "without a session: 401",
            "a Bearer token for 300 seconds",
            "read 0 rows with it",
            "a delete is refused with Some(403)",
        ],
    ),
    (
        "token_expiry",
        &[
            "two calls: 1 token",
            "after it expired: 2 tokens",
            "after it was revoked: 3 tokens",
            "a fixed token, revoked: Some(401), unauthorized: true",
        ],
    ),
    ("tokenize", &["the same token: true"]),
    ("update", &["updated, new token: true", "Ada Lovelace of London"]),
    (
        "upload_file",
        &[
            "same row: true, metadata: true",
            "new row: true",
            "scan: SCAN_CLEAN",
            "content: kept in the vault",
            "deleted: true",
        ],
    ),
    (
        "user_layers",
        &["the header arrived: true", "inserted with every layer", "refused: headers.host cannot be set"],
    ),
    ("scaivault_acme", &["the order is pending", "BEGIN CERTIFICATE"]),
    ("scaivault_blocking", &["version 1", "app/db/password"]),
    ("scaivault_dynamic", &["inside: true, revoked: true", "0 lease(s) left"]),
    (
        "scaivault_errors",
        &[
            "not found: secret_not_found",
            "access denied: Some(String(\"app/db/password\"))",
            "authentication: token_invalid",
            "invalid input: path may hold only",
            "rate limited: wait Some(2s)",
        ],
    ),
    ("scaivault_pki", &["issued with a key: true", "valid: true []"]),
    ("scaivault_policies", &["factor false: allowed false", "factor true: allowed true"]),
    ("scaivault_rotation", &["ended with success", "1 secret(s) due"]),
    ("scaivault_run", &["the command has a password of 5 characters", "it ended with 3"]),
    (
        "scaivault_secrets",
        &[
            "wrote version 1",
            "rotated to version 2",
            "version 1 is still readable",
            "batch: 1 read, 1 failed",
            "deleted for good",
        ],
    ),
];

fn example(name: &str) -> Command {
    // Tests lie in `<profile>/deps`, examples in `<profile>/examples`.
    let tests = std::env::current_exe().unwrap();
    let path: PathBuf = tests.parent().and_then(|deps| deps.parent()).unwrap().join("examples").join(name);
    let mut command = Command::new(path);
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("SKYFLOW_") {
            command.env_remove(variable);
        }
    }
    command
}

fn output(command: &mut Command) -> String {
    let hint = "`cargo test -p skyflow-examples` builds the examples first";
    let Output { status, stdout, stderr } = command.output().expect(hint);
    assert!(status.success(), "{command:?}: {status}\n{}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

#[test]
fn every_example_prints_its_expected_output() {
    let manifest = include_str!("../Cargo.toml");
    assert_eq!(
        manifest.matches("[[example]]").count(),
        EXAMPLES.len(),
        "a new example needs a row in the table"
    );
    for (name, strings) in EXAMPLES {
        let shown = output(&mut example(name));
        for expected in strings {
            assert!(shown.contains(expected), "{name} does not print {expected:?}:\n{shown}");
        }
    }
}

#[test]
fn readme_lists_every_example() {
    let readme = include_str!("../../README.md");
    for (name, _) in EXAMPLES {
        let listed = readme.contains(&format!("(examples/{name}.rs)")) || name == "quickstart";
        assert!(listed, "the table of tasks in the README lacks examples/{name}.rs");
    }
}

#[test]
fn quickstart_prints_tokens_and_their_values() {
    let shown = output(&mut example("quickstart"));
    let line = |start: &str| shown.lines().filter(|line| line.starts_with(start)).collect::<Vec<_>>();
    assert_eq!(line("token").len(), 2, "{shown}");
    let [number, name] = line("PLAIN_TEXT")[..] else { panic!("{shown}") };
    assert!(number.ends_with("-> 4111111111111111") && name.ends_with("-> John Doe"), "{shown}");
    assert!(!line("token").concat().contains("4111111111111111"), "a token is not the value");
    assert!(line("MASKED")[0].ends_with("-> XXXXXXXXXXXX1111"), "{shown}");
    assert!(line("got")[0].ends_with("4111111111111111 John Doe"), "{shown}");
}

#[test]
fn second_process_detokenizes_token_of_first() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("vault.db");
    let shown = output(example("quickstart").arg("--data-file").arg(&file));
    let token =
        shown.lines().find(|line| line.contains("card_number")).unwrap().split_whitespace().last().unwrap();
    let second = output(example("quickstart").arg("--data-file").arg(&file).args(["--detokenize", token]));
    assert!(second.contains(&format!("{token} -> 4111111111111111")), "{second}");
}

#[test]
fn custom_stack_sees_attempts_before_auth() {
    let shown = output(&mut example("custom_stack"));
    assert_eq!(shown.matches("token attached yet: false").count(), 3, "{shown}");
}
