//! Runs a command with secrets in its environment.
//!
//! `scaivault_run [--keep-token] [--lease ENGINE/ROLE] [PATH]... -- COMMAND [ARGUMENT]...`
//!
//! Everything is resolved before the command starts; the exit codes of problems are 2 (credentials), 3 (no right), 4 (not
//! found), 5 (wrong input, colliding names) and 1. The command gets its secrets as variables, and not the client's own
//! credentials unless `--keep-token` says so. Signals and the exit code pass through. A lease ends with the command.
//!
//! Without arguments it shows itself with an embedded server.

use std::error::Error;
use std::process::{Command, ExitCode, ExitStatus};
use std::time::Duration;

use scaivault::Client;
use scaivault::secrets::EnvironmentVariables;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

type Failure = Box<dyn Error + Send + Sync>;

#[derive(Default)]
struct Run {
    keep_token: bool,
    lease: Option<(String, String)>,
    paths: Vec<String>,
    command: Vec<String>,
}

impl Run {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Option<Self> {
        let mut run = Self::default();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--" => run.command = arguments.by_ref().collect(),
                "--keep-token" => run.keep_token = true,
                "--lease" => {
                    let (engine, role) =
                        arguments.next()?.split_once('/').map(|(e, r)| (e.to_owned(), r.to_owned()))?;
                    run.lease = Some((engine, role));
                }
                _ => run.paths.push(argument),
            }
        }
        (!run.command.is_empty() && (run.lease.is_some() || !run.paths.is_empty())).then_some(run)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match std::env::args().len() {
        1 => show().await.map(|()| 0),
        _ => match Run::parse(std::env::args().skip(1)) {
            Some(run) => of_environment(&run).await,
            None => {
                Err("usage: scaivault_run [--keep-token] [--lease ENGINE/ROLE] [PATH]... -- COMMAND..."
                    .into())
            }
        },
    };
    match outcome {
        Ok(code) => code.into(),
        Err(error) => {
            eprintln!("{error}");
            error.downcast_ref::<scaivault::Error>().map_or(1, scaivault::Error::exit_code).into()
        }
    }
}

async fn of_environment(run: &Run) -> Result<u8, Failure> {
    let client = Client::from_env()?;
    resolve_and_run(&client, run).await
}

async fn resolve_and_run(client: &Client, run: &Run) -> Result<u8, Failure> {
    // Before anything that a signal must not leave behind.
    let mut signals = signals()?;
    let variables = match run.paths.is_empty() {
        true => EnvironmentVariables::default(),
        false => client.secrets().environment(&run.paths).await?,
    };
    let Some((engine, role)) = &run.lease else { return start(run, &variables, &mut signals).await };
    let scoped = client.dynamic().credentials(engine, role).renewing();
    let scoped = scoped
        .with(|credentials| async move {
            let variables = match credentials.data() {
                Some(data) => variables.with_data(engine, data)?,
                None => variables,
            };
            start(run, &variables, &mut signals).await
        })
        .await?;
    if let Err(error) = &scoped.revocation {
        eprintln!("the lease is not revoked yet: {error}");
        client.drain(Duration::from_secs(10)).await?;
    }
    scoped.output
}

async fn start(
    run: &Run,
    variables: &EnvironmentVariables,
    signals: &mut UnboundedReceiver<i32>,
) -> Result<u8, Failure> {
    let (program, arguments) = run.command.split_first().ok_or("a command is missing")?;
    let mut command = Command::new(program);
    command.args(arguments);
    variables.apply_to(&mut command);
    if run.keep_token {
        for name in ["SCAIVAULT_TOKEN", "SCAIVAULT_TOKEN_FILE", "SCAIKEY_CLIENT_SECRET"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
    }
    let mut child = tokio::process::Command::from(command).spawn()?;
    loop {
        tokio::select! {
            status = child.wait() => return Ok(code(status?)),
            Some(signal) = signals.recv() => forward(&child, signal),
        }
    }
}

#[cfg(unix)]
fn signals() -> std::io::Result<UnboundedReceiver<i32>> {
    use tokio::signal::unix::{SignalKind, signal};

    let (sender, receiver) = unbounded_channel();
    for kind in [
        SignalKind::hangup(),
        SignalKind::interrupt(),
        SignalKind::quit(),
        SignalKind::terminate(),
        SignalKind::user_defined1(),
        SignalKind::user_defined2(),
    ] {
        let (sender, mut signal) = (sender.clone(), signal(kind)?);
        tokio::spawn(async move {
            while signal.recv().await.is_some() && sender.send(kind.as_raw_value()).is_ok() {}
        });
    }
    Ok(receiver)
}

#[cfg(not(unix))]
fn signals() -> std::io::Result<UnboundedReceiver<i32>> {
    Ok(unbounded_channel().1)
}

#[cfg(unix)]
fn forward(child: &tokio::process::Child, signal: i32) {
    use rustix::process::{Pid, Signal, kill_process};

    let pid = child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
    if let (Some(pid), Some(signal)) = (pid, Signal::from_named_raw(signal)) {
        // One that has just ended needs no signal.
        let _ = kill_process(pid, signal);
    }
}

#[cfg(not(unix))]
fn forward(_: &tokio::process::Child, _: i32) {}

/// Returns the exit code, which shells write as 128 and the signal for a command that a signal has ended.
fn code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return u8::try_from(128 + signal).unwrap_or(1);
    }
    status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

async fn show() -> Result<(), Failure> {
    let server = scaivault_emulator::EmbeddedScaiVault::builder().build()?.serve().await?;
    let token = server.vault().token().clone();
    let client = Client::builder().base_url(server.base_url()).token(token).build()?;
    client.secrets().write("app/db/password", &serde_json::json!({"password": "first"})).await?;
    let script = r#"echo "the command has a password of ${#PASSWORD} characters"; exit 3"#;
    let (paths, command) =
        (vec!["app/db/password".to_owned()], ["sh", "-c", script].map(str::to_owned).to_vec());
    let code = resolve_and_run(&client, &Run { paths, command, ..Run::default() }).await?;
    println!("it ended with {code}");
    Ok(())
}
