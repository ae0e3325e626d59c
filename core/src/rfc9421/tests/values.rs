//! Values of derived components (RFC 9421 §2.2).

use super::*;

fn of(text: &str, id: &str) -> Result<String, Reason> {
    value(&Message::Request(&request(text)), id)
}

fn ok(text: &str) -> Result<String, Reason> {
    Ok(text.to_owned())
}

#[test]
fn examples_of_the_section() {
    let post = "POST /path?param=value HTTP/1.1\nHost: www.example.com\n\n";
    for (id, expected) in [
        ("@method", "POST"),
        ("@target-uri", "https://www.example.com/path?param=value"),
        ("@authority", "www.example.com"),
        ("@scheme", "https"),
        ("@request-target", "/path?param=value"),
        ("@path", "/path"),
        ("@query", "?param=value"),
    ] {
        assert_eq!(of(post, id), ok(expected), "{id}");
    }
    let query = |line: &str| of(&format!("GET {line} HTTP/1.1\nHost: h\n\n"), "@query");
    assert_eq!(query("/path?param=value&foo=bar&baz=bat%2Dman"), ok("?param=value&foo=bar&baz=bat%2Dman"));
    assert_eq!(query("/path?queryString"), ok("?queryString"));
    assert_eq!(query("/path"), ok("?"));
    assert_eq!(query("/path?"), ok("?"));
    assert_eq!(query("/path??a"), ok("??a"));
}

#[test]
fn the_scheme_is_that_of_the_connection() {
    let (plain, _) = Request::parse_http1(b"GET /x HTTP/1.1\r\nHost: H:80\r\n\r\n", Scheme::Http).unwrap();
    let message = Message::Request(&plain);
    assert_eq!(value(&message, "@scheme"), ok("http"));
    assert_eq!(value(&message, "@authority"), ok("h"));
    assert_eq!(value(&message, "@target-uri"), ok("http://h/x"));
}

#[test]
fn request_target_in_four_forms() {
    let of_target = |line: &str| of(&format!("{line} HTTP/1.1\nHost: www.example.com\n\n"), "@request-target");
    assert_eq!(of_target("GET /path?param=value"), ok("/path?param=value"));
    assert_eq!(
        of_target("GET https://www.example.com/path?param=value"),
        ok("https://www.example.com/path?param=value")
    );
    assert_eq!(of_target("CONNECT www.example.com:80"), ok("www.example.com:80"));
    assert_eq!(of_target("OPTIONS *"), ok("*"));
}

#[test]
fn authority_is_host_in_lower_case_without_default_port() {
    let authority = |host: &str| of(&format!("GET / HTTP/1.1\nHost: {host}\n\n"), "@authority");
    for (host, expected) in [
        ("WWW.Example.COM", "www.example.com"),
        ("a:443", "a"),
        ("a:80", "a:80"),
        ("a:8443", "a:8443"),
        ("a:0443", "a"),
        ("a:000443", "a"),
        ("a:08443", "a:08443"),
        ("a:", "a"),
        ("[2001:DB8::1]", "[2001:db8::1]"),
        ("[::1]:443", "[::1]"),
        ("[::1]:8080", "[::1]:8080"),
        ("  a\t", "a"),
    ] {
        assert_eq!(authority(host), ok(expected), "{host}");
    }
    for host in ["", "a b", "a@b", "a/b", "a:x", "a:1:2", "[::1", "a,b c"] {
        assert_eq!(authority(host), Err(Reason::AuthorityMalformed), "{host}");
    }
    assert_eq!(of("GET / HTTP/1.1\n\n", "@authority"), Err(Reason::AuthorityMissing));
    assert_eq!(of("GET / HTTP/1.1\n\n", "@target-uri"), Err(Reason::AuthorityMissing));
    assert_eq!(of("GET / HTTP/1.1\nHost: a\nhost: a\n\n", "@authority"), Err(Reason::AuthorityAmbiguous));
}

#[test]
fn an_absolute_target_wins_over_the_host_field() {
    let absolute = "GET HTTP://Other.Example:80/x?y HTTP/1.1\nHost: example.com\n\n";
    assert_eq!(of(absolute, "@authority"), ok("other.example"));
    assert_eq!(of(absolute, "@scheme"), ok("http"));
    assert_eq!(of(absolute, "@target-uri"), ok("http://other.example/x?y"));
    assert_eq!(of(absolute, "@path"), ok("/x"));
    assert_eq!(of(absolute, "@query"), ok("?y"));
    assert_eq!(of(absolute, "@request-target"), ok("HTTP://Other.Example:80/x?y"));
    let empty = "GET https://h?q HTTP/1.1\n\n";
    assert_eq!(of(empty, "@path"), ok("/"));
    assert_eq!(of(empty, "@target-uri"), ok("https://h/?q"));
}

