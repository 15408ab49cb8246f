//! The embedded vault in a separate process, which restarts its server and injects faults on request.

use std::error::Error;
use std::process::Stdio;
use std::time::Duration;

use http::StatusCode;
use skyflow_emulator::{EmbeddedVault, Fault, Operation};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// A request for a new server at the same address.
const RESTART: &str = "restart";

/// Serves a vault until its standard input ends.
pub(crate) async fn serve() -> Result<(), Box<dyn Error>> {
    let vault = EmbeddedVault::builder().build()?;
    let mut server = vault.serve().await?;
    let credentials: serde_json::Value = serde_json::from_str(server.credentials_json().expose())?;
    println!("{}\n{}\n{credentials}", server.base_url(), vault.vault_id());
    let (sender, mut requests) = tokio::sync::mpsc::channel(1);
    std::thread::spawn(move || {
        let lines = std::io::stdin().lines().map_while(Result::ok);
        lines.map_while(|line| sender.blocking_send(line).ok()).for_each(drop);
    });
    while let Some(request) = requests.recv().await {
        if request == RESTART {
            let address = server.addr();
            server.shutdown().await;
            server = vault.serve().bind(address).await?;
        } else {
            vault.inject(fault(request.parse()?));
        }
        println!("done");
    }
    Ok(())
}

/// A fault that hits one read.
fn fault(number: usize) -> Fault {
    faults()[number % FAULTS].clone().operation(Operation::RecordsList.name()).times(1)
}

const FAULTS: usize = 7;
/// The place of the fault that no repeat of the call can undo.
const UNREADABLE: usize = 5;

fn faults() -> [Fault; FAULTS] {
    [
        Fault::status(StatusCode::SERVICE_UNAVAILABLE),
        Fault::close_before_response(),
        Fault::commit_then_close(),
        Fault::html_502(),
        Fault::truncate_body(),
        Fault::bad_json(),
        Fault::latency(Duration::from_millis(200)),
    ]
}

/// The other process.
pub(crate) struct Server {
    child: Child,
    requests: ChildStdin,
    responses: Lines<BufReader<ChildStdout>>,
    faults: usize,
}

impl Server {
    /// Starts the process; returns it with the address, the vault's id and the credentials.
    pub(crate) async fn start() -> Result<(Self, [String; 3]), Box<dyn Error>> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let requests = child.stdin.take().ok_or("the server has no input")?;
        let responses = BufReader::new(child.stdout.take().ok_or("the server has no output")?).lines();
        let mut server = Self { child, requests, responses, faults: 0 };
        let known = [server.line().await?, server.line().await?, server.line().await?];
        Ok((server, known))
    }

    /// Closes every connection, and listens again.
    pub(crate) async fn restart(&mut self) -> Result<(), Box<dyn Error>> {
        self.request(RESTART).await
    }

    /// Spoils the next read, each time in another way.
    pub(crate) async fn inject(&mut self) -> Result<(), Box<dyn Error>> {
        let number = self.faults;
        self.faults += 1;
        self.request(&number.to_string()).await
    }

    /// Returns how many faults were injected, and how many of them fail the call of a client that does all it can.
    pub(crate) fn faults(&self) -> (usize, usize) {
        (self.faults, (0..self.faults).filter(|number| number % FAULTS == UNREADABLE).count())
    }

    /// Ends the process.
    pub(crate) async fn end(self) -> Result<(), Box<dyn Error>> {
        let Self { mut child, requests, .. } = self;
        drop(requests);
        child.wait().await?;
        Ok(())
    }

    async fn request(&mut self, line: &str) -> Result<(), Box<dyn Error>> {
        self.requests.write_all(format!("{line}\n").as_bytes()).await?;
        self.line().await.map(drop)
    }

    async fn line(&mut self) -> Result<String, Box<dyn Error>> {
        self.responses.next_line().await?.ok_or_else(|| "the server has ended".into())
    }
}
