//! Tests that need a process of their own run themselves again.

use std::process::Command;

const MARK: &str = "SKYFLOW_TEST_CHILD";

/// Tells whether this process was started by [`run`].
pub(crate) fn is_child() -> bool {
    std::env::var_os(MARK).is_some()
}

/// Runs one test in another process, with at most so many descriptors, and shows what it prints.
pub(crate) fn run(test: &str, descriptors: usize) {
    run_with(test, descriptors, &[]);
}

/// Runs one test in another process with these variables.
pub(crate) fn run_with(test: &str, descriptors: usize, variables: &[(&str, &str)]) {
    let program = std::env::current_exe().unwrap();
    let output = Command::new("sh")
        .args(["-c", &format!("ulimit -n {descriptors} && exec \"$0\" \"$@\"")])
        .arg(program)
        .args([test, "--exact", "--nocapture"])
        .env(MARK, "1")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && stdout.contains("1 passed"), "{stdout}{stderr}");
    print!("{stdout}");
}

/// Reads a value of `/proc/self/status` in KiB.
pub(crate) fn status_kib(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim_start_matches(':').split_whitespace().next().unwrap().parse().unwrap()
}
