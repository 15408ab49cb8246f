use std::fmt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use skyflow_http::auth::{AccessToken, TokenError, TokenFuture, TokenProvider};
use skyflow_types::Secret;
use zeroize::Zeroizing;

use crate::Error;

/// Reads a token from a file that another program may rewrite.
///
/// Each call looks at the time of the last change, which takes some microseconds, and reads the file when that is a new
/// one.
pub(super) struct TokenFile {
    path: PathBuf,
    current: Mutex<Option<Read>>,
}

struct Read {
    changed: Option<SystemTime>,
    token: AccessToken,
}

impl TokenFile {
    pub(super) fn open(path: PathBuf) -> Result<Self, Error> {
        let file = Self { path, current: Mutex::default() };
        file.get().map_err(|problem| Error::config("token_file", problem))?;
        Ok(file)
    }

    fn get(&self) -> Result<AccessToken, String> {
        let changed = std::fs::metadata(&self.path).and_then(|metadata| metadata.modified()).ok();
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(read) = current.as_ref().filter(|read| read.changed == changed) {
            return Ok(read.token.clone());
        }
        let text = std::fs::read_to_string(&self.path).map(Zeroizing::new);
        let text = text.map_err(|error| format!("cannot be read: {error}"))?;
        let token =
            AccessToken::new(Secret::new(text.trim())).map_err(|error| format!("cannot be used: {error}"))?;
        *current = Some(Read { changed, token: token.clone() });
        Ok(token)
    }
}

impl TokenProvider for TokenFile {
    fn token(&self) -> TokenFuture<'_> {
        TokenFuture::ready(
            self.get().map_err(|problem| TokenError::credentials(format!("the token file {problem}"))),
        )
    }

    fn peek(&self) -> Option<AccessToken> {
        self.get().ok()
    }

    fn invalidate(&self, rejected: &AccessToken) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.as_ref().is_some_and(|read| read.token.is_same(rejected)) {
            *current = None;
        }
    }
}

impl fmt::Debug for TokenFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenFile").field("path", &self.path).finish_non_exhaustive()
    }
}
