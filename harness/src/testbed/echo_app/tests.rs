use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;

use super::{Answer, EchoApp};
use crate::trace::{Trace, lines};
use crate::wire::{Call, Channel, Gate, Reply, WireError, generated_sha256};

async fn app() -> (EchoApp, Trace) {
    let trace = Trace::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    (EchoApp::start("alice", "chat", listener, trace.clone()).unwrap(), trace)
}

async fn channel(app: &EchoApp) -> Channel<TcpStream> {
    Channel::new(TcpStream::connect(app.address()).await.unwrap())
}

async fn ask(app: &EchoApp, call: Call) -> Result<Reply, WireError> {
    channel(app).await.exchange(&call, "chat.alice.test").await
}

#[tokio::test]
async fn echoes_exactly_what_arrived() {
    let (app, trace) = app().await;
    let call = Call::post("/a%2Fb//c/../d?x=%20+&y#z", "hello")
        .field("X-Odd", "one")
        .field("x-oDD", "two,  three")
        .field("countersign-trace", "t1");
    let reply = ask(&app, call).await.unwrap();
    let echo = reply.echo().unwrap();
    assert_eq!((echo.method.as_str(), echo.target.as_str()), ("POST", "/a%2Fb//c/../d?x=%20+&y#z"));
    assert_eq!(echo.host, "chat.alice.test");
    let odd: Vec<_> = echo.fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case("x-odd")).cloned().collect();
    assert_eq!(odd, [("X-Odd".to_owned(), "one".to_owned()), ("x-oDD".to_owned(), "two,  three".to_owned())]);
    assert_eq!(echo.body().unwrap(), b"hello");
    assert_eq!(echo.body_sha256, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    assert_eq!(app.received(), [echo]);
    assert_eq!(
        lines(&trace.hops("t1")),
        "proxy on alice -> chat on alice: POST /a%2Fb//c/../d?x=%20+&y#z\n\
         chat on alice -> proxy on alice: 200 to POST /a%2Fb//c/../d?x=%20+&y#z"
    );
}

#[tokio::test]
async fn one_connection_serves_several_requests_with_trailers_and_go_ahead() {
    let (app, _) = app().await;
    let mut channel = channel(&app).await;
    let first = Call::post("/1", "abc").expect_continue().trailer("x-sum", "6");
    let reply = channel.exchange(&first, "h").await.unwrap();
    assert_eq!(reply.interim, [100]);
    assert_eq!(reply.echo().unwrap().trailers, [("x-sum".to_owned(), "6".to_owned())]);
    let reply = channel.exchange(&Call::get("/2"), "h").await.unwrap();
    assert_eq!(reply.echo().unwrap().target, "/2");
    assert_eq!(app.arrivals(), 2);
}

#[tokio::test]
async fn long_bodies_are_hashed_both_ways() {
    const LENGTH: u64 = 40 << 20;
    let (app, _) = app().await;
    let echo = ask(&app, Call::new("PUT", "/").generated(LENGTH)).await.unwrap().echo().unwrap();
    assert_eq!((echo.body_length, echo.body_b64.as_deref()), (LENGTH, None));
    assert_eq!(echo.body_sha256, generated_sha256(LENGTH));
    for answer in [Answer::generated(LENGTH), Answer::generated(LENGTH).chunked()] {
        app.answer_with(answer);
        let reply = ask(&app, Call::get("/")).await.unwrap();
        assert_eq!((reply.length, reply.sha256), (LENGTH, generated_sha256(LENGTH)));
        assert!(reply.body.len() < 10 << 20);
    }
    assert_ne!(generated_sha256(LENGTH), generated_sha256(LENGTH - 1));
}

#[tokio::test]
async fn answers_as_told() {
    let (app, _) = app().await;
    app.answer_at("/moved", Answer::redirect(307, "https://else.test/x"));
    app.answer_once(Answer::status(418).field("X-Two", "a").field("X-Two", "b").body("teapot"));
    let reply = ask(&app, Call::get("/moved?x")).await.unwrap();
    assert_eq!((reply.status, reply.field("location").unwrap().as_str()), (307, "https://else.test/x"));
    let reply = ask(&app, Call::get("/")).await.unwrap();
    assert_eq!((reply.status, reply.text().as_str()), (418, "teapot"));
    assert_eq!(reply.fields.values("x-two").collect::<Vec<_>>(), ["a", "b"]);
    assert!(ask(&app, Call::get("/")).await.unwrap().echo().is_some(), "once is once");
    app.answer_with(Answer::raw("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx"));
    assert_eq!(ask(&app, Call::get("/")).await.unwrap().fields.values("content-length").count(), 2);
    app.answer_with(Answer::status(413).before_body());
    assert_eq!(ask(&app, Call::new("PUT", "/").generated(64 << 20)).await.unwrap().status, 413);
    app.answer_with(Answer::echo());
    assert_eq!(ask(&app, Call::new("HEAD", "/")).await.unwrap().length, 0);
}

