//! Captured requests of the client that Portals deployed in 2022 used.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::*;

#[test]
fn every_captured_request_verifies() {
    let (Some(requests), Some(key)) = (data("wire/portal-2022.json"), data("wire/public.pem")) else { return };
    let key = VerifyingKey::from_pem(&std::fs::read_to_string(key).unwrap()).unwrap();
    let captured: Value = serde_json::from_str(&std::fs::read_to_string(requests).unwrap()).unwrap();
    let policy = Policy {
        required: vec![Requirement::all(&["@method", "@authority", "@target-uri", "date"]).unwrap()],
        algorithms: vec![Algorithm::RsaPssSha512],
        require_created: true,
        ..Policy::default()
    };
    let requests = captured["requests"].as_array().unwrap();
    assert!(!requests.is_empty());
    for captured in requests {
        let name = captured["name"].as_str().unwrap();
        let bytes = STANDARD.decode(captured["request_b64"].as_str().unwrap()).unwrap();
        let scheme = if captured["scheme"] == "https" { Scheme::Https } else { Scheme::Http };
        let (request, body) = Request::parse_http1(&bytes, scheme).unwrap();
        let message = Message::Request(&request);
        let signatures = Signatures::parse(&message, &Limits::default()).unwrap();
        let label = signatures.labels().next().unwrap();
        let verified = verify(&message, label, &signatures, &key, &policy, 0)
            .unwrap_or_else(|rejection| panic!("{name}: {rejection}\n{:?}", rejection.base));
        assert_eq!(verified.input().keyid(), Some("abc123"));
        if verified.input().covers("content-digest") {
            crate::digest::ContentDigest::of(request.fields()).unwrap().unwrap().check(&body).unwrap();
        }
        // The same request under another method is refused: the check is a real one.
        let mut other = Request::new("PATCH", request.target(), scheme).unwrap();
        for (name, value) in request.fields().iter() {
            other.fields_mut().push(name, value).unwrap();
        }
        let rejection = verify(&Message::Request(&other), label, &signatures, &key, &policy, 0).unwrap_err();
        assert_eq!(rejection.step, Step::Crypto, "{name}");
    }
}
