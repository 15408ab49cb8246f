//! The state of the server in one SQLite database: documents by kind, tenant and id, encrypted.
//!
//! Ids, such as the paths of secrets, are in clear; documents are sealed with AES-256-GCM. The key is kept beside a data
//! file, readable for its owner only, so that the file alone tells no value.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use skyflow_testkit::Random;
use zeroize::Zeroizing;

/// Reports a database that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// SQLite failed.
    #[error("the database cannot be used")]
    Sqlite(#[from] rusqlite::Error),
    /// A file cannot be read or written.
    #[error("a file of the database cannot be used")]
    Io(#[from] std::io::Error),
    /// The key does not fit the database, or a document is damaged.
    #[error(
        "a document cannot be opened: the key file belongs to another database, or the database is damaged"
    )]
    Sealed,
}

/// One connection, used by one request at a time.
pub(crate) struct Store {
    connection: Mutex<Connection>,
    key: RandomizedNonceKey,
}

impl Store {
    /// Opens a database in memory, or a file.
    pub(crate) fn open(path: Option<&Path>, random: &Random) -> Result<Self, StoreError> {
        let (connection, key) = match path {
            Some(path) => {
                let key = key_beside(path, random)?;
                drop(private(path)?);
                let connection = Connection::open(path)?;
                connection.pragma_update(None, "journal_mode", "WAL")?;
                connection.pragma_update(None, "synchronous", "NORMAL")?;
                (connection, key)
            }
            None => (Connection::open_in_memory()?, Zeroizing::new(random.bytes())),
        };
        connection.pragma_update(None, "secure_delete", true)?;
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS documents (
                 sequence INTEGER PRIMARY KEY AUTOINCREMENT,
                 kind TEXT NOT NULL,
                 tenant TEXT NOT NULL,
                 id TEXT NOT NULL,
                 body BLOB NOT NULL,
                 UNIQUE (kind, tenant, id)
             );",
        )?;
        let key = RandomizedNonceKey::new(&AES_256_GCM, &*key).map_err(|_| StoreError::Sealed)?;
        let store = Self { connection: Mutex::new(connection), key };
        // A wrong key is found now and not at the first read.
        let _: Vec<(String, serde_json::Value)> = store.list("setting", "")?;
        Ok(store)
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a transaction; the caller is the only one at work.
    pub(crate) fn begin(&self) -> Result<(), StoreError> {
        Ok(self.lock().execute_batch("BEGIN")?)
    }

    /// Ends a transaction: what was written is kept, or undone.
    pub(crate) fn end(&self, keep: bool) -> Result<(), StoreError> {
        Ok(self.lock().execute_batch(if keep { "COMMIT" } else { "ROLLBACK" })?)
    }

    /// Returns a document.
    pub(crate) fn get<T: DeserializeOwned>(
        &self,
        kind: &str,
        tenant: &str,
        id: &str,
    ) -> Result<Option<T>, StoreError> {
        let sealed: Option<Vec<u8>> = self
            .lock()
            .prepare_cached("SELECT body FROM documents WHERE kind = ?1 AND tenant = ?2 AND id = ?3")?
            .query_row(params![kind, tenant, id], |row| row.get(0))
            .optional()?;
        sealed.map(|sealed| self.opened(kind, sealed)).transpose()
    }

    /// Writes a document.
    pub(crate) fn put<T: Serialize>(
        &self,
        kind: &str,
        tenant: &str,
        id: &str,
        document: &T,
    ) -> Result<(), StoreError> {
        let sealed = self.sealed(kind, document)?;
        self.lock()
            .prepare_cached(
                "INSERT INTO documents (kind, tenant, id, body) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (kind, tenant, id) DO UPDATE SET body = excluded.body",
            )?
            .execute(params![kind, tenant, id, sealed])?;
        Ok(())
    }

    /// Removes a document; tells whether there was one.
    pub(crate) fn remove(&self, kind: &str, tenant: &str, id: &str) -> Result<bool, StoreError> {
        let removed = self
            .lock()
            .prepare_cached("DELETE FROM documents WHERE kind = ?1 AND tenant = ?2 AND id = ?3")?
            .execute(params![kind, tenant, id])?;
        Ok(removed > 0)
    }

