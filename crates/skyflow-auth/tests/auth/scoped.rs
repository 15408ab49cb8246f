//! Tokens of many end users from one service account: kept apart, bounded.

#![expect(non_snake_case, reason = "T09 is the id of a promise")]

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use skyflow_auth::{
    AccessToken, Credentials, CredentialsErrorKind, ScopedTokens, TokenOptions, TokenProvider, TokenProviders,
};
use skyflow_http::ManualClock;

use crate::support::{Endpoint, TestKey, issued_for};

fn of(role: &str, user: Value) -> TokenOptions {
    TokenOptions::new().roles([role]).unwrap().context(user).unwrap()
}

fn assert_belongs(token: &AccessToken, role: &str, user: &Value) {
    let issued = issued_for(token.expose());
    assert_eq!((&issued["scope"], &issued["ctx"]), (&json!(format!("role:{role}")), user));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rel_T09_mixed_calls_never_share_tokens() {
    let clock = ManualClock::new();
    let endpoints = [Endpoint::new(&clock), Endpoint::new(&clock)];
    let accounts = endpoints.each_ref().map(|endpoint| ScopedTokens::new(endpoint.tokens()));
    let users = [json!("a"), json!("1"), json!(1), json!(true), json!({"a": 1}), json!({"a": "1"})];
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let (accounts, users, clock) = (accounts.clone(), users.clone(), clock.clone());
            tokio::spawn(async move {
                for call in 0..12_500 {
                    let number = task * 12_500 + call;
                    let (account, role, user) =
                        (number % 2, ["r1", "r2"][number / 2 % 2], &users[number / 4 % 6]);
                    let token = accounts[account].get(&of(role, user.clone())).token().await.unwrap();
                    assert_belongs(&token, role, user);
                    if number % 1_000 == 0 {
                        clock.advance(Duration::from_secs(60));
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert!(endpoints[0].exchanges() >= 12);
}

#[tokio::test]
async fn rel_T09_last_used_scopes_are_kept() {
    let endpoint = Endpoint::new(&ManualClock::new());
    let scoped = ScopedTokens::with_capacity(endpoint.tokens(), NonZeroUsize::new(2).unwrap());
    let exchanges_for = async |user: &str| {
        let before = endpoint.exchanges();
        let token = scoped.get(&of("r", user.into())).token().await.unwrap();
        assert_belongs(&token, "r", &user.into());
        endpoint.exchanges() - before
    };
    assert_eq!(exchanges_for("a").await, 1);
    assert_eq!(exchanges_for("b").await, 1);
    assert_eq!(exchanges_for("a").await, 0, "used again");
    assert_eq!(exchanges_for("c").await, 1, "b goes, a stays");
    assert_eq!(exchanges_for("a").await, 0);
    assert_eq!(exchanges_for("b").await, 1);
    assert!(format!("{scoped:?}").contains("kept: 2"));
    let many = ScopedTokens::new(endpoint.tokens());
    for user in 0..1_000 {
        many.get(&of("r", user.into()));
    }
    assert!(format!("{many:?}").contains(&format!("kept: {}", ScopedTokens::DEFAULT_CAPACITY)));
}

#[tokio::test]
async fn call_without_roles_keeps_the_account_scope() {
    let endpoint = Endpoint::new(&ManualClock::new());
    let account = endpoint.tokens().with_options(TokenOptions::new().roles(["narrow"]).unwrap());
    let scoped = ScopedTokens::new(account);
    let options = TokenOptions::new().context("u").unwrap();
    let token = scoped.for_call(&options).0.token().await.unwrap();
    assert_belongs(&token, "narrow", &"u".into());
}

#[tokio::test]
async fn credentials_share_their_users_tokens() {
    let endpoint = Endpoint::new(&ManualClock::new());
    let providers = TokenProviders::new(endpoint.exchange());
    let credentials = Credentials::service_account(TestKey::shared().account());
    let first = providers.get_scoped(&credentials, &of("r", "u".into())).unwrap();
    let again = providers.clone().get_scoped(&credentials.clone(), &of("r", "u".into())).unwrap();
    assert!(first.token().await.unwrap().is_same(&again.token().await.unwrap()));
    assert_eq!(endpoint.exchanges(), 1);
    let key = Credentials::api_key("sky-abcde-0123456789abcdef0123456789abcdef").unwrap();
    let error = providers.get_scoped(&key, &TokenOptions::new()).unwrap_err();
    assert_eq!(error.kind(), CredentialsErrorKind::NotApplicable);
    let _: Arc<dyn TokenProvider> = first;
}
