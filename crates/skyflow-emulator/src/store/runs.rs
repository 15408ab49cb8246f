//! The runs of Detect: the response of each, and the time from which it is shown.

use rusqlite::{Connection, OptionalExtension, params};

/// A run.
pub(crate) struct RunRow {
    /// Milliseconds since 1970; until then the run is under way.
    pub(crate) ends_at: i64,
    /// The response of the ended run, as JSON; nothing as long as there is work to do.
    pub(crate) response: Option<String>,
}

pub(crate) fn put(connection: &Connection, run_id: &str, run: &RunRow) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO detect_runs VALUES (?1, ?2, ?3)")?
        .execute(params![run_id, run.ends_at, run.response])
        .map(drop)
}

/// Sets the response of a run, unless it has one or is gone; a run whose time has passed ends now. True when it was set.
pub(crate) fn set_response(
    connection: &Connection,
    run_id: &str,
    response: &str,
    now: i64,
) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "UPDATE detect_runs SET answer = ?2, ends_at = max(ends_at, ?3) WHERE run_id = ?1 AND answer IS NULL",
        )?
        .execute(params![run_id, response, now])
        .map(|changed| changed > 0)
}

pub(crate) fn get(connection: &Connection, run_id: &str) -> rusqlite::Result<Option<RunRow>> {
    connection
        .prepare_cached("SELECT ends_at, answer FROM detect_runs WHERE run_id = ?1")?
        .query_row([run_id], |row| Ok(RunRow { ends_at: row.get(0)?, response: row.get(1)? }))
        .optional()
}

/// Forgets a run; true when there was one.
pub(crate) fn remove(connection: &Connection, run_id: &str) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("DELETE FROM detect_runs WHERE run_id = ?1")?
        .execute([run_id])
        .map(|removed| removed > 0)
}

/// Forgets the runs that ended before a time; not those at work.
pub(crate) fn remove_before(connection: &Connection, time: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM detect_runs WHERE ends_at < ?1 AND answer IS NOT NULL")?
        .execute([time])
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[test]
    fn first_response_is_kept_and_open_runs_remain() {
        let store = Store::open(None).unwrap();
        let outcome: rusqlite::Result<_> = store.write(|transaction| {
            put(transaction, "finished", &RunRow { ends_at: 5, response: Some("first".to_owned()) })?;
            assert!(!set_response(transaction, "finished", "second", 9)?);
            let finished = get(transaction, "finished")?.unwrap();
            put(transaction, "at work", &RunRow { ends_at: 5, response: None })?;
            remove_before(transaction, 100)?;
            let gone = get(transaction, "finished")?.is_none();
            assert!(set_response(transaction, "at work", "late", 99)?);
            let late = get(transaction, "at work")?.unwrap();
            Ok((finished, gone, late))
        });
        let (finished, gone, late) = outcome.unwrap();
        assert_eq!((finished.response.as_deref(), finished.ends_at), (Some("first"), 5));
        assert!(gone);
        assert_eq!((late.response.as_deref(), late.ends_at), (Some("late"), 99));
    }
}
