//! Commands of this repository: `cargo xtask <command>`.

mod codegen;

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
    /// Writes the generated API bindings, or compares them with what is checked in.
    Codegen(codegen::Args),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Codegen(args) => codegen::run(&args).map_err(|error| error.to_string()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}
