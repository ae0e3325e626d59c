//! Calls while something goes wrong: in the middle of them, several in a row, until one succeeds.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, timeout_at};

use super::super::common::requests::send_through_door;
use super::super::prelude::*;
use super::{begin, end};
use crate::suite::kit::exchange::Outcome;
use crate::trace::{Party, TRACE_FIELD};
use crate::wire::Call;

/// Between two tries.
const AGAIN: Duration = Duration::from_millis(20);

pub(super) fn register(steps: &mut Steps) {
    steps.when(
        r#"^({portal})'s ({app}) calls ({portal}) with ([A-Z]+) (\S+), and once that has arrived, this fault is on: "([^"]+)"$"#,
        fails_when_arrived,
    );
    steps.when(
        r#"^({portal})'s ({app}) calls ({portal}) with ([A-Z]+) (\S+) while for (\d+) ms this fault is on: "([^"]+)"$"#,
        fails_for_a_while,
    );
    steps.when(
        r"^({portal})'s ({app}) calls ({portal}) with ([A-Z]+) (\S+), and before that is answered, ({portal}) with ([A-Z]+) (\S+)$",
        calls_another_meanwhile,
    );
    steps.when(r"^({portal})'s ({app}) calls ({portal}) (\d+) times in a row with ([A-Z]+) (\S+)$", calls_in_a_row);
    steps.when(
        r"^({portal})'s ({app}) calls ({portal}) with ([A-Z]+) (\S+) until the answer is (\d{3}), for (\d+) seconds at most$",
        calls_until,
    );
    steps.then(r"^it took at least (\d+) ms$", took_at_least);
    steps.then(r"^each answer is (\d{3}(?:(?:, | or )\d{3})*)$", each_answer_is);
    steps.then("^({receiver}) received each call that was answered 200, and none twice$", received_what_was_answered);
}

/// A call, as the first five captures say it, and whom it is meant for.
fn call_of(world: &World, args: &Args) -> StepResult<(Call, Option<Receiver>)> {
    call_to(world, args, [2, 3, 4])
}

/// The same with peer, method and path of these captures.
fn call_to(world: &World, args: &Args, [peer, method, path]: [usize; 3]) -> StepResult<(Call, Option<Receiver>)> {
    let peer = world.scene().person(args.text(peer))?.short_id().to_owned();
    let target = format!("/internal/call_peer/{peer}{}", args.text(path));
    Ok((Call::new(args.text(method), target), world.scene().called(args.text(1), &peer)))
}

/// The first call is given up once the other one is answered: that one is "it".
async fn calls_another_meanwhile(world: &mut World, args: Args) -> StepResult {
    let (portal, app) = (args.text(0), args.text(1));
    let (first, hanging) = call_of(world, &args)?;
    let (call, addressed) = call_to(world, &args, [5, 6, 7])?;
    world.begin_sending().await;
    let first = world.scene().prepared(first, Party::app(portal, app))?;
    let call = world.scene().prepared(call, Party::app(portal, app))?;
    let sender = world.scene().app(portal, app)?;
    let result = tokio::select! {
        biased;
        early = sender.ask(first.clone()) => {
            let told = Exchange::new(&first, hanging, early)?.told();
            return Err(StepFailure::fail(format!("the call to {} waits for no other", args.text(5)), format!("the one to {} ended first: {told}", args.text(2))));
        }
        result = sender.ask(call.clone()) => result,
    };
    world.sent(Exchange::new(&call, addressed, result)?);
    Ok(())
}

async fn fails_when_arrived(world: &mut World, args: Args) -> StepResult {
    let (portal, app) = (args.text(0), args.text(1));
    let (call, addressed) = call_of(world, &args)?;
    let receiver =
        addressed.clone().ok_or_else(|| StepFailure::mistake(format!("nobody is behind {}", args.text(2))))?;
    world.begin_sending().await;
    let call = world.scene().prepared(call, Party::app(portal, app))?;
    let sender = world.scene().app(portal, app)?;
    let mut calling = std::pin::pin!(sender.ask(call.clone()));
    tokio::select! {
        biased;
        early = &mut calling => {
            let got = Exchange::new(&call, addressed, early)?.told();
            return Err(StepFailure::fail(format!("the call arrives at {receiver} and waits there"), got));
        }
        arrived = arrives(world, &receiver) => arrived?,
    }
    begin(world, args.text(5)).await?;
    let result = calling.await;
    world.sent(Exchange::new(&call, addressed, result)?);
    Ok(())
}

/// It is there as a whole, and what comes of it there is decided.
async fn arrives(world: &World, receiver: &Receiver) -> StepResult {
    world.scene().arrival(receiver).await?;
    world.scene().settled(receiver).await
}

