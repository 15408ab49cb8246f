//! What a certificate signing request asks for.

use rcgen::SubjectPublicKeyInfo;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::cri_attributes::ParsedCriAttribute;
use x509_parser::extensions::{GeneralName, ParsedExtension, X509Extension};
use x509_parser::objects::{oid_registry, oid2sn};
use x509_parser::oid_registry::Oid;
use x509_parser::pem::Pem;
use x509_parser::prelude::FromDer;

use crate::failure::{Failure, Outcome};
use crate::pki::names::{Names, is_host};

/// What is taken from a request: the key and the names, and nothing else.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) common_name: Option<String>,
    pub(crate) organization: Option<String>,
    pub(crate) names: Names,
    pub(crate) key: SubjectPublicKeyInfo,
}

fn refuse(problem: impl Into<String>) -> Failure {
    Failure::field("csr_pem", problem)
}

impl Request {
    /// Reads a request and checks its signature. What a certificate must not take from it is refused: the right to issue,
    /// names that are neither hosts nor addresses, and extensions that are not known.
    pub(crate) fn read(pem: &str) -> Outcome<Self> {
        let block = Pem::iter_from_buffer(pem.as_bytes()).find_map(Result::ok).filter(|block| {
            matches!(block.label.as_str(), "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST")
        });
        let block = block.ok_or_else(|| refuse("must be a signing request in PEM format"))?;
        let (rest, request) = X509CertificationRequest::from_der(&block.contents)
            .map_err(|_| refuse("is not a signing request"))?;
        if !rest.is_empty() {
            return Err(refuse("has something behind its end"));
        }
        request.verify_signature().map_err(|_| refuse("has a signature that is not its own"))?;
        let info = &request.certification_request_info;
        let text =
            |name: &x509_parser::x509::AttributeTypeAndValue<'_>| name.as_str().ok().map(ToOwned::to_owned);
        let common_name = info.subject.iter_common_name().next().and_then(text);
        let organization = info.subject.iter_organization().next().and_then(text);
        let mut names = Names::default();
        if let Some(name) = common_name.as_deref().filter(|name| is_host(name) && name.contains('.')) {
            names.add("csr_pem", name)?;
        }
        for attribute in info.iter_attributes() {
            if let ParsedCriAttribute::ExtensionRequest(requested) = attribute.parsed_attribute() {
                requested
                    .extensions
                    .iter()
                    .try_for_each(|extension| read_extension(extension, &mut names))?;
            }
        }
        let key = SubjectPublicKeyInfo::from_der(info.subject_pki.raw)
            .map_err(|_| refuse("has a key of an unknown kind"))?;
        Ok(Self { common_name, organization, names, key })
    }
}

fn read_extension(extension: &X509Extension<'_>, names: &mut Names) -> Outcome<()> {
    match extension.parsed_extension() {
        ParsedExtension::SubjectAlternativeName(alternative) => {
            for name in &alternative.general_names {
                match name {
                    GeneralName::DNSName(host) => names.add("csr_pem", host)?,
                    GeneralName::IPAddress(bytes) => {
                        let address = match <[u8; 4]>::try_from(*bytes) {
                            Ok(four) => Some(std::net::IpAddr::from(four)),
                            Err(_) => <[u8; 16]>::try_from(*bytes).ok().map(std::net::IpAddr::from),
                        };
                        let address = address.ok_or_else(|| refuse("has an address of a wrong length"))?;
                        names.add("csr_pem", &address.to_string())?;
                    }
                    GeneralName::RFC822Name(_) => {
                        return Err(refuse("must not have an e-mail address as a name"));
                    }
                    GeneralName::URI(_) => return Err(refuse("must not have a URI as a name")),
                    _ => return Err(refuse("must have hosts and addresses as names only")),
                }
            }
            Ok(())
        }
        ParsedExtension::BasicConstraints(constraints) if constraints.ca => {
            Err(refuse("must not ask for the right to issue certificates"))
        }
        ParsedExtension::BasicConstraints(_)
        | ParsedExtension::KeyUsage(_)
        | ParsedExtension::ExtendedKeyUsage(_)
        | ParsedExtension::SubjectKeyIdentifier(_) => Ok(()),
        ParsedExtension::ParseError { .. } => {
            Err(refuse(format!("has the extension {}, which cannot be read", name_of(&extension.oid))))
        }
        _ => Err(refuse(format!("has the extension {}, which is not supported", name_of(&extension.oid)))),
    }
}

/// Returns the number of an extension, with its name where there is a known one.
fn name_of(oid: &Oid<'_>) -> String {
    match oid2sn(oid, oid_registry()) {
        Ok(name) => format!("{name} ({oid})"),
        Err(_) => oid.to_string(),
    }
}
