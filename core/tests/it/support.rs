//! Two or three Cores with a proxy each that does the least a proxy has to do: TLS, ask, forward.

use std::{
    collections::HashMap,
    convert::Infallible,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, client::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use portal_core::{
    clock::{SettableClock, SystemClock},
    core::{Core, CoreBuilder, RunningCore},
    profile::Profile,
    resolve::Resolve,
    store::MemoryStore,
    tls,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{RootCertStore, ServerConfig, pki_types::PrivateKeyDer};
use serde_json::Value;
use tokio::{net::TcpListener, net::TcpStream, task::JoinSet};
use tokio_rustls::TlsAcceptor;

pub(crate) type Answer = Arc<dyn Fn(Request<Bytes>) -> Response<Body> + Send + Sync>;

/// The zone: its names, its certificate authority, and which names were asked for.
#[derive(Clone)]
pub(crate) struct Zone {
    names: Names,
    issuer: Arc<CertifiedIssuer<'static, KeyPair>>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    known: Arc<Mutex<HashMap<String, SocketAddr>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

#[async_trait]
impl Resolve for Names {
    async fn resolve(&self, host: &str, _port: u16) -> io::Result<Vec<SocketAddr>> {
        self.asked.lock().unwrap().push(host.to_owned());
        let known = self.known.lock().unwrap();
        let domain = host.split('.').rev().take(3).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join(".");
        known.get(&domain).map(|address| vec![*address]).ok_or_else(|| io::Error::other("unknown name"))
    }
}

impl Names {
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn forget_questions(&self) {
        self.asked.lock().unwrap().clear();
    }
}

impl Zone {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Zone { names: Names::default(), issuer: Arc::new(issuer) }
    }

    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    pub(crate) fn ca_pem(&self) -> String {
        self.issuer.pem()
    }

    pub(crate) fn builder(&self) -> CoreBuilder {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        Core::builder()
            .profile(Profile {
                zone: "zone.test".into(),
                answer_seconds: 2,
                body_limit: 64 << 20,
                ..Profile::default()
            })
            .resolver(self.names.clone())
            .tls(tls::client_config(Arc::new(SystemClock), roots).unwrap())
    }

    pub(crate) fn server_config(&self, domain: &str, alpn: &[&[u8]]) -> Arc<ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![domain.to_owned(), format!("*.{domain}")]).unwrap();
        let certificate = params.signed_by(&key, &**self.issuer).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        Arc::new(config)
    }

    pub(crate) fn point(&self, domain: &str, address: SocketAddr) {
        self.names.known.lock().unwrap().insert(domain.to_owned(), address);
    }

    pub(crate) fn address(&self, domain: &str) -> SocketAddr {
        self.names.known.lock().unwrap()[domain]
    }

    pub(crate) async fn portal(&self) -> Portal {
        self.portal_with(|builder| builder).await
    }

    pub(crate) async fn portal_with(&self, change: impl FnOnce(CoreBuilder) -> CoreBuilder) -> Portal {
        self.portal_on(SettableClock::running(), MemoryStore::new(), change).await
    }

    async fn portal_on(
        &self,
        clock: SettableClock,
        store: MemoryStore,
        change: impl FnOnce(CoreBuilder) -> CoreBuilder,
    ) -> Portal {
        let builder = change(self.builder().clock(clock.clone()).store(store.clone()));
        let core = builder.build().unwrap().serve(TcpListener::bind("127.0.0.1:0").await.unwrap()).await.unwrap();
        let short_id = core.id().short().to_owned();
        let domain = format!("{short_id}.zone.test");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let answer: Arc<Mutex<Answer>> = Arc::new(Mutex::new(Arc::new(|_| Response::new(Body::empty()))));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        self.point(&domain, listener.local_addr().unwrap());
        let mut proxy = JoinSet::new();
        let acceptor = TlsAcceptor::from(self.server_config(&domain, &[b"h2", b"http/1.1"]));
        proxy.spawn(serve_proxy(listener, acceptor, core.address(), seen.clone(), answer.clone()));
        Portal { core, clock, store, domain, short_id, seen, answer, _proxy: proxy }
    }
}

