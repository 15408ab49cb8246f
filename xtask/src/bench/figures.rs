//! The measured figures, as `docs/benchmarks.json` keeps it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::statistics::{Ratio, median, ratio};

const FILE: &str = "docs/benchmarks.json";

pub const FLOOR: &str = "floor";
pub const OURS: &str = "ours";

/// All figures of the page.
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
pub struct Figures {
    /// The machine of the contest.
    pub machine: String,
    pub instructions: Vec<Counted>,
    pub contest: Vec<Cell>,
    pub compression: Vec<Compressed>,
    pub footprint: Option<Footprint>,
}

/// The instructions and allocations of one case.
#[derive(Serialize, Deserialize, Clone)]
pub struct Counted {
    pub case: String,
    pub floor: Cost,
    pub ours: Cost,
    /// Instructions of ours above the floor's, by area, from the largest.
    pub above: Vec<(String, f64)>,
}

/// What one call costs on any machine.
#[derive(Serialize, Deserialize, Clone, Copy)]
pub struct Cost {
    pub instructions: f64,
    pub allocations: f64,
}

/// One case over one scheme: the samples of each contestant, one for each round.
#[derive(Serialize, Deserialize)]
pub struct Cell {
    pub scheme: String,
    pub at_once: usize,
    pub case: String,
    pub samples: BTreeMap<String, Vec<Sample>>,
}

/// One round of a contestant, in µs per call.
#[derive(Serialize, Deserialize, Clone, Copy)]
#[serde(from = "[f64; 3]", into = "[f64; 3]")]
pub struct Sample {
    pub cpu: f64,
    pub median: f64,
    pub wall: f64,
}

/// A response as it is and compressed, and the CPU time of a call with each.
#[derive(Serialize, Deserialize)]
pub struct Compressed {
    pub case: String,
    pub plain_bytes: f64,
    pub compressed_bytes: f64,
    pub plain_cpu: f64,
    /// The median of the differences of the rounds.
    pub more_cpu: f64,
}

/// What a program costs besides its calls.
#[derive(Serialize, Deserialize)]
pub struct Footprint {
    pub floor: Program,
    pub ours: Program,
    /// Resident memory after the first calls and after all of them, in KiB; `None` where it cannot be read.
    pub memory: Option<Memory>,
    pub packages: usize,
    pub most_packages: usize,
    /// The packages of ours that the floor does not have.
    pub more_packages: Vec<String>,
}

/// A minimal program.
#[derive(Serialize, Deserialize)]
pub struct Program {
    /// From the start of the process to the end of the first response over https, in ms.
    pub first_response: f64,
    /// The same when the cryptography library does not gather entropy from the timing of the CPU.
    pub first_response_without_jitter: f64,
    pub stripped_bytes: f64,
    /// The CPU time of a release build of its dependencies, in s; `None` where it cannot be read.
    pub build_cpu: Option<f64>,
}

#[derive(Serialize, Deserialize)]
pub struct Memory {
    pub calls: usize,
    pub early_kib: f64,
    pub late_kib: f64,
}

impl From<[f64; 3]> for Sample {
    fn from([cpu, median, wall]: [f64; 3]) -> Self {
        Self { cpu, median, wall }
    }
}

impl From<Sample> for [f64; 3] {
    fn from(sample: Sample) -> Self {
        [sample.cpu, sample.median, sample.wall].map(|figure| (figure * 100.0).round() / 100.0)
    }
}

impl Sample {
    /// Reads what a contestant prints.
    pub fn read(printed: &Value) -> Result<Self, String> {
        let figure =
            |name: &str| printed[name].as_f64().ok_or_else(|| format!("{name} is missing: {printed}"));
        Ok(Self { cpu: figure("cpu_us")?, median: figure("p50_us")?, wall: figure("wall_us")? })
    }
}

impl Counted {
    pub fn ratio(&self) -> f64 {
        self.ours.instructions / self.floor.instructions
    }

    /// Returns how many allocations a call makes above those of the floor.
    pub fn more_allocations(&self) -> f64 {
        self.ours.allocations - self.floor.allocations
    }
}

impl Cell {
    /// Returns the median of the rounds; `None` for a contestant that did not take part.
    pub fn median(&self, contestant: &str, figure: fn(&Sample) -> f64) -> Option<f64> {
        median(self.samples.get(contestant)?.iter().map(figure))
    }

    /// Compares two contestants round by round.
    pub fn ratio(&self, over: &str, under: &str, figure: fn(&Sample) -> f64) -> Option<Ratio> {
        ratio(self.pairs(over, under, figure))
    }

