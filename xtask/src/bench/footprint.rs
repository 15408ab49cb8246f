//! What a program costs besides its calls: its first response, its memory, its size and its build.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use super::figures::{Footprint, Memory, OURS, Program};
use super::programs::{self, Build, Run, Server, client};
use super::statistics::median;
use crate::programs::cargo;
use crate::trees;

/// Options of `cargo xtask bench footprint`.
#[derive(clap::Args)]
pub struct Args {
    /// The calls after which the memory is read a second time.
    #[arg(long, default_value_t = 1_000_000)]
    calls: usize,
    /// How many times each program is started.
    #[arg(long, default_value_t = 21)]
    starts: usize,
}

/// The calls under way at once while memory is measured.
const AT_ONCE: usize = 32;

/// The setting of aws-lc-sys that keeps the timing of the CPU out of the random generator's seed.
const NO_JITTER: &str = "AWS_LC_SYS_NO_JITTER_ENTROPY";

const PROGRAMS: [&str; 2] = ["minimal-floor", "minimal-ours"];

/// A minimal program that was built.
struct Built {
    program: PathBuf,
    without_jitter: PathBuf,
    build_cpu: Option<f64>,
}

/// Measures a program with this client, and one with what it is built on.
pub fn measure(root: &Path, args: &Args) -> Result<Footprint, String> {
    let programs = programs::build(root, Build::Tls)?;
    let built = [build(root, PROGRAMS[0])?, build(root, PROGRAMS[1])?];
    let server = Server::start(&programs)?;
    let [floor, ours] = first_responses(&built, &server, args.starts)?;
    let memory = memory(&programs, &server, args.calls)?;
    let (packages, most_packages) = trees::packages_of_skyflow()?;
    let [floor_names, our_names] = [names(root, PROGRAMS[0])?, names(root, PROGRAMS[1])?];
    let more_packages = our_names.into_iter().filter(|name| !floor_names.contains(name)).collect();
    Ok(Footprint { floor, ours, memory, packages, most_packages, more_packages })
}

/// Builds a program from an empty directory: its dependencies, whose CPU time is measured, and then itself.
fn build(root: &Path, name: &str) -> Result<Built, String> {
    let target = root.join("target/bench-footprint").join(name);
    remove(&target)?;
    run(cargo().args(["fetch", "--locked", "--manifest-path"]).arg(root.join(programs::MANIFEST)))?;
    println!("  building the dependencies of {name} from an empty directory");
    let before = children_cpu();
    run(&mut build_command(root, &target, name, &["--lib"]))?;
    let build_cpu = before.zip(children_cpu()).map(|(before, after)| after - before);
    run(&mut build_command(root, &target, name, &[]))?;
    let program = kept(&target, name, "as-it-is")?;
    run(build_command(root, &target, name, &[]).env(NO_JITTER, "1"))?;
    let without_jitter = kept(&target, name, "without-jitter")?;
    Ok(Built { program, without_jitter, build_cpu })
}

/// Builds as `cargo build --release` does, without symbols in the program.
fn build_command(root: &Path, target: &Path, package: &str, options: &[&str]) -> Command {
    let mut command = cargo();
    command.args(["build", "--release", "--locked", "--quiet", "--package", package]).args(options);
    command.arg("--manifest-path").arg(root.join(programs::MANIFEST));
    command.arg("--target-dir").arg(target);
    command.env("CARGO_PROFILE_RELEASE_DEBUG", "false").env("CARGO_PROFILE_RELEASE_STRIP", "symbols");
    // A cache of compiled crates would leave nothing to measure.
    command.env_remove("RUSTC_WRAPPER").env_remove(NO_JITTER);
    command
}

/// Keeps a program beside the one that the next build makes.
fn kept(target: &Path, name: &str, kind: &str) -> Result<PathBuf, String> {
    let to = target.join(format!("{name}-{kind}"));
    std::fs::copy(target.join("release").join(name), &to)
        .map_err(|error| format!("cannot copy {name}: {error}"))?;
    Ok(to)
}

