use std::fmt;

/// Limits what one client says through `tracing`; the application's subscriber decides about the rest.
///
/// What hyper and rustls say is theirs: filter it by target. So are the rare messages of `skyflow_auth` about key files.
///
/// The levels are those of the official SDKs. The default is [`LogLevel::Debug`]: nothing is held back, because a
/// library that is silent by default cannot be looked into without a new build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[non_exhaustive]
pub enum LogLevel {
    /// Everything: spans of operations and attempts, retries, replays.
    #[default]
    Debug,
    /// Spans of operations, and operations that failed.
    Info,
    /// Operations that failed.
    Warn,
    /// Nothing at present: errors are returned, not logged.
    Error,
    /// Nothing.
    Off,
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
            Self::Off => "OFF",
        })
    }
}
