//! The certificate authorities that `wss://` and `https://` trust.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use webpki_roots::TLS_SERVER_ROOTS;

use crate::error::{DatabaseError, DatabaseResult};

/// Returns a client that trusts the roots that browsers trust, and those in `authorities`, which are PEM.
///
/// The cryptography provider is named because a process may hold two, and then none is the default.
///
/// # Errors
///
/// [`DatabaseError::InvalidConfig`] for an authority without a certificate or with an invalid one.
pub(crate) fn client_config(authorities: &[Vec<u8>]) -> DatabaseResult<ClientConfig> {
    let mut roots = RootCertStore { roots: TLS_SERVER_ROOTS.to_vec() };
    for pem in authorities {
        add_roots(&mut roots, pem).map_err(|reason| {
            DatabaseError::InvalidConfig(format!(
                "the certificate authority cannot be used: {reason}; pass a certificate in PEM"
            ))
        })?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| {
            DatabaseError::InvalidConfig(format!("TLS cannot be configured: {error}"))
        })?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

fn add_roots(roots: &mut RootCertStore, pem: &[u8]) -> Result<(), String> {
    let mut found = false;
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
        found = true;
    }
    if found { Ok(()) } else { Err("it contains no PEM certificate".to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_needs_a_valid_certificate() {
        client_config(&[]).unwrap();
        for (pem, expected) in [
            ("", "it contains no PEM certificate"),
            ("text", "it contains no PEM certificate"),
            (
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                "the certificate authority cannot be used",
            ),
        ] {
            let error = client_config(&[pem.into()]).unwrap_err().to_string();
            assert!(error.contains(expected), "{pem:?}: {error}");
        }
    }
}
