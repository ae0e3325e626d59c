//! Fields: a value that can stand in a base, and a canonical form that is its own canonical form.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portal_core::rfc9421::{FieldType, FieldTypes, Message, Request, Scheme, SignatureBase, SignatureInput};

fuzz_target!(|data: &[u8]| {
    let Some((&choice, rest)) = data.split_first() else { return };
    // NUL can't stand in a field: it separates the lines.
    let mut lines = rest.split(|byte| *byte == 0);
    let (field_type, parameters) = match choice % 8 {
        0 => (None, String::new()),
        1 => (None, ";bs".to_owned()),
        2 => (Some(FieldType::List), ";sf".to_owned()),
        3 => (Some(FieldType::Dictionary), ";sf".to_owned()),
        4 => (Some(FieldType::Item), ";sf".to_owned()),
        5 => (Some(FieldType::Dictionary), ";key=\"a\"".to_owned()),
        6 => (None, ";tr".to_owned()),
        _ => {
            let key = String::from_utf8_lossy(lines.next().unwrap_or_default());
            (None, format!(";key=\"{}\"", key.replace(['"', '\\'], "")))
        }
    };
    let types = field_type.map_or_else(FieldTypes::default, |known| FieldTypes::default().with("x", known));
    let Ok(input) = format!("(\"x\"{parameters})").parse::<SignatureInput>() else { return };
    let lines: Vec<&[u8]> = lines.collect();
    let Some(value) = value(&lines, &input, &types) else { return };
    assert!(value.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~')), "{value:?}");
    if parameters == ";sf" {
        // An empty List or Dictionary is no line at all, but the field is there.
        let again = self::value(&[value.as_bytes()], &input, &types);
        assert_eq!(again.as_deref(), Some(&*value));
    }
});

fn value(lines: &[&[u8]], input: &SignatureInput, types: &FieldTypes) -> Option<String> {
    let mut request = Request::new("GET", "/", Scheme::Https).expect("a request");
    for line in lines {
        let _ = request.fields_mut().push("X", line);
        let _ = request.trailers_mut().push("X", line);
    }
    let base = SignatureBase::build(&Message::from(&request), input, types).ok()?;
    let (line, params) = base.as_str().split_once('\n').expect("two lines");
    assert_eq!(params, format!("\"@signature-params\": {input}"));
    let start = format!("{}: ", input.components()[0]);
    Some(line.strip_prefix(&start).expect("the line of the component").to_owned())
}
