//! The embedded server as a program.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use scaivault_emulator::{EmbeddedScaiVault, ServeError, Server, ServerBuilder};

/// Runs a ScaiVault emulator on this machine.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// Port to listen on; 0 takes a free one.
    #[arg(long, default_value_t = 8443, env = "SCAIVAULT_EMULATOR_PORT")]
    port: u16,
    /// Listen with TLS on this port too; 0 takes a free one.
    #[arg(long, env = "SCAIVAULT_EMULATOR_TLS_PORT")]
    tls_port: Option<u16>,
    /// Address to listen on.
    #[arg(long, default_value_t = Ipv4Addr::LOCALHOST.into())]
    bind: IpAddr,
    /// Allow an address that other machines can reach.
    #[arg(long)]
    allow_remote: bool,
    /// Keep everything in this file instead of in memory.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Make the same ids, tokens and generated values in every run.
    #[arg(long)]
    deterministic: bool,
    /// Enforce the documented rate limits.
    #[arg(long)]
    rate_limits: bool,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut text = error.to_string();
            let mut cause = error.source();
            while let Some(error) = cause {
                text = format!("{text}: {error}");
                cause = error.source();
            }
            report(&text);
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "a program may talk to its user")]
fn report(problem: &str) {
    eprintln!("scaivault-emulator: {problem}");
}

#[tokio::main]
async fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let mut builder = EmbeddedScaiVault::builder().rate_limits(options.rate_limits);
    if let Some(path) = &options.data {
        builder = builder.data_file(path);
    }
    if options.deterministic {
        builder = builder.deterministic();
    }
    let vault = builder.build()?;
    let server = start(vault.serve(), options, options.port).await?;
    introduce(&server);
    let tls = match options.tls_port {
        Some(port) => {
            let server = start(vault.serve_tls(), options, port).await?;
            introduce_tls(&server)?;
            Some(server)
        }
        None => None,
    };
    tokio::signal::ctrl_c().await?;
    server.shutdown().await;
    if let Some(tls) = tls {
        tls.shutdown().await;
    }
    Ok(())
}

async fn start(serving: ServerBuilder, options: &Options, port: u16) -> Result<Server, ServeError> {
    let serving = serving.bind(SocketAddr::new(options.bind, port));
    if options.allow_remote { serving.allow_remote().await } else { serving.await }
}

#[expect(clippy::print_stdout, reason = "a program may talk to its user")]
fn introduce(server: &Server) {
    let vault = server.vault();
    println!(
        "\
# EMULATOR - not a vault. Give it invented data only.
# The token endpoint is {token_url}
export SCAIVAULT_BASE_URL='{base_url}'
export SCAIVAULT_TOKEN='{token}'
export SCAIKEY_CLIENT_ID='{client_id}'
export SCAIKEY_CLIENT_SECRET='{client_secret}'
",
        token_url = server.token_url(),
        base_url = server.base_url(),
        token = vault.token().expose(),
        client_id = vault.client_id(),
        client_secret = vault.client_secret().expose(),
    );
}

/// Writes the certificate that clients have to trust to a file, and says where.
#[expect(clippy::print_stdout, reason = "a program may talk to its user")]
fn introduce_tls(server: &Server) -> std::io::Result<()> {
    let path = std::env::temp_dir().join(format!("scaivault-emulator-{}.ca.pem", server.addr().port()));
    std::fs::write(&path, server.ca_pem().unwrap_or_default())?;
    println!(
        "\
# With TLS instead:
# export SCAIVAULT_BASE_URL='https://localhost:{port}'
# export SCAIVAULT_CA_FILE='{path}'
",
        port = server.addr().port(),
        path = path.display(),
    );
    Ok(())
}
