//! Calls through the forward proxies that people run: tinyproxy (CONNECT) and microsocks (SOCKS5), with and without a
//! password. The server listens on loopback, so a call that avoids the proxy would succeed as well: each row therefore
//! ends with the proxy stopped, and a call that must fail.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::Stdio;

use serde_json::json;
use skyflow::http::{Proxies, Transport};
use skyflow::{CallOptions, Credentials, InsertRequest, Skyflow, Vault, VaultConfig};
use skyflow_emulator::EmbeddedVault;
use tokio::process::{Child, Command};

use crate::program::{free_port, is_installed, wait_until_it_listens};

const USER: &str = "gateway";
const PASSWORD: &str = "canary-password";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Program {
    Tinyproxy,
    Microsocks,
}

/// The credentials that a client has, and whether it gets through a proxy that requires [`USER`] and [`PASSWORD`].
const CREDENTIALS: [(&str, &str, bool); 3] = [
    ("its password", "gateway:canary-password@", true),
    ("a wrong one", "gateway:canary-wrong@", false),
    ("none", "", false),
];

/// Runs every row; tells whether all are as they should be.
pub async fn run(directory: &Path) -> Result<bool, Box<dyn Error>> {
    let mut passed = true;
    println!("{:<11} {:<9} {:<14} {:<9} outcome", "proxy", "scheme", "password", "client has");
    for (program, scheme) in
        [(Program::Tinyproxy, "http"), (Program::Microsocks, "socks5"), (Program::Microsocks, "socks5h")]
    {
        if !is_installed(program.name()) {
            println!("{:<11} {scheme:<9} NOT TESTED: the Debian package is not installed", program.name());
            continue;
        }
        passed &= row(program, scheme, None, ("none", "", true), directory).await?;
        for client in CREDENTIALS {
            passed &= row(program, scheme, Some(PASSWORD), client, directory).await?;
        }
    }
    Ok(passed)
}

async fn row(
    program: Program,
    scheme: &str,
    password: Option<&str>,
    (label, user_info, gets_through): (&str, &str, bool),
    directory: &Path,
) -> Result<bool, Box<dyn Error>> {
    let vault = EmbeddedVault::builder().build()?;
    let server = vault.serve().await?;
    let mut proxy = Running::start(program, password, directory).await?;
    let url = format!("{scheme}://{user_info}127.0.0.1:{}", proxy.port);
    let outcome = insert(&client(&vault, &server, Proxies::all(&url)?)?).await;
    let direct = insert(&client(&vault, &server, Proxies::all(&url)?.except("127.0.0.1")?)?).await;
    proxy.child.kill().await?;
    let without_proxy = insert(&client(&vault, &server, Proxies::all(&url)?)?).await;

    let hides_password = [&outcome, &without_proxy]
        .iter()
        .filter_map(|outcome| outcome.as_ref().err())
        .all(|shown| !shown.contains("canary"));
    let passed =
        outcome.is_ok() == gets_through && direct.is_ok() && without_proxy.is_err() && hides_password;
    let shown = outcome.err().unwrap_or_else(|| "inserted".to_owned());
    let required = if password.is_some() { "required" } else { "not required" };
    let name = program.name();
    println!("{name:<11} {scheme:<9} {required:<14} {label:<9} {shown}");
    if !passed {
        println!("            FAILED: around the proxy {direct:?}, with the proxy stopped {without_proxy:?}");
    }
    Ok(passed)
}

fn client(
    vault: &EmbeddedVault,
    server: &skyflow_emulator::Server,
    proxies: Proxies,
) -> Result<Vault, Box<dyn Error>> {
    let config = VaultConfig::with_base_url(vault.vault_id(), server.base_url())
        .credentials(Credentials::api_key(vault.api_key().clone())?);
    let transport = Transport::builder().proxies(proxies).build();
    let client = Skyflow::builder().vault(config).transport(transport).build()?;
    Ok(client.default_vault()?.with_options(CallOptions::new().no_retry()))
}

/// Inserts a row; an error is returned as everything that a program could log of it.
async fn insert(vault: &Vault) -> Result<(), String> {
    let request = InsertRequest::new("table1").record(json!({"name": "Ada"}));
    vault.insert(request).await.map(drop).map_err(|error| {
        let causes = std::iter::successors(error.source(), |&cause| cause.source());
        let causes: String = causes.map(|cause| format!(": {cause}")).collect();
        format!("{error}{causes}")
    })
}

/// A proxy that runs.
struct Running {
    child: Child,
    port: u16,
}

impl Program {
    fn name(self) -> &'static str {
        match self {
            Self::Tinyproxy => "tinyproxy",
            Self::Microsocks => "microsocks",
        }
    }

    fn command(self, port: u16, password: Option<&str>, directory: &Path) -> std::io::Result<Command> {
        let mut command = Command::new(self.name());
        match self {
            Self::Tinyproxy => {
                let auth =
                    password.map(|password| format!("BasicAuth {USER} {password}\n")).unwrap_or_default();
                let path = directory.join("tinyproxy.conf");
                let log = directory.join("tinyproxy.log");
                let rest = format!("Listen 127.0.0.1\nTimeout 60\nLogFile \"{}\"\n", log.display());
                fs::write(&path, format!("Port {port}\n{rest}{auth}"))?;
                command.arg("-d").arg("-c").arg(path);
            }
            Self::Microsocks => {
                command.args(["-i", "127.0.0.1", "-p", &port.to_string()]);
                if let Some(password) = password {
                    command.args(["-u", USER, "-P", password]);
                }
            }
        }
        Ok(command)
    }
}

impl Running {
    async fn start(
        program: Program,
        password: Option<&str>,
        directory: &Path,
    ) -> Result<Self, Box<dyn Error>> {
        let port = free_port()?;
        let mut command = program.command(port, password, directory)?;
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).spawn();
        let mut child = child.map_err(|error| format!("cannot start {}: {error}", program.name()))?;
        wait_until_it_listens(program.name(), &mut child, port).await?;
        Ok(Self { child, port })
    }
}
