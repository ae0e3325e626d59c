//! Too much of everything.

use super::super::model::{Attack, Defect, Door, Expected, Family, changed, made};
use super::super::recipe::Recipe;
use super::{Draft, put, text};

pub(super) const FAMILY: Family =
    Family { name: "oversize", about: "Too much of everything: what it costs is bounded.", attacks: ATTACKS };

const BOUNDED: &str = "oversized fields, thousands of labels or components are refused early";

const ATTACKS: &[Attack] = &[
    changed("oversize-field", "AUTH-13", "a field has 500 KiB", BOUNDED, |it, _| it.add_field("X-Long", &long(500)))
        .at_core()
        .harmless("a field has 1 KiB", Defect::Changed(|it, _| it.add_field("X-Long", &long(1)))),
    changed("oversize-many-fields", "AUTH-13", "there are 5,000 fields more", BOUNDED, |it, _| {
        for number in 0..5000 {
            it.add_field(&format!("X-{number}"), "a");
        }
    })
    .at_core()
    .harmless(
        "there are 30 fields more",
        Defect::Changed(|it, _| {
            for number in 0..30 {
                it.add_field(&format!("X-{number}"), "a");
            }
        }),
    ),
    changed("oversize-many-lines-of-a-field", "AUTH-13", "a covered field has 5,000 lines more", BOUNDED, |it, _| {
        for _ in 0..5000 {
            it.add_field("X-Note", "please");
        }
    })
    .at_core(),
    changed(
        "oversize-many-labels",
        "AUTH-13",
        "2,000 labels without a signature stand before the good one",
        BOUNDED,
        |it, _| before(it, 2000, "()", None),
    )
    .at_core(),
    changed(
        "oversize-many-signatures",
        "AUTH-13",
        "2,000 signatures of nobody stand before the good one",
        BOUNDED,
        |it, _| {
            before(it, 2000, "(\"@method\" \"@target-uri\");keyid=\"aaaaaa\"", Some(":AAAA:"));
        },
    )
    .at_core(),
    changed(
        "oversize-many-signatures-of-the-peer",
        "AUTH-13",
        "2,000 signatures under the peer's keyid stand before the good one",
        BOUNDED,
        |it, cast| {
            let input =
                format!("(\"@method\" \"@target-uri\");created={};keyid=\"{}\"", cast.now, cast.short_id("alice"));
            let wrong = format!(":{}:", "A".repeat(85) + "Q==");
            before(it, 2000, &input, Some(&wrong));
        },
    )
    .at_core(),
    made(
        "oversize-many-components",
        "AUTH-13",
        "2,000 components are covered, each of them there",
        BOUNDED,
        |it, _| components(it, 2000),
    )
    .at_core()
    .harmless("ten components are covered", Defect::Made(|it, _| components(it, 10))),
    made("oversize-many-parameters", "AUTH-13", "the signature has 2,000 parameters", BOUNDED, |it, _| {
        parameters(it, 2000)
    })
    .at_core()
    .harmless("the signature has five parameters more", Defect::Made(|it, _| parameters(it, 5))),
    made("oversize-parameter", "AUTH-13", "a parameter of the signature has 500 KiB", BOUNDED, |it, _| {
        put(&mut it.parameters, "mood", text(long(500)))
    })
    .at_core(),
    made("oversize-nonce", "AUTH-13", "the nonce has 500 KiB", BOUNDED, |it, _| {
        put(&mut it.parameters, "nonce", text(long(500)))
    })
    .at_core(),
    made("oversize-keyid", "AUTH-13", "the keyid has 500 KiB", BOUNDED, |it, _| {
        put(&mut it.parameters, "keyid", text(long(500)))
    })
    .at_core(),
    made("oversize-label", "AUTH-13", "the label has 500 KiB", BOUNDED, |it, _| it.label = long(500)).at_core(),
    made("oversize-query", "AUTH-13", "the query has 500 KiB", BOUNDED, |it, _| it.query = Some(long(500)))
        .at_core()
        .harmless("the query has 1 KiB", Defect::Made(|it, _| it.query = Some(long(1)))),
    made("oversize-path", "AUTH-13", "the path has 500 KiB", BOUNDED, |it, _| it.path.push_str(&long(500)))
        .at_core()
        .harmless("the path has 1 KiB", Defect::Made(|it, _| it.path.push_str(&long(1)))),
    made("oversize-path-of-dots", "AUTH-13", "the path goes up and down 100,000 times", BOUNDED, |it, _| {
        it.path.push_str(&"/a/..".repeat(100_000));
    })
    .at_core(),
    changed("oversize-cookies", "AUTH-13", "there are 20,000 cookies", BOUNDED, |it, _| {
        it.add_field("Cookie", &"authorization=a.b.c; ".repeat(20_000))
    })
    .at_core(),
    changed(
        "oversize-nesting",
        "AUTH-13",
        "a parenthesis is opened 100,000 times in Signature-Input",
        BOUNDED,
        |it, _| {
            it.set_field("Signature-Input", &format!("sig1={}", "(".repeat(100_000)));
        },
    )
    .at_core(),
    changed("oversize-at-the-proxy", "AUTH-13", "a field has 2 MiB, and goes through the proxy", BOUNDED, |it, _| {
        it.add_field("X-Long", &long(2048))
    })
    .expecting(Expected::Bounded),
];

impl Attack {
    /// What is asked of the Core itself, and answered in time.
    const fn at_core(self) -> Attack {
        self.at(Door::Core).expecting(Expected::Bounded)
    }
}

fn long(kib: usize) -> String {
    "a".repeat(kib << 10)
}

/// Puts members before those of the draft's signature, all in one line of each field.
fn before(draft: &mut Draft, count: usize, input: &str, signature: Option<&str>) {
    let (mut inputs, mut values) = (Vec::new(), Vec::new());
    for number in 0..count {
        inputs.push(format!("m{number}={input}"));
        values.extend(signature.map(|signature| format!("m{number}={signature}")));
    }
    for own in &draft.signatures {
        inputs.push(format!("{}={}", own.label, own.input()));
        values.push(format!("{}=:{}:", own.label, own.signature));
    }
    draft.set_field("Signature-Input", &inputs.join(", "));
    draft.set_field("Signature", &values.join(", "));
}

fn components(recipe: &mut Recipe, count: usize) {
    let query: Vec<String> = (0..count).map(|number| format!("p{number}={number}")).collect();
    recipe.query = Some(query.join("&"));
    recipe.covering = "\"@method\" \"@target-uri\"".into();
    for number in 0..count {
        let item = format!("\"@query-param\";name=\"p{number}\"");
        recipe.covering.push_str(&format!(" {item}"));
        // Said here, as the writer of bases would look each one up in the whole query.
        recipe.instead.insert(item, number.to_string());
    }
}

fn parameters(recipe: &mut Recipe, count: usize) {
    for number in 0..count {
        recipe.parameters.push((format!("p{number}"), text("x")));
    }
}
