use super::*;
use crate::vectors::protocol::Parsed;

const BASE: &str = "\"@authority\": example.com\n\"@signature-params\": (\"@authority\");created=1;keyid=\"k\"";
const INPUT: &str = "(\"@authority\");created=1;keyid=\"k\"";

fn vector(op: Op, verdict: Expected) -> Vector {
    let because = (verdict == Expected::Acceptable).then_some("the RFC leaves room");
    serde_json::from_value(serde_json::json!({
        "id": "x", "title": "t", "authority": "rfc9421", "rfc_refs": [], "op": op, "message_b64": "", "scheme": "https",
        "label": "sig1", "signature_input": INPUT, "expected_signature_input": INPUT, "verdict": verdict,
        "acceptable_because": because, "reject_stage": "time",
    }))
    .unwrap()
}

fn key() -> Jwk {
    serde_json::from_str(r#"{"kty":"oct","k":"AAAA"}"#).unwrap()
}

fn expectation() -> Expectation {
    Expectation {
        base: Some(BASE.into()),
        signed_base: None,
        signing: Some((Algorithm::HmacSha256, key())),
        present: None,
        source: Source::new(Parsed::of(b"GET / HTTP/1.1\r\nHost: Example.com\r\n\r\n"), None),
    }
}

fn answer(outcome: Outcome, base: Option<&str>) -> Answer {
    Answer {
        id: 1,
        outcome,
        stage: None,
        reason: Some("because".into()),
        base_b64: base.map(|base| STANDARD.encode(base)),
        signature_b64: None,
        signature_input: None,
    }
}

fn verdict(op: Op, expected: Expected, outcome: Outcome, base: Option<&str>) -> Verdict {
    judge(&vector(op, expected), &expectation(), &answer(outcome, base)).verdict
}

#[test]
fn verifying() {
    use Expected::*;
    let other = BASE.replace("example.com", "Example.com");
    for (expected, outcome, base, verdict_) in [
        (Valid, Outcome::Accepted, None, Verdict::Pass),
        (Valid, Outcome::Accepted, Some(BASE), Verdict::Pass),
        // Accepted over another base: something else is signed than what was meant.
        (Valid, Outcome::Accepted, Some(other.as_str()), Verdict::Fail),
        (Valid, Outcome::Rejected, None, Verdict::Fail),
        (Invalid, Outcome::Rejected, None, Verdict::Pass),
        (Invalid, Outcome::Accepted, None, Verdict::Fail),
        (Acceptable, Outcome::Accepted, Some(other.as_str()), Verdict::Pass),
        (Acceptable, Outcome::Rejected, None, Verdict::Pass),
    ] {
        assert_eq!(verdict(Op::Verify, expected, outcome, base), verdict_, "{expected:?} {outcome:?} {base:?}");
    }
}

#[test]
fn whatever_is_expected_a_shim_that_fails_is_an_error_and_a_lie_a_failure() {
    for expected in [Expected::Valid, Expected::Invalid, Expected::Acceptable] {
        assert_eq!(verdict(Op::Verify, expected, Outcome::Error, None), Verdict::Error);
        assert_eq!(verdict(Op::Verify, expected, Outcome::Unsupported, None), Verdict::Fail);
        // `ok` is no answer to `verify`, nor `accepted` to `base`.
        assert_eq!(verdict(Op::Verify, expected, Outcome::Ok, None), Verdict::Error);
        assert_eq!(verdict(Op::Base, expected, Outcome::Accepted, Some(BASE)), Verdict::Error);
        assert_eq!(verdict(Op::Base, expected, Outcome::Ok, None), Verdict::Error);
        assert_eq!(verdict(Op::Sign, expected, Outcome::Ok, Some(BASE)), Verdict::Error);
        assert_eq!(verdict(Op::Accept, expected, Outcome::Ok, None), Verdict::Error);
    }
    let broken = Answer { base_b64: Some("*".into()), ..answer(Outcome::Accepted, None) };
    assert_eq!(judge(&vector(Op::Verify, Expected::Valid), &expectation(), &broken).verdict, Verdict::Error);
}

#[test]
fn bases() {
    assert_eq!(verdict(Op::Base, Expected::Valid, Outcome::Ok, Some(BASE)), Verdict::Pass);
    let other = BASE.replace("example.com", "Example.com");
    let judged = judge(&vector(Op::Base, Expected::Valid), &expectation(), &answer(Outcome::Ok, Some(&other)));
    assert_eq!((judged.verdict, judged.got.as_str()), (Verdict::Fail, "another base"));
    let bases = judged.bases.unwrap();
    assert_eq!((bases.line, bases.guess.as_deref()), (Some(1), Some("the host is not put in lower case")));
    assert_eq!(verdict(Op::Base, Expected::Invalid, Outcome::Ok, Some(BASE)), Verdict::Fail);
    assert_eq!(verdict(Op::Base, Expected::Invalid, Outcome::Rejected, None), Verdict::Pass);
}

fn signed(over: &str, used: Option<&str>) -> Judgement {
    let signature = Algorithm::HmacSha256.sign(&key(), over.as_bytes()).unwrap();
    let answer = Answer {
        signature_b64: Some(STANDARD.encode(signature)),
        signature_input: used.map(str::to_owned),
        ..answer(Outcome::Ok, None)
    };
    judge(&vector(Op::Sign, Expected::Valid), &expectation(), &answer)
}

#[test]
fn a_signature_is_checked_over_the_expected_base() {
    assert_eq!(signed(BASE, None).verdict, Verdict::Pass);
    assert_eq!(signed(BASE, Some(INPUT)).verdict, Verdict::Pass);
    let judged = signed("\"@authority\": Example.com", None);
    assert!(judged.verdict == Verdict::Fail && judged.got.contains("does not verify"), "{judged:?}");
}

#[test]
fn a_signer_may_order_its_parameters_and_add_some() {
    let over = |used: &str| format!("\"@authority\": example.com\n\"@signature-params\": {used}");
    for used in ["(\"@authority\");keyid=\"k\";created=1", "(\"@authority\");created=1;keyid=\"k\";nonce=\"n\""] {
        assert_eq!(signed(&over(used), Some(used)).verdict, Verdict::Pass, "{used}");
        assert_eq!(signed(BASE, Some(used)).verdict, Verdict::Fail, "{used}");
    }
    for used in ["(\"@authority\");created=1", "(\"@authority\");created=2;keyid=\"k\"", "();created=1;keyid=\"k\""] {
        assert_eq!(signed(&over(used), Some(used)).verdict, Verdict::Fail, "{used}");
    }
}

#[test]
fn what_accept_signature_asks_for() {
    let made = |input: &str| {
        let answer = Answer { signature_input: Some(input.to_owned()), ..answer(Outcome::Ok, None) };
        judge(&vector(Op::Accept, Expected::Valid), &expectation(), &answer)
    };
    assert_eq!(made("(\"@authority\");keyid=\"k\";created=1").verdict, Verdict::Pass);
    assert!(made("();created=1;keyid=\"k\"").got.contains("\"@authority\" is not covered"));
}

#[test]
fn a_failure_says_what_went_wrong() {
    let judged = judge(&vector(Op::Verify, Expected::Valid), &expectation(), &answer(Outcome::Rejected, None));
    assert_eq!(judged.expected, "the signature is accepted, over the expected base");
    assert_eq!(judged.got, "it is refused: because");
    let judged = judge(&vector(Op::Verify, Expected::Invalid), &expectation(), &answer(Outcome::Accepted, None));
    assert_eq!(judged.expected, "it is refused (step `time`)");
    assert_eq!(judged.got, "it is accepted\n`created` or `expires` is not held against the time");
}

#[test]
fn who_accepts_a_careless_signature_has_built_its_base() {
    let signed = BASE.replace("example.com", "Example.com").into_bytes();
    let expectation = Expectation { signed_base: Some(signed), ..expectation() };
    let judged = judge(&vector(Op::Verify, Expected::Invalid), &expectation, &answer(Outcome::Accepted, None));
    assert_eq!(judged.bases.unwrap().guess.as_deref(), Some("the host is not put in lower case"));

    let signed = b"\"absent\": \n\"@signature-params\": (\"absent\")".to_vec();
    let expectation = Expectation { base: None, signed_base: Some(signed), ..expectation };
    let judged = judge(&vector(Op::Verify, Expected::Invalid), &expectation, &answer(Outcome::Accepted, None));
    let got = "it is accepted\na field that the message does not have is taken as empty\nover the base\n\"absent\": \n";
    assert!(judged.got.starts_with(got), "{}", judged.got);
}

#[test]
fn no_answer_at_all() {
    let of = |fault: Fault| no_answer(&vector(Op::Verify, Expected::Invalid), &fault).verdict;
    let said = String::new();
    // A crash is no refusal.
    assert_eq!(of(Fault::Crashed { how: "signal: 6".into(), said: said.clone() }), Verdict::Fail);
    assert_eq!(of(Fault::TooSlow { within: std::time::Duration::ZERO, said: said.clone() }), Verdict::Timeout);
    assert_eq!(of(Fault::Garbage { why: "x".into(), line: "y".into(), said }), Verdict::Error);
}
