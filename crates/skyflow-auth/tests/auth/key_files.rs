//! Credentials in files of every kind: bounded, read off the runtime's threads, and checked again while in use.

#![expect(non_snake_case, reason = "T08 and its like are ids of promises")]

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use skyflow_auth::{
    Cached, Credentials, CredentialsError, CredentialsErrorKind as Kind, ServiceAccountKey,
    ServiceAccountTokens, TokenOptions, TokenProvider, TokenProviders,
};
use skyflow_http::ManualClock;
use skyflow_testkit::Output;
use skyflow_testkit::polling::{in_time, until};
use tempfile::TempDir;

use crate::support::{Endpoint, TestKey};

/// The text of a `credentials.json` whose key has that id.
fn with_id(id: &str) -> String {
    let mut json = TestKey::shared().json();
    json["keyID"] = id.into();
    json.to_string()
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Replaces the file in one step.
    fn write(&self, name: &str, content: &str) -> PathBuf {
        let (next, path) = (self.path("next"), self.path(name));
        fs::write(&next, content).unwrap();
        fs::set_permissions(&next, PermissionsExt::from_mode(0o600)).unwrap();
        fs::rename(next, &path).unwrap();
        path
    }

    fn pipe(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        assert!(Command::new("mkfifo").args(["-m", "600"]).arg(&path).status().unwrap().success());
        path
    }
}

/// Writes into a pipe once, when someone reads it.
fn serve_once(path: &Path, content: String) -> std::thread::JoinHandle<()> {
    let path = path.to_owned();
    std::thread::spawn(move || {
        OpenOptions::new().write(true).open(path).unwrap().write_all(content.as_bytes()).unwrap();
    })
}

