//! Uploads whose token is rejected, or whose connection fails: sent again where the source can be opened again.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use skyflow::{Credentials, Error, FileSource, RetryStop, Skyflow, UploadFileRequest, Vault, VaultConfig};
use skyflow_emulator::EmbeddedVault;
use skyflow_http::ErrorKind as Transport;
use skyflow_testkit::{API_KEY, Exchange, Reply, Scripted};
use skyflow_tests::clients::TOKEN_URI;

/// A server that grants `token-1`, `token-2` …, and takes the tokens above a number.
struct Server {
    script: Scripted,
    granted: Arc<AtomicUsize>,
    rejected: Arc<AtomicUsize>,
}

impl Server {
    fn new() -> Self {
        Self::with(|| ())
    }

    /// Calls `on_rejection` before it rejects a token.
    fn with(on_rejection: impl Fn() + Send + Sync + 'static) -> Self {
        let (granted, rejected) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (grants, up_to) = (Arc::clone(&granted), Arc::clone(&rejected));
        let script = Scripted::from_fn(move |request: &Exchange| {
            if request.target().ends_with("/oauth/token") {
                let number = grants.fetch_add(1, Ordering::SeqCst) + 1;
                let token = format!("token-{number}");
                return Reply::json(
                    200,
                    &json!({"accessToken": token, "tokenType": "Bearer", "expiresIn": 3600}),
                );
            }
            let number =
                request.header("authorization").rsplit('-').next().unwrap().parse::<usize>().unwrap();
            match number > up_to.load(Ordering::SeqCst) {
                true => Reply::json(200, &json!({"skyflowID": "row-1"})),
                false => {
                    on_rejection();
                    Reply::json(401, &json!({"error": {"message": "the token is revoked", "http_code": 401}}))
                }
            }
        });
        Self { script, granted, rejected }
    }

    /// Rejects all tokens that were granted so far, and `more` of those to come.
    fn reject(&self, more: usize) {
        self.rejected.store(self.granted.load(Ordering::SeqCst) + more, Ordering::SeqCst);
    }

    fn exchanges(&self) -> usize {
        self.granted.load(Ordering::SeqCst)
    }

    fn uploads(&self) -> Vec<Exchange> {
        self.script
            .requests()
            .into_iter()
            .filter(|request| !request.target().ends_with("/oauth/token"))
            .collect()
    }

    /// A client with the system's clock: a file is read while the call is under way.
    fn vault(&self) -> Vault {
        let emulator = EmbeddedVault::builder().build().unwrap();
        let credentials = Credentials::from_json(emulator.credentials_json(TOKEN_URI).expose()).unwrap();
        let config = VaultConfig::new("v1", "c").credentials(credentials);
        let client = Skyflow::builder().vault(config).transport(self.script.clone()).build().unwrap();
        client.default_vault().unwrap()
    }
}

async fn upload(vault: &Vault, file: FileSource) -> Result<(), Error> {
    vault.upload_file(UploadFileRequest::new("persons", "photo", file)).await.map(drop)
}

fn sources(path: &Path) -> [FileSource; 3] {
    let in_memory = "x".repeat(200_000);
    [FileSource::path(path), FileSource::bytes("f", in_memory), FileSource::base64("f", "eHh4")]
}

#[tokio::test]
async fn rel_t05_rejected_upload_is_replayed_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    std::fs::write(&path, "x".repeat(200_000)).unwrap();
    for source in sources(&path) {
        let (server, kind) = (Server::new(), format!("{source:?}"));
        let vault = server.vault();
        upload(&vault, FileSource::bytes("f", "first")).await.unwrap();
        server.reject(0);
        upload(&vault, source).await.unwrap();
        let uploads = server.uploads();
        let [_, refused, replayed] = &uploads[..] else { panic!("{kind}: {} uploads", uploads.len()) };
        assert_eq!(
            (refused.header("authorization"), replayed.header("authorization")),
            ("Bearer token-1", "Bearer token-2")
        );
        assert!(refused.body == replayed.body && refused.body.len() > 100, "{kind}");
        assert_eq!(server.exchanges(), 2, "{kind}");
    }
}

#[tokio::test]
async fn rejected_reader_is_not_replayed_but_its_token_goes() {
    let server = Server::new();
    let vault = server.vault();
    upload(&vault, FileSource::bytes("f", "first")).await.unwrap();
    server.reject(0);
    let mut outcomes = Vec::new();
    for _ in 0..5 {
        let outcome = upload(&vault, FileSource::reader("f", &b"from a reader"[..])).await;
        outcomes.push(outcome.map_err(|error| error.http_code()));
    }
    assert_eq!(outcomes, [Err(Some(401)), Ok(()), Ok(()), Ok(()), Ok(())]);
    assert_eq!((server.exchanges(), server.uploads().len()), (2, 6));
}

#[tokio::test]
async fn five_rejected_uploads_replace_their_tokens() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    std::fs::write(&path, "content").unwrap();
    let server = Server::new();
    server.reject(100);
    let vault = server.vault();
    for call in 1..=5 {
        let error = upload(&vault, FileSource::path(&path)).await.unwrap_err();
        assert_eq!(error.http_code(), Some(401));
        assert!(!error.may_have_been_applied());
        assert_eq!(server.uploads().len(), 2 * call, "each is sent twice");
    }
    assert_eq!(server.exchanges(), 6, "the first one, and one for each call");
}

/// Larger than what is kept in memory.
const LARGE: usize = 200_000;

#[tokio::test]
async fn replaced_file_is_sent_again_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (path, next) = (folder.path().join("f"), folder.path().join("next"));
    std::fs::write(&path, "b".repeat(LARGE)).unwrap();
    std::fs::write(&next, "a".repeat(LARGE)).unwrap();
    let replaced = path.clone();
    // While the first attempt is on its way.
    let server = Server::with(move || std::fs::rename(&next, &replaced).unwrap());
    let vault = server.vault();
    server.reject(1);
    upload(&vault, FileSource::path(&path)).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap()[0], b'a');
    let uploads = server.uploads();
    assert!(uploads.len() == 2 && uploads[0].body == uploads[1].body);
}

#[tokio::test]
async fn file_that_has_changed_is_not_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    std::fs::write(&path, "b".repeat(LARGE)).unwrap();
    let written = path.clone();
    let server = Server::with(move || std::fs::write(&written, "after!".repeat(LARGE)).unwrap());
    let vault = server.vault();
    server.reject(1);
    upload(&vault, FileSource::path(&path)).await.unwrap_err();
    assert!(server.uploads().iter().all(|upload| !upload.text().contains("after!")));
}

#[tokio::test]
async fn upload_that_was_not_sent_is_retried() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    std::fs::write(&path, "content").unwrap();
    let sources = sources(&path).map(|source| (source, None));
    let reader = FileSource::reader("f", &b"from a reader"[..]);
    for (source, stop) in sources.into_iter().chain([(reader, Some(RetryStop::BodyIsStream))]) {
        let kind = format!("{source:?}");
        let stored = Reply::json(200, &json!({"skyflowID": "row-1"}));
        let script = Scripted::new([Reply::fails(Transport::Connect), stored]);
        let config = VaultConfig::new("v1", "c").credentials(Credentials::api_key(API_KEY).unwrap());
        let client = Skyflow::builder().vault(config).transport(script.clone()).build().unwrap();
        let outcome = upload(&client.default_vault().unwrap(), source).await;
        assert_eq!(outcome.err().and_then(|error| error.retry_stop()), stop, "{kind}");
        assert_eq!(script.count(), if stop.is_none() { 2 } else { 1 }, "{kind}");
    }
}