/// A Portal: Core, proxy, and apps that share what they see and answer.
pub(crate) struct Portal {
    pub(crate) core: RunningCore,
    pub(crate) clock: SettableClock,
    pub(crate) store: MemoryStore,
    pub(crate) domain: String,
    pub(crate) short_id: String,
    seen: Arc<Mutex<Vec<Request<Bytes>>>>,
    answer: Arc<Mutex<Answer>>,
    _proxy: JoinSet<()>,
}

impl Portal {
    /// Stops, and starts again on the same state.
    pub(crate) async fn restart(self, zone: &Zone) -> Portal {
        self.core.shutdown().await;
        zone.portal_on(self.clock, self.store, |builder| builder).await
    }

    pub(crate) fn answer_with(&self, answer: impl Fn(Request<Bytes>) -> Response<Body> + Send + Sync + 'static) {
        *self.answer.lock().unwrap() = Arc::new(answer);
    }

    /// What apps have seen since this was last asked.
    pub(crate) fn seen(&self) -> Vec<Request<Bytes>> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }

    pub(crate) async fn ask(&self, method: &str, target: &str, body: impl Into<Bytes>) -> (StatusCode, Value) {
        let request = Request::builder().method(method).uri(target).body(Full::new(body.into())).unwrap();
        json(send(self.core.address(), request).await).await
    }

    pub(crate) async fn install(&self, app: &str) -> SocketAddr {
        let (status, answer) = self.ask("PUT", &format!("/protected/apps/{app}"), manifest(app)).await;
        assert_eq!(status, 201, "{answer}");
        answer["door"].as_str().unwrap().strip_prefix("http://").unwrap().parse().unwrap()
    }

    pub(crate) async fn befriend(&self, other: &Portal) {
        self.add(other).await;
        other.add(self).await;
    }

    pub(crate) async fn add(&self, other: &Portal) {
        let body = serde_json::json!({ "id": other.core.id().as_str() }).to_string();
        let (status, answer) = self.ask("PUT", "/protected/peers", body).await;
        assert_eq!((status.as_u16(), &answer["is_reachable"]), (200, &Value::Bool(true)), "{answer}");
    }

    /// Calls through the door of an app.
    pub(crate) async fn call(&self, app: &str, request: Request<Full<Bytes>>) -> Response<Incoming> {
        send(self.core.door(app).unwrap(), request).await
    }

    pub(crate) async fn get(&self, app: &str, target: &str) -> (StatusCode, Value) {
        let request = Request::builder().uri(format!("/internal/call_peer/{target}")).body(Full::default()).unwrap();
        json(self.call(app, request).await).await
    }
}

pub(crate) fn manifest(app: &str) -> Bytes {
    let identity = serde_json::json!({
        "X-Ptl-Client-Type": "{{ auth.client_type }}",
        "X-Ptl-Client-Id": "{{ auth.client_id }}",
    });
    let manifest = serde_json::json!({
        "v": "4.0", "app_version": "1", "name": app, "pretty_name": app, "icon": "icon.svg", "description": "d",
        "image": "example/app:1", "store_info": {},
        "entrypoints": [{"container_name": app, "container_port": 80, "entrypoint_port": "http"}],
        "paths": {
            "": {"access": "private"},
            "/peers/": {"access": "peer", "headers": identity.clone()},
            "/public/": {"access": "public", "headers": identity},
        },
    });
    manifest.to_string().into()
}

pub(crate) async fn send<B>(address: SocketAddr, request: Request<B>) -> Response<Incoming>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let stream = TcpStream::connect(address).await.unwrap();
    send_on(stream, request).await
}

pub(crate) async fn send_on<B>(stream: TcpStream, mut request: Request<B>) -> Response<Incoming>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    if !request.headers().contains_key("host") {
        request.headers_mut().insert("host", HeaderValue::from_static("portal_core"));
    }
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender.send_request(request).await.unwrap()
}

