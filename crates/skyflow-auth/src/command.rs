use std::ffi::OsString;
use std::fmt;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use skyflow_http::{Clock, SystemClock};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use zeroize::Zeroizing;

use crate::exchange::grant;
use crate::{AccessToken, AuthError, TokenFuture, TokenProvider};

/// The maximum output of a command.
const OUTPUT_LIMIT: u64 = 64 * 1024;

/// Runs a command that prints a token, at every call; wrap it in [`Cached`](crate::Cached).
///
/// The command prints the token alone, or a JSON object with `accessToken` and, when the token is no JWT, `expiresIn`
/// in seconds (`access_token` and `expires_in` are read too). It is started directly, not by a shell; its standard
/// input is empty and its standard error is not read.
///
/// ```no_run
/// use skyflow_auth::{Cached, CommandTokens};
///
/// let tokens = Cached::new(CommandTokens::new("my-token-helper").arg("--vault").arg("production"));
/// # let _ = tokens;
/// ```
#[derive(Clone)]
pub struct CommandTokens {
    program: OsString,
    arguments: Vec<OsString>,
    timeout: Duration,
    clock: Arc<dyn Clock>,
}

/// Says how a command failed; nothing it printed is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// It ended with another exit code than 0, or by a signal.
    #[error("the token command failed")]
    Failed {
        /// The exit code, when there was one.
        code: Option<i32>,
    },
    /// It did not end in time and was killed.
    #[error("the token command did not end in time")]
    TimedOut,
    /// It printed no token.
    #[error("the token command printed no token")]
    NoToken,
}

impl CommandTokens {
    /// Runs `program`, which is looked for as the operating system does. It has 30 seconds.
    pub fn new(program: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            timeout: Duration::from_secs(30),
            clock: SystemClock::shared(),
        }
    }

    /// Adds an argument. Other users of the machine can see it: no secret belongs there.
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Sets how long the command may take.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// Replaces the clock.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    async fn run(&self) -> Result<AccessToken, AuthError> {
        let child = Command::new(&self.program)
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // A caller that is dropped, and a timeout, end the command too.
            .kill_on_drop(true)
            .spawn()
            .map_err(AuthError::provider)?;
        let output = tokio::select! {
            biased;
            output = read(child) => output?,
            () = self.clock.sleep(self.timeout) => return Err(AuthError::provider(CommandError::TimedOut)),
        };
        let received = self.clock.monotonic();
        let text = std::str::from_utf8(&output).map(str::trim).unwrap_or_default();
        grant(text, received, self.clock.now()).ok_or_else(|| AuthError::provider(CommandError::NoToken))
    }
}

async fn read(mut child: Child) -> Result<Zeroizing<Vec<u8>>, AuthError> {
    let mut output = Zeroizing::new(Vec::with_capacity(8 * 1024));
    if let Some(stdout) = child.stdout.take() {
        stdout.take(OUTPUT_LIMIT).read_to_end(&mut output).await.map_err(AuthError::provider)?;
    }
    let status = child.wait().await.map_err(AuthError::provider)?;
    match status.success() {
        true => Ok(output),
        false => Err(AuthError::provider(CommandError::Failed { code: status.code() })),
    }
}

impl TokenProvider for CommandTokens {
    fn token(&self) -> TokenFuture<'_> {
        TokenFuture::new(self.run())
    }
}

impl fmt::Debug for CommandTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Arguments are no place for secrets, but some people put them there.
        f.debug_struct("CommandTokens").field("program", &self.program).finish_non_exhaustive()
    }
}
