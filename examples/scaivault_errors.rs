//! Errors: one variant for each thing that a caller can do.

use scaivault::Client;
use scaivault_emulator::EmbeddedScaiVault;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Connects to an embedded server. Against a real one, `Client::from_env()` is all there is.
async fn connect() -> Result<(scaivault_emulator::Server, Client), Failure> {
    let server = EmbeddedScaiVault::builder().build()?.serve().await?;
    let token = server.vault().token().clone();
    let client = Client::builder().base_url(server.base_url()).token(token).build()?;
    Ok((server, client))
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    use http::StatusCode;
    use scaivault::Error;
    use scaivault_emulator::{Fault, Identity};

    let (server, client) = connect().await?;
    let stranger = server.vault().issue_token(Identity::new("sa:stranger"))?;
    let stranger = Client::builder().base_url(server.base_url()).token(stranger).build()?;
    let unknown = Client::builder().base_url(server.base_url()).token("skt_unknown").build()?;
    let limited = client.with_options(scaivault::CallOptions::new().no_retry());

    describe(client.secrets().read("app/db/password").await.err());
    describe(stranger.secrets().read("app/db/password").await.err());
    describe(unknown.secrets().read("app/db/password").await.err());
    describe(client.secrets().read("App/db").await.err());
    server.vault().inject(Fault::status(StatusCode::TOO_MANY_REQUESTS).retry_after("2").times(1));
    describe(limited.secrets().read("app/db/password").await.err());

    fn describe(error: Option<Error>) {
        match error {
            Some(Error::NotFound(error)) => println!("not found: {}", error.code),
            Some(Error::AccessDenied(error)) => println!("access denied: {:?}", error.details.get("path")),
            Some(Error::Authentication(error)) => println!("authentication: {}", error.code),
            Some(Error::RateLimited(error)) => println!("rate limited: wait {:?}", error.retry_after),
            Some(Error::InvalidInput(error)) => println!("invalid input: {error}"),
            Some(error) => println!("{error}"),
            None => println!("no error"),
        }
    }
    Ok(())
}
