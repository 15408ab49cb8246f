//! How much memory the client needs for a large file, over a real socket: what is allocated at its worst, counted, and
//! so the same on every machine.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};

use allocation_counter::measure;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use skyflow::{Credentials, DeidentifyFileRequest, FileSource, RunStatus, Skyflow, VaultConfig};
use skyflow_testkit::API_KEY;
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf, repeat};

const FILE: usize = 50_000_000;

/// Serves the start of a run and one poll, each on a new connection, and keeps nothing of what it
/// reads. The response with the file is written in pieces.
fn server(chunked: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            let mut request_line = String::new();
            reader.read_line(&mut request_line).unwrap();
            let length = length_of_body(&mut reader);
            std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink()).unwrap();
            let stream = reader.into_inner();
            if request_line.starts_with("POST") {
                assert!(length > FILE as u64 / 3 * 4);
                response(stream, &mut [br#"{"run_id":"r1"}"#.as_slice()].into_iter(), false);
            } else {
                // A multiple of three, so that pieces of Base64 can be put together.
                let piece = STANDARD.encode(vec![7_u8; 50_000 / 3 * 3]);
                let pieces = FILE.div_ceil(50_000 / 3 * 3);
                let start = br#"{"status":"SUCCESS","output":[{"processedFile":""#.as_slice();
                let end =
                    br#"","processedFileType":"redacted_file","processedFileExtension":"txt"}]}"#.as_slice();
                let mut body =
                    [start].into_iter().chain(std::iter::repeat_n(piece.as_bytes(), pieces)).chain([end]);
                response(stream, &mut body, chunked);
            }
        }
    });
    format!("http://{address}")
}

fn length_of_body(reader: &mut BufReader<TcpStream>) -> u64 {
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            return length;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
}

fn response<'a>(mut stream: TcpStream, body: &mut (impl Iterator<Item = &'a [u8]> + Clone), chunked: bool) {
    let framing = match chunked {
        true => "transfer-encoding: chunked".to_owned(),
        false => format!("content-length: {}", body.clone().map(<[u8]>::len).sum::<usize>()),
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n{framing}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    for piece in body {
        if chunked {
            write!(stream, "{:x}\r\n", piece.len()).unwrap();
        }
        stream.write_all(piece).unwrap();
        if chunked {
            stream.write_all(b"\r\n").unwrap();
        }
    }
    if chunked {
        stream.write_all(b"0\r\n\r\n").unwrap();
    }
}

/// Gives a kilobyte at a time, as a socket may.
struct Trickle(usize);

impl AsyncRead for Trickle {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let given = self.0.min(1024).min(buffer.remaining());
        buffer.put_slice(&[b'x'; 1024][..given]);
        self.0 -= given;
        Poll::Ready(Ok(()))
    }
}

/// De-identifies the file and returns the most bytes that were allocated at once. Everything runs on this thread: the
/// client, its connections, and what the blocking threads of the runtime do not read themselves.
fn most_allocated(url: &str, source: impl FnOnce() -> FileSource) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config = VaultConfig::with_base_url("v1", url).credentials(Credentials::api_key(API_KEY).unwrap());
    let client = Skyflow::builder().vault(config).build().unwrap();
    let counted = measure(|| {
        runtime.block_on(async {
            let request = DeidentifyFileRequest::new(source());
            let run = client.default_detect().unwrap().deidentify_file(request).await.unwrap();
            assert_eq!(run.status, RunStatus::Success);
            assert!(run.file().unwrap().content.len() >= FILE);
        });
    });
    counted.bytes_max
}

#[test]
fn large_file_needs_under_three_times_its_size() {
    let directory = tempfile::tempdir().unwrap();
    let path: PathBuf = directory.path().join("large.txt");
    std::fs::write(&path, vec![b'x'; FILE]).unwrap();
    let source = |name| match name {
        "path" => FileSource::path(&path),
        "bytes" => FileSource::bytes("large.txt", vec![b'x'; FILE]),
        "reader" => FileSource::reader("large.txt", repeat(b'x').take(FILE as u64)),
        _ => FileSource::reader("large.txt", Trickle(FILE)),
    };
    for (name, chunked) in
        [("path", false), ("path", true), ("bytes", false), ("reader", false), ("trickle", false)]
    {
        let most = most_allocated(&server(chunked), || source(name));
        println!("{name}, chunked {chunked}: {most} bytes, {:.2} times the file", most as f64 / FILE as f64);
        assert!(most < 3 * FILE as u64, "{name}: {most}");
    }
}
