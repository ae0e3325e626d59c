//! For each fault a probe: a sound proxy passes it, a proxy with the fault does not.

use std::time::Duration;

use rustls::SupportedProtocolVersion;
use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::*;
use crate::testbed::faults::ProxyFault::{self, *};
use crate::testbed::names::Target;
use crate::wire::Gate;

const BODY: &str = r#"{"hello": "world"}"#;
const OTHER: &str = r#"{"hello": "World"}"#;
const DIGEST: &str = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:";

#[tokio::test]
async fn a_sound_proxy_passes_every_probe() {
    for &fault in ProxyFault::ALL {
        assert!(passes(fault, &Scene::new().await).await, "the probe of {fault}");
    }
}

#[tokio::test]
async fn a_proxy_with_a_fault_fails_its_probe() {
    for &fault in ProxyFault::ALL {
        let scene = Scene::with(fault, ProxyLimits::default()).await;
        assert!(!passes(fault, &scene).await, "the probe of {fault}");
    }
}

/// Whether the proxy behaves as it should where one with this fault does not.
async fn passes(fault: ProxyFault, scene: &Scene) -> bool {
    match fault {
        IgnoresRefusals => {
            scene.refuse(401);
            scene.send(Call::get("/")).await.status == 401 && scene.app.arrivals() == 0
        }
        DropsDeclaredFields => {
            scene.permit(&[("X-Ptl-Client-Type", "peer")]);
            arrived(scene, Call::get("/"), "x-ptl-client-type").await == ["peer"]
        }
        KeepsIdentityFields => arrived(scene, Call::get("/").field("X-Ptl-Any", "1"), "x-ptl-any").await.is_empty(),
        KeepsUndeclaredIdentityFields => {
            scene.permit(&[("X-Ptl-Client-Type", "peer")]);
            let call = Call::get("/").field("X-Ptl-Client-Type", "1").field("X-Ptl-Any", "1");
            arrived(scene, call.clone(), "x-ptl-any").await.is_empty()
                && arrived(scene, call, "x-ptl-client-type").await == ["peer"]
        }
        KeepsIdentityTrailers => {
            let call = Call::post("/", "x").field("Trailer", "X-Ptl-Client-Id").trailer("X-Ptl-Client-Id", "1");
            received(scene, call).await.trailers.is_empty()
        }
        KeepsIdentityAliases => arrived(scene, Call::get("/").field("X_Ptl_Id", "1"), "x_ptl_id").await.is_empty(),
        AsksTwice => scene.send(Call::get("/")).await.status == 200 && scene.core.arrivals() == 1,
        HidesQueryFromCore => {
            scene.send(Call::get("/a?b")).await;
            scene.core.received()[0].field("x-forwarded-uri") == Some("/a?b")
        }
        AsksWithItsOwnHost => {
            scene.send(Call::get("/")).await;
            scene.core.received()[0].field("x-forwarded-host") == Some(APP)
        }
        ReencodesQuery => {
            let arrived = received(scene, Call::get("/?a=%20~")).await.target == "/?a=%20~";
            arrived && scene.core.received()[0].field("x-forwarded-uri") == Some("/?a=%20~")
        }
        FoldsHeaders => arrived(scene, Call::get("/").field("X", "1").field("X", "2"), "x").await.len() == 2,
        ServesCoreInternal => core(scene, "/core/internal/x").await == 404,
        SkipsTerminalCheck => core(scene, "/core/protected/x").await == 401,
        ServesCoreAtRoot => core(scene, "/protected/x").await == 404,
        HidesPublicPages => core(scene, "/core/public/meta/whoareyou").await == 200,
        FollowsDetours => core(scene, "/core/public/../protected/x").await == 404,
        HasDefaultApp => {
            let request = b"GET / HTTP/1.1\r\nHost: other.example\r\n\r\n";
            scene.client.raw(APP, request).await.unwrap().status == 404 && scene.app.arrivals() == 0
        }
        ComparesHostsByCase => {
            let request = b"GET / HTTP/1.1\r\nHost: App.ABC123.p.example\r\n\r\n";
            scene.client.raw(APP, request).await.unwrap().status == 200
        }
        SkipsAuthForGet => {
            scene.refuse(401);
            scene.send(Call::get("/")).await.status == 401
        }
        ChangesMethod => received(scene, Call::new("PUT", "/")).await.method == "PUT",
        DecodesPath => received(scene, Call::get("/a%41?%41")).await.target == "/a%41?%41",
        DecodesQuery => received(scene, Call::get("/%41?a%41")).await.target == "/%41?a%41",
        DropsBody => received(scene, Call::post("/", "body")).await.body() == Some(b"body".to_vec()),
        DropsRepeatedFields => arrived(scene, Call::get("/").field("X", "1").field("X", "2"), "x").await == ["1", "2"],
        LowercasesValues => arrived(scene, Call::get("/").field("X", "Ab"), "x").await == ["Ab"],
        ReplacesErrorAnswers => {
            scene.app.answer_with(Answer::status(500).body("mine"));
            scene.send(Call::get("/")).await.text() == "mine"
        }
        BuffersAnswers => {
            let (begun, more) = (Gate::new(), Gate::new());
            scene.app.answer_with(Answer::generated(200_000).pause_after(100_000, &more));
            let sent = scene.client.send(APP, Call::get("/").opens_with_answer(&begun));
            let seen = async {
                let seen = timeout(Duration::from_millis(500), begun.passed()).await.is_ok();
                more.open();
                seen
            };
            let (reply, seen) = tokio::join!(sent, seen);
            reply.unwrap().length == 200_000 && seen
        }
        BuffersRequests => {
            let half = Gate::new();
            let sent = scene.client.send(APP, Call::post("/", "").generated(200_000).pause_after(100_000, &half));
            let seen = async {
                let seen = timeout(Duration::from_millis(500), scene.app.wait_for_arrivals(1)).await.is_ok();
                half.open();
                seen
            };
            let (reply, seen) = tokio::join!(sent, seen);
            reply.unwrap().status == 200 && seen
        }
        DropsTrailers => {
            let call = Call::post("/", "x").field("Trailer", "X-Sum").trailer("X-Sum", "1");
            received(scene, call).await.trailers.len() == 1
        }
        ContinuesTooEarly => {
            scene.refuse(401);
            scene.send(Call::post("/", "body").expect_continue()).await.interim.is_empty()
        }
        DropsUpgrade => scene.client.websocket(APP, "/ws", &[]).await.is_ok(),
        TakesSeveralHosts => {
            let request = format!("GET / HTTP/1.1\r\nHost: {APP}\r\nHost: x\r\n\r\n");
            scene.client.raw(APP, request.as_bytes()).await.unwrap().status == 400
        }
        TakesConflictingLengths => {
            let host = format!("POST / HTTP/1.1\r\nHost: {APP}\r\n");
            let both = format!("{host}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
            let twice = format!("{host}Content-Length: 0\r\nContent-Length: 0\r\n\r\n");
            let status = async |bytes: String| scene.client.raw(APP, bytes.as_bytes()).await.unwrap().status;
            let answers = [status(both).await, status(twice).await];
            assert!(answers == [400, 400] || answers == [200, 200], "{answers:?}");
            answers == [400, 400]
        }
        ReadsLengthsLikeAtoi => {
            let request = format!("POST / HTTP/1.1\r\nHost: {APP}\r\nContent-Length: +1\r\n\r\nx");
            scene.client.raw(APP, request.as_bytes()).await.unwrap().status == 400
        }
        FindsChunkedAnywhere => {
            let head = format!("POST / HTTP/1.1\r\nHost: {APP}\r\nTransfer-Encoding: xchunked\r\n\r\n");
            let request = head + "1\r\nx\r\n0\r\n\r\n";
            scene.client.raw(APP, request.as_bytes()).await.unwrap().status == 400
        }
        ServesOneAtATime => {
            let _first = scene.client.connect(APP).await.unwrap();
            timeout(Duration::from_millis(500), scene.client.send(APP, Call::get("/"))).await.is_ok()
        }
        TakesForeignTarget => {
            let request = format!("GET https://other.example/ HTTP/1.1\r\nHost: {APP}\r\n\r\n");
            scene.client.raw(APP, request.as_bytes()).await.unwrap().status == 400
        }
        RepairsHeads => {
            let request = format!("GET / HTTP/1.1\r\nHost: {APP}\r\nX-Note\r\n\r\n");
            scene.client.raw(APP, request.as_bytes()).await.unwrap().status == 400
        }
        SpeaksNoNewTls => connects(scene, &TLS13).await,
        SpeaksNewTlsOnly => connects(scene, &TLS12).await,
        BeginsOldTls => {
            // A ClientHello of TLS 1.1, as far as that shows.
            let hello = [&[22, 3, 1, 0, 38, 1, 0, 0, 34, 3, 2][..], &[7; 32]].concat();
            let mut stream = TcpStream::connect(scene.proxy.address()).await.unwrap();
            stream.write_all(&hello).await.unwrap();
            stream.shutdown().await.unwrap();
            stream.read_u8().await.ok() != Some(22)
        }
        PassesWhenCoreIsDown | TakesSilenceForRefusal => {
            scene.names.insert("gone", Target::Refused);
            scene.proxy.upstreams().set_core(scene.names.address("gone").unwrap());
            scene.send(Call::get("/")).await.status == 502
        }
        ServesPlainHttp => {
            let reply = scene.client.plain(scene.proxy.plain_address(), APP, Call::get("/")).await.unwrap();
            reply.status == 308 && scene.app.arrivals() == 0
        }
        KeepsCookie => {
            arrived(scene, Call::get("/").field("Cookie", "a=1; authorization=x"), "cookie").await == ["a=1"]
        }
        DropsOtherCookies => {
            arrived(scene, Call::get("/").field("Cookie", "authorization=x; a=1"), "cookie").await == ["a=1"]
        }
        KeepsForwardedFields => {
            arrived(scene, Call::get("/").field("X-Forwarded-For", "9.9.9.9"), "x-forwarded-for").await == ["127.0.0.1"]
        }
        RewritesHost => received(scene, Call::get("/")).await.host == APP,
        SkipsDigestCheck => {
            scene.permit(&[("X-Ptl-Client-Type", "peer")]);
            checked(scene, signed(OTHER)).await
        }
        ChecksDigestOfPeersOnly => {
            scene.permit(&[("X-Ptl-Client-Type", "anonymous")]);
            checked(scene, signed(OTHER)).await
        }
        PassesUncheckableDigests => {
            let call = Call::post("/", BODY).field("Content-Digest", "md5=:AAAA:");
            let call = call.field("Signature-Input", r#"sig1=("@method" "content-digest")"#);
            checked(scene, call.field("Signature", "sig1=:AAAA:")).await
        }
        ChecksNoEmptyBody => {
            let call = Call::get("/").field("Content-Digest", DIGEST);
            let call = call.field("Signature-Input", r#"sig1=("@method" "content-digest")"#);
            checked(scene, call.field("Signature", "sig1=:AAAA:")).await
        }
        ChecksOneDigestOnly => checked(scene, signed(BODY).field("Content-Digest", "sha-512=:AAAA:")).await,
    }
}

async fn connects(scene: &Scene, version: &'static SupportedProtocolVersion) -> bool {
    let tls = scene.pki.client_config_of(scene.clock.clone(), &[version]).unwrap();
    scene.client.with_tls(Arc::new(tls)).connect(APP).await.is_ok()
}

async fn received(scene: &Scene, call: Call) -> crate::testbed::Received {
    scene.send(call).await.echo().unwrap()
}

async fn arrived(scene: &Scene, call: Call, name: &str) -> Vec<String> {
    received(scene, call).await.values(name).map(str::to_owned).collect()
}

async fn core(scene: &Scene, target: &str) -> u16 {
    scene.client.send(DOMAIN, Call::get(target)).await.unwrap().status
}

fn signed(body: &str) -> Call {
    Call::post("/", body.to_owned())
        .field("Content-Digest", DIGEST)
        .field("Signature-Input", r#"sig1=("@method" "content-digest")"#)
        .field("Signature", "sig1=:AAAA:")
}

/// Whether the proxy refused this body and the app saw nothing of it.
async fn checked(scene: &Scene, call: Call) -> bool {
    scene.send(call).await.status == 400 && scene.app.arrivals() == 0
}
