use std::fmt;
use std::future::{Future, pending};
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{Either, select};
use skyflow_api::Operation;
use skyflow_api::files::GetRun;

use super::file_format::own_extension;
use super::output::{Destination, OutputDirectory, file_stem, name_after};
use super::{Detect, DetectRun};
use crate::Error;
use crate::record::not_blank;

/// The pauses between two polls: they double from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LAST_PAUSE: Duration = Duration::from_secs(4);
/// Polling more often only loads the server.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);

/// How many polls in a row may fail, after the client's own retries, before waiting fails.
const TOLERATED: u32 = 5;

type Progress = Box<dyn FnMut(&DetectRun) + Send>;

/// Waits for a run of any length.
///
/// It polls at once, then after half a second, then after pauses that double up to 4 s. Retryable polling errors are
/// retried up to 5 times in a row. Waiting ends with the run, unless [`RunPoller::within`] sets a limit or
/// [`RunPoller::wait_until`] is told to stop.
///
/// ```
/// # async fn run(detect: skyflow::Detect, run_id: String) -> Result<(), skyflow::Error> {
/// let run = detect
///     .run(run_id)?
///     .on_progress(|run| println!("{} is {}", run.run_id, run.status))
///     .wait()
///     .await?
///     .into_success()?;
/// # Ok(()) }
/// ```
#[must_use = "a poller does nothing until it waits"]
pub struct RunPoller {
    detect: Detect,
    run_id: String,
    first_pause: Duration,
    last_pause: Duration,
    limit: Option<Duration>,
    tolerated: u32,
    progress: Option<Progress>,
    directory: Option<OutputDirectory>,
    /// The name of the file that the run is about, without its extension.
    stem: Option<String>,
}

impl RunPoller {
    fn new(detect: Detect, run_id: String) -> Self {
        Self {
            detect,
            run_id,
            first_pause: FIRST_PAUSE,
            last_pause: LAST_PAUSE,
            limit: None,
            tolerated: TOLERATED,
            progress: None,
            directory: None,
            stem: None,
        }
    }

    /// Returns the id of the run, with which it can be waited for in another process.
    pub fn run_id(&self) -> &str {
        &self.run_id
    }

    /// Sets the pauses between two polls: the first one, and the one up to which they double. Neither is less than
    /// 10 ms.
    pub fn pauses(mut self, first: Duration, last: Duration) -> Self {
        self.first_pause = first.max(SHORTEST_PAUSE);
        self.last_pause = last.max(self.first_pause);
        self
    }

    /// Ends the waiting after this time, a poll under way included, with the last known state of the run; without a
    /// known state it counts as in progress. With a time of zero the server is polled once. The time is that of the
    /// client's clock.
    pub fn within(mut self, time: Duration) -> Self {
        self.limit = Some(time);
        self
    }

    /// Sets how many polls in a row may fail with a retryable error, after the client's own retries, before waiting
    /// fails; 5 by default.
    pub fn tolerate_failures(mut self, in_a_row: u32) -> Self {
        self.tolerated = in_a_row;
        self
    }

    /// Calls `progress` with the state of each poll, the last one included.
    pub fn on_progress(mut self, progress: impl FnMut(&DetectRun) + Send + 'static) -> Self {
        self.progress = Some(Box::new(progress));
        self
    }

    /// Writes what a successful run made into this directory; see
    /// [`DeidentifyFileRequest::output_directory`](crate::DeidentifyFileRequest::output_directory). The files are named
    /// after `name`.
    ///
    /// # Errors
    ///
    /// Fails when the directory cannot be written to.
    pub async fn output_directory(
        self,
        directory: impl Into<PathBuf>,
        name: impl AsRef<str>,
    ) -> Result<Self, Error> {
        let destination = Destination { directory: Some(directory.into()), overwrite: false };
        let name = name.as_ref();
        let stem = file_stem(name);
        let opened = destination.open(stem.clone(), own_extension(name, "")).await?;
        Ok(Self { directory: opened, stem: Some(stem), ..self })
    }

    /// Replaces files of the same name in the output directory; otherwise a new file gets a number. It is about a
    /// directory that was named before.
    pub fn overwrite(mut self, yes: bool) -> Self {
        self.directory = self.directory.map(|directory| directory.overwriting(yes));
        self
    }

    pub(super) fn of_file(self, stem: String, directory: Option<OutputDirectory>) -> Self {
        Self { stem: Some(stem), directory, ..self }
    }

