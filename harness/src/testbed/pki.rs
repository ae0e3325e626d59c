//! A throw-away certificate authority: certificates for the proxies, trust for whoever calls them.

use std::fmt;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use portal_core::clock::{Clock, unix_seconds};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, GeneralSubtree,
    IsCa, KeyPair, KeyUsagePurpose, NameConstraints,
};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};
use tempfile::NamedTempFile;

const DAY: Duration = Duration::from_secs(24 * 3600);
/// Certificates hold this long around the moment at which the authority was made, so that scenarios can set clocks.
const VALIDITY: Duration = Duration::from_secs(3650 * 24 * 3600);

/// The authority of a testbed. Cheap to clone. Keys are made for it and forgotten with it.
#[derive(Clone)]
pub struct Pki {
    inner: Arc<Inner>,
}

struct Inner {
    made: SystemTime,
    authority: CertifiedIssuer<'static, KeyPair>,
    stranger: CertifiedIssuer<'static, KeyPair>,
    // One key for all proxies: the suite tests names and dates, and 1,000 Portals shall start quickly.
    leaf: KeyPair,
    provider: Arc<CryptoProvider>,
    ca_file: NamedTempFile,
}

/// A certificate that a proxy can show. All but the first must make a caller turn away (CALL-8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum CertificateKind {
    /// For the Portal's domain and one label under it, in force, by the testbed's authority.
    #[default]
    Good,
    /// No longer in force.
    Expired,
    /// For another name.
    OtherName,
    /// By an authority that nobody trusts.
    OtherCa,
    /// Not in force yet.
    NotYetValid,
    /// By nobody but itself.
    SelfSigned,
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PkiError {
    /// A name that can't be certified, or a failure of the cryptography.
    #[error("no certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The certificate can't be used by TLS.
    #[error("no TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The file of the authority could not be written.
    #[error("no file for the authority's certificate: {0}")]
    File(#[from] io::Error),
}

impl Pki {
    /// Makes an authority whose certificates are in force around the present of `clock`.
    ///
    /// # Errors
    /// Where keys, certificates or the file of the authority can't be made.
    pub fn new(clock: &dyn Clock) -> Result<Pki, PkiError> {
        Pki::with_key(clock, KeyPair::generate()?, None)
    }

    /// An authority that outlives the program: its certificate is kept in this file and its key beside, in a file that only
    /// its owner reads. Both are made the first time. It is good for nothing but tests.
    ///
    /// # Errors
    /// Where the files can't be read or made.
    pub fn kept(clock: &dyn Clock, file: &Path) -> Result<Pki, PkiError> {
        Pki::kept_for(clock, file, None)
    }

    /// [`Pki::kept`], good for names of this zone alone: people put it among those that their browser trusts.
    ///
    /// # Errors
    /// As there.
    pub fn kept_for(clock: &dyn Clock, file: &Path, zone: Option<&str>) -> Result<Pki, PkiError> {
        let mut key_file = file.as_os_str().to_owned();
        key_file.push(".key");
        let key_file = Path::new(&key_file);
        if file.is_file() && key_file.is_file() {
            // The same name and key: what the certificate in the file says of them holds.
            return Pki::with_key(clock, KeyPair::from_pem(&std::fs::read_to_string(key_file)?)?, zone);
        }
        let key = KeyPair::generate()?;
        let pem = key.serialize_pem();
        let pki = Pki::with_key(clock, key, zone)?;
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        for (path, text) in [(key_file, pem), (file, pki.ca_pem())] {
            let mut written = NamedTempFile::new_in(folder)?;
            written.write_all(text.as_bytes())?;
            written.persist(path).map_err(|error| error.error)?;
        }
        Ok(pki)
    }

    fn with_key(clock: &dyn Clock, key: KeyPair, zone: Option<&str>) -> Result<Pki, PkiError> {
        let made = SystemTime::UNIX_EPOCH + Duration::from_secs(unix_seconds(clock));
        let authority = authority("Countersign testbed", made, key, zone)?;
        let mut ca_file = tempfile::Builder::new().prefix("countersign-ca-").suffix(".pem").tempfile()?;
        ca_file.write_all(authority.pem().as_bytes())?;
        let inner = Inner {
            made,
            stranger: self::authority("Countersign stranger", made, KeyPair::generate()?, None)?,
            authority,
            leaf: KeyPair::generate()?,
            provider: Arc::new(aws_lc_rs::default_provider()),
            ca_file,
        };
        Ok(Pki { inner: Arc::new(inner) })
    }

    /// The authority's certificate.
    pub fn ca_pem(&self) -> String {
        self.inner.authority.pem()
    }

    /// A file with [`Pki::ca_pem`], for programs that take their trust from a file; it goes with the last handle.
    pub fn ca_file(&self) -> &Path {
        self.inner.ca_file.path()
    }

    /// The certificate for `domain` and `*.domain`, and its key, as PEM.
    ///
    /// # Errors
    /// Where `domain` is no name.
    pub fn pem_for(&self, domain: &str) -> Result<(String, String), PkiError> {
        Ok((self.made_for(domain, CertificateKind::Good)?.pem(), self.inner.leaf.serialize_pem()))
    }

    /// A certificate of the given kind for `domain` and `*.domain`.
    ///
    /// # Errors
    /// Where `domain` is no name.
    pub fn certificate_for(&self, domain: &str, kind: CertificateKind) -> Result<Arc<CertifiedKey>, PkiError> {
        let inner = &*self.inner;
        let certificate = self.made_for(domain, kind)?;
        let key = PrivateKeyDer::try_from(inner.leaf.serialize_der())
            .map_err(|reason| rustls::Error::General(reason.to_owned()))?;
        Ok(Arc::new(CertifiedKey::from_der(vec![certificate.der().clone()], key, &inner.provider)?))
    }

    fn made_for(&self, domain: &str, kind: CertificateKind) -> Result<Certificate, PkiError> {
        let inner = &*self.inner;
        let named = if kind == CertificateKind::OtherName { format!("not-{domain}") } else { domain.to_owned() };
        let mut params = CertificateParams::new([named.clone(), format!("*.{named}")])?;
        params.distinguished_name.push(DnType::CommonName, named);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let start = if kind == CertificateKind::NotYetValid { inner.made + DAY } else { inner.made - VALIDITY };
        params.not_before = start.into();
        let end = if kind == CertificateKind::Expired { inner.made - DAY } else { inner.made + VALIDITY };
        params.not_after = end.into();
        let issuer = if kind == CertificateKind::OtherCa { &inner.stranger } else { &inner.authority };
        Ok(match kind {
            CertificateKind::SelfSigned => params.self_signed(&inner.leaf)?,
            _ => params.signed_by(&inner.leaf, issuer)?,
        })
    }

    /// TLS of a caller that trusts this authority alone, and takes its time from `clock`. No ALPN: that is the caller's.
    ///
    /// # Errors
    /// Where the cryptography fails.
    pub fn client_config(&self, clock: Arc<dyn Clock>) -> Result<ClientConfig, PkiError> {
        self.client_config_of(clock, rustls::DEFAULT_VERSIONS)
    }

    /// [`Pki::client_config`] that speaks these versions of TLS only.
    ///
    /// # Errors
    /// Where the cryptography fails.
    pub fn client_config_of(
        &self,
        clock: Arc<dyn Clock>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Result<ClientConfig, PkiError> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::clone(self.inner.authority.der()))?;
        let config = ClientConfig::builder_with_details(self.inner.provider.clone(), Arc::new(ClockTime(clock)))
            .with_protocol_versions(versions)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(config)
    }

    /// TLS for `domain` and one label under it, with HTTP/1.1 alone: for pages of the testbed's own.
    ///
    /// # Errors
    /// Where the certificate can't be made.
    pub fn http1_config(&self, domain: &str, clock: Arc<dyn Clock>) -> Result<Arc<ServerConfig>, PkiError> {
        let mut config = ServerConfig::clone(&self.server_config(domain, clock)?.config);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// TLS 1.2 or later for the proxy of `domain`, with HTTP/2 and HTTP/1.1. Shows its good certificate until told otherwise.
    ///
    /// # Errors
    /// Where `domain` is no name.
    pub fn server_config(&self, domain: &str, clock: Arc<dyn Clock>) -> Result<ServerTls, PkiError> {
        let good = self.certificate_for(domain, CertificateKind::Good)?;
        let maker = Some((self.clone(), domain.to_owned()));
        ServerTls::showing(good, maker, self.inner.provider.clone(), clock)
    }
}

impl fmt::Debug for Pki {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pki").field("made", &self.inner.made).finish_non_exhaustive()
    }
}

