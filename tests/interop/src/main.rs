//! Sends inserts and gets through real proxies to the embedded vault, while the proxies retire connections and reload.
//!
//! Prints one row per proxy and setting, and fails when a call failed that should not have, or when the table does not
//! hold exactly the acknowledged rows.

#![expect(clippy::disallowed_methods, reason = "real proxies run in real time")]

mod certificates;
mod configuration;
mod forward;
mod load;
mod other_build;
mod program;
mod proxy;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use skyflow_emulator::EmbeddedVault;

use self::certificates::Certificates;
use self::load::{Load, Outcome};
use self::program::is_installed;
use self::proxy::{Kind, Setting};

/// Runs the client through proxies in front of the embedded vault.
#[derive(Parser)]
struct Args {
    /// How many calls each row makes.
    #[arg(long, default_value_t = 20_000)]
    calls: usize,
    /// How many tasks make them.
    #[arg(long, default_value_t = 200)]
    tasks: usize,
    /// Only proxies whose name contains this text.
    #[arg(long, default_value = "")]
    only: String,
    /// Calls through forward proxies instead: tinyproxy and microsocks.
    #[arg(long)]
    forward: bool,
    /// Runs this program against the embedded vault instead.
    #[arg(long)]
    program: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let args = Args::parse();
    let directory = tempfile::tempdir()?;
    if args.forward {
        let passed = forward::run(directory.path()).await?;
        return Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    if let Some(program) = &args.program {
        let passed = other_build::run(program, directory.path()).await?;
        return Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let certificates = Certificates::write_into(directory.path())?;
    let mut failed = false;
    println!(
        "{:<8} {:<22} {:>7} {:>7} {:>9} {:>7} {:>11} {:>7}",
        "proxy", "setting", "calls", "failed", "ambiguous", "rows", "connections", "seconds"
    );
    for kind in Kind::ALL {
        if !kind.name().contains(&args.only) {
            continue;
        }
        if !is_installed(kind.name()) {
            println!("{:<8} NOT TESTED: the Debian package {} is not installed", kind.name(), kind.package());
            continue;
        }
        for setting in Setting::of(kind) {
            let vault = EmbeddedVault::builder().build()?;
            let backend = vault.serve().await?;
            let running =
                kind.start(&setting, backend.addr().port(), &certificates, directory.path()).await?;
            let load = Load {
                calls: args.calls,
                tasks: args.tasks,
                http2: setting.http2,
                ca_pem: certificates.ca_pem().to_owned(),
            };
            let outcome = tokio::select! {
                outcome = load.run(&vault, running.port()) => outcome?,
                never = running.reload_every(setting.reload.then_some(Duration::from_millis(700))) => match never {},
            };
            running.stop().await?;
            failed |= !report(kind, &setting, &args, &outcome);
        }
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Prints a row; tells whether it is as it should be.
fn report(kind: Kind, setting: &Setting, args: &Args, outcome: &Outcome) -> bool {
    println!(
        "{:<8} {:<22} {:>7} {:>7} {:>9} {:>7} {:>11} {:>7.1}",
        kind.name(),
        setting.name,
        args.calls,
        outcome.failed,
        outcome.ambiguous,
        outcome.rows,
        outcome.connections,
        outcome.elapsed.as_secs_f64(),
    );
    for error in &outcome.errors {
        println!("         {error}");
    }
    let rows_are_right =
        (outcome.acknowledged..=outcome.acknowledged + outcome.ambiguous_inserts).contains(&outcome.rows);
    if !rows_are_right {
        println!("         {} inserts were acknowledged", outcome.acknowledged);
    }
    let all_succeeded = outcome.failed == 0 && outcome.ambiguous == 0;
    rows_are_right && (all_succeeded || kind.breaks_streams(setting))
}
