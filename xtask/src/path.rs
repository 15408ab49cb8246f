//! Prints the source files of this workspace that one call runs: `cargo xtask path insert`.
//!
//! A debug build runs the call under callgrind, so every function that was written is a function of the profile. The
//! number of files says how many of them a reader opens to follow a call.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::process::Command;

use crate::programs;

/// The maximum number of files that a warm insert may run through. It is lowered whenever the number falls: the goal is
/// 25 (see `docs/architecture.md`).
pub const MOST_FILES: usize = 40;

/// The function of the profiled program that is the call.
const ENTRY: &str = "warm_insert::warm_insert";

/// The crates that are not on the path of a call, because the server that receives it is made of them.
const SERVERS: [&str; 2] = ["crates/skyflow-emulator/", "crates/skyflow-testkit/"];

/// Options of `cargo xtask path`.
#[derive(clap::Args)]
pub struct Args {
    /// The call to follow.
    #[arg(value_enum)]
    call: Call,
}

/// A call that can be followed.
#[derive(Clone, Copy, clap::ValueEnum)]
pub enum Call {
    /// An insert whose token and connection exist already.
    Insert,
}

/// Prints the files in order, and fails when there are more than [`MOST_FILES`].
pub fn run(args: &Args) -> Result<(), String> {
    let Call::Insert = args.call;
    let root =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("xtask is not below the workspace root")?;
    if !has_valgrind() {
        return Err("valgrind is missing: install it, such as with `apt-get install valgrind`".to_owned());
    }
    let profile = profile(root, &programs::build(programs::WARM_INSERT)?)?;
    let files = Profile::parse(&profile).files(ENTRY, root)?;
    for (number, file) in (1..).zip(&files) {
        println!("{number:3} {file}");
    }
    println!("a warm insert runs functions of {} files; the limit is {MOST_FILES}", files.len());
    if files.len() <= MOST_FILES { Ok(()) } else { Err(format!("more than {MOST_FILES} files")) }
}

/// Runs the check, or prints a clear notice that it cannot run here.
pub fn check() -> Result<(), String> {
    if !has_valgrind() {
        println!("  !! SKIPPED: valgrind is missing, so the files of a warm insert were not counted.");
        println!("  !! Install it, such as with `apt-get install valgrind`, and run `cargo xtask ci path`.");
        return Ok(());
    }
    run(&Args { call: Call::Insert })
}

pub fn has_valgrind() -> bool {
    Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success())
}

fn profile(root: &Path, program: &Path) -> Result<String, String> {
    let file = root.join("target/callgrind.warm_insert");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no", "--dump-line=yes", "--compress-strings=no"])
        .args(["--compress-pos=no", &format!("--toggle-collect={ENTRY}")])
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(program)
        .output()
        .map_err(|error| format!("cannot run valgrind: {error}"))?;
    if !output.status.success() {
        return Err(format!("valgrind failed:\n{}", String::from_utf8_lossy(&output.stderr)));
    }
    std::fs::read_to_string(&file).map_err(|error| format!("cannot read {}: {error}", file.display()))
}

/// The functions of a callgrind profile: the file of each, and its calls with their lines.
#[derive(Default)]
struct Profile {
    files: HashMap<String, String>,
    calls: HashMap<String, BTreeSet<(u64, String)>>,
}

impl Profile {
    /// Reads the text format of callgrind, without name compression.
    fn parse(text: &str) -> Self {
        let mut profile = Self::default();
        let (mut object, mut file, mut function) = (String::new(), String::new(), String::new());
        let (mut callee_object, mut callee, mut is_call_cost) = (String::new(), String::new(), false);
        for line in text.lines() {
            if let Some(name) = line.strip_prefix("ob=") {
                object = name.to_owned();
            } else if let Some(name) = line.strip_prefix("fl=") {
                file = name.to_owned();
            } else if let Some(name) = line.strip_prefix("fn=") {
                function = format!("{object} {name}");
                callee_object.clone_from(&object);
                profile.files.insert(function.clone(), file.clone());
            } else if let Some(name) = line.strip_prefix("cob=") {
                callee_object = name.to_owned();
            } else if let Some(name) = line.strip_prefix("cfn=") {
                callee = format!("{callee_object} {name}");
                callee_object.clone_from(&object);
            } else if line.starts_with("calls=") {
                is_call_cost = true;
            } else if is_call_cost {
                is_call_cost = false;
                let from = line.split_whitespace().next().and_then(|from| from.parse().ok()).unwrap_or(0);
                // Values are dropped after their last use, whatever line that is.
                let from = if callee.contains("::drop_in_place") { u64::MAX } else { from };
                profile.calls.entry(function.clone()).or_default().insert((from, callee.clone()));
            }
        }
        profile
    }

    /// Returns the files of this workspace, in the order in which the entry's calls reach them.
    fn files(&self, entry: &str, root: &Path) -> Result<Vec<String>, String> {
        let start = self.files.keys().find(|function| function.ends_with(entry));
        let start = start.ok_or_else(|| format!("the profile has no function {entry}"))?;
        let mut seen = BTreeSet::new();
        let mut order: BTreeMap<String, usize> = BTreeMap::new();
        let mut waiting = vec![start.as_str()];
        while let Some(function) = waiting.pop() {
            if !seen.insert(function) {
                continue;
            }
            if let Some(file) = self.files.get(function).and_then(|file| in_workspace(file, root)) {
                let next = order.len();
                order.entry(file).or_insert(next);
            }
            let calls = self.calls.get(function).into_iter().flatten().rev();
            waiting.extend(calls.map(|(_, callee)| callee.as_str()));
        }
        let mut files: Vec<_> = order.into_iter().collect();
        files.sort_by_key(|(_, place)| *place);
        Ok(files.into_iter().map(|(file, _)| file).collect())
    }
}

/// Returns the path below the workspace root of a file in `crates/*/src` that is not a server's.
fn in_workspace(file: &str, root: &Path) -> Option<String> {
    let file = Path::new(file);
    let relative = file.strip_prefix(root).unwrap_or(file).to_str()?;
    let is_ours = relative.starts_with("crates/") && relative.contains("/src/");
    let is_server = SERVERS.iter().any(|server| relative.starts_with(server));
    (is_ours && !is_server).then(|| relative.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROFILE: &str = "\
events: Ir

ob=/bin/p
fl=tests/examples/warm_insert.rs
fn=warm_insert::warm_insert
10 1
cfi=crates/b/src/b.rs
cfn=b
calls=1 5
12 7
cfi=crates/a/src/a.rs
cfn=a
calls=1 5
11 7

fl=crates/a/src/a.rs
fn=a
5 1
cob=/lib/c.so
cfn=b
calls=1 5
6 7

fl=crates/b/src/b.rs
fn=b
5 1
cfn=server
calls=1 5
6 7

fl=crates/skyflow-emulator/src/server.rs
fn=server
5 1

fl=crates/c/src/c.rs
fn=never_reached
5 1
";

    #[test]
    fn files_are_listed_in_call_order() {
        let files = Profile::parse(PROFILE).files("warm_insert::warm_insert", Path::new("/work")).unwrap();
        assert_eq!(files, ["crates/a/src/a.rs", "crates/b/src/b.rs"]);
    }

    #[test]
    fn profile_without_the_entry_is_an_error() {
        let error = Profile::parse("fl=a\nfn=b\n").files("c", Path::new("/work")).unwrap_err();
        assert!(error.contains("no function c"), "{error}");
    }
}
