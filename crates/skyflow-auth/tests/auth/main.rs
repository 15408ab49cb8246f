//! The contract of the crate, over a token endpoint and a vault in memory.

#[cfg(test)]
mod cache;
#[cfg(test)]
mod credentials;
#[cfg(test)]
mod exchange;
#[cfg(test)]
mod layer;
#[cfg(test)]
mod redaction;
#[cfg(test)]
mod support;