    /// Waits until the run has ended, or the time of [`RunPoller::within`] has expired.
    ///
    /// # Errors
    ///
    /// Fails when polling fails, or the outputs cannot be written; [`Error::run_id`] tells which run it
    /// is. A run that failed is not an error here; see [`DetectRun::into_success`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops the waiting; the run continues at the server.
    pub async fn wait(self) -> Result<DetectRun, Error> {
        self.wait_until(pending::<()>()).await
    }

    /// Waits as [`RunPoller::wait`] does, and stops when `stop` ends: then the last known state of the run is returned.
    /// Without a known state it counts as in progress.
    ///
    /// ```
    /// # async fn run(detect: skyflow::Detect, run_id: String, shutdown: impl Future<Output = ()>) -> Result<(), skyflow::Error> {
    /// let run = detect.run(run_id)?.wait_until(shutdown).await?;
    /// if run.is_in_progress() {
    ///     println!("to be continued: {}", run.run_id);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails as [`RunPoller::wait`] does.
    pub async fn wait_until(mut self, stop: impl Future<Output = ()>) -> Result<DetectRun, Error> {
        let clock = Arc::clone(&self.detect.vault.clock);
        let begin = clock.monotonic();
        let limit = self.limit;
        let left = || limit.map(|limit| limit.saturating_sub(clock.monotonic() - begin));
        let mut stop = pin!(stop.fuse());
        let mut pause = self.first_pause;
        let mut failures = 0;
        let mut last_seen: Option<DetectRun> = None;
        loop {
            let question = self.detect.fetch_run(&self.run_id);
            // Without any time to wait the server is still polled once.
            let time = left().filter(|left| !left.is_zero());
            let time_is_over = pin!(async {
                match time {
                    Some(time) => clock.sleep(time).await,
                    None => pending().await,
                }
            });
            let end = select(stop.as_mut(), time_is_over);
            let polled = match select(pin!(question), end).await {
                Either::Left((polled, _)) => polled,
                Either::Right(_) => return Ok(self.as_seen(last_seen)),
            };
            let is_over = left().is_some_and(|left| left.is_zero());
            match polled {
                Ok(run) => {
                    failures = 0;
                    if let Some(progress) = &mut self.progress {
                        progress(&run);
                    }
                    if !run.is_in_progress() {
                        return self.saved(run).await;
                    }
                    if is_over {
                        return Ok(run);
                    }
                    last_seen = Some(run);
                }
                Err(error) if error.is_retryable() && failures < self.tolerated && !is_over => failures += 1,
                // The time has expired, and the run has a known state.
                Err(error) => return last_seen.filter(|_| is_over && error.is_retryable()).ok_or(error),
            }
            let sleep = clock.sleep(left().map_or(pause, |left| left.min(pause)));
            if let Either::Left(_) = select(stop.as_mut(), sleep).await {
                return Ok(self.as_seen(last_seen));
            }
            pause = pause.saturating_mul(2).min(self.last_pause);
        }
    }

    fn as_seen(&self, last_seen: Option<DetectRun>) -> DetectRun {
        last_seen.unwrap_or_else(|| DetectRun::under_way(&self.run_id))
    }

    async fn saved(self, mut run: DetectRun) -> Result<DetectRun, Error> {
        if let Some(stem) = &self.stem {
            name_after(stem, &mut run.outputs);
        }
        if let Some(directory) = self.directory
            && run.status == super::RunStatus::Success
        {
            let saved = directory.save(&run.outputs).await;
            run.saved =
                saved.map_err(|error| error.in_operation(GetRun::INFO.name).with_run_id(self.run_id))?;
        }
        Ok(run)
    }
}

impl fmt::Debug for RunPoller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunPoller")
            .field("run_id", &self.run_id)
            .field("first_pause", &self.first_pause)
            .field("last_pause", &self.last_pause)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl Detect {
    /// Returns what waits for a run that was started before, in this process or another.
    ///
    /// # Errors
    ///
    /// Fails when the id is blank.
    pub fn run(&self, run_id: impl Into<String>) -> Result<RunPoller, Error> {
        let run_id = run_id.into();
        not_blank("run_id", &run_id).map_err(|error| error.in_operation(GetRun::INFO.name))?;
        Ok(RunPoller::new(self.clone(), run_id))
    }
}
