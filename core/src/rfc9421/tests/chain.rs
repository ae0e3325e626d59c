//! Messages on their way through a proxy: the examples of RFC 9421 §4.3 and B.3, hop by hop.

use super::*;

const CLIENT: &str = r#"("@method" "@authority" "@path" "content-digest" "content-type" "content-length");created=1618884475;keyid="test-key-ecc-p256""#;
const PROXY: &str = r#"("@method" "@authority" "@path" "content-digest" "content-type" "content-length" "forwarded");created=1618884480;keyid="test-key-rsa";alg="rsa-v1_5-sha256";expires=1618884540"#;
const TTRP: &str =
    r#"("@path" "@query" "@method" "@authority" "client-cert");created=1618884473;keyid="test-key-ecc-p256""#;

/// The same request with other lines for some of the fields; `None` takes them away.
fn forwarded(request: &Request, changes: &[(&str, Option<&str>)]) -> Request {
    let mut other = Request::new(request.method(), request.target(), request.scheme()).unwrap();
    for (name, value) in request.fields().iter() {
        if !changes.iter().any(|(changed, _)| changed.eq_ignore_ascii_case(name)) {
            other.fields_mut().push(name, value).unwrap();
        }
    }
    for (name, value) in changes {
        value.iter().for_each(|value| other.fields_mut().push(name, value).unwrap());
    }
    other
}

fn judge(request: &Request, label: &str, key: &VerifyingKey, policy: &Policy, now: u64) -> Result<Verified, Rejection> {
    let message = Message::Request(request);
    verify(&message, label, &Signatures::parse(&message, &Limits::default())?, key, policy, now)
}

#[test]
fn a_proxy_checks_the_client_and_signs_for_the_origin() {
    let client = SigningKey::from_pem(keys::P256_PRIVATE).unwrap();
    let proxy = SigningKey::from_pem(keys::RSA_PRIVATE).unwrap().with_algorithm(Algorithm::RsaV1_5Sha256).unwrap();
    let mut sent = request(
        "POST /foo?param=Value&Pet=dog HTTP/1.1\nHost: example.com\nDate: Tue, 20 Apr 2021 02:07:55 GMT\nContent-Type: application/json\nContent-Length: 18\nContent-Digest: sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:\n\n{\"hello\": \"world\"}",
    );
    let signed = sign(&Message::Request(&sent), "sig1", &CLIENT.parse().unwrap(), &client).unwrap();
    signed.attach(sent.fields_mut()).unwrap();

    // The proxy: a check of the client's signature, another host, its own statement about it, and its own signature.
    let required =
        Policy { required: vec![Requirement::all(&["@method", "@authority"]).unwrap()], ..Policy::default() };
    judge(&sent, "sig1", &client.verifying_key(), &required, 1_618_884_476).unwrap();
    let mut passed_on = forwarded(
        &sent,
        &[
            ("Host", Some("origin.host.internal.example")),
            ("Forwarded", Some("for=192.0.2.123;host=example.com;proto=https")),
        ],
    );
    let taken = sign(&Message::Request(&passed_on), "sig1", &PROXY.parse().unwrap(), &proxy).unwrap_err();
    assert_eq!(taken, SignError::LabelTaken);
    let signed = sign(&Message::Request(&passed_on), "proxy_sig", &PROXY.parse().unwrap(), &proxy).unwrap();
    signed.attach(passed_on.fields_mut()).unwrap();
    // RSA-v1_5 gives the signature of the text.
    assert!(signed.signature_value.starts_with("proxy_sig=:S6ZzPXSdAMOPjN/6KXfXWNO/f7V6cHm7BXYUh3YD/"));

    // The origin: the proxy's signature holds, the client's is over another authority.
    let policy = Policy { required: vec![Requirement::all(&["@authority", "forwarded"]).unwrap()], ..required };
    let verified = judge(&passed_on, "proxy_sig", &proxy.verifying_key(), &policy, 1_618_884_540).unwrap();
    assert_eq!(verified.base(), &signed.base);
    let late = judge(&passed_on, "proxy_sig", &proxy.verifying_key(), &policy, 1_618_884_541).unwrap_err();
    assert_eq!((late.step, late.reason), (Step::Time, Reason::Expired));
    let original = judge(&passed_on, "sig1", &client.verifying_key(), &Policy::default(), 1_618_884_481).unwrap_err();
    assert_eq!(original.step, Step::Crypto);
    assert_eq!(original.base.unwrap().lines().nth(1), Some("\"@authority\": origin.host.internal.example"));
    // Told of the authority that the client used, as §4.3 has it, the origin can check that one, too.
    let as_sent = forwarded(&passed_on, &[("Host", Some("example.com"))]);
    judge(&as_sent, "sig1", &client.verifying_key(), &Policy::default(), 1_618_884_481).unwrap();
    // The client's signature doesn't pass for the proxy's.
    let relabelled = judge(&passed_on, "sig1", &proxy.verifying_key(), &policy, 1_618_884_481).unwrap_err();
    assert_eq!((relabelled.step, relabelled.reason), (Step::Policy, Reason::MissingComponent));
    // What the proxy says of the client can't be changed or taken away.
    for value in [Some("for=192.0.2.66;host=example.com;proto=https"), None] {
        let forged = forwarded(&passed_on, &[("Forwarded", value)]);
        let refused = judge(&forged, "proxy_sig", &proxy.verifying_key(), &policy, 1_618_884_481).unwrap_err();
        assert_eq!(refused.step, if value.is_some() { Step::Crypto } else { Step::Base });
    }
}

