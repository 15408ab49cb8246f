//! Proxies of the environment, which a process has to be started with.

use skyflow::{Credentials, ErrorKind, GetRequest, Skyflow, SkyflowBuilder, VaultConfig};
use skyflow_http::{Proxies, Transport};
use skyflow_testkit::API_KEY;
use skyflow_testkit::polling::in_time;
use skyflow_testkit::raw_server::{Connection, RawServer};

use crate::child;

const EXPECTED: &str = "SKYFLOW_TEST_EXPECTED";

fn builder() -> SkyflowBuilder {
    let config = VaultConfig::new("v1", "cluster1").credentials(Credentials::api_key(API_KEY).unwrap());
    Skyflow::builder().vault(config).no_retry()
}

fn transport_kind(error: &skyflow::Error) -> skyflow_http::ErrorKind {
    error.transport_error().unwrap_or_else(|| panic!("{error:?}")).kind()
}

#[test]
fn malformed_proxy_variables_fail_the_build() {
    let Ok(expected) = std::env::var(EXPECTED) else {
        for (name, value) in [
            ("HTTPS_PROXY", "ftp://canary:canary@proxy"),
            ("https_proxy", "http://proxy:99999"),
            ("ALL_PROXY", "http://"),
        ] {
            let variables = [(name, value), (EXPECTED, name)];
            child::run_with("environment_proxies::malformed_proxy_variables_fail_the_build", 256, &variables);
        }
        let variables =
            [("HTTPS_PROXY", "http://proxy"), ("NO_PROXY", "10.0.0.0/33"), (EXPECTED, "NO_PROXY")];
        return child::run_with(
            "environment_proxies::malformed_proxy_variables_fail_the_build",
            256,
            &variables,
        );
    };
    let error = builder().build().unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some(expected.as_str())));
    let source = std::error::Error::source(&error).unwrap();
    let shown = format!("{error} {error:?} {source} {source:?}");
    assert!(shown.contains(&expected) && !shown.contains("canary"), "{shown}");
    // A setting in the code takes precedence over the environment.
    builder().proxies(Proxies::none()).build().unwrap();
    // A transport that is made without a client fails its calls.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = builder().transport(Transport::new()).build().unwrap();
    let vault = client.default_vault().unwrap();
    let error = runtime.block_on(vault.get(GetRequest::new("t").all_rows())).unwrap_err();
    assert_eq!(transport_kind(&error), skyflow_http::ErrorKind::Proxy);
    assert!(!error.is_retryable() && !error.may_have_been_applied());
}

#[tokio::test]
async fn clients_use_the_proxy_of_the_environment() {
    const NAME: &str = "environment_proxies::clients_use_the_proxy_of_the_environment";
    if std::env::var(EXPECTED).is_err() {
        let proxy = RawServer::start(|mut connection: Connection| async move {
            connection.head().await;
            connection.send("HTTP/1.1 403 Forbidden\r\n\r\n").await;
        })
        .await
        .unwrap();
        let url = format!("http://user:word@{}", proxy.address());
        let child = tokio::task::spawn_blocking(move || {
            child::run_with(
                NAME,
                256,
                &[("HTTPS_PROXY", &url), ("NO_PROXY", ".example"), (EXPECTED, "used")],
            );
        });
        in_time(child).await.unwrap();
        let asked = proxy.requests();
        let targets: Vec<_> = asked.iter().map(|request| request.target.as_str()).collect();
        // The client, and a transport of its own; neither the exception, nor loopback, nor a client without proxies.
        assert_eq!(targets, ["cluster1.vault.skyflowapis.com:443"; 2]);
        assert!(asked.iter().all(|request| request.headers["proxy-authorization"] == "Basic dXNlcjp3b3Jk"));
        return;
    }
    for builder in [builder(), builder().transport(Transport::new())] {
        let vault = builder.build().unwrap().default_vault().unwrap();
        let error = in_time(vault.get(GetRequest::new("t").all_rows())).await.unwrap_err();
        assert_eq!(transport_kind(&error), skyflow_http::ErrorKind::Proxy, "{error:?}");
    }
    let direct = |url: &str| VaultConfig::with_base_url("v2", url);
    for (url, proxies) in [("https://127.0.0.1:1", None), ("https://127.0.0.1:1", Some(Proxies::none()))] {
        let mut builder = builder().credentials(Credentials::api_key(API_KEY).unwrap()).vault(direct(url));
        if let Some(proxies) = proxies {
            builder = builder.proxies(proxies);
        }
        let vault = builder.build().unwrap().vault("v2").unwrap();
        let error = in_time(vault.get(GetRequest::new("t").all_rows())).await.unwrap_err();
        assert_eq!(transport_kind(&error), skyflow_http::ErrorKind::Connect, "{error:?}");
    }
}

#[test]
fn contradictory_networks_fail_the_build() {
    let proxies = || Proxies::all("http://proxy.example:3128").unwrap();
    let service = || Transport::new().into_service();
    for (builder, field) in [
        (builder().proxies(proxies()).transport(service()), "proxies"),
        (builder().proxies(proxies()).service(service()), "proxies"),
        (builder().transport(service()).service(service()), "transport"),
    ] {
        let error = builder.build().unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some(field)));
    }
    builder().proxies(proxies()).build().unwrap();
}
