use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use skyflow_http::files::{SmallFile, off_thread};
use skyflow_http::{Clock, LogControl};
use skyflow_types::LogLevel;

use crate::crypto::LIBRARIES;
use crate::key::{FILE_LIMIT, read_file, text_of};
use crate::{CredentialsError, CredentialsErrorKind, ServiceAccountKey, TokenExchange};

/// A file that was read as recently as this is not read again for the first exchange.
const RECENT: Duration = Duration::from_secs(1);

/// Where the key of a service account comes from.
#[derive(Debug, Clone)]
pub(crate) enum KeySource {
    Fixed(ServiceAccountKey),
    File(Arc<KeyFile>),
}

/// A key, and how many keys its file held before it.
#[derive(Clone)]
pub(crate) struct VersionedKey {
    pub(crate) key: ServiceAccountKey,
    pub(crate) version: u64,
}

impl KeySource {
    pub(crate) fn open(path: PathBuf, exchange: &TokenExchange) -> Result<Self, CredentialsError> {
        KeyFile::open(path, exchange).map(|file| Self::File(Arc::new(file)))
    }

    /// Returns the key as it is now.
    pub(crate) async fn current(&self) -> VersionedKey {
        match self {
            Self::Fixed(key) => VersionedKey { key: key.clone(), version: 0 },
            Self::File(file) => file.current().await,
        }
    }

    /// Returns the key that was read last.
    pub(crate) fn last(&self) -> ServiceAccountKey {
        match self {
            Self::Fixed(key) => key.clone(),
            Self::File(file) => file.lock().current.key.clone(),
        }
    }
}

/// A `credentials.json` that is read again at each exchange, and every half minute in between: a few kilobytes.
///
/// A pipe cannot be read again, so its key is kept until a regular file replaces it.
pub(crate) struct KeyFile {
    path: PathBuf,
    log: LogControl,
    strict: bool,
    opened: Instant,
    clock: Arc<dyn Clock>,
    is_unused: AtomicBool,
    loaded: Mutex<Loaded>,
}

struct Loaded {
    current: VersionedKey,
    /// Of the file's content; times and sizes miss a rotation within one tick of the file system.
    content: Option<[u8; 32]>,
    is_regular: bool,
    /// Whether the last reading failed, so that a broken file warns once and not at every exchange.
    broken: bool,
}

/// What a reading of the file found.
struct Read {
    key: ServiceAccountKey,
    content: Option<[u8; 32]>,
    is_regular: bool,
    open_to_others: Option<u32>,
}

impl KeyFile {
    fn open(path: PathBuf, exchange: &TokenExchange) -> Result<Self, CredentialsError> {
        let (log, strict) = (exchange.log().clone(), exchange.is_strict());
        let file = read_file(&path)?;
        let read = Read::of(file, strict)?;
        read.warn(&log);
        let clock = Arc::clone(exchange.clock());
        let current = VersionedKey { key: read.key, version: 0 };
        let loaded = Loaded { current, content: read.content, is_regular: read.is_regular, broken: false };
        let opened = clock.monotonic();
        Ok(Self { path, log, strict, opened, clock, is_unused: true.into(), loaded: Mutex::new(loaded) })
    }

    async fn current(self: &Arc<Self>) -> VersionedKey {
        let was_unused = self.is_unused.swap(false, Ordering::Relaxed);
        if was_unused && self.clock.monotonic().saturating_duration_since(self.opened) < RECENT {
            return self.lock().current.clone();
        }
        let file = Arc::clone(self);
        let read = off_thread(move || file.read_if_changed()).await;
        self.take(read.map_err(CredentialsError::file).and_then(|read| read))
    }

    /// Takes what was read; a file that cannot be used changes nothing.
    fn take(&self, read: Result<Option<Read>, CredentialsError>) -> VersionedKey {
        let mut loaded = self.lock();
        match read {
            Ok(None) => loaded.broken = false,
            // Another exchange may have taken it meanwhile.
            Ok(Some(read)) if read.content != loaded.content => {
                if self.log.permits(LogLevel::Info) {
                    tracing::info!(
                        key_id = read.key.key_id(),
                        "the credentials file has changed, using its key"
                    );
                }
                read.warn(&self.log);
                let version = loaded.current.version + 1;
                *loaded = Loaded {
                    current: VersionedKey { key: read.key, version },
                    content: read.content,
                    is_regular: read.is_regular,
                    broken: false,
                };
            }
            Ok(Some(_)) => {}
            Err(error) if !loaded.broken => {
                if self.log.permits(LogLevel::Warn) {
                    tracing::warn!(%error, "the credentials file cannot be used, keeping the key read before");
                }
                loaded.broken = true;
            }
            Err(_) => {}
        }
        loaded.current.clone()
    }

    fn read_if_changed(&self) -> Result<Option<Read>, CredentialsError> {
        let (content, was_regular) = {
            let loaded = self.lock();
            (loaded.content, loaded.is_regular)
        };
        let is_regular = std::fs::metadata(&self.path).is_ok_and(|metadata| metadata.is_file());
        if !was_regular && !is_regular {
            return Ok(None);
        }
        let file = SmallFile::read_regular(&self.path, FILE_LIMIT).map_err(CredentialsError::file)?;
        if hash(file.content()) == content {
            return Ok(None);
        }
        Read::of(file, self.strict).map(Some)
    }

    fn lock(&self) -> MutexGuard<'_, Loaded> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Read {
    fn of(file: SmallFile, strict: bool) -> Result<Self, CredentialsError> {
        let (content, is_regular) = (hash(file.content()), file.is_regular());
        let open_to_others = file.open_to_others();
        if strict && open_to_others.is_some() {
            return Err(CredentialsError::new("credentials file", CredentialsErrorKind::FilePermissions));
        }
        let key = ServiceAccountKey::from_json(&text_of(file)?)?;
        Ok(Self { key, content, is_regular, open_to_others })
    }

    fn warn(&self, log: &LogControl) {
        warn_if_open_to_others(self.open_to_others, log);
    }
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyFile")
    }
}

/// Hashes the content of a file, to see whether it changed. Without a library there is no key to keep either.
fn hash(content: &[u8]) -> Option<[u8; 32]> {
    LIBRARIES.first().map(|library| (library.sha256)(content))
}

/// A private key that the group or the world can read is no longer private.
pub(crate) fn warn_if_open_to_others(mode: Option<u32>, log: &LogControl) {
    if let Some(mode) = mode.filter(|_| log.permits(LogLevel::Warn)) {
        tracing::warn!(
            mode = format_args!("{mode:03o}"),
            "the credentials file is open to other users, make it 600"
        );
    }
}
