//! A proxy under test: a command that stands before a Core in place of the testbed's own proxy, one process for each Portal.
//!
//! It is told by files what it has to know: names, certificates, where the Core is, where the apps are. Apps come and go
//! behind one address that leads to them by Host, so it never has to read anything again.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use portal_core::profile::Profile;
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject as _;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::{Instant, MissedTickBehavior, timeout, timeout_at};
use tokio_rustls::TlsConnector;

use super::SubjectError;
use super::command::{Finder, Launch, Log, Process, Reserved};
use super::descriptor::proxy::{ProxyReady, ProxyTable};
use super::descriptor::{Descriptor, Endpoints, Template, TemplateError, Values};
use super::hooks::write;
use crate::wire::{Call, Channel};

/// For one attempt to reach it.
const ATTEMPT: Duration = Duration::from_secs(2);
/// Between two attempts.
const TICK: Duration = Duration::from_millis(25);
/// How long it may take to stop before it is killed.
const STOP: Duration = Duration::from_secs(5);

/// A proxy under test, as a descriptor has it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ProxySubject(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    name: String,
    table: ProxyTable,
    endpoints: Endpoints,
    directory: PathBuf,
}

/// What a proxy is started for.
#[derive(Debug, Clone)]
pub struct ProxyPlan {
    /// The Portal's name in the topology.
    pub portal: String,
    /// `<short id>.<zone>`.
    pub domain: String,
    /// The certificate for it and one label under it, and its key, as PEM.
    pub certificate: (String, String),
    /// The certificate of the authority, as PEM.
    pub ca_pem: String,
    /// Values of the Core's profile.
    pub profile: Profile,
    /// Where it reaches the Core.
    pub core: SocketAddr,
    /// Where it reaches all apps, by Host.
    pub apps: SocketAddr,
}

/// A proxy that runs. Dropped, it is killed with all that it started.
#[derive(Debug)]
pub struct RunningProxy {
    // Before the folder: it is gone before its files are.
    process: Option<Process>,
    address: Reserved,
    plain_address: Reserved,
    _folder: TempDir,
}

impl ProxySubject {
    /// The proxy of a descriptor that has one.
    pub fn of(descriptor: &Descriptor) -> Option<ProxySubject> {
        let table = descriptor.proxy.clone()?;
        let directory = descriptor.file.parent().map(Path::to_owned).unwrap_or_default();
        let (name, endpoints) = (descriptor.name.clone(), descriptor.endpoints.clone());
        Some(ProxySubject(Arc::new(Parts { name, table, endpoints, directory })))
    }

    /// What its descriptor calls it.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Starts one. It has shown its certificate when this returns.
    ///
    /// # Errors
    /// When it does not come up; the text has the end of what it said.
    pub async fn start(&self, plan: ProxyPlan) -> Result<RunningProxy, SubjectError> {
        let log = Log::default();
        let failed = |why: &dyn fmt::Display| SubjectError::Start {
            portal: plan.portal.clone(),
            why: format!("the proxy before it: {why}; {}", log.end()),
        };
        let folder = tempfile::Builder::new().prefix("countersign-proxy-").tempdir().map_err(|error| failed(&error))?;
        let address = Reserved::new().await.map_err(|error| failed(&error))?;
        let plain_address = Reserved::new().await.map_err(|error| failed(&error))?;
        let values = self.values(&plan, folder.path(), address.address(), plain_address.address());
        let launch = self.prepare(&plan, folder.path(), &values).map_err(|why| failed(&why))?;
        let program = launch.argv.first().cloned().unwrap_or_default();
        let process = Process::spawn(&launch, &log, &Finder::new(None));
        let process = process.map_err(|error| failed(&format_args!("`{program}`: {error}")))?;
        let came = tokio::select! {
            biased;
            how = process.end() => Err(format!("it ended at once ({how})")),
            came = self.ready(&plan, address.address()) => came,
        };
        came.map_err(|why| failed(&why))?;
        Ok(RunningProxy { process: Some(process), address, plain_address, _folder: folder })
    }

