use std::convert::Infallible;
use std::error::Error;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::process::Child;

use crate::certificates::Certificates;

/// A proxy that people run in front of services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Nginx,
    Haproxy,
    Nghttpx,
}

/// How a proxy is set up for one row.
pub struct Setting {
    pub name: &'static str,
    /// Whether the client is offered HTTP/2.
    pub http2: bool,
    /// How many requests a connection serves; the proxy's own default when missing.
    pub requests: Option<u32>,
    /// How many streams a connection may have at once; the proxy's own default when missing.
    pub streams: Option<u32>,
    /// Whether the proxy reloads its configuration while calls are under way.
    pub reload: bool,
}

const fn setting(name: &'static str) -> Setting {
    Setting { name, http2: true, requests: None, streams: None, reload: false }
}

impl Setting {
    /// Returns the settings of a proxy, from its defaults to the hardest that it offers.
    pub fn of(kind: Kind) -> Vec<Self> {
        let mut settings = vec![
            setting("default"),
            Self { http2: false, ..setting("http/1.1") },
            Self { streams: Some(8), ..setting("8 streams") },
            Self { streams: Some(1), ..setting("1 stream") },
            Self { reload: true, ..setting("reload") },
        ];
        if kind == Kind::Nginx {
            settings.push(Self { requests: Some(50), ..setting("50 requests") });
            settings.push(Self {
                requests: Some(50),
                streams: Some(8),
                reload: true,
                ..setting("50, 8 streams, reload")
            });
        }
        settings
    }
}

/// A proxy that runs.
pub struct Running {
    kind: Kind,
    child: Child,
    port: u16,
    configuration: PathBuf,
}

impl Kind {
    /// All proxies, in the order of the table.
    pub const ALL: [Self; 3] = [Self::Nginx, Self::Haproxy, Self::Nghttpx];

