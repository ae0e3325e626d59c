use proptest::prelude::*;

use super::*;

fn input(bytes: impl AsRef<[u8]>) -> Input {
    Input { name: "m.http".to_owned(), bytes: bytes.as_ref().to_vec() }
}

fn raw(bytes: impl AsRef<[u8]>) -> Located {
    match read(&input(bytes), None).unwrap() {
        Found::Raw(message) => *message,
        Found::Transcript(_) => panic!("a transcript"),
    }
}

fn transcript(text: impl AsRef<[u8]>) -> Transcript {
    match read(&input(text), None).unwrap() {
        Found::Transcript(transcript) => transcript,
        Found::Raw(_) => panic!("no transcript"),
    }
}

fn known(body: &Body) -> &[u8] {
    match body {
        Body::Known(content) => content,
        Body::Unknown(why) => panic!("{why}"),
    }
}

fn error(bytes: impl AsRef<[u8]>) -> BadInput {
    read(&input(bytes), None).unwrap_err()
}

const FILES: &[(&str, &[u8])] = &[
    ("curl-http1.txt", include_bytes!("../../../../fixtures/explain/curl-http1.txt")),
    ("curl-http2.txt", include_bytes!("../../../../fixtures/explain/curl-http2.txt")),
    ("curl-http2-terminal.txt", include_bytes!("../../../../fixtures/explain/curl-http2-terminal.txt")),
    ("curl-two-exchanges.txt", include_bytes!("../../../../fixtures/explain/curl-two-exchanges.txt")),
    ("every-kind.http", include_bytes!("../../../../fixtures/explain/every-kind.http")),
];

fn file(name: &str) -> &'static [u8] {
    FILES.iter().find(|(known, _)| *known == name).unwrap().1
}

#[test]
fn lines_end_in_lf_or_crlf() {
    let text = "POST /a HTTP/1.1\nHost: x\nA: 1\n  folded\nB:2\nContent-Length: 3\n\na\nb";
    let (unix, dos) = (raw(text), raw(text.replacen('\n', "\r\n", 7)));
    for message in [&unix, &dos] {
        let fields: Vec<_> = message.fields().iter().map(|(name, value)| (name, value.to_vec())).collect();
        assert_eq!(fields[1], ("A", b" 1\r\n  folded".to_vec()));
        assert_eq!(message.field_lines, [2, 3, 5, 6]);
        assert_eq!(known(&message.body), b"a\nb");
        assert!(message.notes.is_empty(), "{:?}", message.notes);
    }
    assert_eq!(unix.layout, Some(Layout { head_end: 61, crlf: false, closed: true }));
    assert!(dos.layout.unwrap().crlf);
}

#[test]
fn what_surrounds_a_message_in_an_editor_is_passed_over() {
    let message = raw("\u{feff}\n### a request\n// more\nGET / HTTP/1.1\nHost: x\n\n\n");
    assert_eq!((message.first_line_at, &message.field_lines[..]), (4, &[5][..]));
    assert_eq!(known(&message.body), b"\n");
    let message = raw("\u{feff}GET / HTTP/1.1\n\n");
    assert_eq!(message.first_line, "GET / HTTP/1.1");
}

#[test]
fn the_content_is_what_the_head_says() {
    let body = |head: &str, rest: &str| {
        let message = raw(format!("POST / HTTP/1.1\n{head}\n{rest}"));
        (message.body.clone(), message.notes)
    };
    let is = |text: &str| Body::Known(text.as_bytes().to_vec());
    // The final line end is the editor's.
    assert_eq!(body("Content-Length: 5\n", "hello\n"), (is("hello"), vec![]));
    let (content, notes) = body("Content-Length: 5\n", "hello, more\n");
    assert_eq!((content, notes.len()), (is("hello"), 1));
    // LF stands for what was CR LF.
    let (content, notes) = body("Content-Length: 6\n", "a\nb\n");
    assert_eq!((content, notes.len()), (is("a\r\nb\r\n"), 1));
    let (content, notes) = body("", "hello\n");
    assert_eq!((content, notes.len()), (is("hello\n"), 1));
    assert_eq!(body("", ""), (is(""), vec![]));
    for (head, rest) in [
        ("Content-Length: 9\n", "hello"),
        ("Content-Length: x\n", "hello"),
        ("Content-Length: 5\nContent-Length: 4\n", "hello"),
        ("Transfer-Encoding: gzip\n", "hello"),
    ] {
        assert!(matches!(body(head, rest).0, Body::Unknown(_)), "{head}");
    }
    assert_eq!(body("Content-Length: 5\nContent-Length: 5\n", "hello").0, is("hello"));
}

