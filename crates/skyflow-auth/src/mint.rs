use std::path::Path;

use crate::{AccessToken, AuthError, ServiceAccountTokens, TokenExchange, TokenProvider};

/// Exchanges the `credentials.json` at `path` for one bearer token.
///
/// Each call opens a connection and exchanges; a program that needs tokens again and again keeps a
/// [`Cached`](crate::Cached) over [`ServiceAccountTokens`].
///
/// ```no_run
/// # async fn run() -> Result<(), skyflow_auth::AuthError> {
/// let token = skyflow_auth::mint("credentials.json").await?;
/// println!("a {} token for {:?}", token.token_type(), token.lifetime());
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// Fails with [`AuthErrorKind::Credentials`](crate::AuthErrorKind::Credentials) when the file cannot be used, and when
/// the token endpoint refuses it or cannot be reached.
pub async fn mint(path: impl AsRef<Path>) -> Result<AccessToken, AuthError> {
    ServiceAccountTokens::from_path(path.as_ref(), TokenExchange::over_hyper())?.token().await
}
