//! The files of the repository.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Returns the paths of the tracked files, relative to the root.
pub fn files(root: &Path) -> Result<Vec<PathBuf>, String> {
    let output = Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(root)
        .output()
        .map_err(|error| format!("cannot run git: {error}"))?;
    if !output.status.success() {
        return Err("git ls-files failed".to_owned());
    }
    let names = String::from_utf8_lossy(&output.stdout).into_owned();
    // A file that was deleted but not yet committed is still listed.
    Ok(names.split_terminator('\0').map(PathBuf::from).filter(|file| root.join(file).exists()).collect())
}
