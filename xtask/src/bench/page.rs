//! The page: `docs/benchmarks.md` and its chart, written from the figures.

use std::fmt::Write as _;
use std::path::Path;

use super::contest::{ACCOUNT, BLOCKING, CASES, PYTHON, REQWEST, WAYS};
use super::figures::{Cell, Compressed, FLOOR, Figures, Footprint, OURS, Sample};
use super::python::Python;
use super::statistics::Ratio;
use super::{chart, goals, instructions};

const PAGE: &str = "docs/benchmarks.md";
const CHART: &str = "docs/benchmarks.svg";

const HEAD: &str = "# Benchmarks

<!-- Written by `cargo xtask bench` from benchmarks.json. -->

How much CPU time, memory, space and build time a program spends on this client, beside other ways to make the same calls:

- The **floor** is hyper's client and `serde_json` with the same types. It has no retries, time limits, tokens or typed errors:
  it is the least that a typed call can cost, and no client to choose.
- **reqwest** is that client as its documentation shows it.
- **ours** is this client with an API key, **account** the same with a service account whose token is cached, and **blocking**
  its synchronous side. It reads rows straight into the caller's types (`insert_as`, `get_as`). For `scaivault-read`, which
  reads one secret and decodes its data, it is `scaivault`.
- **Python** is the published Python SDK.

![CPU time per call as a multiple of the floor](benchmarks.svg)
";

const METHOD: &str = "
## Method

Each contestant is a separate process on one core; the server, which does no work, is on another. A measurement has several
rounds, and in each round all contestants make the same number of calls, every second time in the opposite order. CPU times
are those of the process, in µs per call, and the table shows the median of the rounds. A ratio is computed within each round,
and the table shows the median of these ratios with the median of their distances from it: a machine that is slow in one
round is slow for all contestants, so the ratio does not change. It is therefore not exactly the ratio of two columns.

`cargo xtask bench` measures all of this, and `cargo xtask bench footprint` the section on programs. Instructions and allocations
are counted with callgrind; `cargo xtask ci instructions` fails when one is above its limit.
";

const INSTRUCTIONS: &str = "
## Instructions and allocations

Counted by callgrind over http without a cryptography library, one call at a time; `stack` is the layers over a service in
memory. The server waits 5 ms before each response, so that each call waits for it once, as over a network. The load of the
machine does not change these figures. `cargo xtask nightly` fails above the limits.
";

const ABOVE: &str = "
The instructions above the floor are in these parts of the program; inlined code belongs to the file it was written in.
";

const COMPRESSION: &str = "
## Compressed responses

`gzip(true)` asks for compressed responses. It pays where the network moves fewer bits in a microsecond than the last column
says: with 100 Mbit/s, which is 100 bits, it pays where the figure is above 100. In one data center it does not, so it is off by
default; the response of one row is hardly smaller.
";

const FOOTPRINT: &str = "
## Programs

Two programs make one insert over https, read the response and end: one with hyper-util, hyper-rustls, tokio and `serde_json`, and
one with this client. Both trust the certificates of the operating system. They are built with `cargo build --release` and
stripped. The build time is that of the dependencies, from an empty directory. The first response is measured from the start of
the process. Most of it is entropy that aws-lc gathers from the timing of the CPU, once in each process; a program that is
built with `AWS_LC_SYS_NO_JITTER_ENTROPY=1` leaves that out. The guide says what this changes
([Networks](guide/src/network.md)).
";

/// Writes the figures, the chart and the page.
pub fn write(root: &Path, figures: &Figures) -> Result<(), String> {
    figures.write(root)?;
    let write = |name: &str, text: String| {
        std::fs::write(root.join(name), text).map_err(|error| format!("cannot write {name}: {error}"))
    };
    write(CHART, chart::drawn(&bars(figures)))?;
    write(PAGE, page(figures))
}

fn page(figures: &Figures) -> String {
    let mut page = HEAD.to_owned();
    if let Some(summary) = summary(figures) {
        let _ = write!(page, "\n{summary}\n");
    }
    let _ = write!(page, "\n## Goals\n\n{}", goals::table(figures));
    page.push_str(METHOD);
    if !figures.machine.is_empty() {
        let _ = write!(page, "\nThe machine: {}.\n", figures.machine);
    }
    let _ = write!(
        page,
        "{INSTRUCTIONS}\n{}{ABOVE}\n{}",
        instructions::table(&figures.instructions),
        above(figures)
    );
    for (scheme, at_once) in WAYS {
        let cells = figures.contest.iter().filter(|cell| cell.is(scheme, at_once));
        let rows: String = cells.map(|cell| row(cell) + "\n").collect();
        let _ = write!(page, "\n## CPU time over {scheme}, {at_once} at a time\n\n{COLUMNS}{rows}");
    }
    let _ = write!(page, "{}", python(figures));
    let _ = write!(page, "{COMPRESSION}\n{}", compression(&figures.compression));
    if let Some(footprint) = &figures.footprint {
        let _ = write!(page, "{FOOTPRINT}\n{}", programs(footprint));
    }
    page
}

