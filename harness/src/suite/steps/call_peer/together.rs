//! Calls at the same moment.

use std::sync::Arc;

use futures_util::future::join_all;
use tokio::sync::Barrier;

use super::super::common::outcomes::expect_client;
use super::super::prelude::*;
use super::hops;
use crate::testbed::Answer as AppAnswer;
use crate::trace::Party;
use crate::wire::Call;

pub(super) fn register(steps: &mut Steps) {
    steps.when(r"^every Portal's ({app}) calls every other with ([A-Z]+) (\S+) at the same moment$", all_call_all);
    steps.then("every call was let in as the peer who called", all_let_in);
    steps.then("every call took each hop exactly once", all_hops_once);
    steps.given(
        "^({portal})'s ({app}) and ({portal})'s ({app}) answer only when both have been called$",
        answer_together,
    );
}

/// Calls that were made at the same moment: who called whom.
#[derive(Default)]
struct Together {
    app: String,
    calls: Vec<(String, String, Exchange)>,
}

async fn all_call_all(world: &mut World, args: Args) -> StepResult {
    let app = args.text(0).to_owned();
    let names = world.scene().real_names();
    world.begin_sending().await;
    let mut calls = Vec::new();
    for from in &names {
        for to in names.iter().filter(|to| *to != from) {
            let peer = world.scene().person(to)?.short_id().to_owned();
            let call = Call::new(args.text(1), format!("/internal/call_peer/{peer}{}", args.text(2)));
            let call = world.scene().prepared(call, Party::app(from, &app))?;
            let sender = world.scene().app(from, &app)?;
            let addressed = Some(Receiver::app(to, &app));
            calls.push(async move {
                let result = sender.ask(call.clone()).await;
                Ok::<_, StepFailure>((from.clone(), to.clone(), Exchange::new(&call, addressed, result)?))
            });
        }
    }
    let calls = join_all(calls).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    *world.part::<Together>() = Together { app, calls };
    Ok(())
}

async fn all_let_in(world: &mut World, _: Args) -> StepResult {
    let together = std::mem::take(world.part::<Together>());
    if together.calls.is_empty() {
        return Err(StepFailure::mistake("no calls were made at the same moment"));
    }
    for (from, to, exchange) in &together.calls {
        exchange.answer()?.expect_status(200)?;
        let receiver = Receiver::app(to, &together.app);
        let received = world.scene().received(&receiver)?;
        let listed = world.scene().listed_as(to, from).await?;
        let of_caller: Vec<_> =
            received.iter().filter(|one| one.values("x-ptl-client-id").eq([listed.as_str()])).collect();
        let [one] = of_caller.as_slice() else {
            return Err(StepFailure::fail(
                format!("{receiver} received one request of {from}"),
                format!("{} of {} requests", of_caller.len(), received.len()),
            ));
        };
        expect_client(world, to, &format!("the peer {from}"), &one.fields).await?;
    }
    *world.part::<Together>() = together;
    Ok(())
}

async fn all_hops_once(world: &mut World, _: Args) -> StepResult {
    let together = std::mem::take(world.part::<Together>());
    let app = &together.app;
    for (from, to, exchange) in &together.calls {
        let trace_id = exchange.trace_id.as_deref().unwrap_or_default();
        let short_id = world.scene().person(to)?.short_id().to_owned();
        let (method, door) = (&exchange.method, &exchange.target);
        let target = door.strip_prefix(&format!("/internal/call_peer/{short_id}")).unwrap_or(door);
        let request = format!("{method} {target}");
        let expected = vec![
            [format!("{from} {app}"), format!("{from} core"), format!("{method} {door}")],
            [format!("{from} core"), format!("{to} proxy"), request.clone()],
            [format!("{to} proxy"), format!("{to} core"), "GET /internal/auth".to_owned()],
            [format!("{to} core"), format!("{to} proxy"), "200".to_owned()],
            [format!("{to} proxy"), format!("{to} {app}"), request],
            [format!("{to} {app}"), format!("{to} proxy"), "200".to_owned()],
            [format!("{to} proxy"), format!("{from} core"), "200".to_owned()],
            [format!("{from} core"), format!("{from} {app}"), "200".to_owned()],
        ];
        hops::expect_way(world, trace_id, expected)?;
    }
    *world.part::<Together>() = together;
    Ok(())
}

async fn answer_together(world: &mut World, args: Args) -> StepResult {
    let both = Arc::new(Barrier::new(2));
    for (portal, app) in [(args.text(0), args.text(1)), (args.text(2), args.text(3))] {
        let both = Arc::clone(&both);
        let answer = AppAnswer::computed(move |_| {
            let both = Arc::clone(&both);
            async move {
                both.wait().await;
                AppAnswer::echo()
            }
        });
        world.scene_mut().answer_with(&Receiver::app(portal, app), answer, 200, None)?;
    }
    Ok(())
}
