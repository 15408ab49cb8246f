use std::convert::Infallible;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::process::Child;

use crate::certificates::Certificates;
use crate::configuration::{self, Place};
use crate::program::{free_port, wait_until_it_listens};

/// A proxy that people run in front of services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Nginx,
    Haproxy,
    Nghttpx,
    H2o,
    Caddy,
    Apache,
}

/// How a proxy is set up for one row.
pub struct Setting {
    pub name: &'static str,
    /// Whether the client is offered HTTP/2.
    pub http2: bool,
    /// How many requests a connection serves; the proxy's own default when missing.
    pub requests: Option<u32>,
    /// How many seconds a connection is kept; the proxy's own default when missing.
    pub seconds: Option<u32>,
    /// How many streams a connection may have at once; the proxy's own default when missing.
    pub streams: Option<u32>,
    /// Whether the proxy reloads its configuration while calls are under way.
    pub reload: bool,
}

const fn setting(name: &'static str) -> Setting {
    Setting { name, http2: true, requests: None, seconds: None, streams: None, reload: false }
}

impl Setting {
    /// Returns the settings of a proxy, from its defaults to the hardest that it offers.
    pub fn of(kind: Kind) -> Vec<Self> {
        let mut settings = vec![setting("default"), Self { http2: false, ..setting("http/1.1") }];
        // Caddy has no option for streams, and h2o reloads only below a supervisor.
        if kind != Kind::Caddy {
            settings.push(Self { streams: Some(8), ..setting("8 streams") });
            settings.push(Self { streams: Some(1), ..setting("1 stream") });
        }
        if kind != Kind::H2o {
            settings.push(Self { reload: true, ..setting("reload") });
        }
        if matches!(kind, Kind::Nginx | Kind::Apache) {
            settings.push(Self { requests: Some(50), ..setting("50 requests") });
        }
        if kind == Kind::Nginx {
            settings.push(Self { seconds: Some(1), ..setting("1 second") });
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
    /// Where the proxy takes commands, if it has such a port.
    control: u16,
    configuration: PathBuf,
}

impl Kind {
    /// All proxies, in the order of the table.
    pub const ALL: [Self; 6] =
        [Self::Nginx, Self::Haproxy, Self::Nghttpx, Self::H2o, Self::Caddy, Self::Apache];

    pub fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
            Self::Nghttpx => "nghttpx",
            Self::H2o => "h2o",
            Self::Caddy => "caddy",
            Self::Apache => "apache2",
        }
    }

    /// Returns the Debian package.
    pub fn package(self) -> &'static str {
        match self {
            Self::Nginx => "nginx-light",
            Self::Haproxy => "haproxy",
            Self::Nghttpx => "nghttp2-proxy",
            Self::H2o => "h2o",
            Self::Caddy => "caddy",
            Self::Apache => "apache2",
        }
    }

    /// Tells whether calls may fail: the proxy breaks streams of every client in this setting.
    pub fn breaks_streams(self, setting: &Setting) -> bool {
        // Over HTTP/1.1 it may close a connection at the moment that a request is sent on it.
        self == Self::Apache && (setting.reload || !setting.http2)
    }

    pub async fn start(
        self,
        setting: &Setting,
        backend: u16,
        certificates: &Certificates,
        directory: &Path,
    ) -> Result<Running, Box<dyn Error>> {
        let (port, control) = (free_port()?, free_port()?);
        let configuration = directory.join(format!("{}.conf", self.name()));
        fs::write(
            &configuration,
            configuration::of(self, setting, &Place { port, control, backend, certificates, directory }),
        )?;
        let mut child = tokio::process::Command::from(self.command(&configuration))
            .env("XDG_DATA_HOME", directory)
            .env("XDG_CONFIG_HOME", directory)
            .stdout(Stdio::null())
            .stderr(fs::File::create(directory.join(format!("{}.log", self.name())))?)
            .kill_on_drop(true)
            .spawn()?;
        wait_until_it_listens(self.name(), &mut child, port).await?;
        Ok(Running { kind: self, child, port, control, configuration })
    }

    fn command(self, configuration: &Path) -> Command {
        let mut command = Command::new(self.name());
        match self {
            Self::Nginx => command.arg("-c").arg(configuration),
            Self::Haproxy => command.arg("-W").arg("-f").arg(configuration),
            Self::Nghttpx => command.arg(format!("--conf={}", configuration.display())),
            Self::H2o => command.arg("-c").arg(configuration),
            Self::Caddy => command.args(["run", "--adapter", "caddyfile", "--config"]).arg(configuration),
            Self::Apache => command.arg("-DFOREGROUND").arg("-f").arg(configuration),
        };
        command
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
                Kind::Nghttpx | Kind::H2o => signal("-HUP"),
                Kind::Caddy => {
                    let _ = Command::new("caddy")
                        .args(["reload", "--force", "--adapter", "caddyfile", "--config"])
                        .arg(&self.configuration)
                        .arg("--address")
                        .arg(format!("127.0.0.1:{}", self.control))
                        .stderr(Stdio::null())
                        .status();
                }
                Kind::Apache => signal("-USR1"),
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
}
