//! Many calls, and what no two of them may share.

use std::collections::HashMap;

use futures_util::future::join_all;

use super::super::prelude::*;
use super::readable;
use crate::attack::ReceivedSignature;
use crate::testbed::Answer as AppAnswer;
use crate::trace::Party;
use crate::wire::Call;

pub(super) fn register(steps: &mut Steps) {
    steps.when(
        r"^({portal})'s ({app}) calls ({portal}) (\d+) times at the same moment with ([A-Z]+) (\S+)$",
        calls_at_once,
    );
    steps.then("^no two requests that ({receiver}) ever received share a nonce or a signature$", share_nothing);
    steps.given("^({portal}) breaks off the first call that comes$", breaks_off_the_first);
}

async fn calls_at_once(world: &mut World, args: Args) -> StepResult {
    let (portal, app) = (args.text(0), args.text(1));
    let peer = world.scene().person(args.text(2))?.short_id().to_owned();
    let addressed = world.scene().called(app, &peer);
    let call = Call::new(args.text(4), format!("/internal/call_peer/{peer}{}", args.text(5)));
    world.begin_sending().await;
    let sender = world.scene().app(portal, app)?;
    let mut calls = Vec::new();
    for _ in 0..args.get::<usize>(3)? {
        let call = world.scene().prepared(call.clone(), Party::app(portal, app))?;
        let sender = sender.clone();
        calls.push(async move { (sender.ask(call.clone()).await, call) });
    }
    for (result, call) in join_all(calls).await {
        world.sent(Exchange::new(&call, addressed.clone(), result)?);
    }
    Ok(())
}

async fn share_nothing(world: &mut World, args: Args) -> StepResult {
    let receiver = Receiver::parse(args.text(0));
    let mut signatures = Vec::new();
    for name in world.scene().real_names() {
        let person = world.scene().person(&name)?;
        for received in world.scene().ever_received(&receiver)? {
            let all = readable(&received)?.into_iter();
            signatures.extend(all.filter(|one| one.parameter("keyid") == Some(person.short_id())));
        }
    }
    if signatures.len() < 2 {
        return Err(StepFailure::fail(
            format!("{receiver} received several signed requests"),
            format!("{} signatures of Portals", signatures.len()),
        ));
    }
    expect_distinct("nonce", &signatures, |one| one.parameter("nonce").map(str::to_owned))?;
    expect_distinct("signature", &signatures, |one| Some(format!("{:?}", one.signature)))
}

fn expect_distinct(
    what: &str,
    signatures: &[ReceivedSignature],
    of: impl Fn(&ReceivedSignature) -> Option<String>,
) -> StepResult {
    let mut seen: HashMap<String, &ReceivedSignature> = HashMap::new();
    for signature in signatures {
        let expected = format!("no {what} comes twice");
        let value = of(signature).ok_or_else(|| StepFailure::fail(format!("a {what}"), super::told(signature)))?;
        if let Some(before) = seen.insert(value, signature) {
            let got = format!("{} and {}", super::told(before), super::told(signature));
            return Err(StepFailure::fail(expected, got));
        }
    }
    Ok(())
}

async fn breaks_off_the_first(world: &mut World, args: Args) -> StepResult {
    world.scene().fake(args.text(0))?.front().answer_once(AppAnswer::raw(""));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature(nonce: &str) -> ReceivedSignature {
        ReceivedSignature {
            label: "sig1".into(),
            input: format!("();nonce=\"{nonce}\""),
            covered: Vec::new(),
            parameters: vec![("nonce".into(), nonce.into())],
            signature: Vec::new(),
        }
    }

    #[test]
    fn what_comes_twice_is_found() {
        let nonce = |one: &ReceivedSignature| one.parameter("nonce").map(str::to_owned);
        assert!(expect_distinct("nonce", &[signature("a"), signature("b")], nonce).is_ok());
        let twice = expect_distinct("nonce", &[signature("a"), signature("b"), signature("a")], nonce);
        assert!(twice.unwrap_err().is_fail());
        assert!(expect_distinct("tag", &[signature("a")], |one| one.parameter("tag").map(str::to_owned)).is_err());
    }
}
