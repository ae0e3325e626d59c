//! Unusual ways to a Core, and peers that can't be trusted.

use std::net::IpAddr;

use super::super::common::requests::send_through_door;
use super::super::prelude::*;
use crate::suite::kit::exchange::Outcome;
use crate::testbed::pki::CertificateKind;
use crate::trace::Party;
use crate::wire::{Call, WireError};

/// Length that a body announces before it breaks off in its middle.
const ANNOUNCED: u64 = 1 << 20;

pub(super) fn register(steps: &mut Steps) {
    steps.when(r#"^({portal})'s ({app}) requests "([^"]+)" through its door$"#, through_door);
    steps.given_or_when(r"^({portal})'s ({app}) has the address (127(?:\.\d+){3})$", has_address);
    steps.when(r"^(127(?:\.\d+){3}) calls ({portal}) with ([A-Z]+) (\S+) through ({portal})'s Core$", address_calls);
    steps.when(
        r"^({portal})'s ({app}) calls ({portal}) with ([A-Z]+) (\S+) and breaks off in the middle of the body$",
        breaks_off,
    );
    steps.then(r"^the answer breaks off, or is (\d{3})$", answer_breaks_off);
    steps.given(
        "^({portal}) (presents an expired certificate|presents a certificate that is not yet valid|\
         presents a certificate for another name|presents a certificate of an unknown authority|\
         presents a certificate signed by itself|speaks plain HTTP where TLS is expected|breaks off the TLS handshake)$",
        presents,
    );
}

async fn through_door(world: &mut World, args: Args) -> StepResult {
    let (portal, app) = (args.text(0), args.text(1));
    // What the contract calls portal_core may have another name here.
    let own = format!("http://{}/", world.scene().portal(portal)?.hands().surface().internal_host);
    let url = &args.text(2).replace("http://portal_core/", &own);
    let host = url.split("://").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
    // RFC 9112 §3.2.2: with a target in absolute form, Host names the same authority.
    let call = Call::get(url).field("Host", host);
    let peer = url.split("/internal/call_peer/").nth(1).and_then(|rest| rest.split('/').next());
    let addressed = peer.and_then(|peer| world.scene().called(app, peer));
    send_through_door(world, portal, app, call, addressed).await
}

async fn has_address(world: &mut World, args: Args) -> StepResult {
    let address: IpAddr = args.get(2)?;
    world.scene_mut().give_address(args.text(0), args.text(1), address).await
}

async fn address_calls(world: &mut World, args: Args) -> StepResult {
    let source: IpAddr = args.get(0)?;
    let peer = world.scene().person(args.text(1))?.short_id().to_owned();
    world.begin_sending().await;
    let call = world.scene().prepared(Call::new(args.text(2), args.text(3)), Party::Outside)?;
    let result = world.scene().portal(args.text(4))?.call_peer_from(source, &peer, call.clone()).await;
    world.sent(Exchange::new(&call, None, result)?);
    Ok(())
}

async fn breaks_off(world: &mut World, args: Args) -> StepResult {
    let (portal, app) = (args.text(0), args.text(1));
    let peer = world.scene().person(args.text(2))?.short_id().to_owned();
    let target = format!("/internal/call_peer/{peer}{}", args.text(4));
    let call = Call::new(args.text(3), target).generated(ANNOUNCED).cut_after(ANNOUNCED / 2);
    let addressed = world.scene().called(app, &peer);
    send_through_door(world, portal, app, call, addressed).await
}

/// What a Core has begun to answer may still lie in a buffer as it learns that no more comes. Then nothing of it is seen.
async fn answer_breaks_off(world: &mut World, args: Args) -> StepResult {
    let exchange = world.exchange()?;
    match &exchange.outcome {
        Outcome::BrokenOff(..) | Outcome::Nothing(WireError::Closed | WireError::Io(_)) => Ok(()),
        Outcome::Answered(answer) if answer.status == args.get::<u16>(0)? => Ok(()),
        _ => Err(StepFailure::fail(
            format!("an answer that is seen to break off, or status {}", args.text(0)),
            exchange.told(),
        )),
    }
}

async fn presents(world: &mut World, args: Args) -> StepResult {
    let fake = world.scene().fake(args.text(0))?;
    let certificate = match args.text(1) {
        "presents an expired certificate" => CertificateKind::Expired,
        "presents a certificate that is not yet valid" => CertificateKind::NotYetValid,
        "presents a certificate for another name" => CertificateKind::OtherName,
        "presents a certificate of an unknown authority" => CertificateKind::OtherCa,
        "presents a certificate signed by itself" => CertificateKind::SelfSigned,
        "speaks plain HTTP where TLS is expected" => {
            fake.speak_plainly().await;
            return Ok(());
        }
        _ => {
            fake.break_off_handshakes().await;
            return Ok(());
        }
    };
    Ok(fake.present(certificate).await?)
}
