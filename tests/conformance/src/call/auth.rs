//! Bearer tokens and signed data tokens, without a vault.

use std::sync::Arc;
use std::time::Duration;

use skyflow_auth::{
    CredentialsError, DataTokenSigner, ServiceAccountKey, ServiceAccountTokens, TokenExchange, TokenOptions,
    TokenProvider,
};
use skyflow_http::{Clock, ManualClock};

use super::arguments::{Arguments, Stop, inexpressible, unknown};
use crate::identity::{Identity, claims_of};
use crate::json::Json;
use crate::lab::Lab;
use crate::outcome::Outcome;
use crate::trace::Call;

/// What a call without a vault is made with.
pub struct Caller<'a> {
    pub lab: &'a Lab,
    pub clock: &'a ManualClock,
    pub credentials: &'a Json,
}

/// Makes a call of the token functions.
pub async fn auth_call(caller: &Caller<'_>, call: &Call) -> Outcome {
    let outcome = match call.op.as_str() {
        "bearer_token" => bearer_token(caller, call).await,
        "signed_data_tokens" => signed_data_tokens(caller, call),
        other => Err(unknown(format!("operation `{other}`"))),
    };
    outcome.unwrap_or_else(|stop| *stop)
}

fn key(credentials: &Json, call: &Call) -> Result<ServiceAccountKey, Stop> {
    let source = Identity::shared().account(credentials, call.message()).map_err(|error| unknown(error.0))?;
    source.map_err(refused)
}

async fn bearer_token(caller: &Caller<'_>, call: &Call) -> Result<Outcome, Stop> {
    let args = Arguments::of("bearer_token", &call.args, &["ctx", "role_ids", "token_uri"])?;
    let mut options = TokenOptions::new();
    if let Some(roles) = args.texts("role_ids")? {
        options = options.roles(roles).map_err(refused)?;
    }
    if !args.raw("ctx").is_null() {
        options = options.context(args.raw("ctx").to_value()).map_err(refused)?;
    }
    if let Some(uri) = args.text("token_uri")? {
        options = options.token_uri(&uri).map_err(refused)?;
    }
    let clock: Arc<dyn Clock> = Arc::new(caller.clock.clone());
    // The official SDKs request tokens from any host; here it is allowed by name.
    let exchange = TokenExchange::with_clock(caller.lab.service(), clock)
        .allow_host("other.example:8443")
        .map_err(refused)?;
    let tokens = ServiceAccountTokens::new(key(caller.credentials, call)?, exchange).with_options(options);
    Ok(match tokens.token().await {
        Ok(token) => {
            let shown = if claims_of(token.expose()).is_some() { "<jwt>" } else { token.expose() };
            Outcome::Returned(Json::object([("returned", Json::List(vec![Json::text(shown)]))]))
        }
        Err(error) => error.into(),
    })
}

fn signed_data_tokens(caller: &Caller<'_>, call: &Call) -> Result<Outcome, Stop> {
    let args = Arguments::of("signed_data_tokens", &call.args, &["data_tokens", "ctx", "time_to_live"])?;
    let mut signer =
        DataTokenSigner::new(key(caller.credentials, call)?).with_clock(Arc::new(caller.clock.clone()));
    match args.raw("time_to_live") {
        Json::Null => {}
        Json::Number(digits) => {
            let seconds = digits.parse::<i64>();
            let seconds = seconds.map_err(|_| inexpressible("time_to_live", "has a fraction".to_owned()))?;
            let life = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
            signer = signer.time_to_live(life).map_err(refused)?;
        }
        other => return Err(inexpressible("time_to_live", format!("is {}", other.kind()))),
    }
    if !args.raw("ctx").is_null() {
        signer = signer.context(args.raw("ctx").to_value()).map_err(refused)?;
    }
    let signed = match signer.sign_all(args.texts("data_tokens")?.unwrap_or_default()) {
        Ok(signed) => signed,
        Err(error) => return Ok(error.into()),
    };
    let shown = signed.iter().map(|pair| {
        let (prefix, jwt) = pair.signed_token().split_at(pair.signed_token().find("ey").unwrap_or_default());
        let (header, claims) = Identity::shared().verified(jwt).unwrap_or((Json::Null, Json::Null));
        Json::object([
            ("token", Json::text(pair.token())),
            ("prefix", Json::text(prefix)),
            ("jwt_header", header),
            ("jwt_claims", claims),
        ])
    });
    Ok(Outcome::Returned(Json::object([("signed", Json::List(shown.collect()))])))
}

fn refused(error: CredentialsError) -> Stop {
    Box::new(error.into())
}