#[test]
fn a_proxy_that_ends_tls_vouches_for_the_certificate() {
    let proxy = SigningKey::from_pem(keys::P256_PRIVATE).unwrap();
    // What the client sends is unsigned; a Client-Cert of its own is taken away (RFC 9440 §4).
    let sent = request("POST /foo?param=Value&Pet=dog HTTP/1.1\nHost: example.com\nClient-Cert: :AAAA:\n\n");
    let host = ("Host", Some("service.internal.example"));
    let mut passed_on = forwarded(&sent, &[host, ("Client-Cert", Some(":MIIBqDCCAU6gAwIBAgIB:"))]);
    let signed = sign(&Message::Request(&passed_on), "ttrp", &TTRP.parse().unwrap(), &proxy).unwrap();
    signed.attach(passed_on.fields_mut()).unwrap();
    assert_eq!(signed.base.lines().nth(4), Some("\"client-cert\": :MIIBqDCCAU6gAwIBAgIB:"));

    let policy = Policy {
        required: vec![Requirement::all(&["@method", "@authority", "@path", "@query", "client-cert"]).unwrap()],
        max_age: Some(60),
        ..Policy::default()
    };
    let outcome = |request: &Request| {
        let outcome = judge(request, "ttrp", &proxy.verifying_key(), &policy, 1_618_884_480);
        outcome.map(|_| ()).map_err(|refused| (refused.step, refused.reason))
    };
    assert_eq!(outcome(&passed_on), Ok(()));
    // Past the proxy: nothing signed, another certificate, a second one, none; another service; another request.
    let around = forwarded(&sent, &[host]);
    assert_eq!(outcome(&around), Err((Step::Select, Reason::NoSuchLabel)));
    let broken = Err((Step::Crypto, Reason::SignatureInvalid));
    assert_eq!(outcome(&forwarded(&passed_on, &[("Client-Cert", Some(":AAAA:"))])), broken);
    let mut second = passed_on.clone();
    second.fields_mut().push("client-cert", ":AAAA:").unwrap();
    assert_eq!(outcome(&second), broken);
    let none = outcome(&forwarded(&passed_on, &[("Client-Cert", None)]));
    assert_eq!(none, Err((Step::Base, Reason::FieldMissing)));
    assert_eq!(outcome(&forwarded(&passed_on, &[("Host", Some("other.internal.example"))])), broken);
    let mut elsewhere = Request::new("POST", "/foo?param=Value&Pet=cat", Scheme::Https).unwrap();
    *elsewhere.fields_mut() = passed_on.fields().clone();
    assert_eq!(outcome(&elsewhere), broken);
}
