use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::*;
use crate::testbed::names::Target;

/// Sends `request` and answers with the connection and the head that came.
async fn ask(proxy: &ConnectProxyHandle, request: &str) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    (stream, String::from_utf8(head).unwrap())
}

fn connect_to(authority: &str) -> String {
    format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n")
}

async fn rest_of(mut stream: TcpStream) -> String {
    let mut rest = String::new();
    timeout(Duration::from_secs(5), stream.read_to_string(&mut rest)).await.expect("it closes").unwrap();
    rest
}

/// A server that sends back in capitals what it gets, one connection after the other.
async fn shouting() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut buffer = [0; 1024];
                while let Ok(count @ 1..) = stream.read(&mut buffer).await {
                    let _ = stream.write_all(&buffer[..count].to_ascii_uppercase()).await;
                }
            });
        }
    });
    address
}

async fn proxy_to(host: &str, address: SocketAddr) -> ConnectProxyHandle {
    let names = Names::new().unwrap();
    names.insert_address(host, address);
    ConnectProxy::start(names).await.unwrap()
}

#[tokio::test]
async fn bytes_go_both_ways_from_the_first_on_and_ends_are_told() {
    let proxy = proxy_to("abc123.p.example", shouting().await).await;
    // What comes right behind the head belongs to the tunnel.
    let (mut stream, head) = ask(&proxy, &(connect_to("chat.ABC123.p.example:443") + "early")).await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    stream.write_all(b" and late").await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(rest_of(stream).await, "EARLY AND LATE");
    assert_eq!(proxy.hosts(), ["chat.ABC123.p.example"]);
    assert_eq!(proxy.refusals(), [""; 0]);
}

#[tokio::test]
async fn at_another_port_than_the_public_one_nobody_is() {
    let proxy = proxy_to("abc123.p.example", shouting().await).await;
    let (stream, head) = ask(&proxy, &connect_to("abc123.p.example:8443")).await;
    assert!(head.starts_with("HTTP/1.1 502 "), "{head}");
    let body = rest_of(stream).await;
    assert!(body.contains("abc123.p.example:8443") && body.contains("refused"), "{body}");
}

#[tokio::test]
async fn who_is_unknown_or_refuses_is_a_bad_gateway_with_the_reason() {
    let names = Names::new().unwrap();
    names.insert("gone.p.example", Target::Refused);
    let proxy = ConnectProxy::start(names).await.unwrap();
    for (host, why) in [("other.example", "not a name of this testbed"), ("gone.p.example", "refused")] {
        let (stream, head) = ask(&proxy, &connect_to(&format!("{host}:443"))).await;
        assert!(head.starts_with("HTTP/1.1 502 "), "{head}");
        let body = rest_of(stream).await;
        assert!(body.contains(host) && body.contains(why), "{body}");
    }
    assert_eq!(proxy.hosts(), ["other.example", "gone.p.example"], "asked for, if in vain");
}

#[tokio::test]
async fn a_black_hole_takes_the_tunnel_and_keeps_quiet() {
    let names = Names::new().unwrap();
    names.insert("mute.example", Target::BlackHole);
    let proxy = ConnectProxy::start(names).await.unwrap();
    let (mut stream, head) = ask(&proxy, &connect_to("mute.example:443")).await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    stream.write_all(b"hello?").await.unwrap();
    assert!(timeout(Duration::from_millis(50), stream.read_u8()).await.is_err());
}

#[tokio::test]
async fn on_a_way_that_is_cut_the_tunnel_is_there_whoever_answers() {
    let names = Names::new().unwrap();
    let domain = "abc123.p.example";
    names.insert_address(domain, shouting().await);
    names.insert("gone.example", Target::Refused);
    let (nobody, view) = (names.address("gone.example").unwrap(), names.view_of("alice"));
    view.detour(domain, Some(nobody));
    let proxy = ConnectProxy::start(view.clone()).await.unwrap();
    let asked = connect_to(&format!("chat.{domain}:443"));
    let (stream, head) = ask(&proxy, &asked).await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert_eq!(rest_of(stream).await, "");

    view.detour(domain, None);
    let (mut stream, head) = ask(&proxy, &asked).await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    stream.write_all(b"a").await.unwrap();
    assert_eq!(stream.read_u8().await.unwrap(), b'A');
}