    fn values(&self, plan: &ProxyPlan, folder: &Path, address: SocketAddr, plain: SocketAddr) -> Values {
        let mut values = Values::default();
        for (name, address) in [("", address), ("plain_", plain)] {
            values.set("proxy", &format!("{name}address"), address.to_string());
            values.set("proxy", &format!("{name}host"), address.ip().to_string());
            values.set("proxy", &format!("{name}port"), address.port().to_string());
        }
        let file = |name: &str| folder.join(name).display().to_string();
        values.set("proxy", "folder", folder.display().to_string());
        values.set("core", "address", plan.core.to_string());
        values.set("apps", "address", plan.apps.to_string());
        values.set("pki", "ca_file", file(CA));
        values.set("pki", "certificate_file", file(CERTIFICATE));
        values.set("pki", "key_file", file(KEY));
        values.set("portal", "name", plan.portal.clone());
        values.set("portal", "domain", plan.domain.clone());
        values.set("portal", "short_id", plan.domain.split('.').next().unwrap_or_default());
        values.set("endpoints", "auth", self.0.endpoints.auth.clone());
        values.set("endpoints", "authenticate_terminal", self.0.endpoints.authenticate_terminal.clone());
        values.set_group("profile", serde_json::to_value(&plan.profile).unwrap_or_default());
        values
    }

    /// Writes its files and fills in its command.
    fn prepare(&self, plan: &ProxyPlan, folder: &Path, values: &Values) -> Result<Launch, String> {
        let table = &self.0.table;
        let put = |name: &str, text: &str| {
            let path = folder.join(name);
            write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
        };
        let fill = |template: &Template| template.render(values).map_err(|error: TemplateError| error.to_string());
        let (certificate, key) = &plan.certificate;
        for (name, text) in [(CA, &plan.ca_pem), (CERTIFICATE, certificate), (KEY, key)] {
            put(name, text)?;
        }
        for (name, text) in &table.files {
            put(name, &fill(text)?)?;
        }
        let argv = table.command.iter().map(fill).collect::<Result<Vec<_>, _>>()?;
        let env: BTreeMap<_, _> =
            table.env.iter().map(|(name, value)| Ok((name.clone(), fill(value)?))).collect::<Result<_, String>>()?;
        let directory = if self.0.directory.as_os_str().is_empty() { ".".into() } else { self.0.directory.clone() };
        Ok(Launch { argv, directory, env: env.into_iter().collect() })
    }

    /// Until it shows a certificate of the authority for its domain and, where the descriptor says so, answers with 2xx.
    async fn ready(&self, plan: &ProxyPlan, address: SocketAddr) -> Result<(), String> {
        let ProxyReady { path, within } = &self.0.table.ready;
        let deadline = Instant::now() + *within;
        let tls = trusting(&plan.ca_pem)?;
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last = "nobody was asked yet".to_owned();
        let asking = async {
            loop {
                tick.tick().await;
                match timeout(ATTEMPT, attempt(&tls, &plan.domain, address, path.as_deref())).await {
                    Ok(Ok(())) => return,
                    Ok(Err(why)) => last = why,
                    Err(_) => last = format!("no answer within {ATTEMPT:?}"),
                }
            }
        };
        if timeout_at(deadline, asking).await.is_ok() {
            return Ok(());
        }
        Err(format!("it was not ready at {address} within {within:?}; the last time: {last}"))
    }
}

const CA: &str = "ca.pem";
const CERTIFICATE: &str = "certificate.pem";
const KEY: &str = "key.pem";

fn trusting(ca_pem: &str) -> Result<TlsConnector, String> {
    let told = |error: &dyn fmt::Display| error.to_string();
    let ca = rustls::pki_types::CertificateDer::from_pem_slice(ca_pem.as_bytes()).map_err(|error| told(&error))?;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(ca).map_err(|error| told(&error))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| told(&error))?.with_root_certificates(roots).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

async fn attempt(tls: &TlsConnector, domain: &str, address: SocketAddr, path: Option<&str>) -> Result<(), String> {
    let told = |error: &dyn fmt::Display| error.to_string();
    let name = ServerName::try_from(domain.to_owned()).map_err(|error| told(&error))?;
    let stream = TcpStream::connect(address).await.map_err(|error| told(&error))?;
    let stream = tls.connect(name, stream).await.map_err(|error| told(&error))?;
    let Some(path) = path else { return Ok(()) };
    let reply = Channel::new(stream).exchange(&Call::get(path), domain).await.map_err(|error| told(&error))?;
    if (200..300).contains(&reply.status) { Ok(()) } else { Err(format!("GET {path}: status {}", reply.status)) }
}

impl RunningProxy {
    /// Where it serves HTTPS.
    pub fn address(&self) -> SocketAddr {
        self.address.address()
    }

    /// Where it is asked to redirect plain HTTP.
    pub fn plain_address(&self) -> SocketAddr {
        self.plain_address.address()
    }

    /// Stops it, and kills it where it does not.
    pub async fn stop(&mut self) {
        if let Some(process) = self.process.take() {
            process.stop(STOP).await;
        }
    }
}
