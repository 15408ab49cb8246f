use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::Inner;
use super::entry::Key;
use crate::SecretPath;

/// The caches of a client.
#[derive(Debug, Default)]
pub(crate) struct Registry(Mutex<Vec<Weak<Inner>>>);

impl Registry {
    pub(super) fn add(&self, cache: &Arc<Inner>) {
        let mut caches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        caches.retain(|cache| cache.strong_count() > 0);
        caches.push(Arc::downgrade(cache));
    }

    fn caches(&self) -> Vec<Arc<Inner>> {
        let caches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        caches.iter().filter_map(Weak::upgrade).collect()
    }

    /// Tells the caches that a secret has changed.
    pub(crate) fn changed(&self, tenant: Option<&str>, path: &SecretPath) {
        let key = Key::new(tenant, path);
        self.caches().iter().for_each(|cache| cache.changed(&key));
    }

    /// Tells the caches that any secret of a tenant may have changed.
    pub(crate) fn all_changed(&self, tenant: Option<&str>) {
        for cache in self.caches() {
            let keys: Vec<Key> =
                cache.lock().entries.keys().filter(|key| key.is_of(tenant)).cloned().collect();
            keys.iter().for_each(|key| cache.changed(key));
        }
    }
}
