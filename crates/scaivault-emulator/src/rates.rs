//! Rate limits: a token bucket for each identity and category, refilled continuously.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::failure::{Failure, Outcome};

/// What a request counts as, and how many of a kind a minute allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Category {
    Read,
    Write,
    Delete,
    List,
    BatchRead,
    BatchMetadata,
    AuditQuery,
    AuditExport,
    Policy,
    PolicyTest,
    PkiIssue,
    PkiAdmin,
    AcmeOrder,
    Webhook,
    Subscription,
    Poll,
    Federation,
    DynamicGenerate,
    DynamicAdmin,
    Lease,
    IdentityRead,
    IdentitySync,
    Whoami,
}

impl Category {
    fn per_minute(self) -> u32 {
        match self {
            Self::Read => 1000,
            Self::Whoami => 300,
            Self::Poll => 240,
            Self::PolicyTest => 200,
            Self::Write | Self::Delete | Self::List | Self::BatchRead | Self::BatchMetadata => 100,
            Self::DynamicGenerate | Self::Lease | Self::IdentityRead => 100,
            Self::AuditQuery | Self::Policy | Self::PkiIssue => 50,
            Self::AcmeOrder => 30,
            Self::PkiAdmin | Self::Webhook | Self::Subscription | Self::Federation | Self::DynamicAdmin => 20,
            Self::AuditExport | Self::IdentitySync => 5,
        }
    }
}

/// What the headers of a response say about a bucket.
pub(crate) struct Standing {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    /// Milliseconds since 1970.
    pub(crate) reset: i64,
}

struct Bucket {
    units: f64,
    at: i64,
}

pub(crate) struct Rates {
    enforced: bool,
    buckets: Mutex<HashMap<(String, Category), Bucket>>,
}

impl Rates {
    pub(crate) fn new(enforced: bool) -> Self {
        Self { enforced, buckets: Mutex::default() }
    }

    /// Takes units out of a bucket.
    pub(crate) fn take(&self, identity: &str, category: Category, units: u32, now: i64) -> Outcome<Standing> {
        let limit = category.per_minute();
        let capacity = f64::from(limit);
        let per_milli = capacity / 60_000.0;
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket =
            buckets.entry((identity.to_owned(), category)).or_insert(Bucket { units: capacity, at: now });
        let passed = (now - bucket.at).max(0) as f64;
        bucket.units = (bucket.units + passed * per_milli).min(capacity);
        bucket.at = now;
        let wanted = f64::from(units);
        if self.enforced && bucket.units < wanted {
            let seconds = ((wanted - bucket.units) / per_milli / 1000.0).ceil().max(1.0);
            let mut failure = Failure::new("rate_limited", "too many requests of this category");
            failure.retry_after = Some(Duration::from_secs_f64(seconds));
            return Err(failure);
        }
        bucket.units = (bucket.units - wanted).max(0.0);
        let missing = ((capacity - bucket.units) / per_milli).ceil();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is between zero and the limit"
        )]
        let (remaining, refill) = (bucket.units.floor() as u32, missing as i64);
        Ok(Standing { limit, remaining, reset: now + refill })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_empties_and_refills() {
        let rates = Rates::new(true);
        for _ in 0..5 {
            assert!(rates.take("a", Category::AuditExport, 1, 0).is_ok());
        }
        let failure = rates.take("a", Category::AuditExport, 1, 0).err().unwrap();
        assert_eq!((failure.code, failure.retry_after), ("rate_limited", Some(Duration::from_secs(12))));
        assert!(rates.take("b", Category::AuditExport, 1, 0).is_ok(), "identities have buckets of their own");
        assert!(rates.take("a", Category::Read, 1, 0).is_ok(), "categories too");
        assert!(rates.take("a", Category::AuditExport, 1, 11_000).is_err());
        assert!(rates.take("a", Category::AuditExport, 1, 12_000).is_ok());
    }
}