/// Says in one sentence what a call costs.
fn summary(figures: &Figures) -> Option<String> {
    let cell = figures.contest.iter().find(|cell| cell.is("https", 1) && cell.case == "insert-1")?;
    let cpu = |name: &str| cell.median(name, |sample| sample.cpu);
    let mut summary = format!(
        "Over https, one at a time, an insert of one record takes {:.0} µs of CPU time with this client, {:.0} µs with \
         reqwest, and {:.0} µs with the floor",
        cpu(OURS)?,
        cpu(REQWEST)?,
        cpu(FLOOR)?
    );
    if let Some(python) = cpu(PYTHON) {
        let _ = write!(summary, "; the Python SDK takes {python:.0} µs");
    }
    Some(summary + ".")
}

fn bars(figures: &Figures) -> Vec<chart::Bars> {
    let cell = |case: &str| figures.contest.iter().find(|cell| cell.is("http", 1) && cell.case == case);
    let bars = CASES.into_iter().filter_map(|case| {
        let cell = cell(case)?;
        let of_floor = |name: &str| Some(cell.ratio(name, FLOOR, |sample| sample.cpu)?.median);
        Some(chart::Bars { case, reqwest: of_floor(REQWEST), ours: of_floor(OURS) })
    });
    bars.collect()
}

/// The columns of [`row`].
pub const COLUMNS: &str = "| case | floor | reqwest | ours | account | blocking | ours / floor | ours / reqwest | median time, ours / floor |\n\
                       |---|---|---|---|---|---|---|---|---|\n";

/// Returns a case as a row of its table.
pub fn row(cell: &Cell) -> String {
    let cpu = |sample: &Sample| sample.cpu;
    let mut row = format!("| {} |", cell.case);
    for contestant in [FLOOR, REQWEST, OURS, ACCOUNT, BLOCKING] {
        let _ = write!(row, " {} |", shown(cell.median(contestant, cpu)));
    }
    for ratio in [
        cell.ratio(OURS, FLOOR, cpu),
        cell.ratio(OURS, REQWEST, cpu),
        cell.ratio(OURS, FLOOR, |sample| sample.median),
    ] {
        let _ = write!(row, " {} |", ratio.map_or("-".to_owned(), shown_ratio));
    }
    row
}

fn shown(figure: Option<f64>) -> String {
    figure.map_or("-".to_owned(), |figure| format!("{figure:.1}"))
}

fn shown_ratio(ratio: Ratio) -> String {
    format!("{:.2} ± {:.2}", ratio.median, ratio.deviation)
}

fn above(figures: &Figures) -> String {
    let mut table = "| case | instructions above the floor |\n|---|---|\n".to_owned();
    for counted in &figures.instructions {
        let areas: Vec<String> =
            counted.above.iter().map(|(area, instructions)| format!("{area} {instructions:.0}")).collect();
        let _ = writeln!(table, "| {} | {} |", counted.case, areas.join(", "));
    }
    table
}

fn python(figures: &Figures) -> String {
    let mut section = format!(
        "\n## The Python SDK\n\nVersion {} over https, one call at a time, in µs per call; wall time includes the server.\n\n\
         | case | CPU, Python | CPU, ours | wall, Python | wall, ours | wall, Python / ours |\n|---|---|---|---|---|---|\n",
        Python::version()
    );
    for cell in
        figures.contest.iter().filter(|cell| cell.is("https", 1) && !cell.case.starts_with("scaivault"))
    {
        let wall = |sample: &Sample| sample.wall;
        let median = |name: &str, figure: fn(&Sample) -> f64| shown(cell.median(name, figure));
        let ratio = cell.ratio(PYTHON, OURS, wall).map(|ratio| ratio.median);
        let _ = writeln!(
            section,
            "| {} | {} | {} | {} | {} | {} |",
            cell.case,
            median(PYTHON, |sample| sample.cpu),
            median(OURS, |sample| sample.cpu),
            median(PYTHON, wall),
            median(OURS, wall),
            shown(ratio),
        );
    }
    section
}

