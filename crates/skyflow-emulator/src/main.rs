//! The embedded vault as a program.

#[cfg(feature = "detect")]
use std::collections::BTreeMap;
use std::error::Error;
#[cfg(feature = "detect")]
use std::fmt::Display;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
#[cfg(feature = "detect")]
use std::time::Duration;

use clap::Parser;
#[cfg(feature = "detect")]
use skyflow_emulator::Dictionary;
use skyflow_emulator::{EmbeddedVault, ServeError, Server, ServerBuilder};
#[cfg(feature = "detect")]
use skyflow_types::DetectEntity;

/// Runs a Skyflow vault emulator on this machine.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// Port to listen on; 0 takes a free one.
    #[arg(long, default_value_t = 8080, env = "SKYFLOW_EMULATOR_PORT")]
    port: u16,
    /// Listen with TLS on this port too; 0 takes a free one. The official SDKs insist on HTTPS.
    #[arg(long, env = "SKYFLOW_EMULATOR_TLS_PORT")]
    tls_port: Option<u16>,
    /// Address to listen on.
    #[arg(long, default_value_t = Ipv4Addr::LOCALHOST.into())]
    bind: IpAddr,
    /// Allow an address that other machines can reach.
    #[arg(long)]
    allow_remote: bool,
    /// Keep everything in this file instead of in memory.
    #[arg(long)]
    data_file: Option<PathBuf>,
    /// Write credentials.json to this path.
    #[arg(long)]
    credentials: Option<PathBuf>,
    /// Read a schema in Skyflow's JSON form from this file; its tables replace the default ones of their names.
    #[arg(long)]
    schema: Option<PathBuf>,
    /// Let pages of this origin call the vault from a browser, such as https://app.example.com; may be repeated. Pages of
    /// this machine and https://js.skyflow.com always may.
    #[arg(long)]
    allow_origin: Vec<String>,
    /// Read phrases that Detect finds from this file: JSON, such as {"Acme Falcon": "project"}.
    #[cfg(feature = "detect")]
    #[arg(long)]
    dictionary: Option<PathBuf>,
    /// Let each run of Detect be in progress for this many seconds.
    #[cfg(feature = "detect")]
    #[arg(long, default_value_t = 0)]
    detect_run_seconds: u64,
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

#[cfg(feature = "detect")]
fn dictionary(path: &Path) -> Result<Dictionary, Box<dyn Error>> {
    let unusable = |problem: &dyn Display| format!("--dictionary {}: {problem}", path.display());
    let text = std::fs::read(path).map_err(|error| unusable(&error))?;
    let phrases: BTreeMap<String, DetectEntity> =
        serde_json::from_slice(&text).map_err(|error| unusable(&error))?;
    if let Some(entity) = phrases.values().find(|entity| !entity.is_known()) {
        return Err(unusable(&format_args!("{entity} is not an entity")).into());
    }
    let dictionary = Dictionary::new();
    phrases.into_iter().for_each(|(phrase, entity)| dictionary.teach(phrase, entity));
    Ok(dictionary)
}

#[expect(clippy::print_stderr, reason = "a program may talk to its user")]
fn report(problem: &str) {
    eprintln!("skyflow-emulator: {problem}");
}