#[tokio::test]
async fn anything_but_connect_is_refused_and_noted() {
    let proxy = proxy_to("abc123.p.example", shouting().await).await;
    let long = format!("CONNECT {}.p.example:443 HTTP/1.1\r\n\r\n", "a".repeat(256));
    let request = "GET http://abc123.p.example/ HTTP/1.1\r\nHost: abc123.p.example\r\n\r\n";
    for (request, status) in [
        (request, "405"),
        ("CONNECT abc123.p.example HTTP/1.1\r\n\r\n", "400"),
        ("CONNECT abc123.p.example:0 HTTP/1.1\r\n\r\n", "400"),
        ("CONNECT user@abc123.p.example:443 HTTP/1.1\r\n\r\n", "400"),
        ("CONNECT https://abc123.p.example:443 HTTP/1.1\r\n\r\n", "400"),
        (&long, "400"),
        ("CONNECT abc123.p.example:443 HTTP/2.0\r\n\r\n", "505"),
        ("hello\r\n\r\n", "400"),
    ] {
        let (_, head) = ask(&proxy, request).await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {head}");
        assert_eq!(head.contains("\r\nAllow: CONNECT\r\n"), status == "405", "RFC 9110 §15.5.6");
    }
    assert_eq!(proxy.hosts(), [""; 0], "nobody was looked up");
    assert_eq!(proxy.refusals().len(), 8);
    assert!(proxy.refusals()[0].contains("GET http://abc123.p.example/"), "{:?}", proxy.refusals());
}

#[tokio::test]
async fn heads_and_idle_tunnels_have_bounds() {
    let names = Names::new().unwrap();
    names.insert_address("abc123.p.example", shouting().await);
    let short = Duration::from_millis(100);
    let limits = ConnectLimits { head_bytes: 256, head: short, idle: short, ..ConnectLimits::default() };
    let proxy = ConnectProxy::start_with(names, limits).await.unwrap();
    let (_, head) = ask(&proxy, &format!("CONNECT abc123.p.example:443 HTTP/1.1\r\nX: {}", "x".repeat(256))).await;
    assert!(head.starts_with("HTTP/1.1 431 "), "{head}");
    let (_, head) = ask(&proxy, "CONNECT abc123.p.example:443 HTTP/1.1\r\n").await;
    assert!(head.starts_with("HTTP/1.1 408 "), "{head}");
    let (mut stream, head) = ask(&proxy, &connect_to("abc123.p.example:443")).await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let idle = timeout(Duration::from_secs(5), stream.read_u8()).await.expect("an idle tunnel is closed");
    assert!(idle.is_err());
}

#[tokio::test]
async fn connections_beyond_the_bound_wait() {
    let names = Names::new().unwrap();
    names.insert_address("abc123.p.example", shouting().await);
    let limits = ConnectLimits { connections: 1, ..ConnectLimits::default() };
    let proxy = ConnectProxy::start_with(names, limits).await.unwrap();
    let (first, _) = ask(&proxy, &connect_to("abc123.p.example:443")).await;
    let mut waiting = Box::pin(async {
        let (_, head) = ask(&proxy, &connect_to("abc123.p.example:443")).await;
        head
    });
    assert!(timeout(Duration::from_millis(50), &mut waiting).await.is_err());
    drop(first);
    let head = timeout(Duration::from_secs(5), waiting).await.expect("its turn comes");
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
}

#[tokio::test]
async fn lent_to_the_next_it_knows_other_names_and_nothing_is_left_of_before() {
    let proxy = proxy_to("abc123.p.example", shouting().await).await;
    let (old, _) = ask(&proxy, &connect_to("abc123.p.example:443")).await;
    let names = Names::new().unwrap();
    names.insert_address("def456.p.example", shouting().await);
    proxy.lend(names).await;
    assert_eq!(rest_of(old).await, "", "the tunnel has ended");
    assert_eq!(proxy.hosts(), [""; 0]);
    let (_, head) = ask(&proxy, &connect_to("abc123.p.example:443")).await;
    assert!(head.starts_with("HTTP/1.1 502 "), "{head}");
    let (_, head) = ask(&proxy, &connect_to("def456.p.example:443")).await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert_eq!(proxy.hosts(), ["abc123.p.example", "def456.p.example"]);
}

#[tokio::test]
async fn it_ends_with_its_handle() {
    let proxy = proxy_to("abc123.p.example", shouting().await).await;
    let address = proxy.address();
    let (stream, _) = ask(&proxy, &connect_to("abc123.p.example:443")).await;
    proxy.shutdown().await;
    assert_eq!(rest_of(stream).await, "");
    let refused = TcpStream::connect(address).await.unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);

    let proxy = proxy_to("abc123.p.example", shouting().await).await;
    let (stream, _) = ask(&proxy, &connect_to("abc123.p.example:443")).await;
    drop(proxy);
    assert_eq!(rest_of(stream).await, "", "dropping is enough");
}
