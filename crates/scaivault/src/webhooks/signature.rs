use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[cfg(feature = "aws-lc-rs")]
use aws_lc_rs::hmac;
use http::HeaderMap;
#[cfg(not(feature = "aws-lc-rs"))]
use ring::hmac;
use skyflow_http::{Clock, SystemClock};
use skyflow_types::Secret;

const EVENT_ID: &str = "x-scaivault-event-id";
const EVENT_TYPE: &str = "x-scaivault-event-type";
const TIMESTAMP: &str = "x-scaivault-timestamp";
const SIGNATURE: &str = "x-scaivault-signature";

/// How many ids of events are remembered.
const REMEMBERED: usize = 10_000;

/// Says why a delivery is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// A header is missing or malformed.
    #[error("the header {0} is missing or malformed")]
    Header(&'static str),
    /// The timestamp is too old or too far ahead.
    #[error("the timestamp is outside the tolerance")]
    Timestamp,
    /// The signature is not that of the body.
    #[error("the signature does not match")]
    Mismatch,
}

/// A delivery whose signature is right.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery {
    /// The id of the event.
    pub event_id: String,
    /// What happened, such as `secret.rotated`.
    pub event_type: String,
    /// Whether the event was delivered before: do nothing and respond with success.
    pub is_repeat: bool,
}

/// Checks the deliveries of a webhook.
///
/// The signature is the HMAC-SHA256 of timestamp and body, compared in constant time. Timestamps may differ by 5 minutes
/// from the time of this machine. Clones share the memory of events.
///
/// ```
/// use http::HeaderMap;
/// use scaivault::webhooks::{SignatureError, Verifier};
///
/// let verifier = Verifier::new("the secret of the webhook");
/// let unsigned = verifier.verify(&HeaderMap::new(), b"{}");
/// assert!(matches!(unsigned, Err(SignatureError::Header(_))));
/// ```
#[derive(Clone)]
pub struct Verifier {
    keys: Vec<hmac::Key>,
    tolerance: Duration,
    clock: Arc<dyn Clock>,
    seen: Arc<Mutex<VecDeque<String>>>,
}

impl Verifier {
    /// Accepts deliveries that are signed with this secret.
    pub fn new(secret: impl Into<Secret>) -> Self {
        Self {
            keys: vec![key(&secret.into())],
            tolerance: Duration::from_secs(300),
            clock: SystemClock::shared(),
            seen: Arc::default(),
        }
    }

    /// Accepts deliveries that are signed with another secret too, while the secret is rotated.
    pub fn or_secret(mut self, secret: impl Into<Secret>) -> Self {
        self.keys.push(key(&secret.into()));
        self
    }

    /// Sets by how much timestamps may differ from the time; 5 minutes by default.
    pub fn tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Replaces the clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Checks the headers and the unchanged body of a delivery.
    ///
    /// # Errors
    ///
    /// Fails when the delivery cannot come from the server, or is too old.
    pub fn verify(&self, headers: &HeaderMap, body: &[u8]) -> Result<Delivery, SignatureError> {
        let text = |name: &'static str| {
            headers.get(name).and_then(|value| value.to_str().ok()).ok_or(SignatureError::Header(name))
        };
        let timestamp = text(TIMESTAMP)?;
        let is_number = !timestamp.is_empty() && timestamp.bytes().all(|byte| byte.is_ascii_digit());
        let seconds: u64 =
            timestamp.parse().ok().filter(|_| is_number).ok_or(SignatureError::Header(TIMESTAMP))?;
        let signature = text(SIGNATURE)?.strip_prefix("sha256=").and_then(bytes_of_hex);
        let signature = signature.ok_or(SignatureError::Header(SIGNATURE))?;

        let sent = UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).ok_or(SignatureError::Timestamp)?;
        if distance(sent, self.clock.now()) > self.tolerance {
            return Err(SignatureError::Timestamp);
        }
        let mut message = Vec::with_capacity(timestamp.len() + 1 + body.len());
        message.extend_from_slice(timestamp.as_bytes());
        message.push(b'.');
        message.extend_from_slice(body);
        // Every key is tried, so that the time does not tell which of them signed.
        let matches = self.keys.iter().filter(|key| hmac::verify(key, &message, &signature).is_ok()).count();
        if matches == 0 {
            return Err(SignatureError::Mismatch);
        }
        let event_id = text(EVENT_ID)?.to_owned();
        let is_repeat = self.remember(&event_id);
        Ok(Delivery { event_type: text(EVENT_TYPE)?.to_owned(), event_id, is_repeat })
    }

    fn remember(&self, event_id: &str) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.iter().any(|known| known == event_id) {
            return true;
        }
        seen.push_back(event_id.to_owned());
        if seen.len() > REMEMBERED {
            seen.pop_front();
        }
        false
    }
}

