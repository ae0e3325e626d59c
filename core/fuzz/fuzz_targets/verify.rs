//! Verifying: nothing is accepted that nobody signed, and what is signed here is accepted.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portal_core::rfc9421::{
    FieldTypes, Limits, Message, Policy, Request, Response, Scheme, SignatureBase, SignatureInput, Signatures,
    SigningKey, free_label, sign, verify,
};

const LIMITS: Limits =
    Limits { max_labels: 1000, max_components: 1000, max_parameters: 1000, max_field_bytes: 1 << 20 };

fuzz_target!(|data: &[u8]| {
    let ours = SigningKey::from_shared_secret(b"what the fuzzer can't know");
    if let Ok((mut request, _)) = Request::parse_http1(data, Scheme::Https) {
        nothing_is_accepted(&Message::from(&request), &ours);
        let Some(input) = first_input(&Message::from(&request)) else { return };
        let label = free_label(&Message::from(&request), "ours");
        let Ok(signed) = sign(&Message::from(&request), &label, &input, &ours) else { return };
        signed.attach(request.fields_mut()).expect("both are ASCII");
        accepted(&Message::from(&request), &label, &signed.base, &ours);
    }
    // A response to a fixed request, so that `req` is reached.
    if let Ok((mut response, _)) = Response::parse_http1(data) {
        let related = b"POST /a?b=c HTTP/1.1\r\nHost: a\r\nX: y\r\nX: z=1\r\n\r\n";
        let (related, _) = Request::parse_http1(related, Scheme::Https).expect("a request");
        let message = Message::Response { response: &response, request: Some(&related) };
        nothing_is_accepted(&message, &ours);
        let Some(input) = first_input(&message) else { return };
        let label = free_label(&message, "ours");
        let Ok(signed) = sign(&message, &label, &input, &ours) else { return };
        signed.attach(response.fields_mut()).expect("both are ASCII");
        accepted(&Message::Response { response: &response, request: Some(&related) }, &label, &signed.base, &ours);
    }
});

fn nothing_is_accepted(message: &Message<'_>, key: &SigningKey) {
    let Ok(signatures) = Signatures::parse(message, &Limits::default()) else { return };
    for label in signatures.labels().chain(["absent"]) {
        let policy = Policy { max_age: Some(300), ..Policy::default() };
        for policy in [policy, Policy::default()] {
            let refused = verify(message, label, &signatures, &key.verifying_key(), &policy, 1_618_884_500)
                .expect_err("nobody signed this");
            let Some(found) = signatures.get(label) else { continue };
            let base = SignatureBase::build(message, &found.input, &FieldTypes::default()).ok();
            assert_eq!(refused.base, base, "a refusal carries the base where one can be made");
        }
    }
}

/// The first input that isn't about the fields that signing itself changes.
fn first_input(message: &Message<'_>) -> Option<SignatureInput> {
    let signatures = Signatures::parse(message, &LIMITS).ok()?;
    let changes = |input: &SignatureInput| {
        input
            .components()
            .iter()
            .any(|id| !id.is_from_request() && matches!(id.name(), "signature" | "signature-input"))
    };
    signatures.iter().map(|found| found.input.clone()).find(|input| !changes(input))
}

fn accepted(message: &Message<'_>, label: &str, base: &SignatureBase, key: &SigningKey) {
    let signatures = Signatures::parse(message, &LIMITS).expect("it was read before, and ours was added");
    let policy = Policy { reject_expired: false, ..Policy::default() };
    let verified = verify(message, label, &signatures, &key.verifying_key(), &policy, 0).expect("it was signed here");
    assert_eq!(verified.base(), base);
}
