//! What authorities issue, and how certificates are validated: cases 40 to 42, 44 and 45.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of a test")]

mod support;

use std::time::Duration;

use scaivault::Error;
use scaivault::pki::CsrSubject;
use skyflow_http::Clock;
use support::{DAY, bench};

#[tokio::test]
async fn case_42_roles_and_authorities_end_certificates() {
    let bench = bench();
    let pki = bench.client.pki();
    let ca = pki
        .create_ca("root", "Acme Root", "root")
        .key_type("ec")
        .key_size(256)
        .validity_days(30)
        .await
        .unwrap();
    pki.create_role("svc", &ca.id)
        .allowed_domains(["svc.cluster.local"])
        .allow_subdomains(true)
        .key_type("ec")
        .key_bits(256)
        .max_ttl("20d")
        .await
        .unwrap();
    let issue = |name: &'static str| pki.issue("svc", name);
    let certificate =
        issue("Billing.svc.cluster.local.").alt_names(["api.svc.cluster.local"]).ttl("999d").await.unwrap();
    let end = certificate.not_after.as_ref().unwrap().time().unwrap();
    let asked = bench.clock.now() + 20 * DAY;
    assert!(end <= asked && end + DAY > asked, "the role ends it");
    assert!(certificate.private_key_pem.is_some());
    assert_eq!(certificate.ca_chain.len(), 1);
    assert!(matches!(issue("evil.example").await, Err(Error::Validation(_))));
    assert!(matches!(issue("a.svc.cluster.local").alt_names(["10.0.0.1"]).await, Err(Error::Validation(_))));
    bench.clock.advance(25 * DAY);
    let late = issue("late.svc.cluster.local").await.unwrap();
    let authority = pki.get_ca(&ca.id).await.unwrap().valid_until.unwrap().time().unwrap();
    let difference = authority.duration_since(late.not_after.unwrap().time().unwrap()).unwrap();
    assert!(difference < Duration::from_secs(2), "the authority ends it");
    bench.clock.advance(5 * DAY);
    let error = issue("dead.svc.cluster.local").await.unwrap_err();
    assert!(error.to_string().contains("root has expired"), "{error}");
}

#[tokio::test]
async fn case_42_revoked_authorities_issue_nothing() {
    let bench = bench();
    let pki = bench.client.pki();
    let root = pki.create_ca("top", "Top", "root").key_type("ec").key_size(256).await.unwrap();
    let below = pki.create_ca("below", "Below", "intermediate").parent(&root.id);
    let below = below.key_type("ec").key_size(256).await.unwrap();
    pki.create_role("svc", &below.id).allowed_domains(["svc.example"]).key_type("ec").await.unwrap();
    let issued = pki.issue("svc", "svc.example").await.unwrap();
    let kept = pki.get_certificate(issued.id.unwrap()).await.unwrap();
    let begin = kept.not_before.unwrap().time().unwrap();
    let early = bench.clock.now().duration_since(begin).unwrap();
    assert!((60..=62).contains(&early.as_secs()), "a clock that is a little late accepts it: {early:?}");

    // What is above is revoked, and with it everything below.
    pki.revoke_ca(&root.id).await.unwrap();
    assert_eq!(pki.get_ca(&below.id).await.unwrap().is_active, Some(false));
    let error = pki.issue("svc", "svc.example").await.unwrap_err();
    let Error::Validation(error) = error else { panic!("{error}") };
    assert_eq!((error.status.as_u16(), error.code.as_str()), (400, "invalid_request"));
    assert!(error.message.contains("below is revoked"), "{}", error.message);
    assert_eq!(error.details["ca_id"], below.id);
    let below = pki.create_ca("other", "Other", "intermediate").parent(&root.id).key_type("ec").key_size(256);
    let error = below.await.unwrap_err();
    assert!(error.to_string().contains("top is revoked"), "{error}");
}

#[tokio::test]
async fn case_41_names_follow_the_rules_of_the_role() {
    let bench = bench();
    let pki = bench.client.pki();
    let ca = pki.create_ca("root", "Root", "root").key_type("ec").key_size(256).await.unwrap();
    pki.create_role("plain", &ca.id).allowed_domains(["Svc.Example"]).key_type("ec").await.unwrap();
    pki.create_role("wide", &ca.id)
        .allowed_domains(["svc.example"])
        .allow_subdomains(true)
        .allow_ip_sans(true)
        .require_cn(true)
        .key_type("ec")
        .await
        .unwrap();
    let issue = async |role: &str, common_name: &str, alt_names: &[&str]| {
        let issued = pki.issue(role, common_name).alt_names(alt_names.iter().copied()).await;
        match issued {
            Ok(issued) => Ok(pki.get_certificate(issued.id.unwrap()).await.unwrap().alt_names),
            Err(Error::Validation(error)) => {
                assert_eq!(error.status.as_u16(), 422, "{error}");
                Err(error.details["fields"].as_object().unwrap().keys().next().unwrap().clone())
            }
            Err(error) => panic!("{error}"),
        }
    };
    for (role, common_name, alt_names, expected) in [
        ("plain", "svc.example", &[][..], Ok(&["svc.example"][..])),
        ("plain", "SVC.example.", &[], Ok(&["svc.example"])),
        ("plain", "a.svc.example", &[], Err("common_name")),
        ("plain", "*.svc.example", &[], Err("common_name")),
        ("plain", "svc.example", &["10.0.0.1"], Err("ip_sans")),
        ("plain", "10.0.0.1", &[], Err("ip_sans")),
        ("plain", "", &["svc.example"], Ok(&["svc.example"])),
        ("wide", "", &["svc.example"], Err("common_name")),
        ("wide", "*.svc.example", &["A.B.svc.example."], Ok(&["*.svc.example", "a.b.svc.example"])),
        ("wide", "svc.example", &["10.0.0.1", "::1"], Ok(&["svc.example", "10.0.0.1", "::1"])),
        ("wide", "bücher.svc.example", &[], Err("common_name")),
        ("wide", "svc.example", &["bücher.svc.example"], Err("alt_names")),
        ("wide", "evilsvc.example", &[], Err("common_name")),
    ] {
        let expected: Result<Vec<String>, String> = expected
            .map(|names: &[&str]| names.iter().map(ToString::to_string).collect())
            .map_err(|field: &str| field.to_owned());
        assert_eq!(issue(role, common_name, alt_names).await, expected, "{role} {common_name} {alt_names:?}");
    }
    let error = pki.issue("wide", "svc.example").ip_sans(["host.svc.example"]).await.unwrap_err();
    assert!(error.to_string().contains("ip_sans must be addresses"), "{error}");
}