    /// Returns all documents of a kind, in the order in which they were created.
    pub(crate) fn list<T: DeserializeOwned>(
        &self,
        kind: &str,
        tenant: &str,
    ) -> Result<Vec<(String, T)>, StoreError> {
        let rows: Vec<(String, Vec<u8>)> = {
            let connection = self.lock();
            let mut statement = connection.prepare_cached(
                "SELECT id, body FROM documents WHERE kind = ?1 AND tenant = ?2 ORDER BY sequence",
            )?;
            let rows = statement.query_map(params![kind, tenant], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect::<Result<_, _>>()?
        };
        rows.into_iter().map(|(id, sealed)| Ok((id, self.opened(kind, sealed)?))).collect()
    }

    /// Returns the tenants that have documents of a kind.
    pub(crate) fn tenants(&self, kind: &str) -> Result<Vec<String>, StoreError> {
        let connection = self.lock();
        let mut statement =
            connection.prepare_cached("SELECT DISTINCT tenant FROM documents WHERE kind = ?1")?;
        let tenants = statement.query_map(params![kind], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(tenants)
    }

    /// Keeps the newest documents of a kind.
    pub(crate) fn trim(&self, kind: &str, tenant: &str, keep: usize) -> Result<(), StoreError> {
        self.lock()
            .prepare_cached(
                "DELETE FROM documents WHERE kind = ?1 AND tenant = ?2 AND sequence NOT IN
                 (SELECT sequence FROM documents WHERE kind = ?1 AND tenant = ?2 ORDER BY sequence DESC LIMIT ?3)",
            )?
            .execute(params![kind, tenant, i64::try_from(keep).unwrap_or(i64::MAX)])?;
        Ok(())
    }

    fn sealed<T: Serialize>(&self, kind: &str, document: &T) -> Result<Vec<u8>, StoreError> {
        let mut body = serde_json::to_vec(document).map_err(|_| StoreError::Sealed)?;
        let nonce = self
            .key
            .seal_in_place_append_tag(Aad::from(kind.as_bytes()), &mut body)
            .map_err(|_| StoreError::Sealed)?;
        let mut sealed = nonce.as_ref().to_vec();
        sealed.append(&mut body);
        Ok(sealed)
    }

    fn opened<T: DeserializeOwned>(&self, kind: &str, mut sealed: Vec<u8>) -> Result<T, StoreError> {
        let (nonce, body) = sealed.split_at_mut_checked(12).ok_or(StoreError::Sealed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| StoreError::Sealed)?;
        let body = self
            .key
            .open_in_place(nonce, Aad::from(kind.as_bytes()), body)
            .map_err(|_| StoreError::Sealed)?;
        serde_json::from_slice(body).map_err(|_| StoreError::Sealed)
    }
}

/// Reads the key beside a data file, or makes one.
fn key_beside(data: &Path, random: &Random) -> Result<Zeroizing<[u8; 32]>, StoreError> {
    let mut path: PathBuf = data.to_owned();
    let name = data.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    path.set_file_name(format!("{name}.key"));
    if path.exists() {
        let key = Zeroizing::new(std::fs::read(&path)?);
        let key: [u8; 32] = key.as_slice().try_into().map_err(|_| StoreError::Sealed)?;
        return Ok(Zeroizing::new(key));
    }
    let key = Zeroizing::new(random.bytes::<32>());
    std::io::Write::write_all(&mut private(&path)?, &*key)?;
    Ok(key)
}

/// Opens a file that only its owner may read.
fn private(path: &Path) -> std::io::Result<std::fs::File> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_without_its_key_tells_no_value() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault.db");
        let store = Store::open(Some(&path), &Random::system()).unwrap();
        store.put("secret", "t", "app/db", &"hunter2-hunter2").unwrap();
        store.put("setting", "", "x", &1).unwrap();
        drop(store);
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            assert!(!bytes.windows(7).any(|window| window == b"hunter2"));
        }
        let again = Store::open(Some(&path), &Random::system()).unwrap();
        assert_eq!(again.get::<String>("secret", "t", "app/db").unwrap().as_deref(), Some("hunter2-hunter2"));
        drop(again);
        std::fs::write(folder.path().join("vault.db.key"), [7; 32]).unwrap();
        assert!(matches!(Store::open(Some(&path), &Random::system()), Err(StoreError::Sealed)));
    }

    #[test]
    fn rolled_back_documents_are_gone() {
        let store = Store::open(None, &Random::system()).unwrap();
        store.begin().unwrap();
        store.put("a", "t", "1", &1).unwrap();
        store.end(false).unwrap();
        assert_eq!(store.get::<i32>("a", "t", "1").unwrap(), None);
    }
}
