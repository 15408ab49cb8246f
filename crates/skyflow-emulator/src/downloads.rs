//! Download links: who holds one may read one file for 15 minutes.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::clock::Now;
use crate::store::files::FileCell;
use skyflow_testkit::Random;

/// How long a link works, in milliseconds.
const LIFE: i64 = 15 * 60 * 1000;

/// The path under which links are served.
pub(crate) const PATH: &str = "/_emulator/files/";

/// The links that still work.
#[derive(Default)]
pub(crate) struct Downloads(Mutex<HashMap<String, Link>>);

struct Link {
    cell: FileCell,
    inline: bool,
    expires_at: i64,
}

impl Downloads {
    /// Makes a path that cannot be guessed.
    ///
    /// The response to the link lets a browser show the file, or save it.
    pub(crate) fn path_to(&self, cell: FileCell, inline: bool, now: Now) -> String {
        let key = Random::system().hex(64);
        let path = format!("{PATH}{key}");
        let mut links = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        links.retain(|_, link| link.expires_at > now.millis());
        links.insert(key, Link { cell, inline, expires_at: now.millis() + LIFE });
        path
    }

    pub(crate) fn find(&self, key: &str, now: Now) -> Option<(FileCell, bool)> {
        let links = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        links
            .get(key)
            .filter(|link| link.expires_at > now.millis())
            .map(|link| (link.cell.clone(), link.inline))
    }
}
