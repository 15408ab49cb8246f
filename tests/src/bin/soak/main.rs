//! R24: calls for minutes or hours, and what they leave behind.
//!
//! `soak load <minutes>` starts `soak serve` in another process, so that the memory of the embedded vault is not that of
//! the client, and prints a line ten times. See [`samples`] for what it fails on.

mod load;
mod samples;
mod server;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve"] => server::serve().await.map(|()| ExitCode::SUCCESS),
        ["load", minutes] => load::run(Duration::from_secs(60 * minutes.parse::<u64>()?)).await,
        _ => Err("usage: soak load <minutes>".into()),
    }
}
