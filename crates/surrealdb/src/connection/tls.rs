//! Which servers `wss://` and `https://` believe.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use webpki_roots::TLS_SERVER_ROOTS;

use crate::error::{DatabaseError, DatabaseResult};

/// The roots that browsers trust, and those in `authorities`, which are PEM.
///
/// The provider is named, since a database process may well hold two, and then there is no default.
///
/// # Errors
///
/// [`DatabaseError::InvalidConfig`] when `authorities` holds no certificate, or one that is damaged.
pub(crate) fn client(authorities: &[Vec<u8>]) -> DatabaseResult<ClientConfig> {
    let mut roots = RootCertStore { roots: TLS_SERVER_ROOTS.to_vec() };
    for pem in authorities {
        trust(&mut roots, pem).map_err(|reason| {
            DatabaseError::InvalidConfig(format!(
                "the certificate authority cannot be used: {reason}"
            ))
        })?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| DatabaseError::InvalidConfig(format!("TLS cannot be set up: {error}")))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

fn trust(roots: &mut RootCertStore, pem: &[u8]) -> Result<(), String> {
    let mut found = false;
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
        found = true;
    }
    if found { Ok(()) } else { Err("it is no PEM with a certificate in it".to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_a_certificate_or_an_error() {
        client(&[]).unwrap();
        for (pem, expected) in [
            ("", "it is no PEM with a certificate in it"),
            ("text", "it is no PEM with a certificate in it"),
            (
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                "the certificate authority cannot be used",
            ),
        ] {
            let error = client(&[pem.into()]).unwrap_err().to_string();
            assert!(error.contains(expected), "{pem:?}: {error}");
        }
    }
}
