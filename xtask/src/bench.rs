//! Clients side by side: `cargo xtask bench`, and `cargo xtask bench --instructions`.
//!
//! Every contestant is a process of its own that does the same typed calls against the same server, which runs on the
//! other core. Rounds are interleaved, so that what else the machine does meets all of them. The instructions are
//! counted by callgrind, and do not depend on the machine.

mod chart;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::streams;

const PAGE: &str = "docs/benchmarks.md";
const CHART: &str = "docs/benchmarks.svg";
const MANIFEST: &str = "tests/bench/Cargo.toml";
const FLOOR: &str = "floor";
const CONTESTANTS: [&str; 4] = [FLOOR, "reqwest", "ours", "blocking"];
const CASES: [&str; 5] = ["insert-1", "insert-100", "detokenize-100", "get-25", "scaivault-read"];

/// The page above its tables.
const ABOUT: &str = "# Benchmarks

<!-- Written by `cargo xtask bench`. -->

![CPU time per call as a multiple of the floor](benchmarks.svg)

The floor is hyper's client and `serde_json` doing the same typed work; `scaivault-read` reads one secret and decodes its
data. `reqwest` is that client as its documentation
shows it. CPU times are in µs per call, the best of interleaved rounds; the server runs on another core. `blocking` is
measured one at a time. Instructions are counted by callgrind over http and do not depend on the load of the machine.

`gzip(true)` asks for compressed responses. It pays where the network moves fewer bits in a microsecond than the last
column of that table says: with 100 Mbit/s, which is 100 bits, it pays where the figure is above 100. In one data center it does
not, so it is off by default; the response of one row is hardly smaller.

The goals are 1.10 times the CPU time of the floor and 1.25 times its instructions. What a call costs above the floor
is, from the largest part to the smallest: rows that are kept as JSON until the caller decodes them, three timers, the
copy of the request that a retry or a new token after a 401 needs, three boxed futures, and the checks of the request.
";

/// The most instructions of a call, as a multiple of the floor's. They are lowered when a figure falls.
const MOST_INSTRUCTIONS: [(&str, f64); 5] = [
    ("insert-1", 1.42),
    ("insert-100", 1.49),
    ("detokenize-100", 1.52),
    ("get-25", 1.46),
    ("scaivault-read", 1.65),
];

/// Options of `cargo xtask bench`.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    suite: Option<Suite>,
    /// Counts instructions with callgrind instead of measuring CPU time, and fails above the limits.
    #[arg(long)]
    instructions: bool,
    /// The interleaved rounds of a measurement.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// The calls of a contestant in one round.
    #[arg(long, default_value_t = 2_000)]
    calls: usize,
}

/// Another benchmark than that of calls.
#[derive(clap::Subcommand)]
enum Suite {
    /// Calls a server with a limit of HTTP/2 streams from many tasks, beside eight plain hyper clients.
    Streams(streams::Args),
}

/// Runs the benchmark.
pub fn run(args: &Args) -> Result<(), String> {
    if let Some(Suite::Streams(streams)) = &args.suite {
        return streams::run(streams);
    }
    if args.instructions {
        return check();
    }
    let root = root()?;
    let programs = build(root)?;
    measure(root, &programs, &Server::start(&programs)?, args)
}

/// Counts instructions, and fails above the limits.
pub fn check() -> Result<(), String> {
    let programs = build(root()?)?;
    count(&programs, &Server::start(&programs)?).map(drop)
}

fn root() -> Result<&'static Path, String> {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or_else(|| "xtask is not below the root".to_owned())
}

fn build(root: &Path) -> Result<PathBuf, String> {
    let target = root.join("target/bench");
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--release", "--locked", "--manifest-path"])
        .arg(root.join(MANIFEST))
        .arg("--target-dir")
        .arg(&target)
        .status()
        .map_err(|error| format!("cannot run cargo build: {error}"))?;
    if status.success() { Ok(target.join("release")) } else { Err("the contestants do not build".to_owned()) }
}

/// The server, which ends with its standard input.
struct Server {
    process: Child,
    ports: BTreeMap<&'static str, u64>,
    certificate: PathBuf,
}

