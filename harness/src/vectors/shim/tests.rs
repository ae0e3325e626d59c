use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portal_core::clock::{SystemClock, unix_seconds};
use serde_json::{Value, json};

use super::Subject;
use super::check::Sample;
use super::core::Core;
use super::httpsig::Httpsig;
use super::serve::{MAX_LINE, serve};
use crate::vectors::corpus::{FieldTypeName, Policy};
use crate::vectors::protocol::{Answer, Case, Outcome, Request};

const THEN: u64 = 1_618_884_473;

fn both() -> [&'static dyn Subject; 2] {
    [&Core, &Httpsig]
}

fn now() -> u64 {
    unix_seconds(&SystemClock)
}

fn verify(subject: &dyn Subject, case: Case) -> Answer {
    subject.answer(&Request::Verify(Box::new(case)))
}

fn text(base64: Option<String>) -> String {
    String::from_utf8(STANDARD.decode(base64.unwrap()).unwrap()).unwrap()
}

#[test]
fn signatures_made_without_the_engine_are_verified() {
    for subject in both() {
        for sample in [Sample::ed25519(now()), Sample::hmac(now())] {
            let sample = sample.unwrap();
            let answer = verify(subject, sample.to_verify(7, now()));
            assert_eq!((answer.id, answer.outcome, &answer.reason), (7, Outcome::Accepted, &None));
            assert_eq!(text(answer.base_b64), sample.base());
            let answer = verify(subject, sample.forged().to_verify(8, now()));
            assert_eq!((answer.id, answer.outcome), (8, Outcome::Rejected), "{:?}", answer.reason);
            assert!(text(answer.base_b64).contains("text/plain"));
        }
    }
}

#[test]
fn bases_and_signatures_are_made() {
    for subject in both() {
        for sample in [Sample::ed25519(THEN), Sample::hmac(THEN)] {
            let sample = sample.unwrap();
            let base = subject.answer(&Request::Base(Box::new(sample.to_base(1, THEN))));
            assert_eq!((base.outcome, text(base.base_b64).as_str()), (Outcome::Ok, sample.base()));
            let signed = subject.answer(&Request::Sign(Box::new(sample.to_sign(2, THEN))));
            assert_eq!(signed.outcome, Outcome::Ok, "{:?}", signed.reason);
            let (input, signature) = (signed.signature_input.unwrap(), signed.signature_b64.unwrap());
            assert_eq!(input, sample.input());
            assert_eq!(sample.is_signed_by(&input, &signature), Ok(()));
            assert!(sample.is_signed_by(&input.replace("@path", "@query"), &signature).is_err());
        }
    }
}

#[test]
fn keys_are_chosen_by_their_name() {
    let sample = Sample::ed25519(now()).unwrap();
    for subject in both() {
        let mut case = sample.to_verify(1, now());
        let other = Sample::hmac(now()).unwrap().to_verify(1, now()).keys.remove(0);
        case.keys.insert(0, other.clone());
        assert_eq!(verify(subject, case.clone()).outcome, Outcome::Accepted);
        case.keys.pop();
        let answer = verify(subject, case);
        assert_eq!(answer.outcome, Outcome::Rejected);
        let mut bound = sample.to_verify(1, now());
        bound.keys[0].alg = Some("rsa-pss-sha512".to_owned());
        assert_eq!(verify(subject, bound).outcome, Outcome::Rejected);
    }
    let mut case = sample.to_verify(1, now());
    case.keys.clear();
    let answer = verify(&Core, case);
    assert_eq!(answer.stage.as_deref(), Some("key"));
    assert_eq!(text(answer.base_b64), sample.base(), "it can be looked at although it is refused");
}

#[test]
fn the_label_comes_before_the_key() {
    let mut case = Sample::ed25519(THEN).unwrap().to_verify(1, THEN);
    case.keys.clear();
    case.label = Some("sig2".to_owned());
    assert_eq!(verify(&Core, case).stage.as_deref(), Some("select"));
}

