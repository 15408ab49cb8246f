//! Headers that a caller sets: which ones the client manages itself, and what a value may hold.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::Error;

/// Hop-by-hop headers, and those that say where a message ends or goes. They belong to the transport.
const OF_THE_TRANSPORT: [HeaderName; 13] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::EXPECT,
    header::HOST,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("http2-settings"),
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// The header that the official SDKs describe themselves in.
const METADATA: HeaderName = HeaderName::from_static("sky-metadata");

/// Headers that the client sets according to the operation and the credentials.
const OF_THE_OPERATION: [HeaderName; 4] =
    [header::ACCEPT, header::AUTHORIZATION, header::CONTENT_TYPE, skyflow_auth::CONNECTION_HEADER];

/// Tells whether the client sets the header itself, whatever the operation is.
pub(crate) fn is_managed(header: &HeaderName) -> bool {
    OF_THE_TRANSPORT.contains(header) || *header == METADATA || OF_THE_OPERATION.contains(header)
}

/// The longest header name that an error repeats.
const MAX_SHOWN: usize = 64;

/// Checks a header for a third party and sets it; the last value wins.
pub(crate) fn set(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), Error> {
    set_unless(headers, name, value, &[])
}

/// Checks a header for any operation and sets it; the last value wins.
pub(crate) fn set_for_call(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), Error> {
    set_unless(headers, name, value, &OF_THE_OPERATION)
}

fn set_unless(headers: &mut HeaderMap, name: &str, value: &str, managed: &[HeaderName]) -> Result<(), Error> {
    let Ok(header) = HeaderName::from_bytes(name.as_bytes()) else {
        return Err(Error::invalid("headers", "has a name that is not a header name"));
    };
    let field = match header.as_str() {
        name if name.len() <= MAX_SHOWN => format!("headers.{name}"),
        _ => "headers".to_owned(),
    };
    if OF_THE_TRANSPORT.contains(&header) || header == METADATA || managed.contains(&header) {
        return Err(Error::invalid(field, "cannot be set: it is managed by the client"));
    }
    let is_plain = value.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~'));
    match HeaderValue::from_str(value) {
        Ok(mut valid) if is_plain && !value.trim().is_empty() => {
            // Keeps it out of `Debug` output, and out of the tables of HTTP/2.
            valid.set_sensitive(true);
            headers.insert(header, valid);
            Ok(())
        }
        _ => Err(Error::invalid(
            field,
            "must be visible ASCII text, without line breaks or control characters",
        )),
    }
}
