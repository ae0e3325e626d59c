//! `sf` on the HTTP working group's structured field tests: the canonical form is the component value.

use serde_json::Value;

use super::*;

/// Cases whose `raw` has bytes that no field line can hold, or a surrounding space that HTTP itself removes.
fn as_lines(case: &Value) -> Option<Fields> {
    let mut fields = Fields::new();
    for line in case["raw"].as_array()? {
        fields.push("x-test", line.as_str()?).ok()?;
    }
    Some(fields)
}

#[test]
fn canonical_forms_are_those_of_the_working_group() {
    let Some(folder) = data("structured-field-tests") else { return };
    let mut counts = (0, 0);
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let cases: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        for case in cases.as_array().unwrap() {
            let Some(fields) = as_lines(case) else { continue };
            let mut request = Request::new("GET", "/", Scheme::Https).unwrap();
            *request.fields_mut() = fields;
            let field_type = match case["header_type"].as_str().unwrap() {
                "item" => FieldType::Item,
                "list" => FieldType::List,
                _ => FieldType::Dictionary,
            };
            let types = FieldTypes::default().with("X-Test", field_type);
            let input: SignatureInput = "(\"x-test\";sf)".parse().unwrap();
            let outcome = SignatureBase::build(&Message::Request(&request), &input, &types);
            let name = format!("{}: {}", path.display(), case["name"]);
            if case["must_fail"] == true {
                // A tab around a value is removed by HTTP before structured fields see it.
                let lines = case["raw"].as_array().unwrap().iter().map(|line| line.as_str().unwrap());
                let trimmed = lines.into_iter().any(|line| line.trim_matches(' ') != line.trim_matches([' ', '\t']));
                assert!(outcome.is_err() || trimmed, "{name}: {outcome:?}");
                counts.1 += 1;
            } else if case["can_fail"] != true {
                let canonical = case.get("canonical").unwrap_or(&case["raw"]);
                let canonical: Vec<_> =
                    canonical.as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
                let base = outcome.unwrap_or_else(|error| panic!("{name}: {error}"));
                let line = base.lines().next().unwrap().strip_prefix("\"x-test\";sf: ").unwrap();
                assert_eq!(line, canonical.join(", "), "{name}");
                counts.0 += 1;
            }
        }
    }
    assert!(counts.0 > 500 && counts.1 > 500, "{counts:?}");
}
