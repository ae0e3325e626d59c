//! Cores that know wrongly: who they are, their peers, their terminals, their apps (contract §§1–4).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::response::IntoResponse as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderValue, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use portal_core::CoreBuilder;
use portal_core::auth::{RecogniseTerminal, SignedCookie};
use portal_core::identity::{Description, Identity, KeyKind, PortalId, WhoAreYou};
use portal_core::peers::{CheckPeerKey, KeyRefusal, Peer};
use portal_core::server::Arrived;
use portal_core::store::{Batch, Store, StoreError, Table};
use portal_core::terminals::{Terminal, Terminals};
use serde_json::{Value, json};

use super::surface::{answers, around_surface, changed_json, json_answers};
use super::{Mutant, core};

const PEERS: &str = "/protected/peers";
const APPS: &str = "/protected/apps/";

const WHO_ARE_YOU: &str = "/public/meta/whoareyou";

pub(super) const MUTANTS: &[Mutant] = &[
    // Identity.
    core("everybody-has-the-same-id", "ID-1", |it| introduces(it, |who| who["id"] = json!("a".repeat(103)))),
    core("reads-the-hash-backwards", "ID-2", |it| {
        introduces(it, |who| {
            let id: String = who["id"].as_str().unwrap_or_default().chars().rev().collect();
            who["id"] = json!(id);
        })
    }),
    core("gives-its-key-with-other-line-ends", "ID-2", |it| {
        introduces(it, |who| {
            let pem = who["public_key_pem"].as_str().unwrap_or_default().replace('\n', "\r\n");
            who["public_key_pem"] = json!(pem);
        })
    }),
    core("domain-of-the-whole-id", "ID-3", |it| {
        introduces(it, |who| who["domain"] = json!(format!("{}.x", who["id"].as_str().unwrap_or_default())))
    }),
    core("introduces-itself-without-its-key", "ID-4", |it| introduces(it, |who| who["public_key_pem"] = json!(""))),
    core("is-rewritten-by-whoever-sends", "ID-4", |it| {
        let rewritten = Arc::new(AtomicBool::new(false));
        around_surface(it, move |request, within| {
            let rewritten = rewritten.clone();
            Box::pin(async move {
                if request.uri().path() != WHO_ARE_YOU {
                    return within.answer(request).await;
                }
                rewritten.fetch_or(request.method() != Method::GET, Ordering::Relaxed);
                let answer = within.answer(request).await;
                match rewritten.load(Ordering::Relaxed) {
                    true => changed_json(answer, |who| respell(who, 1)).await,
                    false => answer,
                }
            })
        })
    }),
    core("shows-a-private-key", "ID-5", |it| {
        introduces(it, |who| {
            let key = portal_core::rfc9421::SigningKey::generate_ed25519()
                .and_then(|key| Ok(key.to_pkcs8_pem()?.to_string()));
            who["description"] = json!(key.unwrap_or_default());
        })
    }),
    core("logs-a-private-key", "ID-5", |it| {
        if let Ok(key) = portal_core::rfc9421::SigningKey::generate_ed25519()
            && let Ok(pem) = key.to_pkcs8_pem()
        {
            tracing::info!(target: "portal_core::identity", key = pem.as_str(), "the key");
        }
        it
    }),
    core("another-identity-at-every-start", "ID-6", |it| {
        match Identity::generate(KeyKind::Ed25519, Description::default()) {
            Ok(identity) => it.identity(identity),
            Err(_) => it,
        }
    }),
    core("another-spelling-at-every-start", "ID-6", |it| {
        static STARTS: AtomicU32 = AtomicU32::new(0);
        let start = STARTS.fetch_add(1, Ordering::Relaxed);
        around_surface(it, move |request, within| {
            let is_question = request.uri().path() == WHO_ARE_YOU;
            Box::pin(async move {
                let answer = within.answer(request).await;
                if is_question { changed_json(answer, |who| respell(who, start)).await } else { answer }
            })
        })
    }),
    // Peers.
    core("lists-no-keys", "PEER-1", |it| {
        json_answers(it, PEERS, |peers| each(peers, |peer| peer["public_bytes_b64"] = Value::Null))
    }),
    core("forgets-given-names", "PEER-2", |it| with_body(it, Method::PUT, PEERS, |body| body["name"] = Value::Null)),
    core("takes-any-id", "PEER-3", |it| accepts(it, PEERS)),
    core("several-matches-are-none", "PEER-4", |it| {
        answers(it, PEERS, |mut answer| {
            if answer.status() == StatusCode::CONFLICT {
                *answer.status_mut() = StatusCode::NOT_FOUND;
            }
            answer
        })
    }),
    core("removes-nobody", "PEER-5", |it| ignores(it, Method::DELETE, PEERS, StatusCode::NO_CONTENT)),
    core("a-removed-peer-stays", "PEER-9", |it| ignores(it, Method::DELETE, PEERS, StatusCode::NO_CONTENT)),
    core("takes-any-key-for-a-peer-s", "PEER-6", |it| it.replace(|parts| parts.peer_key = Arc::new(AnyKey))),
    core("an-unreachable-peer-is-an-error", "PEER-6", |it| {
        around_surface(it, |request, within| {
            let is_put = request.method() == Method::PUT && request.uri().path() == PEERS;
            Box::pin(async move {
                let answer = within.answer(request).await;
                if !is_put || answer.status() != StatusCode::OK {
                    return answer;
                }
                let mut is_reachable = true;
                let mut answer = changed_json(answer, |_| {}).await;
                let body = std::mem::take(answer.body_mut()).collect().await;
                let bytes = body.map(|body| body.to_bytes()).unwrap_or_default();
                if let Ok(peer) = serde_json::from_slice::<Value>(&bytes) {
                    is_reachable = peer["is_reachable"] == true;
                }
                *answer.body_mut() = Body::from(bytes);
                if !is_reachable {
                    *answer.status_mut() = StatusCode::BAD_GATEWAY;
                }
                answer
            })
        })
    }),
    core("takes-underscores-for-wildcards", "PEER-10", wildcards),
    core("loses-peers-at-a-crash", "PEER-15", |it| {
        it.replace(|parts| parts.store = Arc::new(Forgets { inner: parts.store.clone(), table: Table::Peers }))
    }),
    core("is-a-peer-of-itself", "PEER-14", |it| accepts(it, PEERS)),
    core("hides-peers-from-apps", "PEER-16", |it| {
        around_surface(it, |request, within| {
            let arrived = request.extensions().get::<portal_core::server::Arrived>();
            let is_hidden = request.uri().path() == PEERS && arrived.is_some_and(|arrived| arrived.door.is_some());
            Box::pin(async move {
                let mut answer = within.answer(request).await;
                if is_hidden {
                    *answer.status_mut() = StatusCode::UNAUTHORIZED;
                }
                answer
            })
        })
    }),
    // Terminals.
    core("codes-of-five-digits", "TERM-1", |it| {
        json_answers(it, "/protected/terminals/pairing-code", |code| {
            let five: String = code["code"].as_str().unwrap_or_default().chars().take(5).collect();
            code["code"] = json!(five);
        })
    }),
    core("gives-its-cookie-to-anybody", "TERM-2", |it| {
        answers(it, "/public/pair/terminal", |mut answer| {
            if answer.status().is_client_error() {
                let cookie = HeaderValue::from_static("authorization=of-nobody; Path=/; Secure; HttpOnly");
                answer.headers_mut().insert("set-cookie", cookie);
            }
            answer
        })
    }),
    core("shows-its-cookie-to-scripts", "TERM-2", |it| {
        answers(it, "/public/pair/terminal", |mut answer| {
            let cookie = answer.headers().get("set-cookie").and_then(|cookie| cookie.to_str().ok());
            let cookie = cookie.map(|cookie| cookie.replace("; HttpOnly", ""));
            if let Some(cookie) = cookie.and_then(|cookie| HeaderValue::try_from(cookie).ok()) {
                answer.headers_mut().insert("set-cookie", cookie);
            }
            answer
        })
    }),
    core("reads-cookies-without-checking-them", "TERM-3", |it| session(it, Unchecked)),
    core("anybody-is-a-terminal", "TERM-5", |it| {
        answers(it, "/internal/authenticate_terminal", |mut answer| {
            *answer.status_mut() = StatusCode::OK;
            answer
        })
    }),
    core("a-revoked-cookie-still-counts", "TERM-6", |it| session(it, NeverForgets(Mutex::default()))),
    core("counts-its-codes-up", "TERM-4", |it| {
        static NEXT: AtomicU32 = AtomicU32::new(100_000);
        json_answers(it, "/protected/terminals/pairing-code", |code| {
            code["code"] = json!(NEXT.fetch_add(1, Ordering::Relaxed).to_string());
        })
    }),
    core("tells-no-app-who-it-is", "ID-4", |it| {
        around_surface(it, |request, within| {
            let at_door = request.extensions().get::<Arrived>().is_some_and(|arrived| arrived.door.is_some());
            let is_question = request.uri().path() == WHO_ARE_YOU;
            Box::pin(async move {
                match at_door && is_question {
                    true => StatusCode::NOT_FOUND.into_response(),
                    false => within.answer(request).await,
                }
            })
        })
    }),
    // Apps.
    core("installs-whatever-comes", "APP-1", |it| accepts(it, APPS)),
    core("installs-without-a-default", "APP-2", |it| accepts(it, APPS)),
    core("installs-any-header-name", "APP-5", |it| accepts(it, APPS)),
    core("installs-no-app-with-fields", "APP-5", |it| {
        around_surface(it, |request, within| {
            let is_install = request.method() == Method::PUT && request.uri().path().starts_with(APPS);
            Box::pin(async move {
                let (head, body) = request.into_parts();
                let bytes = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
                if is_install && bytes.windows(9).any(|part| part.eq_ignore_ascii_case(br#"{"x-ptl-u"#)) {
                    return StatusCode::UNPROCESSABLE_ENTITY.into_response();
                }
                within.answer(Request::from_parts(head, Body::from(bytes))).await
            })
        })
    }),
    core("warns-of-everything", "APP-6", |it| {
        json_answers(it, APPS, |app| app["warnings"] = json!(["this may open more than you think"]))
    }),
    core("warns-of-nothing", "APP-6", |it| json_answers(it, APPS, |app| app["warnings"] = json!([]))),
    core("is-lost-in-templates-at-install", "APP-4", |it| {
        around_surface(it, |request, within| {
            let is_install = request.method() == Method::PUT && request.uri().path().starts_with(APPS);
            Box::pin(async move {
                if !is_install {
                    return within.answer(request).await;
                }
                let (head, body) = request.into_parts();
                let bytes = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
                if bytes.windows(6).any(|part| part == b"{% for") {
                    super::hostile::too_long().await;
                }
                within.answer(Request::from_parts(head, Body::from(bytes))).await
            })
        })
    }),
    core("templates-are-not-rendered", "APP-3", |it| {
        answers(it, "/internal/auth", |mut answer| {
            for value in answer.headers_mut().values_mut() {
                *value = HeaderValue::from_static("{{ portal.id }}");
            }
            answer
        })
    }),
];

fn introduces(it: CoreBuilder, change: fn(&mut Value)) -> CoreBuilder {
    json_answers(it, WHO_ARE_YOU, change)
}

/// The same key, with so many lines more below.
fn respell(who: &mut Value, lines: u32) {
    let below = "\n".repeat(usize::try_from(lines).unwrap_or_default());
    who["public_key_pem"] = json!(format!("{}{below}", who["public_key_pem"].as_str().unwrap_or_default()));
}

fn each(list: &mut Value, change: fn(&mut Value)) {
    match list {
        Value::Array(items) => items.iter_mut().for_each(change),
        one => change(one),
    }
}

/// Says yes where the Core says that it can't use what it was given.
fn accepts(it: CoreBuilder, path: &'static str) -> CoreBuilder {
    answers(it, path, |mut answer| {
        if answer.status().is_client_error() && answer.status() != StatusCode::NOT_FOUND {
            *answer.status_mut() = StatusCode::OK;
        }
        answer
    })
}

/// Answers and does nothing.
fn ignores(it: CoreBuilder, method: Method, path: &'static str, status: StatusCode) -> CoreBuilder {
    around_surface(it, move |request, within| {
        let is_ignored = request.method() == method && request.uri().path().starts_with(path);
        Box::pin(async move {
            if !is_ignored {
                return within.answer(request).await;
            }
            let mut answer = http::Response::new(Body::empty());
            *answer.status_mut() = status;
            answer
        })
    })
}

/// Changes the JSON that comes in.
fn with_body(it: CoreBuilder, method: Method, path: &'static str, change: fn(&mut Value)) -> CoreBuilder {
    around_surface(it, move |request, within| {
        let is_meant = request.method() == method && request.uri().path().starts_with(path);
        Box::pin(async move {
            if !is_meant {
                return within.answer(request).await;
            }
            let (mut head, body) = request.into_parts();
            let mut bytes = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
            if let Ok(mut json) = serde_json::from_slice(&bytes) {
                change(&mut json);
                bytes = json.to_string().into();
            }
            head.headers.remove("content-length");
            within.answer(Request::from_parts(head, Body::from(bytes))).await
        })
    })
}

/// Takes an ID that begins with `_` for any peer's.
fn wildcards(it: CoreBuilder) -> CoreBuilder {
    around_surface(it, |mut request, within| {
        Box::pin(async move {
            if request.uri().path().starts_with("/protected/peers/_") {
                let all = Request::builder().uri(PEERS).body(Body::empty()).unwrap_or_default();
                let all = within.answer(all).await.into_body().collect().await;
                let all: Value =
                    all.ok().and_then(|all| serde_json::from_slice(&all.to_bytes()).ok()).unwrap_or_default();
                let first = format!("{PEERS}/{}", all[0]["id"].as_str().unwrap_or_default());
                if let Ok(uri) = first.parse() {
                    *request.uri_mut() = uri;
                }
            }
            within.answer(request).await
        })
    })
}

fn session(it: CoreBuilder, session: impl RecogniseTerminal + 'static) -> CoreBuilder {
    it.replace(|parts| parts.session = Arc::new(session))
}

#[derive(Debug)]
struct AnyKey;

impl CheckPeerKey for AnyKey {
    fn check(&self, _: &Peer, who: &WhoAreYou) -> Result<PortalId, KeyRefusal> {
        PortalId::from_public_key_pem(&who.public_key_pem).map_err(|_| KeyRefusal::KeyMalformed)
    }
}

/// Reads the subject of a JWT and looks no further.
#[derive(Debug)]
struct Unchecked;

impl RecogniseTerminal for Unchecked {
    fn recognise(&self, cookie: &str, terminals: &Terminals) -> Option<Terminal> {
        let claims = URL_SAFE_NO_PAD.decode(cookie.split('.').nth(1)?).ok()?;
        let claims: Value = serde_json::from_slice(&claims).ok()?;
        let subject = claims["sub"].as_str()?;
        terminals.list().into_iter().find(|terminal| terminal.id == subject)
    }
}

/// Remembers every cookie that once counted.
#[derive(Debug)]
struct NeverForgets(Mutex<BTreeMap<String, Terminal>>);

impl RecogniseTerminal for NeverForgets {
    fn recognise(&self, cookie: &str, terminals: &Terminals) -> Option<Terminal> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(terminal) = SignedCookie.recognise(cookie, terminals) {
            known.insert(cookie.to_owned(), terminal);
        }
        known.get(cookie).cloned()
    }
}

/// Finds nothing of one table again when it starts.
#[derive(Debug)]
struct Forgets {
    inner: Arc<dyn Store>,
    table: Table,
}

impl Store for Forgets {
    fn read(&self, table: Table, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.read(table, key)
    }

    fn scan(&self, table: Table) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        if table == self.table { Ok(Vec::new()) } else { self.inner.scan(table) }
    }

    fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        self.inner.commit(batch)
    }

    fn is_on_disk(&self) -> bool {
        self.inner.is_on_disk()
    }
}