#[test]
fn httpsig_is_given_the_uri_that_the_request_is_for() {
    let base_of = |method: &str, target: &str, hosts: &[&str]| {
        let mut case = Sample::ed25519(THEN).unwrap().to_base(1, THEN);
        case.parsed.method = Some(method.to_owned());
        case.parsed.target = Some(target.to_owned());
        case.parsed.fields = hosts.iter().map(|host| ["Host".to_owned(), (*host).to_owned()]).collect();
        case.signature_input = Some(r#"("@target-uri" "@authority" "@scheme" "@path" "@query")"#.to_owned());
        let answer = Httpsig.answer(&Request::Base(Box::new(case)));
        let base = answer.base_b64.map(|base| text(Some(base)));
        base.map(|base| {
            base.lines().take(5).map(|line| line.split_once(": ").unwrap().1.to_owned()).collect::<Vec<_>>()
        })
    };
    let uri = |parts: [&str; 5]| Some(parts.map(str::to_owned).to_vec());
    assert_eq!(base_of("GET", "/a?b?c", &["h"]), uri(["https://h/a?b?c", "h", "https", "/a", "?b?c"]));
    assert_eq!(
        base_of("GET", "/r?u=http://x", &["h"]),
        uri(["https://h/r?u=http://x", "h", "https", "/r", "?u=http://x"])
    );
    assert_eq!(base_of("GET", "http://H:1/a?b", &["x"]), uri(["http://H:1/a?b", "h:1", "http", "/a", "?b"]));
    assert_eq!(base_of("GET", "http://h?b", &[]), uri(["http://h?b", "h", "http", "/", "?b"]));
    assert_eq!(base_of("OPTIONS", "*", &["h"]), uri(["https://h", "h", "https", "/", "?"]));
    assert_eq!(base_of("CONNECT", "h:443", &["h"]), uri(["https://h:443", "h:443", "https", "/", "?"]));
    for none in [&[][..], &[""], &["a", "b"], &["\u{e4}"]] {
        assert_eq!(base_of("GET", "/", none), None, "{none:?}");
    }
    assert_eq!(base_of("GET", "/\u{7f}", &["h"]), None);
}

#[test]
fn httpsig_is_given_no_key_that_it_could_not_read() {
    let with = |change: &dyn Fn(&mut Case)| {
        let mut case = Sample::hmac(now()).unwrap().to_verify(1, now());
        change(&mut case);
        verify(&Httpsig, case).outcome
    };
    let jwk_alg = |name: &'static str| move |case: &mut Case| _ = case.keys[0].jwk.insert("alg".into(), name.into());
    assert_eq!(with(&jwk_alg("HS256")), Outcome::Accepted);
    assert_eq!(with(&jwk_alg("none")), Outcome::Rejected);
    let mut case = Sample::ed25519(now()).unwrap().to_verify(1, now());
    case.keys[0].pem = None;
    assert_eq!(verify(&Httpsig, case).outcome, Outcome::Rejected);
}

#[test]
fn the_engine_is_given_the_whole_policy() {
    let sample = Sample::ed25519(THEN).unwrap();
    let with = |policy: Policy| {
        let answer = verify(&Core, Case { policy, ..sample.to_verify(1, THEN + 100) });
        (answer.outcome, answer.stage.unwrap_or_default())
    };
    let accepted = (Outcome::Accepted, String::new());
    let policy = Policy {
        required: vec!["\"@method\"".into(), "\"content-type\"".into()],
        algs: vec!["ed25519".into(), "none".into()],
        max_age: Some(100),
        require_created: Some(true),
        ..Policy::default()
    };
    assert_eq!(with(policy.clone()), accepted);
    let refused = |change: &dyn Fn(&mut Policy)| {
        let mut changed = policy.clone();
        change(&mut changed);
        let (outcome, stage) = with(changed);
        assert_eq!(outcome, Outcome::Rejected, "{stage}");
        stage
    };
    assert_eq!(refused(&|policy| policy.required.push("\"@query\"".into())), "policy");
    assert_eq!(refused(&|policy| policy.algs = vec!["none".into()]), "key");
    assert_eq!(refused(&|policy| policy.tag = Some("app".into())), "policy");
    assert_eq!(refused(&|policy| policy.max_age = Some(99)), "time");
    assert_eq!(with(Policy { max_age: Some(90), skew: Some(10), ..policy.clone() }), accepted);
    assert_eq!(with(Policy { required: vec!["\"@method".into()], ..policy }).0, Outcome::Error);
}

#[test]
fn the_engine_is_told_the_types_of_fields() {
    let sample = Sample::ed25519(THEN).unwrap();
    let mut case = sample.to_base(1, THEN);
    case.signature_input = Some("(\"content-type\";sf)".into());
    let base = |case: &Case| Core.answer(&Request::Base(Box::new(case.clone())));
    let unknown = base(&case);
    assert_eq!((unknown.outcome, unknown.stage.as_deref()), (Outcome::Rejected, Some("base")));
    case.field_types.insert("content-type".into(), FieldTypeName::Item);
    assert_eq!(base(&case).outcome, Outcome::Ok);
}

#[test]
fn the_engine_checks_digests_and_reads_accept_signature() {
    let sample = Sample::ed25519(THEN).unwrap();
    let digest = |case: Case| Core.answer(&Request::Digest(Box::new(case)));
    assert_eq!(digest(sample.to_digest(1, THEN)).outcome, Outcome::Accepted);
    let other = digest(sample.with_other_content().to_digest(1, THEN));
    assert_eq!((other.outcome, other.stage.as_deref()), (Outcome::Rejected, Some("digest")));
    let without = Sample::big(THEN, 10).unwrap().to_digest(1, THEN);
    assert_eq!(digest(without).outcome, Outcome::Rejected);

    let accept = |case: Case| Core.answer(&Request::Accept(Box::new(case)));
    let asked = sample.to_accept(1, THEN);
    let answer = accept(asked.clone());
    assert_eq!((answer.outcome, answer.signature_input), (Outcome::Ok, Some(sample.input())));
    let mut label = asked.clone();
    label.label = Some("sig2".into());
    assert_eq!(accept(label).outcome, Outcome::Rejected);
    let mut key = asked;
    key.key.as_mut().unwrap().kid = "another".into();
    assert_eq!(accept(key).stage.as_deref(), Some("key"));
}

#[test]
fn what_httpsig_does_not_claim_it_does_not_do() {
    let sample = Sample::ed25519(THEN).unwrap();
    assert_eq!(Httpsig.answer(&Request::Digest(Box::new(sample.to_digest(1, THEN)))).outcome, Outcome::Unsupported);
    assert_eq!(Httpsig.answer(&Request::Accept(Box::new(sample.to_accept(1, THEN)))).outcome, Outcome::Unsupported);
    let mut case = sample.to_base(1, THEN);
    case.signature_input = Some("(\"content-type\";bs)".into());
    assert_eq!(Httpsig.answer(&Request::Base(Box::new(case))).outcome, Outcome::Rejected);
    let locked = include_str!("../../../../Cargo.lock");
    let version = Httpsig.hello().version;
    assert!(locked.contains(&format!("name = \"httpsig\"\nversion = \"{version}\"\n")), "hello says {version}");
}

#[test]
fn a_request_that_lacks_something_is_an_error_and_no_verdict() {
    let sample = Sample::ed25519(THEN).unwrap();
    for subject in both() {
        let mut case = sample.to_verify(1, THEN);
        case.label = None;
        assert_eq!(verify(subject, case).outcome, Outcome::Error);
        let mut case = sample.to_sign(1, THEN);
        case.key = None;
        assert_eq!(subject.answer(&Request::Sign(Box::new(case.clone()))).outcome, Outcome::Error);
        case.signature_input = None;
        assert_eq!(subject.answer(&Request::Base(Box::new(case))).outcome, Outcome::Error);
    }
    let mut case = sample.to_verify(1, THEN);
    case.message_b64 = "!".into();
    assert_eq!(verify(&Core, case).outcome, Outcome::Error);
}

fn served(input: &str) -> (Vec<Value>, String) {
    let (mut output, mut log) = (Vec::new(), Vec::new());
    serve(&Core, &mut input.as_bytes(), &mut output, &mut log).unwrap();
    let lines = String::from_utf8(output).unwrap();
    (lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), String::from_utf8(log).unwrap())
}