#[tokio::test]
async fn case_45_validation_has_one_word_for_each_reason() {
    let bench = bench();
    let pki = bench.client.pki();
    let root = pki.create_ca("root", "Root", "root").key_type("ec").key_size(256).await.unwrap();
    let middle = pki.create_ca("sub", "Sub", "intermediate").parent(&root.id);
    let middle = middle.key_type("ec").key_size(256).await.unwrap();
    pki.create_role("svc", &middle.id).allowed_domains(["svc.example"]).key_type("ec").await.unwrap();
    let issued = pki.issue("svc", "svc.example").ttl("90d").await.unwrap();
    let leaf = issued.certificate_pem.as_str();
    let right: Vec<String> = issued.ca_chain.iter().map(ToOwned::to_owned).collect();
    let reversed: Vec<String> = right.iter().rev().cloned().collect();
    let validate = async |leaf: &str, chain: &str| {
        let result = pki.validate_certificate(leaf).chain_pem(chain).check_revocation(true).await.unwrap();
        assert_eq!(result.valid, result.errors.is_empty());
        result.errors.join(" ")
    };
    assert_eq!(validate(leaf, &right.concat()).await, "");
    assert_eq!(validate(leaf, "").await, "", "the server knows its authorities");
    assert_eq!(validate(leaf, &reversed.concat()).await, "wrong_order");

    let stranger = support::bench();
    let other = stranger.client.pki();
    let ca = other.create_ca("root", "Root", "root").key_type("ec").key_size(256).await.unwrap();
    other.create_role("svc", &ca.id).allowed_domains(["svc.example"]).key_type("ec").await.unwrap();
    let foreign = other.issue("svc", "svc.example").await.unwrap();
    let chain = foreign.ca_chain.to_pem();
    assert_eq!(validate(&foreign.certificate_pem, &chain).await, "untrusted_issuer");
    assert_eq!(validate(&foreign.certificate_pem, &right.concat()).await, "untrusted_issuer");

    let now = bench.clock.now();
    bench.clock.set_now(now - Duration::from_secs(300));
    assert_eq!(validate(leaf, "").await, "not_yet_valid");
    bench.clock.set_now(now + 91 * DAY);
    assert_eq!(validate(leaf, "").await, "expired");
    pki.revoke_ca(&middle.id).reason("ca compromise").await.unwrap();
    assert_eq!(validate(leaf, "").await, "expired revoked");
    bench.clock.set_now(now + DAY);
    assert_eq!(validate(leaf, "").await, "revoked");

    for (certificate, chain) in [("garbage", ""), ("", ""), (leaf, "garbage")] {
        let error = pki.validate_certificate(certificate).chain_pem(chain).await.unwrap_err();
        let Error::Validation(error) = error else { panic!("{error}") };
        assert_eq!(error.status.as_u16(), 422);
    }
}

#[tokio::test]
async fn case_44_every_list_has_a_higher_number() {
    let bench = bench();
    let pki = bench.client.pki();
    let root = pki.create_ca("root", "Root", "root").key_type("ec").key_size(256).await.unwrap();
    let first = pki.generate_crl(&root.id).await.unwrap();
    let second = pki.generate_crl(&root.id).await.unwrap();
    assert_ne!(first.crl_pem, second.crl_pem);
    assert!(second.next_update.unwrap().time().unwrap() > bench.clock.now());
    assert_eq!(pki.get_crl(&root.id).await.unwrap()[0], 0x30, "DER");
}

#[tokio::test]
async fn case_40_approved_requests_are_signed() {
    let bench = bench();
    let pki = bench.client.pki();
    let root = pki.create_ca("root", "Root", "root").key_type("ec").key_size(256).await.unwrap();
    let ca = pki
        .create_ca("sub", "Sub", "intermediate")
        .parent(&root.id)
        .key_type("ec")
        .key_size(256)
        .await
        .unwrap();
    let csr = pki
        .generate_csr(CsrSubject::new("vendor.example"))
        .san_dns(["vendor-api.example"])
        .key_type("ec")
        .key_size(256)
        .await
        .unwrap();
    let imported = pki.import_csr(csr.csr_pem.unwrap()).await.unwrap();
    assert!(pki.sign_csr_by_id(&imported.id, &ca.id).await.is_err(), "it is not approved");
    pki.approve_csr(&imported.id).await.unwrap();
    let signed = pki.sign_csr_by_id(&imported.id, &ca.id).validity_days(90).await.unwrap();
    assert_eq!((signed.ca_chain.len(), signed.full_chain_pem().matches("BEGIN").count()), (2, 2));
    assert!(matches!(pki.import_csr("garbage").await, Err(Error::Validation(_))));
}
