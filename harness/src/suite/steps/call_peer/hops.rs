//! The way of a call, hop by hop, and apps that pass calls on.

use super::super::prelude::*;
use crate::testbed::Answer as AppAnswer;
use crate::trace::{Hop, HopKind, Party};
use crate::wire::Call;

pub(super) fn register(steps: &mut Steps) {
    steps.then("the hops are", hops_are);
    steps.given("^({portal})'s ({app}) passes calls on to ({portal})$", passes_on);
}

async fn hops_are(world: &mut World, args: Args) -> StepResult {
    let trace_id = world.exchange()?.trace_id.clone();
    let trace_id = trace_id.ok_or_else(|| StepFailure::error("the latest request was not traced"))?;
    let mut expected = Vec::new();
    for row in args.table()?.rows() {
        expected.push([row.cell("from")?, row.cell("to")?, row.cell("what")?].map(str::to_owned));
    }
    expect_way(world, &trace_id, expected)
}

/// Fails with the first hop of that request that differs.
pub(super) fn expect_way(world: &World, trace_id: &str, mut expected: Vec<[String; 3]>) -> StepResult {
    let mut got: Vec<_> = world.scene().trace()?.hops(trace_id).iter().map(row).collect();
    if world.scene().testbed()?.subject().proxy().is_some() {
        // What reaches a proxy under test, and leaves it to the outside, is under TLS: nobody notes it.
        expected.retain(seen_around_a_proxy);
        got.retain(seen_around_a_proxy);
    }
    expect_hops(&expected, &got)
}

/// Whether it is noted by somebody else than the proxy: both sides belong to one Portal.
fn seen_around_a_proxy([from, to, _]: &[String; 3]) -> bool {
    let portal = |party: &str| party.split_once(' ').map(|(portal, _)| portal.to_owned());
    portal(from).is_some() && portal(from) == portal(to)
}

/// Fails with the first hop that differs.
fn expect_hops(expected: &[[String; 3]], got: &[[String; 3]]) -> StepResult {
    if expected == got {
        return Ok(());
    }
    let at = expected.iter().zip(got).take_while(|(expected, got)| expected == got).count();
    let told = |hops: &[[String; 3]]| match hops.get(at) {
        Some([from, to, what]) => format!("hop {}: {from} -> {to}: {what}", at + 1),
        None => format!("no hop {}", at + 1),
    };
    let all: Vec<_> = got.iter().map(|[from, to, what]| format!("{from} -> {to}: {what}")).collect();
    Err(StepFailure::fail(told(expected), format!("{}; all hops: {}", told(got), all.join("; "))).hop(told(got)))
}

/// A hop as the tables of features tell it.
fn row(hop: &Hop) -> [String; 3] {
    let what = match (hop.kind, hop.status) {
        (HopKind::Answer, Some(status)) => status.to_string(),
        _ => format!("{} {}", hop.method, hop.target),
    };
    [party(&hop.from), party(&hop.to), what]
}

fn party(party: &Party) -> String {
    match party {
        Party::App { portal, app } => format!("{portal} {app}"),
        Party::Core { portal } => format!("{portal} core"),
        Party::Proxy { portal } => format!("{portal} proxy"),
        Party::Outside => "outside".to_owned(),
    }
}

async fn passes_on(world: &mut World, args: Args) -> StepResult {
    let (portal, name) = (args.text(0), args.text(1));
    let peer = world.scene().person(args.text(2))?.short_id().to_owned();
    let app = world.scene().app(portal, name)?;
    let passed_on = AppAnswer::computed(move |received| {
        let (app, peer) = (app.clone(), peer.clone());
        async move {
            let target = format!("/internal/call_peer/{peer}{}", received.target);
            let mut call = Call::new(&received.method, target);
            if let Some(body) = received.body().filter(|body| !body.is_empty()) {
                call = call.body(body);
            }
            if let Some(trace_id) = received.trace_id() {
                call = call.field(crate::trace::TRACE_FIELD, trace_id);
            }
            match app.ask(call).await {
                Ok(reply) => AppAnswer::status(reply.status).body(reply.body),
                Err(error) => AppAnswer::status(500).body(format!("the call that was passed on failed: {error}")),
            }
        }
    });
    world.scene_mut().answer_with(&Receiver::app(portal, name), passed_on, 200, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[[&str; 3]]) -> Vec<[String; 3]> {
        rows.iter().map(|row| row.map(str::to_owned)).collect()
    }

    #[test]
    fn around_a_proxy_under_test_all_is_seen_but_what_is_under_tls() {
        let all = rows(&[
            ["alice chat", "alice core", "GET /"],
            ["alice core", "bob proxy", "GET /"],
            ["bob proxy", "bob core", "GET /internal/auth"],
            ["bob proxy", "outside", "200"],
            ["outside", "bob proxy", "GET /"],
            ["bob chat", "bob proxy", "200"],
        ]);
        let seen: Vec<_> = all.iter().filter(|row| seen_around_a_proxy(row)).collect();
        assert_eq!(seen, [&all[0], &all[2], &all[5]]);
    }

    #[test]
    fn not_one_hop_more_or_less() {
        let two = rows(&[["a x", "a core", "GET /"], ["a core", "a x", "200"]]);
        expect_hops(&two, &two).unwrap();
        let failure = expect_hops(&two, &two[..1]).unwrap_err();
        assert_eq!(failure.expected(), "hop 2: a core -> a x: 200");
        assert!(failure.got().starts_with("no hop 2"));
        assert_eq!(expect_hops(&two[..1], &two).unwrap_err().expected(), "no hop 2");
        let other = rows(&[["a x", "b core", "GET /"], ["a core", "a x", "200"]]);
        assert!(expect_hops(&two, &other).unwrap_err().got().starts_with("hop 1: a x -> b core"));
    }
}