/// Starts the programs in turn, so that what else the machine does meets all of them.
fn first_responses(built: &[Built; 2], server: &Server, starts: usize) -> Result<[Program; 2], String> {
    let variants = built.each_ref().map(|built| [&built.program, &built.without_jitter]);
    let mut taken = [[Vec::new(), Vec::new()], [Vec::new(), Vec::new()]];
    for _ in 0..starts {
        for (programs, taken) in variants.iter().zip(&mut taken) {
            for (program, taken) in programs.iter().zip(taken) {
                taken.push(first_response(program, server)?);
            }
        }
    }
    let mut found = Vec::new();
    for (built, [as_it_is, without_jitter]) in built.iter().zip(taken) {
        let bytes = std::fs::metadata(&built.program).map_err(|error| error.to_string())?.len();
        found.push(Program {
            first_response: median(as_it_is).unwrap_or(f64::NAN),
            first_response_without_jitter: median(without_jitter).unwrap_or(f64::NAN),
            stripped_bytes: bytes as f64,
            build_cpu: built.build_cpu,
        });
    }
    found.try_into().map_err(|_| "two programs were built".to_owned())
}

/// Returns the time from the start of the process to the line that it prints after its response, in ms.
#[expect(clippy::disallowed_methods, reason = "a process is measured")]
fn first_response(program: &Path, server: &Server) -> Result<f64, String> {
    let mut command = Command::new(program);
    command.arg(format!("https://{}", server.authority("https"))).arg(server.certificate());
    let begin = Instant::now();
    let mut process = command
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot start {}: {error}", program.display()))?;
    let mut line = String::new();
    let output = process.stdout.take().ok_or("the program has no output")?;
    BufReader::new(output).read_line(&mut line).map_err(|error| error.to_string())?;
    let taken = begin.elapsed();
    let status = process.wait().map_err(|error| error.to_string())?;
    if line.is_empty() || !status.success() {
        return Err(format!("{} failed: {status}", program.display()));
    }
    Ok(taken.as_secs_f64() * 1e3)
}

/// Returns the names of the packages that a program needs, without its own.
fn names(root: &Path, program: &str) -> Result<Vec<String>, String> {
    let manifest = root.join(programs::MANIFEST);
    let packages = trees::packages_of(program, &["--manifest-path".as_ref(), manifest.as_os_str()])?;
    let names = packages.iter().filter_map(|package| package.split(' ').next());
    Ok(names.filter(|name| *name != program).map(str::to_owned).collect())
}

fn memory(programs: &Path, server: &Server, calls: usize) -> Result<Option<Memory>, String> {
    if !Path::new("/proc/self/status").exists() {
        println!("  !! NOT MEASURED: the resident memory, which Linux tells in /proc");
        return Ok(None);
    }
    println!("  reading the memory of {calls} calls");
    let run = Run {
        measurement: "memory",
        contestant: OURS,
        case: "insert-1",
        scheme: "http",
        calls,
        at_once: AT_ONCE,
    };
    let found = client(programs, server, run)?;
    let kib = |name: &str| found[name].as_f64().ok_or_else(|| format!("{name} is missing: {found}"));
    Ok(Some(Memory { calls, early_kib: kib("early_kib")?, late_kib: kib("late_kib")? }))
}

/// Returns the CPU time of all processes that this one has waited for, and of theirs, in s; `None` outside of Linux.
fn children_cpu() -> Option<f64> {
    /// Linux counts in hundredths of a second for programs, whatever its own clock is.
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    children_ticks(&stat).map(|ticks| ticks / TICKS_PER_SECOND)
}

/// Reads user and system time of children: the 16th and 17th field. The second is a name, which may have spaces.
fn children_ticks(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(13).map(|field| field.parse::<f64>().ok());
    Some(fields.next()?? + fields.next()??)
}

fn remove(directory: &Path) -> Result<(), String> {
    match std::fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("cannot remove {}: {error}", directory.display()))
        }
        _ => Ok(()),
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|error| format!("cannot run {command:?}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?}: {status}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_time_is_read_behind_any_name() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194560 100 200 0 0 11 12 250 50 20 0 1 0 1000 0";
        assert_eq!(children_ticks(stat), Some(300.0));
        assert_eq!(children_ticks("7 (a) S 1"), None);
    }
}
