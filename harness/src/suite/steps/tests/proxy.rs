//! Checks on what happens at the proxy, and on what is sent by mistake or in malice.

use super::{Case, expect_all};
use crate::verdict::Verdict;

const TWO_ON_ONE_CONNECTION: &str = "When these bytes are sent to bob's proxy\n\"\"\"\nGET /public/one HTTP/1.1\n\
     Host: chat.{bob.domain}\n\nGET /notes HTTP/1.1\nHost: chat.{bob.domain}\nConnection: close\n\n\n\"\"\"";
const WITH_TRAILERS: &str = "Given bob's chat answers with the body \"done\" and the trailer \"X-Sum\" of \"42\"\n\
     When these bytes are sent to bob's proxy\n\"\"\"\nPOST /public/x HTTP/1.1\nHost: chat.{bob.domain}\nTE: trailers\n\
     Trailer: X-Check\nTransfer-Encoding: chunked\nConnection: close, TE\n\n0\nX-Check: 23\n\n\n\"\"\"";
const WEBSOCKET: &str = "When a stranger opens a WebSocket to bob's chat at /public/socket and says \"hello\"";
/// As text in another place than a cookie.
const WITH_COOKIE: &str = "Given bob has paired the terminal phone\n\
     When a stranger sends GET /public/page to bob's chat\n| field | value |\n\
     | X-Note | a{phone.cookie}b |";

const CASES: &[Case] = &[
    (TWO_ON_ONE_CONNECTION, "the answers are 200, 401", "the answers are 200"),
    (TWO_ON_ONE_CONNECTION, "bob's chat received 1 request", "the answers are 401, 200"),
    // An escape stands for the byte itself.
    (
        "When these bytes are sent to bob's proxy\n\"\"\"\nGET /public/one HTTP/1.1\nHost: chat.{bob.domain}\n\
         X-A: \\x00\n\n\n\"\"\"",
        "the answers are 400",
        "the answers are 200",
    ),
    (
        "When a stranger sends POST /public/x to bob's chat and waits to be told to continue",
        "the answers are 100, 200",
        "the answers are 200",
    ),
    (
        "When a stranger sends POST /public/x to bob's chat and waits to be told to continue",
        "it is told to continue, and the answer is 200",
        "it is told to continue, and the answer is 201",
    ),
    (
        "When a stranger sends POST /notes to bob's chat and waits to be told to continue",
        "the answers are 401",
        "it is told to continue, and the answer is 401",
    ),
    (
        "When a stranger sends POST /notes to bob's chat and waits to be told to continue",
        "the answers are 401",
        "the answers are 100, 401",
    ),
    (
        "When a stranger sends POST /public/x to bob's chat in two halves, the second when the first has arrived",
        "bob's chat received the body that was sent",
        "bob's chat received the body \"\"",
    ),
    ("When a stranger connects to bob's proxy with TLS 1.3", "the connection is made", "the connection is refused"),
    ("When a stranger connects to bob's proxy with TLS 1.2", "the connection is made", "the connection is refused"),
    ("When a stranger connects to bob's proxy with TLS 1.1", "the connection is refused", "the connection is made"),
    ("When a stranger connects to bob's proxy with TLS 1.0", "the connection is refused", "the connection is made"),
    (
        "When a stranger opens a connection to bob's proxy and sends random bytes",
        "the connection is refused",
        "the connection is made",
    ),
    (
        "When a stranger opens a connection to bob's proxy and sends half a TLS hello and nothing more",
        "the connection is refused",
        "the connection is made",
    ),
    (
        "When a stranger opens a connection to bob's proxy and sends nothing at all",
        "the connection is refused",
        "the connection is made",
    ),
    (
        "When a stranger opens a connection to bob's proxy and sends a TLS hello for another name",
        "the connection is refused",
        "the connection is made",
    ),
    (
        "When a stranger sends GET /public/page?x=1 to bob's chat in plain HTTP at the port for HTTP",
        "it is redirected to https or refused",
        "it is let in as anonymous",
    ),
    (
        "When a stranger sends GET /public/page to bob's chat in plain HTTP at the port for TLS",
        "it is redirected to https or refused",
        "the answer is 200",
    ),
    (
        "When a stranger sends GET /public/page to bob's chat",
        "it is let in as anonymous",
        "it is redirected to https or refused",
    ),
    // A redirect, but the app's own and elsewhere.
    (
        "Given bob's chat answers 308\n| field | value |\n| Location | https://evil.example/ |\n\
         When a stranger sends GET /public/page to bob's chat",
        "the answer is 308",
        "it is redirected to https or refused",
    ),
    (
        "Given bob has paired the terminal phone\nWhen the terminal phone sends GET /notes to bob's chat",
        "the cookie of the terminal phone did not reach bob's chat",
        "the cookie of the terminal phone did not reach alice's chat",
    ),
    (WITH_COOKIE, "the answer is 200", "the cookie of the terminal phone did not reach bob's chat"),
    (WEBSOCKET, "the WebSocket says \"hello\"", "the WebSocket says \"hallo\""),
    (
        "When a stranger opens a WebSocket to bob's chat at /socket and says \"hello\"",
        "it is refused",
        "the WebSocket says \"hello\"",
    ),
    (
        WITH_TRAILERS,
        "bob's chat received the trailers\n| field | value |\n| x-check | 23 |\n| X-Other | |",
        "bob's chat received the trailers\n| field | value |\n| X-Check | |",
    ),
    (WITH_TRAILERS, "the answer has the trailer \"x-sum\" of \"42\"", "the answer has the trailer \"X-Sum\" of \"4\""),
    (WEBSOCKET, "bob's chat received GET /public/socket", "the answer has the trailer \"X-Sum\" of \"42\""),
    (
        "When a stranger sends POST /public/x to bob's chat and breaks off in the middle of the body",
        "bob's chat received no whole request",
        "bob's chat received the body that was sent",
    ),
    (
        "When a stranger sends POST /public/x to bob's chat with the body \"\"",
        "it is let in as anonymous",
        "bob's chat received no whole request",
    ),
    (
        "Given a request POST /peers/inbox to bob's chat with a body of 100 KiB\nAnd it is signed by carol\n\
         When it is sent and breaks off in the middle of the body",
        "bob's chat received nothing",
        "bob's chat received 1 request",
    ),
    (
        "When bob's owner breaks off in the middle of PUT /protected/peers to bob's Core",
        "bob's peers are\n| peer |\n| alice |\n| carol |",
        "bob has no peers",
    ),
    (
        "When a stranger sends GET /public/page to bob's chat with 40 fields",
        "bob's chat received the fields\n| field | value |\n| X-40 | a |\n| X-41 | |",
        "the answer is 431",
    ),
    (
        "When a stranger sends GET /public/page to bob's chat with a field of 200 KiB",
        "the answer is 431",
        "bob's chat received 1 request",
    ),
    (
        "Given carol answers every call with a status line and no more\n\
         When alice's chat calls carol with GET /peers/inbox",
        "the answer is 502 with a reason",
        "the answer is 200",
    ),
];

#[test]
fn each_check_holds_where_it_is_true() {
    expect_all(CASES, |case| case.1, Verdict::Pass);
}

#[test]
fn each_check_fails_where_it_is_not() {
    expect_all(CASES, |case| case.2, Verdict::Fail);
}
