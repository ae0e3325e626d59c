//! Cores whose HTTP looks otherwise, and means the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Body;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version, header};
use http_body_util::{BodyExt as _, Limited};
use portal_core::CoreBuilder;
use portal_core::outgoing::{ChooseFields, EndToEnd};
use portal_core::server::Surface;

use super::{Twin, twin};
use crate::mutants::surface::{Answering, around_surface, around_transport};

const CALLS: &str = "/internal/call_peer/";
/// How long a slow Core thinks about each answer.
const SLOW: Duration = Duration::from_millis(20);
/// So much of a body is held, in bytes.
const LARGEST: u64 = 16 << 20;
const FRAMING: &str = "RFC 9112 §6.3: the message body length is determined by";
const PERSISTENCE: &str = "RFC 9112 §9.6: close the connection after the final response";
const VERSIONS: &str = "RFC 9110 §2.5: HTTP's version number";

pub(super) const TWINS: &[Twin] = &[
    twin(1, "writes-field-names-with-capitals", &["RFC 9110 §5.1: Field names are case-insensitive"], |it| {
        it.replace(|parts| parts.title_case_fields = true)
    }),
    twin(1, "calls-in-http-1-1", &[VERSIONS, "CALL-1: sends the request to `https://"], http1_only),
    twin(1, "closes-every-connection", &[PERSISTENCE], |it| {
        answers(it, |_, mut answer| {
            answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            answer
        })
    }),
    twin(2, "answers-in-chunks", &[FRAMING], |it| {
        answers(it, |request, answer| {
            let has_no_body = request.method == Method::HEAD || matches!(answer.status().as_u16(), 204 | 304);
            if has_no_body {
                return answer;
            }
            let (mut head, body) = answer.into_parts();
            head.headers.remove(header::CONTENT_LENGTH);
            Response::from_parts(head, Body::new(body.map_frame(|frame| frame)))
        })
    }),
    twin(3, "answers-in-http-1-0", &[VERSIONS], |it| {
        answers(it, |request, mut answer| {
            // Where it passes on what a peer answers, an end of the connection could not be told from the end of a body.
            if !request.path.starts_with(CALLS) {
                *answer.version_mut() = Version::HTTP_10;
            }
            answer
        })
    }),
    twin(
        2,
        "adds-fields-to-its-answers",
        &["RFC 9110 §5.1: There is no limit on the introduction of new field names"],
        |it| {
            static COUNT: AtomicU64 = AtomicU64::new(1);
            answers(it, |request, mut answer| {
                let count = COUNT.fetch_add(1, Ordering::Relaxed);
                if request.path.starts_with(CALLS) {
                    return answer;
                }
                let fields = answer.headers_mut();
                for (name, value) in [
                    ("server", "my-core/1.2"),
                    ("vary", "Cookie, Signature"),
                    ("cache-control", "no-store"),
                    ("x-content-type-options", "nosniff"),
                    ("strict-transport-security", "max-age=31536000"),
                ] {
                    fields.insert(name, HeaderValue::from_static(value));
                }
                fields.insert("x-request-id", HeaderValue::from(count.wrapping_mul(2_654_435_761)));
                fields.insert("server-timing", HeaderValue::from(count % 7));
                answer
            })
        },
    ),
    twin(
        3,
        "challenges-whom-it-refuses",
        &["RFC 9110 §11.6.1: A server generating a 401 (Unauthorized) response MUST send a WWW-Authenticate"],
        |it| {
            answers(it, |_, mut answer| {
                if answer.status() == StatusCode::UNAUTHORIZED {
                    let challenge = HeaderValue::from_static(r#"Signature realm="portal""#);
                    answer.headers_mut().append(header::WWW_AUTHENTICATE, challenge);
                }
                answer
            })
        },
    ),
    twin(4, "says-via-whom-a-message-came", &["RFC 9110 §7.6.3: Via"], |it| {
        let via = HeaderValue::from_static("1.1 my-core");
        let it = around_transport(it, |mut sending| {
            sending.fields.append(header::VIA, HeaderValue::from_static("1.1 my-core"));
            sending
        });
        answers(it, move |request, mut answer| {
            if request.path.starts_with(CALLS) {
                answer.headers_mut().append(header::VIA, via.clone());
            }
            answer
        })
    }),
    twin(1, "sends-what-its-http-library-adds", &["CALL-3: so do end-to-end header values"], |it| {
        around_transport(it, |mut sending| {
            for (name, value) in [("user-agent", "my-core/1.2"), ("accept", "*/*")] {
                if !sending.fields.contains_key(name) {
                    sending.fields.insert(name, HeaderValue::from_static(value));
                }
            }
            sending
        })
    }),
    twin(
        5,
        "says-nothing-where-an-answer-breaks-off",
        &["RFC 9112 §9.5: A client, server, or proxy MAY close the transport connection at any time"],
        |it| around_surface(it, |request, within| whole_or_nothing(request, within)),
    ),
    twin(4, "joins-the-lines-of-a-field", &["RFC 9110 §5.3: A recipient MAY combine multiple field lines"], |it| {
        let it = it.replace(|parts| parts.fields = Arc::new(Joined));
        answers(it, |request, mut answer| {
            if request.path.starts_with(CALLS) {
                *answer.headers_mut() = joined(answer.headers());
            }
            answer
        })
    }),
    twin(4, "thinks-before-it-answers", &["CALL-5: silent 504"], |it| {
        around_surface(it, |request, within| {
            Box::pin(async move {
                let _ = tokio::time::timeout(SLOW, std::future::pending::<()>()).await;
                within.answer(request).await
            })
        })
    }),
    twin(
        3,
        "digests-with-sha-512-and-digests-nothing-too",
        &["SIG-3: Content-Digest (RFC 9530) matches", "RFC 9530 §5: sha-512"],
        |it| around_surface(it, |request, within| with_digest(request, within)),
    ),
];

/// What an answer answers.
struct Asked {
    method: Method,
    path: String,
}

fn answers(
    it: CoreBuilder,
    change: impl Fn(&Asked, Response<Body>) -> Response<Body> + Clone + Send + Sync + 'static,
) -> CoreBuilder {
    around_surface(it, move |request, within| {
        let change = change.clone();
        Box::pin(async move {
            let asked = Asked { method: request.method().clone(), path: request.uri().path().to_owned() };
            let answer = within.answer(request).await;
            change(&asked, answer)
        })
    })
}

/// Offers HTTP/1.1 alone, and no connection twice.
fn http1_only(it: CoreBuilder) -> CoreBuilder {
    let it = it.replace(|parts| {
        if let Some(tls) = &parts.tls {
            let mut tls = rustls::ClientConfig::clone(tls);
            tls.alpn_protocols = vec![b"http/1.1".to_vec()];
            parts.tls = Some(Arc::new(tls));
        }
    });
    around_transport(it, |mut sending| {
        sending.fields.insert(header::CONNECTION, HeaderValue::from_static("close"));
        sending
    })
}

#[derive(Debug)]
struct Joined;

impl ChooseFields for Joined {
    fn choose(&self, sent: &HeaderMap, session_cookie: &str) -> HeaderMap {
        joined(&EndToEnd.choose(sent, session_cookie))
    }
}

/// Every field in one line, but for Set-Cookie, which can't be (RFC 9110 §5.3).
fn joined(fields: &HeaderMap) -> HeaderMap {
    let mut all = HeaderMap::new();
    for name in fields.keys() {
        let lines: Vec<&HeaderValue> = fields.get_all(name).iter().collect();
        let separator: &[u8] = if name == header::COOKIE { b"; " } else { b", " };
        let one = lines.iter().map(|line| line.as_bytes()).collect::<Vec<_>>().join(separator);
        match HeaderValue::from_bytes(&one) {
            Ok(one) if name != header::SET_COOKIE => _ = all.insert(name.clone(), one),
            _ => lines.iter().for_each(|line| _ = all.append(HeaderName::clone(name), (*line).clone())),
        }
    }
    all
}

/// The peer's answer where all of it came; else the connection is closed without a word.
fn whole_or_nothing(request: Request<Body>, within: Arc<dyn Surface>) -> Answering {
    Box::pin(async move {
        let calls = request.uri().path().starts_with(CALLS);
        let answer = within.answer(request).await;
        let length = axum::body::HttpBody::size_hint(answer.body()).exact();
        if !calls || length.is_none_or(|length| length > LARGEST) {
            return answer;
        }
        let (head, body) = answer.into_parts();
        let whole = body.collect().await.map(|body| body.to_bytes());
        // One that breaks off before its first byte: of the head nothing is sent either.
        let broken_off = || Body::new(Limited::new(Body::from("more"), 0));
        Response::from_parts(head, whole.map_or_else(|_| broken_off(), Body::from))
    })
}

/// The app's call with a digest, as if the app had brought it: the Core keeps one that is right.
fn with_digest(request: Request<Body>, within: Arc<dyn Surface>) -> Answering {
    Box::pin(async move {
        let is_small = axum::body::HttpBody::size_hint(request.body()).upper().is_some_and(|length| length <= LARGEST);
        if !request.uri().path().starts_with(CALLS) || !is_small || request.headers().contains_key("content-digest") {
            return within.answer(request).await;
        }
        let (mut head, body) = request.into_parts();
        // An app that breaks off sends nothing, and the Core sees to that.
        let Ok(bytes) = body.collect().await.map(|body| body.to_bytes()) else {
            let mut answer = Response::new(Body::empty());
            *answer.status_mut() = StatusCode::BAD_REQUEST;
            return answer;
        };
        if let Ok(digest) = HeaderValue::try_from(sha512(&bytes)) {
            head.headers.insert("content-digest", digest);
        }
        within.answer(Request::from_parts(head, Body::from(bytes))).await
    })
}

fn sha512(bytes: &[u8]) -> String {
    use base64::Engine as _;
    use sha2::Digest as _;
    let digest = base64::engine::general_purpose::STANDARD.encode(sha2::Sha512::digest(bytes));
    format!("sha-512=:{digest}:")
}