async fn fails_for_a_while(world: &mut World, args: Args) -> StepResult {
    let (portal, app) = (args.text(0), args.text(1));
    let (call, addressed) = call_of(world, &args)?;
    world.begin_sending().await;
    begin(world, args.text(6)).await?;
    let call = world.scene().prepared(call, Party::app(portal, app))?;
    let sender = world.scene().app(portal, app)?;
    let over = Instant::now() + Duration::from_millis(args.get(5)?);
    let mut calling = std::pin::pin!(sender.ask(call.clone()));
    let early = timeout_at(over, &mut calling).await.ok();
    end(world, args.text(6)).await?;
    let result = match early {
        Some(result) => result,
        None => calling.await,
    };
    world.sent(Exchange::new(&call, addressed, result)?);
    Ok(())
}

/// Of a row of calls the trace id of each, and the status, where there was an answer.
#[derive(Debug, Default)]
struct Row(Vec<(String, Result<u16, String>)>);

async fn calls_in_a_row(world: &mut World, args: Args) -> StepResult {
    let (portal, app) = (args.text(0), args.text(1));
    let peer = world.scene().person(args.text(2))?.short_id().to_owned();
    let addressed = world.scene().called(app, &peer);
    let call = Call::new(args.text(4), format!("/internal/call_peer/{peer}{}", args.text(5)));
    world.begin_sending().await;
    let mut row = Row::default();
    for _ in 0..args.get::<usize>(3)? {
        let call = world.scene().prepared(call.clone(), Party::app(portal, app))?;
        let result = world.scene().app(portal, app)?.ask(call.clone()).await;
        let exchange = Exchange::new(&call, addressed.clone(), result)?;
        let status = match &exchange.outcome {
            Outcome::Answered(answer) => Ok(answer.status),
            _ => Err(exchange.told()),
        };
        row.0.push((exchange.trace_id.clone().unwrap_or_default(), status));
        world.sent(exchange);
    }
    *world.part::<Row>() = row;
    Ok(())
}

async fn calls_until(world: &mut World, args: Args) -> StepResult {
    let wanted: u16 = args.get(5)?;
    let within = Duration::from_secs(args.get(6)?);
    let until = Instant::now() + within;
    let mut again = tokio::time::interval(AGAIN);
    again.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        again.tick().await;
        let (call, addressed) = call_of(world, &args)?;
        send_through_door(world, args.text(0), args.text(1), call, addressed).await?;
        let exchange = world.exchange()?;
        match &exchange.outcome {
            Outcome::Answered(answer) if answer.status == wanted => return Ok(()),
            _ if Instant::now() >= until => {
                let expected = format!("status {wanted} within {within:?}");
                return Err(StepFailure::fail(expected, format!("at last {}", exchange.told())));
            }
            _ => {}
        }
    }
}

async fn took_at_least(world: &mut World, args: Args) -> StepResult {
    let (took, least) = (world.exchange()?.took, Duration::from_millis(args.get(0)?));
    // What came sooner did not go the way that it should have gone: that is the testbed's affair.
    match took >= least {
        true => Ok(()),
        false => Err(StepFailure::error(format!("it took {took:?}, and the fault wants {least:?} at least"))),
    }
}

async fn each_answer_is(world: &mut World, args: Args) -> StepResult {
    let listed = args.text(0).replace(" or ", ", ");
    let allowed: Vec<u16> = listed.split(", ").filter_map(|status| status.parse().ok()).collect();
    let row = world.part::<Row>();
    for (number, (_, status)) in row.0.iter().enumerate() {
        let got = match status {
            Ok(status) if allowed.contains(status) => continue,
            Ok(status) => status.to_string(),
            Err(told) => told.clone(),
        };
        return Err(StepFailure::fail(
            format!("each answer is {}", args.text(0)),
            format!("that to call {}: {got}", number + 1),
        ));
    }
    match row.0.is_empty() {
        true => Err(StepFailure::mistake("no calls were made in a row")),
        false => Ok(()),
    }
}

async fn received_what_was_answered(world: &mut World, args: Args) -> StepResult {
    let receiver = Receiver::parse(args.text(0));
    let mut arrived: BTreeMap<String, usize> = BTreeMap::new();
    for received in world.scene().received(&receiver)? {
        *arrived.entry(received.field(TRACE_FIELD).unwrap_or_default().to_owned()).or_default() += 1;
    }
    for (number, (id, status)) in world.part::<Row>().0.iter().enumerate() {
        let count = arrived.get(id).copied().unwrap_or_default();
        let told = || format!("call {} of the row, answered {status:?}, arrived {count} times", number + 1);
        expect::holds(count <= 1, format!("no call reaches {receiver} twice"), told)?;
        expect::holds(count == 1 || *status != Ok(200), format!("what is answered 200 reached {receiver}"), told)?;
    }
    Ok(())
}
