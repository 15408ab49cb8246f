//! The runs of Detect: what each will answer, and from when on.

use rusqlite::{Connection, OptionalExtension, params};

/// A run.
pub(crate) struct RunRow {
    /// Milliseconds since 1970; until then the run is under way.
    pub(crate) ends_at: i64,
    /// The answer of the ended run, as JSON.
    pub(crate) answer: String,
}

pub(crate) fn put(connection: &Connection, run_id: &str, run: &RunRow) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO detect_runs VALUES (?1, ?2, ?3)")?
        .execute(params![run_id, run.ends_at, run.answer])
        .map(drop)
}

pub(crate) fn get(connection: &Connection, run_id: &str) -> rusqlite::Result<Option<RunRow>> {
    connection
        .prepare_cached("SELECT ends_at, answer FROM detect_runs WHERE run_id = ?1")?
        .query_row([run_id], |row| Ok(RunRow { ends_at: row.get(0)?, answer: row.get(1)? }))
        .optional()
}

/// Forgets a run; true when there was one.
pub(crate) fn remove(connection: &Connection, run_id: &str) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("DELETE FROM detect_runs WHERE run_id = ?1")?
        .execute([run_id])
        .map(|removed| removed > 0)
}
