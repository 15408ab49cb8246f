//! The programs of `tests/bench`: their builds, the server, and how a program is run on one core.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::programs::cargo;

pub const MANIFEST: &str = "tests/bench/Cargo.toml";

/// What the programs are built with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Build {
    /// All contestants, over http and https.
    Tls,
    /// The contestants `floor` and `ours` over http, without a cryptography library.
    Plain,
}

/// Builds the server and the client, and returns where they are.
pub fn build(root: &Path, build: Build) -> Result<PathBuf, String> {
    let target = root.join("target/bench");
    let mut command = cargo();
    command.args(["build", "--release", "--locked", "--manifest-path"]).arg(root.join(MANIFEST));
    command.arg("--target-dir").arg(&target);
    if build == Build::Plain {
        command.arg("--no-default-features");
    }
    let status = command.status().map_err(|error| format!("cannot run cargo build: {error}"))?;
    if status.success() { Ok(target.join("release")) } else { Err("the contestants do not build".to_owned()) }
}

/// The server, which ends with its standard input.
pub struct Server {
    process: Child,
    ports: Value,
    certificate: PathBuf,
}

/// What a client does.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    /// `time`, `memory` or `sizes`.
    pub measurement: &'a str,
    pub contestant: &'a str,
    pub case: &'a str,
    pub scheme: &'a str,
    pub calls: usize,
    pub at_once: usize,
}

impl Server {
    /// Starts the server on the second core. It responds at once.
    pub fn start(programs: &Path) -> Result<Self, String> {
        Self::start_with_pause(programs, 0)
    }

    /// Starts a server that waits before each response.
    pub fn start_with_pause(programs: &Path, milliseconds: u32) -> Result<Self, String> {
        let mut process = on_core(1, &programs.join("bench-server"))
            .arg(milliseconds.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start the server: {error}"))?;
        let mut line = String::new();
        let output = process.stdout.take().ok_or("the server has no output")?;
        BufReader::new(output).read_line(&mut line).map_err(|error| error.to_string())?;
        let ports: Value = serde_json::from_str(&line).map_err(|error| format!("server: {error}"))?;
        let certificate = programs.join("bench-certificate.pem");
        std::fs::write(&certificate, ports["certificate"].as_str().unwrap_or_default())
            .map_err(|error| error.to_string())?;
        Ok(Self { process, ports, certificate })
    }

    /// Returns host and port of a scheme.
    pub fn authority(&self, scheme: &str) -> String {
        format!("127.0.0.1:{}", self.ports[scheme].as_u64().unwrap_or_default())
    }

    /// Returns the file with the certificate to trust, which is empty in a build without TLS.
    pub fn certificate(&self) -> &Path {
        &self.certificate
    }

    /// Returns the arguments of `bench-client`.
    pub fn arguments(&self, run: Run<'_>) -> Vec<String> {
        let Run { measurement, contestant, case, scheme, calls, at_once } = run;
        let url = format!("{scheme}://{}", self.authority(scheme));
        let certificate = self.certificate.display().to_string();
        let (calls, at_once) = (calls.to_string(), at_once.to_string());
        vec![measurement.into(), contestant.into(), case.into(), url, certificate, calls, at_once]
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// Runs a client on the first core and reads what it prints.
pub fn client(programs: &Path, server: &Server, run: Run<'_>) -> Result<Value, String> {
    let mut command = on_core(0, &programs.join("bench-client"));
    command.args(server.arguments(run));
    printed(&mut command, &format!("{} {} {}", run.measurement, run.contestant, run.case))
}

/// Runs a program and reads the JSON on its last line.
pub fn printed(command: &mut Command, name: &str) -> Result<Value, String> {
    let output =
        command.stderr(Stdio::inherit()).output().map_err(|error| format!("cannot run {name}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{name}: {}", output.status));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(text.lines().last().unwrap_or_default()).map_err(|error| format!("{name}: {error}"))
}

/// Returns a program that runs on one core, where the operating system has the means.
pub fn on_core(core: usize, program: &Path) -> Command {
    let has_taskset = Command::new("taskset").arg("--version").output().is_ok_and(|it| it.status.success());
    if !has_taskset {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", &core.to_string()]).arg(program);
    command
}
