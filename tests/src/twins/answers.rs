//! Cores that say the same in other words.

use axum::body::Body;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use portal_core::CoreBuilder;
use serde_json::{Map, Value, json};

use super::{Keeps, Twin, twin};
use crate::mutants::surface::{around_surface, changed_json};

const CALLS: &str = "/internal/call_peer/";
const AUTH: &str = "/internal/auth";
const PAIR: &str = "/public/pair/terminal";
const JSON: &str = "RFC 8259 §1: An object is an unordered collection";
const COOKIES: &str = "RFC 6265 §5.2: attribute-name case-insensitively";

pub(super) const TWINS: &[Twin] = &[
    twin(1, "writes-json-for-people", &[JSON, "RFC 8259 §2: Insignificant whitespace is allowed"], |it| {
        json_answers(it, |_, answer| {
            Box::pin(rewritten(answer, |json| {
                reordered(json);
            }))
        })
    }),
    twin(
        2,
        "says-more-in-its-json",
        &["ID-4: answers 200 `{id, name, description, email, is_default, public_key_pem, domain}`"],
        |it| json_answers(it, |_, answer| Box::pin(rewritten(answer, |json| with_more_members(json, 0)))),
    ),
    twin(
        1,
        "names-the-charset-of-its-json",
        &["RFC 9110 §8.3.1: The type and subtype tokens are case-insensitive"],
        |it| {
            json_answers(it, |_, mut answer| {
                Box::pin(async move {
                    let kind = HeaderValue::from_static("Application/JSON; charset=UTF-8");
                    answer.headers_mut().insert(header::CONTENT_TYPE, kind);
                    answer
                })
            })
        },
    ),
    twin(
        3,
        "gives-its-reasons-as-problem-details",
        &["CALL-5: each with a JSON reason", "RFC 9457 §3: application/problem+json"],
        |it| {
            refusals(
                it,
                |refusal, _| {
                    Some(json!({
                        "type": format!("https://my-core.example/problems/{}", refusal.code),
                        "title": refusal.code.replace('_', " "),
                        "status": refusal.status.as_u16(),
                        "detail": refusal.reason,
                    }))
                },
                "application/problem+json",
            )
        },
    ),
    twin(4, "gives-its-reasons-in-a-list", &["CALL-5: each with a JSON reason"], |it| {
        refusals(
            it,
            |refusal, _| Some(json!({ "detail": [{ "loc": ["body", 0], "msg": refusal.reason }] })),
            "application/json",
        )
    }),
    twin(
        2,
        "gives-no-reasons-where-none-is-asked-for",
        &["PEER-4: unknown is 404; several matches 409", "AUTH-1: missing X-Forwarded-* is 400"],
        |it| {
            refusals(
                it,
                |refusal, asked| {
                    let is_asked_for = asked.path.starts_with(CALLS) && refusal.status != StatusCode::CONFLICT
                        || refusal.code == "peer_id_malformed"
                        || asked.path.starts_with("/protected/apps/");
                    is_asked_for.then(|| json!({ "code": refusal.code, "reason": refusal.reason }))
                },
                "application/json",
            )
        },
    ),
    twin(
        2,
        "refuses-with-other-statuses",
        &[
            "PEER-5: unknown 404 or 204",
            "CALL-6: is refused and no connection is made",
            "APP-2: the install is refused with a clear error",
        ],
        other_statuses,
    ),
    twin(1, "writes-its-cookie-in-another-order", &[COOKIES, "RFC 6265 §5.2.3: ignore the leading"], |it| {
        paired(it, |mut answer| {
            let cookie = text(&answer, "set-cookie");
            let value = cookie.split(';').next().unwrap_or_default();
            let of = |name: &str| {
                let found = cookie.split("; ").find_map(|part| part.strip_prefix(name));
                found.unwrap_or_default().to_owned()
            };
            let cookie = format!(
                "{value}; samesite=lax; SECURE; path=/; Expires=Fri, 31 Dec 2100 23:59:59 GMT; domain=.{}; httponly",
                of("Domain=").to_uppercase()
            );
            set(&mut answer, &[&cookie]);
            answer
        })
    }),
    twin(3, "sets-other-cookies-too", &["TERM-2: sets the cookie `authorization`"], |it| {
        around_surface(it, |request, within| {
            let is_pairing = request.uri().path() == PAIR;
            Box::pin(async move {
                let mut answer = within.answer(request).await;
                if is_pairing {
                    let own = text(&answer, "set-cookie");
                    let mut all = vec!["csrf=1f3a; Path=/core; SameSite=Strict"];
                    all.extend(Some(own.as_str()).filter(|own| !own.is_empty()));
                    set(&mut answer, &all);
                }
                answer
            })
        })
    }),
    twin(
        4,
        "takes-a-cookie-back-when-it-refuses",
        &["RFC 6265 §3.1: the server returns a Set-Cookie header with an expiration date in the past"],
        |it| {
            around_surface(it, |request, within| {
                let is_pairing = request.uri().path() == PAIR;
                Box::pin(async move {
                    let mut answer = within.answer(request).await;
                    if is_pairing && answer.status().is_client_error() {
                        set(&mut answer, &["authorization=\"\"; Max-Age=0; Path=/"]);
                    }
                    answer
                })
            })
        },
    ),
    twin(
        2,
        "quotes-its-cookie",
        &["RFC 6265 §4.1.1: cookie-value = *cookie-octet / ( DQUOTE *cookie-octet DQUOTE )"],
        |it| {
            paired(it, |mut answer| {
                let cookie = text(&answer, "set-cookie");
                if let Some((pair, rest)) = cookie.split_once(';')
                    && let Some((name, value)) = pair.split_once('=')
                {
                    set(&mut answer, &[&format!("{name}=\"{value}\";{rest}")]);
                }
                answer
            })
        },
    ),
    twin(1, "speaks-when-it-lets-in", &["AUTH-1: 200 lets the request through with the headers to add"], |it| {
        around_surface(it, |request, within| {
            let is_question = request.uri().path() == AUTH;
            Box::pin(async move {
                let mut answer = within.answer(request).await;
                if is_question && answer.status() == StatusCode::OK {
                    *answer.body_mut() = Body::from("let in");
                    answer.headers_mut().remove(header::CONTENT_LENGTH);
                    answer.headers_mut().insert("x-ptl-request-id", HeaderValue::from_static("1"));
                }
                answer
            })
        })
    }),
    Twin {
        keeps: Keeps::Musts,
        ..twin(5, "does-not-know-the-oldest-format", &["APP-1: MAY: 0.0 (no `v`)"], |it| {
            around_surface(it, |request, within| {
                let is_install =
                    request.method() == Method::PUT && request.uri().path().starts_with("/protected/apps/");
                Box::pin(async move {
                    if !is_install {
                        return within.answer(request).await;
                    }
                    let (head, body) = request.into_parts();
                    let bytes = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
                    match serde_json::from_slice::<Value>(&bytes) {
                        Ok(Value::Object(manifest)) if !manifest.contains_key("v") => answer_with(
                            StatusCode::UNPROCESSABLE_ENTITY,
                            &json!({ "reason": "there is no `v`" }),
                            "application/json",
                        ),
                        _ => within.answer(Request::from_parts(head, Body::from(bytes))).await,
                    }
                })
            })
        })
    },
];

