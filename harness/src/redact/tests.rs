use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::record::Exhibit;
use crate::report::sample;
use crate::trace::{Entry, Hop, Party, SignatureEvent, SignatureOutcome};

const JWT: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl";

#[test]
fn all_patterns_compile() {
    assert_eq!(PATTERNS.len(), 8);
}

#[test]
fn a_cookie_keeps_its_name_and_its_attributes() {
    assert_eq!(field("Cookie", "authorization=abc; theme=dark"), "authorization=[blanked]; theme=[blanked]");
    assert_eq!(field("cookie", "abcdef"), "[blanked]");
    assert_eq!(
        field("set-cookie", "authorization=abc; Domain=x.example; HttpOnly; Secret=1"),
        "authorization=[blanked]; Domain=x.example; HttpOnly; Secret=[blanked]"
    );
    // The first pair is the cookie, whatever its name.
    assert_eq!(field("set-cookie", "path=abc; Path=/"), "path=[blanked]; Path=/");
}

#[test]
fn an_authorization_keeps_its_scheme() {
    assert_eq!(field("authorization", "Bearer abc def"), "Bearer [blanked]");
    assert_eq!(field("Proxy-Authorization", "abc"), "[blanked]");
    assert_eq!(field("accept", "text/plain"), "text/plain");
}

#[test]
fn private_keys_are_blanked_in_every_form_and_public_ones_stay() {
    let pem = include_str!("../../../fixtures/explain/keys/test-key-ed25519.private.pem");
    let rsa = include_str!("../../../fixtures/keys/test-only-rsa-2048-1.pem");
    let public = include_str!("../../../fixtures/explain/keys/test-key-rsa.pem");
    for secret in [pem, rsa] {
        let body = secret.lines().nth(1).unwrap();
        let cut = secret.trim_start_matches("-----BEGIN PRIVATE KEY-----\n");
        let without_end = secret.split("-----END").next().unwrap();
        let (json, query) = (secret.replace('\n', "\\n"), secret.replace(' ', "+"));
        for form in [secret, cut, without_end, &json, &query] {
            let shown = text(form).into_owned();
            assert!(!shown.contains(&body[10..40]), "{shown}");
        }
    }
    assert_eq!(text(public), public);
    assert_eq!(text(&format!("a {pem} b")), "a [private key blanked]\n b");
    let jwk = r#"{"kty":"OKP","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    let shown = text(jwk);
    assert!(!shown.contains("nWGxne") && shown.contains("11qYAY"), "{shown}");
}

#[test]
fn texts_lose_tokens_and_lines_of_secret_fields() {
    assert_eq!(text(&format!("it gave {JWT}, too")), "it gave [blanked], too");
    assert_eq!(text("GET / HTTP/1.1\nCookie: a=b\nAccept: */*"), "GET / HTTP/1.1\nCookie: [blanked]\nAccept: */*");
    assert_eq!(text("\"@method\": GET\n\"cookie\": a=b"), "\"@method\": GET\n\"cookie\": [blanked]");
    assert_eq!(text(r#"{"authorization": "Bearer \"x", "a": 1}"#), r#"{"authorization": "[blanked]", "a": 1}"#);
    assert_eq!(text("the cookie authorization=abc.def; Path=/"), "the cookie authorization=[blanked]; Path=/");
    let nothing = "status 401 with the body {\"code\":\"access_denied\"}";
    assert_eq!(text(nothing), nothing);
}

/// A scenario in which a cookie is set, sent on and shown in every place that there is.
#[test]
fn a_secret_that_a_message_shows_is_blanked_everywhere_in_the_scenario() {
    let mut fields = http::HeaderMap::new();
    fields.append("cookie", "session=Zm9vYmFyYmF6".parse().unwrap());
    let mut hop = Hop::request(Party::Outside, Party::proxy("bob"), "GET", "/?echo=Zm9vYmFyYmF6", &fields);
    hop.fields.push(("x-echo".into(), "<Zm9vYmFyYmF6>".into()));
    hop.note = Some("it had Zm9vYmFyYmF6".into());
    let signature = SignatureEvent {
        trace_id: None,
        portal: "bob".into(),
        label: None,
        signature_input: None,
        base: Some("\"x-echo\": <Zm9vYmFyYmF6>".into()),
        outcome: SignatureOutcome::Verified,
    };
    let entries = vec![Entry { seq: 0, what: What::Hop(hop) }, Entry { seq: 1, what: What::Signature(signature) }];
    let mut result = sample::summary().scenarios.remove(1);
    let exhibits = vec![Exhibit { title: "What was sent".into(), text: "x-echo: Zm9vYmFyYmF6".into() }];
    result.record = Arc::new(Record { entries, exhibits, ..Record::default() });
    let failure = result.failure.as_mut().unwrap();
    failure.got = "the body Zm9vYmFyYmF6".into();
    failure.trace = vec!["GET /?echo=Zm9vYmFyYmF6; body: {\"b64\":\"Wm05dlltRnlZbUY2\"} (26 bytes)".into()];
    failure.hop = Some("got `Zm9vYmFyYmF6`".into());
    super::result(&mut result);
    let all = format!("{result:?}");
    assert!(!all.contains("Zm9vYmFyYmF6") && !all.contains("Wm05dlltRnlZbUY2"), "{all}");
    assert!(all.contains("session=[blanked]"), "{all}");
    let once = result.clone();
    super::result(&mut result);
    assert_eq!(result, once, "to blank twice is to blank once");
}

proptest! {
    #[test]
    fn a_secret_field_never_shows_its_value(value in "[A-Za-z0-9+/._-]{12,60}", before in "[a-z]{1,5}", n in 0usize..4) {
        let name = ["cookie", "set-cookie", "authorization", "proxy-authorization"][n];
        let written = if n < 2 { format!("{before}={value}") } else { format!("{before} {value}") };
        prop_assert!(!field(name, &written).contains(&value));
        let line = format!("GET /\n{name}: {written}\naccept: x");
        prop_assert!(!text(&line).contains(&value));
    }

    #[test]
    fn nothing_makes_it_panic(any in "\\PC*") {
        let _ = text(&any);
        let _ = field("cookie", &any);
    }
}
