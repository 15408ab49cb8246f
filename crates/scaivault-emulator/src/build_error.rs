use crate::store::StoreError;

/// Reports a server that cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}
