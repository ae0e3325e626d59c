//! A permitted request on its way to the app or the Core, and the answer back (PROXY-3).

use std::net::SocketAddr;
use std::sync::Mutex;

use http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, HOST, TE, TRANSFER_ENCODING, UPGRADE};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use http_body::Body as HttpBody;
use http_body_util::{BodyExt, Full};
use hyper::ext::on_informational;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use tokio::io::copy_bidirectional;

use super::Site;
use super::fields;
use super::refuse::Refusal;
use super::upstream::{self, AnswerBody, Answered, Body, BoxError, CallerBody, Fate, Gate, SendError};
use crate::testbed::faults::{Faults, ProxyFault};

/// A request that may go on.
pub(super) struct Outbound {
    pub(super) method: Method,
    /// Path and query as they were sent.
    pub(super) target: String,
    /// End-to-end fields, with all that the proxy has to say.
    pub(super) fields: HeaderMap,
    pub(super) takes_trailers: bool,
    /// The caller's side of a WebSocket handshake.
    pub(super) upgrade: Option<OnUpgrade>,
}

/// Sends a request on and streams the answer back.
pub(super) async fn forward<B>(
    site: &Site,
    to: SocketAddr,
    outbound: Outbound,
    body: B,
) -> Result<Response<Body>, Refusal>
where
    B: HttpBody<Data = bytes::Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    let fate = Fate::default();
    let Outbound { method, target, mut fields, takes_trailers, upgrade } = outbound;
    fields::spoil(&mut fields, site.faults);
    frame(&mut fields, &body, upgrade.is_some(), takes_trailers);
    if site.faults.has(ProxyFault::RewritesHost) {
        fields.insert(HOST, HeaderValue::try_from(to.to_string()).map_err(|_| Refusal::AppUnknown)?);
    }
    let waits =
        !body.is_end_stream() && fields.get(EXPECT).is_some_and(|v| v.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    let (open, gate) = Gate::new();
    let body = CallerBody::new(body, waits.then_some(gate), site.limits.body_idle, fate.clone(), site.faults);
    let mut request = Request::new(body.boxed_unsync());
    *request.method_mut() = method_of(method, site.faults);
    *request.uri_mut() = uri_of(&target, site.faults)?;
    *request.headers_mut() = fields;
    let open = Mutex::new(Some(open));
    on_informational(&mut request, move |informational| {
        if informational.status() == StatusCode::CONTINUE
            && let Some(open) = open.lock().ok().and_then(|mut open| open.take())
        {
            // The body may be gone already, together with its connection.
            let _ = open.send(());
        }
    });
    let sent = upstream::send(to, request, &fate.progress, site.limits.patience(), &site.tasks).await;
    let answered = sent.map_err(|error| {
        fate.refusal().unwrap_or(match error {
            SendError::Unreachable(reason) => Refusal::AppUnreachable(reason),
            SendError::Silent => Refusal::AppSilent,
        })
    })?;
    answer(site, answered, upgrade).await
}

async fn answer(site: &Site, answered: Answered, upgrade: Option<OnUpgrade>) -> Result<Response<Body>, Refusal> {
    let Answered { mut response, driver } = answered;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        let caller = upgrade.ok_or_else(|| Refusal::AppUnreachable("it switched protocols unasked".to_owned()))?;
        let app = hyper::upgrade::on(&mut response);
        driver.release();
        site.tasks.spawn(tunnel(caller, app));
        let (mut parts, _) = response.into_parts();
        parts.headers = fields::end_to_end(&parts.headers, Version::HTTP_11);
        parts.headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        parts.headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        parts.extensions.clear();
        return Ok(Response::from_parts(parts, upstream::empty()));
    }
    let (mut parts, incoming) = response.into_parts();
    parts.headers = fields::end_to_end(&parts.headers, Version::HTTP_11);
    parts.extensions.clear();
    let body = AnswerBody::new(incoming, driver, site.faults);
    if site.faults.has(ProxyFault::ReplacesErrorAnswers)
        && (parts.status.is_client_error() || parts.status.is_server_error())
    {
        parts.headers.clear();
        return Ok(Response::from_parts(parts, whole(bytes::Bytes::from_static(b"something went wrong"))));
    }
    if site.faults.has(ProxyFault::BuffersAnswers) {
        let collected = body.collect().await.map_err(|error| Refusal::AppUnreachable(error.to_string()))?;
        return Ok(Response::from_parts(parts, whole(collected.to_bytes())));
    }
    Ok(Response::from_parts(parts, body.boxed_unsync()))
}

/// Bytes both ways until both sides are done.
async fn tunnel(caller: OnUpgrade, app: OnUpgrade) {
    let (Ok(caller), Ok(app)) = tokio::join!(caller, app) else { return };
    let (mut caller, mut app) = (TokioIo::new(caller), TokioIo::new(app));
    // Either side may go without a word.
    let _ = copy_bidirectional(&mut caller, &mut app).await;
}

/// The fields of the hop to the upstream.
fn frame(fields: &mut HeaderMap, body: &impl HttpBody, upgrade: bool, takes_trailers: bool) {
    if !body.is_end_stream() && !fields.contains_key(CONTENT_LENGTH) {
        // Said in so many words: hyper would send a GET of unknown length without its body.
        fields.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    if upgrade {
        fields.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        fields.insert(UPGRADE, HeaderValue::from_static("websocket"));
    } else if takes_trailers {
        fields.insert(CONNECTION, HeaderValue::from_static("te"));
        fields.insert(TE, HeaderValue::from_static("trailers"));
    }
}

fn method_of(method: Method, faults: Faults) -> Method {
    if faults.has(ProxyFault::ChangesMethod) && method == Method::PUT { Method::POST } else { method }
}

fn uri_of(target: &str, faults: Faults) -> Result<Uri, Refusal> {
    let malformed = || Refusal::HeadMalformed("the target is no request target");
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let decoded = |part: &str, fault| {
        let plain =
            percent_decode_str(part).decode_utf8_lossy().replace(|c: char| !c.is_ascii_graphic() || c == '#', "+");
        if faults.has(fault) { plain } else { part.to_owned() }
    };
    let mut spelled = decoded(path, ProxyFault::DecodesPath);
    if let Some(query) = query {
        spelled.push('?');
        spelled.push_str(&decoded(query, ProxyFault::DecodesQuery));
    }
    Ok(PathAndQuery::try_from(spelled).map_err(|_| malformed())?.into())
}

fn whole(bytes: bytes::Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}
