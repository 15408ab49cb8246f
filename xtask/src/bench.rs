//! Clients side by side: `cargo xtask bench`, `cargo xtask bench footprint`, and `cargo xtask bench --instructions`.
//!
//! Every contestant is a separate process that does the same typed calls against the same server, which runs on the
//! other core. Figures are kept in `docs/benchmarks.json`; `docs/benchmarks.md` and its chart are written from them, so
//! that one measurement keeps the figures of the others.

mod areas;
mod chart;
mod contest;
mod figures;
mod footprint;
mod goals;
mod instructions;
mod page;
mod profile;
mod programs;
mod python;
mod statistics;

use std::path::Path;

use crate::programs::root;
use crate::streams;
use figures::Figures;
use programs::{Build, Server};

/// Options of `cargo xtask bench`.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    suite: Option<Suite>,
    /// Counts instructions and allocations with callgrind instead of measuring CPU time, and fails above the limits.
    #[arg(long)]
    instructions: bool,
    #[command(flatten)]
    contest: contest::Rounds,
}

/// Another benchmark than that of calls.
#[derive(clap::Subcommand)]
enum Suite {
    /// Measures the first response, the memory, the size and the build time of a program.
    Footprint(footprint::Args),
    /// Writes the page from the figures as they are.
    Page,
    /// Calls a server with a limit of HTTP/2 streams from many tasks, beside eight plain hyper clients.
    Streams(streams::Args),
}

/// Runs the benchmark.
pub fn run(args: &Args) -> Result<(), String> {
    let root = root()?;
    match &args.suite {
        Some(Suite::Streams(streams)) => return streams::run(streams),
        Some(Suite::Page) => return page::write(root, &Figures::read(root)?),
        Some(Suite::Footprint(footprint)) => {
            let mut figures = Figures::read(root)?;
            figures.footprint = Some(footprint::measure(root, footprint)?);
            return page::write(root, &figures);
        }
        None => {}
    }
    if args.instructions {
        let counted = count(root)?;
        counted.iter().for_each(|counted| print!("{}", areas::listed(counted)));
        return instructions::check(&counted);
    }
    let counted = count(root)?;
    let programs = programs::build(root, Build::Tls)?;
    let mut figures = contest::measure(root, &programs, &Server::start(&programs)?, &args.contest)?;
    let verdict = instructions::check(&counted);
    figures.instructions = counted;
    figures.footprint = Figures::read(root)?.footprint;
    page::write(root, &figures)?;
    verdict
}

/// Counts instructions and allocations, and fails above the limits; or prints a notice that it cannot run here.
pub fn check() -> Result<(), String> {
    if !crate::path::has_valgrind() {
        println!("  !! SKIPPED: valgrind is missing, so the instructions of calls were not counted.");
        println!(
            "  !! Install it, such as with `apt-get install valgrind`, and run `cargo xtask ci instructions`."
        );
        return Ok(());
    }
    instructions::check(&count(root()?)?)
}

fn count(root: &Path) -> Result<Vec<figures::Counted>, String> {
    let programs = programs::build(root, Build::Plain)?;
    instructions::count(&programs)
}