fn compression(rows: &[Compressed]) -> String {
    let mut table = "| case | bytes | compressed | CPU, µs | more CPU with gzip, µs | saved bits per µs |\n\
                     |---|---|---|---|---|---|\n"
        .to_owned();
    for row in rows {
        let saved = (row.plain_bytes - row.compressed_bytes) * 8.0 / row.more_cpu;
        // Noise can hide a cost that is small.
        let saved = if row.more_cpu > 0.0 { format!("{saved:.0}") } else { "-".to_owned() };
        let _ = writeln!(
            table,
            "| {} | {:.0} | {:.0} | {:.1} | {:.1} | {saved} |",
            row.case, row.plain_bytes, row.compressed_bytes, row.plain_cpu, row.more_cpu
        );
    }
    table
}

fn programs(footprint: &Footprint) -> String {
    let Footprint { floor, ours, .. } = footprint;
    let mut section = "| | floor | ours |\n|---|---|---|\n".to_owned();
    let mut row = |name: &str, floor: String, ours: String| {
        let _ = writeln!(section, "| {name} | {floor} | {ours} |");
    };
    let ms = |figure: f64| format!("{figure:.1} ms");
    row("first response over https", ms(floor.first_response), ms(ours.first_response));
    row(
        "the same without jitter entropy",
        ms(floor.first_response_without_jitter),
        ms(ours.first_response_without_jitter),
    );
    let mb = |bytes: f64| format!("{:.2} MB", bytes / 1e6);
    row("stripped size", mb(floor.stripped_bytes), mb(ours.stripped_bytes));
    let seconds = |figure: Option<f64>| figure.map_or("-".to_owned(), |figure| format!("{figure:.0} s"));
    row("CPU time of the build", seconds(floor.build_cpu), seconds(ours.build_cpu));
    let _ =
        write!(section, "\nPackages that the floor does not have: {}.\n", footprint.more_packages.join(", "));
    match &footprint.memory {
        Some(memory) => {
            let mib = |kib: f64| kib / 1024.0;
            let _ = write!(
                section,
                "\nThe resident memory is {:.2} MiB after 10,000 calls, 32 at a time, and {:.2} MiB after {}.\n",
                mib(memory.early_kib),
                mib(memory.late_kib),
                memory.calls
            );
        }
        None => section.push_str("\nThe resident memory was not measured.\n"),
    }
    section
}

#[cfg(test)]
mod tests {
    use super::super::figures::{Memory, Program, tests::sample};
    use super::*;

    #[test]
    fn page_shows_each_measurement() {
        let program = |bytes| Program {
            first_response: 22.04,
            first_response_without_jitter: 3.0,
            stripped_bytes: bytes,
            build_cpu: None,
        };
        let mut figures = sample();
        figures.footprint = Some(Footprint {
            floor: program(5_340_000.0),
            ours: program(6_000_000.0),
            memory: Some(Memory { calls: 1_000_000, early_kib: 10_240.0, late_kib: 11_264.0 }),
            packages: 88,
            most_packages: 95,
            more_packages: vec!["jsonwebtoken".to_owned()],
        });
        let page = page(&figures);
        for text in [
            "| insert-1 | 15.0 | 22.5 | 18.0 | - | - | 1.20 ± 0.00 | 0.80 ± 0.00 | 1.00 ± 0.00 |",
            "| insert-1 | skyflow-http/layers 150, serde_json 50 |",
            "| first response over https | 22.0 ms | 22.0 ms |",
            "| stripped size | 5.34 MB | 6.00 MB |",
            "| CPU time of the build | - | - |",
            "10.00 MiB after 10,000 calls, 32 at a time, and 11.00 MiB after 1000000",
            "missed by 0.06 MB",
        ] {
            assert!(page.contains(text), "{text} in {page}");
        }
    }

    #[test]
    fn contestants_that_are_missing_have_a_dash() {
        let mut figures = sample();
        figures.contest.iter_mut().for_each(|cell| cell.scheme = "https".to_owned());
        let page = page(&figures);
        assert!(page.contains("| insert-1 | - | 18.0 | - | 19.5 | - |"), "{page}");
        assert!(
            page.contains(
                "18 µs of CPU time with this client, 22 µs with reqwest, and 15 µs with the floor."
            )
        );
    }
}