#[tokio::main]
async fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let mut builder = EmbeddedVault::builder();
    if let Some(path) = &options.data_file {
        builder = builder.data_file(path);
    }
    if let Some(path) = &options.schema {
        builder = builder.schema_json(serde_json::from_slice(&std::fs::read(path)?)?);
    }
    #[cfg(feature = "detect")]
    {
        if let Some(path) = &options.dictionary {
            builder = builder.dictionary(dictionary(path)?);
        }
        builder = builder.detect_run_time(Duration::from_secs(options.detect_run_seconds));
    }
    for origin in &options.allow_origin {
        builder = builder.allow_origin(origin);
    }
    let vault = builder.build()?;
    let server = start(vault.serve(), options, options.port).await?;
    let credentials = credentials_path(options, server.addr().port())?;
    write_private(&credentials, server.credentials_json().expose())?;
    introduce(&server, &credentials);
    let tls = match options.tls_port {
        Some(port) => {
            let server = start(vault.serve_tls(), options, port).await?;
            introduce_tls(&server, &credentials)?;
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

fn credentials_path(options: &Options, port: u16) -> std::io::Result<PathBuf> {
    let path = match (&options.credentials, &options.data_file) {
        (Some(path), _) => path.clone(),
        (None, Some(data)) => data.with_extension("credentials.json"),
        (None, None) => {
            std::env::temp_dir().join(format!("skyflow-emulator-{port}")).join("credentials.json")
        }
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder)?;
        if options.credentials.is_none() && options.data_file.is_none() {
            claim(folder)?;
        }
    }
    std::path::absolute(path)
}

/// Makes a folder with a well-known name the user's alone. It fails for one that another user has put there.
fn claim(folder: &Path) -> std::io::Result<()> {
    if !std::fs::symlink_metadata(folder)?.is_dir() {
        let text = format!("{} is not a folder", folder.display());
        return Err(std::io::Error::new(std::io::ErrorKind::AlreadyExists, text));
    }
    #[cfg(unix)]
    std::fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    Ok(())
}

/// Writes a file that its owner alone may read.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    write_fresh(path, text, 0o600)
}

/// Writes a file and replaces one of that name; a link is replaced, and not followed.
fn write_fresh(path: &Path, text: &str, mode: u32) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    options.open(path)?.write_all(text.as_bytes())
}

#[expect(clippy::print_stdout, reason = "a program may talk to its user")]
fn introduce(server: &Server, credentials: &Path) {
    let vault = server.vault();
    println!(
        "\
==============================================================
  EMULATOR - not a vault. Give it invented data only.
==============================================================
vault id      {vault_id}
cluster id    {cluster_id}
account id    {account_id}
base URL      {base_url}
token URI     {token_uri}
API key       {api_key}
credentials   {credentials}

export SKYFLOW_VAULT_ID='{vault_id}'
export SKYFLOW_CLUSTER_ID='{cluster_id}'
export SKYFLOW_VAULT_URL='{base_url}'
export SKYFLOW_CREDENTIALS=\"$(cat '{credentials}')\"

With the API key instead:
unset SKYFLOW_CREDENTIALS; export SKYFLOW_API_KEY='{api_key}'
",
        vault_id = vault.vault_id(),
        cluster_id = vault.cluster_id(),
        account_id = vault.account_id(),
        base_url = server.base_url(),
        token_uri = server.token_uri(),
        api_key = vault.api_key().expose(),
        credentials = credentials.display(),
    );
}

/// Writes what clients over TLS need beside the other credentials, and says where.
#[expect(clippy::print_stdout, reason = "a program may talk to its user")]
fn introduce_tls(server: &Server, beside: &Path) -> std::io::Result<()> {
    let credentials = beside.with_extension("tls.json");
    write_private(&credentials, server.credentials_json().expose())?;
    let ca = beside.with_extension("ca.pem");
    write_fresh(&ca, server.ca_pem().unwrap_or_default(), 0o644)?;
    println!(
        "\
With TLS, for this SDK:
export SKYFLOW_VAULT_URL='{base_url}'
export SKYFLOW_CREDENTIALS=\"$(cat '{credentials}')\"
export SKYFLOW_CA_FILE='{ca}'

With TLS, for the official SDKs:
base URL      {base_url}
cluster id    localhost:{port}/local      (the SDKs make a host name of it; the emulator ignores the rest)
credentials   {credentials}
authority     {ca}

export SSL_CERT_FILE='{ca}'              # Python, Go
export REQUESTS_CA_BUNDLE='{ca}'         # Python, connections
export NODE_EXTRA_CA_CERTS='{ca}'        # Node
",
        base_url = server.base_url(),
        port = server.addr().port(),
        credentials = credentials.display(),
        ca = ca.display(),
    );
    Ok(())
}
