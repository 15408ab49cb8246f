use std::path::PathBuf;
use std::time::Duration;

#[cfg(feature = "detect-v2")]
use skyflow_api::types;
use skyflow_http::blocking::BlockingRuntime;
use skyflow_types::VaultId;

use super::{blocking_methods, handle_methods, wait};
use crate::{
    DeidentifyFileRequest, DeidentifyTextRequest, DeidentifyTextResponse, DetectRun, Error,
    GuardrailsRequest, GuardrailsResponse, ReidentifyFileRequest, ReidentifyFileResponse,
    ReidentifyTextRequest, ReidentifyTextResponse,
};

/// A handle on Detect in one vault of a synchronous client; cheap to clone.
#[derive(Debug, Clone)]
pub struct Detect {
    handle: crate::Detect,
    runtime: BlockingRuntime,
}

impl Detect {
    handle_methods!(Detect);

    /// Returns the id of the vault.
    pub fn vault_id(&self) -> &VaultId {
        self.handle.vault_id()
    }

    blocking_methods! { Detect:
        fn deidentify_text(request: DeidentifyTextRequest) -> DeidentifyTextResponse;
        fn reidentify_text(request: ReidentifyTextRequest) -> ReidentifyTextResponse;
        fn deidentify_file(request: DeidentifyFileRequest) -> DetectRun;
        fn reidentify_file(request: ReidentifyFileRequest) -> ReidentifyFileResponse;
        fn get_detect_run(run_id: impl Into<String>) -> DetectRun;
        fn check_guardrails(request: GuardrailsRequest) -> GuardrailsResponse;
    }

    /// Starts to de-identify a file, and returns what waits for its run; see
    /// [`Detect::start_deidentify_file`](crate::Detect::start_deidentify_file).
    ///
    /// # Errors
    ///
    /// Fails as [`Detect::start_deidentify_file`](crate::Detect::start_deidentify_file) does.
    pub fn start_deidentify_file(&self, request: DeidentifyFileRequest) -> Result<RunPoller, Error> {
        let poller = wait(&self.runtime, self.handle.start_deidentify_file(request))?;
        Ok(RunPoller { poller, runtime: self.runtime.clone() })
    }

    /// Returns what waits for a run that was started before, in this process or another.
    ///
    /// # Errors
    ///
    /// Fails when the id is blank.
    pub fn run(&self, run_id: impl Into<String>) -> Result<RunPoller, Error> {
        Ok(RunPoller { poller: self.handle.run(run_id)?, runtime: self.runtime.clone() })
    }
}

#[cfg(feature = "detect-v2")]
impl Detect {
    /// Returns a handle on version 2 of Detect, with the options and layers of this one.
    pub fn version_2(&self) -> DetectV2 {
        DetectV2 { handle: self.handle.version_2(), runtime: self.runtime.clone() }
    }
}

/// A handle on version 2 of Detect in one vault of a synchronous client; cheap to clone.
#[cfg(feature = "detect-v2")]
#[derive(Debug, Clone)]
pub struct DetectV2 {
    handle: crate::DetectV2,
    runtime: BlockingRuntime,
}

#[cfg(feature = "detect-v2")]
impl DetectV2 {
    blocking_methods! { DetectV2:
        fn deidentify_string(request: types::DeidentifyStringRequestV2) -> types::DeidentifyStringResponseV2;
        fn reidentify_string(request: types::ReidentifyStringRequestV2) -> types::ReidentifyStringResponseV2;
        fn check_guardrails(request: types::CheckGuardrailsRequestV2) -> types::CheckGuardrailsResponseV2;
        fn start_deidentify_file(request: types::DeidentifyFileRequestV2) -> String;
        fn reidentify_file(request: types::ReidentifyFileRequestV2) -> types::ReidentifyFileResponseV2;
        fn get_run(run_id: impl Into<String>) -> types::DetectRunResponseV2;
    }
}

/// Waits for a run of any length; see [`crate::RunPoller`].
#[derive(Debug)]
#[must_use = "a poller does nothing until it waits"]
pub struct RunPoller {
    poller: crate::RunPoller,
    runtime: BlockingRuntime,
}

impl RunPoller {
    fn changed(self, change: impl FnOnce(crate::RunPoller) -> crate::RunPoller) -> Self {
        Self { poller: change(self.poller), runtime: self.runtime }
    }

    /// Returns the id of the run, with which it can be waited for in another process.
    pub fn run_id(&self) -> &str {
        self.poller.run_id()
    }

    /// Sets the pauses between two polls; see [`crate::RunPoller::pauses`].
    pub fn pauses(self, first: Duration, last: Duration) -> Self {
        self.changed(|poller| poller.pauses(first, last))
    }

    /// Ends the waiting after this time; see [`crate::RunPoller::within`].
    pub fn within(self, time: Duration) -> Self {
        self.changed(|poller| poller.within(time))
    }

    /// Sets how many polls in a row may fail; see [`crate::RunPoller::tolerate_failures`].
    pub fn tolerate_failures(self, in_a_row: u32) -> Self {
        self.changed(|poller| poller.tolerate_failures(in_a_row))
    }

    /// Calls `progress` with the state of each poll, the last one included, on the thread that waits.
    pub fn on_progress(self, progress: impl FnMut(&DetectRun) + Send + 'static) -> Self {
        self.changed(|poller| poller.on_progress(progress))
    }

    /// Writes what a successful run made into this directory; see [`crate::RunPoller::output_directory`].
    ///
    /// # Errors
    ///
    /// Fails when the directory cannot be written to.
    pub fn output_directory(
        self,
        directory: impl Into<PathBuf>,
        name: impl AsRef<str>,
    ) -> Result<Self, Error> {
        let poller = wait(&self.runtime, self.poller.output_directory(directory, name))?;
        Ok(Self { poller, runtime: self.runtime })
    }

    /// Replaces files of the same name in the output directory; see [`crate::RunPoller::overwrite`].
    pub fn overwrite(self, yes: bool) -> Self {
        self.changed(|poller| poller.overwrite(yes))
    }

    /// Blocks the thread until the run has ended, or the time of [`RunPoller::within`] has expired.
    ///
    /// # Errors
    ///
    /// Fails as [`crate::RunPoller::wait`] does.
    pub fn wait(self) -> Result<DetectRun, Error> {
        wait(&self.runtime, self.poller.wait())
    }
}
