//! Connections through a proxy.

use std::io;

#[cfg(feature = "socks")]
use http::Uri;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Origin;
use super::proxy::Proxy;
use crate::BoxError;

/// The most bytes of a response head that are read.
const LONGEST_HEAD: usize = 8 * 1024;

/// Reports a proxy that does not connect, although it could be reached.
#[derive(Debug, thiserror::Error)]
#[error("the proxy {proxy} {problem}")]
pub(super) struct ProxyRefused {
    proxy: String,
    problem: String,
    /// The proxy may connect later: it could not reach the server.
    pub(super) is_temporary: bool,
}

impl ProxyRefused {
    fn new(proxy: &Proxy, problem: impl Into<String>, is_temporary: bool) -> Self {
        Self { proxy: proxy.host_and_port(), problem: problem.into(), is_temporary }
    }
}

/// Asks an HTTP proxy for a tunnel. The proxy sees host and port of the server, and nothing else.
pub(super) async fn http_tunnel(
    mut tcp: TcpStream,
    proxy: &Proxy,
    origin: &Origin,
) -> Result<TcpStream, BoxError> {
    let server = origin.host_and_port();
    let mut request = format!("CONNECT {server} HTTP/1.1\r\nHost: {server}\r\n").into_bytes();
    if let Some(credentials) = proxy.0.basic_auth() {
        request.extend_from_slice(b"Proxy-Authorization: ");
        request.extend_from_slice(credentials.as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    tcp.write_all(&request).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == LONGEST_HEAD {
            return Err(ProxyRefused::new(proxy, "sent a response head that is too long", false).into());
        }
        // One at a time: what follows the head belongs to the server.
        match tcp.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(ProxyRefused::new(proxy, "closed the connection without a response", true).into());
            }
            Err(error) => return Err(error.into()),
        }
    }
    match status(&head) {
        Some(200..=299) => Ok(tcp),
        // Tinyproxy responds with 401 to a wrong password.
        Some(status @ (401 | 407)) => {
            let problem = match proxy.0.basic_auth() {
                None => "requires a user name and a password",
                Some(_) => "does not accept the user name and the password",
            };
            Err(ProxyRefused::new(proxy, format!("{problem} (HTTP {status})"), false).into())
        }
        Some(status) => {
            let problem = format!("does not connect to {server} (HTTP {status})");
            Err(ProxyRefused::new(proxy, problem, status >= 500).into())
        }
        None => Err(ProxyRefused::new(proxy, "does not speak HTTP", false).into()),
    }
}

/// Reads the status of a response head.
fn status(head: &[u8]) -> Option<u16> {
    let line = head.split(|&byte| byte == b'\r').next()?;
    let text = std::str::from_utf8(line).ok()?.strip_prefix("HTTP/1.")?;
    let code = text.get(2..5)?;
    code.bytes().all(|byte| byte.is_ascii_digit()).then(|| code.parse().ok())?
}

/// Asks a SOCKS5 proxy for a connection to `server`, whose port is explicit.
#[cfg(feature = "socks")]
pub(super) async fn socks_tunnel(tcp: TcpStream, proxy: &Proxy, server: Uri) -> Result<TcpStream, BoxError> {
    use hyper_util::client::legacy::connect::proxy::SocksV5;
    use hyper_util::rt::TokioIo;
    use tower_service::Service as _;

    // It asks for its connection once, and that one is open.
    let mut tcp = Some(TokioIo::new(tcp));
    let opened = tower::service_fn(move |_: Uri| {
        std::future::ready(tcp.take().ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected)))
    });
    let mut socks = SocksV5::new(proxy.uri().clone(), opened);
    if let Some((user, password)) = proxy.0.raw_auth() {
        socks = socks.with_auth(user.to_owned(), password.to_owned());
    }
    match socks.call(server).await {
        Ok(stream) => Ok(stream.into_inner()),
        Err(error) => Err(ProxyRefused::new(proxy, format!("does not connect ({error})"), true).into()),
    }
}
