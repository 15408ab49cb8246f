//! Runs the client against programs of others: `cargo xtask interop proxies`, `forward-proxies`, `sql` and
//! `ring`.

use std::process::{Command, Stdio};

use crate::programs;

/// Options of `cargo xtask interop`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    suite: Suite,
}

#[derive(clap::Subcommand)]
enum Suite {
    /// Inserts and gets through nginx, HAProxy, nghttpx, h2o, Caddy and Apache, which retire connections and reload.
    Proxies {
        /// How many calls each row of the table makes.
        #[arg(long, default_value_t = 20_000)]
        calls: usize,
        /// How many tasks make them.
        #[arg(long, default_value_t = 200)]
        tasks: usize,
    },
    /// Inserts through tinyproxy (CONNECT) and microsocks (SOCKS5), with and without a password.
    ForwardProxies,
    /// Runs the same queries in the embedded vault and in DuckDB, which Python installs.
    Sql,
    /// Builds a program whose cryptography library is ring alone, and lets it mint a token and call over TLS.
    Ring,
}

/// The programs, and the Debian packages that have them.
const PROXIES: [(&str, &str); 6] = [
    ("nginx", "nginx-light"),
    ("haproxy", "haproxy"),
    ("nghttpx", "nghttp2-proxy"),
    ("h2o", "h2o"),
    ("caddy", "caddy"),
    ("apache2", "apache2"),
];

const FORWARD_PROXIES: [(&str, &str); 2] = [("tinyproxy", "tinyproxy"), ("microsocks", "microsocks")];

/// Installs what is missing and runs the suite.
pub fn run(args: &Args) -> Result<(), String> {
    let arguments = match args.suite {
        Suite::Proxies { calls, tasks } => {
            install(&PROXIES);
            vec![format!("--calls={calls}"), format!("--tasks={tasks}")]
        }
        Suite::ForwardProxies => {
            install(&FORWARD_PROXIES);
            vec!["--forward".to_owned()]
        }
        Suite::Sql => return sql(),
        Suite::Ring => {
            cargo(&[
                "build",
                "--locked",
                "--manifest-path",
                "tests/ring/Cargo.toml",
                "--target-dir",
                "target/ring",
            ])?;
            vec!["--program=target/ring/debug/skyflow-ring".to_owned()]
        }
    };
    programs::run("skyflow-interop", &arguments)
}

/// Compares queries with DuckDB.
pub fn sql() -> Result<(), String> {
    cargo(&["test", "--workspace", "--locked", "--test", "duckdb", "--", "--ignored", "--nocapture"])
}

fn cargo(args: &[&str]) -> Result<(), String> {
    let status = programs::cargo()
        .args(args)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .status()
        .map_err(|error| format!("cannot run cargo {}: {error}", args.join(" ")))?;
    if status.success() { Ok(()) } else { Err(format!("cargo {} failed", args.join(" "))) }
}

/// Installs what is missing; what cannot be installed is named, and its rows say that they were not tested.
fn install(programs: &[(&str, &str)]) {
    let missing: Vec<&str> =
        programs.iter().filter(|(program, _)| !is_installed(program)).map(|(_, package)| *package).collect();
    if missing.is_empty() {
        return;
    }
    println!("  installing {}", missing.join(", "));
    for args in [vec!["update", "-qq"], [&["install", "-y", "-qq"][..], &missing].concat()] {
        let status = Command::new("apt-get").args(&args).stdout(Stdio::null()).status();
        if !status.is_ok_and(|status| status.success()) {
            println!("  NOT INSTALLED: {}: apt-get {} failed", missing.join(", "), args.join(" "));
        }
    }
}

fn is_installed(program: &str) -> bool {
    // microsocks has no such option; it ends because of it.
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}