/// TLS of a proxy. Clones are handles to the same.
#[derive(Debug, Clone)]
pub struct ServerTls {
    pub(super) config: Arc<ServerConfig>,
    shown: Arc<Shown>,
}

impl ServerTls {
    /// With one certificate and its key, both PEM, for ever.
    ///
    /// # Errors
    /// Where they are none, or don't belong together.
    pub fn of_pem(certificate: &str, key: &str, clock: Arc<dyn Clock>) -> Result<ServerTls, PkiError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let no_pem = |error: rustls::pki_types::pem::Error| rustls::Error::General(error.to_string());
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate.as_bytes()).collect();
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(no_pem)?;
        let certified = CertifiedKey::from_der(chain.map_err(no_pem)?, key, &provider)?;
        ServerTls::showing(Arc::new(certified), None, provider, clock)
    }

    fn showing(
        now: Arc<CertifiedKey>,
        maker: Option<(Pki, String)>,
        provider: Arc<CryptoProvider>,
        clock: Arc<dyn Clock>,
    ) -> Result<ServerTls, PkiError> {
        let shown = Arc::new(Shown { now: RwLock::new(now), maker });
        let mut config = ServerConfig::builder_with_details(provider, Arc::new(ClockTime(clock)))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(shown.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        // A resumed session skips the certificate: a switched one would go unseen.
        config.send_tls13_tickets = 0;
        Ok(ServerTls { config: Arc::new(config), shown })
    }

    /// Shows a certificate of this kind from the next handshake on.
    ///
    /// # Errors
    /// Where it can't be made; then the one before stays.
    pub fn show(&self, kind: CertificateKind) -> Result<(), PkiError> {
        let Some((pki, domain)) = &self.shown.maker else {
            return Err(rustls::Error::General("this proxy has one certificate for ever".to_owned()).into());
        };
        let certificate = pki.certificate_for(domain, kind)?;
        *self.shown.now.write().unwrap_or_else(PoisonError::into_inner) = certificate;
        Ok(())
    }
}

