//! Credentials that the server makes on demand, and their leases.

mod engines;
mod generate;
mod guard;
mod lease;
mod renewal;
mod revocation;
mod roles;
mod scoped;

pub use self::engines::{Engine, EngineHealth};
pub use self::generate::GenerateCredentials;
pub use self::guard::LeaseGuard;
pub use self::lease::Lease;
pub use self::renewal::LeaseEnding;
pub use self::roles::DynamicRole;
pub use self::scoped::{Credentials, ScopedCredentials, ScopedOutput};
pub use crate::api::types::{EngineConfig, LeaseStatus};

use crate::api::{dynamic_leases, types};
use crate::call::{duration_setter, page_setters, setters};
use crate::client::area;
use crate::mode::Mode;
use crate::page::paged;
use crate::{Call, Page};

area! {
    /// The dynamic secrets of a client.
    ///
    /// [`credentials`](Self::credentials) is the form to prefer: it revokes the lease when its closure ends, whichever way.
    ///
    /// ```
    /// # async fn run_query(url: &str) {}
    /// # async fn run(client: scaivault::Client) -> Result<(), scaivault::Error> {
    /// let rows = client
    ///     .dynamic()
    ///     .credentials("support-db", "readonly")
    ///     .ttl("2h")
    ///     .with(|credentials| async move {
    ///         let url = credentials.get("connection_url");
    ///         run_query(url.as_ref().map_or("", |url| url.expose())).await
    ///     })
    ///     .await?
    ///     .output;
    /// # Ok(()) }
    /// ```
    Dynamic
}

paged! {
    dynamic_leases::List => LeaseList.data as Lease;
}

impl<M: Mode> Dynamic<M> {
    /// Generates credentials. The caller revokes the lease; [`credentials`](Self::credentials) and
    /// [`lease_guard`](Self::lease_guard) do it by themselves.
    pub fn generate_credentials(
        &self,
        engine: impl Into<String>,
        role: impl Into<String>,
    ) -> GenerateCredentials<M> {
        GenerateCredentials::new(self, engine.into(), role.into())
    }

    /// Generates credentials for the time of a closure, and revokes them when it ends, fails, panics or is dropped.
    pub fn credentials(&self, engine: impl Into<String>, role: impl Into<String>) -> ScopedCredentials<M> {
        ScopedCredentials::new(self.generate_credentials(engine, role))
    }

    /// Generates credentials that are revoked when the guard is dropped.
    pub fn lease_guard(&self, generate: GenerateCredentials<M>) -> M::Outcome<LeaseGuard<M>> {
        self.mode.run(generate.guarded())
    }

    /// Lists leases.
    pub fn list_leases(&self) -> Call<dynamic_leases::List, Page<Lease>, M> {
        self.call(dynamic_leases::List::new())
    }

    /// Returns a lease, without its credentials.
    pub fn get_lease(&self, lease_id: impl Into<String>) -> Call<dynamic_leases::Get, Lease, M> {
        self.call(dynamic_leases::Get::new(lease_id))
    }

    /// Renews a lease.
    pub fn renew_lease(&self, lease_id: impl Into<String>) -> Call<dynamic_leases::Renew, Lease, M> {
        self.call(dynamic_leases::Renew::new(lease_id).body(types::LeaseRenew::default()))
    }

    /// Revokes a lease: the server removes its credentials at their source.
    pub fn revoke_lease(&self, lease_id: impl Into<String>) -> Call<dynamic_leases::Revoke, (), M> {
        self.call(dynamic_leases::Revoke::new(lease_id)).gone_is(|| ())
    }
}

page_setters!(dynamic_leases::List);

setters!(dynamic_leases::List {
    /// Lists the leases of one engine.
    engine(engine: impl Into<String>) => |list| list.engine(engine);
    /// Lists the leases of one role.
    role(role: impl Into<String>) => |list| list.role(role);
    /// Lists leases in this state.
    status(status: impl Into<LeaseStatus>) => |list| list.status(status.into().as_str());
});

duration_setter!(dynamic_leases::Renew,
    /// Asks for a lifetime; the engine's maximum may end it earlier.
    ttl => |op, value| op.body = Some(op.body.take().unwrap_or_default().ttl(value)));
