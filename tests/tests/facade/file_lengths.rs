//! Files whose length is not what their metadata say, and uploads that are repeated.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::FutureExt;
use skyflow::http::{BodyProblem, Clock, ManualClock, RetryStop, SendBodyError};
use skyflow::{
    CallOptions, Credentials, ErrorKind, FileSource, Skyflow, UploadFileRequest, Vault, VaultConfig,
};
use skyflow_emulator::EmbeddedVault;
use skyflow_testkit::API_KEY;
use skyflow_testkit::polling::in_time;
use skyflow_testkit::raw_server::{ClosedPort, Connection, RawServer, Received};
use skyflow_tests::clients::in_process;

/// More than sockets hold, so that a server decides how far an upload has come.
const LARGE: usize = 48 * 1024 * 1024;
const UPLOADED: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 20\r\n\r\n{\"skyflowID\":\"id-1\"}";
const BUSY: &str = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
const THROTTLED: &str = "HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n";

fn vault_at(url: &str, clock: Arc<dyn Clock>) -> Vault {
    let config = VaultConfig::with_base_url("v1", url).credentials(Credentials::api_key(API_KEY).unwrap());
    Skyflow::builder()
        .vault(config)
        .clock(clock)
        .no_deadline()
        .no_attempt_timeout()
        .build()
        .unwrap()
        .default_vault()
        .unwrap()
}

fn vault(server: &RawServer) -> Vault {
    vault_at(&server.url(""), Arc::new(ManualClock::auto_advancing()))
}

fn upload(file: FileSource) -> UploadFileRequest {
    UploadFileRequest::new("t", "c", file).skyflow_id("id-1")
}

fn stored(folder: &tempfile::TempDir, length: usize) -> PathBuf {
    let path = folder.path().join("file.bin");
    std::fs::write(&path, vec![b'x'; length]).unwrap();
    path
}

/// Changes a file as soon as the head of an upload has arrived.
async fn changes_while_sent(path: &Path, change: fn(&Path)) -> RawServer {
    let path = path.to_owned();
    RawServer::start(move |mut connection: Connection| {
        let path = path.clone();
        async move {
            if connection.head().await.is_some() {
                change(&path);
                connection.closed_by_client().await;
            }
        }
    })
    .await
    .unwrap()
}

async fn responding(responses: &'static [&'static str]) -> RawServer {
    RawServer::start(move |mut connection: Connection| async move {
        let mut responses = responses.iter().cycle();
        while connection.request().await.is_some() {
            connection.send(responses.next().unwrap()).await;
        }
    })
    .await
    .unwrap()
}

fn assert_refused(error: &skyflow::Error, problem: BodyProblem) {
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error:?}");
    assert_eq!(error.field(), Some("file"));
    assert!(!error.may_have_been_applied() && !error.is_retryable());
    assert_eq!(error.attempts(), 1);
    let source = std::error::Error::source(error.transport_error().unwrap()).unwrap();
    assert_eq!(source.downcast_ref::<SendBodyError>().unwrap().problem(), problem, "{error}");
}

#[tokio::test]
async fn file_that_grows_while_sent_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = stored(&folder, LARGE);
    let server = changes_while_sent(&path, |path| {
        std::fs::OpenOptions::new().append(true).open(path).unwrap().write_all(b"more").unwrap();
    })
    .await;
    let error = in_time(vault(&server).upload_file(upload(FileSource::path(&path)))).await.unwrap_err();
    assert_refused(&error, BodyProblem::TooLong);
    assert_eq!(
        error.to_string(),
        format!("records.files.upload: file is longer than the announced {LARGE} bytes")
            .replace("records.files.upload", error.operation().unwrap())
    );
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn file_that_shrinks_while_sent_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = stored(&folder, LARGE);
    let server = changes_while_sent(&path, |path| {
        std::fs::OpenOptions::new().write(true).open(path).unwrap().set_len(LARGE as u64 - 1).unwrap();
    })
    .await;
    let error = in_time(vault(&server).upload_file(upload(FileSource::path(&path)))).await.unwrap_err();
    assert_refused(&error, BodyProblem::TooShort { actual: LARGE as u64 - 1 });
}

