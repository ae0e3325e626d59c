use super::*;

const PARAMS: &str = r#"("@method" "@authority" "@path" "@query" "x-a");created=1;keyid="abcdef""#;

fn base(lines: &[(&str, &str)]) -> String {
    let lines: Vec<String> = lines.iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
    lines.join("\n")
}

/// One line differs, after one that does not and before the parameters.
#[track_caller]
fn assert_guess(name: &str, made: &str, rebuilt: &str, guess: &str) {
    let around = |value| base(&[("@method", "GET"), (name, value), ("@signature-params", PARAMS)]);
    for (made, rebuilt) in [(made, rebuilt), (rebuilt, made)] {
        let bases = Bases::compare(around(made), around(rebuilt));
        assert_eq!(bases.line, Some(2));
        assert!(bases.guess.as_deref().unwrap().contains(guess), "{made} and {rebuilt}: {:?}", bases.guess);
        assert_eq!(bases.component(), Some(format!("\"{name}\"").as_str()));
    }
}

#[test]
fn same_bases_do_not_diverge() {
    let bases = Bases::compare("a".into(), "a".into());
    assert_eq!((bases.line, bases.guess), (None, None));
}

#[test]
fn ports_and_hosts() {
    assert_guess("@authority", "a.example", "a.example:443", "default port is kept");
    assert_guess("@authority", "a.example", "A.example", "not in lower case");
    assert_guess("@authority", "a.example:8443", "a.example", "a port that is not the default is dropped");
    assert_guess("@authority", "a.example:8443", "a.example:9", "another port");
    assert_guess("@authority", "a.example", "a.example.", "dot at the end");
    assert_guess("@authority", "a.example", "127.0.0.1:80", "another host");
}

#[test]
fn paths() {
    assert_guess("@path", "/a", "/a/", "slash at the end");
    assert_guess("@path", "/", "", "empty path");
    assert_guess("@path", "/a%20b", "/a b", "encoded anew");
    assert_guess("@path", "/a%2Fb", "/a%2fb", "percent-encoding has another case");
    assert_guess("@path", "/A", "/a", "the path has another case");
    assert_guess("@path", "/a//b/../c", "/a/c", "normalised");
    assert_guess("@path", "/app/a", "/a", "a prefix of the path");
    assert_guess("@path", "/x", "/y", "another path");
}

#[test]
fn queries() {
    assert_guess("@query", "?a=1", "?", "dropped");
    assert_guess("@query", "?a=1", "a=1", "begins with `?`");
    assert_guess("@query", "?", "", "begins with `?`");
    assert_guess("@query", "?a=%20", "?a=+", "encoded anew");
    assert_guess("@query", "?a=1&b=2", "?b=2&a=1", "another order");
    assert_guess("@query", "?a=1", "?a=2", "another query");
}

#[test]
fn target_uris_are_taken_apart() {
    assert_guess("@target-uri", "https://a.example/x", "http://a.example/x", "the scheme");
    assert_guess("@target-uri", "https://a.example/x", "https://a.example:443/x", "default port is kept");
    assert_guess("@target-uri", "https://a.example/x?q", "https://a.example/x", "the query is dropped");
    assert_guess("@target-uri", "https://a.example/x?", "https://a.example/x", "nothing after it");
    assert_guess("@target-uri", "https://a.example/x", "https://a.example/x/", "slash at the end");
}

#[test]
fn methods() {
    assert_guess("@method", "get", "GET", "case-sensitive");
    assert_guess("@method", "POST", "GET", "another method");
}

#[test]
fn fields() {
    assert_guess("x-a", "a, b", "a,b", "joined with a comma and one space");
    assert_guess("x-a", "a b", "a   b", "folded");
    assert_guess("x-a", "a", " a", "not trimmed");
    assert_guess("x-a", "a, b", "a", "more lines");
    assert_guess("x-a", "A", "a", "another case");
    assert_guess("x-a", "a", "", "missing, or empty");
    assert_guess("x-a", "a", "b", "another value");
}

#[test]
fn signature_parameters() {
    let assert = |made: &str, rebuilt: &str, guess: &str| assert_guess("@signature-params", made, rebuilt, guess);
    assert(r#"("a");created=1;keyid="k""#, r#"("a");keyid="k";created=1"#, "the parameters stand in another order");
    assert(r#"("a" "b");created=1"#, r#"("b" "a");created=1"#, "the components stand in another order");
    assert(r#"("a" "b");created=1"#, r#"("a");created=1"#, "covered components differs");
    assert(r#"("a");created=1;x=1"#, r#"("a");created=1"#, "those that are not known have to stay");
    assert(r#"("a");alg="ed25519""#, r#"("a");alg=ed25519"#, "a string on one side");
    assert(r#"("a");created=1"#, r#"("a");created=2"#, "a parameter has another value");
}

#[test]
fn components_and_line_ends() {
    let guess = |made: &str, rebuilt: &str| Bases::compare(made.into(), rebuilt.into()).guess.unwrap();
    assert!(guess("\"a\": 1\n\"b\": 2", "\"b\": 2\n\"a\": 1").contains("components stand in another order"));
    assert!(guess("\"a\": 1\n\"b\": 2", "\"b\": 2").contains("missing from the base that was rebuilt"));
    assert!(guess("\"b\": 2", "\"a\": 1\n\"b\": 2").contains("missing from the base that was signed"));
    assert!(guess("\"a\": 1", "\"A\": 1").contains("not in lower case"));
    assert!(guess("\"a\";bs;req: 1", "\"a\";req;bs: 1").contains("component's parameters"));
    assert!(guess("\"a\": 1\n\"b\": 2", "\"a\": 1\r\n\"b\": 2").contains("CR LF"));
    assert!(guess("\"a\": 1", "\"a\": 1\n").contains("does not end in a line end"));
}
