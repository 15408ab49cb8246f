//! A cache of secrets.

mod entry;
mod flight;
mod newer;
mod options;
mod registry;

use std::collections::HashMap;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use self::entry::{Entry, Key};
use self::flight::Flight;
use self::newer::newer_than;
pub use self::options::CacheOptions;
pub(crate) use self::registry::Registry;
use crate::handle::Handle;
use crate::mode::{Async, Mode};
use crate::secrets::{Secret, Secrets, checked};
use crate::{Error, InvalidInput, SecretPath};

/// Keeps secrets for some time, so that a read costs no request.
///
/// One request refreshes a secret for any number of readers, and survives the reader that began it. Writes, rotations and
/// events of this client invalidate. A secret is never returned after its `expires_at`, by the server's clock. A refresh
/// that the server refuses (401, 403, 404) drops the secret, and only an outage lets
/// [`get_stale_allowed`](Self::get_stale_allowed) return an older one.
///
/// ```
/// # async fn run(client: scaivault::Client) -> Result<(), scaivault::Error> {
/// use scaivault::CacheOptions;
///
/// let cache = client.secrets().cache(CacheOptions::default());
/// let secret = cache.get("app/db/password").await?;
/// println!("version {}", secret.version);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct SecretCache<M = Async> {
    mode: M,
    handle: Handle,
    inner: Arc<Inner>,
}

/// A secret of a cache.
#[derive(Clone)]
pub struct CachedSecret {
    secret: Arc<Secret>,
    is_stale: bool,
}

impl CachedSecret {
    /// Tells whether the secret is older than it should be, because the server is down.
    pub fn is_stale(&self) -> bool {
        self.is_stale
    }
}

impl Deref for CachedSecret {
    type Target = Secret;

    fn deref(&self) -> &Secret {
        &self.secret
    }
}

impl fmt::Debug for CachedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedSecret")
            .field("secret", &self.secret)
            .field("is_stale", &self.is_stale)
            .finish()
    }
}

/// What the clones of a cache share.
#[derive(Debug)]
struct Inner {
    options: CacheOptions,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    entries: HashMap<Key, Entry>,
    /// Counts uses, to find the least recent one.
    uses: u64,
    /// Counts invalidations and fetches, to tell earlier from later.
    epochs: u64,
}

/// What a read finds.
enum Found {
    Value(CachedSecret),
    Absent(Error),
    Wait(Flight),
}

impl<M: Mode> Secrets<M> {
    /// Makes a cache of secrets.
    pub fn cache(&self, options: CacheOptions) -> SecretCache<M> {
        let inner = Arc::new(Inner { options, state: Mutex::default() });
        self.handle.shared.caches.add(&inner);
        SecretCache { mode: self.mode.clone(), handle: self.handle.clone(), inner }
    }
}

impl<M: Mode> SecretCache<M> {
    /// Returns the same cache for the secrets of a tenant, which are kept apart.
    ///
    /// # Errors
    ///
    /// Fails when the id is empty or holds anything but visible ASCII.
    pub fn with_tenant(&self, tenant: impl AsRef<str>) -> Result<Self, Error> {
        Ok(Self { handle: self.handle.with_tenant(tenant.as_ref())?, ..self.clone() })
    }

    /// Returns a secret: from memory while it is fresh, and from the server otherwise.
    ///
    /// # Errors
    ///
    /// Fails as a read does.
    pub fn get<P>(&self, path: P) -> M::Outcome<CachedSecret>
    where
        P: TryInto<SecretPath>,
        P::Error: Into<InvalidInput>,
    {
        self.read(checked(path), false)
    }

    /// Returns a secret like [`get`](Self::get), and while the server is down an older one, marked as stale.
    ///
    /// # Errors
    ///
    /// Fails as a read does, when there is no older one that may be returned.
    pub fn get_stale_allowed<P>(&self, path: P) -> M::Outcome<CachedSecret>
    where
        P: TryInto<SecretPath>,
        P::Error: Into<InvalidInput>,
    {
        self.read(checked(path), true)
    }

