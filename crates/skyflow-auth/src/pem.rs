use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::KeyProblem;
use crate::crypto::{LIBRARIES, RsaKey};

const RSA_OID: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const OBJECT_ID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

/// Reads an RSA private key from PEM as it is found in files, environment variables and JSON.
///
/// Line breaks may be `\n`, `\r\n`, the two characters backslash and `n`, or missing. The key may be PKCS#8 or PKCS#1
/// under either label. Other blocks beside it, such as a certificate, are skipped. It is parsed here, so that a key that
/// cannot sign is found before anything is sent.
pub(crate) fn rsa_key(pem: &str) -> Result<RsaKey, KeyProblem> {
    let mut problem = None;
    let mut rest = pem;
    let body = loop {
        let Some((label, body, after)) = block(rest) else {
            return Err(problem.unwrap_or(KeyProblem::NotPem));
        };
        rest = after;
        let found = match label {
            "PRIVATE KEY" | "RSA PRIVATE KEY" => break body,
            "ENCRYPTED PRIVATE KEY" => KeyProblem::Encrypted,
            "PUBLIC KEY" | "RSA PUBLIC KEY" => KeyProblem::Public,
            label if label.contains("CERTIFICATE") => KeyProblem::Public,
            _ => KeyProblem::NotRsa,
        };
        // A key that cannot be used says more than a certificate beside it.
        if problem.is_none_or(|problem| problem == KeyProblem::Public) {
            problem = Some(found);
        }
    };
    if body.contains("ENCRYPTED") {
        return Err(KeyProblem::Encrypted);
    }
    let der = decode(body).ok_or(KeyProblem::Malformed)?;
    let pkcs1 = pkcs1(&der)?;
    if modulus_bits(pkcs1).ok_or(KeyProblem::Malformed)? < 2048 {
        return Err(KeyProblem::TooShort);
    }
    let library = LIBRARIES.first().ok_or(KeyProblem::NoLibrary)?;
    (library.rsa_key)(pkcs1).ok_or(KeyProblem::Malformed)
}

/// The `RSAPrivateKey` in a PKCS#8 document, or the document itself when it is one.
pub(crate) fn pkcs1(der: &[u8]) -> Result<&[u8], KeyProblem> {
    let (_, document, _) = element(der).filter(|e| e.0 == SEQUENCE).ok_or(KeyProblem::Malformed)?;
    let (_, _, after_version) = element(document).filter(|e| e.0 == INTEGER).ok_or(KeyProblem::Malformed)?;
    let (tag, algorithm, after_algorithm) = element(after_version).ok_or(KeyProblem::Malformed)?;
    if tag == INTEGER {
        return Ok(der);
    }
    match element(algorithm) {
        Some((OBJECT_ID, RSA_OID, _)) if tag == SEQUENCE => {}
        Some((OBJECT_ID, ..)) if tag == SEQUENCE => return Err(KeyProblem::NotRsa),
        _ => return Err(KeyProblem::Malformed),
    }
    match element(after_algorithm) {
        Some((OCTET_STRING, key, _)) => Ok(key),
        _ => Err(KeyProblem::Malformed),
    }
}

/// The second number of an `RSAPrivateKey`, after its version.
fn modulus_bits(pkcs1: &[u8]) -> Option<usize> {
    let (_, numbers, _) = element(pkcs1).filter(|e| e.0 == SEQUENCE)?;
    let (_, _, after_version) = element(numbers).filter(|e| e.0 == INTEGER)?;
    let (_, modulus, _) = element(after_version).filter(|e| e.0 == INTEGER)?;
    let start = modulus.iter().position(|&byte| byte != 0)?;
    let digits = modulus.get(start..)?;
    Some(digits.len() * 8 - digits.first()?.leading_zeros() as usize)
}

/// Splits one DER element off: its tag, its content, and what follows.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, length], rest) = der.split_first_chunk()?;
    let (length, rest) = match length {
        0x00..=0x7f => (usize::from(length), rest),
        0x81 => rest.split_first().map(|(&length, rest)| (usize::from(length), rest))?,
        0x82 => {
            rest.split_first_chunk().map(|(&bytes, rest)| (usize::from(u16::from_be_bytes(bytes)), rest))?
        }
        _ => return None,
    };
    rest.split_at_checked(length).map(|(content, rest)| (tag, content, rest))
}

/// The label of the first PEM block, the text between its lines, and what follows.
fn block(pem: &str) -> Option<(&str, &str, &str)> {
    let (_, rest) = pem.split_once("-----BEGIN ")?;
    let (label, rest) = rest.split_once("-----")?;
    let (body, rest) = rest.split_once("-----END ")?;
    let after = rest.strip_prefix(label)?.strip_prefix("-----")?;
    Some((label, body, after))
}

fn decode(body: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut text = Zeroizing::new(Vec::with_capacity(body.len()));
    let mut bytes = body.bytes().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => {
                // `\\n` of a doubly escaped text too.
                while bytes.next_if_eq(&b'\\').is_some() {}
                bytes.next_if(|b| matches!(b, b'n' | b'r' | b't'))?;
            }
            _ if byte.is_ascii_whitespace() => {}
            _ => text.push(byte),
        }
    }
    let mut der = Zeroizing::new(vec![0; text.len()]);
    let length = STANDARD.decode_slice(&*text, &mut der).ok()?;
    der.truncate(length);
    Some(der)
}

#[cfg(test)]
#[cfg(feature = "aws-lc-rs")]
mod tests;
