//! Python packages as they are published, each in a virtual environment below the target directory.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A package of the index, whose module has the same name.
pub(crate) struct Package {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
}

impl Package {
    /// Returns an interpreter that has the package, below this directory; makes it when it is missing.
    pub(crate) fn python(&self, below: &Path) -> Result<PathBuf, String> {
        let directory = below.join(format!("{}-python-{}", self.name, self.version));
        let python = directory.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
        if self.is_in(&python) {
            return Ok(python);
        }
        run(
            Command::new("python3").args(["-m", "venv", "--clear"]).arg(&directory),
            "`python3` with the module `venv` is needed (on Debian: apt install python3-venv)",
        )?;
        let package = format!("{}=={}", self.name, self.version);
        run(
            Command::new(&python)
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
                .arg(&package),
            "a published package is installed from the package index, once",
        )?;
        match self.is_in(&python) {
            true => Ok(python),
            false => Err(format!("{package} was installed and cannot be imported")),
        }
    }

    fn is_in(&self, python: &Path) -> bool {
        let Self { name, version } = self;
        let check = format!(
            "import importlib.metadata, {name}; assert importlib.metadata.version('{name}') == '{version}'"
        );
        Command::new(python).args(["-c", &check]).output().is_ok_and(|output| output.status.success())
    }
}

fn run(command: &mut Command, purpose: &str) -> Result<(), String> {
    match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(format!("{purpose}; {command:?} failed: {said}"))
        }
        Err(error) => Err(format!("{purpose}; {command:?} cannot be run: {error}")),
    }
}
