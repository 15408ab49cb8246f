//! A loopback server for bodies of any size: it keeps nothing of what it reads, and writes responses in pieces.
//!
//! It runs on a thread of its own without a runtime, so that a test can count what its own thread allocates.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;

/// A body that consists of one piece, repeated, between a start and an end.
#[derive(Debug, Clone, Default)]
pub struct Pieces {
    /// The start of the body.
    pub start: Vec<u8>,
    /// The repeated piece.
    pub piece: Vec<u8>,
    /// How often the piece is written.
    pub count: usize,
    /// The end of the body.
    pub end: Vec<u8>,
    /// Whether it is sent in chunks, and without its length.
    pub chunked: bool,
}

impl Pieces {
    fn all(&self) -> impl Iterator<Item = &[u8]> {
        let pieces = std::iter::repeat_n(self.piece.as_slice(), self.count);
        [self.start.as_slice()].into_iter().chain(pieces).chain([self.end.as_slice()])
    }
}

/// Serves every request on a new connection and returns the URL of the server.
///
/// `respond` gets the request line and the length of the body, and returns the body of a 200 response.
///
/// ```
/// use skyflow_testkit::large_bodies::{Pieces, serve};
///
/// let url = serve(|_, _| Pieces { piece: b"7".to_vec(), count: 50_000_000, ..Pieces::default() })?;
/// assert!(url.starts_with("http://127.0.0.1:"));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// Fails when no port can be bound.
pub fn serve(respond: impl Fn(&str, u64) -> Pieces + Send + 'static) -> io::Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let url = format!("http://{}", listener.local_addr()?);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that goes away notices by itself.
            let _ = converse(stream, &respond);
        }
    });
    Ok(url)
}

fn converse(stream: TcpStream, respond: &impl Fn(&str, u64) -> Pieces) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut request_line = String::new();
    reader.read_line(&mut request_line)?;
    let length = length_of_body(&mut reader)?;
    io::copy(&mut reader.by_ref().take(length), &mut io::sink())?;
    write_response(reader.into_inner(), &respond(request_line.trim_end(), length))
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

fn write_response(mut stream: TcpStream, body: &Pieces) -> io::Result<()> {
    let framing = match body.chunked {
        true => "transfer-encoding: chunked".to_owned(),
        false => format!("content-length: {}", body.all().map(<[u8]>::len).sum::<usize>()),
    };
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n{framing}\r\n\r\n"
    )?;
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
    Ok(())
}
