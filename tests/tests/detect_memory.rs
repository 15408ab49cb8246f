//! How much memory the client needs for a large file, over a real socket: what is allocated at its worst, counted, and
//! so the same on every machine.

use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};

use allocation_counter::measure;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use skyflow::{Credentials, DeidentifyFileRequest, FileSource, RunStatus, Skyflow, VaultConfig};
use skyflow_testkit::API_KEY;
use skyflow_testkit::large_bodies::{Pieces, serve};
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf, repeat};

const FILE: usize = 50_000_000;

/// Serves the start of a run and one poll; the response with the file is written in pieces.
fn server(chunked: bool) -> String {
    serve(move |request_line, length| {
        if request_line.starts_with("POST") {
            assert!(length > FILE as u64 / 3 * 4);
            return Pieces { start: r#"{"run_id":"r1"}"#.into(), ..Pieces::default() };
        }
        Pieces {
            start: r#"{"status":"SUCCESS","output":[{"processedFile":""#.into(),
            // A multiple of three, so that pieces of Base64 can be put together.
            piece: STANDARD.encode(vec![7_u8; 50_000 / 3 * 3]).into(),
            count: FILE.div_ceil(50_000 / 3 * 3),
            end: r#"","processedFileType":"redacted_file","processedFileExtension":"txt"}]}"#.into(),
            chunked,
        }
    })
    .unwrap()
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
