//! Accept-Signature (RFC 9421 §5), asking and being asked.

use super::*;

fn parse(lines: &[&str]) -> Result<Vec<RequestedSignature>, Reason> {
    let mut response = Response::new(200).unwrap();
    lines.iter().for_each(|line| response.fields_mut().push("accept-signature", line).unwrap());
    let message = Message::Response { response: &response, request: None };
    RequestedSignature::parse(&message, &Limits::default()).map_err(|error| error.reason)
}

#[test]
fn the_example_is_fulfilled() {
    let asked = parse(&[concat!(
        r#"sig1=("@method" "@target-uri" "@authority" "content-digest" "cache-control");"#,
        r#"keyid="test-key-rsa-pss";created;tag="app-123""#,
    )])
    .unwrap();
    assert_eq!(
        asked[0].fulfil(7, None, Algorithm::RsaPssSha512).unwrap().to_string(),
        concat!(
            r#"("@method" "@target-uri" "@authority" "content-digest" "cache-control")"#,
            r#";keyid="test-key-rsa-pss";created=7;tag="app-123""#,
        ),
    );
    assert_eq!(parse(&[]), Ok(vec![]));
    assert_eq!(parse(&["a=()", "b=();expires"]).unwrap().len(), 2);
}

#[test]
fn what_cannot_be_fulfilled_is_refused() {
    for (line, reason) in [
        ("a=(", Reason::MalformedField),
        ("a=(), a=()", Reason::DuplicateLabel),
        ("a", Reason::NotAnInnerList),
        ("a=(b)", Reason::ComponentNotAString),
        ("a=();created=1", Reason::InvalidParameter),
        ("a=();keyid=k", Reason::InvalidParameter),
        ("a=();new", Reason::InvalidParameter),
    ] {
        assert_eq!(parse(&[line]), Err(reason), "{line}");
    }
    let fulfil = |line: &str, expires| {
        parse(&[line]).unwrap()[0].fulfil(1, expires, Algorithm::Ed25519).map_err(|error| error.reason)
    };
    assert_eq!(fulfil("a=();alg=\"rsa-pss-sha512\"", None), Err(Reason::AlgorithmMismatch));
    assert!(fulfil("a=();alg=\"ed25519\"", None).is_ok());
    assert_eq!(fulfil("a=();expires", None), Err(Reason::InvalidParameter));
    assert!(fulfil("a=();expires", Some(2)).is_ok());
    assert_eq!(fulfil("a=(\"x\" \"x\")", None), Err(Reason::DuplicateComponent));
}

#[test]
fn what_is_asked_for_is_read_as_it_was_written() {
    let example = concat!(
        r#"sig1=("@method" "@target-uri" "@authority" "content-digest" "cache-control");"#,
        r#"keyid="test-key-rsa-pss";created;tag="app-123""#,
    );
    let built = RequestedSignature::builder("sig1", Target::Request)
        .components(["@method", "@target-uri", "@authority", "content-digest", "cache-control"])
        .keyid("test-key-rsa-pss")
        .created()
        .tag("app-123")
        .build()
        .unwrap();
    assert_eq!(built.to_string(), example);
    let odd = RequestedSignature::builder("*a-b.c_1", Target::Request)
        .components([r#""x";key="\\\"";tr"#])
        .alg(Algorithm::RsaPssSha512)
        .expires()
        .nonce(r#"a"\b"#)
        .build()
        .unwrap();
    assert_eq!(parse(&[&built.to_string(), &odd.to_string()]), Ok(vec![built.clone(), odd.clone()]));
    assert_eq!(parse(&[&format!("{built}, {odd}")]), Ok(vec![built, odd]));
}

#[test]
fn only_what_the_target_has_is_asked_for() {
    let built = |target, id: &str| {
        let outcome = RequestedSignature::builder("a", target).component(id).build();
        outcome.map(|_| ()).map_err(|error| {
            assert!(error.component.is_some() || error.reason == Reason::Unserializable);
            error.reason
        })
    };
    for good in ["@method", "@query-param\";name=\"a\"", "date", "\"date\";tr;bs"] {
        let good = if good.contains(';') && !good.starts_with('"') { format!("\"{good}") } else { good.into() };
        assert_eq!(built(Target::Request, &good), Ok(()), "{good}");
    }
    for good in ["@status", "\"@method\";req", "\"date\";req", "date"] {
        assert_eq!(built(Target::Response, good), Ok(()), "{good}");
    }
    assert_eq!(built(Target::Request, "@status"), Err(Reason::WrongMessageKind));
    assert_eq!(built(Target::Request, "\"date\";req"), Err(Reason::ReqInRequest));
    assert_eq!(built(Target::Response, "@method"), Err(Reason::WrongMessageKind));
    assert_eq!(built(Target::Response, "@query"), Err(Reason::WrongMessageKind));
    assert_eq!(built(Target::Request, "@nope"), Err(Reason::UnknownComponent));
    assert_eq!(built(Target::Request, "\"x\";bs;sf"), Err(Reason::IncompatibleParameters));
    assert_eq!(built(Target::Request, "Date"), Err(Reason::NotLowercase));
    assert_eq!(built(Target::Request, "d\u{e4}te"), Err(Reason::Unserializable));
    // The receiver looks, too: this one asks for a signature of the client's next request.
    let fulfil = |line: &str| parse(&[line]).unwrap()[0].fulfil(1, None, Algorithm::Ed25519);
    let refused = fulfil("a=(\"date\" \"@status\")").unwrap_err();
    assert_eq!((refused.reason, refused.component.unwrap().as_str()), (Reason::WrongMessageKind, "\"@status\""));
    let mut request = Request::new("GET", "/", Scheme::Https).unwrap();
    request.fields_mut().push("Accept-Signature", "a=(\"@status\" \"@path\";req), b=(\"@path\")").unwrap();
    let asked = RequestedSignature::parse(&Message::Request(&request), &Limits::default()).unwrap();
    assert_eq!(asked[0].target(), Target::Response);
    assert!(asked[0].fulfil(1, None, Algorithm::Ed25519).is_ok());
    assert_eq!(asked[1].fulfil(1, None, Algorithm::Ed25519).unwrap_err().reason, Reason::WrongMessageKind);
}

#[test]
fn what_cannot_be_written_is_not_asked_for() {
    let start = |label| RequestedSignature::builder(label, Target::Request);
    assert_eq!(start("A").build().unwrap_err().reason, Reason::Unserializable);
    assert_eq!(start("").build().unwrap_err().reason, Reason::Unserializable);
    assert_eq!(start("a").tag("\u{e4}").build().unwrap_err().reason, Reason::Unserializable);
    assert_eq!(start("a").tag("a\nb").build().unwrap_err().reason, Reason::Unserializable);
    assert_eq!(start("a").created().created().build().unwrap_err().reason, Reason::InvalidParameter);
    assert_eq!(start("a").tag("a").tag("b").build().unwrap_err().reason, Reason::InvalidParameter);
    assert_eq!(start("a").components(["x", "x"]).build().unwrap_err().reason, Reason::DuplicateComponent);
}
