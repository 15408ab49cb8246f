//! Says why a TLS connection could not be made, and what to do.

use std::time::{Duration, UNIX_EPOCH};

use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, PeerIncompatible, PeerMisbehaved};

/// The most names of a certificate that are shown.
const MOST_NAMES: usize = 5;

/// The longest name that is shown.
const LONGEST_NAME: usize = 80;

pub(super) fn reason(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(problem) => certificate(problem),
        Error::AlertReceived(alert) => rejected(*alert),
        Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
            | PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled,
        ) => OLD_TLS.to_owned(),
        Error::PeerIncompatible(_)
        | Error::PeerMisbehaved(
            PeerMisbehaved::SelectedUnofferedCipherSuite
            | PeerMisbehaved::SelectedUnusableCipherSuiteForVersion,
        ) => "the server offers no cipher suite that this client accepts".to_owned(),
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType
            | InvalidMessage::UnknownProtocolVersion
            | InvalidMessage::MessageTooLarge
            | InvalidMessage::InvalidEmptyPayload,
        ) => {
            "the port does not speak TLS: check the port, and whether a proxy responds in place of the server"
                .to_owned()
        }
        Error::NoCertificatesPresented => "the server sent no certificate".to_owned(),
        Error::General(text) if text.starts_with("No CA certificates") => {
            "this machine has no root certificates: install those of the operating system, or add some with \
             TransportBuilder::add_root_certificates_pem"
                .to_owned()
        }
        other => plain(&other.to_string()),
    }
}

const OLD_TLS: &str = "the server supports neither TLS 1.2 nor TLS 1.3";

fn certificate(problem: &CertificateError) -> String {
    match problem {
        CertificateError::Expired => format!("its certificate has expired{CLOCK}"),
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("its certificate expired on {}{CLOCK}", date(*not_after))
        }
        CertificateError::NotValidYet => format!("its certificate is not valid yet{CLOCK}"),
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!("its certificate is not valid before {}{CLOCK}", date(*not_before))
        }
        CertificateError::NotValidForName => {
            "its certificate is for another name: check the host name".to_owned()
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            format!("its certificate is for {}: check the host name", names(presented))
        }
        // Another authority of the same name signs with another key.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "the issuer of its certificate is unknown, or the server does not send the intermediate certificate: add \
             the CA of a company or proxy with TransportBuilder::add_root_certificates_pem, or have the server send its \
             whole chain"
                .to_owned()
        }
        CertificateError::Revoked => "its certificate is revoked".to_owned(),
        other => format!("its certificate cannot be verified ({})", plain(&other.to_string())),
    }
}

const CLOCK: &str = ": have it replaced, or check the clock of this machine";

/// Explains an alert of the server.
fn rejected(alert: AlertDescription) -> String {
    let wants = match alert {
        AlertDescription::CertificateRequired => {
            "it requires a client certificate: set one with client_certificate_pem"
        }
        AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => {
            "it may require a client certificate, or accept no cipher suite of this client"
        }
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnknownCA
        | AlertDescription::AccessDenied => "it may require another client certificate",
        AlertDescription::ProtocolVersion => OLD_TLS,
        AlertDescription::UnrecognisedName => "it does not serve this host name",
        _ => return format!("the server rejected the handshake (alert {alert:?})"),
    };
    format!("the server rejected the handshake (alert {alert:?}): {wants}")
}

fn date(time: UnixTime) -> String {
    let date = UNIX_EPOCH.checked_add(Duration::from_secs(time.as_secs()));
    // Years beyond 9999 have no such form.
    match date.filter(|_| time.as_secs() < 253_402_300_800) {
        Some(date) => httpdate::fmt_http_date(date),
        None => "a date after the year 9999".to_owned(),
    }
}

/// Lists the names of a certificate, which rustls writes as `DnsName("a.example")` or `IpAddress(127.0.0.1)`.
fn names(presented: &[String]) -> String {
    let name = |written: &String| {
        let (_, name) = written.split_once('(')?;
        let name = name.trim_end_matches(')').trim_matches('"');
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '*' | '-' | '_' | ':');
        ((1..=LONGEST_NAME).contains(&name.len()) && name.chars().all(is_plain)).then(|| name.to_owned())
    };
    let names: Vec<_> = presented.iter().filter_map(name).collect();
    let more = presented.len().saturating_sub(MOST_NAMES);
    match names.get(..MOST_NAMES).unwrap_or(&names) {
        [] => "no name that this client knows".to_owned(),
        shown if more > 0 => format!("{} and {more} others", shown.join(", ")),
        shown => shown.join(", "),
    }
}

/// Keeps a text of rustls short and on one line.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_a_certificate_are_listed_and_bounded() {
        let dns = |name: &str| format!("DnsName(\"{name}\")");
        for (presented, listed) in [
            (
                vec![dns("a.example"), dns("*.b.example"), "IpAddress(127.0.0.1)".to_owned()],
                "a.example, *.b.example, 127.0.0.1",
            ),
            (vec![], "no name that this client knows"),
            (vec![dns("a b"), dns(&"x".repeat(100)), "text".to_owned()], "no name that this client knows"),
            ((0..12).map(|n| dns(&format!("n{n}"))).collect(), "n0, n1, n2, n3, n4 and 7 others"),
        ] {
            assert_eq!(names(&presented), listed);
        }
    }

    #[test]
    fn every_date_can_be_shown() {
        assert_eq!(date(UnixTime::since_unix_epoch(Duration::ZERO)), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(
            date(UnixTime::since_unix_epoch(Duration::from_secs(253_402_300_799))),
            "Fri, 31 Dec 9999 23:59:59 GMT"
        );
        assert_eq!(
            date(UnixTime::since_unix_epoch(Duration::from_secs(u64::MAX))),
            "a date after the year 9999"
        );
    }

    #[test]
    fn client_certificates_are_named_where_wanted() {
        for alert in [
            AlertDescription::CertificateRequired,
            AlertDescription::HandshakeFailure,
            AlertDescription::AccessDenied,
        ] {
            assert!(reason(&Error::AlertReceived(alert)).contains("client certificate"), "{alert:?}");
        }
        assert!(!reason(&Error::AlertReceived(AlertDescription::DecodeError)).contains("certificate"));
    }
}
