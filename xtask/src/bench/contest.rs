//! CPU and wall time of calls, in rounds that all contestants take part in.

use std::collections::BTreeMap;
use std::path::Path;

use super::figures::{Cell, Compressed, FLOOR, Figures, OURS, Sample};
use super::page;
use super::programs::{Run, Server, client};
use super::python::Python;

/// Options of the contest.
#[derive(clap::Args)]
pub struct Rounds {
    /// The interleaved rounds of a measurement.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// The calls of a contestant in one round; the Python SDK makes fewer.
    #[arg(long, default_value_t = 2_000)]
    calls: usize,
}

pub const CASES: [&str; 5] = ["insert-1", "insert-100", "detokenize-100", "get-25", "scaivault-read"];

/// The case without a server. A call takes so little time that each round has more of them.
pub const STACK: &str = "stack";

const MORE_CALLS_OF_STACK: usize = 50;

pub const REQWEST: &str = "reqwest";
pub const ACCOUNT: &str = "account";
pub const BLOCKING: &str = "blocking";
pub const PYTHON: &str = "python";
const GZIP: &str = "gzip";

/// How calls are made: the scheme, and how many are under way at once.
pub const WAYS: [(&str, usize); 4] = [("http", 1), ("http", 32), ("https", 1), ("https", 32)];

/// What each round needs.
struct Contest<'a> {
    programs: &'a Path,
    server: &'a Server,
    python: Option<Python>,
    size: &'a Rounds,
}

/// Measures all cases.
pub fn measure(root: &Path, programs: &Path, server: &Server, size: &Rounds) -> Result<Figures, String> {
    let contest = Contest { programs, server, python: Python::find(root), size };
    let mut cells = Vec::new();
    print!("{}", page::COLUMNS);
    for (scheme, at_once) in WAYS {
        for case in CASES {
            cells.push(contest.cell(scheme, at_once, case, &contest.contestants(scheme, at_once, case))?);
        }
    }
    cells.push(contest.cell("memory", 1, STACK, &[FLOOR, OURS])?);
    Ok(Figures {
        machine: machine(),
        contest: cells,
        compression: contest.compression()?,
        ..Figures::default()
    })
}

impl Contest<'_> {
    fn contestants(&self, scheme: &str, at_once: usize, case: &str) -> Vec<&'static str> {
        let is_skyflow = !case.starts_with("scaivault");
        let mut contestants = vec![FLOOR, REQWEST, OURS];
        if is_skyflow {
            contestants.push(ACCOUNT);
        }
        if at_once == 1 {
            contestants.push(BLOCKING);
        }
        if self.python.is_some() && is_skyflow && (scheme, at_once) == ("https", 1) {
            contestants.push(PYTHON);
        }
        contestants
    }

    /// Measures one case. Every second round has the contestants in the opposite order, so that a machine that becomes
    /// slower or faster meets all of them alike.
    fn cell(&self, scheme: &str, at_once: usize, case: &str, contestants: &[&str]) -> Result<Cell, String> {
        let mut samples: BTreeMap<String, Vec<Sample>> = BTreeMap::new();
        for round in 0..self.size.rounds {
            let mut order = contestants.to_vec();
            if round % 2 == 1 {
                order.reverse();
            }
            for contestant in order {
                let sample = self.sample(scheme, at_once, case, contestant)?;
                samples.entry(contestant.to_owned()).or_default().push(sample);
            }
        }
        let cell = Cell { scheme: scheme.to_owned(), at_once, case: case.to_owned(), samples };
        println!("{scheme} {at_once} {}", page::row(&cell));
        Ok(cell)
    }

    fn sample(&self, scheme: &str, at_once: usize, case: &str, contestant: &str) -> Result<Sample, String> {
        let calls = self.size.calls;
        match &self.python {
            Some(python) if contestant == PYTHON => python.time(self.server, case, calls),
            _ => {
                let calls = if case == STACK { calls * MORE_CALLS_OF_STACK } else { calls };
                // A service in memory has no port.
                let scheme = if case == STACK { "http" } else { scheme };
                let run = Run { measurement: "time", contestant, case, scheme, calls, at_once };
                Sample::read(&client(self.programs, self.server, run)?)
            }
        }
    }

    /// Compares responses as they are with compressed ones, which a client asks for with `gzip(true)`.
    fn compression(&self) -> Result<Vec<Compressed>, String> {
        let mut rows = Vec::new();
        // ScaiVault's client does not ask for compressed responses.
        for case in CASES.into_iter().filter(|case| !case.starts_with("scaivault")) {
            let run =
                Run { measurement: "sizes", contestant: FLOOR, case, scheme: "http", calls: 1, at_once: 1 };
            let sizes = client(self.programs, self.server, run)?;
            let bytes = |name: &str| sizes[name].as_f64().unwrap_or_default();
            let cell = self.cell("http", 1, case, &[OURS, GZIP])?;
            let cpu = |sample: &Sample| sample.cpu;
            rows.push(Compressed {
                case: case.to_owned(),
                plain_bytes: bytes("plain"),
                compressed_bytes: bytes("compressed"),
                plain_cpu: cell.median(OURS, cpu).unwrap_or(f64::NAN),
                more_cpu: cell.difference(GZIP, OURS, cpu).unwrap_or(f64::NAN),
            });
        }
        Ok(rows)
    }
}

/// Names the processor and its cores, where the operating system tells.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let about = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = about.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("a processor that is not named", |(_, model)| model.trim());
    format!("{model}, {cores} cores")
}