struct Shown {
    now: RwLock<Arc<CertifiedKey>>,
    /// Who makes others, and for which domain.
    maker: Option<(Pki, String)>,
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.now.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let domain = self.maker.as_ref().map(|(_, domain)| domain);
        f.debug_struct("Shown").field("domain", &domain).finish_non_exhaustive()
    }
}

/// A Portal's clock, as TLS reads it.
#[derive(Debug)]
struct ClockTime(Arc<dyn Clock>);

impl TimeProvider for ClockTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(unix_seconds(&*self.0))))
    }
}

fn authority(
    name: &str,
    made: SystemTime,
    key: KeyPair,
    zone: Option<&str>,
) -> Result<CertifiedIssuer<'static, KeyPair>, PkiError> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    params.name_constraints = zone.map(|zone| NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName(zone.to_owned())],
        excluded_subtrees: Vec::new(),
    });
    params.not_before = (made - VALIDITY).into();
    params.not_after = (made + VALIDITY).into();
    Ok(CertifiedIssuer::self_signed(params, key)?)
}

#[cfg(test)]
mod tests {
    use portal_core::clock::SettableClock;
    use rustls::pki_types::ServerName;
    use tokio_rustls::{TlsAcceptor, TlsConnector};

    use super::*;

    const DOMAIN: &str = "abc123.p.example";

