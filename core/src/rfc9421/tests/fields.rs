//! Values of fields (RFC 9421 §2.1).

use super::*;

fn ok(text: &str) -> Result<String, Reason> {
    Ok(text.to_owned())
}

const FRAGMENT: &str = "GET / HTTP/1.1
Host: www.example.com
Date: Tue, 20 Apr 2021 02:07:56 GMT
X-OWS-Header:   Leading and trailing whitespace.\x20\x20
X-Obs-Fold-Header: Obsolete
    line folding.
Cache-Control: max-age=60
Cache-Control:    must-revalidate
Example-Dict:  a=1,    b=2;x=1;y=2,   c=(a   b   c)
X-Empty-Header: \n\n";

#[test]
fn plain_fields_of_the_section() {
    let request = request(FRAGMENT);
    let message = Message::Request(&request);
    for (id, expected) in [
        ("host", "www.example.com"),
        ("date", "Tue, 20 Apr 2021 02:07:56 GMT"),
        ("x-ows-header", "Leading and trailing whitespace."),
        ("x-obs-fold-header", "Obsolete line folding."),
        ("cache-control", "max-age=60, must-revalidate"),
        ("example-dict", "a=1,    b=2;x=1;y=2,   c=(a   b   c)"),
        ("x-empty-header", ""),
        ("\"example-dict\";sf", "a=1, b=2;x=1;y=2, c=(a b c)"),
    ] {
        assert_eq!(value(&message, id), ok(expected), "{id}");
    }
    assert_eq!(value(&message, "x-missing"), Err(Reason::FieldMissing));
}

#[test]
fn empty_lines_keep_their_place() {
    let mut request = request("GET / HTTP/1.1\n\n");
    for text in ["", "a", "  ", "\tb\t"] {
        request.fields_mut().push("X-Some", text).unwrap();
    }
    assert_eq!(value(&Message::Request(&request), "x-some"), ok(", a, , b"));
}

#[test]
fn folding_becomes_one_space() {
    let mut request = request("GET / HTTP/1.1\n\n");
    for (name, text, expected) in [
        ("a", "one \t\r\n \t two", "one two"),
        ("b", "\r\n one", "one"),
        ("c", "one\r\n ", "one"),
        ("d", "one\r\n two\r\n\tthree", "one two three"),
        ("e", "in\tside", "in\tside"),
    ] {
        request.fields_mut().push(name, text).unwrap();
        assert_eq!(value(&Message::Request(&request), name), ok(expected), "{name}");
    }
}

#[test]
fn a_value_outside_ascii_needs_bs() {
    for bytes in [&b"caf\xe9"[..], b"\xc3\xa9", b"a\x01b", b"\x7f"] {
        let mut request = request("GET / HTTP/1.1\n\n");
        request.fields_mut().push("X", bytes).unwrap();
        let message = Message::Request(&request);
        assert_eq!(value(&message, "x"), Err(Reason::FieldNotAscii), "{bytes:?}");
        assert!(value(&message, "\"x\";bs").unwrap().is_ascii());
    }
}

#[test]
fn members_of_the_section() {
    let text = "GET / HTTP/1.1\nExample-Dict:  a=1, b=2;x=1;y=2, c=(a   b    c), d\n\n";
    let request = request(text);
    let message = Message::Request(&request);
    for (key, expected) in [("a", "1"), ("d", "?1"), ("b", "2;x=1;y=2"), ("c", "(a b c)")] {
        assert_eq!(value(&message, &format!("\"example-dict\";key=\"{key}\"")), ok(expected));
        assert_eq!(value(&message, &format!("\"example-dict\";sf;key=\"{key}\"")), ok(expected));
    }
    assert_eq!(value(&message, "\"example-dict\";key=\"e\""), Err(Reason::MemberMissing));
}

#[test]
fn lines_of_a_structured_field_are_one_value() {
    let text = "GET / HTTP/1.1\nExample-Dict: a=1, b=2\nExample-Dict:   a=3;x ,c\nPriority: u=1\nAccept-CH: a,b\nAccept-CH: (c  d);e\n\n";
    let request = request(text);
    let message = Message::Request(&request);
    // RFC 9651 §4.2.2: a later member of a key replaces the value and keeps the place.
    assert_eq!(value(&message, "\"example-dict\";sf"), ok("a=3;x, b=2, c"));
    assert_eq!(value(&message, "\"example-dict\";key=\"a\""), ok("3;x"));
    assert_eq!(value(&message, "\"priority\";sf"), ok("u=1"));
    assert_eq!(value(&message, "\"accept-ch\";sf"), ok("a, b, (c d);e"));
}