#[tokio::test]
async fn reader_of_another_length_is_refused() {
    let embedded = EmbeddedVault::builder().build().unwrap();
    for (length, problem) in
        [(0, BodyProblem::TooLong), (6, BodyProblem::TooLong), (8, BodyProblem::TooShort { actual: 7 })]
    {
        let file = || FileSource::reader("a.txt", &b"content"[..]).length(length);
        let server = responding(&[UPLOADED]).await;
        let error = in_time(vault(&server).upload_file(upload(file()))).await.unwrap_err();
        assert_refused(&error, problem);
        assert_eq!(server.requests().len(), 0, "the server never gets a whole request");
        // A server without a socket reads the same body, and tells of it itself.
        let error = in_process(&embedded).upload_file(upload(file())).await.unwrap_err();
        assert!(error.is_bad_request() && !error.may_have_been_applied(), "{error:?}");
    }
    let server = responding(&[UPLOADED]).await;
    let file = FileSource::reader("a.txt", &b"content"[..]).length(7);
    in_time(vault(&server).upload_file(upload(file))).await.unwrap();
    assert!(server.requests()[0].headers.contains_key("content-length"));
}

/// Returns the content of the file in an upload form.
fn content(request: &Received) -> &[u8] {
    let start = request.body.windows(4).rposition(|four| four == b"\r\n\r\n");
    let body = &request.body[..];
    let head = b"filename=";
    let at = body.windows(head.len()).position(|window| window == head).unwrap();
    let start =
        start.unwrap().min(at + body[at..].windows(4).position(|four| four == b"\r\n\r\n").unwrap()) + 4;
    let boundary = request.headers["content-type"].to_str().unwrap().split("boundary=").nth(1).unwrap();
    body[start..].strip_suffix(format!("\r\n--{boundary}--\r\n").as_bytes()).expect("the closing boundary")
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn files_without_a_length_are_sent_whole() {
    let server = responding(&[UPLOADED]).await;
    let vault = vault(&server);
    // A small file is read first; a large one is sent with chunked transfer encoding.
    for (path, is_chunked) in [("/proc/version", false), ("/proc/kallsyms", true)] {
        let expected = std::fs::read(path).unwrap();
        assert_eq!(std::fs::metadata(path).unwrap().len(), 0);
        in_time(vault.upload_file(upload(FileSource::path(path)))).await.unwrap();
        let request = server.requests().pop().unwrap();
        assert!(content(&request) == expected, "{path}");
        assert_eq!(request.headers.contains_key("transfer-encoding"), is_chunked, "{path}");
        assert_eq!(request.headers.contains_key("content-length"), !is_chunked, "{path}");
    }
}

#[tokio::test]
async fn file_sizes_around_a_chunk_are_sent_whole() {
    let folder = tempfile::tempdir().unwrap();
    let server = responding(&[UPLOADED]).await;
    let vault = vault(&server);
    for length in [0, 1, 65_535, 65_536, 65_537, 131_071, 131_072, 131_073] {
        let path = stored(&folder, length);
        in_time(vault.upload_file(upload(FileSource::path(&path)))).await.unwrap();
        let request = server.requests().pop().unwrap();
        assert!(content(&request) == vec![b'x'; length], "{length}");
        assert!(request.headers.contains_key("content-length"), "{length}");
    }
}

#[tokio::test]
async fn upload_into_a_row_is_sent_twice_at_most() {
    let folder = tempfile::tempdir().unwrap();
    let path = stored(&folder, 200_000);
    let new_row = |file| UploadFileRequest::new("t", "c", file);
    let path = || FileSource::path(&path);
    let bytes = || FileSource::bytes("a.txt", "content");
    let reader = || FileSource::reader("a.txt", &b"content"[..]);
    let cases: [(&'static [&'static str], UploadFileRequest, usize); 9] = [
        (&[BUSY], upload(path()), 2),
        (&[BUSY], upload(bytes()), 2),
        (&[BUSY], upload(reader()), 1),
        (&[BUSY], new_row(path()), 1),
        (&[BUSY], new_row(bytes()), 1),
        (&[THROTTLED], new_row(path()), 2),
        (&[THROTTLED], new_row(bytes()), 2),
        (&[THROTTLED], new_row(reader()), 1),
        (&[BUSY, UPLOADED], upload(path()), 2),
    ];
    for (responses, request, requests) in cases {
        let shown = format!("{request:?} {responses:?}");
        let server = responding(responses).await;
        let result = in_time(vault(&server).upload_file(request)).await;
        assert_eq!(result.is_ok(), responses.len() == 2, "{shown}");
        let received = server.requests();
        assert_eq!(received.len(), requests, "{shown}");
        assert!(received.iter().all(|request| request.body == received[0].body), "{shown}");
    }
    // Any setting of the caller wins.
    for (options, requests) in
        [(CallOptions::new().max_attempts(3.try_into().unwrap()), 3), (CallOptions::new().no_retry(), 1)]
    {
        let server = responding(&[BUSY]).await;
        in_time(vault(&server).with_options(options).upload_file(upload(path()))).await.unwrap_err();
        assert_eq!(server.requests().len(), requests);
    }
}

