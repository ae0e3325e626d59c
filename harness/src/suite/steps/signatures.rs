//! Signatures of outgoing calls, as the receiver sees them: verified by the harness's own code.

mod digests;
mod parameters;
mod together;

use super::common::outcomes::the_only_one;
use super::prelude::*;
use crate::attack::keys::{RawKeyError, algorithm_name, verifies};
use crate::attack::{self, ReceivedSignature};
use crate::suite::kit::people::Person;
use crate::testbed::Received;
use crate::trace::SignatureOutcome;

pub(super) fn register(steps: &mut Steps) {
    steps.then(
        "^(the request that|whatever) ({receiver}) received carries exactly one signature of ({portal}), and it is valid$",
        carries_one,
    );
    steps.then(r#"^({portal})'s signature covers (the method and the whole target|"[^"]+")$"#, covers);
    steps.then("^({portal})'s signature covers none of the fields$", covers_none_of);
    steps.then(
        r#"^the signature of the app with the keyid "([^"]+)" arrived unchanged at ({receiver})$"#,
        arrived_unchanged,
    );
    parameters::register(steps);
    digests::register(steps);
    together::register(steps);
}

async fn carries_one(world: &mut World, args: Args) -> StepResult {
    let receiver = Receiver::parse(args.text(1));
    if args.text(0) == "whatever" && world.scene().arrivals(&receiver)? == 0 {
        return Ok(());
    }
    let received = the_only_one(world, &receiver)?;
    let person = world.scene().person(args.text(2))?;
    the_valid_one(world, args.text(2), &person, &received).map(drop)
}

async fn covers(world: &mut World, args: Args) -> StepResult {
    let signature = latest(world, args.text(0))?;
    let has = |name: &str| signature.covered.iter().any(|item| *item == format!("\"{name}\""));
    let (holds, expected) = match args.text(1) {
        "the method and the whole target" => (
            has("@method") && (has("@target-uri") || ["@authority", "@path", "@query"].into_iter().all(has)),
            "\"@method\" and either \"@target-uri\" or \"@authority\", \"@path\" and \"@query\" are covered".to_owned(),
        ),
        item => (has(item.trim_matches('"')), format!("{item} is covered")),
    };
    expect::holds(holds, expected, || told(&signature))
}

async fn covers_none_of(world: &mut World, args: Args) -> StepResult {
    let signature = latest(world, args.text(0))?;
    for row in args.table()?.rows() {
        let field = row.cell("field")?.to_ascii_lowercase();
        expect::holds(!signature.covers(&field), format!("\"{field}\" is not covered"), || told(&signature))?;
    }
    Ok(())
}

async fn arrived_unchanged(world: &mut World, args: Args) -> StepResult {
    let (keyid, receiver) = (args.text(0), Receiver::parse(args.text(1)));
    let sent = as_the_app_sent_it(world, keyid)?;
    let received = super::common::outcomes::the_latest(world, &receiver)?;
    let arrived = readable(&received)?;
    expect_distinct_labels(&arrived)?;
    let same = |one: &ReceivedSignature| {
        (&one.covered, &one.parameters, &one.signature) == (&sent.covered, &sent.parameters, &sent.signature)
    };
    let of_app: Vec<_> = arrived.iter().filter(|one| one.parameter("keyid") == Some(keyid)).collect();
    let expected = format!("one signature with the keyid {keyid}: {}", told(&sent));
    expect::holds(matches!(of_app.as_slice(), [one] if same(one)), expected, || list(&arrived))
}

/// The app's own signature in the request that it made at its door.
fn as_the_app_sent_it(world: &World, keyid: &str) -> StepResult<ReceivedSignature> {
    let trace_id = world.exchange()?.trace_id.clone().unwrap_or_default();
    let hops = world.scene().trace()?.hops(&trace_id);
    let first = hops.first().ok_or_else(|| StepFailure::error("the trace knows nothing of the latest request"))?;
    let view = attack::Received {
        method: &first.method,
        scheme: "https",
        host: "",
        path: &first.target,
        query: None,
        fields: &first.fields,
    };
    let sent = attack::signatures(&view).map_err(StepFailure::error)?;
    let own = sent.into_iter().find(|one| one.parameter("keyid") == Some(keyid));
    own.ok_or_else(|| StepFailure::error(format!("the app sent no signature with the keyid {keyid}")))
}

/// The public key is the Core's own word: that it can't be used is its fault.
fn no_key(name: &str, error: RawKeyError) -> StepFailure {
    StepFailure::fail(format!("a public key of {name}'s that one of the two algorithms takes"), error)
        .requirement("SIG-5")
}

/// The only signature under the Portal's keyid; fails the subject unless there is one and it verifies with its key.
fn the_valid_one(world: &World, name: &str, person: &Person, received: &Received) -> StepResult<ReceivedSignature> {
    let arrived = readable(received)?;
    expect_distinct_labels(&arrived)?;
    let own: Vec<_> = arrived.iter().filter(|one| one.parameter("keyid") == Some(person.short_id())).collect();
    let expected = format!("exactly one signature with {name}'s keyid {}", person.short_id());
    let [own] = own.as_slice() else {
        return Err(StepFailure::fail(expected, list(&arrived)));
    };
    let algorithm = algorithm_name(&person.public_key_pem).map_err(|error| no_key(name, error))?;
    let expected = format!("{name}'s signature verifies as {algorithm} over the request as it arrived");
    let rebuilt = own.base(&attack::Received::of(received));
    let rebuilt = rebuilt.map_err(|why| StepFailure::fail(&expected, format!("{why}: {}", told(own))))?;
    if verifies(&person.public_key_pem, rebuilt.as_bytes(), &own.signature).map_err(|error| no_key(name, error))? {
        return Ok((*own).clone());
    }
    let failure = StepFailure::fail(expected, format!("it does not: {}", told(own)));
    Err(match made(world, name, received)? {
        Some(made) => failure.bases(made, rebuilt),
        None => failure,
    })
}

/// The base that the Portal's Core says it signed, where it says so.
fn made(world: &World, portal: &str, received: &Received) -> StepResult<Option<String>> {
    let Some(trace_id) = received.trace_id() else { return Ok(None) };
    let events = world.scene().trace()?.signatures(trace_id);
    let of_portal = events.into_iter().filter(|event| event.portal == portal);
    Ok(of_portal.filter(|event| event.outcome == SignatureOutcome::Made).find_map(|event| event.base))
}

/// The Portal's signature on the latest request that anybody received; fails the subject if it is not valid.
fn latest(world: &World, name: &str) -> StepResult<ReceivedSignature> {
    let person = world.scene().person(name)?;
    let addressed = world.exchange()?.addressed.iter();
    for receiver in addressed.chain(world.scene().receivers()) {
        if let Some(received) = world.scene().received(receiver)?.last() {
            return the_valid_one(world, name, &person, received);
        }
    }
    let got = format!("none; the sender got {}", world.exchange()?.told());
    Err(StepFailure::fail(format!("a request with a signature of {name}"), got))
}

/// All signatures on a request; fails the subject where they can't be read.
fn readable(received: &Received) -> StepResult<Vec<ReceivedSignature>> {
    let signatures = attack::signatures(&attack::Received::of(received));
    signatures.map_err(|why| StepFailure::fail("signatures that can be read", why))
}

/// RFC 9421 §4: a label names one signature.
fn expect_distinct_labels(signatures: &[ReceivedSignature]) -> StepResult {
    let mut labels: Vec<&str> = signatures.iter().map(|signature| signature.label.as_str()).collect();
    labels.sort_unstable();
    let twice = labels.windows(2).find(|pair| pair[0] == pair[1]);
    match twice {
        None => Ok(()),
        Some(pair) => Err(StepFailure::fail("no label stands twice", format!("{} twice", pair[0]))),
    }
}

fn told(signature: &ReceivedSignature) -> String {
    let bytes = if signature.signature.is_empty() { " without signature" } else { "" };
    format!("{}={}{bytes}", signature.label, signature.input)
}

fn list(signatures: &[ReceivedSignature]) -> String {
    match signatures {
        [] => "no signature at all".to_owned(),
        some => some.iter().map(told).collect::<Vec<_>>().join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature(label: &str) -> ReceivedSignature {
        ReceivedSignature {
            label: label.into(),
            input: "();created=1".into(),
            covered: Vec::new(),
            parameters: Vec::new(),
            signature: vec![1],
        }
    }

    #[test]
    fn a_label_names_one_signature() {
        assert!(expect_distinct_labels(&[signature("a"), signature("b")]).is_ok());
        let twice = expect_distinct_labels(&[signature("a"), signature("b"), signature("a")]).unwrap_err();
        assert_eq!((twice.is_fail(), twice.got()), (true, "a twice"));
    }

    #[test]
    fn signatures_are_told_as_they_stand_there() {
        assert_eq!(list(&[]), "no signature at all");
        let orphan = ReceivedSignature { signature: Vec::new(), ..signature("b") };
        assert_eq!(list(&[signature("a"), orphan]), "a=();created=1, b=();created=1 without signature");
    }
}
