use std::fmt;

use skyflow_http::{CallOptions, HttpLayer};

use crate::builder::ClientBuilder;
use crate::handle::Handle;
use crate::mode::{Async, Mode};
use crate::{
    Acme, Audit, Auth, Dns, Dynamic, Error, Federation, Identity, Pki, Policies, Rotation, SecretPolicies,
    Secrets, Subscriptions, System, Webhooks,
};

/// A client of one ScaiVault server; cheap to clone, and safe to share between threads and tasks.
///
/// Its areas are methods: [`secrets`](ScaiVault::secrets), [`policies`](ScaiVault::policies) and so on. Clones share
/// connections, token, retry budget and caches.
///
/// ```no_run
/// # async fn run() -> Result<(), scaivault::Error> {
/// use scaivault::Client;
///
/// let client = Client::builder()
///     .base_url("https://scaivault.scailabs.ai")
///     .client_credentials("my-service", std::env::var("MY_SECRET").unwrap_or_default())
///     .build()?;
/// let secret = client.secrets().read("app/db/password").await?;
/// let password = secret.data.get("password");
/// # let _ = password;
/// # Ok(()) }
/// ```
pub type Client = ScaiVault<Async>;

/// The client, for both ways to wait for a call: [`Client`] is asynchronous, `blocking::Client` is not.
#[derive(Clone)]
pub struct ScaiVault<M = Async> {
    pub(crate) mode: M,
    pub(crate) handle: Handle,
}

impl ScaiVault<Async> {
    /// Starts to configure a client.
    pub fn builder() -> ClientBuilder<Async> {
        ClientBuilder::new()
    }

    /// Makes a client from the environment.
    ///
    /// `SCAIVAULT_BASE_URL` (or `SCAIVAULT_URL`) is the server, the managed service by default. The credentials are
    /// `SCAIVAULT_TOKEN`, the file that `SCAIVAULT_TOKEN_FILE` names, or `SCAIKEY_CLIENT_ID` and
    /// `SCAIKEY_CLIENT_SECRET`, in this order. `SCAIVAULT_TENANT_ID` names a tenant, and `SCAIVAULT_CA_FILE` a PEM file
    /// of certificates to trust besides those of the operating system. Empty variables count as missing.
    ///
    /// # Errors
    ///
    /// Fails when there are no credentials, and when a variable cannot be used; [`Error::field`] names it.
    pub fn from_env() -> Result<Self, Error> {
        Self::builder().build()
    }
}

#[cfg(feature = "blocking")]
impl ScaiVault<crate::blocking::Blocking> {
    /// Starts to configure a client.
    pub fn builder() -> ClientBuilder<crate::blocking::Blocking> {
        ClientBuilder::new()
    }

    /// Makes a client from the environment, as the asynchronous one does.
    ///
    /// # Errors
    ///
    /// Fails when there are no credentials, and when a variable cannot be used; [`Error::field`] names it.
    pub fn from_env() -> Result<Self, Error> {
        Self::builder().build()
    }
}

/// Declares the areas of the client.
macro_rules! areas {
    ($($(#[$doc:meta])* $method:ident: $area:ident,)*) => {
        impl<M: Mode> ScaiVault<M> {
            $(
                $(#[$doc])*
                pub fn $method(&self) -> $area<M> {
                    $area::new(self)
                }
            )*
        }
    };
}

areas! {
    /// Returns secrets: read, write, rotate, delete, list.
    secrets: Secrets,
    /// Returns access policies and their bindings.
    policies: Policies,
    /// Returns rotation policies.
    rotation: Rotation,
    /// Returns secret policies: recipes of generated values.
    secret_policies: SecretPolicies,
    /// Returns certificate authorities, roles, certificates and signing requests.
    pki: Pki,
    /// Returns ACME accounts and orders.
    acme: Acme,
    /// Returns DNS providers for ACME challenges.
    dns: Dns,
    /// Returns dynamic secrets: credentials that are made on demand and end with their lease.
    dynamic: Dynamic,
    /// Returns the audit log.
    audit: Audit,
    /// Returns webhooks.
    webhooks: Webhooks,
    /// Returns subscriptions to events.
    subscriptions: Subscriptions,
    /// Returns federated backends.
    federation: Federation,
    /// Returns partners, tenants, users, groups and roles.
    identity: Identity,
    /// Returns what the server knows about the caller and about tokens.
    auth: Auth,
    /// Returns health, metrics and version of the server.
    system: System,
}

impl<M: Mode> ScaiVault<M> {
    /// Returns a client of the same server whose calls are those of a tenant. It needs the rights of a partner admin.
    ///
    /// # Errors
    ///
    /// Fails when the id is empty or holds anything but visible ASCII.
    pub fn with_tenant(&self, tenant: impl AsRef<str>) -> Result<Self, Error> {
        Ok(Self { mode: self.mode.clone(), handle: self.handle.with_tenant(tenant.as_ref())? })
    }

    /// Returns a client whose calls have these settings where they set none themselves.
    pub fn with_options(&self, options: CallOptions) -> Self {
        let mut client = self.clone();
        client.handle.options = options;
        client
    }

    /// Returns a client with a tower layer around every call, outside the retries.
    pub fn with_layer(&self, layer: impl HttpLayer) -> Self {
        Self { mode: self.mode.clone(), handle: self.handle.with_layer(&layer.into_dyn()) }
    }

    /// Waits until work that has outlived its calls is done, such as the revocation of leases; for `limit` at most.
    ///
    /// # Errors
    ///
    /// Fails with [`Error::Poll`] when some of it is not done in time, and when leases were not revoked: the error names
    /// them.
    pub fn drain(&self, limit: std::time::Duration) -> M::Outcome<()> {
        let handle = self.handle.clone();
        self.mode.run(async move { handle.shared.tasks.drain(handle.clock(), limit).await })
    }
}

impl<M: Mode> fmt::Debug for ScaiVault<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScaiVault").field("tenant", &self.handle.tenant()).finish_non_exhaustive()
    }
}

/// Declares the type of an area.
macro_rules! area {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name<M = $crate::mode::Async> {
            pub(crate) mode: M,
            pub(crate) handle: $crate::handle::Handle,
        }

        impl<M: $crate::mode::Mode> $name<M> {
            pub(crate) fn new(client: &$crate::ScaiVault<M>) -> Self {
                Self { mode: client.mode.clone(), handle: client.handle.clone() }
            }

            #[allow(dead_code, reason = "some areas have calls of a type of their own only")]
            fn call<O, T>(&self, operation: O) -> $crate::Call<O, T, M> {
                self.try_call(Ok(operation))
            }

            #[allow(dead_code, reason = "few areas check arguments")]
            fn try_call<O, T>(&self, operation: Result<O, $crate::Error>) -> $crate::Call<O, T, M> {
                $crate::Call::new(self.mode.clone(), self.handle.clone(), operation)
            }
        }

        impl<M> std::fmt::Debug for $name<M> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    };
}
pub(crate) use area;
