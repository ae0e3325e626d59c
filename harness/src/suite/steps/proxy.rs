//! The proxy as the outside meets it: its ports, its reading of messages, what it lets through unchanged.

use super::prelude::*;
use crate::suite::kit::exchange::Outcome;
use crate::testbed::{Answer as AppAnswer, Received};
use crate::trace::Party;
use crate::wire::{Call, WireError};

pub(crate) mod bytes;
pub(crate) mod connections;
mod streams;

pub(super) fn register(steps: &mut Steps) {
    bytes::register(steps);
    connections::register(steps);
    streams::register(steps);
    steps.when(
        r"^a stranger sends ([A-Z]+) (\S+) to ({portal})'s ({app}) in plain HTTP at the port for (HTTP|TLS)$",
        sends_plainly,
    );
    steps.then("it is redirected to https or refused", is_redirected_or_refused);
    steps.then("^the cookie of the terminal ({terminal}) did not reach ({receiver})$", cookie_did_not_reach);
    steps.given(
        r#"^({receiver}) answers with the body "([^"]*)" and the trailer "([^"]+)" of "([^"]*)"$"#,
        answers_with_trailer,
    );
    steps.then("^({receiver}) received the trailers$", received_trailers);
    steps.then(r#"^the answer has the trailer "([^"]+)" of "([^"]*)"$"#, answer_has_trailer);
}

async fn sends_plainly(world: &mut World, args: Args) -> StepResult {
    let (portal, app) = (args.text(2), args.text(3));
    let at = world.scene().portal(portal)?;
    let address = if args.text(4) == "HTTP" { at.plain_address() } else { at.proxy_address() };
    let outside = world.scene().testbed()?.outside().clone();
    let host = outside.authority(&at.host_of(app));
    world.begin_sending().await;
    let call = world.scene().prepared(Call::new(args.text(0), args.text(1)), Party::Outside)?;
    let call = call.field("Host", &host);
    let result = outside.plain(address, &host, call.clone()).await;
    world.sent(Exchange::new(&call, Some(Receiver::app(portal, app)), result)?);
    Ok(())
}

async fn is_redirected_or_refused(world: &mut World, _: Args) -> StepResult {
    let exchange = world.exchange()?;
    let host = match &exchange.addressed {
        Some(Receiver::App { portal, app }) => world.scene().portal(portal)?.host_of(app),
        _ => return Err(StepFailure::mistake("the latest request went to no app")),
    };
    let there = format!("https://{}{}", world.scene().testbed()?.outside().authority(&host), exchange.target);
    let expected = || format!("a redirect to {there}, a refusal, or no HTTP at all");
    match &exchange.outcome {
        Outcome::Answered(answer) if [301, 307, 308].contains(&answer.status) => {
            let location = answer.field("location");
            expect::holds(location.as_deref() == Some(&there), expected(), || {
                format!("status {} with Location {}", answer.status, location.unwrap_or_default())
            })
        }
        Outcome::Answered(answer) if (400..500).contains(&answer.status) => Ok(()),
        Outcome::Nothing(WireError::TooSlow { .. }) => Err(StepFailure::timeout(expected(), exchange.told())),
        Outcome::Nothing(_) => Ok(()),
        _ => Err(StepFailure::fail(expected(), exchange.told())),
    }
}

async fn cookie_did_not_reach(world: &mut World, args: Args) -> StepResult {
    let cookie = world.scene().terminal(args.text(0))?.cookie_value().to_owned();
    let receiver = Receiver::parse(args.text(1));
    let received = world.scene().ever_received(&receiver)?;
    expect::holds(!received.is_empty(), format!("{receiver} received a request, without the cookie"), || {
        "none".to_owned()
    })?;
    let shown = received.iter().find_map(|request| place_of(&cookie, request));
    expect::holds(shown.is_none(), format!("{receiver} never sees the cookie of {}", args.text(0)), || {
        format!("it stands in {}", shown.unwrap_or_default())
    })
}

/// Where in the request the text stands.
fn place_of(text: &str, request: &Received) -> Option<String> {
    let lines = || request.fields.iter().chain(&request.trailers);
    if let Some((name, _)) = lines().find(|(name, value)| name.contains(text) || value.contains(text)) {
        return Some(format!("the field {name}"));
    }
    let body = request.body().unwrap_or_default();
    let in_body = body.windows(text.len().max(1)).any(|part| part == text.as_bytes());
    if request.target.contains(text) { Some("the target".to_owned()) } else { in_body.then(|| "the body".to_owned()) }
}

async fn answers_with_trailer(world: &mut World, args: Args) -> StepResult {
    let content = body::body(&format!("the body \"{}\"", args.text(1)), None)?;
    let answer = AppAnswer::status(200).body(args.text(1).to_owned()).trailer(args.text(2), args.text(3));
    world.scene_mut().answer_with(&Receiver::parse(args.text(0)), answer, 200, Some(&content))
}

async fn received_trailers(world: &mut World, args: Args) -> StepResult {
    let receiver = Receiver::parse(args.text(0));
    let received = super::common::outcomes::the_latest(world, &receiver)?;
    let who = format!("{receiver} received a request, after its body");
    fields::expect_lines(&who, args.table()?, &received.trailers, fields::Empty::AbsentOrEmpty)
}

async fn answer_has_trailer(world: &mut World, args: Args) -> StepResult {
    let trailers = world.answer()?.trailers.to_readable();
    let got = fields::values(&trailers, args.text(0));
    expect::holds(got == [args.text(1)], format!("the trailer {}: {}", args.text(0), args.text(1)), || {
        if got.is_empty() { "no such trailer".to_owned() } else { got.join(" | ") }
    })
}
