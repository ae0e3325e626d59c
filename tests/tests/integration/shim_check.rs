//! `countersign shim check` finds what is wrong with a shim, at the step where it is wrong, and nothing else.

use std::time::Duration;

use countersign::vectors::shim::check::{Findings, State, Step, check};
use portal_core::clock::{SystemClock, unix_seconds};

const LONG: Duration = Duration::from_secs(30);
/// For those that don't answer at all.
const SHORT: Duration = Duration::from_secs(3);

fn checked(command: &str, limit: Duration) -> Findings {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let now = unix_seconds(&SystemClock);
    runtime.block_on(check(&command.parse().unwrap(), now, limit, &mut |_| {})).unwrap()
}

fn mutant(defect: &str, limit: Duration) -> Findings {
    checked(&format!("'{}' '{defect}'", env!("CARGO_BIN_EXE_mutant-shim")), limit)
}

fn not_fine(findings: &Findings) -> Vec<&Step> {
    let not_fine = |step: &&Step| !matches!(step.state, State::Fine | State::Skipped { .. });
    findings.steps.iter().filter(not_fine).collect()
}

/// Each of these steps, and no other, is not fine, and says this about it.
#[track_caller]
fn assert_found(defect: &str, limit: Duration, expected: &[(&str, &str)]) -> Findings {
    let findings = mutant(defect, limit);
    let found = not_fine(&findings);
    let told: String = found.iter().map(ToString::to_string).collect();
    let names: Vec<_> = found.iter().map(|step| step.name).collect();
    assert_eq!(names.len(), expected.len(), "{defect}:\n{told}");
    for (step, (name, says)) in found.iter().zip(expected) {
        assert!(step.name.contains(name), "{defect}: {} is not {name}\n{told}", step.name);
        assert!(step.to_string().contains(says), "{defect}: lacks {says}\n{step}");
        assert!(!step.expected.is_empty() && step.to_string().contains("to do "), "{step}");
    }
    findings
}

#[test]
fn a_shim_that_keeps_to_the_protocol_passes_all_steps() {
    for right in ["", "answers in the opposite order", "logs on standard error"] {
        let findings = assert_found(right, LONG, &[]);
        assert_eq!((findings.wrong(), findings.died(), findings.partial()), (0, false, false));
        assert_eq!(findings.count(|state| matches!(state, State::Fine)), 16);
    }
    let noisy = mutant("logs on standard error", LONG);
    assert!(noisy.steps.iter().any(|step| step.to_string().contains("verbose, but where it belongs")));
}

#[test]
fn one_that_does_not_come_up_is_told_why() {
    let findings = checked("no/such/shim", LONG);
    assert!(findings.died() && findings.steps.len() == 1);
    assert!(findings.steps[0].to_string().contains("`no/such/shim` can't be started"));
    let died = assert_found("dies at once", LONG, &[("starts", "exit status: 3")]);
    assert!(died.died() && died.steps[0].to_string().contains("ended before its first answer"));
    assert!(assert_found("does not answer", SHORT, &[("starts", "flush after each")]).died());
    assert!(assert_found("says a greeting", LONG, &[("starts", "\"Ready.\"")]).died());
}

#[test]
fn what_is_wrong_with_hello_is_named() {
    assert_found(
        "says hello without a clock",
        LONG,
        &[("hello says", "`clock` is missing: it is one of injected, system")],
    );
    assert_found(
        "invents a feature",
        LONG,
        &[("hello says", "`features[1]` is \"trailers\", but must be one of sf, key")],
    );
    let partial = assert_found("knows only RSA", LONG, &[("core set", "does not declare the algorithm ed25519")]);
    assert!(partial.partial() && partial.wrong() == 0);
    assert_found("can only digest", LONG, &[("core set", "does not declare the op verify"), ("base", "neither")]);
    assert_found("does not show the base", LONG, &[("base: the base", "neither")]);
    let enough = assert_found("declares no op for the base", LONG, &[]);
    assert!(!enough.partial());
}

#[test]
fn ids_come_back_as_they_were() {
    let forgotten = mutant("forgets the id", LONG);
    assert!(forgotten.wrong() > 5);
    let told: String = forgotten.steps.iter().map(ToString::to_string).collect();
    assert!(told.contains("`id` is 0, the request's was 1") && told.contains("there is no answer to"), "{told}");
    let text = mutant("writes the id as text", LONG);
    assert!(text.steps[1].to_string().contains("`id` is \"0\""), "{}", text.steps[1]);
    assert_found("rounds the id", LONG, &[("several", "there is no answer to 9007199254740991")]);
    assert_found("reads only the last line", SHORT, &[("several", "there is no answer to")]);
}

#[test]
fn outcomes_are_those_of_the_library() {
    let accepts =
        [("does not hold", "accepted"), ("digest: other", "accepted"), ("several", "has the outcome \"accepted\"")];
    assert_found("accepts everything", LONG, &accepts);
    let refuses = mutant("refuses everything", LONG);
    let names: Vec<_> = not_fine(&refuses).iter().map(|step| step.name).collect();
    assert!(names.contains(&"verify: a signature that holds is accepted"), "{names:?}");
    assert!(names.contains(&"a message of one MiB is taken"), "{names:?}");
    let valid = mutant("says valid", LONG);
    assert!(not_fine(&valid)[0].to_string().contains("`outcome` is \"valid\", but must be one of accepted"));
}

#[test]
fn what_is_made_is_checked() {
    assert_found("says base", LONG, &[("base: the base", "there is no field `base`; there are: id, outcome")]);
    assert_found("ends the base with a line feed", LONG, &[("base: the base", "without a line feed behind the last")]);
    let line = "line 2 of the base is\n                      \"@path\": /foo";
    assert_found("leaves the authority out", LONG, &[("base: the base", line)]);
    assert_found("signs something else", LONG, &[("sign", "not that of the base")]);
    assert_found("writes base64url", LONG, &[("sign", "but must be bytes in base64")]);
    assert_found("forgets what is asked for", LONG, &[("accept", "asked for is (\"@method\" \"@authority\"")]);
}

#[test]
fn what_is_no_request_neither_kills_nor_confuses() {
    let died = assert_found(
        "dies of what it does not know",
        LONG,
        &[("unknown op", "exit status: 101"), ("incomplete", "exit status: 101"), ("no JSON", "exit status: 101")],
    );
    assert!(died.died());
    assert_found("rejects what is incomplete", LONG, &[("incomplete", "`outcome` is \"rejected\", expected is error")]);
    assert_found("answers what is no request", LONG, &[("no JSON", "its id is null")]);
}

#[test]
fn the_end_of_the_input_is_the_end_of_the_shim() {
    assert_found("stays", SHORT, &[("ends when", "no answer within")]);
    assert_found("ends with an error", LONG, &[("ends when", "exit status: 1")]);
    assert_found("says goodbye", LONG, &[("ends when", "{\"bye\":true}")]);
}
