//! The hosts that assertions are sent to.

#![expect(non_snake_case, reason = "T11 and its like are ids of promises")]

use std::process::Command;
use std::sync::Arc;

use serde_json::json;
use skyflow_auth::{
    AccessToken, AuthErrorKind, Credentials, CredentialsErrorKind as Kind, ServiceAccountTokens, StsTokens,
    TokenExchange, TokenOptions, TokenProvider, provider_fn,
};
use skyflow_http::ManualClock;

use crate::support::{Endpoint, TestKey};

/// Addresses that an assertion is not sent to unless they are allowed by name.
const REFUSED: [&str; 62] = [
    // The metadata services of clouds.
    "https://169.254.169.254/latest/meta-data/iam/security-credentials/",
    "https://169.254.169.254:80/computeMetadata/v1/",
    "https://169.254.170.2/v2/credentials",
    "https://[fe80::1]/x",
    "https://[fe80::a9fe:a9fe]/x",
    "https://[fd00:ec2::254]/latest/meta-data",
    "https://[::ffff:169.254.169.254]/x",
    "https://[::ffff:a9fe:a9fe]/x",
    "https://[64:ff9b::169.254.169.254]/x",
    "https://100.100.100.200/latest/meta-data",
    "https://192.0.0.192/opc/v1",
    "https://168.63.129.16/machine",
    "https://metadata.google.internal/x",
    "https://metadata/x",
    "https://instance-data.ec2.internal/x",
    "https://169.254.169.254.nip.io/x",
    "https://2852039166/x",
    "https://0xa9fea9fe/x",
    "https://0251.0376.0251.0376/x",
    // Private networks.
    "https://10.0.0.1/x",
    "https://10.255.255.255:8443/x",
    "https://172.16.0.1/x",
    "https://172.31.255.1/x",
    "https://192.168.0.1/x",
    "https://192.168.1.1:443/x",
    "https://100.64.0.1/x",
    "https://198.18.0.1/x",
    "https://[fc00::1]/x",
    "https://[fd12:3456::1]/x",
    "https://[::ffff:10.0.0.1]/x",
    "https://router.local/x",
    "https://vault.internal/x",
    "https://kubernetes.default.svc/x",
    "https://consul.service.consul:8501/x",
    // Everywhere, nowhere, broadcast.
    "https://0.0.0.0/x",
    "https://[::]/x",
    "https://255.255.255.255/x",
    "https://224.0.0.1/x",
    "https://0/x",
    "https://127.1/x",
    "https://0x7f.0.0.1/x",
    "https://2130706433/x",
    "https://017700000001/x",
    "https://[::ffff:127.0.0.1]/x",
    // This machine, but no web server.
    "https://localhost:22/x",
    "http://127.0.0.1:25/x",
    "http://127.0.0.1:636/x",
    "https://[::1]:111/x",
    "http://localhost:1023/x",
    // Servers that are not Skyflow's.
    "https://evil.example/steal",
    "https://skyflowapis.com.evil.example/x",
    "https://evil-skyflowapis.com/x",
    "https://manage.skyflowapis.com.evil.example/x",
    "https://manage.skyflowapis.com-evil.example/x",
    "https://skyflowapis.co/x",
    "https://manage.skyflowapis.org/x",
    "https://xskyflowapis-preview.com/x",
    "https://localhost.skyflow.example/x",
    "https://manage.skyflowapis.com./x",
    // Skyflow's servers at other ports.
    "https://manage.skyflowapis.com:22/x",
    "https://manage.skyflowapis.com:8443/x",
    "https://manage.skyflowapis.com:80/x",
];

const ALLOWED: [&str; 14] = [
    "https://manage.skyflowapis.com/v1/auth/sa/oauth/token",
    "https://MANAGE.SkyflowAPIs.com/v1/auth/sa/oauth/token",
    "https://manage.skyflowapis.com:443/x",
    "https://skyflowapis.com/x",
    "https://a.b.skyflowapis-preview.com/x",
    "https://manage.skyflowapis.tech/x",
    "https://manage.skyflowapis.dev/x",
    "http://127.0.0.1/x",
    "http://127.0.0.1:8080/v1/auth/sa/oauth/token",
    "http://127.0.0.53:1024/x",
    "http://localhost:65535/x",
    "http://[::1]:9/x",
    "https://localhost:8443/local",
    "https://localhost/x",
];

fn with_uri(uri: &str) -> Credentials {
    let mut json = TestKey::shared().json();
    json["tokenURI"] = json!(uri);
    Credentials::from_json(&json.to_string()).unwrap()
}

#[tokio::test]
async fn rel_T11_foreign_token_hosts_are_refused() {
    for uri in REFUSED {
        let endpoint = Endpoint::new(&ManualClock::new());
        let from_file = with_uri(uri);
        let from_option = Credentials::service_account(TestKey::shared().account()).token_uri(uri).unwrap();
        for credentials in [from_file, from_option] {
            let error =
                credentials.to_provider(&endpoint.exchange()).err().unwrap_or_else(|| panic!("{uri}"));
            assert_eq!((error.field(), error.kind()), ("tokenURI", Kind::TokenHost), "{uri}");
            assert_eq!(credentials.scoped(&endpoint.exchange()).unwrap_err().kind(), Kind::TokenHost);
            let message = error.to_string();
            assert!(message.contains("SKYFLOW_TOKEN_HOSTS") && message.contains("allow_host"), "{message}");
        }
        // Providers that are made without credentials find it when they mint.
        let options = TokenOptions::new().token_uri(uri).unwrap();
        let error = endpoint.tokens().with_options(options).token().await.unwrap_err();
        assert_eq!(error.kind(), AuthErrorKind::Credentials);
        let subject = provider_fn(|| async { Ok(AccessToken::new("identity")?) });
        let error = StsTokens::new(subject, endpoint.exchange()).unwrap().token_uri(uri).unwrap_err();
        assert_eq!(error.kind(), Kind::TokenHost);
        assert_eq!(endpoint.exchanges(), 0, "{uri}");
    }
}

