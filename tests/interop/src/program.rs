//! A program of others that listens on a port of loopback.

use std::error::Error;
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::process::Child;

/// Tells whether a program can be started.
pub fn is_installed(program: &str) -> bool {
    // Those without this option end because of it.
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

pub fn free_port() -> Result<u16, Box<dyn Error>> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

pub async fn wait_until_it_listens(name: &str, child: &mut Child, port: u16) -> Result<(), Box<dyn Error>> {
    for _ in 0..200 {
        if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_ok() {
            return Ok(());
        }
        if let Some(status) = child.try_wait()? {
            return Err(format!("{name} ended at once: {status}").into());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err(format!("{name} does not listen").into())
}
