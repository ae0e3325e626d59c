//! Requests: of apps through their doors, of people outside, straight to a Core.

use super::super::prelude::*;
use crate::suite::kit::way::{Request, Way};
use crate::testbed::OutsideClient;
use crate::wire::{Call, Content};

pub(super) fn register(steps: &mut Steps) {
    steps.given_or_when(
        r#"^({portal})'s ({app}) calls ({portal}|"[^"]*") with ([A-Z]+) (\S+)(?: and (the body "[^"]*"|the file "[^"]*"|a body (?:of \d+ (?:bytes|KiB|MiB)|at the limit|over the limit)))?$"#,
        app_calls,
    );
    steps.when(
        r#"^(a stranger|{portal}'s owner|the terminal {terminal}) sends ([A-Z]+) (\S+) to ({portal})'s (Core|proxy|{app})(?: with (the body "[^"]*"|the file "[^"]*"|a body (?:of \d+ (?:bytes|KiB|MiB)|at the limit|over the limit)))?(?: over (HTTP/1\.1|HTTP/2))?$"#,
        outside_sends,
    );
    steps.when(r"^({portal})'s ({app}) sends ([A-Z]+) (\S+) to its Core$", app_asks);
    steps.when(r"^({portal})'s Core is asked ([A-Z]+) (\S+)$", core_is_asked);
}

async fn app_calls(world: &mut World, args: Args) -> StepResult {
    let (portal, app) = (args.text(0), args.text(1));
    let peer = match args.text(2).strip_prefix('"') {
        Some(verbatim) => verbatim.trim_end_matches('"').to_owned(),
        None => world.scene().person(args.text(2))?.short_id().to_owned(),
    };
    let target = format!("/internal/call_peer/{peer}{}", args.text(4));
    let call = request(world, args.text(3), &target, args.text(5), &args)?;
    let addressed = world.scene().called(app, &peer);
    send_through_door(world, portal, app, call, addressed).await
}

async fn app_asks(world: &mut World, args: Args) -> StepResult {
    let call = request(world, args.text(2), args.text(3), "", &args)?;
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
    let way = Way::Door(world.scene().app(portal, app)?);
    world.send(Request { way, call, addressed }).await
}

async fn outside_sends(world: &mut World, args: Args) -> StepResult {
    let from_outside = from_outside(world, args.text(0), args.text(3), args.text(4), args.text(2)).await?;
    let FromOutside { client, host, target, addressed } = from_outside;
    let call = request(world, args.text(1), &target, args.text(5), &args)?;
    let way = Way::Outside { client, host, http2: args.text(6) == "HTTP/2" };
    world.send(Request { way, call, addressed }).await
}

/// Who outside asks whom for what.
pub(crate) struct FromOutside {
    pub(crate) client: OutsideClient,
    pub(crate) host: String,
    pub(crate) target: String,
    pub(crate) addressed: Option<Receiver>,
}

/// `a stranger`, `bob's owner` or `the terminal phone` asks an app of a Portal, its `Core` or its `proxy`.
pub(crate) async fn from_outside(
    world: &mut World,
    who: &str,
    portal: &str,
    to: &str,
    target: &str,
) -> StepResult<FromOutside> {
    let client = match who {
        "a stranger" => world.scene().testbed()?.outside().clone(),
        who => match who.strip_prefix("the terminal ") {
            Some(terminal) => world.scene().terminal(terminal)?.terminal.client.clone(),
            None => world.scene_mut().owner(who.trim_end_matches("'s owner")).await?,
        },
    };
    let domain = world.scene().portal(portal)?.domain().to_owned();
    let (host, target, addressed) = match to {
        "Core" => (domain, format!("/core{target}"), None),
        "proxy" => (domain, target.to_owned(), None),
        app => (format!("{app}.{domain}"), target.to_owned(), Some(Receiver::app(portal, app))),
    };
    Ok(FromOutside { client, host, target, addressed })
}

async fn core_is_asked(world: &mut World, args: Args) -> StepResult {
    let call = request(world, args.text(1), args.text(2), "", &args)?;
    let way = Way::Core(world.scene().portal(args.text(0))?.clone());
    world.send(Request { way, call, addressed: None }).await
}

/// A request with the body that the sentence says, and the fields of the table or the JSON under the step.
pub(crate) fn request(world: &World, method: &str, target: &str, said: &str, args: &Args) -> StepResult<Call> {
    let mut call = Call::new(method, target);
    call = match world.content(said)? {
        Content::None => call,
        Content::Bytes(bytes) => call.body(bytes),
        Content::Generated(length) => call.generated(length),
    };
    for (name, value) in fields::lines_to_send(args.table_if_any())? {
        call = call.field(name, value);
    }
    let is_json_file = said.starts_with("the file") && said.ends_with(".json\"");
    if is_json_file && !call.fields().contains("content-type") {
        call = call.field("Content-Type", "application/json");
    }
    if let Some(json) = args.doc_string_if_any() {
        call = call.field("Content-Type", "application/json").body(json.to_owned());
    }
    Ok(call)
}