    /// Returns the median of the differences of the rounds.
    pub fn difference(&self, more: &str, less: &str, figure: fn(&Sample) -> f64) -> Option<f64> {
        median(self.pairs(more, less, figure).map(|(more, less)| more - less))
    }

    fn pairs(
        &self,
        one: &str,
        other: &str,
        figure: fn(&Sample) -> f64,
    ) -> impl Iterator<Item = (f64, f64)> + use<> {
        let of = |name: &str| {
            let samples = self.samples.get(name).into_iter().flatten();
            samples.map(figure).collect::<Vec<_>>()
        };
        of(one).into_iter().zip(of(other))
    }

    /// Names the case and how it was called.
    pub fn name(&self) -> String {
        format!("{} over {}, {} at a time", self.case, self.scheme, self.at_once)
    }

    pub fn is(&self, scheme: &str, at_once: usize) -> bool {
        self.scheme == scheme && self.at_once == at_once
    }
}

impl Figures {
    /// Reads the figures; there are none before the first measurement.
    pub fn read(root: &Path) -> Result<Self, String> {
        match std::fs::read_to_string(root.join(FILE)) {
            Ok(text) => serde_json::from_str(&text).map_err(|error| format!("{FILE}: {error}")),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(format!("cannot read {FILE}: {error}")),
        }
    }

    /// Writes the figures, one row a line.
    pub fn write(&self, root: &Path) -> Result<(), String> {
        let text =
            serde_json::to_value(self).map(|value| lines(&value)).map_err(|error| error.to_string())?;
        std::fs::write(root.join(FILE), text).map_err(|error| format!("cannot write {FILE}: {error}"))
    }
}

fn lines(figures: &Value) -> String {
    let mut text = String::from("{");
    for (number, (name, value)) in figures.as_object().into_iter().flatten().enumerate() {
        let separator = if number == 0 { "" } else { "," };
        let _ = write!(text, "{separator}\n\"{name}\": ");
        match value.as_array() {
            Some(rows) => {
                let rows: Vec<String> = rows.iter().map(|row| format!("\n{row}")).collect();
                let _ = write!(text, "[{}]", rows.join(","));
            }
            None => {
                let _ = write!(text, "{value}");
            }
        }
    }
    text + "\n}\n"
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Two rounds of a case, and what callgrind and the footprint say.
    pub fn sample() -> Figures {
        let round = |figures: &[[f64; 3]]| figures.iter().copied().map(Sample::from).collect::<Vec<_>>();
        let samples = [
            (FLOOR, round(&[[10.0, 9.0, 11.0], [20.0, 18.0, 22.0]])),
            ("reqwest", round(&[[15.0, 14.0, 16.0], [30.0, 28.0, 32.0]])),
            (OURS, round(&[[12.0, 9.0, 13.0], [24.0, 18.0, 26.0]])),
        ];
        let samples: BTreeMap<_, _> = samples.into_iter().map(|(name, of)| (name.to_owned(), of)).collect();
        let cell = |scheme: &str, case: &str| Cell {
            scheme: scheme.to_owned(),
            at_once: 1,
            case: case.to_owned(),
            samples: samples.clone(),
        };
        let cost = |instructions, allocations| Cost { instructions, allocations };
        Figures {
            machine: "a machine".to_owned(),
            instructions: vec![Counted {
                case: "insert-1".to_owned(),
                floor: cost(1000.0, 20.0),
                ours: cost(1200.0, 32.0),
                above: vec![("skyflow-http/layers".to_owned(), 150.0), ("serde_json".to_owned(), 50.0)],
            }],
            contest: vec![cell("http", "insert-1"), cell("memory", "stack")],
            compression: Vec::new(),
            footprint: None,
        }
    }

    #[test]
    fn figures_survive_the_file() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("docs")).unwrap();
        assert!(Figures::read(directory.path()).unwrap().contest.is_empty());
        sample().write(directory.path()).unwrap();
        let read = Figures::read(directory.path()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), serde_json::to_value(sample()).unwrap());
    }

    #[test]
    fn ratios_compare_the_samples_of_one_round() {
        let figures = sample();
        let cell = figures.contest.first().unwrap();
        let cpu = |sample: &Sample| sample.cpu;
        assert_eq!(cell.ratio(OURS, FLOOR, cpu).map(|ratio| ratio.median), Some(1.2));
        assert_eq!(cell.difference(OURS, FLOOR, cpu), Some(3.0));
        assert_eq!(cell.median(OURS, cpu), Some(18.0));
        assert_eq!(cell.ratio("python", FLOOR, cpu), None);
    }
}
