//! Whom a Core trusts when it calls a peer (CALL-8): the system's roots and those of a file, judged by the Core's clock.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, UnixTime, pem::PemObject},
    time_provider::TimeProvider,
};
use thiserror::Error;

use crate::clock::Clock;

/// TLS can't be set up.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file with certificates can't be read.
    #[error("{}: {why}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The file that a variable names can't be used.
    #[error("SSL_CERT_FILE: {0}")]
    CertFile(String),
    /// The library refuses the configuration.
    #[error(transparent)]
    Library(#[from] rustls::Error),
}

/// Trusts the system's roots and the certificates in `files`. The variables `SSL_CERT_FILE` and `SSL_CERT_DIR` name other
/// roots in place of the system's.
///
/// # Errors
/// When a file has no usable certificate, that of `SSL_CERT_FILE` among them.
pub fn system_roots(clock: Arc<dyn Clock>, files: &[PathBuf]) -> Result<Arc<ClientConfig>, TlsError> {
    let mut roots = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    for error in &system.errors {
        tracing::debug!(%error, "some of the system's certificates can't be read");
    }
    let (usable, _) = roots.add_parsable_certificates(system.certs);
    if let Some(file) = std::env::var_os("SSL_CERT_FILE").filter(|file| usable == 0 && !file.is_empty()) {
        add(&mut roots, Path::new(&file)).map_err(|error| TlsError::CertFile(error.to_string()))?;
    }
    for file in files {
        add(&mut roots, file)?;
    }
    if roots.is_empty() {
        tracing::warn!("no certificate authority is trusted, so no peer can be called; name a file in [tls] ca_file");
    }
    client_config(clock, roots)
}

/// Trusts `roots` only, at the time that `clock` tells.
///
/// # Errors
/// When the library refuses the configuration.
pub fn client_config(clock: Arc<dyn Clock>, roots: RootCertStore) -> Result<Arc<ClientConfig>, TlsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_details(provider, Arc::new(AsTold(clock)))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn add(roots: &mut RootCertStore, file: &Path) -> Result<(), TlsError> {
    let failed = |why: String| TlsError::File { file: file.to_owned(), why };
    let certificates = CertificateDer::pem_file_iter(file).map_err(|error| failed(error.to_string()))?;
    let mut any = false;
    for certificate in certificates {
        roots
            .add(certificate.map_err(|error| failed(error.to_string()))?)
            .map_err(|error| failed(error.to_string()))?;
        any = true;
    }
    if any { Ok(()) } else { Err(failed("no certificate in PEM form in there".into())) }
}

/// Time for certificates is the Core's time.
#[derive(Debug)]
struct AsTold(Arc<dyn Clock>);

impl TimeProvider for AsTold {
    fn current_time(&self) -> Option<UnixTime> {
        let since = self.0.now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Some(UnixTime::since_unix_epoch(since))
    }
}
