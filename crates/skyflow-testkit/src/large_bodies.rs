//! A loopback server for bodies of any size: it keeps nothing of what it reads, and writes responses in pieces.
//!
//! It runs on threads without a runtime, so that a test or a benchmark can count what its own thread allocates.

use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use bytes::Bytes;

/// A body that consists of one piece, repeated, between a start and an end.
#[derive(Debug, Clone, Default)]
pub struct Pieces {
    /// The start of the body.
    pub start: Bytes,
    /// The repeated piece.
    pub piece: Bytes,
    /// How often the piece is written.
    pub count: usize,
    /// The end of the body.
    pub end: Bytes,
    /// Whether it is sent in chunks, and without its length.
    pub chunked: bool,
}

impl Pieces {
    fn all(&self) -> impl Iterator<Item = &[u8]> {
        let pieces = std::iter::repeat_n(&self.piece[..], self.count);
        [&self.start[..]].into_iter().chain(pieces).chain([&self.end[..]])
    }
}

/// Serves one request after another on each connection and returns the URL of the server, without a path.
///
/// `respond` gets the request line and the length of the body, and returns the body of a 200 response.
///
/// ```
/// use skyflow_testkit::large_bodies::{Pieces, serve};
///
/// let url = serve(|_, _| Pieces { piece: "7".into(), count: 50_000_000, ..Pieces::default() })?;
/// assert!(url.starts_with("http://127.0.0.1:"));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// Fails when no port can be bound.
pub fn serve(respond: impl Fn(&str, u64) -> Pieces + Send + Sync + 'static) -> io::Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let url = format!("http://{}", listener.local_addr()?);
    let respond = Arc::new(respond);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let respond = Arc::clone(&respond);
            // A client that goes away notices by itself.
            thread::spawn(move || converse(stream, &*respond));
        }
    });
    Ok(url)
}

/// Serves a connection until the client closes it.
fn converse(stream: TcpStream, respond: &impl Fn(&str, u64) -> Pieces) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut writer = BufWriter::new(stream.try_clone()?);
    let mut reader = BufReader::new(stream);
    let mut request_line = String::new();
    while reader.read_line(&mut request_line)? > 0 {
        let length = length_of_body(&mut reader)?;
        io::copy(&mut reader.by_ref().take(length), &mut io::sink())?;
        write_response(&mut writer, &respond(request_line.trim_end(), length))?;
        request_line.clear();
    }
    Ok(())
}

fn length_of_body(reader: &mut BufReader<TcpStream>) -> io::Result<u64> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            return Ok(length);
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
    }
}

fn write_response(stream: &mut impl Write, body: &Pieces) -> io::Result<()> {
    let framing = match body.chunked {
        true => "transfer-encoding: chunked".to_owned(),
        false => format!("content-length: {}", body.all().map(<[u8]>::len).sum::<usize>()),
    };
    write!(stream, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{framing}\r\n\r\n")?;
    for piece in body.all().filter(|piece| !piece.is_empty()) {
        if body.chunked {
            write!(stream, "{:x}\r\n", piece.len())?;
        }
        stream.write_all(piece)?;
        if body.chunked {
            stream.write_all(b"\r\n")?;
        }
    }
    if body.chunked {
        stream.write_all(b"0\r\n\r\n")?;
    }
    stream.flush()
}

#[cfg(test)]
mod tests {
    use skyflow_http::{Body, Transport};

    use super::*;

    #[tokio::test]
    async fn connection_serves_requests_in_turn() {
        let url = serve(|line, length| Pieces {
            start: format!("{line} {length} ").into(),
            piece: "7".into(),
            count: 3,
            chunked: length == 4,
            ..Pieces::default()
        })
        .unwrap();
        let transport = Transport::builder().build();
        for content in ["", "body", "longer body"] {
            let request = http::Request::post(format!("{url}/a")).body(Body::from(content)).unwrap();
            let response = transport.clone().into_service().send(request).await.unwrap();
            let body = response.into_body().collect(64).await.unwrap();
            assert_eq!(body, format!("POST /a HTTP/1.1 {} 777", content.len()));
        }
    }
}
