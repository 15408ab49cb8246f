use std::fmt;

use http::HeaderName;
use skyflow_api::{ApiErrorBody, Operation, Response};
use skyflow_http::{BaseUri, CallOptions, HttpLayer, HttpService, Idempotency};
use tower_layer::Layer;

use crate::{ClientBuilder, Error};

/// The header that names the account of a call.
pub const ACCOUNT_ID: HeaderName = HeaderName::from_static("x-skyflow-account-id");

/// A client of the management host of one account; cheap to clone, and safe to share between threads and tasks.
///
/// It sends the operations of this crate's modules, and those of [`skyflow_api::audit`]. Clones share connections, token
/// and retry budget. Only operations that a server may execute twice without harm are retried after they may have been
/// executed; [`OperationInfo::idempotency`](skyflow_http::OperationInfo::idempotency) says which these are.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use skyflow_auth::Credentials;
/// use skyflow_management::{Client, vaults};
///
/// let client = Client::builder()
///     .account_id("a451b783713e4424a7d761bb7bbc84eb")
///     .credentials(Credentials::from_path("credentials.json"))
///     .build()?;
/// for vault in client.send(vaults::List::new("w2d4")).await?.into_body().vaults {
///     println!("{:?}", vault.name);
/// }
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Client {
    api: skyflow_api::Client<HttpService>,
    options: CallOptions,
}

impl Client {
    /// Starts to configure a client.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    pub(crate) fn new(service: HttpService, base: BaseUri) -> Self {
        Self { api: skyflow_api::Client::new(service, base), options: CallOptions::default() }
    }

    /// Returns the address of the management host.
    pub fn base(&self) -> &BaseUri {
        self.api.base()
    }

    /// Returns a client whose calls have these settings.
    ///
    /// ```
    /// # async fn run(client: skyflow_management::Client) -> Result<(), skyflow_management::Error> {
    /// use std::time::Duration;
    ///
    /// use skyflow_http::CallOptions;
    /// use skyflow_management::vaults;
    ///
    /// let patient = client.with_options(CallOptions::new().deadline(Duration::from_secs(120)));
    /// patient.send(vaults::Delete::new("f4b3")).await?;
    /// # Ok(()) }
    /// ```
    pub fn with_options(&self, options: CallOptions) -> Self {
        Self { options, ..self.clone() }
    }

    /// Returns a client with one more tower layer around each call; see [`ClientBuilder::layer`].
    pub fn with_layer(&self, layer: impl HttpLayer) -> Self {
        let service = layer.into_dyn().layer(self.api.service().clone());
        Self { api: skyflow_api::Client::new(service, self.api.base().clone()), options: self.options }
    }

    /// Sends an operation and reads its response.
    ///
    /// # Errors
    ///
    /// Fails when the request cannot be made, no token can be obtained, the call gets no response in time, the server
    /// refuses it, and when the response cannot be read; [`Error::kind`] says which.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the call; the server may or may not have executed it.
    pub async fn send<O: Operation<Error = ApiErrorBody>>(
        &self,
        operation: O,
    ) -> Result<Response<O::Output>, Error> {
        let writes = O::INFO.idempotency != Idempotency::Safe;
        let sent = self.api.send_with(operation, self.options).await;
        sent.map_err(|error| Error::from_api(error, O::INFO.name, writes))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base", self.api.base()).finish_non_exhaustive()
    }
}