#[test]
fn sf_needs_a_known_type_and_a_value_of_it() {
    let text = "GET / HTTP/1.1\nX-Own: a=1\nContent-Digest: :::\nExample-Dict: a=, b\nSec-GPC: ?1;a\nClient-Cert: :AA==:\nClient-Cert: :AA==:\n\n";
    let request = request(text);
    let message = Message::Request(&request);
    assert_eq!(value(&message, "\"x-own\";sf"), Err(Reason::UnknownFieldType));
    assert_eq!(value(&message, "\"content-digest\";sf"), Err(Reason::MalformedField));
    assert_eq!(value(&message, "\"example-dict\";key=\"b\""), Err(Reason::MalformedField));
    assert_eq!(value(&message, "\"sec-gpc\";sf"), ok("?1;a"));
    assert_eq!(value(&message, "\"sec-gpc\";key=\"a\""), Err(Reason::NotADictionary));
    // Two lines of an Item are no Item.
    assert_eq!(value(&message, "\"client-cert\";sf"), Err(Reason::MalformedField));
    // `key` says itself that the field is a Dictionary.
    assert_eq!(value(&message, "\"x-own\";key=\"a\""), ok("1"));
    assert_eq!(value(&message, "\"x-none\";sf"), Err(Reason::FieldMissing));
    assert_eq!(value(&message, "\"x-none\";key=\"a\""), Err(Reason::FieldMissing));
    assert_eq!(value(&message, "\"x-none\";bs"), Err(Reason::FieldMissing));
}

#[test]
fn bs_tells_lines_apart() {
    let two = request("GET / HTTP/1.1\nExample-Header: value, with, lots\nExample-Header:  of, commas \n\n");
    let one = request("GET / HTTP/1.1\nExample-Header: value, with, lots, of, commas\n\n");
    let of = |request: &Request, id: &str| value(&Message::Request(request), id);
    assert_eq!(of(&two, "example-header"), of(&one, "example-header"));
    assert_eq!(of(&two, "\"example-header\";bs"), ok(":dmFsdWUsIHdpdGgsIGxvdHM=:, :b2YsIGNvbW1hcw==:"));
    assert_eq!(of(&one, "\"example-header\";bs"), ok(":dmFsdWUsIHdpdGgsIGxvdHMsIG9mLCBjb21tYXM=:"));
    let empty = request("GET / HTTP/1.1\nX:\n\n");
    assert_eq!(of(&empty, "\"x\";bs"), ok("::"));
}

#[test]
fn trailers_are_not_headers() {
    let text = "POST / HTTP/1.1\nTransfer-Encoding: chunked\nTrailer: Expires\nX: head\n\n4\nHTTP\n0\nExpires: soon\nX: tail\n\n";
    let request = request(text);
    let message = Message::Request(&request);
    assert_eq!(value(&message, "trailer"), ok("Expires"));
    assert_eq!(value(&message, "\"expires\";tr"), ok("soon"));
    assert_eq!(value(&message, "expires"), Err(Reason::FieldMissing));
    assert_eq!(value(&message, "\"trailer\";tr"), Err(Reason::FieldMissing));
    assert_eq!(value(&message, "x"), ok("head"));
    assert_eq!(value(&message, "\"x\";tr"), ok("tail"));
    assert_eq!(value(&message, "\"x\";bs;tr"), ok(":dGFpbA==:"));
}

#[test]
fn a_base_is_made_in_one_allocation() {
    let request = request(FRAGMENT);
    let input = SignatureInput::builder()
        .components([
            "@method",
            "@target-uri",
            "@authority",
            "cache-control",
            "x-obs-fold-header",
            "\"example-dict\";sf",
        ])
        .components(["\"date\";bs", "x-empty-header"])
        .build()
        .unwrap();
    let types = FieldTypes::default().with("example-dict", FieldType::Dictionary);
    let base = SignatureBase::build(&Message::Request(&request), &input, &types).unwrap();
    assert!(
        base.capacity() >= base.as_str().len()
            && base.capacity() == SignatureBase::room(&Message::Request(&request), &input)
    );
}
