//! Pages in a browser that call the vault.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "in a test a panic is the report")]

mod support;

use http::{HeaderMap, Method, Request, StatusCode};
use skyflow_emulator::{BuildError, EmbeddedVault, Fault};
use skyflow_http::Body;
use support::Client;
use tower::ServiceExt;

const ALLOWED: &str = "access-control-allow-origin";

async fn call(
    vault: &EmbeddedVault,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
) -> (StatusCode, HeaderMap) {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = vault.service().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    (response.status(), response.headers().clone())
}

#[tokio::test]
async fn a_preflight_needs_no_token_on_any_route() {
    let vault = EmbeddedVault::builder().allow_origin("https://app.example.com/").build().unwrap();
    let id = vault.vault_id();
    for path in [
        format!("/v1/vaults/{id}"),
        format!("/v1/vaults/{id}/table1"),
        format!("/v1/vaults/{id}/table1/x/files"),
        format!("/v2/vaults/{id}/files/upload"),
        "/v1/detect/deidentify/string".to_owned(),
        "/v1/gateway/outboundRoutes/c/x".to_owned(),
        "/v1/auth/sa/oauth/token".to_owned(),
        format!("/local.vault.skyflowapis.com/v1/vaults/{id}"),
    ] {
        for origin in ["http://localhost:3000", "https://js.skyflow.com", "https://app.example.com"] {
            let asked = [
                ("origin", origin),
                ("access-control-request-method", "POST"),
                ("access-control-request-private-network", "true"),
            ];
            let (status, headers) = call(&vault, Method::OPTIONS, &path, &asked).await;
            assert_eq!(status, 204, "{path}");
            assert_eq!(headers[ALLOWED], origin);
            assert_eq!(headers["access-control-allow-methods"], "GET, POST, PUT, PATCH, DELETE");
            let expected = "authorization, content-type, sky-metadata, x-skyflow-authorization";
            assert_eq!(headers["access-control-allow-headers"], expected);
            assert_eq!(headers["access-control-expose-headers"], "x-request-id");
            assert_eq!(headers["access-control-allow-private-network"], "true");
        }
    }
    assert!(vault.journal().is_empty());
}

#[tokio::test]
async fn other_origins_and_control_paths_are_refused() {
    let vault = EmbeddedVault::builder().build().unwrap();
    let table = format!("/v1/vaults/{}/table1", vault.vault_id());
    for origin in
        ["https://example.com", "null", "http://localhost.example.com", "https://js.skyflow.com.evil.com"]
    {
        let asked = [("origin", origin), ("access-control-request-method", "GET")];
        let (status, headers) = call(&vault, Method::OPTIONS, &table, &asked).await;
        assert!(status == 204 && !headers.contains_key(ALLOWED), "{origin}");
        let (_, headers) = call(&vault, Method::GET, &table, &[("origin", origin)]).await;
        assert!(!headers.contains_key(ALLOWED), "{origin}");
    }
    let local = [("origin", "http://localhost"), ("access-control-request-method", "GET")];
    for path in ["/_emulator/control/faults", "/nowhere"] {
        let (status, headers) = call(&vault, Method::OPTIONS, path, &local).await;
        assert!(status == 404 && !headers.contains_key(ALLOWED), "{path}");
    }
    assert_eq!(call(&vault, Method::OPTIONS, &table, &[]).await.0, 405);
}

#[tokio::test]
async fn responses_and_errors_can_be_read_by_pages() {
    let vault = EmbeddedVault::builder().build().unwrap();
    let client = Client::new(&vault);
    let bearer = format!("Bearer {}", client.bearer);
    let table = format!("/v1/vaults/{}/table1", vault.vault_id());
    let origin = ("origin", "http://127.0.0.1:5173");
    vault.inject(Fault::status(StatusCode::TOO_MANY_REQUESTS).nth(3));
    for (status, headers) in
        [(401, vec![origin]), (200, vec![origin, ("authorization", &bearer)]), (429, vec![origin])]
    {
        let (found, headers) = call(&vault, Method::GET, &table, &headers).await;
        assert_eq!((found.as_u16(), &headers[ALLOWED]), (status, &origin.1.parse().unwrap()));
        assert_eq!(
            (&headers["vary"], &headers["access-control-expose-headers"]),
            (&"origin".parse().unwrap(), &"x-request-id".parse().unwrap())
        );
    }
}

#[test]
fn an_option_that_is_no_origin_is_refused() {
    for bad in ["*", "example.com", "https://example.com/app", ""] {
        let refused = EmbeddedVault::builder().allow_origin(bad).build();
        assert!(matches!(refused, Err(BuildError::Origin { .. })), "{bad}");
    }
}
