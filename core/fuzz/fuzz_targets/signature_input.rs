//! Signature-Input, Signature and Accept-Signature: what is read is written the same way each time.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portal_core::rfc9421::{
    Algorithm, ComponentId, Limits, Message, Request, RequestedSignature, Response, Scheme, SignatureInput, Signatures,
};

fuzz_target!(|text: &str| {
    if let Ok(id) = text.parse::<ComponentId>() {
        assert_eq!(id.to_string().parse().as_ref(), Ok(&id));
    }
    if let Ok(input) = text.parse::<SignatureInput>() {
        check(&input);
    }
    // The first line is Signature-Input, the others are Signature and Accept-Signature.
    let mut request = Request::new("GET", "/", Scheme::Https).expect("a request");
    for (name, line) in
        ["Signature-Input", "Signature", "Accept-Signature", "Signature-Input"].into_iter().zip(text.split('\n'))
    {
        let _ = request.fields_mut().push(name, line);
    }
    let message = Message::from(&request);
    if let Ok(signatures) = Signatures::parse(&message, &Limits::default()) {
        let labels: Vec<_> = signatures.labels().collect();
        for found in signatures.iter() {
            assert_eq!(labels.iter().filter(|label| **label == &*found.label).count(), 1);
            check(&found.input);
        }
    }
    // A response's request for signatures is one of requests.
    let mut response = Response::new(200).expect("a response");
    request
        .fields()
        .values("accept-signature")
        .for_each(|line| response.fields_mut().push("Accept-Signature", line).expect("it stood in a field"));
    let message = Message::Response { response: &response, request: None };
    for asked in RequestedSignature::parse(&message, &Limits::default()).into_iter().flatten() {
        if let Ok(input) = asked.fulfil(1, Some(2), Algorithm::Ed25519) {
            assert_eq!(input.components(), asked.components());
            let mut again = Response::new(200).expect("a response");
            again.fields_mut().push("Accept-Signature", asked.to_string()).expect("it is ASCII");
            let message = Message::Response { response: &again, request: None };
            assert_eq!(RequestedSignature::parse(&message, &Limits::default()), Ok(vec![asked]));
            check(&input);
        }
    }
});

fn check(input: &SignatureInput) {
    let again: SignatureInput = input.as_str().parse().expect("it was written by us");
    assert_eq!(again.as_str(), input.as_str());
    assert_eq!(again.components(), input.components());
    assert!(input.as_str().is_ascii() && !input.as_str().contains('\n'));
}
