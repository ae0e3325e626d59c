//! Requests: of apps through their doors, of people outside, straight to a Core.

use super::super::prelude::*;
use crate::trace::Party;
use crate::wire::{Call, Content};

pub(super) fn register(steps: &mut Steps) {
    steps.given_or_when(
        r#"^([a-z]+)'s ([a-z][a-z0-9-]*) calls ([a-z]+|"[^"]*") with ([A-Z]+) (\S+)(?: and (the body "[^"]*"|a body (?:of \d+ (?:bytes|KiB|MiB)|at the limit|over the limit)))?$"#,
        app_calls,
    );
    steps.when(
        r#"^(a stranger|[a-z]+'s owner|the terminal [a-z]+) sends ([A-Z]+) (\S+) to ([a-z]+)'s (Core|proxy|[a-z][a-z0-9-]*)(?: with (the body "[^"]*"|a body (?:of \d+ (?:bytes|KiB|MiB)|at the limit|over the limit)))?(?: over (HTTP/1\.1|HTTP/2))?$"#,
        outside_sends,
    );
    steps.when(r"^([a-z]+)'s ([a-z][a-z0-9-]*) sends ([A-Z]+) (\S+) to its Core$", app_asks);
    steps.when(r"^([a-z]+)'s Core is asked ([A-Z]+) (\S+)$", core_is_asked);
}

async fn app_calls(world: &mut World, args: Args) -> StepResult {
    let (portal, app) = (args.text(0), args.text(1));
    let peer = match args.text(2).strip_prefix('"') {
        Some(verbatim) => verbatim.trim_end_matches('"').to_owned(),
        None => world.scene().person(args.text(2))?.short_id().to_owned(),
    };
    let content = body::body(args.text(5), world.scene().body_limit()?)?;
    let target = format!("/internal/call_peer/{peer}{}", args.text(4));
    let call = request(args.text(3), &target, content, &args)?;
    let addressed = world.scene().called(app, &peer);
    send_through_door(world, portal, app, call, addressed).await
}

async fn app_asks(world: &mut World, args: Args) -> StepResult {
    let call = request(args.text(2), args.text(3), Content::None, &args)?;
    send_through_door(world, args.text(0), args.text(1), call, None).await
}

/// The app makes this request at its own door.
pub(crate) async fn send_through_door(
    world: &mut World,
    portal: &str,
    app: &str,
    call: Call,
    addressed: Option<Receiver>,
) -> StepResult {
    world.begin_sending().await;
    let call = world.scene().prepared(call, Party::app(portal, app))?;
    let result = world.scene().app(portal, app)?.ask(call.clone()).await;
    world.sent(Exchange::new(&call, addressed, result)?);
    Ok(())
}

async fn outside_sends(world: &mut World, args: Args) -> StepResult {
    let (portal, to) = (args.text(3), args.text(4));
    let client = match args.text(0) {
        "a stranger" => world.scene().testbed()?.outside().clone(),
        who => match who.strip_prefix("the terminal ") {
            Some(terminal) => world.scene().terminal(terminal)?.terminal.client.clone(),
            None => world.scene_mut().owner(who.trim_end_matches("'s owner")).await?,
        },
    };
    let content = body::body(args.text(5), world.scene().body_limit()?)?;
    let domain = world.scene().portal(portal)?.domain().to_owned();
    let (host, target, addressed) = match to {
        "Core" => (domain, format!("/core{}", args.text(2)), None),
        "proxy" => (domain, args.text(2).to_owned(), None),
        app => (format!("{app}.{domain}"), args.text(2).to_owned(), Some(Receiver::app(portal, app))),
    };
    let call = request(args.text(1), &target, content, &args)?;

    world.begin_sending().await;
    let call = world.scene().prepared(call, Party::Outside)?;
    let result = match args.text(6) {
        "HTTP/2" => client.send_http2(&host, call.clone()).await,
        _ => client.send(&host, call.clone()).await,
    };
    world.sent(Exchange::new(&call, addressed, result)?);
    Ok(())
}

async fn core_is_asked(world: &mut World, args: Args) -> StepResult {
    let call = request(args.text(1), args.text(2), Content::None, &args)?;
    world.begin_sending().await;
    let result = world.scene().portal(args.text(0))?.ask_core(call.clone()).await;
    let asked = Some(args.text(0)).filter(|_| args.text(2) == "/internal/auth");
    world.sent(Exchange::new(&call, None, result)?.asking(asked));
    Ok(())
}

/// A request with the fields of the table or the text under the step.
fn request(method: &str, target: &str, content: Content, args: &Args) -> StepResult<Call> {
    let mut call = Call::new(method, target);
    call = match content {
        Content::None => call,
        Content::Bytes(bytes) => call.body(bytes),
        Content::Generated(length) => call.generated(length),
    };
    for (name, value) in fields::lines_to_send(args.table_if_any())? {
        call = call.field(name, value);
    }
    if let Some(json) = args.doc_string_if_any() {
        call = call.field("Content-Type", "application/json").body(json.to_owned());
    }
    Ok(call)
}
