use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::Error;

/// Headers that belong to one hop of the way, or tell where the message ends or goes.
const RESERVED: [HeaderName; 14] = [
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
    HeaderName::from_static("sky-metadata"),
];

/// The longest header name that an error repeats.
const MAX_SHOWN: usize = 64;

/// Checks a header and sets it; names differ by more than case.
pub(super) fn set(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), Error> {
    let Ok(header) = HeaderName::from_bytes(name.as_bytes()) else {
        return Err(Error::invalid("headers", "has a name that is no header name"));
    };
    let field = match header.as_str() {
        name if name.len() <= MAX_SHOWN => format!("headers.{name}"),
        _ => "headers".to_owned(),
    };
    if RESERVED.contains(&header) {
        return Err(Error::invalid(field, "is not set here: it belongs to the way, not to the request"));
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