/// The question that an answer answers.
struct Asked {
    method: Method,
    path: String,
}

/// A refusal of the Core's own.
struct Refusal {
    status: StatusCode,
    code: String,
    reason: String,
}

type Changed = std::pin::Pin<Box<dyn Future<Output = Response<Body>> + Send>>;

/// Changes the Core's own answers in JSON.
fn json_answers(it: CoreBuilder, change: fn(&Asked, Response<Body>) -> Changed) -> CoreBuilder {
    around_surface(it, move |request, within| {
        Box::pin(async move {
            let asked = Asked { method: request.method().clone(), path: request.uri().path().to_owned() };
            let answer = within.answer(request).await;
            // What a peer's app said is not the Core's to change.
            let is_json = text(&answer, "content-type").starts_with("application/json");
            let is_own = !asked.path.starts_with(CALLS)
                || answer.status().is_client_error()
                || answer.status().is_server_error();
            if is_json && is_own { change(&asked, answer).await } else { answer }
        })
    })
}

/// Other bodies for the Core's refusals; none where `change` says so.
fn refusals(it: CoreBuilder, change: fn(&Refusal, &Asked) -> Option<Value>, kind: &'static str) -> CoreBuilder {
    around_surface(it, move |request, within| {
        Box::pin(async move {
            let asked = Asked { method: request.method().clone(), path: request.uri().path().to_owned() };
            let (answer, refusal) = with_refusal(within.answer(request).await).await;
            match refusal {
                None => answer,
                Some(refusal) => match change(&refusal, &asked) {
                    Some(body) => answer_with(refusal.status, &body, kind),
                    None => {
                        let mut answer = Response::new(Body::empty());
                        *answer.status_mut() = refusal.status;
                        answer
                    }
                },
            }
        })
    })
}

