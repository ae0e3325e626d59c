//! Responses, with and without the request that they answer (RFC 9421 §2.4).

use super::*;

const REQUEST: &str = "POST /foo?a=b HTTP/1.1\nHost: Example.com\nDate: then\n\n";
const RESPONSE: &str = "HTTP/1.1 503 Service Unavailable\nDate: now\n\n";

#[test]
fn components_come_from_the_message_that_they_name() {
    let (request, response) = (request(REQUEST), response(RESPONSE));
    let message = Message::Response { response: &response, request: Some(&request) };
    for (id, expected) in [
        ("@status", "503"),
        ("date", "now"),
        ("\"date\";req", "then"),
        ("\"@method\";req", "POST"),
        ("\"@authority\";req", "example.com"),
        ("\"@query-param\";name=\"a\";req", "b"),
        ("\"date\";bs;req", ":dGhlbg==:"),
    ] {
        assert_eq!(value(&message, id).as_deref(), Ok(expected), "{id}");
    }
    for id in ["@method", "@authority", "@path", "@query", "@target-uri", "@scheme", "@request-target"] {
        assert_eq!(value(&message, id), Err(Reason::WrongMessageKind), "{id}");
    }
    assert_eq!(value(&message, "\"x\";req"), Err(Reason::FieldMissing));
    assert_eq!(value(&message, "\"@status\";req"), Err(Reason::ParameterNotApplicable));
    assert_eq!(value(&message, "\"date\";req;tr"), Err(Reason::FieldMissing));
}

#[test]
fn without_the_request_its_components_have_no_value() {
    let response = response(RESPONSE);
    let message = Message::Response { response: &response, request: None };
    assert_eq!(value(&message, "\"@method\";req"), Err(Reason::NoRelatedRequest));
    assert_eq!(value(&message, "\"date\";req"), Err(Reason::NoRelatedRequest));
    assert_eq!(value(&message, "@status").as_deref(), Ok("503"));
}

#[test]
fn one_component_of_both_messages_is_no_duplicate() {
    let (request, response) = (request(REQUEST), response(RESPONSE));
    let message = Message::Response { response: &response, request: Some(&request) };
    let input = SignatureInput::builder().components(["date", "\"date\";req"]).build().unwrap();
    let base = SignatureBase::build(&message, &input, &FieldTypes::default()).unwrap();
    assert_eq!(base.as_str(), "\"date\": now\n\"date\";req: then\n\"@signature-params\": (\"date\" \"date\";req)");
}

#[test]
fn signatures_may_stand_in_trailers() {
    let key = SigningKey::generate_ed25519().unwrap();
    let text = "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\nhi\n0\nContent-Digest: x\n\n";
    let mut response = response(text);
    let input = SignatureInput::builder().components(["@status", "\"content-digest\";tr"]).build().unwrap();
    let signed = sign(&Message::Response { response: &response, request: None }, "late", &input, &key).unwrap();
    response.fields_mut().push("Signature-Input", &signed.signature_input_value).unwrap();
    response.trailers_mut().push("Signature", &signed.signature_value).unwrap();
    let message = Message::Response { response: &response, request: None };
    let signatures = Signatures::parse(&message, &Limits::default()).unwrap();
    verify(&message, "late", &signatures, &key.verifying_key(), &Policy::default(), 0).unwrap();
    // The same label in header and trailer is one too many.
    response.trailers_mut().push("Signature-Input", &signed.signature_input_value).unwrap();
    let message = Message::Response { response: &response, request: None };
    let signatures = Signatures::parse(&message, &Limits::default()).unwrap();
    let refused = verify(&message, "late", &signatures, &key.verifying_key(), &Policy::default(), 0).unwrap_err();
    assert_eq!((refused.step, refused.reason), (Step::Parse, Reason::DuplicateLabel));
}
