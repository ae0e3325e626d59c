use super::*;

const MESSAGE: &str = "GET /a%2fb/?q=%20 HTTP/1.1\r\nHost: Example.com:443\r\nX: b\r\nX: a\r\nY:  one  two \r\n\
    Fold: a\r\n  b\r\nEmpty:\r\nE: a\r\nE:\r\nD: a=1, b=2, a=3\r\n\r\n";

fn source() -> Source {
    Source::new(Parsed::of(MESSAGE.as_bytes()), None)
}

fn base(identifier: &str, value: &str) -> String {
    format!("\"@method\": GET\n{identifier}: {value}\n\"@signature-params\": (\"@method\" {identifier});created=1")
}

#[track_caller]
fn assert_guess(identifier: &str, wanted: &str, made: &str, guess: &str) {
    let bases = compare(&source(), base(identifier, wanted).as_bytes(), base(identifier, made).as_bytes());
    assert_eq!(bases.line, Some(2));
    let said = bases.guess.unwrap_or_default();
    assert!(said.contains(guess), "{wanted:?} and {made:?}: {said}");
}

#[test]
fn authorities() {
    assert_guess("\"@authority\"", "example.com", "Example.com", "not put in lower case");
    assert_guess("\"@authority\"", "example.com", "Example.com:443", "default port is kept");
    assert_guess("\"@authority\"", "example.com:8080", "example.com", "not the default one is dropped");
    assert_guess("\"@authority\"", "[::1]", "::1", "brackets");
    assert_guess("\"@authority\"", "example.com", "", "left empty");
    assert_guess("\"@authority\"", "example.com", "u@example.com", "userinfo");
    // Nothing of it: then what differs is said.
    assert_guess("\"@authority\"", "example.com", "example.org", "another host");
}

#[test]
fn targets() {
    assert_guess("\"@path\"", "/", "", "written as `/`");
    assert_guess("\"@path\"", "/a", "/a?b", "query is taken along");
    assert_guess("\"@path\"", "/a%2fb", "/a%2Fb", "case of percent-encoding");
    assert_guess("\"@path\"", "/a%2fb", "/a/b", "decoded or encoded anew");
    assert_guess("\"@path\"", "/a/../b", "/b", "normalised");
    assert_guess("\"@query\"", "?", "", "it is `?`");
    assert_guess("\"@query\"", "?a", "a", "leading `?`");
    assert_guess("\"@query\"", "?q=%20", "?q=+", "encoded anew");
    assert_guess("\"@query-param\";name=\"q\"", "a%20b", "a+b", "as `+`");
    assert_guess("\"@query-param\";name=\"q\"", "a%20b", "a b", "not encoded again");
    assert_guess("\"@target-uri\"", "https://example.com/a", "/a", "scheme and authority are missing");
    assert_guess("\"@target-uri\"", "https://example.com/", "https://example.com", "written as `/`");
    assert_guess("\"@target-uri\"", "https://example.com/", "https://example.com:443/", "default port is kept");
    assert_guess("\"@target-uri\"", "https://a.example/", "https://a.examplehttps://a.example/", "once more");
    assert_guess("\"@target-uri\"", "http://a.example:81", "http://a.example:81*", "asterisk");
    assert_guess("\"@path\"", "/b", "http://a/b", "not taken out");
    assert_guess("\"@request-target\"", "http://a/b", "/b", "absolute form");
    assert_guess("\"@request-target\"", "/b?", "/b", "nothing after it");
    assert_guess("\"@method\"", "get", "GET", "case of the method");
}

