//! The runs of Detect: what each will answer, and from when on.

use rusqlite::{Connection, OptionalExtension, params};

/// A run.
pub(crate) struct RunRow {
    /// Milliseconds since 1970; until then the run is under way.
    pub(crate) ends_at: i64,
    /// The answer of the ended run, as JSON; nothing as long as there is work to do.
    pub(crate) answer: Option<String>,
}

pub(crate) fn put(connection: &Connection, run_id: &str, run: &RunRow) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO detect_runs VALUES (?1, ?2, ?3)")?
        .execute(params![run_id, run.ends_at, run.answer])
        .map(drop)
}

/// Gives a run its answer, unless it has one or is gone, and has it end now if its time is over. True when it was given.
pub(crate) fn answer(
    connection: &Connection,
    run_id: &str,
    answer: &str,
    now: i64,
) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "UPDATE detect_runs SET answer = ?2, ends_at = max(ends_at, ?3) WHERE run_id = ?1 AND answer IS NULL",
        )?
        .execute(params![run_id, answer, now])
        .map(|changed| changed > 0)
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
    fn an_answer_stays_and_a_run_at_work_is_not_forgotten() {
        let store = Store::open(None).unwrap();
        let outcome: rusqlite::Result<_> = store.write(|transaction| {
            put(transaction, "answered", &RunRow { ends_at: 5, answer: Some("first".to_owned()) })?;
            assert!(!answer(transaction, "answered", "second", 9)?);
            let answered = get(transaction, "answered")?.unwrap();
            put(transaction, "at work", &RunRow { ends_at: 5, answer: None })?;
            remove_before(transaction, 100)?;
            let gone = get(transaction, "answered")?.is_none();
            assert!(answer(transaction, "at work", "late", 99)?);
            let late = get(transaction, "at work")?.unwrap();
            Ok((answered, gone, late))
        });
        let (answered, gone, late) = outcome.unwrap();
        assert_eq!((answered.answer.as_deref(), answered.ends_at), (Some("first"), 5));
        assert!(gone);
        assert_eq!((late.answer.as_deref(), late.ends_at), (Some("late"), 99));
    }
}
