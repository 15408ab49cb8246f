use crate::named_values::named_values;

/// Limits what one client logs through `tracing`; the application's subscriber decides about the rest.
///
/// A level permits events that are at least as severe. The levels are those of the official SDKs. The default is
/// [`LogLevel::Debug`]: a library that is silent by default cannot be examined without a new build. Events of hyper and
/// rustls are not the client's: filter them by target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[non_exhaustive]
pub enum LogLevel {
    /// Everything: spans of attempts, pauses between them, token exchanges.
    #[default]
    Debug,
    /// One event for each call, with its status, attempts, duration and request id.
    Info,
    /// Retries, refused input, and key files that other users can read.
    Warn,
    /// Calls that failed. Recommended in production.
    Error,
    /// Nothing.
    Off,
}

named_values!(LogLevel, "log_level", {
    Debug => "DEBUG",
    Info => "INFO",
    Warn => "WARN",
    Error => "ERROR",
    Off => "OFF",
});
