use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair};

use super::*;

fn armour(label: &str, der: &[u8], line_break: &str) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|chunk| std::str::from_utf8(chunk).unwrap()).collect();
    let body = lines.join(line_break);
    format!("-----BEGIN {label}-----{line_break}{body}{line_break}-----END {label}-----{line_break}")
}

fn pkcs8() -> Vec<u8> {
    let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
    AsDer::<Pkcs8V1Der<'_>>::as_der(&key).unwrap().as_ref().to_vec()
}

fn problem(pem: &str) -> KeyProblem {
    rsa_key(pem).map(|_| ()).unwrap_err()
}

#[test]
fn every_usual_spelling_of_a_key_is_read() {
    let der = pkcs8();
    let public = rsa_key(&armour("PRIVATE KEY", &der, "\n")).unwrap().public_key.to_vec();
    for line_break in ["\n", "\r\n", "\\n", "\\r\\n", "\\\\n", "", " ", "\n\t "] {
        for (label, der) in [("PRIVATE KEY", &*der), ("RSA PRIVATE KEY", pkcs1(&der).unwrap())] {
            for pem in [armour(label, der, line_break), format!(" \n{}\n\n", armour(label, der, line_break))]
            {
                let key = rsa_key(&pem).unwrap_or_else(|e| panic!("{label} {line_break:?}: {e:?}"));
                assert_eq!(&key.public_key[..], public);
            }
        }
    }
    assert!(
        rsa_key(&armour("PRIVATE KEY", pkcs1(&der).unwrap(), "\n")).is_ok(),
        "PKCS#1 under the other label"
    );
    assert!(rsa_key(&armour("RSA PRIVATE KEY", &der, "\n")).is_ok(), "PKCS#8 under the other label");
}

#[test]
fn each_unusable_key_has_a_distinct_error() {
    let der = pkcs8();
    let key = rsa_key(&armour("PRIVATE KEY", &der, "\n")).unwrap();
    let rng = aws_lc_rs::rand::SystemRandom::new();
    let ec = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &rng).unwrap();
    let ed = Ed25519KeyPair::generate_pkcs8(&rng).unwrap();
    let encrypted = format!("Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n{}", STANDARD.encode(&der));
    for (pem, expected) in [
        (String::new(), KeyProblem::NotPem),
        ("no key at all".into(), KeyProblem::NotPem),
        (STANDARD.encode(&der), KeyProblem::NotPem),
        ("-----BEGIN PRIVATE KEY-----\nAAAA".into(), KeyProblem::NotPem),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END CERTIFICATE-----".into(), KeyProblem::NotPem),
        (armour("PUBLIC KEY", &key.public_key[..], "\n"), KeyProblem::Public),
        (armour("RSA PUBLIC KEY", &key.public_key[..], "\n"), KeyProblem::Public),
        (armour("CERTIFICATE", &[0x30, 0x00], "\n"), KeyProblem::Public),
        (armour("ENCRYPTED PRIVATE KEY", &der, "\n"), KeyProblem::Encrypted),
        (
            format!("-----BEGIN RSA PRIVATE KEY-----\n{encrypted}\n-----END RSA PRIVATE KEY-----"),
            KeyProblem::Encrypted,
        ),
        (armour("EC PRIVATE KEY", &[0x30, 0x00], "\n"), KeyProblem::NotRsa),
        (armour("OPENSSH PRIVATE KEY", &[0x30, 0x00], "\n"), KeyProblem::NotRsa),
        (armour("PRIVATE KEY", ec.as_ref(), "\n"), KeyProblem::NotRsa),
        (armour("PRIVATE KEY", ed.as_ref(), "\n"), KeyProblem::NotRsa),
        (armour("PRIVATE KEY", &short_key(), "\n"), KeyProblem::TooShort),
        (armour("PRIVATE KEY", b"garbage", "\n"), KeyProblem::Malformed),
        (armour("PRIVATE KEY", &der[..der.len() - 9], "\n"), KeyProblem::Malformed),
        ("-----BEGIN PRIVATE KEY-----\n!!!!\n-----END PRIVATE KEY-----".into(), KeyProblem::Malformed),
        ("-----BEGIN PRIVATE KEY-----\nAA\\xAA\n-----END PRIVATE KEY-----".into(), KeyProblem::Malformed),
    ] {
        assert_eq!(problem(&pem), expected, "{}", pem.chars().take(60).collect::<String>());
    }
}

#[test]
fn blocks_beside_the_private_key_are_skipped() {
    let der = pkcs8();
    let key = armour("PRIVATE KEY", &der, "\n");
    let public = rsa_key(&key).unwrap().public_key.to_vec();
    let other = |label: &str| armour(label, &[0x30, 0x00], "\n");
    let attributes = "Bag Attributes\n    friendlyName: a\nKey Attributes: <No Attributes>\n";
    for label in ["CERTIFICATE", "TRUSTED CERTIFICATE", "PUBLIC KEY", "EC PARAMETERS", "X509 CRL"] {
        for pem in [
            format!("{}{key}", other(label)),
            format!("{key}{}", other(label)),
            format!("{attributes}{}{}{attributes}{key}", other(label), other(label)),
        ] {
            let read = rsa_key(&pem).unwrap_or_else(|problem| panic!("{label}: {problem:?}"));
            assert_eq!(read.public_key[..], public);
        }
    }
    let chain = other("CERTIFICATE").repeat(3);
    assert_eq!(problem(&chain), KeyProblem::Public);
    assert_eq!(problem(&format!("{chain}{}", other("EC PRIVATE KEY"))), KeyProblem::NotRsa);
    assert_eq!(problem(&format!("{}{chain}", other("ENCRYPTED PRIVATE KEY"))), KeyProblem::Encrypted);
}

#[test]
fn truncated_key_is_an_error_not_a_panic() {
    let pem = armour("PRIVATE KEY", &pkcs8(), "\n");
    for end in 0..pem.trim_end().len() - 1 {
        assert!(rsa_key(&pem[..end]).is_err(), "{end}");
    }
}

/// The shape of a 1024-bit PKCS#1 key; its length is all that is looked at.
fn short_key() -> Vec<u8> {
    let mut numbers = vec![INTEGER, 1, 0, INTEGER, 0x81, 129, 0, 0xc5];
    numbers.extend([0x5a; 127]);
    let mut der = vec![SEQUENCE, 0x81, numbers.len() as u8];
    der.extend(numbers);
    der
}
