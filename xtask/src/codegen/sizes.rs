//! What the generated code costs: its lines, and the release build time of each crate and feature.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use super::ir::Api;
use super::targets::Target;
use super::{Error, lower, overlay, read, spec};

/// How often each build is measured. The builds take turns, so that a load on the machine touches all of them.
const ROUNDS: usize = 3;

/// One crate with one choice of features.
struct Build<'a> {
    target: &'a Target,
    features: Vec<String>,
    lines: usize,
    /// CPU seconds of each round.
    seconds: Vec<f64>,
}

/// Measures and prints one line for each crate and feature.
pub fn print(targets: &[&Target], root: &Path) -> Result<(), Error> {
    let mut builds = Vec::new();
    for target in targets {
        let spec = spec::Spec::parse(&read(&root.join(target.spec))?)?;
        let overlay = overlay::Overlay::parse(&read(&root.join(target.overlay))?)?;
        let api = lower::lower(&spec, &overlay)?;
        let lines = lines_by_features(&api, &root.join(target.output))?;
        let all: Vec<_> = overlay.features.keys().cloned().collect();
        let choices = all.iter().map(|feature| vec![feature.clone()]);
        for features in choices.chain([all.clone()]) {
            let lines = lines_with(&lines, &features);
            builds.push(Build { target, features, lines, seconds: Vec::new() });
        }
    }
    for build in &builds {
        // The dependencies are built before anything is measured.
        compile(build, root)?;
    }
    for _ in 0..ROUNDS {
        for build in &mut builds {
            let seconds = compile(build, root)?;
            build.seconds.push(seconds);
        }
    }
    println!("{:<22} {:<38} {:>8} {:>14}", "crate", "features", "lines", "CPU seconds");
    for build in &builds {
        let features = if build.features.is_empty() { "-".to_owned() } else { build.features.join(" ") };
        let (least, most) = build
            .seconds
            .iter()
            .fold((f64::INFINITY, 0.0_f64), |(least, most), found| (least.min(*found), most.max(*found)));
        let seconds = format!("{least:.1} to {most:.1}");
        println!("{:<22} {features:<38} {:>8} {seconds:>14}", build.target.package, build.lines);
    }
    Ok(())
}

/// The lines of each generated file, by the features that bring it in.
type Lines<'a> = BTreeMap<BTreeSet<&'a str>, usize>;

fn lines_by_features<'a>(api: &'a Api, output: &Path) -> Result<Lines<'a>, Error> {
    let operations = api.operation_modules().into_iter().map(|module| {
        let features = api.features.get(module).map(String::as_str);
        (format!("{module}.rs"), features.into_iter().collect())
    });
    let types = api
        .type_modules()
        .into_iter()
        .map(|module| (format!("types/{module}.rs"), api.features_of_file(module)));
    let roots = ["mod.rs", "types/mod.rs"].map(|file| (file.to_owned(), BTreeSet::new()));
    let mut lines = Lines::new();
    for (file, features) in operations.chain(types).chain(roots) {
        *lines.entry(features).or_default() += read(&output.join(file))?.lines().count();
    }
    Ok(lines)
}

fn lines_with(lines: &Lines<'_>, features: &[String]) -> usize {
    let is_in = |gate: &BTreeSet<&str>| {
        gate.is_empty() || features.iter().any(|feature| gate.contains(feature.as_str()))
    };
    lines.iter().filter(|(gate, _)| is_in(gate)).map(|(_, lines)| lines).sum()
}

/// Builds one crate from its sources and returns the CPU seconds that took.
fn compile(build: &Build<'_>, root: &Path) -> Result<f64, Error> {
    let failed = |problem: String| Error::Build { package: build.target.package, problem };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let source = root.join(build.target.output).join("mod.rs");
    // The compiler runs only when a source is newer than what it made of it.
    let text = read(&source)?;
    std::fs::write(&source, text).map_err(|source_error| failed(source_error.to_string()))?;
    let before = children_cpu_seconds();
    let started = now();
    let output = Command::new(cargo)
        .current_dir(root)
        .args(["build", "--release", "--package", build.target.package, "--no-default-features"])
        .args(["--features", &build.features.join(",")])
        .stdout(Stdio::null())
        .output()
        .map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    match (before, children_cpu_seconds()) {
        (Some(before), Some(after)) => Ok(after - before),
        _ => Ok(started.elapsed().as_secs_f64()),
    }
}

#[expect(clippy::disallowed_methods, reason = "elapsed times are shown to a person")]
fn now() -> Instant {
    Instant::now()
}

/// Returns the CPU time of all ended child processes, where the system tells it (Linux).
fn children_cpu_seconds() -> Option<f64> {
    /// The kernel counts in hundredths of a second for programs.
    const TICKS: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program may hold spaces; the fields behind it are numbers. `cutime` is the 14th of them.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(13);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_count_for_each_feature_that_has_them() {
        let lines = Lines::from([
            (BTreeSet::new(), 1),
            (BTreeSet::from(["a"]), 10),
            (BTreeSet::from(["a", "b"]), 100),
            (BTreeSet::from(["b"]), 1000),
        ]);
        let with = |features: &[&str]| {
            lines_with(&lines, &features.iter().map(|&feature| feature.to_owned()).collect::<Vec<_>>())
        };
        assert_eq!([with(&[]), with(&["a"]), with(&["b"]), with(&["a", "b"])], [1, 111, 1101, 1111]);
    }
}
