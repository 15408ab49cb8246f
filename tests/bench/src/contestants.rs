//! The clients that are compared.

mod floor;
mod ours;
mod stack;
#[cfg(feature = "tls")]
pub mod tls;

use skyflow::http::HttpService;

use crate::Failure;
use crate::cases::Case;

pub use floor::Floor;
pub use stack::send as send_in_memory;

/// Credentials that are sent as they are.
const KEY: &str = "sky-abcde-0123456789abcdef0123456789abcdef";

/// A client, ready to call.
pub enum Contestant {
    /// hyper's client and serde_json: the least that a typed call costs.
    Floor(Floor),
    /// The clients of this repository.
    Ours { vault: skyflow::Vault, secrets: scaivault::Secrets },
    /// A service that responds from memory, bare or with the layers of this repository.
    InMemory(HttpService),
    /// reqwest as its documentation shows it.
    #[cfg(feature = "tls")]
    Reqwest { client: reqwest::Client, url: String },
    /// The synchronous side of the clients.
    #[cfg(feature = "tls")]
    Blocking(tls::Blocking),
}

impl Contestant {
    /// Makes a client of the server at `url`, whose certificate is needed for https only.
    pub fn named(name: &str, case: Case, url: &str, certificate: &[u8]) -> Result<Self, Failure> {
        Ok(match (name, case) {
            ("floor", Case::Stack) => Self::InMemory(stack::bare()),
            ("ours", Case::Stack) => Self::InMemory(stack::layered()?),
            ("floor", _) => Self::Floor(Floor::new(url, certificate)?),
            ("ours", _) => ours::with_key(url, certificate, false)?,
            ("gzip", _) => ours::with_key(url, certificate, true)?,
            #[cfg(feature = "tls")]
            ("account", _) => ours::with_service_account(url, certificate)?,
            #[cfg(feature = "tls")]
            ("reqwest", _) => tls::reqwest(url, certificate)?,
            #[cfg(feature = "tls")]
            ("blocking", _) => Self::Blocking(tls::Blocking::new(url, certificate)?),
            (other, _) => return Err(format!("this build has no contestant {other}").into()),
        })
    }
}
