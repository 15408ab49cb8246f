//! The contract of the crate, over a token endpoint and a vault in memory.

#[cfg(test)]
#[cfg(feature = "blocking")]
mod blocking;
#[cfg(test)]
mod cache;
#[cfg(test)]
#[cfg(all(feature = "command", unix))]
mod command;
#[cfg(test)]
mod config;
#[cfg(test)]
mod connection_401;
#[cfg(test)]
mod credentials;
#[cfg(test)]
mod environment;
#[cfg(test)]
mod exchange;
#[cfg(test)]
#[cfg(unix)]
mod key_files;
#[cfg(test)]
mod layer;
#[cfg(test)]
#[cfg(target_os = "linux")]
mod memory;
#[cfg(test)]
mod options;
#[cfg(test)]
mod redaction;
#[cfg(test)]
mod scoped;
#[cfg(test)]
mod signed_token;
#[cfg(test)]
mod signer;
#[cfg(test)]
mod sts;
#[cfg(test)]
mod support;
#[cfg(test)]
mod surviving_exchange;
#[cfg(test)]
mod token_hosts;
#[cfg(test)]
mod token_responses;