impl Server {
    fn start(programs: &Path) -> Result<Self, String> {
        let mut process = on_core(1, &programs.join("bench-server"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start the server: {error}"))?;
        let mut line = String::new();
        let output = process.stdout.take().ok_or("the server has no output")?;
        BufReader::new(output).read_line(&mut line).map_err(|error| error.to_string())?;
        let said: Value = serde_json::from_str(&line).map_err(|error| format!("server: {error}"))?;
        let certificate = programs.join("bench-certificate.pem");
        std::fs::write(&certificate, said["certificate"].as_str().unwrap_or_default())
            .map_err(|error| error.to_string())?;
        let ports = ["http", "https"].map(|scheme| (scheme, said[scheme].as_u64().unwrap_or_default()));
        Ok(Self { process, ports: ports.into(), certificate })
    }

    fn url(&self, scheme: &str) -> String {
        format!("{scheme}://127.0.0.1:{}", self.ports.get(scheme).copied().unwrap_or_default())
    }

    fn arguments(
        &self,
        contestant: &str,
        case: &str,
        scheme: &str,
        calls: usize,
        at_once: usize,
    ) -> Vec<String> {
        let certificate = self.certificate.display().to_string();
        let (calls, at_once) = (calls.to_string(), at_once.to_string());
        vec![contestant.into(), case.into(), self.url(scheme), certificate, calls, at_once]
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// Runs a program on one core, where the operating system has the means.
fn on_core(core: usize, program: &Path) -> Command {
    let has_taskset = Command::new("taskset").arg("--version").output().is_ok_and(|it| it.status.success());
    if !has_taskset {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", &core.to_string()]).arg(program);
    command
}

/// Counts the instructions of each case. Returns them as a table, and fails above a limit.
fn count(programs: &Path, server: &Server) -> Result<String, String> {
    let mut table =
        "| case | floor, instructions | ours | ratio | limit |\n|---|---|---|---|---|\n".to_owned();
    print!("{table}");
    let mut above = Vec::new();
    for (case, limit) in MOST_INSTRUCTIONS {
        let [floor, ours] =
            [FLOOR, "ours"].map(|contestant| instructions(programs, server, contestant, case));
        let (floor, ours) = (floor?, ours?);
        let ratio = ours / floor;
        let row = format!("| {case} | {floor:.0} | {ours:.0} | {ratio:.2} | {limit:.2} |");
        println!("{row}");
        let _ = writeln!(table, "{row}");
        if ratio > limit {
            above.push(case);
        }
    }
    if above.is_empty() {
        Ok(table)
    } else {
        Err(format!("more instructions than allowed: {}", above.join(", ")))
    }
}

/// The instructions of one call: the difference of two runs, so that starting counts in neither.
fn instructions(programs: &Path, server: &Server, contestant: &str, case: &str) -> Result<f64, String> {
    const FEW: usize = 20;
    const MANY: usize = 120;
    let collected = |calls| {
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(programs.join("bench-client"))
            .args(server.arguments(contestant, case, "http", calls, 1))
            .output()
            .map_err(|error| format!("cannot run valgrind: {error}"))?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let found =
            text.lines().find_map(|line| line.split("Collected : ").nth(1)?.trim().parse::<f64>().ok());
        found.filter(|_| output.status.success()).ok_or_else(|| format!("callgrind failed: {text}"))
    };
    Ok((collected(MANY)? - collected(FEW)?) / (MANY - FEW) as f64)
}

/// The CPU time and the median of a contestant, the best of all rounds.
#[derive(Clone, Copy)]
struct Figures {
    cpu: f64,
    median: f64,
}

fn measure(root: &Path, programs: &Path, server: &Server, args: &Args) -> Result<(), String> {
    let mut page = String::from(ABOUT);
    let _ = write!(page, "\n## Instructions\n\n{}", count(programs, server)?);
    let mut bars = Vec::new();
    for (scheme, at_once) in [("http", 1), ("http", 32), ("https", 1), ("https", 32)] {
        let _ = write!(
            page,
            "\n## {scheme}, {at_once} at a time\n\n| case | floor | reqwest | ours | blocking | ours / floor | p50 |\n|---|---|---|---|---|---|---|\n"
        );
        for case in CASES {
            let best = rounds(programs, server, args, &CONTESTANTS, scheme, at_once, case)?;
            let cpu = |name: &str| best.get(name).map_or("-".to_owned(), |found| format!("{:.1}", found.cpu));
            let ratio = |figure: fn(&Figures) -> f64| match (best.get("ours"), best.get(FLOOR)) {
                (Some(ours), Some(floor)) => format!("{:.2}", figure(ours) / figure(floor)),
                _ => "-".to_owned(),
            };
            let row = format!(
                "| {case} | {} | {} | {} | {} | {} | {} |",
                cpu(FLOOR),
                cpu("reqwest"),
                cpu("ours"),
                cpu("blocking"),
                ratio(|found| found.cpu),
                ratio(|found| found.median)
            );
            println!("{scheme} {at_once} {row}");
            if (scheme, at_once) == ("http", 1) {
                let of_floor = |name: &str| Some(best.get(name)?.cpu / best.get(FLOOR)?.cpu);
                bars.push(chart::Bars { case, reqwest: of_floor("reqwest"), ours: of_floor("ours") });
            }
            let _ = writeln!(page, "{row}");
        }
    }
    let _ = write!(page, "\n## Compressed responses\n\n{}", compression(programs, server, args)?);
    let write = |name: &str, text: String| {
        std::fs::write(root.join(name), text).map_err(|error| format!("cannot write {name}: {error}"))
    };
    write(CHART, chart::drawn(&bars))?;
    write(PAGE, page)
}

/// Compares responses as they are with compressed ones, which a client asks for with `gzip(true)`.
fn compression(programs: &Path, server: &Server, args: &Args) -> Result<String, String> {
    let mut table = "| case | bytes | compressed | CPU, µs | CPU with gzip, µs | saved bits per µs |\n\
                     |---|---|---|---|---|---|\n"
        .to_owned();
    // ScaiVault's client does not ask for compressed responses.
    for case in CASES.into_iter().filter(|case| !case.starts_with("scaivault")) {
        let sizes = client(programs, server.arguments("sizes", case, "http", 1, 1))?;
        let bytes = |name: &str| sizes[name].as_f64().unwrap_or_default();
        let (plain, compressed) = (bytes("plain"), bytes("compressed"));
        let best = rounds(programs, server, args, &["ours", "gzip"], "http", 1, case)?;
        let cpu = |name: &str| best.get(name).map_or(f64::NAN, |found| found.cpu);
        let (without, with) = (cpu("ours"), cpu("gzip"));
        let saved = (plain - compressed) * 8.0 / (with - without);
        let row =
            format!("| {case} | {plain:.0} | {compressed:.0} | {without:.1} | {with:.1} | {saved:.0} |");
        println!("{row}");
        let _ = writeln!(table, "{row}");
    }
    Ok(table)
}

/// Runs a client and reads what it prints.
fn client(programs: &Path, arguments: Vec<String>) -> Result<Value, String> {
    let output = on_core(0, &programs.join("bench-client"))
        .args(&arguments)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cannot run bench-client: {error}"))?;
    serde_json::from_slice(&output.stdout).map_err(|error| format!("{}: {error}", arguments.join(" ")))
}

fn rounds(
    programs: &Path,
    server: &Server,
    args: &Args,
    contestants: &[&'static str],
    scheme: &str,
    at_once: usize,
    case: &str,
) -> Result<BTreeMap<&'static str, Figures>, String> {
    let mut best: BTreeMap<&str, Figures> = BTreeMap::new();
    for _ in 0..args.rounds {
        for contestant in contestants.iter().copied().filter(|name| at_once == 1 || *name != "blocking") {
            let found = client(programs, server.arguments(contestant, case, scheme, args.calls, at_once))?;
            let figure = |name: &str| found[name].as_f64().unwrap_or(f64::INFINITY);
            let new = Figures { cpu: figure("cpu_us"), median: figure("p50_us") };
            best.entry(contestant)
                .and_modify(|old| {
                    *old = Figures { cpu: old.cpu.min(new.cpu), median: old.median.min(new.median) };
                })
                .or_insert(new);
        }
    }
    Ok(best)
}
