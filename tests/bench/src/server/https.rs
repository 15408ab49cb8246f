//! The server's certificate and its encrypted connections.

use std::net::TcpStream;
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use rustls_pki_types::PrivateKeyDer;

use crate::Failure;

/// Makes a certificate. Returns it as PEM, with the configuration of a server that has it.
pub fn certificate() -> Result<(String, Arc<ServerConfig>), Failure> {
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(["127.0.0.1".to_owned()])?.self_signed(&key)?;
    let private = PrivateKeyDer::try_from(key.serialize_der())?;
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)?;
    Ok((certificate.pem(), Arc::new(config)))
}

pub fn encrypted(
    connection: TcpStream,
    config: &Arc<ServerConfig>,
) -> Option<StreamOwned<ServerConnection, TcpStream>> {
    let tls = ServerConnection::new(Arc::clone(config)).ok()?;
    Some(StreamOwned::new(tls, connection))
}