fn key(secret: &Secret) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes())
}

fn distance(a: SystemTime, b: SystemTime) -> Duration {
    a.duration_since(b).unwrap_or_else(|error| error.duration())
}

/// Reads hexadecimal text in lowercase or uppercase.
fn bytes_of_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => Some(digit(high)? << 4 | digit(low)?),
            _ => None,
        })
        .collect()
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("keys", &self.keys.len())
            .field("tolerance", &self.tolerance)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use skyflow_http::ManualClock;

    use super::*;

    const BODY: &[u8] = "{\"event\":\"ä\"}".as_bytes();

    fn now(clock: &ManualClock) -> u64 {
        clock.now().duration_since(UNIX_EPOCH).unwrap().as_secs()
    }

    fn headers(secret: &str, timestamp: u64, body: &[u8], id: &str) -> HeaderMap {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let signed = [format!("{timestamp}.").as_bytes(), body].concat();
        let hex: String =
            hmac::sign(&key, &signed).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let mut headers = HeaderMap::new();
        headers.insert(EVENT_ID, id.parse().unwrap());
        headers.insert(EVENT_TYPE, "secret.rotated".parse().unwrap());
        headers.insert(TIMESTAMP, timestamp.to_string().parse().unwrap());
        headers.insert(SIGNATURE, format!("sha256={hex}").parse().unwrap());
        headers
    }

    #[test]
    fn right_deliveries_pass_and_repeats_are_named() {
        let clock = ManualClock::new();
        let verifier = Verifier::new("s").clock(Arc::new(clock.clone()));
        let signed = headers("s", now(&clock), BODY, "evt_1");
        let first = verifier.verify(&signed, BODY).unwrap();
        assert_eq!(
            (first.event_id.as_str(), first.event_type.as_str(), first.is_repeat),
            ("evt_1", "secret.rotated", false)
        );
        assert!(verifier.clone().verify(&signed, BODY).unwrap().is_repeat);
        assert!(!verifier.verify(&headers("s", now(&clock), BODY, "evt_2"), BODY).unwrap().is_repeat);
    }

    #[test]
    fn each_change_of_a_delivery_is_found() {
        let clock = ManualClock::new();
        let verifier = Verifier::new("s").clock(Arc::new(clock.clone()));
        let signed = headers("s", now(&clock), BODY, "evt_1");
        assert_eq!(verifier.verify(&signed, b"{}"), Err(SignatureError::Mismatch));
        assert_eq!(
            verifier.verify(&headers("other", now(&clock), BODY, "e"), BODY),
            Err(SignatureError::Mismatch)
        );
        for seconds in [now(&clock) - 301, now(&clock) + 301, u64::MAX] {
            assert_eq!(
                verifier.verify(&headers("s", seconds, BODY, "e"), BODY),
                Err(SignatureError::Timestamp)
            );
        }
        assert!(verifier.verify(&headers("s", now(&clock) - 299, BODY, "e"), BODY).is_ok());
        let hex = signed[SIGNATURE].to_str().unwrap()[7..].to_owned();
        for value in
            [hex.clone(), "sha256=".to_owned() + &hex[1..], "sha256=xy".to_owned(), "sha1=".to_owned() + &hex]
        {
            let mut changed = signed.clone();
            changed.insert(SIGNATURE, value.parse().unwrap());
            assert_eq!(verifier.verify(&changed, BODY), Err(SignatureError::Header(SIGNATURE)), "{value}");
        }
        let mut upper = signed.clone();
        upper.insert(SIGNATURE, format!("sha256={}", hex.to_uppercase()).parse().unwrap());
        assert!(verifier.verify(&upper, BODY).is_ok());
        let mut bytes = signed;
        bytes.insert(SIGNATURE, http::HeaderValue::from_bytes(b"sha256=\xff").unwrap());
        assert_eq!(verifier.verify(&bytes, BODY), Err(SignatureError::Header(SIGNATURE)));
    }

    #[test]
    fn two_secrets_are_accepted_during_a_rotation() {
        let clock = ManualClock::new();
        let verifier = Verifier::new("new").or_secret("old").clock(Arc::new(clock.clone()));
        for secret in ["new", "old"] {
            assert!(verifier.verify(&headers(secret, now(&clock), BODY, secret), BODY).is_ok());
        }
    }
}
