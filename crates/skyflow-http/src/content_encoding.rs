//! Responses that are compressed although the request did not ask for it.

use std::io::{self, Read};

use bytes::Bytes;
use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap};

use crate::Error;

/// The most encodings on top of one another that are undone.
const MOST: usize = 4;

/// Decodes `gzip` and `deflate` and takes the header away. A body in another encoding, and one that is broken, stays as
/// it is, with its header.
///
/// # Errors
///
/// Fails when the decoded body is larger than `limit`.
pub(crate) fn decoded(headers: &mut HeaderMap, body: Bytes, limit: usize) -> Result<Bytes, Error> {
    let Some(encodings) = encodings(headers) else { return Ok(body) };
    if body.is_empty() || encodings.len() > MOST {
        return Ok(body);
    }
    let mut decoded = body.clone();
    for encoding in encodings.iter().rev() {
        decoded = match decode(encoding, &decoded, limit) {
            Ok(plain) => plain.into(),
            Err(Broken::TooLarge) => return Err(Error::body_too_large()),
            Err(Broken::Unreadable) => return Ok(body),
        };
    }
    headers.remove(CONTENT_ENCODING);
    headers.remove(CONTENT_LENGTH);
    Ok(decoded)
}

/// Returns the encoding of a response whose body is not plain; a name that is no token is not repeated.
pub(crate) fn remaining(headers: &HeaderMap) -> Option<String> {
    let encodings = encodings(headers)?;
    let is_plain = |name: &String| {
        (1..=16).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    Some(if encodings.iter().all(is_plain) { encodings.join(", ") } else { "?".to_owned() })
}

/// Returns the encodings in the order in which they were applied; `None` when the body is plain.
fn encodings(headers: &HeaderMap) -> Option<Vec<String>> {
    let mut encodings = Vec::new();
    for value in headers.get_all(CONTENT_ENCODING) {
        let names = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
        let names = names.split(',').map(str::trim).filter(|name| !matches!(*name, "" | "identity"));
        encodings.extend(names.map(ToOwned::to_owned));
    }
    (!encodings.is_empty()).then_some(encodings)
}

enum Broken {
    TooLarge,
    Unreadable,
}

fn decode(encoding: &str, body: &[u8], limit: usize) -> Result<Vec<u8>, Broken> {
    match encoding {
        "gzip" | "x-gzip" => read(MultiGzDecoder::new(body), limit),
        // Some servers leave out the header and checksum of zlib.
        "deflate" => match read(ZlibDecoder::new(body), limit) {
            Err(Broken::Unreadable) => read(DeflateDecoder::new(body), limit),
            outcome => outcome,
        },
        _ => Err(Broken::Unreadable),
    }
}

fn read(decoder: impl Read, limit: usize) -> Result<Vec<u8>, Broken> {
    let mut plain = Vec::new();
    let end = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let outcome: io::Result<usize> = decoder.take(end).read_to_end(&mut plain);
    match outcome {
        Ok(length) if length > limit => Err(Broken::TooLarge),
        Ok(_) => Ok(plain),
        Err(error) if error.kind() == io::ErrorKind::OutOfMemory => Err(Broken::TooLarge),
        Err(_) => Err(Broken::Unreadable),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use http::HeaderValue;

    use super::*;
    use crate::ErrorKind;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(plain: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn raw_deflate(plain: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn encoded_as(encoding: &str) -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_ENCODING, HeaderValue::from_str(encoding).unwrap())])
    }

    #[test]
    fn gzip_and_deflate_are_decoded_in_any_order() {
        let plain = br#"{"records":[]}"#;
        for (encoding, body) in [
            ("gzip", gzip(plain)),
            ("X-GZIP", gzip(plain)),
            ("deflate", zlib(plain)),
            ("deflate", raw_deflate(plain)),
            ("identity, gzip", gzip(plain)),
            ("deflate, gzip", gzip(&zlib(plain))),
            ("gzip", [gzip(b"{\"records\":"), gzip(b"[]}")].concat()),
            ("identity", plain.to_vec()),
            ("", plain.to_vec()),
        ] {
            let mut headers = encoded_as(encoding);
            let decoded = decoded(&mut headers, body.into(), 100).unwrap();
            assert_eq!(decoded, plain.as_slice(), "{encoding}");
            assert_eq!(remaining(&headers), None, "{encoding}");
        }
    }

    #[test]
    fn unknown_and_broken_encodings_stay_as_they_are() {
        let cut = &gzip(b"some text that is long enough")[..20];
        for (encoding, body, named) in [
            ("br", b"\x0b\x02\x80abc\x03".as_slice(), "br"),
            ("zstd", b"\x28\xb5\x2f\xfd", "zstd"),
            ("gzip", b"{}", "gzip"),
            ("gzip", cut, "gzip"),
            ("gzip, br", b"x", "gzip, br"),
            ("gzip, gzip, gzip, gzip, gzip", b"x", "gzip, gzip, gzip, gzip, gzip"),
            ("Bearer canary", b"x", "?"),
        ] {
            let mut headers = encoded_as(encoding);
            assert_eq!(decoded(&mut headers, Bytes::from_static(b"").clone(), 100).unwrap(), "");
            assert_eq!(decoded(&mut headers, body.to_vec().into(), 100).unwrap(), body, "{encoding}");
            assert_eq!(remaining(&headers).as_deref(), Some(named));
        }
    }

    #[test]
    fn limit_counts_the_decoded_bytes() {
        let bomb = gzip(&vec![b' '; 10_000_000]);
        assert!(bomb.len() < 20_000);
        for (encoding, body) in [("gzip", bomb.clone()), ("gzip, gzip", gzip(&bomb))] {
            let error = decoded(&mut encoded_as(encoding), body.into(), 1_000_000).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::BodyTooLarge);
        }
        assert_eq!(decoded(&mut encoded_as("gzip"), bomb.into(), 10_000_000).unwrap().len(), 10_000_000);
    }
}
