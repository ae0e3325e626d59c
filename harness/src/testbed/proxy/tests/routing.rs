//! Where requests go, and whether they may.

use super::*;
use crate::testbed::names::Target;
use crate::trace::Party;

#[tokio::test]
async fn an_app_is_asked_for_first_and_then_served() {
    let scene = Scene::new().await;
    scene.permit(&[("X-Ptl-Client-Type", "peer"), ("X-Ptl-Client-Id", "é"), ("Server", "core")]);
    let reply = scene.send(Call::post("/a/%2e%2E//b?x=%20&y", "body").field("Signature", "sig=:AAAA:")).await;
    assert_eq!(reply.status, 200);
    let question = &scene.core.received()[0];
    assert_eq!((question.method.as_str(), question.target.as_str()), ("GET", "/internal/auth"));
    assert_eq!(question.field("x-forwarded-method"), Some("POST"));
    assert_eq!(question.field("x-forwarded-proto"), Some("https"));
    assert_eq!(question.field("x-forwarded-host"), Some(APP));
    assert_eq!(question.field("x-forwarded-uri"), Some("/a/%2e%2E//b?x=%20&y"));
    assert_eq!(question.field("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(question.field("signature"), Some("sig=:AAAA:"));
    assert_eq!(question.field("content-length"), None);
    assert_eq!(question.body_length, 0);
    let arrived = reply.echo().unwrap();
    assert_eq!((arrived.method.as_str(), arrived.target.as_str()), ("POST", "/a/%2e%2E//b?x=%20&y"));
    assert_eq!((arrived.host.as_str(), arrived.body()), (APP, Some(b"body".to_vec())));
    assert_eq!(arrived.field("x-ptl-client-type"), Some("peer"));
    assert_eq!(arrived.field("x-ptl-client-id"), Some("é"));
    assert_eq!(arrived.field("server"), None);
}

#[tokio::test]
async fn a_refusal_is_passed_on_and_the_app_never_hears_of_it() {
    let scene = Scene::new().await;
    for status in [400, 401, 403, 404] {
        scene.refuse(status);
        let reply = scene.send(Call::post("/", "body")).await;
        assert_eq!((reply.status, code(&reply).as_str()), (status, "no"));
    }
    for status in [204, 302, 500, 503] {
        scene.refuse(status);
        let reply = scene.send(Call::get("/")).await;
        assert_eq!((reply.status, code(&reply).as_str()), (502, "core_broken"), "Core said {status}");
    }
    assert_eq!(scene.app.arrivals(), 0);
}

#[tokio::test]
async fn a_core_that_is_down_or_silent_lets_nobody_in() {
    let limits = ProxyLimits { answer: std::time::Duration::from_millis(100), ..ProxyLimits::default() };
    let scene = Scene::with(Faults::NONE, limits).await;
    scene.core.answer_at("/internal/auth", Answer::silence());
    let reply = scene.send(Call::get("/")).await;
    assert_eq!((reply.status, code(&reply).as_str()), (503, "core_silent"));
    scene.names.insert("gone", Target::Refused);
    scene.proxy.upstreams().set_core(scene.names.address("gone").unwrap());
    let reply = scene.send(Call::get("/")).await;
    assert_eq!((reply.status, code(&reply).as_str()), (502, "core_unreachable"));
    assert_eq!(scene.app.arrivals(), 0);
    scene.proxy.upstreams().set_core(scene.core.address());
    scene.permit(&[]);
    assert_eq!(scene.send(Call::get("/")).await.status, 200);
}

#[tokio::test]
async fn the_core_is_served_in_public_and_to_terminals_and_never_inside() {
    let scene = Scene::new().await;
    let core = |target: &str| scene.client.send(DOMAIN, Call::get(target).field("cookie", "authorization=x"));
    let public = core("/core/public/meta/whoareyou?x=%20").await.unwrap().echo().unwrap();
    assert_eq!((public.target.as_str(), public.host.as_str()), ("/public/meta/whoareyou?x=%20", DOMAIN));
    assert_eq!(core("/core/protected/peers").await.unwrap().status, 401);
    scene.core.answer_at("/internal/authenticate_terminal", Answer::status(200).field("X-Ptl-Client-Type", "terminal"));
    let protected = core("/core/protected/peers").await.unwrap().echo().unwrap();
    assert_eq!(protected.target, "/protected/peers");
    assert_eq!(protected.field("x-ptl-client-type"), Some("terminal"));
    let question = &scene.core.received()[1];
    assert_eq!(
        (question.target.as_str(), question.field("cookie")),
        ("/internal/authenticate_terminal", Some("authorization=x"))
    );
    let before = scene.core.arrivals();
    for target in ["/core/internal/auth", "/core/public/..%2finternal/auth", "/core/public/../internal/auth", "/"] {
        let reply = core(target).await.unwrap();
        assert_eq!((reply.status, code(&reply).as_str()), (404, "path_unknown"), "{target}");
    }
    assert_eq!(scene.core.arrivals(), before);
}

#[tokio::test]
async fn foreign_hosts_and_apps_without_address_are_refused() {
    let scene = Scene::new().await;
    let reply = scene.client.raw(APP, b"GET / HTTP/1.1\r\nHost: app.xyz789.p.example\r\n\r\n").await.unwrap();
    assert_eq!((reply.status, code(&reply).as_str()), (404, "host_unknown"));
    assert_eq!(scene.core.arrivals(), 0);
    let reply = scene.client.send("other.abc123.p.example", Call::get("/")).await.unwrap();
    assert_eq!((reply.status, code(&reply).as_str()), (502, "app_unknown"));
    scene.proxy.upstreams().set_app("Other", scene.app.address());
    assert_eq!(scene.client.send("oTher.abc123.p.example", Call::get("/")).await.unwrap().status, 200);
}

#[tokio::test]
async fn both_protocols_reach_the_same_place() {
    let scene = Scene::new().await;
    let call = || {
        Call::post("/p?q", "body").field("x-odd", "1").field("x-odd", "2").field("cookie", "a=1").field("cookie", "b=2")
    };
    let reply = scene.client.send_http2(APP, call()).await.unwrap();
    assert_eq!((reply.status, reply.version.as_str()), (200, "HTTP/2"));
    let arrived = reply.echo().unwrap();
    assert_eq!((arrived.method.as_str(), arrived.target.as_str(), arrived.host.as_str()), ("POST", "/p?q", APP));
    assert_eq!(arrived.body(), Some(b"body".to_vec()));
    assert_eq!(arrived.values("x-odd").collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(arrived.values("cookie").collect::<Vec<_>>(), ["a=1; b=2"]);
    let old = scene.send(call()).await.echo().unwrap();
    assert_eq!(old.values("cookie").collect::<Vec<_>>(), ["a=1", "b=2"]);
}

#[tokio::test]
async fn plain_http_is_redirected_and_nothing_is_asked_or_served() {
    let scene = Scene::new().await;
    let plain = scene.proxy.plain_address();
    let reply = scene.client.plain(plain, &format!("{APP}:80"), Call::post("/a?b=%20", "body")).await.unwrap();
    assert_eq!(reply.status, 308);
    assert_eq!(reply.field("location").as_deref(), Some("https://app.abc123.p.example/a?b=%20"));
    let foreign = scene.client.plain(plain, "evil.example", Call::get("/")).await.unwrap();
    assert_eq!((foreign.status, foreign.field("location")), (404, None));
    assert_eq!((scene.core.arrivals(), scene.app.arrivals()), (0, 0));
}

#[tokio::test]
async fn the_hops_at_the_proxy_are_traced_in_order() {
    let scene = Scene::new().await;
    let trace_id = scene.send(Call::get("/x")).await.trace_id.unwrap();
    let hops = scene.trace.hops(&trace_id);
    let seen: Vec<_> =
        hops.iter().map(|hop| (hop.from.clone(), hop.to.clone(), hop.target.as_str(), hop.status)).collect();
    let (proxy, core, app) = (Party::proxy("b"), Party::core("b"), Party::app("b", "app"));
    assert_eq!(
        seen,
        [
            (Party::Outside, proxy.clone(), "/x", None),
            (proxy.clone(), core.clone(), "/internal/auth", None),
            (core, proxy.clone(), "/internal/auth", Some(200)),
            (proxy.clone(), app.clone(), "/x", None),
            (app, proxy.clone(), "/x", Some(200)),
            (proxy, Party::Outside, "/x", Some(200)),
        ]
    );
}

#[tokio::test]
async fn whether_a_body_follows_is_said_only_when_wanted() {
    let scene = Scene::configured(|config| ProxyConfig { announces_body: true, ..config }).await;
    for (call, said) in [(Call::get("/"), "absent"), (Call::post("/", "x"), "present"), (Call::post("/", ""), "absent")]
    {
        scene.send(call.field("X-Forwarded-Body", "nonsense")).await;
        let question = scene.core.received().pop().unwrap();
        assert_eq!(question.values("x-forwarded-body").collect::<Vec<_>>(), [said]);
    }
    assert!(scene.app.received().iter().all(|request| request.field("x-forwarded-body").is_none()));
    let quiet = Scene::new().await;
    quiet.send(Call::post("/", "x").field("X-Forwarded-Body", "absent")).await;
    assert_eq!(quiet.core.received()[0].field("x-forwarded-body"), None);
}
