//! The value syntaxes of ScaiVault, checked before anything is sent. The embedded server uses them too.

mod duration;
mod path;
mod pattern;

pub use self::duration::{DurationList, VaultDuration};
pub use self::path::SecretPath;
pub(crate) use self::path::checked_prefix;
pub use self::pattern::PathPattern;

use crate::{Error, InvalidInput};

/// Checks a duration, and names the argument that it is.
pub(crate) fn duration_of<D>(field: &'static str, duration: D) -> Result<VaultDuration, Error>
where
    D: TryInto<VaultDuration>,
    D::Error: Into<InvalidInput>,
{
    duration.try_into().map_err(|error| Error::InvalidInput(error.into().in_field(field)))
}

/// Checks a list of durations, and names the argument that it is.
pub(crate) fn durations_of<D>(field: &'static str, durations: D) -> Result<DurationList, Error>
where
    D: TryInto<DurationList>,
    D::Error: Into<InvalidInput>,
{
    durations.try_into().map_err(|error| Error::InvalidInput(error.into().in_field(field)))
}

/// Checks a pattern, and names the argument that it is.
pub(crate) fn pattern_of<P>(field: impl Into<String>, pattern: P) -> Result<PathPattern, Error>
where
    P: TryInto<PathPattern>,
    P::Error: Into<InvalidInput>,
{
    pattern.try_into().map_err(|error| Error::InvalidInput(error.into().in_field(field)))
}
