use http::HeaderName;
use skyflow_http::layers::{MetadataError, MetadataLayer};

use crate::CONNECTION_HEADER;

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
/// version, processor architecture, operating system and runtime. The host's name is not in it.
///
/// # Errors
///
/// Never fails today; the values are checked like any other.
pub fn skyflow_metadata() -> Result<MetadataLayer, MetadataError> {
    let metadata = format!(
        "{{\"sdk_name_version\":\"skyflow-rust@{VERSION}\",\"sdk_client_device_model\":\"{}\",\
         \"sdk_client_os_details\":\"{}\",\"sdk_runtime_details\":\"rust\"}}",
        std::env::consts::ARCH,
        std::env::consts::OS,
    );
    skyflow_user_agent()?.header(HeaderName::from_static("sky-metadata"), &metadata)
}

#[cfg(test)]
mod tests {
    use skyflow_http::{Body, BoxError, Request, Response};
    use tower::ServiceExt;
    use tower_layer::Layer;

    use super::*;

    #[tokio::test]
    async fn metadata_names_the_sdk_and_no_host() {
        let echo = tower::service_fn(|request: Request| async move {
            let mut response = Response::default();
            *response.headers_mut() = request.headers().clone();
            Ok::<_, BoxError>(response)
        });
        let response =
            skyflow_metadata().unwrap().layer(echo).oneshot(http::Request::new(Body::empty())).await;
        let headers = response.unwrap().into_parts().0.headers;
        assert_eq!(headers["user-agent"], concat!("skyflow-rust/", env!("CARGO_PKG_VERSION")));
        let metadata = headers["sky-metadata"].to_str().unwrap();
        assert!(metadata.starts_with("{\"sdk_name_version\":\"skyflow-rust@0."), "{metadata}");
    }

    #[test]
    fn the_connection_header_is_reserved() {
        assert!(skyflow_metadata().unwrap().header(CONNECTION_HEADER, "x").is_err());
    }
}