#[test]
fn lines_are_answered_until_the_input_ends() {
    let case = Sample::ed25519(THEN).unwrap().to_verify(9_007_199_254_740_991, THEN);
    let case = serde_json::to_string(&Request::Verify(Box::new(case))).unwrap();
    let (answers, log) = served(&format!("{{\"op\":\"hello\",\"v\":1,\"id\":0,\"suite\":\"x\"}}\n\n{case}\r\n{case}"));
    assert_eq!((&answers[0]["impl"], &answers[0]["clock"]), (&json!("portal-core"), &json!("injected")));
    for answer in &answers[1..] {
        assert_eq!((&answer["id"], &answer["outcome"]), (&json!(9_007_199_254_740_991_u64), &json!("accepted")));
    }
    assert_eq!((answers.len(), log.as_str()), (3, ""));
}

#[test]
fn what_is_wrong_with_a_line_is_said_and_costs_no_more_than_it() {
    let (answers, log) = served(concat!(
        "{\"op\":\"frobnicate\",\"id\":1}\n",
        "{\"op\":\"verify\",\"id\":2}\n",
        "{\"id\":3}\n",
        "{\"op\":\"hello\",\"id\":4,\"v\":2,\"suite\":\"x\"}\n",
        "nonsense\n",
        "[]\n",
        "{\"op\":\"verify\",\"id\":\"5\"}\n",
        "\u{0}\n",
        "{\"op\":\"hello\",\"id\":6,\"v\":1,\"suite\":\"x\"}\n",
    ));
    let outcomes: Vec<_> = answers.iter().map(|answer| (answer["id"].clone(), answer["outcome"].clone())).collect();
    let expected = [(1, "unsupported"), (2, "error"), (3, "error"), (4, "error")];
    assert_eq!(outcomes[..4], expected.map(|(id, outcome)| (json!(id), json!(outcome))));
    assert!(answers[1]["reason"].as_str().unwrap().contains("message_b64"), "{}", answers[1]);
    assert!(answers[3]["reason"].as_str().unwrap().contains("version 2"), "{}", answers[3]);
    assert_eq!(answers[4]["id"], 6);
    assert_eq!((answers.len(), log.lines().count()), (5, 4), "{log}");
}

#[test]
fn a_line_without_end_is_passed_over() {
    let long = "x".repeat(usize::try_from(MAX_LINE).unwrap() + 10);
    let (answers, log) = served(&format!("{long}\n{{\"op\":\"frobnicate\",\"id\":1}}\n{long}"));
    assert_eq!((answers.len(), log.lines().count()), (1, 2));
}