#[tokio::test]
async fn refused_upload_is_repeated_from_any_source() {
    let folder = tempfile::tempdir().unwrap();
    let path = stored(&folder, 200_000);
    let sources = [
        FileSource::path(&path),
        FileSource::bytes("a.txt", "content"),
        FileSource::base64("a.txt", "YWJj"),
        FileSource::reader("a.txt", &b"content"[..]),
    ];
    for source in sources {
        let closed = ClosedPort::new().unwrap();
        let clock = Arc::new(ManualClock::auto_advancing());
        let vault = vault_at(&format!("http://{}", closed.address()), clock);
        let error = in_time(vault.upload_file(UploadFileRequest::new("t", "c", source))).await.unwrap_err();
        assert_eq!((error.attempts(), error.retry_stop()), (2, Some(RetryStop::Attempts)), "{error:?}");
        assert!(!error.may_have_been_applied());
    }
}

#[tokio::test]
async fn repeated_upload_sends_the_same_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = stored(&folder, 200_000);
    for (change, is_sent) in [
        // Another file in the same place, and a change of the file itself.
        (
            (|path| {
                std::fs::remove_file(path).unwrap();
                std::fs::write(path, "another file").unwrap();
            }) as fn(&Path),
            true,
        ),
        (
            |path| std::fs::OpenOptions::new().append(true).open(path).unwrap().write_all(b"more").unwrap(),
            false,
        ),
    ] {
        std::fs::write(&path, vec![b'x'; 200_000]).unwrap();
        let changed = path.clone();
        let server = RawServer::start(move |mut connection: Connection| {
            let changed = changed.clone();
            async move {
                let mut is_first = true;
                while connection.request().await.is_some() {
                    if std::mem::take(&mut is_first) {
                        change(&changed);
                        connection.send(BUSY).await;
                    } else {
                        connection.send(UPLOADED).await;
                    }
                }
            }
        })
        .await
        .unwrap();
        let result = in_time(vault(&server).upload_file(upload(FileSource::path(&path)))).await;
        if is_sent {
            result.unwrap();
            let received = server.requests();
            assert!(received.len() == 2 && received[0].body == received[1].body);
        } else {
            let error = result.unwrap_err();
            assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("file")), "{error:?}");
            assert!(error.may_have_been_applied(), "the first attempt may have been");
            assert_eq!(server.requests().len(), 1);
        }
    }
}

#[test]
fn files_outside_a_runtime_are_an_error() {
    let error = FileSource::path("Cargo.toml").into_part().now_or_never().unwrap().unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("file")));
}