#[test]
fn chunks_are_put_together_and_their_trailers_kept() {
    for message in
        [raw(file("every-kind.http")), raw(String::from_utf8_lossy(file("every-kind.http")).replace("\r\n", "\n"))]
    {
        assert_eq!(known(&message.body), b"hello");
        assert_eq!(message.trailers().values("expires").collect::<Vec<_>>(), [b" never"]);
        assert_eq!(message.trailer_lines, [17]);
        assert_eq!(message.lines_of("cache-control", false), [6, 8]);
        assert_eq!(message.lines_of("expires", true), [17]);
    }
    let message = raw("POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n{\"decoded\": true}");
    assert_eq!((known(&message.body), message.notes.len()), (&b"{\"decoded\": true}"[..], 1));
    for (rest, line) in
        [("5\nhel", 4), ("5\nhello\n", 6), ("5\nhello\nx\n", 6), ("2\nhello\n0\n\n", 4), ("1\na\n0\nno colon\n\n", 7)]
    {
        let bad = error(format!("POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n{rest}"));
        assert_eq!(bad.line, Some(line), "{rest:?} {bad}");
    }
}

#[test]
fn a_raw_message_is_read_as_the_engine_reads_it() {
    let bytes = file("every-kind.http");
    let (request, body) = Request::parse_http1(bytes, Scheme::Https).unwrap();
    let message = raw(bytes);
    assert_eq!(message.fields(), request.fields());
    assert_eq!(message.trailers(), request.trailers());
    assert_eq!(known(&message.body), body);
}

#[test]
fn responses_and_later_versions_are_read() {
    let response = raw("HTTP/2 200 \nx: 1\n\n");
    assert!(matches!(&response.start, Start::Response(response) if response.status() == 200));
    assert_eq!(response.kind(), "response");
    let request = raw("GET http://x/ HTTP/2\n\n");
    assert_eq!(request.scheme_from, "the request target");
    assert_eq!(request.notes.len(), 0);
    let open = raw("GET / HTTP/1.1\nHost: x");
    assert_eq!((open.notes.len(), open.layout.unwrap().closed), (1, false));
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    for (text, line, words) in [
        ("", None, "holds no message"),
        ("\n\n# only a comment\n", None, "holds no message"),
        ("hello\n", Some(1), "neither a request line nor a status line"),
        ("GET /\n", Some(1), "neither a request line"),
        ("GET / HTTP/9\n", Some(1), "no version of HTTP"),
        ("GET /a#b HTTP/1.1\n", Some(1), "fits none of the four forms"),
        ("G\u{e9}T / HTTP/1.1\n", Some(1), "method"),
        ("HTTP/1.1 20\n", Some(1), "no status line"),
        ("HTTP/1.1 099 x\n", Some(1), "no status line"),
        ("\n\nGET / HTTP/1.1\nHost: x\nno colon\n", Some(5), "no colon"),
        ("GET / HTTP/1.1\n folded\n", Some(2), "no field before it"),
        ("GET / HTTP/1.1\nHost : x\n", Some(2), "whitespace between"),
        ("GET / HTTP/1.1\nH\u{e9}: x\n", Some(2), "not a token"),
        ("GET / HTTP/1.1\nA: x\rB: y\n\n", Some(2), "control characters"),
        ("GET / HTTP/1.1\nA: x\0\n\n", Some(2), "control characters"),
    ] {
        let bad = error(text);
        assert_eq!(bad.line, line, "{text:?}: {bad}");
        assert!(bad.what.contains(words), "{text:?}: {bad}");
        assert!(bad.to_string().starts_with("m.http") && bad.advice.len() > 10, "{bad}");
    }
    let many = format!("GET / HTTP/1.1\n{}\n", "A: b\n".repeat(5000));
    assert_eq!(error(many).line, Some(4098));
    let bad = Input::from_reader("big", std::io::repeat(b'x')).unwrap_err();
    assert_eq!(bad.what, "is larger than 16 MiB");
    assert!(
        Input::open(Path::new("no/such/file")).unwrap_err().to_string().starts_with("no/such/file: can't be opened")
    );
}

