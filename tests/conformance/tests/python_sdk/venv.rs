//! The published Python SDK, in a virtual environment below the target directory.

use std::path::{Path, PathBuf};
use std::process::Command;

const PACKAGE: &str = "skyflow==2.1.3";

/// Returns an interpreter that has the SDK; makes it when it is not there.
pub(crate) fn python() -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("skyflow-python-2.1.3");
    let python = directory.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    if has_sdk(&python) {
        return python;
    }
    run(
        Command::new("python3").args(["-m", "venv", "--clear"]).arg(&directory),
        "this test needs `python3` with the module `venv` (on Debian: apt install python3-venv)",
    );
    run(
        Command::new(&python).args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            PACKAGE,
        ]),
        "this test installs the published Python SDK from the package index, once",
    );
    assert!(has_sdk(&python), "{PACKAGE} was installed and cannot be imported");
    python
}

fn has_sdk(python: &Path) -> bool {
    let check = "import importlib.metadata, skyflow; assert importlib.metadata.version('skyflow') == '2.1.3'";
    Command::new(python).args(["-c", check]).output().is_ok_and(|output| output.status.success())
}

fn run(command: &mut Command, purpose: &str) {
    match command.output() {
        Ok(output) if output.status.success() => {}
        Ok(output) => panic!("{purpose}; {command:?} failed: {}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => panic!("{purpose}; {command:?} cannot be run: {error}"),
    }
}