fn last_key(endpoint: &Endpoint) -> String {
    endpoint.last(|seen| seen.claims["key"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn rel_T08_new_key_is_used_within_a_minute() {
    let folder = Folder::new();
    let path = folder.write("c.json", &with_id("first"));
    let clock = ManualClock::new();
    let endpoint = Endpoint::new(&clock);
    let tokens = Credentials::from_path(&path).to_provider(&endpoint.exchange()).unwrap();
    let old = in_time(tokens.token()).await.unwrap();
    for _ in 0..10 {
        clock.advance(Duration::from_secs(30));
        assert!(in_time(tokens.token()).await.unwrap().is_same(&old), "the file has not changed");
    }
    folder.write("c.json", &with_id("second"));
    // A new token is exchanged in the background, long before the old one expires.
    clock.advance(Duration::from_secs(30));
    until(|| tokens.peek().is_none()).await;
    in_time(async {
        while in_time(tokens.token()).await.unwrap().is_same(&old) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!((endpoint.exchanges(), last_key(&endpoint).as_str()), (2, "second"));
}

#[tokio::test]
async fn rel_T08_users_of_an_account_get_the_new_key() {
    let folder = Folder::new();
    let path = folder.write("c.json", &with_id("first"));
    let clock = ManualClock::new();
    let endpoint = Endpoint::new(&clock);
    let providers = TokenProviders::new(endpoint.exchange());
    let credentials = Credentials::from_path(&path);
    let user =
        |name: &str| providers.get_scoped(&credentials, &TokenOptions::new().context(name).unwrap()).unwrap();
    let users = [user("a"), user("b")];
    let mut old = Vec::new();
    for user in &users {
        old.push(in_time(user.token()).await.unwrap());
    }
    folder.write("c.json", &with_id("second"));
    for (user, old) in users.iter().zip(old) {
        clock.advance(Duration::from_secs(30));
        in_time(async {
            while user.token().await.unwrap().is_same(&old) {
                tokio::task::yield_now().await;
            }
        })
        .await;
        assert_eq!(last_key(&endpoint), "second");
    }
    assert_eq!(endpoint.exchanges(), 4);
}

#[tokio::test]
async fn rel_T08_broken_file_warns_once() {
    let folder = Folder::new();
    let path = folder.write("c.json", &with_id("first"));
    let endpoint = Endpoint::new(&ManualClock::new());
    let tokens = ServiceAccountTokens::from_path(&path, endpoint.exchange()).unwrap();
    let output = Output::default();
    let subscriber = tracing_subscriber::fmt().with_writer(output.writer()).with_ansi(false).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    for broken in ["{", "", "{}"] {
        folder.write("c.json", broken);
        in_time(tokens.token()).await.unwrap();
    }
    fs::remove_file(&path).unwrap();
    in_time(tokens.token()).await.unwrap();
    assert_eq!(last_key(&endpoint), "first");
    let warnings = output.text().matches("keeping the key read before").count();
    assert_eq!(warnings, 1, "{}", output.text());
    folder.write("c.json", &with_id("second"));
    in_time(tokens.token()).await.unwrap();
    folder.write("c.json", "");
    in_time(tokens.token()).await.unwrap();
    assert_eq!(
        output.text().matches("keeping the key read before").count(),
        2,
        "a later break is another one"
    );
}

#[tokio::test]
async fn key_of_a_pipe_is_read_once_and_kept() {
    let folder = Folder::new();
    let path = folder.pipe("p");
    let writer = serve_once(&path, with_id("from-a-pipe"));
    let clock = ManualClock::new();
    let endpoint = Endpoint::new(&clock);
    let tokens = Credentials::from_path(&path).to_provider(&endpoint.exchange()).unwrap();
    writer.join().unwrap();
    for exchanges in 1..=5 {
        in_time(tokens.token()).await.unwrap();
        assert_eq!((endpoint.exchanges(), last_key(&endpoint).as_str()), (exchanges, "from-a-pipe"));
        clock.advance(Duration::from_secs(3_600));
    }
    // A regular file in its place is read.
    fs::remove_file(&path).unwrap();
    folder.write("p", &with_id("from-a-file"));
    in_time(tokens.token()).await.unwrap();
    assert_eq!(last_key(&endpoint), "from-a-file");
}

#[tokio::test]
async fn pipe_in_the_place_of_a_file_blocks_nothing() {
    let folder = Folder::new();
    let path = folder.write("c.json", &with_id("first"));
    let endpoint = Endpoint::new(&ManualClock::new());
    let tokens = ServiceAccountTokens::from_path(&path, endpoint.exchange()).unwrap();
    fs::remove_file(&path).unwrap();
    folder.pipe("c.json");
    for _ in 0..3 {
        in_time(tokens.token()).await.unwrap();
    }
    assert_eq!(last_key(&endpoint), "first");
}

#[test]
fn unbounded_and_endless_files_are_refused() {
    let folder = Folder::new();
    let exchange = Endpoint::new(&ManualClock::new()).exchange();
    let at_build = |path: &Path| Credentials::from_path(path).to_provider(&exchange).map(drop);
    let as_key = |path: &Path| ServiceAccountKey::from_path(path).map(drop);
    let as_signer = |path: &Path| Credentials::from_path(path).data_token_signer().map(drop);
    let refused = |path: &Path| -> Vec<CredentialsError> {
        [at_build(path), as_key(path), as_signer(path)].into_iter().map(Result::unwrap_err).collect()
    };
    let large = folder.path("large");
    fs::File::create(&large).unwrap().set_len(100_000_000).unwrap();
    for (path, kind, message) in [
        (large.as_path(), Kind::FileTooLarge, "credentials file is larger than 64 KiB"),
        (Path::new("/dev/zero"), Kind::FileTooLarge, "credentials file is larger than 64 KiB"),
        (Path::new("/dev/null"), Kind::NotJson, "credentials is not a JSON object: line 1 column 0"),
        (folder.0.path(), Kind::FileUnreadable, "credentials file cannot be read"),
    ] {
        for error in refused(path) {
            assert_eq!((error.kind(), error.to_string().as_str()), (kind, message));
        }
    }
    let padded = |to: usize| format!("{}{}", with_id("k"), " ".repeat(to - with_id("k").len()));
    assert!(at_build(&folder.write("c", &padded(64 * 1024))).is_ok());
    assert_eq!(refused(&folder.write("c", &padded(64 * 1024 + 1)))[0].kind(), Kind::FileTooLarge);
}

#[test]
fn pipe_without_a_writer_fails_at_build() {
    let folder = Folder::new();
    let exchange = Endpoint::new(&ManualClock::new()).exchange();
    let error = Credentials::from_path(folder.pipe("p")).to_provider(&exchange).unwrap_err();
    assert_eq!(error.kind(), Kind::FileTimedOut);
    assert!(error.to_string().contains("its writer must write within 3 seconds"));
}

#[test]
fn rel_T10_strict_permissions_refuse_open_files() {
    let folder = Folder::new();
    let path = folder.write("c.json", &with_id("k"));
    let of = |strict: bool| {
        let exchange = Endpoint::new(&ManualClock::new()).exchange().strict_permissions(strict);
        Credentials::from_path(&path).to_provider(&exchange).map(drop)
    };
    for (mode, strict, allowed) in [
        (0o600, true, true),
        (0o400, true, true),
        (0o640, true, false),
        (0o604, true, false),
        (0o610, true, false),
        (0o644, false, true),
    ] {
        fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        match of(strict) {
            Ok(()) => assert!(allowed, "{mode:o}"),
            Err(error) => assert!(!allowed && error.kind() == Kind::FilePermissions, "{mode:o}: {error}"),
        }
    }
}

#[tokio::test]
async fn rel_T10_strict_permissions_hold_for_new_keys() {
    let folder = Folder::new();
    let path = folder.write("c.json", &with_id("first"));
    let endpoint = Endpoint::new(&ManualClock::new());
    let tokens =
        ServiceAccountTokens::from_path(&path, endpoint.exchange().strict_permissions(true)).unwrap();
    folder.write("c.json", &with_id("second"));
    fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
    in_time(tokens.token()).await.unwrap();
    in_time(tokens.token()).await.unwrap();
    assert_eq!(last_key(&endpoint), "first");
}

#[test]
fn rel_T10_link_of_another_owner_is_refused() {
    let folder = Folder::new();
    let (path, link) = (folder.write("c.json", &with_id("k")), folder.path("link"));
    symlink(&path, &link).unwrap();
    assert!(ServiceAccountKey::from_path(&link).is_ok());
    // Only root can give a link away.
    if std::os::unix::fs::lchown(&link, Some(12_345), None).is_ok() {
        assert_eq!(ServiceAccountKey::from_path(&link).unwrap_err().kind(), Kind::FilePermissions);
    }
}

#[cfg(feature = "dotenv")]
#[test]
fn env_file_is_bounded_and_checked_too() {
    use skyflow_auth::DotEnv;

    let folder = Folder::new();
    let key = "SKYFLOW_API_KEY=sky-abcde-0123456789abcdef0123456789abcdef\n";
    let path = folder.write(".env", key);
    let read = |strict: bool| DotEnv::file(&path).strict_permissions(strict).credentials();
    assert!(read(true).is_ok());
    fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
    assert_eq!(read(true).unwrap_err().kind(), Kind::FilePermissions);
    assert!(read(false).is_ok());
    folder.write(".env", &format!("{key}#{}", "x".repeat(64 * 1024)));
    assert_eq!(read(false).unwrap_err().kind(), Kind::FileTooLarge);
    assert_eq!(DotEnv::file("/dev/zero").credentials().unwrap_err().kind(), Kind::FileTooLarge);
}

#[tokio::test]
async fn file_is_read_off_the_thread_of_the_caller() {
    let folder = Folder::new();
    let path = folder.write("c.json", &with_id("k"));
    let clock = ManualClock::new();
    let endpoint = Endpoint::new(&clock);
    let tokens = ServiceAccountTokens::from_path(&path, endpoint.exchange()).unwrap();
    let tokens = Arc::new(Cached::with_clock(tokens, Arc::new(clock.clone())));
    // The other thread may be faster than the first poll, but not every time; a read on this thread is never pending.
    for _ in 0..100 {
        clock.advance(Duration::from_secs(7200));
        let mut call = skyflow_testkit::polling::Stepped::new(tokens.token());
        let is_pending = call.step().is_pending();
        if is_pending {
            in_time(call.into_inner()).await.unwrap();
            return;
        }
    }
    panic!("the file is read elsewhere meanwhile");
}
