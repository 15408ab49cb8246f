//! The configuration file of each proxy.

use std::path::Path;

use crate::certificates::Certificates;
use crate::proxy::{Kind, Setting};

/// Where a proxy runs, and what it runs in front of.
pub struct Place<'a> {
    pub port: u16,
    /// Where the proxy takes commands, if it has such a port.
    pub control: u16,
    pub backend: u16,
    pub certificates: &'a Certificates,
    pub directory: &'a Path,
}

/// Writes the configuration of a proxy for one setting.
pub fn of(kind: Kind, setting: &Setting, place: &Place<'_>) -> String {
    let (chain, key, both) = (
        place.certificates.chain().display(),
        place.certificates.key().display(),
        place.certificates.both().display(),
    );
    let Place { port, control, backend, .. } = place;
    let directory = place.directory.display();
    match kind {
        Kind::Nginx => {
            let http2 = if setting.http2 { " http2" } else { "" };
            let requests = setting.requests.map(|n| format!("keepalive_requests {n};")).unwrap_or_default();
            let seconds = setting.seconds.map(|n| format!("keepalive_time {n}s;")).unwrap_or_default();
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
    {requests} {seconds} {streams}
    location / {{
      proxy_pass http://vault; proxy_http_version 1.1; proxy_set_header Connection \"\";
      proxy_set_header Host $host; proxy_next_upstream off;
    }}
  }}
}}
"
                )
        }
        Kind::Haproxy => {
            let alpn = if setting.http2 { "h2,http/1.1" } else { "http/1.1" };
            let streams =
                setting.streams.map(|n| format!("tune.h2.max-concurrent-streams {n}")).unwrap_or_default();
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
        Kind::Nghttpx => {
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
        Kind::H2o => {
            let streams = setting
                .streams
                .map(|n| format!("http2-max-concurrent-requests-per-connection: {n}\n"))
                .unwrap_or_default();
            format!(
                "num-threads: 1
user: root
pid-file: {directory}/h2o.pid
error-log: {directory}/h2o-error.log
{streams}listen:
  host: 127.0.0.1
  port: {port}
  ssl:
    certificate-file: {chain}
    key-file: {key}
hosts:
  default:
    paths:
      /:
        proxy.reverse.url: http://127.0.0.1:{backend}/
        proxy.preserve-host: ON
"
            )
        }
        Kind::Caddy => {
            let protocols = if setting.http2 { "h1 h2" } else { "h1" };
            format!(
                "{{
  admin 127.0.0.1:{control}
  auto_https off
  servers {{
    protocols {protocols}
  }}
}}
https://127.0.0.1:{port} {{
  bind 127.0.0.1
  tls {chain} {key}
  reverse_proxy 127.0.0.1:{backend}
}}
"
            )
        }
        Kind::Apache => {
            let protocols = if setting.http2 { "h2 http/1.1" } else { "http/1.1" };
            let streams = setting.streams.map(|n| format!("H2MaxSessionStreams {n}")).unwrap_or_default();
            let requests = setting.requests.map(|n| format!("MaxKeepAliveRequests {n}")).unwrap_or_default();
            let modules: String = ["mpm_event", "authz_core", "ssl", "http2", "proxy", "proxy_http"]
                .iter()
                .map(|name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"))
                .collect();
            format!(
                "{modules}ServerName 127.0.0.1
ServerRoot {directory}
DefaultRuntimeDir {directory}
PidFile {directory}/apache.pid
ErrorLog {directory}/apache-error.log
User www-data
Group www-data
Listen 127.0.0.1:{port}
Protocols {protocols}
{requests}
{streams}
SSLEngine on
SSLCertificateFile {chain}
SSLCertificateKeyFile {key}
ProxyPreserveHost On
ProxyPass / http://127.0.0.1:{backend}/
"
            )
        }
    }
}
