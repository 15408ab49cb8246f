//! The SQLite database under the vault: a table of values per vault table, one table of tokens, and what the vault
//! has to remember about itself.

pub(crate) mod accounts;
pub(crate) mod files;
pub(crate) mod layout;
pub(crate) mod records;
#[cfg(feature = "detect")]
pub(crate) mod runs;
mod search;
pub(crate) mod settings;
pub(crate) mod token_exchanges;
pub(crate) mod tokens;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, Transaction};

pub(crate) use search::Searched;

/// Prepared statements that are kept; an insert has one per set of columns.
const STATEMENTS: usize = 256;

/// One connection, used by one operation at a time; searches that take long leave it to the others.
pub(crate) struct Store {
    connection: Mutex<Connection>,
    /// The data file, unless all is in memory.
    path: Option<PathBuf>,
    places: search::Places,
}

impl Store {
    /// Opens the database: in memory, or a file that only its owner may read.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, OpenError> {
        let connection = match path {
            Some(path) => {
                make_private(path)?;
                let connection = Connection::open(path)?;
                connection.pragma_update(None, "journal_mode", "WAL")?;
                connection.pragma_update(None, "synchronous", "NORMAL")?;
                connection
            }
            None => Connection::open_in_memory()?,
        };
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        connection.pragma_update(None, "secure_delete", true)?;
        configure(&connection)?;
        layout::create(&connection)?;
        // The data is opened again for searches, wherever the process has gone by then.
        let path = path.map(std::path::absolute).transpose()?;
        Ok(Self { connection: Mutex::new(connection), path, places: search::Places::default() })
    }

    /// Runs work that only reads.
    pub(crate) fn read<T, E>(&self, work: impl FnOnce(&Connection) -> Result<T, E>) -> Result<T, E> {
        work(&self.lock())
    }

    /// Runs work in a transaction: all of it happens, or nothing when it fails.
    pub(crate) fn write<T, E>(&self, work: impl FnOnce(&mut Transaction<'_>) -> Result<T, E>) -> Result<T, E>
    where
        E: From<rusqlite::Error>,
    {
        let mut connection = self.lock();
        let mut transaction = connection.transaction()?;
        let outcome = work(&mut transaction)?;
        transaction.commit()?;
        Ok(outcome)
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A panic inside an operation rolls its transaction back, so the connection is sound afterwards.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sets how every connection compares: as in standard SQL; `ILIKE` is the one that ignores case.
fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "case_sensitive_like", true)
}

/// Reports a database that could not be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// The file holds private keys, so it is created for its owner alone.
fn make_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// Quotes a name that the schema has checked.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
