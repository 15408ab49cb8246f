use std::time::Duration;

#[cfg(doc)]
use crate::SecretCache;

/// Configures a [`SecretCache`].
///
/// ```
/// use std::time::Duration;
/// use scaivault::CacheOptions;
///
/// let options = CacheOptions::default().ttl(Duration::from_secs(60)).max_stale(Duration::from_secs(3600));
/// # let _ = options;
/// ```
#[derive(Debug, Clone)]
pub struct CacheOptions {
    pub(super) ttl: Duration,
    refresh_window: Option<Duration>,
    pub(super) max_stale: Duration,
    pub(super) not_found: Option<Duration>,
    pub(super) max_entries: usize,
    pub(super) max_bytes: usize,
    pub(super) jitter: fn() -> f64,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self {
            ttl: Duration::from_secs(300),
            refresh_window: None,
            max_stale: Duration::from_secs(3600),
            not_found: None,
            max_entries: 1_000,
            max_bytes: 16 * 1024 * 1024,
            jitter: fastrand::f64,
        }
    }
}

impl CacheOptions {
    /// Sets how long a secret is returned without a request, give or take 10 %; 5 minutes by default.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    /// Sets how long after that a secret is still returned while it is refreshed in the background; as long as the time
    /// to live by default.
    pub fn refresh_window(mut self, window: Duration) -> Self {
        self.refresh_window = Some(window);
        self
    }

    pub(super) fn window(&self) -> Duration {
        self.refresh_window.unwrap_or(self.ttl)
    }

    /// Sets how long after its time to live [`SecretCache::get_stale_allowed`] returns a secret while the server is down;
    /// an hour by default.
    pub fn max_stale(mut self, limit: Duration) -> Self {
        self.max_stale = limit;
        self
    }

    /// Remembers for this time that a secret does not exist; off by default.
    pub fn cache_not_found(mut self, time: Duration) -> Self {
        self.not_found = Some(time);
        self
    }

    /// Sets how many secrets are kept; 1,000 by default. The least recently used one goes first.
    pub fn max_entries(mut self, entries: usize) -> Self {
        self.max_entries = entries;
        self
    }

    /// Sets how many bytes of data are kept; 16 MiB by default.
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Replaces the source of jitter: a function that returns values from 0 up to, not including, 1.
    pub fn jitter(mut self, jitter: fn() -> f64) -> Self {
        self.jitter = jitter;
        self
    }
}
