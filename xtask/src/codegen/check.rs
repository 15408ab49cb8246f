//! The generated files on disk: writes them, or compares them with what is checked in.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use super::{Error, Files};

/// Writes `files` below `output` and removes every file that is no longer generated.
pub fn write(files: &Files, output: &Path) -> Result<(), Error> {
    for (name, text) in files {
        let path = output.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|source| io_error("create", folder, source))?;
        }
        // An unchanged file keeps its time stamp, so that nothing is rebuilt for it.
        if fs::read_to_string(&path).is_ok_and(|old| old == *text) {
            continue;
        }
        fs::write(&path, text).map_err(|source| io_error("write", &path, source))?;
    }
    for leftover in existing(output)?.into_iter().filter(|name| !files.contains_key(name)) {
        let path = output.join(leftover);
        fs::remove_file(&path).map_err(|source| io_error("remove", &path, source))?;
    }
    Ok(())
}

/// Fails when `output` differs from `files`, and names each file that does.
pub fn compare(files: &Files, output: &Path, shown: &str) -> Result<(), Error> {
    let found = existing(output)?;
    let mut drift = Vec::new();
    for (name, text) in files {
        if !found.contains(name) {
            drift.push(format!("{shown}/{name}: missing"));
        } else if super::read(&output.join(name))? != *text {
            drift.push(format!("{shown}/{name}: differs"));
        }
    }
    for name in found.iter().filter(|name| !files.contains_key(*name)) {
        drift.push(format!("{shown}/{name}: left over"));
    }
    if drift.is_empty() { Ok(()) } else { Err(Error::Drift(drift)) }
}

/// Lists every file below `output`, with `/` between the parts.
fn existing(output: &Path) -> Result<BTreeSet<String>, Error> {
    let mut names = BTreeSet::new();
    let mut folders = vec![(output.to_path_buf(), String::new())];
    while let Some((folder, prefix)) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(source) => return Err(io_error("list", &folder, source)),
        };
        for entry in entries {
            let entry = entry.map_err(|source| io_error("list", &folder, source))?;
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                folders.push((entry.path(), format!("{name}/")));
            } else {
                names.insert(name);
            }
        }
    }
    Ok(names)
}

fn io_error(action: &'static str, path: &Path, source: io::Error) -> Error {
    Error::Io { action, path: path.to_path_buf(), source }
}