#[tokio::test]
async fn skyflow_hosts_and_this_machine_are_allowed() {
    for uri in ALLOWED {
        let endpoint = Endpoint::new(&ManualClock::new());
        with_uri(uri).to_provider(&endpoint.exchange()).unwrap().token().await.unwrap();
        assert_eq!(endpoint.exchanges(), 1, "{uri}");
    }
}

#[test]
fn allowed_host_is_compared_as_a_whole() {
    let exchange = || Endpoint::new(&ManualClock::new()).exchange();
    let allows =
        |host: &str, uri: &str| with_uri(uri).to_provider(&exchange().allow_host(host).unwrap()).is_ok();
    for (host, uri, allowed) in [
        ("tokens.example", "https://tokens.example/x", true),
        ("tokens.example", "https://TOKENS.example:8443/x", true),
        ("tokens.example:8443", "https://tokens.example:8443/x", true),
        ("tokens.example:443", "https://tokens.example/x", true),
        ("tokens.example:8443", "https://tokens.example/x", false),
        ("tokens.example", "https://a.tokens.example/x", false),
        ("tokens.example", "https://tokens.example.evil.example/x", false),
        ("tokens.example", "https://xtokens.example/x", false),
        ("10.0.0.1", "https://10.0.0.1/x", true),
        ("[fd12::1]", "https://[fd12::1]/x", true),
        ("manage.skyflowapis.com", "https://manage.skyflowapis.com:8443/x", true),
        ("localhost", "https://localhost:22/x", true),
        ("tokens.example", "https://169.254.169.254/x", false),
    ] {
        assert_eq!(allows(host, uri), allowed, "{host} {uri}");
    }
    for host in [
        "",
        " ",
        "https://tokens.example",
        "tokens.example/x",
        "u@tokens.example",
        "a b",
        "tokens.example:",
        "tokens.example:99999",
        "*.example",
        "169.254.169.254",
        "[fe80::1]",
        "tokens.example?x",
        "tokens.example#x",
    ] {
        let error = exchange().allow_host(host).err().unwrap_or_else(|| panic!("{host}"));
        assert_eq!(error.kind(), Kind::TokenHostName, "{host}");
    }
}

#[test]
fn a_finished_stack_has_the_same_hosts() {
    let endpoint = Endpoint::new(&ManualClock::new());
    let exchange = || TokenExchange::from_stack(endpoint.service(), Arc::new(ManualClock::new()));
    let foreign = with_uri("https://tokens.example/x");
    assert_eq!(foreign.to_provider(&exchange()).unwrap_err().kind(), Kind::TokenHost);
    assert!(foreign.to_provider(&exchange().allow_host("tokens.example").unwrap()).is_ok());
}

#[test]
fn variable_allows_further_hosts() {
    for (value, first, second) in [
        (Some("tokens.example, other.example:8443"), true, true),
        (Some("https://tokens.example,other.example"), false, true),
        (Some(" , "), false, false),
        (None, false, false),
    ] {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args([
            "--exact",
            "--ignored",
            "--nocapture",
            "token_hosts::child_tells_which_hosts_are_allowed",
        ]);
        child.env_remove("SKYFLOW_TOKEN_HOSTS");
        if let Some(value) = value {
            child.env("SKYFLOW_TOKEN_HOSTS", value);
        }
        let printed = String::from_utf8(child.output().unwrap().stdout).unwrap();
        assert!(printed.contains(&format!("allowed={first},{second} ")), "{value:?}: {printed}");
    }
}

#[test]
#[ignore = "run in a child process"]
fn child_tells_which_hosts_are_allowed() {
    let exchange = Endpoint::new(&ManualClock::new()).exchange();
    let allowed = |uri: &str| with_uri(uri).to_provider(&exchange).is_ok();
    println!("allowed={},{} ", allowed("https://tokens.example/x"), allowed("https://other.example:8443/x"));
}

#[tokio::test]
async fn host_of_a_replaced_file_is_checked_too() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("credentials.json");
    let mut json = TestKey::shared().json();
    std::fs::write(&path, json.to_string()).unwrap();
    let endpoint = Endpoint::new(&ManualClock::new());
    let tokens = ServiceAccountTokens::from_path(&path, endpoint.exchange()).unwrap();
    tokens.token().await.unwrap();
    json["tokenURI"] = json!("https://evil.example/steal");
    std::fs::write(&path, json.to_string()).unwrap();
    assert_eq!(tokens.token().await.unwrap_err().kind(), AuthErrorKind::Credentials);
    assert_eq!(endpoint.exchanges(), 1);
}
