//! Commands of this repository: `cargo xtask <command>`.

mod bench;
mod ci;
mod codegen;
mod conformance;
mod coverage;
mod features;
mod fuzz;
mod guide;
mod interop;
mod layers;
mod msrv;
mod nightly;
mod path;
mod programs;
mod published;
mod soak;
mod streams;
mod tools;
mod tracked;
mod trees;
mod words;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Runs the commands of this repository.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measures this client beside raw hyper and reqwest, and writes `docs/benchmarks.md`.
    Bench(bench::Args),
    /// Runs every check that must pass before a change lands, or the named ones.
    Ci(ci::Args),
    /// Writes the generated API bindings, or compares them with what is checked in.
    Codegen(codegen::Args),
    /// Writes `docs/api-coverage.md`: every published operation with its binding, method and embedded implementation.
    Coverage(coverage::Args),
    /// Replays recorded calls of the official SDK and compares requests and results.
    Conformance(conformance::Args),
    /// Tries mutated inputs on the fuzz targets, and saves those that break a rule.
    Fuzz(fuzz::Args),
    /// Checks the guide in `docs/guide` and all links between documents, and builds the guide with mdBook.
    Guide(guide::Args),
    /// Checks dependency directions, restricted dependencies, the sizes of dependency trees, and features without tests.
    Layers,
    /// Counts words in comments, documentation and error messages that this field has other terms for.
    Words(words::Args),
    /// Runs the client against programs of others, such as proxies.
    Interop(interop::Args),
    /// Runs what takes longer than a change can wait for: more repeats, half an hour of fuzzing, an hour of load.
    Nightly,
    /// Runs the client for minutes or hours, and measures what the calls leave behind.
    Soak(soak::Args),
    /// Prints the source files that one call runs through.
    Path(path::Args),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Bench(args) => bench::run(&args),
        Command::Ci(args) => ci::run(&args),
        Command::Codegen(args) => codegen::run(&args).map_err(|error| error.to_string()),
        Command::Conformance(args) => conformance::run(&args),
        Command::Coverage(args) => coverage::run(&args),
        Command::Fuzz(args) => fuzz::run(&args),
        Command::Guide(args) => guide::run(&args),
        Command::Layers => layers::run(),
        Command::Words(args) => words::run(&args),
        Command::Interop(args) => interop::run(&args),
        Command::Nightly => nightly::run(),
        Command::Soak(args) => soak::run(&args),
        Command::Path(args) => path::run(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn command_line_has_no_contradictions() {
        super::Cli::command().debug_assert();
    }
}