/// Statuses that the contract leaves open.
fn other_statuses(it: CoreBuilder) -> CoreBuilder {
    around_surface(it, move |request, within| {
        Box::pin(async move {
            let asked = Asked { method: request.method().clone(), path: request.uri().path().to_owned() };
            let (mut answer, refusal) = with_refusal(within.answer(request).await).await;
            let Some(refusal) = refusal else { return answer };
            let is_call = asked.path.starts_with(CALLS);
            let other = match refusal.code.as_str() {
                "peer_unknown" if asked.method == Method::DELETE => 204,
                "peer_id_malformed" if is_call => 403,
                "caller_unknown" => 401,
                "body_malformed" => 400,
                "method_not_allowed" => 404,
                "deadline_out_of_range" => 400,
                "terminal_unknown" => 204,
                "host_unknown" if asked.path != AUTH => 403,
                _ if asked.path.starts_with("/protected/apps/")
                    && refusal.status == StatusCode::UNPROCESSABLE_ENTITY =>
                {
                    400
                }
                _ => return answer,
            };
            *answer.status_mut() = StatusCode::from_u16(other).unwrap_or(refusal.status);
            if other == 204 {
                *answer.body_mut() = Body::empty();
                answer.headers_mut().remove(header::CONTENT_TYPE);
                answer.headers_mut().remove(header::CONTENT_LENGTH);
            }
            answer
        })
    })
}

async fn with_refusal(answer: Response<Body>) -> (Response<Body>, Option<Refusal>) {
    let status = answer.status();
    let is_refusal = status.is_client_error() || status.is_server_error();
    if !is_refusal || !text(&answer, "content-type").starts_with("application/json") {
        return (answer, None);
    }
    let (head, body) = answer.into_parts();
    let bytes = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let refusal = serde_json::from_slice::<Value>(&bytes).ok().and_then(|json| {
        let member = |name: &str| Some(json.get(name)?.as_str()?.to_owned());
        Some(Refusal { status, code: member("code")?, reason: member("reason")? })
    });
    (Response::from_parts(head, Body::from(bytes)), refusal)
}

fn answer_with(status: StatusCode, body: &Value, kind: &'static str) -> Response<Body> {
    let mut answer = Response::new(Body::from(body.to_string()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}

/// Other JSON, with line breaks and blanks.
async fn rewritten(answer: Response<Body>, change: fn(&mut Value)) -> Response<Body> {
    let answer = changed_json(answer, change).await;
    let (head, body) = answer.into_parts();
    let bytes = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let json: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    Response::from_parts(head, Body::from(format!("\n{json:#}\n")))
}

/// Members in another order: serde_json sorts them by name, the Core does not.
fn reordered(json: &mut Value) {
    if let Value::Array(list) = json {
        list.reverse();
    }
}

fn with_more_members(json: &mut Value, depth: usize) {
    match json {
        Value::Array(list) => list.iter_mut().for_each(|member| with_more_members(member, depth)),
        Value::Object(members) if depth == 0 => {
            let more: Map<String, Value> =
                [("_links".to_owned(), json!({ "self": "/x" })), ("updated".to_owned(), json!(1_700_000_000.5))]
                    .into_iter()
                    .collect();
            members.extend(more);
        }
        _ => {}
    }
}

/// Changes the answer to a device that was just paired.
fn paired(it: CoreBuilder, change: fn(Response<Body>) -> Response<Body>) -> CoreBuilder {
    around_surface(it, move |request, within| {
        let is_pairing = request.uri().path() == PAIR;
        Box::pin(async move {
            let answer = within.answer(request).await;
            if is_pairing && answer.status() == StatusCode::CREATED { change(answer) } else { answer }
        })
    })
}

fn text(answer: &Response<Body>, field: &str) -> String {
    let value = answer.headers().get(field).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

fn set(answer: &mut Response<Body>, cookies: &[&str]) {
    answer.headers_mut().remove(header::SET_COOKIE);
    for cookie in cookies {
        if let Ok(cookie) = HeaderValue::try_from(*cookie) {
            answer.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
}
