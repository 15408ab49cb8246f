use http::HeaderName;
use skyflow_http::layers::{MetadataError, MetadataLayer};

use crate::CONNECTION_HEADER;

/// The environment variable that turns the description of SDK and machine off, with the value `off`.
pub const METADATA_ENV: &str = "SKYFLOW_SDK_METADATA";

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Describes this SDK by its name and version in `User-Agent`, and nothing else.
///
/// # Errors
///
/// Never fails today; the value is checked like any other.
pub fn skyflow_user_agent() -> Result<MetadataLayer, MetadataError> {
    Ok(MetadataLayer::new(concat!("skyflow-rust/", env!("CARGO_PKG_VERSION")))?.reserve([CONNECTION_HEADER]))
}

/// Describes this SDK as the Skyflow SDKs do: `User-Agent` and `sky-metadata`, a JSON object with the SDK's name and
/// version, processor architecture, operating system and runtime. The names of host and user are not in it.
///
/// When the environment variable `SKYFLOW_SDK_METADATA` is `off`, it is [`skyflow_user_agent`].
///
/// # Errors
///
/// Never fails today; the values are checked like any other.
pub fn skyflow_metadata() -> Result<MetadataLayer, MetadataError> {
    match std::env::var(METADATA_ENV).is_ok_and(|value| is_off(&value)) {
        true => skyflow_user_agent(),
        false => described(),
    }
}

/// Tells whether a value of `SKYFLOW_SDK_METADATA` turns the description off.
pub fn is_off(value: &str) -> bool {
    value.trim().eq_ignore_ascii_case("off")
}

fn described() -> Result<MetadataLayer, MetadataError> {
    let metadata = format!(
        "{{\"sdk_name_version\":\"skyflow-rust@{VERSION}\",\"sdk_client_device_model\":\"{}\",\
         \"sdk_client_os_details\":\"{}\",\"sdk_runtime_details\":\"rust\"}}",
        std::env::consts::ARCH,
        std::env::consts::OS,
    );
    skyflow_user_agent()?.public_header(HeaderName::from_static("sky-metadata"), &metadata)
}

#[cfg(test)]
mod tests {
    use skyflow_http::{Body, BoxError, Request, Response};
    use tower::ServiceExt;
    use tower_layer::Layer;

    use super::*;

    async fn headers_of(layer: MetadataLayer) -> http::HeaderMap {
        let echo = tower::service_fn(|request: Request| async move {
            let mut response = Response::default();
            *response.headers_mut() = request.headers().clone();
            Ok::<_, BoxError>(response)
        });
        let response = layer.layer(echo).oneshot(http::Request::new(Body::empty())).await;
        response.unwrap().into_parts().0.headers
    }

    #[tokio::test]
    #[expect(non_snake_case, reason = "S10 is the id of the promise")]
    async fn rel_S10_metadata_names_neither_host_nor_user() {
        let headers = headers_of(described().unwrap()).await;
        assert_eq!(headers["user-agent"], concat!("skyflow-rust/", env!("CARGO_PKG_VERSION")));
        let metadata: serde_json::Value =
            serde_json::from_str(headers["sky-metadata"].to_str().unwrap()).unwrap();
        let expected = serde_json::json!({
            "sdk_name_version": concat!("skyflow-rust@", env!("CARGO_PKG_VERSION")),
            "sdk_client_device_model": std::env::consts::ARCH,
            "sdk_client_os_details": std::env::consts::OS,
            "sdk_runtime_details": "rust",
        });
        assert_eq!(metadata, expected, "these and no others");
        assert_eq!(headers.len(), 2);
    }

    #[tokio::test]
    async fn user_agent_is_all_that_is_sent_without_metadata() {
        let headers = headers_of(skyflow_user_agent().unwrap()).await;
        assert_eq!(headers.len(), 1);
        assert!(headers.contains_key("user-agent"));
        for (value, off) in [("off", true), (" OFF ", true), ("on", false), ("", false), ("0", false)] {
            assert_eq!(is_off(value), off, "{value}");
        }
    }

    #[test]
    fn the_connection_header_is_reserved() {
        assert!(skyflow_metadata().unwrap().header(CONNECTION_HEADER, "x").is_err());
    }
}