pub(crate) async fn json(answer: Response<Incoming>) -> (StatusCode, Value) {
    let status = answer.status();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap_or_else(|_| String::from_utf8_lossy(&bytes).into()))
}

async fn serve_proxy(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    core: SocketAddr,
    seen: Arc<Mutex<Vec<Request<Bytes>>>>,
    answer: Arc<Mutex<Answer>>,
) {
    let mut connections = JoinSet::new();
    loop {
        let (tcp, _) = listener.accept().await.unwrap();
        let (acceptor, seen, answer) = (acceptor.clone(), seen.clone(), answer.clone());
        connections.spawn(async move {
            let Ok(tls) = acceptor.accept(tcp).await else { return };
            let service = service_fn(move |request: Request<Incoming>| {
                let (seen, answer) = (seen.clone(), answer.clone());
                async move { Ok::<_, Infallible>(pass(request, core, &seen, &answer).await) }
            });
            let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(tls), service).await;
        });
    }
}

async fn pass(
    request: Request<Incoming>,
    core: SocketAddr,
    seen: &Mutex<Vec<Request<Bytes>>>,
    answer: &Mutex<Answer>,
) -> Response<Body> {
    let (mut head, body) = request.into_parts();
    let authority = head.uri.authority().map(ToString::to_string);
    let host = authority.unwrap_or_else(|| head.headers["host"].to_str().unwrap().to_owned());
    let target = head.uri.path_and_query().unwrap().as_str().to_owned();
    if let Some(path) = target.strip_prefix("/core/public/").filter(|_| host.split('.').count() == 3) {
        let request = Request::builder().uri(format!("/public/{path}")).body(Full::default()).unwrap();
        return send(core, request).await.map(Body::new);
    }
    let (status, fields) = question(core, &head.method, &host, &target, &head.headers).await;
    if status != 200 {
        return Response::builder().status(status).body(Body::empty()).unwrap();
    }
    head.headers.retain(|name| !name.as_str().starts_with("x-ptl-"));
    head.headers.extend(fields.into_iter().filter_map(|(name, value)| Some((name?, value))));
    head.uri = Uri::try_from(&target).unwrap();
    head.headers.insert("host", HeaderValue::try_from(host).unwrap());
    let Ok(body) = body.collect().await else {
        return Response::builder().status(400).body(Body::empty()).unwrap();
    };
    // Trailers are kept where an app would find them.
    head.extensions.insert(body.trailers().cloned().unwrap_or_default());
    let request = Request::from_parts(head, body.to_bytes());
    seen.lock().unwrap().push(request.clone());
    let answer = answer.lock().unwrap().clone();
    answer(request)
}

trait Retain {
    fn retain(&mut self, keep: impl Fn(&HeaderName) -> bool);
}

impl Retain for HeaderMap {
    fn retain(&mut self, keep: impl Fn(&HeaderName) -> bool) {
        let gone: Vec<_> = self.keys().filter(|name| !keep(name)).cloned().collect();
        for name in gone {
            self.remove(name);
        }
    }
}

/// Asks a Core as its proxy does; the status, and the fields to add.
pub(crate) async fn question(
    core: SocketAddr,
    method: &Method,
    host: &str,
    target: &str,
    fields: &HeaderMap,
) -> (StatusCode, HeaderMap) {
    let mut request = Request::builder().uri("/internal/auth").body(Full::<Bytes>::default()).unwrap();
    for (name, value) in fields {
        if !["host", "content-length", "transfer-encoding", "connection", "te"].contains(&name.as_str()) {
            request.headers_mut().append(name, value.clone());
        }
    }
    let told = [
        ("x-forwarded-method", method.as_str()),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", host),
        ("x-forwarded-uri", target),
        ("x-forwarded-for", "203.0.113.7"),
    ];
    for (name, value) in told {
        request.headers_mut().insert(HeaderName::from_static(name), HeaderValue::try_from(value).unwrap());
    }
    let answer = send(core, request).await;
    let fields = answer.headers().iter().filter(|(name, _)| name.as_str().starts_with("x-ptl-"));
    (answer.status(), fields.map(|(name, value)| (name.clone(), value.clone())).collect())
}