    /// Returns a version of a secret that is newer than this one, which was refused elsewhere: a password that was rotated
    /// just now. It polls, at most once a second for all callers together, until the time is up.
    ///
    /// # Errors
    ///
    /// Fails with [`Error::Poll`] when there is no newer version in time, and when the server refuses the read.
    pub fn newer_than<P>(&self, path: P, version: u64, wait: Duration) -> M::Outcome<CachedSecret>
    where
        P: TryInto<SecretPath>,
        P::Error: Into<InvalidInput>,
    {
        let (handle, inner, path) = (self.handle.clone(), Arc::clone(&self.inner), checked(path));
        self.mode.run(async move { newer_than(&handle, &inner, &path?, version, wait).await })
    }

    /// Forgets a secret, so that the next read is fresh.
    pub fn invalidate(&self, path: &SecretPath) {
        self.inner.changed(&Key::new(self.handle.tenant(), path));
    }

    fn read(&self, path: Result<SecretPath, Error>, stale_allowed: bool) -> M::Outcome<CachedSecret> {
        let (handle, inner) = (self.handle.clone(), Arc::clone(&self.inner));
        self.mode.run(async move {
            let key = Key::new(handle.tenant(), &path?);
            match inner.find(&handle, &key) {
                Found::Value(secret) => Ok(secret),
                Found::Absent(error) => Err(error),
                Found::Wait(flight) => match flight.await {
                    Ok(secret) => Ok(CachedSecret { secret, is_stale: false }),
                    Err(error) if stale_allowed && error.is_outage() => {
                        inner.stale(&handle, &key).ok_or(error)
                    }
                    Err(error) => Err(error),
                },
            }
        })
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Finds a secret, and starts to fetch it when it is needed or old.
    fn find(self: &Arc<Self>, handle: &Handle, key: &Key) -> Found {
        let now = handle.clock().monotonic();
        let mut state = self.lock();
        state.uses += 1;
        let uses = state.uses;
        let entry = state.entry(key);
        entry.used = uses;
        let window = self.options.window();
        let usable =
            entry.usable(now).filter(|_| entry.age(now).is_some_and(|age| age.is_zero() || age < window));
        match usable {
            Some(secret) => {
                if entry.age(now) > Some(Duration::ZERO) && entry.flight().is_none() {
                    // Readers do not wait for it.
                    drop(self.start(&mut state, handle, key));
                }
                Found::Value(CachedSecret { secret, is_stale: false })
            }
            None => match (entry.absent(now), entry.flight()) {
                (Some(error), _) => Found::Absent(error),
                (None, Some(flight)) => Found::Wait(flight),
                (None, None) => Found::Wait(self.start(&mut state, handle, key)),
            },
        }
    }

    /// Returns a secret that is older than it should be, within the limit.
    fn stale(&self, handle: &Handle, key: &Key) -> Option<CachedSecret> {
        let now = handle.clock().monotonic();
        let mut state = self.lock();
        let entry = state.entry(key);
        let secret = entry.usable(now).filter(|_| entry.age(now) <= Some(self.options.max_stale))?;
        Some(CachedSecret { secret, is_stale: true })
    }

    /// Forgets a secret; a fetch that is under way does not bring it back.
    fn changed(&self, key: &Key) {
        let mut state = self.lock();
        state.epochs += 1;
        let epoch = state.epochs;
        if let Some(entry) = state.entries.get_mut(key) {
            entry.invalidate(epoch);
        }
    }

    /// Makes room.
    fn evict(&self, state: &mut State) {
        loop {
            let bytes: usize = state.entries.values().map(Entry::size).sum();
            let values = state.entries.values().filter(|entry| entry.is_kept()).count();
            if bytes <= self.options.max_bytes && values <= self.options.max_entries {
                break;
            }
            let oldest =
                state.entries.iter().filter(|(_, entry)| entry.is_kept()).min_by_key(|(_, entry)| entry.used);
            let Some(oldest) = oldest.map(|(key, _)| key.clone()) else { break };
            state.entries.remove(&oldest);
        }
    }

    /// Returns when a secret that is fetched now stops to be fresh.
    fn fresh_until(&self, now: Instant) -> Instant {
        now + self.options.ttl.mul_f64(0.9 + 0.2 * (self.options.jitter)())
    }
}

impl State {
    fn entry(&mut self, key: &Key) -> &mut Entry {
        self.entries.entry(key.clone()).or_default()
    }
}

impl<M> fmt::Debug for SecretCache<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretCache")
            .field("entries", &self.inner.lock().entries.len())
            .finish_non_exhaustive()
    }
}
