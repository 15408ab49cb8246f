//! Sends generated operations with a `hyper_util` client: tokens, one replay after a 401, and a trace line
//! come from layers.

use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::rt::TokioExecutor;
use skyflow_api::{BaseUri, Client, query, types};
use skyflow_auth::{
    AuthHeader, AuthLayer, Cached, HostGuard, ServiceAccountKey, ServiceAccountTokens, TokenExchange,
};
use skyflow_emulator::EmbeddedVault;
use tower::ServiceBuilder;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = EmbeddedVault::builder().build()?.serve().await?;
    let vault_id = server.vault().vault_id().to_string();
    let base = BaseUri::parse(&server.base_url())?;

    let hyper: HyperClient<_, Full<Bytes>> = HyperClient::builder(TokioExecutor::new()).build_http();
    let key = ServiceAccountKey::from_json(server.credentials_json().expose())?;
    let tokens = Cached::new(ServiceAccountTokens::new(key, TokenExchange::over_hyper()));
    let auth = AuthLayer::new(Arc::new(tokens), AuthHeader::bearer(), HostGuard::new(base.clone()));
    let client = Client::new(ServiceBuilder::new().layer(auth).service(hyper), base);

    let select = types::QueryRequest::new("SELECT * FROM table1");
    let response = client.send(query::Execute::new(vault_id, select)).await?;
    println!("{} with {} records", response.status, response.body.records.len());
    server.shutdown().await;
    Ok(())
}