    pub fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
            Self::Nghttpx => "nghttpx",
        }
    }

    /// Returns the Debian package.
    pub fn package(self) -> &'static str {
        match self {
            Self::Nginx => "nginx-light",
            Self::Haproxy => "haproxy",
            Self::Nghttpx => "nghttp2-proxy",
        }
    }

    pub fn is_installed(self) -> bool {
        let version = if self == Self::Nghttpx { "--version" } else { "-v" };
        let run = Command::new(self.name()).arg(version).stdout(Stdio::null()).stderr(Stdio::null()).status();
        run.is_ok_and(|status| status.success())
    }

    /// Tells whether calls may end ambiguously: the proxy breaks streams of every client in this setting.
    pub fn breaks_streams(self, _: &Setting) -> bool {
        false
    }

    pub async fn start(
        self,
        setting: &Setting,
        backend: u16,
        certificates: &Certificates,
        directory: &Path,
    ) -> Result<Running, Box<dyn Error>> {
        let port = free_port()?;
        let configuration = directory.join(format!("{}.conf", self.name()));
        fs::write(&configuration, self.configuration(setting, port, backend, certificates, directory))?;
        let child = tokio::process::Command::from(self.command(&configuration))
            .stdout(Stdio::null())
            .stderr(fs::File::create(directory.join(format!("{}.log", self.name())))?)
            .kill_on_drop(true)
            .spawn()?;
        let mut running = Running { kind: self, child, port, configuration };
        running.wait_until_it_listens().await?;
        Ok(running)
    }

    fn command(self, configuration: &Path) -> Command {
        let mut command = Command::new(self.name());
        match self {
            Self::Nginx => command.arg("-c").arg(configuration),
            Self::Haproxy => command.arg("-W").arg("-f").arg(configuration),
            Self::Nghttpx => command.arg(format!("--conf={}", configuration.display())),
        };
        command
    }

    fn configuration(
        self,
        setting: &Setting,
        port: u16,
        backend: u16,
        certificates: &Certificates,
        directory: &Path,
    ) -> String {
        let (chain, key, both) =
            (certificates.chain().display(), certificates.key().display(), certificates.both().display());
        let directory = directory.display();
        match self {
            Self::Nginx => {
                let http2 = if setting.http2 { " http2" } else { "" };
                let requests =
                    setting.requests.map(|n| format!("keepalive_requests {n};")).unwrap_or_default();
                let streams =
                    setting.streams.map(|n| format!("http2_max_concurrent_streams {n};")).unwrap_or_default();
                let paths: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
                    .iter()
                    .map(|name| format!("{name}_temp_path {directory}/{name};\n"))
                    .collect();
                format!(
                    "daemon off; pid {directory}/nginx.pid; error_log {directory}/nginx-error.log; worker_processes 1;
events {{ worker_connections 4096; }}
http {{
  access_log off; {paths}
  upstream vault {{ server 127.0.0.1:{backend}; keepalive 64; keepalive_requests 1000000; }}
  server {{
    listen 127.0.0.1:{port} ssl{http2}; ssl_certificate {chain}; ssl_certificate_key {key};
    {requests} {streams}
    location / {{
      proxy_pass http://vault; proxy_http_version 1.1; proxy_set_header Connection \"\";
      proxy_set_header Host $host; proxy_next_upstream off;
    }}
  }}
}}
"
                )
            }
            Self::Haproxy => {
                let alpn = if setting.http2 { "h2,http/1.1" } else { "http/1.1" };
                let streams = setting
                    .streams
                    .map(|n| format!("tune.h2.max-concurrent-streams {n}"))
                    .unwrap_or_default();
                format!(
                    "global
  maxconn 8192
  {streams}
defaults
  mode http
  timeout client 30s
  timeout server 30s
  timeout connect 5s
frontend front
  bind 127.0.0.1:{port} ssl crt {both} alpn {alpn}
  default_backend vault
backend vault
  http-reuse safe
  server vault 127.0.0.1:{backend}
"
                )
            }
            Self::Nghttpx => {
                let streams = setting
                    .streams
                    .map(|n| format!("frontend-http2-max-concurrent-streams={n}\n"))
                    .unwrap_or_default();
                let alpn = if setting.http2 { "h2,http/1.1" } else { "http/1.1" };
                format!(
                    "frontend=127.0.0.1,{port}\nbackend=127.0.0.1,{backend}\nprivate-key-file={key}\n\
                     certificate-file={chain}\nnpn-list={alpn}\nworkers=1\nerrorlog-file={directory}/nghttpx-error.log\n\
                     pid-file={directory}/nghttpx.pid\nbackend-keep-alive-timeout=10s\n{streams}"
                )
            }
        }
    }
}

impl Running {
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Reloads the configuration again and again; never returns.
    pub async fn reload_every(&self, pause: Option<Duration>) -> Infallible {
        loop {
            match pause {
                Some(pause) => tokio::time::sleep(pause).await,
                None => std::future::pending::<()>().await,
            }
            let Some(pid) = self.child.id() else { continue };
            let signal = |signal: &str| {
                let _ = Command::new("kill").args([signal, &pid.to_string()]).status();
            };
            match self.kind {
                Kind::Nginx => {
                    let _ = Command::new("nginx")
                        .arg("-c")
                        .arg(&self.configuration)
                        .args(["-s", "reload"])
                        .stderr(Stdio::null())
                        .status();
                }
                Kind::Haproxy => signal("-USR2"),
                Kind::Nghttpx => signal("-HUP"),
            }
        }
    }

    pub async fn stop(mut self) -> Result<(), Box<dyn Error>> {
        if let Some(pid) = self.child.id() {
            let _ = Command::new("kill").args(["-TERM", &pid.to_string()]).status();
        }
        let waited = tokio::time::timeout(Duration::from_secs(5), self.child.wait()).await;
        if waited.is_err() {
            self.child.kill().await?;
        }
        Ok(())
    }

    async fn wait_until_it_listens(&mut self) -> Result<(), Box<dyn Error>> {
        for _ in 0..200 {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await.is_ok() {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("{} ended at once: {status}", self.kind.name()).into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(format!("{} does not listen", self.kind.name()).into())
    }
}

fn free_port() -> Result<u16, Box<dyn Error>> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
