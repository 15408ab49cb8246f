//! Runs every example as a user does, in a process of its own. Cargo builds them before this test.

use std::path::PathBuf;
use std::process::{Command, Output};

const EXAMPLES: [&str; 3] = ["custom_stack", "mint_token", "quickstart"];

fn example(name: &str) -> Command {
    // Tests lie in `<profile>/deps`, examples in `<profile>/examples`.
    let tests = std::env::current_exe().unwrap();
    let path: PathBuf = tests.parent().and_then(|deps| deps.parent()).unwrap().join("examples").join(name);
    let mut command = Command::new(path);
    for variable in ["SKYFLOW_VAULT_ID", "SKYFLOW_CLUSTER_ID", "SKYFLOW_CREDENTIALS", "SKYFLOW_ENV"] {
        command.env_remove(variable);
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
fn every_example_of_this_crate_is_run_here() {
    let manifest = include_str!("../Cargo.toml");
    let declared = manifest.matches("[[example]]").count();
    assert_eq!(declared, EXAMPLES.len(), "a new example needs a test");
    for name in EXAMPLES {
        assert!(manifest.contains(&format!("path = \"{name}.rs\"")), "{name}");
    }
}

#[test]
fn quickstart_shows_tokens_and_turns_them_into_values_again() {
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
fn a_second_process_turns_a_token_of_the_first_into_its_value() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("vault.db");
    let shown = output(example("quickstart").arg("--data-file").arg(&file));
    let token =
        shown.lines().find(|line| line.contains("card_number")).unwrap().split_whitespace().last().unwrap();
    let second = output(example("quickstart").arg("--data-file").arg(&file).args(["--detokenize", token]));
    assert!(second.contains(&format!("{token} -> 4111111111111111")), "{second}");
}

#[test]
fn mint_token_prints_a_bearer_token_and_exchanges_once() {
    let shown = output(&mut example("mint_token"));
    assert!(shown.contains("Authorization: Bearer ey"), "{shown}");
    assert!(shown.contains("exchanged nothing: true"), "{shown}");
}

#[test]
fn custom_stack_sees_each_operation_once_and_each_attempt_before_its_token() {
    let shown = output(&mut example("custom_stack"));
    assert_eq!(shown.matches("token attached yet: false").count(), 3, "{shown}");
    assert!(shown.contains("records.insert: 200 OK after 1 attempt(s)"), "{shown}");
    assert!(shown.contains("records.list: 200 OK after 2 attempt(s)"), "{shown}");
}