#[test]
fn the_authority_of_http_2_takes_the_place_of_host() {
    let authority = |target: &str, authority: &str, hosts: &[&str]| {
        let method = if target.starts_with('/') { "GET" } else { "CONNECT" };
        let mut request = Request::new(method, target, Scheme::Https).unwrap().with_authority(authority).unwrap();
        hosts.iter().for_each(|host| request.fields_mut().push("host", host).unwrap());
        let message = Message::Request(&request);
        let uri = value(&message, "@target-uri");
        assert_eq!(value(&message, "@authority").is_ok(), uri.is_ok());
        if target.starts_with('/') && uri.is_ok() {
            assert_eq!(uri, ok(&format!("https://{}{target}", value(&message, "@authority").unwrap())));
        }
        value(&message, "@authority")
    };
    assert_eq!(authority("/", "WWW.Example.com:443", &[]), ok("www.example.com"));
    assert_eq!(authority("/", "[2001:DB8::1]:8443", &[]), ok("[2001:db8::1]:8443"));
    assert_eq!(authority("/a?b", "a", &["A:443"]), ok("a"));
    assert_eq!(authority("a:8443", "a:8443", &[]), ok("a:8443"));
    for hosts in [&["b"][..], &["a:80"], &["a", "b"], &[""], &["a b"]] {
        assert_eq!(authority("/", "a", hosts), Err(Reason::AuthorityAmbiguous), "{hosts:?}");
    }
    for bad in ["", "a b", "u@a", "a:x", "a/b", " a"] {
        let request = Request::new("GET", "/", Scheme::Https).unwrap();
        assert_eq!(request.with_authority(bad).unwrap_err(), MessageError::Authority, "{bad}");
    }
}

#[test]
fn connect_and_options_have_no_path() {
    let connect = "CONNECT Example.com:8443 HTTP/1.1\nHost: other\n\n";
    assert_eq!(of(connect, "@authority"), ok("example.com:8443"));
    assert_eq!(of(connect, "@target-uri"), ok("https://example.com:8443"));
    assert_eq!(of(connect, "@path"), ok("/"));
    assert_eq!(of(connect, "@query"), ok("?"));
    let options = "OPTIONS * HTTP/1.1\nHost: www.example.org:8001\n\n";
    // RFC 9112 §3.3 gives this very example.
    assert_eq!(of(options, "@target-uri"), ok("https://www.example.org:8001"));
    assert_eq!(of(options, "@path"), ok("/"));
}

#[test]
fn paths_and_queries_are_not_normalized_further() {
    let raw = "GET /a/../b//%2e%7Ec;d?x=%2f&y=+ HTTP/1.1\nHost: h\n\n";
    assert_eq!(of(raw, "@path"), ok("/a/../b//%2e%7Ec;d"));
    assert_eq!(of(raw, "@query"), ok("?x=%2f&y=+"));
    assert_eq!(of(raw, "@target-uri"), ok("https://h/a/../b//%2e%7Ec;d?x=%2f&y=+"));
}

#[test]
fn query_params_are_parsed_as_a_form_and_encoded_again() {
    let one = "GET /path?param=value&foo=bar&baz=batman&qux= HTTP/1.1\nHost: h\n\n";
    let param = |text: &str, name: &str| of(text, &format!("\"@query-param\";name=\"{name}\""));
    assert_eq!(param(one, "baz"), ok("batman"));
    assert_eq!(param(one, "qux"), ok(""));
    assert_eq!(param(one, "param"), ok("value"));
    assert_eq!(param(one, "Param"), Err(Reason::QueryParamMissing));
    assert_eq!(param(one, ""), Err(Reason::QueryParamMissing));
    assert_eq!(param("GET /path HTTP/1.1\nHost: h\n\n", "a"), Err(Reason::QueryParamMissing));
    let encoded = "GET /parameters?var=this%20is%20a%20big%0Amultiline%20value&\
                   bar=with+plus+whitespace&fa%C3%A7ade%22%3A%20=something HTTP/1.1\nHost: h\n\n";
    assert_eq!(param(encoded, "var"), ok("this%20is%20a%20big%0Amultiline%20value"));
    assert_eq!(param(encoded, "bar"), ok("with%20plus%20whitespace"));
    assert_eq!(param(encoded, "fa%C3%A7ade%22%3A%20"), ok("something"));
    // The identifier holds the encoded name, nothing else matches.
    assert_eq!(param(encoded, "fa%c3%a7ade%22%3a%20"), Err(Reason::QueryParamMissing));
}

#[test]
fn a_repeated_query_param_is_refused_also_where_it_is_spelt_differently() {
    for query in ["a=1&a=2", "a=1&%61=1", "b&a&a"] {
        let text = format!("GET /?{query} HTTP/1.1\nHost: h\n\n");
        assert_eq!(of(&text, "\"@query-param\";name=\"a\""), Err(Reason::QueryParamRepeated), "{query}");
    }
    let other = "GET /?a=1&b=1&b=2 HTTP/1.1\nHost: h\n\n";
    assert_eq!(of(other, "\"@query-param\";name=\"a\""), ok("1"));
}

#[test]
fn method_case_is_kept() {
    assert_eq!(of("get / HTTP/1.1\nHost: h\n\n", "@method"), ok("get"));
}

#[test]
fn a_request_has_no_status_and_no_related_request() {
    let text = "GET / HTTP/1.1\nHost: h\nDate: x\n\n";
    assert_eq!(of(text, "@status"), Err(Reason::WrongMessageKind));
    assert_eq!(of(text, "\"@method\";req"), Err(Reason::ReqInRequest));
    assert_eq!(of(text, "\"date\";req"), Err(Reason::ReqInRequest));
}
