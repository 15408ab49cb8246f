//! Data tokens that a service account has signed for one use.

use serde::Deserialize;
use serde_json::Value;

use super::caller::Caller;
use super::jws::{Jws, is_in_future};
use crate::clock::Now;
use crate::errors::ApiResult;
use crate::store::accounts;
use rusqlite::Connection;

/// What a signed data token starts with.
const PREFIX: &str = "signed_token_";

#[derive(Deserialize)]
struct SignedClaims {
    iss: Option<String>,
    sub: Option<String>,
    key: Option<String>,
    tok: Option<String>,
    exp: Option<f64>,
    nbf: Option<f64>,
    ctx: Option<Value>,
}

/// Returns the data token of a string.
pub(crate) enum DataToken {
    Plain(String),
    Signed(String),
    /// A signed token whose signature, age, owner or context is wrong.
    Refused,
}

impl DataToken {
    /// A signed token counts when an enabled key of the caller signed it, it has not expired, and its context is the
    /// one of the caller's bearer token.
    pub(crate) fn read(connection: &Connection, caller: &Caller, now: Now, text: &str) -> ApiResult<Self> {
        let Some(token) = text.strip_prefix(PREFIX) else { return Ok(Self::Plain(text.to_owned())) };
        let Some(jws) = Jws::parse(token) else { return Ok(Self::Refused) };
        let Some(claims) = jws.claims::<SignedClaims>() else { return Ok(Self::Refused) };
        let key = match &claims.key {
            Some(key_id) => accounts::key(connection, key_id)?,
            None => None,
        };
        let trusted = key.is_some_and(|key| {
            key.enabled
                && !key.is_expired(now.seconds())
                && key.client_id == caller.client_id
                && claims.sub.as_deref() == Some(&*caller.client_id)
                && claims.iss.as_deref() == Some("sdk")
                && jws.is_signed_by_rsa(&key.public_key)
        });
        // A JSON number; everything a clock can say fits without loss.
        let current = claims.exp.is_some_and(|expiry| expiry as i64 > now.seconds())
            && !is_in_future(claims.nbf, now.seconds());
        Ok(match claims.tok {
            Some(token) if trusted && current && claims.ctx == caller.context => Self::Signed(token),
            _ => Self::Refused,
        })
    }
}
