//! Replays a trace: repeats its calls against an in-memory server that returns the recorded responses.

use std::sync::Arc;

use futures_util::future::join_all;
use skyflow::{CallOptions, Connection, ConnectionConfig, Env, Skyflow, SkyflowBuilder, Vault, VaultConfig};
use skyflow_http::{Clock, ManualClock};

use crate::call::{self, Caller};
use crate::identity::{Given, Identity, seconds};
use crate::lab::{Lab, Sent};
use crate::outcome::Outcome;
use crate::promise;
use crate::trace::{Call, Step, Trace};

/// What one call of this SDK did.
#[derive(Debug)]
pub struct Observed {
    /// The requests for a token that were made for it.
    pub tokens: Vec<Sent>,
    /// Its own requests.
    pub sent: Vec<Sent>,
    pub outcome: Outcome,
    /// The time of day at its end, in seconds.
    pub at: i64,
}

/// Makes the calls of a trace, in their order or at once.
pub fn play(trace: &Trace) -> Vec<Observed> {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let Ok(runtime) = runtime else { return Vec::new() };
    runtime.block_on(run(trace))
}

async fn run(trace: &Trace) -> Vec<Observed> {
    // A sleep advances this clock and returns at once.
    let clock = ManualClock::auto_advancing();
    let lab = Lab::new(trace, &clock);
    let vault = vault(trace, &lab, &clock);
    let mut outcomes = Vec::new();
    if trace.parallel {
        let calls =
            trace.calls().enumerate().map(|(number, call)| one(number, call, trace, &vault, &lab, &clock));
        outcomes.extend(join_all(calls).await.into_iter().map(|outcome| (outcome, seconds(clock.now()))));
    } else {
        let mut number = 0;
        for step in &trace.steps {
            match step {
                Step::Sleep(pause) => clock.advance(*pause),
                Step::Call(call) => {
                    lab.begin(number);
                    let outcome = one(number, call, trace, &vault, &lab, &clock).await;
                    outcomes.push((outcome, seconds(clock.now())));
                    number += 1;
                }
            }
        }
    }
    let observed = outcomes.into_iter().enumerate().map(|(number, (outcome, at))| {
        let (tokens, sent) = lab.sent(number);
        Observed { tokens, sent, outcome, at }
    });
    observed.collect()
}

async fn one(
    number: usize,
    call: &Call,
    trace: &Trace,
    vault: &Result<Vault, Outcome>,
    lab: &Lab,
    clock: &ManualClock,
) -> Outcome {
    if call::is_auth(&call.op) {
        return call::auth_call(&Caller { lab, clock, credentials: &trace.credentials }, call).await;
    }
    if call::is_connection(&call.op) {
        return match connection(trace, call, lab, clock) {
            Ok(connection) => {
                call::connection_call(&connection.with_layer(Lab::numbered(number)), &call.args).await
            }
            Err(outcome) => outcome,
        };
    }
    match vault {
        Ok(vault) => call::vault_call(&vault.with_layer(Lab::numbered(number)), call).await,
        Err(outcome) => outcome.clone(),
    }
}

/// Makes the client of a trace: the default stack over the in-memory server.
fn vault(trace: &Trace, lab: &Lab, clock: &ManualClock) -> Result<Vault, Outcome> {
    if trace.calls().all(|call| call::is_auth(&call.op) || call::is_connection(&call.op)) {
        return Err(Outcome::Unknown("no vault is needed".to_owned()));
    }
    let client = builder(trace, lab, clock)?.vault(config(trace)?).build()?;
    Ok(client.default_vault()?.with_options(without_limits()))
}

/// Makes the client of a call of a connection; the URL of the connection is an argument of the recorded call.
fn connection(trace: &Trace, call: &Call, lab: &Lab, clock: &ManualClock) -> Result<Connection, Outcome> {
    let (origin, path) = promise::connection::address(call);
    let url = format!("{origin}{path}");
    let client = builder(trace, lab, clock)?.connection(ConnectionConfig::new("connection", url)).build()?;
    Ok(client.default_connection()?.with_options(without_limits()))
}

/// The clock advances while a file is read, so a time limit would end the call.
fn without_limits() -> CallOptions {
    CallOptions::new().no_deadline().no_attempt_timeout()
}

fn builder(trace: &Trace, lab: &Lab, clock: &ManualClock) -> Result<SkyflowBuilder, Outcome> {
    let mut builder = Skyflow::builder()
        .transport(lab.service())
        .clock(Arc::new(clock.clone()))
        .allow_token_host("other.example");
    let given = Identity::shared().credentials(
        &trace.credentials,
        clock.now(),
        trace.calls().next().map_or("", Call::message),
    );
    match given.map_err(|error| Outcome::Unknown(error.0))? {
        None if std::env::var_os(skyflow_auth::CREDENTIALS_ENV).is_some() => {
            let problem = "a call without credentials cannot be made while SKYFLOW_CREDENTIALS is set";
            return Err(Outcome::Unknown(problem.to_owned()));
        }
        None => {}
        Some(Given::Tried(Ok(credentials))) => builder = builder.credentials(credentials),
        Some(Given::Tried(Err(error))) => return Err(error.into()),
        Some(Given::OtherType(argument)) => {
            return Err(Outcome::Inexpressible { argument, why: "is of another type".to_owned() });
        }
    }
    Ok(builder)
}

fn config(trace: &Trace) -> Result<VaultConfig, Outcome> {
    let config = &trace.config;
    if let Some((key, _)) =
        config.members().iter().find(|(key, _)| !matches!(key.as_str(), "vault_id" | "cluster_id" | "env"))
    {
        return Err(Outcome::Unknown(format!("config.{key}")));
    }
    for key in ["vault_id", "cluster_id"] {
        if config.has(key) && config.get(key).as_str().is_none() {
            let why = format!("is {}", config.get(key).kind());
            return Err(Outcome::Inexpressible { argument: format!("config.{key}"), why });
        }
    }
    let vault = VaultConfig::new(trace.vault_id(), trace.cluster_id());
    let environment = |env| Ok(vault.clone().env(env));
    match config.get("env").as_str() {
        None if config.get("env").is_null() => Ok(vault),
        Some("PROD") => environment(Env::Prod),
        Some("SANDBOX") => environment(Env::Sandbox),
        Some("STAGE") => environment(Env::Stage),
        Some("DEV") => environment(Env::Dev),
        _ => Err(Outcome::Inexpressible {
            argument: "config.env".to_owned(),
            why: "is none of the choices".to_owned(),
        }),
    }
}
