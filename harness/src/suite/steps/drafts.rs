//! Hand-made requests: written, signed by Portals that the harness plays, spoilt in one place, sent.

mod changes;
pub(crate) mod signing;

use super::prelude::*;
use crate::attack::Draft;
use crate::trace::{Party, SignatureEvent, SignatureOutcome};
use crate::wire::{Call, Content};
use signing::Signing;

pub(super) fn register(steps: &mut Steps) {
    steps.given_or_when(
        r#"^a request ([A-Z]+) (\S+) to ({portal})'s ({app})(?: with (the body "[^"]*"|a body (?:of \d+ (?:bytes|KiB|MiB)|at the limit|over the limit)))?$"#,
        begins,
    );
    steps.given_or_when("^it carries the cookie of the terminal ({terminal})$", carries_cookie);
    steps.when("^it is sent( again)?$", is_sent);
    steps.when(r#"^({portal})'s Core is asked about it( again)?(?: without the field "([^"]+)")?$"#, core_is_asked);
    signing::register(steps);
    changes::register(steps);
}

/// The request in the making, and how it came about.
#[derive(Default)]
struct Drafts {
    draft: Option<Draft>,
    signings: Vec<Signing>,
}

/// The request in the making.
pub(crate) fn draft(world: &World) -> StepResult<&Draft> {
    world.recall_if_any::<Drafts>("").and_then(|drafts| drafts.draft.as_ref()).ok_or_else(missing)
}

/// The request in the making, to be changed.
pub(crate) fn draft_mut(world: &mut World) -> StepResult<&mut Draft> {
    world.part::<Drafts>().draft.as_mut().ok_or_else(missing)
}

/// Takes all signatures off and makes them once more: with other nonces, and at the present.
pub(crate) fn sign_anew(world: &mut World) -> StepResult {
    draft_mut(world)?.signatures.clear();
    for signing in std::mem::take(&mut world.part::<Drafts>().signings) {
        signing::sign(world, &signing)?;
        world.part::<Drafts>().signings.push(signing);
    }
    Ok(())
}

/// Sends the request to the proxy that it is addressed to, after a last change to how that is done. A sending step.
pub(crate) async fn send(world: &mut World, change: impl FnOnce(Call) -> Call) -> StepResult {
    let draft = draft(world)?.clone();
    let host = draft.host.split(':').next().unwrap_or_default().to_ascii_lowercase();
    let addressed = addressed(world, &host)?;
    world.begin_sending().await;
    let call = world.scene().prepared(change(call(&draft)), Party::Outside)?;
    note_signatures(world, &draft, &call)?;
    let result = world.scene().testbed()?.outside().send(&host, call.clone()).await;
    world.sent(Exchange::new(&call, addressed, result)?);
    Ok(())
}

async fn begins(world: &mut World, args: Args) -> StepResult {
    let host = format!("{}.{}", args.text(3), world.scene().person(args.text(2))?.host());
    let host = world.scene().testbed()?.outside().authority(&host);
    let mut draft = Draft::new(args.text(0), &host, args.text(1));
    draft.fields = fields::lines_to_send(args.table_if_any())?;
    draft.body = match body::body(args.text(4), world.scene().body_limit()?)? {
        Content::None => None,
        content => Some(all_of(&content)),
    };
    *world.part::<Drafts>() = Drafts { draft: Some(draft), signings: Vec::new() };
    Ok(())
}

async fn carries_cookie(world: &mut World, args: Args) -> StepResult {
    let cookie = world.scene().terminal(args.text(0))?.terminal.cookie.clone();
    draft_mut(world)?.fields.push(("Cookie".to_owned(), cookie));
    Ok(())
}

async fn is_sent(world: &mut World, _: Args) -> StepResult {
    // Nothing in the draft changes by sending it: `again` sends the same bytes.
    send(world, |call| call).await
}

async fn core_is_asked(world: &mut World, args: Args) -> StepResult {
    let (portal, without) = (args.text(0), args.text(2));
    let draft = draft(world)?.clone();
    let question = question(&draft, without);

    world.begin_sending().await;
    let question = world.scene().prepared(question, Party::proxy(portal))?;
    note_signatures(world, &draft, &question)?;
    let mut result = world.scene().portal(portal)?.ask_core(question.clone()).await;
    if let Ok(reply) = &mut result {
        reply.trace_id = question.fields().get(crate::trace::TRACE_FIELD);
    }
    world.sent(Exchange::new(&question, None, result)?.asking(Some(portal)));
    Ok(())
}

/// What a proxy asks its Core about the draft; without one of the fields.
pub(crate) fn question(draft: &Draft, without: &str) -> Call {
    let target = draft.target();
    let forwarded = [
        ("X-Forwarded-Method", draft.method.as_str()),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", draft.host.as_str()),
        ("X-Forwarded-Uri", target.as_str()),
        ("X-Forwarded-For", "203.0.113.7"),
    ];
    let lines = draft.lines();
    let lines = lines.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let lines = lines.chain(forwarded).filter(|(name, _)| !name.eq_ignore_ascii_case(without));
    lines.fold(Call::get("/internal/auth"), |question, (name, value)| question.field(name, value))
}

/// The draft as it goes out.
pub(crate) fn call(draft: &Draft) -> Call {
    let mut call = Call::new(&draft.method, draft.target()).field("Host", &draft.host);
    for (name, value) in draft.lines() {
        call = call.field(name, value);
    }
    match &draft.body {
        Some(body) => call.body(body.clone()),
        None => call,
    }
}

/// Whom a request to this host reaches.
pub(crate) fn addressed(world: &World, host: &str) -> StepResult<Option<Receiver>> {
    let scene = world.scene();
    for name in scene.real_names() {
        let domain = scene.portal(&name)?.domain().to_ascii_lowercase();
        if let Some(app) = host.strip_suffix(&domain).and_then(|app| app.strip_suffix('.')) {
            return Ok(Some(Receiver::app(&name, app)));
        }
    }
    Ok(None)
}

/// Tells the trace what was signed, so that a failure can show it beside what the Core rebuilt.
fn note_signatures(world: &World, draft: &Draft, call: &Call) -> StepResult {
    let signings = world.recall_if_any::<Drafts>("").map(|drafts| drafts.signings.as_slice()).unwrap_or_default();
    let by: Vec<&str> = signings.iter().map(Signing::by).collect();
    note_made(world, draft, &by, call.fields().get(crate::trace::TRACE_FIELD))
}

/// The same, given who made each of the signatures.
pub(crate) fn note_made(world: &World, draft: &Draft, by: &[&str], trace_id: Option<String>) -> StepResult {
    let trace = world.scene().trace()?;
    for (signature, by) in draft.signatures.iter().zip(by) {
        trace.record_signature(SignatureEvent {
            trace_id: trace_id.clone(),
            portal: (*by).to_owned(),
            label: Some(signature.label.clone()),
            signature_input: Some(signature.input()),
            base: Some(signature.base.clone()),
            outcome: SignatureOutcome::Made,
        });
    }
    Ok(())
}

fn all_of(content: &Content) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        let piece = content.piece(all.len() as u64);
        if piece.is_empty() {
            return all;
        }
        all.extend_from_slice(&piece);
    }
}

fn missing() -> StepFailure {
    StepFailure::mistake("no request is in the making: a step before this one is missing")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_goes_out_as_it_is_written() {
        let mut draft = Draft::new("POST", "chat.abcdef.example:8443", "/a?");
        draft.fields.push(("X-A".into(), " b ".into()));
        draft.body = Some(all_of(&Content::Generated(70_000)));
        let call = call(&draft);
        assert_eq!((call.method(), call.target()), ("POST", "/a?"));
        assert_eq!(call.fields().to_readable()[0], ("Host".into(), "chat.abcdef.example:8443".into()));
        assert_eq!(call.fields().to_readable()[1], ("X-A".into(), " b ".into()));
        assert_eq!(body::Fingerprint::of(&call.content), body::Fingerprint::of(&Content::Generated(70_000)));
    }
}
