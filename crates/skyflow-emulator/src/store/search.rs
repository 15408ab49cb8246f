//! Reads that may take long. A statement gets a short time with the connection of the vault; one that needs more goes on
//! with a copy of the data, so that other requests do not wait for it, until its time limit ends it.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::backup::Backup;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use skyflow_http::Clock;

use super::{Store, configure};

/// How many steps of SQLite's machine pass between two looks at the time.
const STEPS: i32 = 1000;
/// How many looks a statement gets with the vault's own connection, about ten milliseconds in all.
const LOOKS: u32 = 200;
/// How many statements go on with copies at a time.
const PLACES: usize = 4;

/// The outcome of a search.
pub(crate) enum Searched<T> {
    Found(T),
    OutOfTime,
}

/// The places for searches with copies.
#[derive(Default)]
pub(super) struct Places {
    taken: Mutex<usize>,
    freed: Condvar,
}

impl Places {
    fn take(&self) -> Place<'_> {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken =
            self.freed.wait_while(taken, |taken| *taken >= PLACES).unwrap_or_else(PoisonError::into_inner);
        *taken += 1;
        Place(self)
    }
}

struct Place<'a>(&'a Places);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        *self.0.taken.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.freed.notify_one();
    }
}

impl Store {
    /// Runs work that only reads, and that may run twice.
    pub(crate) fn search<T>(
        &self,
        clock: &Arc<dyn Clock>,
        limit: Duration,
        work: impl Fn(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Searched<T>> {
        let start = clock.monotonic();
        {
            let mut connection = self.lock();
            let mut looks = 0;
            let out_of_time = move || {
                looks += 1;
                looks > LOOKS
            };
            if let found @ Searched::Found(_) = bounded(&mut connection, out_of_time, &work)? {
                return Ok(found);
            }
        }
        // The wait is bounded: each search that has a place ends within its limit.
        let _place = self.places.take();
        if is_over(clock, start, limit) {
            return Ok(Searched::OutOfTime);
        }
        let mut copy = self.copy()?;
        let clock = Arc::clone(clock);
        bounded(&mut copy, move || is_over(&clock, start, limit), &work)
    }

    /// Opens the data a second time, or copies what is in memory only.
    fn copy(&self) -> rusqlite::Result<Connection> {
        match &self.path {
            Some(path) => {
                let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
                configure(&connection)?;
                Ok(connection)
            }
            None => {
                let mut copy = Connection::open_in_memory()?;
                let source = self.lock();
                Backup::new(&source, &mut copy)?.run_to_completion(i32::MAX, Duration::ZERO, None)?;
                drop(source);
                configure(&copy)?;
                Ok(copy)
            }
        }
    }
}

fn is_over(clock: &Arc<dyn Clock>, start: Instant, limit: Duration) -> bool {
    clock.monotonic().saturating_duration_since(start) >= limit
}

fn bounded<T>(
    connection: &mut Connection,
    out_of_time: impl FnMut() -> bool + Send + 'static,
    work: &impl Fn(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<Searched<T>> {
    connection.progress_handler(STEPS, Some(out_of_time))?;
    let found = work(connection);
    connection.progress_handler(0, None::<fn() -> bool>)?;
    match found {
        Ok(found) => Ok(Searched::Found(found)),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => {
            Ok(Searched::OutOfTime)
        }
        Err(error) => Err(error),
    }
}
