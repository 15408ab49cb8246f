//! The certificate authority of a vault, so that clients which insist on HTTPS can be tested.

use std::ops::Range;
use std::time::{Duration, SystemTime};

use rusqlite::Connection;
use skyflow_testkit::{Authority, AuthorityBuilder, CertificateError, Identity};

use crate::clock::Now;
use crate::state::State;
use crate::store::settings;

const DAY: Duration = Duration::from_secs(86_400);
/// How long certificates are valid, in days.
const VALID: u32 = 90;
/// The age at which an authority is replaced, in days.
const REPLACED: u32 = 60;

/// The domains whose hosts the certificate names. The authority can sign for no others, so that a client which trusts
/// it risks nothing else.
const DOMAINS: [&str; 4] =
    ["skyflowapis.com", "skyflowapis-preview.com", "skyflowapis.dev", "skyflowapis.tech"];

/// Reports a certificate that could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthorityError {
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    #[error(transparent)]
    Store(#[from] rusqlite::Error),
}

/// Returns a fresh server certificate and the certificate of the authority that signed it, in PEM. The authority is kept in
/// the store.
pub(crate) fn identity(state: &State) -> Result<(Identity, String), AuthorityError> {
    let now = state.now();
    let authority = state.store.write(|transaction| authority(transaction, now))?;
    let local = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let hosts = DOMAINS
        .iter()
        .flat_map(|domain| ["*.vault", "*.gateway", "manage"].map(|host| format!("{host}.{domain}")));
    let identity = authority.issue_for(local.into_iter().chain(hosts), Some(validity(now.0)))?;
    Ok((identity, authority.pem().to_owned()))
}

/// Returns the stored authority, or a new one when it is missing or too old.
fn authority(connection: &Connection, now: Now) -> Result<Authority, AuthorityError> {
    let stored = |setting| -> rusqlite::Result<Option<String>> {
        Ok(settings::get(connection, setting)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    };
    if let (Some(key), Some(certificate), Some(made)) =
        (stored("ca_key")?, stored("ca_pem")?, stored("ca_made")?)
        && let Some(made) =
            made.parse().ok().and_then(|made| SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(made)))
        && now.0.duration_since(made).is_ok_and(|age| age < REPLACED * DAY)
    {
        return Ok(limits(made).restore(&key, certificate)?);
    }
    let authority = limits(now.0).generate()?;
    settings::set(connection, "ca_key", authority.key_pem().as_bytes())?;
    settings::set(connection, "ca_pem", authority.pem().as_bytes())?;
    settings::set(connection, "ca_made", now.millis().to_string().as_bytes())?;
    Ok(authority)
}

fn limits(made: SystemTime) -> AuthorityBuilder {
    Authority::builder().name("skyflow-emulator test authority").domains(DOMAINS).valid(validity(made))
}

/// Makes certificates valid from a day before, because the clocks of clients differ.
fn validity(made: SystemTime) -> Range<SystemTime> {
    made.checked_sub(DAY).unwrap_or(made)..made.checked_add(VALID * DAY).unwrap_or(made)
}