#[test]
fn fields() {
    assert_guess("\"x\"", "b, a", "a, b", "another order");
    assert_guess("\"x\"", "b, a", "b,a", "comma alone");
    assert_guess("\"x\"", "b, a", "b", "only the first line");
    assert_guess("\"x\"", "b, a", "a", "only the last line");
    assert_guess("\"y\"", "one  two", "one  two ", "around the value is kept");
    assert_guess("\"y\"", "one  two", "one two", "inside the value");
    assert_guess("\"fold\"", "a b", "a   b", "unfolded otherwise");
    assert_guess("\"fold\"", "a b", "a\r  b", "not unfolded");
    assert_guess("\"e\"", "a, ", "a,", "is dropped");
    assert_guess("\"e\"", "a, ", "a", "empty lines");
    assert_guess("\"x\"", "b, a", "", "left empty");
    assert_guess("\"x\"", "b, a", "B, A", "case of the value");
    assert_guess("\"x\";bs", ":Yg==:, :YQ==:", "b, a", "`bs` is not heeded");
    assert_guess("\"x\";bs", ":Yg==:, :YQ==:", ":YiwgYQ==:", "joined before");
    assert_guess("\"d\";key=\"a\"", "3", "1", "the last one counts");
    assert_guess("\"d\";key=\"a\"", "3", "a=1, b=2, a=3", "`key` is not heeded");
    assert_guess("\"d\";sf", "a=3, b=2", "a=1, b=2, a=3", "`sf` is not heeded");
    assert_guess("\"x\";tr", "t", "", "`req` or `tr`");
}

#[test]
fn parameters() {
    let wanted = "\"@signature-params\": ();created=1;keyid=\"k\"";
    let guess = |made: &str| compare(&source(), wanted.as_bytes(), made.as_bytes()).guess.unwrap();
    assert!(guess("\"@signature-params\": ();keyid=\"k\";created=1").contains("another order"));
    assert!(guess("\"@signature-params\": ();created=1").contains("left out"));
    assert!(guess("\"@signature-params\": (); created=1;keyid=\"k\"").contains("whitespace"));
    assert!(guess("\"@signature-params\": ();created=1;keyid=\"k\";alg=\"x\"").contains("added"));
    assert!(guess("\"@signature-params\": ();created=1;keyid=k").contains("type of a parameter"));
    assert!(guess("\"@signature-params\": ();created=1;keyid=\"k\"\n").contains("line end"));
    assert!(guess("").contains("empty"));
}

#[test]
fn identifiers_and_lines() {
    let wanted = "\"x\";key=\"a\";req: 1\n\"@signature-params\": (\"x\";key=\"a\";req)";
    let guess = |from: &str, to: &str| {
        compare(&source(), wanted.as_bytes(), wanted.replacen(from, to, 1).as_bytes()).guess.unwrap()
    };
    assert!(guess("\"x\"", "\"X\"").contains("lower case"));
    assert!(guess(";key=\"a\";req:", ":").contains("left out of its identifier"));
    assert!(guess(";key=\"a\";req:", ";req;key=\"a\":").contains("another order"));
    assert!(guess("\"x\";key=\"a\";req: 1\n", "").contains("another order, or one is left out"));
    assert!(guess("\n\"@signature-params\": (\"x\";key=\"a\";req)", "").contains("`@signature-params`, is missing"));
}

#[test]
fn what_is_not_there() {
    let guess = |line: &str| careless(&source(), line.as_bytes()).unwrap_or_default();
    assert!(guess("\"absent\": ").contains("a field that the message does not have"));
    assert!(guess("\"absent\";key=\"a\": ").contains("a member"));
    assert!(guess("\"x\";tr: b, a").contains("another one"));
    assert!(guess("\"@status\": ").contains("derived component"));
    assert!(guess("\"X\": b, a").contains("lower case"));
    assert!(guess("\"x\": b, a\n\"x\": b, a").contains("twice"));
    assert!(guess("\"x\": \u{e4}").contains("no visible ASCII"));
    assert_eq!(careless(&source(), b"\"empty\": \n\"x\": b, a"), None);
}

#[test]
fn what_can_t_be_seen_is_escaped() {
    let bases = compare(&source(), b"\"x\": \xe4\tb", b"\"x\": \xc3\xa4\tb\r");
    assert_eq!(bases.made, "\"x\": \\xE4\\tb");
    assert_eq!(bases.rebuilt, "\"x\": \\xC3\\xA4\\tb\\r");
    assert_eq!(bases.line, Some(1));
}

#[test]
fn a_host_beside_a_target_that_has_one() {
    let message = b"GET http://b.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n";
    let source = Source::new(Parsed::of(message), None);
    let guess = compare(&source, b"\"@authority\": b.example", b"\"@authority\": a.example").guess.unwrap();
    assert!(guess.contains("Host is taken"), "{guess}");
}