#[tokio::test]
async fn broken_bodies_are_told_from_whole_ones() {
    let (app, _) = app().await;
    app.answer_once(Answer::generated(1000).cut_after(300));
    let Err(WireError::Cut { reply, .. }) = ask(&app, Call::get("/")).await else { panic!("not cut") };
    assert_eq!((reply.status, reply.length), (200, 300));
    app.answer_once(Answer::generated(1000).chunked().cut_after(300));
    assert!(matches!(ask(&app, Call::get("/")).await, Err(WireError::Cut { .. })));

    app.forget();
    ask(&app, Call::new("PUT", "/").generated(1000).cut_after(10)).await.unwrap_err();
    let received = app.wait_for(1).await.unwrap();
    assert_eq!(received[0].body_length, 10);
    assert!(received[0].cut.is_some());
}

#[tokio::test]
async fn holds_its_answer_until_the_gate_opens() {
    let (app, _) = app().await;
    let gate = Gate::new();
    app.answer_with(Answer::status(204).held_by(&gate));
    let asking = tokio::spawn({
        let app = app.clone();
        async move { ask(&app, Call::get("/")).await }
    });
    app.wait_for(1).await.unwrap();
    assert!(!asking.is_finished());
    gate.open();
    assert_eq!(asking.await.unwrap().unwrap().status, 204);
}

#[tokio::test]
async fn a_body_that_pauses_arrives_in_part() {
    let (app, _) = app().await;
    let gate = Gate::new();
    app.answer_with(Answer::generated(100_000).pause_after(10, &gate));
    let reply = ask(&app, Call::get("/").opens_with_answer(&gate)).await.unwrap();
    assert_eq!(reply.sha256, generated_sha256(100_000));

    let never = Gate::new();
    app.answer_with(Answer::generated(100_000).pause_after(10, &never));
    ask(&app, Call::get("/").within(Duration::from_millis(30))).await.unwrap_err();
}

#[tokio::test]
async fn an_answer_can_be_made_of_the_request() {
    let (app, _) = app().await;
    app.answer_with(Answer::computed(|received| async move { Answer::status(201).body(received.target) }));
    let reply = ask(&app, Call::get("/seen")).await.unwrap();
    assert_eq!((reply.status, reply.text().as_str()), (201, "/seen"));
}

#[tokio::test]
async fn silence_is_an_error_that_says_what_was_waited_for() {
    let (app, _) = app().await;
    app.answer_with(Answer::silence());
    let error = ask(&app, Call::get("/quiet").within(Duration::from_millis(30))).await.unwrap_err();
    assert!(error.to_string().contains("GET /quiet"), "{error}");
}

#[tokio::test]
async fn echoes_websocket_messages() {
    let (app, _) = app().await;
    let socket = TcpStream::connect(app.address()).await.unwrap();
    let (mut socket, answer) = tokio_tungstenite::client_async("ws://chat.test/live?a", socket).await.unwrap();
    assert_eq!(answer.status(), 101);
    for message in [Message::text("hello"), Message::binary(vec![0, 1, 2])] {
        socket.send(message.clone()).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), message);
    }
    socket.close(None).await.unwrap();
    assert_eq!(app.last_received().unwrap().target, "/live?a");
}

#[tokio::test]
async fn nothing_is_left_behind() {
    let alive = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = alive();
    let (app, _) = app().await;
    app.answer_with(Answer::silence());
    let mut open = channel(&app).await;
    let call = Call::get("/").within(Duration::from_millis(20));
    open.exchange(&call, "h").await.unwrap_err();
    assert!(alive() > before);
    app.stop().await;
    // The listener lives in a task. Its port proves nothing: another test may have got it meanwhile.
    assert_eq!(alive(), before);
}
