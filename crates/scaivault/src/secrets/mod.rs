//! Secrets and their versions.

mod batch;
mod delete;
mod environment;
mod list;
mod metadata;
mod models;
mod read;
mod rotate;
mod write;

pub use self::batch::{BatchRead, BatchResult, BatchSecret};
pub use self::environment::{EnvironmentVariables, SecretEnvironment};
pub use self::models::{
    DeletedSecret, RotatedSecret, Secret, SecretInfo, SecretMetadata, SecretVersion, WrittenSecret,
};
pub use self::read::ReadOperation;
pub use self::read::ReadSecret;
pub(crate) use self::read::{checked, server_time};
pub use self::write::WriteSecret;

use crate::client::area;

area! {
    /// The secrets of a client.
    ///
    /// ```
    /// # async fn run(client: scaivault::Client) -> Result<(), scaivault::Error> {
    /// use scaivault::SecretMetadata;
    ///
    /// let path = "environments/production/salesforce/oauth";
    /// let written = client
    ///     .secrets()
    ///     .write(path, &serde_json::json!({"client_id": "…", "client_secret": "…"}))
    ///     .secret_type("json")
    ///     .metadata(SecretMetadata::default().tags(["salesforce"]))
    ///     .max_versions(10)
    ///     .await?;
    /// let secret = client.secrets().read(path).await?;
    /// assert_eq!(secret.version, written.version);
    /// # Ok(()) }
    /// ```
    Secrets
}
