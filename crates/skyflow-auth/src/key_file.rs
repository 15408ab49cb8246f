use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use skyflow_http::LogControl;
use skyflow_types::LogLevel;

use crate::key::read_file;
use crate::{CredentialsError, ServiceAccountKey};

/// Where the key of a service account comes from.
#[derive(Debug, Clone)]
pub(crate) enum KeySource {
    Fixed(ServiceAccountKey),
    File(Arc<KeyFile>),
}

impl KeySource {
    pub(crate) fn open(path: PathBuf, log: LogControl) -> Result<Self, CredentialsError> {
        KeyFile::open(path, log).map(|file| Self::File(Arc::new(file)))
    }

    /// The key as it is now.
    pub(crate) fn current(&self) -> ServiceAccountKey {
        match self {
            Self::Fixed(key) => key.clone(),
            Self::File(file) => file.current(),
        }
    }
}

/// A `credentials.json` that is read again at each exchange: a few kilobytes, about once an hour.
pub(crate) struct KeyFile {
    path: PathBuf,
    log: LogControl,
    loaded: Mutex<Loaded>,
}

struct Loaded {
    key: ServiceAccountKey,
    /// Of the file's content; times and sizes miss a rotation within one tick of the file system.
    content: [u8; 32],
    /// Whether the last reading failed, so that a broken file warns once and not at every exchange.
    broken: bool,
}

impl KeyFile {
    fn open(path: PathBuf, log: LogControl) -> Result<Self, CredentialsError> {
        let text = read_file(&path)?;
        let key = ServiceAccountKey::from_json(&text)?;
        warn_if_readable_by_others(&path, &log);
        Ok(Self { path, log, loaded: Mutex::new(Loaded { key, content: hash(&text), broken: false }) })
    }

    fn current(&self) -> ServiceAccountKey {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        match self.read_if_changed(&loaded.content) {
            Ok(None) => loaded.broken = false,
            Ok(Some((key, content))) => {
                if self.log.permits(LogLevel::Info) {
                    tracing::info!(key_id = key.key_id(), "the credentials file has changed, using its key");
                }
                warn_if_readable_by_others(&self.path, &self.log);
                *loaded = Loaded { key, content, broken: false };
            }
            Err(error) if !loaded.broken => {
                if self.log.permits(LogLevel::Warn) {
                    tracing::warn!(%error, "the credentials file cannot be used, keeping the key read before");
                }
                loaded.broken = true;
            }
            Err(_) => {}
        }
        loaded.key.clone()
    }

    fn read_if_changed(
        &self,
        content: &[u8; 32],
    ) -> Result<Option<(ServiceAccountKey, [u8; 32])>, CredentialsError> {
        let text = read_file(&self.path)?;
        let now = hash(&text);
        if now == *content {
            return Ok(None);
        }
        ServiceAccountKey::from_json(&text).map(|key| Some((key, now)))
    }
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyFile")
    }
}

fn hash(text: &str) -> [u8; 32] {
    let mut out = [0; 32];
    let digest = digest(&SHA256, text.as_bytes());
    out.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
    out
}

/// A private key that the group or the world can read is no longer private.
#[cfg(unix)]
pub(crate) fn warn_if_readable_by_others(path: &Path, log: &LogControl) {
    use std::os::unix::fs::PermissionsExt;

    let mode = std::fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode());
    if mode & 0o077 != 0 && log.permits(LogLevel::Warn) {
        tracing::warn!(
            mode = format_args!("{:03o}", mode & 0o777),
            "the credentials file is open to other users, make it 600"
        );
    }
}

#[cfg(not(unix))]
pub(crate) fn warn_if_readable_by_others(_: &Path, _: &LogControl) {}
