//! HTTP/1.1 messages: one reading, and derived components that can stand in a base.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portal_core::rfc9421::{FieldTypes, Fields, Message, Request, Response, Scheme, SignatureBase, SignatureInput};

const DERIVED: [&str; 10] = [
    "\"@method\"",
    "\"@target-uri\"",
    "\"@authority\"",
    "\"@scheme\"",
    "\"@request-target\"",
    "\"@path\"",
    "\"@query\"",
    "\"@query-param\";name=\"a\"",
    "\"@query-param\";name=\"\"",
    "\"@status\"",
];

fuzz_target!(|data: &[u8]| {
    if let Ok((request, body)) = Request::parse_http1(data, Scheme::Https) {
        derived(&Message::from(&request));
        // Written again without its coding, it is read the same.
        let mut again = format!("{} {} HTTP/1.1\r\n", request.method(), request.target()).into_bytes();
        write(&mut again, request.fields());
        again.extend_from_slice(&body);
        let (read, content) = Request::parse_http1(&again, Scheme::Https).expect("it was read once");
        assert_eq!((read.method(), read.target()), (request.method(), request.target()));
        assert_eq!(without_coding(read.fields()), without_coding(request.fields()));
        assert_eq!(content, body);
    }
    if let Ok((response, _)) = Response::parse_http1(data) {
        derived(&Message::Response { response: &response, request: None });
    }
});

fn derived(message: &Message<'_>) {
    for id in DERIVED {
        let input: SignatureInput = format!("({id})").parse().expect("an input");
        let Ok(base) = SignatureBase::build(message, &input, &FieldTypes::default()) else { continue };
        let (line, _) = base.as_str().split_once('\n').expect("two lines");
        let value = line.strip_prefix(id).and_then(|rest| rest.strip_prefix(": ")).expect("the component's line");
        // RFC 9421 §2.2: printable characters and spaces, no whitespace around them.
        assert!(value.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{id} {value:?}");
        assert_eq!(value.trim(), value, "{id}");
    }
}

fn write(out: &mut Vec<u8>, fields: &Fields) {
    for (name, value) in without_coding(fields) {
        out.extend_from_slice(name.as_bytes());
        out.push(b':');
        out.extend_from_slice(value);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
}

fn without_coding(fields: &Fields) -> Vec<(&str, &[u8])> {
    fields.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("transfer-encoding")).collect()
}