#[test]
fn a_transcript_of_http1_has_both_sides() {
    let exchange = transcript(file("curl-http1.txt")).exchanges.remove(0);
    let (request, response) = (exchange.request.unwrap(), exchange.response.unwrap());
    assert_eq!((request.first_line_at, request.field_lines[0]), (5, 6));
    assert_eq!(request.request().unwrap().scheme(), Scheme::Http);
    assert_eq!(request.scheme_from, "curl connected without TLS");
    assert!(matches!(request.body, Body::Unknown(_)));
    assert_eq!(known(&response.body), br#"{"hello": "world"}"#);
    assert!(request.is_signed() && response.is_signed());
}

#[test]
fn a_transcript_of_http2_has_its_pseudo_fields() {
    for name in ["curl-http2.txt", "curl-http2-terminal.txt"] {
        let exchange = transcript(file(name)).exchanges.remove(0);
        let request = exchange.request.unwrap();
        assert_eq!(request.request().unwrap().scheme(), Scheme::Https, "{name}");
        assert_eq!(request.scheme_from, ":scheme", "{name}");
        assert!(request.authority_line.is_some(), "{name}");
        assert_eq!(known(&request.body), b"", "{name}");
        assert_eq!(known(&exchange.response.unwrap().body), br#"{"hello": "world"}"#, "{name}");
    }
    // What was sent is :authority; curl shows the Host that it was given.
    let other = String::from_utf8_lossy(file("curl-http2.txt")).replace("> Host: App.example", "> Host: inner");
    let request = transcript(other).exchanges.remove(0).request.unwrap();
    assert_eq!(request.fields().values("host").collect::<Vec<_>>(), [b"App.example"]);
    assert_eq!((request.fields().len(), request.field_lines.len(), request.notes.len()), (5, 5, 1));
}

#[test]
fn scheme_and_exchange_can_be_said() {
    let found = read(&input(file("curl-http1.txt")), Some(Scheme::Https)).unwrap();
    let choice = Choice { side: Some(Side::Request), ..Choice::default() };
    let subject = found.choose("m.http", choice, None).unwrap();
    assert_eq!(subject.message.request().unwrap().scheme(), Scheme::Https);

    let choose = |choice| Found::Transcript(transcript(file("curl-two-exchanges.txt"))).choose("m.http", choice, None);
    let first = choose(Choice { exchange: Some(1), ..Choice::default() }).unwrap();
    assert_eq!(first.message.first_line, "GET /foo HTTP/1.1");
    let last = choose(Choice::default()).unwrap();
    assert_eq!((last.message.first_line.as_str(), last.message.notes.len()), ("GET /bar HTTP/1.1", 1));
    let response = choose(Choice { side: Some(Side::Response), ..Choice::default() }).unwrap();
    assert_eq!(response.related.unwrap().first_line, "GET /bar HTTP/1.1");
    // Its content stands where curl's next words begin, on the same line.
    let first = choose(Choice { side: Some(Side::Response), exchange: Some(1), ..Choice::default() }).unwrap();
    assert_eq!(known(&first.message.body), br#"{"hello": "world"}"#);
    let bad = choose(Choice { exchange: Some(3), ..Choice::default() }).unwrap_err();
    assert_eq!(bad.what, "has 2 exchanges, no number 3");
}

#[test]
fn the_signed_message_is_chosen_or_asked_for() {
    let signed = Choice { signed: true, ..Choice::default() };
    let choose = |bytes: &[u8], choice| Found::Transcript(transcript(bytes)).choose("m.http", choice, None);
    let bad = choose(file("curl-http1.txt"), signed).unwrap_err();
    assert_eq!(
        (bad.what.as_str(), bad.advice.as_str()),
        ("has 2 messages with a signature", "Say which: --request-side or --response.")
    );
    let only_response = String::from_utf8_lossy(file("curl-http1.txt")).replace("> Signature", "> X-Signature");
    let chosen = choose(only_response.as_bytes(), signed).unwrap();
    assert_eq!(chosen.message.kind(), "response");
    let twice = [file("curl-http2.txt"), b"\n", file("curl-http2.txt")].concat();
    assert_eq!(choose(&twice, signed).unwrap_err().advice, "Say which: --exchange 1, 2.");
    let raw = read(&input("GET / HTTP/1.1\n\n"), None).unwrap();
    let bad = raw.choose("m.http", Choice { side: Some(Side::Response), ..Choice::default() }, None).unwrap_err();
    assert!(bad.what.contains("one request"), "{bad}");
}

#[test]
fn other_shapes_of_transcripts() {
    // An interim response, then the final one; a HEAD has no content.
    let text = "> HEAD / HTTP/1.1\n> Host: x\n>\n< HTTP/1.1 100 Continue\n<\n< HTTP/1.1 200 OK\n< Content-Length: 5\n<\n* done\n";
    let exchange = transcript(text).exchanges.remove(0);
    let response = exchange.response.unwrap();
    assert_eq!((response.first_line_at, known(&response.body)), (6, &b""[..]));
    // Content that looks like curl's marks: better not known than wrong.
    let text = "> GET / HTTP/1.1\n> Host: x\n>\n< HTTP/1.1 200 OK\n< Content-Length: 8\n<\n* a\n> b\n";
    assert!(matches!(transcript(text).exchanges[0].response.as_ref().unwrap().body, Body::Unknown(_)));
    let text = "> GET / HTTP/1.1\n> Host: x\n>\n< HTTP/1.1 200 OK\n< Content-Length: 8\n<\n> a\n< b\n";
    assert_eq!(known(&transcript(text).exchanges[0].response.as_ref().unwrap().body), b"> a\n< b\n");
    // A response without a request before it.
    let alone = transcript("< HTTP/1.1 204 No Content\n< X: 1\n<\n");
    assert!(alone.exchanges[0].request.is_none());
    // Without TLS, curl's counts tell of content that was sent.
    let text =
        "* Connected to x (::1) port 80\n> POST / HTTP/1.1\n> Host: x\n> \n} [5 bytes data]\n< HTTP/1.1 200 OK\n<\n";
    assert!(matches!(transcript(text).exchanges[0].request.as_ref().unwrap().body, Body::Unknown(_)));
    // With TLS they tell of records.
    let text = text.replace("80\n", "443\n* SSL connection using TLSv1.3\n");
    assert_eq!(known(&transcript(text).exchanges[0].request.as_ref().unwrap().body), b"");
    let bad = error("> GET / HTTP/1.1\n> Host: x\n> no colon\n>\n");
    assert_eq!(bad.line, Some(3));
}

/// Pieces that messages and transcripts are made of, in any order.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "GET / HTTP/1.1",
            "> GET /x HTTP/2",
            "< HTTP/2 200",
            "HTTP/1.1 200 OK",
            "\r\n",
            "\n",
            "> ",
            "< ",
            "* ",
            ":",
            "Host: x",
            "> Host: a",
            "Transfer-Encoding: chunked",
            "> Transfer-Encoding: chunked",
            "Content-Length: 3",
            "< Content-Length: 3",
            "\r\n\r\n",
            "5\r\nhello\r\n0\r\n",
            " fold",
            "* [HTTP/2] [1] [:authority: x]",
            "* h2h3 [:scheme: https]",
            "{ [3 bytes data]",
            "} [3 bytes data]",
            "\r100 1 1 1 1 1 1 1 --:--:-- --:--:-- --:--:-- 1",
            "abc* Connection #0",
            "\u{feff}",
            "\0",
            "Signature-Input: a=(\"@method\")",
            "Signature: a=:YQ==:",
            "99999999\r\n",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..8),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_input_makes_the_reader_panic(bytes in pieces(), signed in any::<bool>()) {
        if let Ok(found) = read(&input(&bytes), None) {
            let _ = found.counterpart(Some(1));
            if let Ok(subject) = found.choose("m.http", Choice { signed, ..Choice::default() }, None) {
                let count = subject.message.fields().len();
                prop_assert_eq!(subject.message.field_lines.len(), count);
            }
        }
    }

    #[test]
    fn a_damaged_file_makes_no_panic(at in any::<prop::sample::Index>(), with in any::<u8>(), which in 0..FILES.len()) {
        let mut bytes = FILES[which].1.to_vec();
        let at = at.index(bytes.len());
        bytes[at] = with;
        let _ = read(&input(&bytes), None);
        bytes.truncate(at);
        let _ = read(&input(&bytes), None);
    }
}
