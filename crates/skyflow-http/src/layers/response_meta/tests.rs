use super::super::probe;
use super::*;
use crate::{CallOptions, ErrorKind};
use tower::ServiceExt;

async fn progress_after(status: u16) -> Progress {
    let mut request = probe::request();
    let progress = Progress::of(request.extensions_mut());
    let service = ResponseMetaLayer::default().layer(probe::Strict::responding(&[status]));
    service.oneshot(request).await.unwrap();
    progress
}

#[tokio::test]
async fn only_definite_refusals_are_unambiguous() {
    for (status, ambiguous) in
        [(400, false), (401, false), (404, false), (429, false), (408, true), (500, true)]
    {
        let progress = progress_after(status).await;
        assert_eq!(progress.may_have_been_applied(), ambiguous, "{status}");
        assert_eq!(progress.attempts(), 1);
    }
}

#[tokio::test]
async fn only_the_rule_proves_third_party_inaction() {
    for (status, refused, ambiguous) in [
        (400, Some("gateway"), true),
        (400, Some("target"), true),
        (401, None, true),
        (401, Some("target"), true),
        (401, Some("gateway"), false),
        (429, None, true),
        (503, Some("gateway"), true),
    ] {
        let transport = tower::service_fn(move |_: Request| async move {
            let mut response = http::Response::builder().status(status);
            if let Some(value) = refused {
                response = response.header("x-refused-by", value);
            }
            Ok::<_, BoxError>(response.body(Body::empty())?)
        });
        let mut request = probe::request_of(Idempotency::Unknown);
        let progress = Progress::of(request.extensions_mut());
        let layer = ResponseMetaLayer::default().refusal(|headers| {
            match headers.get("x-refused-by").map(http::HeaderValue::as_bytes) {
                Some(b"gateway") => Refusal::BeforeActing,
                Some(_) => Refusal::NotTheToken,
                None => Refusal::Unknown,
            }
        });
        layer.layer(transport).oneshot(request).await.unwrap();
        assert_eq!(progress.may_have_been_applied(), ambiguous, "{status} {refused:?}");
    }
}

#[tokio::test]
async fn response_above_the_limit_is_a_typed_error() {
    let service = ResponseMetaLayer::new(1).layer(probe::Strict::responding(&[200]));
    let error = service.oneshot(probe::request()).await.unwrap_err();
    assert_eq!(error.downcast::<Error>().unwrap().kind(), ErrorKind::BodyTooLarge);
}

#[tokio::test]
async fn call_options_override_the_response_limit() {
    for (client, call, fits) in [(1, 100, true), (100, 1, false)] {
        let mut request = probe::request();
        CallContext::of_mut(request.extensions_mut()).options = CallOptions::new().response_limit(call);
        let service = ResponseMetaLayer::new(client).layer(probe::Strict::responding(&[200]));
        assert_eq!(service.oneshot(request).await.is_ok(), fits);
    }
}

#[tokio::test]
async fn request_id_comes_only_from_the_response() {
    let transport = |id: Option<&'static str>| {
        tower::service_fn(move |_: Request| async move {
            let mut response = Response::default();
            if let Some(id) = id {
                response.headers_mut().insert(RequestId::HEADER, http::HeaderValue::from_static(id));
            }
            Ok::<_, BoxError>(response)
        })
    };
    let layer = ResponseMetaLayer::default();
    let with = layer.layer(transport(Some("req-7"))).oneshot(probe::request()).await.unwrap();
    assert_eq!(request_id(with.headers()).unwrap().as_str(), "req-7");
    let without = layer.layer(transport(None)).oneshot(probe::request()).await.unwrap();
    assert!(request_id(without.headers()).is_none());
}

#[tokio::test]
async fn repeated_token_is_no_request_id() {
    let transport = tower::service_fn(|request: Request| async move {
        let mut response = Response::default();
        response.headers_mut().insert(RequestId::HEADER, request.headers()["authorization"].clone());
        Ok::<_, BoxError>(response)
    });
    let mut request = probe::request();
    request.headers_mut().insert("authorization", http::HeaderValue::from_static("Bearer canary-0123456789"));
    let response = ResponseMetaLayer::default().layer(transport).oneshot(request).await.unwrap();
    assert!(request_id(response.headers()).is_none());
}

#[tokio::test]
async fn encoding_that_was_asked_for_is_kept() {
    let transport = tower::service_fn(|_: Request| async move {
        let response = http::Response::builder().header("content-encoding", "deflate");
        // An empty block without a header of zlib.
        Ok::<_, BoxError>(response.body(Body::from(vec![3_u8, 0]))?)
    });
    for (asked_for, length) in [(false, 0), (true, 2)] {
        let mut request = probe::request();
        if asked_for {
            request.headers_mut().insert("accept-encoding", http::HeaderValue::from_static("deflate"));
        }
        let response = ResponseMetaLayer::default().layer(transport).oneshot(request).await.unwrap();
        assert_eq!(response.body().as_bytes().unwrap().len(), length);
        assert_eq!(response.headers().contains_key("content-encoding"), asked_for);
    }
}

/// `{}` in gzip, when the request asks for it.
async fn compressing(request: Request) -> Result<Response, BoxError> {
    const GZIP: [u8; 22] = [31, 139, 8, 0, 0, 0, 0, 0, 0, 255, 171, 174, 5, 0, 67, 191, 166, 163, 2, 0, 0, 0];
    let asked_for = request.headers().get("accept-encoding").is_some_and(|value| value == "gzip");
    let response = http::Response::builder().header("x-asked-for", asked_for.to_string());
    Ok(match asked_for {
        true => response.header("content-encoding", "gzip").body(Body::from(GZIP.to_vec()))?,
        false => response.body(Body::from("{}"))?,
    })
}

#[tokio::test]
async fn gzip_is_requested_per_client_and_call() {
    for (client, call, asked_for) in [
        (false, None, "false"),
        (true, None, "true"),
        (true, Some(false), "false"),
        (false, Some(true), "true"),
    ] {
        let mut request = probe::request();
        CallContext::of_mut(request.extensions_mut()).options.gzip = call;
        let layer = ResponseMetaLayer::default().gzip(client);
        let response = layer.layer(tower::service_fn(compressing)).oneshot(request).await.unwrap();
        assert_eq!(response.headers()["x-asked-for"], asked_for);
        assert_eq!(response.body().as_bytes().unwrap(), "{}");
        assert!(!response.headers().contains_key("content-encoding"));
    }
}

#[tokio::test]
async fn limit_of_requested_gzip_counts_decoded_bytes() {
    let layer = ResponseMetaLayer::new(30).gzip(true);
    let bomb = tower::service_fn(|_: Request| async {
        // 31 spaces, in 23 bytes.
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut encoder, &[b' '; 31])?;
        let body = encoder.finish()?;
        assert!(body.len() < 30);
        let response = http::Response::builder().header("content-encoding", "gzip");
        Ok::<_, BoxError>(response.body(Body::from(body))?)
    });
    let error = layer.layer(bomb).oneshot(probe::request()).await.unwrap_err();
    assert_eq!(error.downcast::<Error>().unwrap().kind(), ErrorKind::BodyTooLarge);
}

#[tokio::test]
async fn response_meta_calls_only_a_ready_service() {
    probe::assert_respects_readiness(ResponseMetaLayer::default()).await;
}