    fn clock() -> SettableClock {
        SettableClock::frozen_at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_900_000_000))
    }

    async fn handshake(tls: &ServerTls, client: ClientConfig, name: &str) -> io::Result<()> {
        let (near, far) = tokio::io::duplex(1 << 16);
        let accepting = TlsAcceptor::from(tls.config.clone()).accept(far);
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let connector = TlsConnector::from(Arc::new(client));
        let (_, connected) = tokio::join!(accepting, connector.connect(name, near));
        connected.map(drop)
    }

    #[tokio::test]
    async fn a_good_certificate_is_taken_for_the_domain_and_one_label_under_it() {
        let pki = Pki::new(&clock()).unwrap();
        let tls = pki.server_config(DOMAIN, Arc::new(clock())).unwrap();
        let client = || pki.client_config(Arc::new(clock())).unwrap();
        handshake(&tls, client(), DOMAIN).await.unwrap();
        handshake(&tls, client(), &format!("app.{DOMAIN}")).await.unwrap();
        assert!(handshake(&tls, client(), &format!("x.app.{DOMAIN}")).await.is_err());
    }

    #[tokio::test]
    async fn a_wrong_certificate_is_refused_for_its_reason_and_can_be_switched_back() {
        let pki = Pki::new(&clock()).unwrap();
        let tls = pki.server_config(DOMAIN, Arc::new(clock())).unwrap();
        let client = pki.client_config(Arc::new(clock())).unwrap();
        for (kind, reason) in [
            (CertificateKind::Expired, "expired"),
            (CertificateKind::OtherName, "not valid for name"),
            (CertificateKind::OtherCa, "UnknownIssuer"),
        ] {
            tls.show(kind).unwrap();
            let error = handshake(&tls, client.clone(), DOMAIN).await.unwrap_err().to_string();
            assert!(error.contains(reason), "{kind:?}: {error}");
        }
        tls.show(CertificateKind::Good).unwrap();
        handshake(&tls, client, DOMAIN).await.unwrap();
    }

    #[tokio::test]
    async fn the_callers_clock_decides_what_is_in_force() {
        let pki = Pki::new(&clock()).unwrap();
        let tls = pki.server_config(DOMAIN, Arc::new(clock())).unwrap();
        let late = clock();
        late.advance(VALIDITY + DAY);
        let error = handshake(&tls, pki.client_config(Arc::new(late)).unwrap(), DOMAIN).await.unwrap_err();
        assert!(error.to_string().contains("expired"), "{error}");
    }

    #[test]
    fn the_file_holds_the_authority_and_debug_no_key() {
        let pki = Pki::new(&clock()).unwrap();
        assert_eq!(std::fs::read_to_string(pki.ca_file()).unwrap(), pki.ca_pem());
        let path = pki.ca_file().to_owned();
        assert!(!format!("{pki:?}").contains("PRIVATE"));
        drop(pki);
        assert!(!path.exists());
    }
    #[tokio::test]
    async fn one_that_is_kept_is_trusted_in_the_next_run() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        let first = Pki::kept(&clock(), &file).unwrap();
        let kept = std::fs::read_to_string(&file).unwrap();
        assert_eq!(kept, first.ca_pem());
        let second = Pki::kept(&clock(), &file).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), kept);
        // Whoever trusts the first believes the second.
        let (server, client) =
            (second.server_config(DOMAIN, Arc::new(clock())).unwrap(), first.client_config(Arc::new(clock())).unwrap());
        let (near, far) = tokio::io::duplex(1 << 16);
        let accepted = TlsAcceptor::from(server.config).accept(far);
        let name = ServerName::try_from(DOMAIN).unwrap();
        let (accepted, connected) = tokio::join!(accepted, TlsConnector::from(Arc::new(client)).connect(name, near));
        accepted.unwrap();
        connected.unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let key = std::fs::metadata(folder.path().join("ca.pem.key")).unwrap();
            assert_eq!(key.permissions().mode() & 0o077, 0);
        }
    }
}
