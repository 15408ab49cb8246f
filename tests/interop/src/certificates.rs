use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};

/// The files that a proxy needs for TLS, and the authority that the client trusts.
pub struct Certificates {
    ca_pem: String,
    chain: PathBuf,
    key: PathBuf,
    both: PathBuf,
}

impl Certificates {
    /// Makes an authority and a certificate for 127.0.0.1.
    pub fn write_into(directory: &Path) -> Result<Self, Box<dyn Error>> {
        let ca_key = KeyPair::generate()?;
        let mut ca = CertificateParams::new(Vec::new())?;
        ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let ca_pem = ca.self_signed(&ca_key)?.pem();
        let key = KeyPair::generate()?;
        let server = CertificateParams::new(vec!["127.0.0.1".to_owned(), "localhost".to_owned()])?;
        let chain_pem = server.signed_by(&key, &Issuer::new(ca, ca_key))?.pem();
        let file = |name: &str, text: &str| -> Result<PathBuf, Box<dyn Error>> {
            let path = directory.join(name);
            fs::write(&path, text)?;
            Ok(path)
        };
        let both = file("both.pem", &format!("{chain_pem}{}", key.serialize_pem()))?;
        Ok(Self {
            ca_pem,
            chain: file("chain.pem", &chain_pem)?,
            key: file("key.pem", &key.serialize_pem())?,
            both,
        })
    }

    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    pub fn chain(&self) -> &Path {
        &self.chain
    }

    pub fn key(&self) -> &Path {
        &self.key
    }

    /// Certificate and key in one file.
    pub fn both(&self) -> &Path {
        &self.both
    }
}
