//! Hands out short-lived bearer tokens to a frontend, which must never have the key of a service account.
//!
//! The route is a tower service, as those of axum are. Each user's token has their id as its context and the role of a
//! viewer, and is cached until it is about to expire.

use std::error::Error;
use std::time::Duration;

use http::{Request, Response, StatusCode, header};
use serde_json::{Value, json};
use skyflow::auth::{
    ScopedTokens, ServiceAccountKey, ServiceAccountTokens, TokenExchange, TokenOptions, TokenProvider,
};
use skyflow::http::{Body, BoxError, Transport};
use skyflow::{Credentials, GetRequest, Skyflow, VaultConfig};
use skyflow_emulator::{EmbeddedVault, NewServiceAccount, Role};
use skyflow_testkit::Server;

#[derive(Clone)]
struct TokenRoute {
    tokens: ScopedTokens,
    role: String,
}

impl TokenRoute {
    async fn respond(&self, user: Option<String>) -> Result<Response<Body>, BoxError> {
        let Some(user) = user else {
            return Ok(Response::builder().status(StatusCode::UNAUTHORIZED).body(Body::empty())?);
        };
        let options =
            TokenOptions::new().roles([&self.role])?.context(user)?.lifetime(Duration::from_secs(300))?;
        let token = self.tokens.get(&options).token().await?;
        let body = json!({
            "accessToken": token.expose(),
            "tokenType": token.token_type(),
            "expiresIn": token.lifetime().map(|lifetime| lifetime.as_secs()),
        });
        Ok(Response::builder()
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::CACHE_CONTROL, "no-store")
            .body(Body::from(body.to_string()))?)
    }
}

/// Replaces the session of a real application.
fn signed_in_user(request: &Request<Body>) -> Option<String> {
    request.headers().get("x-demo-user")?.to_str().ok().map(ToOwned::to_owned)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let vault = EmbeddedVault::builder().build()?.serve().await?;
    let account = NewServiceAccount::new("backend").role(Role::VaultEditor).role(Role::VaultViewer);
    let json =
        vault.vault().create_service_account(account)?.create_key()?.credentials_json(&vault.token_uri());
    let key = ServiceAccountKey::from_json(json.expose())?;
    let route = TokenRoute {
        tokens: ScopedTokens::new(ServiceAccountTokens::new(key, TokenExchange::over_hyper())),
        role: vault.vault().role_id(Role::VaultViewer).to_owned(),
    };
    let backend = Server::serve(tower::service_fn(move |request: Request<Body>| {
        let (route, user) = (route.clone(), signed_in_user(&request));
        async move { route.respond(user).await }
    }))
    .await?;

    // The frontend: without a session there is no token.
    let http = Transport::new().into_service();
    let request = |user: Option<&str>| {
        let request = Request::post(backend.url("/token"));
        user.into_iter()
            .fold(request, |request, user| request.header("x-demo-user", user))
            .body(Body::empty())
    };
    println!("without a session: {}", send(&http, request(None)?).await?.status());
    let response = send(&http, request(Some("user-7"))?).await?;
    let body: Value = serde_json::from_slice(&response.into_body().collect(100_000).await?)?;
    println!("a {} token for {} seconds", body["tokenType"].as_str().unwrap_or_default(), body["expiresIn"]);

    let token = body["accessToken"].as_str().ok_or("no token")?;
    let config = VaultConfig::with_base_url(vault.vault().vault_id(), vault.base_url())
        .credentials(Credentials::bearer_token(token)?);
    let frontend = Skyflow::builder().vault(config).build()?.default_vault()?;
    let rows = frontend.get(GetRequest::new("table1").all_rows()).await?;
    println!("read {} rows with it", rows.data.len());
    if let Err(error) = frontend.delete_all_rows("table1").await {
        println!("a delete is refused with {:?}", error.http_code());
    }
    backend.shutdown().await;
    vault.shutdown().await;
    Ok(())
}

async fn send(http: &skyflow::http::HttpService, request: Request<Body>) -> Result<Response<Body>, String> {
    http.send(request).await.map_err(|error| error.to_string())
}
