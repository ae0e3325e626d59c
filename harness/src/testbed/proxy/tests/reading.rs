//! One reading of the message, over the wire (PROXY-4).

use super::*;

/// What a sender could mean by a second request that hides in the first.
const HIDDEN: &str = "GET /hidden HTTP/1.1\r\nHost: app.abc123.p.example\r\n\r\n";

#[tokio::test]
async fn what_can_be_read_in_two_ways_is_refused_and_the_connection_closed() {
    let scene = Scene::new().await;
    let host = format!("Host: {APP}\r\n");
    let cases = [
        format!("POST / HTTP/1.1\r\n{host}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{HIDDEN}"),
        format!("POST / HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n{HIDDEN}"),
        format!("POST / HTTP/1.1\r\n{host}Content-Length: 0\r\nContent-Length: 0\r\n\r\n{HIDDEN}"),
        format!("POST / HTTP/1.1\r\n{host}Content-Length: 0\r\nContent-Length: {}\r\n\r\n{HIDDEN}", HIDDEN.len()),
        format!("POST / HTTP/1.1\r\n{host}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n{HIDDEN}"),
        format!("POST / HTTP/1.1\r\n{host}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{HIDDEN}"),
        format!("POST / HTTP/1.1\r\n{host}Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{HIDDEN}"),
        format!("POST / HTTP/1.1\r\n{host}Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n{HIDDEN}"),
        format!("POST / HTTP/1.1\r\n{host}X: y\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{HIDDEN}"),
        format!("POST / HTTP/1.1\r\n{host}X: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{HIDDEN}"),
        format!("GET / HTTP/1.1\r\n{host}Host: other.example\r\n\r\n{HIDDEN}"),
        format!("GET / HTTP/1.1\r\n{host}{host}\r\n{HIDDEN}"),
        format!("GET https://other.abc123.p.example/ HTTP/1.1\r\n{host}\r\n{HIDDEN}"),
        format!("GET / HTTP/1.1\r\n\r\n{HIDDEN}"),
        format!("GET / HTTP/0.9\r\n{host}\r\n{HIDDEN}"),
        format!("GET / x HTTP/1.1\r\n{host}\r\n{HIDDEN}"),
        format!("CONNECT {APP}:443 HTTP/1.1\r\nHost: {APP}:443\r\n\r\n{HIDDEN}"),
    ];
    for case in cases {
        let replies = scene.client.connect(APP).await.unwrap().raw_until_close(case.as_bytes()).await.unwrap();
        let seen: Vec<_> = replies.iter().map(|reply| reply.status).collect();
        assert_eq!(seen, [400], "{case}");
        assert!(!code(&replies[0]).is_empty(), "{case}");
    }
    assert_eq!((scene.core.arrivals(), scene.app.arrivals()), (0, 0));
}

#[tokio::test]
async fn requests_before_a_refused_one_are_answered() {
    let scene = Scene::new().await;
    let bytes = format!(
        "POST /1 HTTP/1.1\r\nHost: {APP}\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n\r\n\
         GET /2 HTTP/1.1\r\nHost: {APP}\r\n\r\nGET /3 HTTP/1.1\r\nHost: {APP}\r\nHost: {APP}\r\n\r\n{HIDDEN}"
    );
    let replies = scene.client.connect(APP).await.unwrap().raw_until_close(bytes.as_bytes()).await.unwrap();
    assert_eq!(replies.iter().map(|reply| reply.status).collect::<Vec<_>>(), [200, 200, 400]);
    assert_eq!(scene.app.received().iter().map(|r| r.target.as_str()).collect::<Vec<_>>(), ["/1", "/2"]);
}

#[tokio::test]
async fn a_body_that_is_not_chunked_as_it_must_be_ends_the_request() {
    let scene = Scene::new().await;
    for body in [
        "5\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        "5\r\nhelloX\r\n0\r\n\r\n",
        "0\r\nContent-Length: 9\r\n\r\n",
    ] {
        let request = format!("POST / HTTP/1.1\r\nHost: {APP}\r\nTransfer-Encoding: chunked\r\n\r\n{body}{HIDDEN}");
        let replies = scene.client.connect(APP).await.unwrap().raw_until_close(request.as_bytes()).await.unwrap();
        assert_eq!(
            replies.iter().map(|r| (r.status, code(r))).collect::<Vec<_>>(),
            [(400, "body_broken".to_owned())],
            "{body:?}"
        );
    }
    assert!(scene.app.received().iter().all(|request| request.target == "/" && request.cut.is_some()));
}

#[tokio::test]
async fn an_absolute_target_means_its_path() {
    let scene = Scene::new().await;
    for (target, path) in [(format!("https://{APP}/a?b"), "/a?b"), (format!("HTTPS://{}?b", APP.to_uppercase()), "/?b")]
    {
        let request = format!("GET {target} HTTP/1.1\r\nHost: {APP}\r\n\r\n");
        let arrived = scene.client.raw(APP, request.as_bytes()).await.unwrap().echo().unwrap();
        assert_eq!((arrived.target.as_str(), arrived.host.as_str()), (path, APP));
        assert_eq!(scene.core.received().pop().unwrap().field("x-forwarded-uri"), Some(path));
    }
}

#[tokio::test]
async fn the_fields_of_an_http_2_request_are_read_in_one_way_too() {
    let scene = Scene::new().await;
    assert_eq!(
        scene.client.send_http2(APP, Call::get("/").field("host", "APP.abc123.p.example")).await.unwrap().status,
        200
    );
    let reply = scene.client.send_http2(APP, Call::get("/").field("host", "other.example")).await.unwrap();
    assert_eq!((reply.status, code(&reply).as_str()), (400, "host_conflict"));
    let call = Call::post("/", "ab").field("content-length", "2").field("content-length", "2");
    assert_ne!(scene.client.send_http2(APP, call).await.map_or(400, |reply| reply.status), 200);
    let reply = scene.client.send_http2(APP, Call::new("CONNECT", format!("{APP}:443"))).await;
    assert_eq!(reply.map_or(400, |reply| reply.status), 400);
    assert_eq!((scene.core.arrivals(), scene.app.arrivals()), (1, 1));
}

#[tokio::test]
async fn a_listed_connection_option_takes_no_field_away_that_the_proxy_adds() {
    let scene = Scene::new().await;
    scene.permit(&[("X-Ptl-Client-Type", "anonymous")]);
    let call = Call::get("/")
        .field("Connection", "x-ptl-client-type, x-forwarded-for, host, content-digest")
        .field("Content-Digest", "x");
    let arrived = scene.send(call).await.echo().unwrap();
    assert_eq!(arrived.field("x-ptl-client-type"), Some("anonymous"));
    assert_eq!((arrived.field("x-forwarded-for"), arrived.host.as_str()), (Some("127.0.0.1"), APP));
    assert_eq!(scene.core.received()[0].field("content-digest"), arrived.field("content-digest"));
}
