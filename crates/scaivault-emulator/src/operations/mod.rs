//! The operations, by area.

pub(crate) mod acme;
pub(crate) mod audit;
pub(crate) mod batch;
pub(crate) mod dynamic;
pub(crate) mod federation;
pub(crate) mod identity;
pub(crate) mod objects;
pub(crate) mod policies;
pub(crate) mod replacement;
pub(crate) mod rotation;
pub(crate) mod secret_policies;
pub(crate) mod secrets;
pub(crate) mod system;
pub(crate) mod webhooks;
