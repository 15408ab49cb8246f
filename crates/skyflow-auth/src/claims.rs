use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use skyflow_http::{Clock, SystemClock};
use zeroize::Zeroizing;

/// The claims of the assertion that is exchanged for a bearer token: these and no others.
#[derive(Serialize)]
pub(crate) struct Assertion<'a> {
    pub(crate) iss: &'a str,
    pub(crate) key: &'a str,
    pub(crate) aud: &'a str,
    pub(crate) sub: &'a str,
    pub(crate) exp: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ctx: Option<&'a Value>,
}

/// Claims of a token whose signature is not checked: enough to know when it expires, and not to be trusted.
#[derive(Debug, Deserialize)]
pub(crate) struct Unverified {
    #[serde(default, deserialize_with = "numeric_date")]
    pub(crate) exp: Option<u64>,
    #[serde(default, deserialize_with = "numeric_date")]
    pub(crate) iat: Option<u64>,
}

impl Unverified {
    /// Reads the claims of a compact JWT; `None` when it is none.
    pub(crate) fn read(token: &str) -> Option<Self> {
        let mut parts = token.split('.');
        let (_, claims, _) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        // Some issuers pad, against the standard. Only the claims are read, so the other parts stay out of the copy.
        let unpadded = Zeroizing::new(format!(".{}.", claims.trim_end_matches('=')));
        jsonwebtoken::dangerous::insecure_decode_claims(unpadded.as_bytes()).ok()
    }
}

/// RFC 7519 allows a fraction.
fn numeric_date<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let number = Option::<f64>::deserialize(deserializer)?;
    Ok(number.filter(|n| n.is_finite() && *n >= 0.0).map(|n| n as u64))
}

pub(crate) fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}

/// Tells whether a bearer token has expired, by its own `exp` claim and the time of day.
///
/// A text that is no JWT, and a JWT without `exp`, count as expired, as in the official SDKs. An API key is no JWT:
/// it does not expire, and this function is not for it. The signature is not checked.
///
/// ```
/// assert!(skyflow_auth::is_expired("not a token"));
/// ```
pub fn is_expired(token: &str) -> bool {
    is_expired_at(token, SystemClock.now())
}

/// Tells whether a bearer token has expired at `now`; see [`is_expired`].
pub fn is_expired_at(token: &str, now: SystemTime) -> bool {
    Unverified::read(token).and_then(|claims| claims.exp).is_none_or(|exp| unix_seconds(now) >= exp)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn jwt(claims: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn token_expires_at_its_exp_claim() {
        let token = jwt(r#"{"exp":1000}"#);
        for (now, expired) in [(0, false), (999, false), (1000, true), (1001, true)] {
            assert_eq!(is_expired_at(&token, UNIX_EPOCH + Duration::from_secs(now)), expired, "{now}");
        }
    }

    #[test]
    fn what_cannot_be_read_counts_as_expired() {
        for token in [
            "",
            "opaque",
            "a.b",
            "a.b.c",
            "a.b.c.d",
            "sky-abcde-0123456789abcdef0123456789abcdef",
            &jwt("{}"),
            &jwt("[]"),
            &jwt("null"),
            &jwt(r#"{"exp":null}"#),
            &jwt(r#"{"exp":"9999999999"}"#),
            &jwt(r#"{"exp":-1}"#),
            &jwt(r#"{"exp":1e999}"#),
        ] {
            assert!(is_expired_at(token, UNIX_EPOCH), "{token}");
        }
    }

    #[test]
    fn fractions_and_padding_are_read() {
        assert!(!is_expired_at(&jwt(r#"{"exp":10.5}"#), UNIX_EPOCH));
        assert!(!is_expired_at("e30.eyJleHAiOjEwfQ==.c2ln", UNIX_EPOCH));
    }
}
