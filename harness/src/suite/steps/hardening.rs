//! What is sent by mistake or in malice: too much, half of it, or something else altogether.

use std::fmt::Write as _;
use std::time::Duration;

use super::drafts;
use super::prelude::*;
use super::proxy::connections::{Attempt, ClientHello, outcome, say};
use crate::testbed::Answer as FakeAnswer;
use crate::trace::Party;
use crate::wire::{Call, Content, Gate};

/// Length that a body announces before it breaks off in its middle.
const ANNOUNCED: u64 = 1 << 20;
/// Length of a contact that breaks off in its middle.
const CONTACT: usize = 1 << 10;
/// How long the beginning of a body may take to the app; a proxy that collects bodies never lets it come.
const ON_ITS_WAY: Duration = Duration::from_secs(1);

pub(super) fn register(steps: &mut Steps) {
    steps.when(
        r"^({portal})'s owner breaks off in the middle of ([A-Z]+) (\S+) to ({portal})'s Core$",
        owner_breaks_off,
    );
    steps.when(
        r"^a stranger sends ([A-Z]+) (\S+) to ({portal})'s ({app}) with (a field of \d+ KiB|\d+ fields|a path of \d+ KiB)$",
        sends_much,
    );
    steps.when(
        "^a stranger opens a connection to ({portal})'s proxy and sends (random bytes|half a TLS hello and nothing more|\
         a TLS hello for another name|nothing at all)$",
        opens_connection,
    );
    steps.when(
        r"^a stranger sends ([A-Z]+) (\S+) to ({portal})'s ({app}) and breaks off in the middle of the body$",
        stranger_breaks_off,
    );
    steps.then("^({receiver}) received no whole request$", received_no_whole);
    steps.when("it is sent and breaks off in the middle of the body", draft_breaks_off);
    steps.given(
        "^({portal}) answers every call with (random bytes|a closed connection|a status line and no more|\
         two lengths that differ|2000 KiB of fields)$",
        answers_every_call_with,
    );
}

async fn owner_breaks_off(world: &mut World, args: Args) -> StepResult {
    let client = world.scene_mut().owner(args.text(0)).await?;
    let host = world.scene().portal(args.text(3))?.domain().to_owned();
    let contact = half_a_contact();
    let half = contact.len() as u64 / 2;
    let call = Call::new(args.text(1), format!("/core{}", args.text(2)))
        .field("Content-Type", "application/json")
        .body(contact)
        .cut_after(half);

    world.begin_sending().await;
    let call = world.scene().prepared(call, Party::Outside)?;
    // It comes back when the proxy has answered or closed.
    let result = client.send(&host, call.clone()).await;
    world.sent(Exchange::new(&call, None, result)?);
    Ok(())
}

/// JSON whose first half has a whole ID in it: who stores what came so far has something to store.
fn half_a_contact() -> String {
    let id: String = "abcdefghjklnpqrstvwxyz0123456789".chars().cycle().take(103).collect();
    let mut contact = format!("{{\"id\": \"{id}\", \"name\": \"");
    contact.extend(std::iter::repeat_n('a', CONTACT - contact.len() - 2));
    contact.push_str("\"}");
    contact
}

async fn sends_much(world: &mut World, args: Args) -> StepResult {
    let (portal, app) = (args.text(2), args.text(3));
    let host = world.scene().portal(portal)?.host_of(app);
    let call = much(Call::new(args.text(0), args.text(1)), args.text(4))?;
    world.begin_sending().await;
    let call = world.scene().prepared(call, Party::Outside)?;
    let result = world.scene().testbed()?.outside().send(&host, call.clone()).await;
    world.sent(Exchange::new(&call, Some(Receiver::app(portal, app)), result)?);
    Ok(())
}

/// The call with `a field of 4 KiB`, `40 fields` or `a path of 2 KiB`.
fn much(call: Call, said: &str) -> StepResult<Call> {
    let number = said.split(' ').find_map(|word| word.parse::<usize>().ok());
    let number = number.ok_or_else(|| StepFailure::mistake(format!("`{said}` says no number")))?;
    let long = || "a".repeat(number << 10);
    Ok(match said {
        said if said.starts_with("a field") => call.field("X-Long", long()),
        said if said.starts_with("a path") => {
            let target = format!("{}{}", call.target(), long());
            call.with_target(target)
        }
        _ => (1..=number).fold(call, |call, number| call.field(format!("X-{number}"), "a")),
    })
}

async fn opens_connection(world: &mut World, args: Args) -> StepResult {
    let portal = world.scene().portal(args.text(0))?.clone();
    let attempt = match args.text(1) {
        "a TLS hello for another name" => {
            // A certificate for that name would be as bad as an answer: the handshake may only be done without one.
            let outside = world.scene().testbed()?.outside().clone();
            outcome(outside.connect_as(portal.domain(), "evil.example").await.map(drop))?
        }
        "random bytes" => say(&portal, &noise(), false).await?,
        "nothing at all" => say(&portal, &[], true).await?,
        _ => {
            let hello = ClientHello::new(portal.domain(), 3).to_bytes();
            say(&portal, &hello[..hello.len() / 2], true).await?
        }
    };
    *world.part::<Attempt>() = attempt;
    Ok(())
}

/// Bytes that are neither TLS nor HTTP.
fn noise() -> Vec<u8> {
    Content::Generated(256).piece(0).iter().map(|byte| byte | 0x80).collect()
}

async fn stranger_breaks_off(world: &mut World, args: Args) -> StepResult {
    let (portal, app) = (args.text(2), args.text(3));
    let receiver = Receiver::app(portal, app);
    let host = world.scene().portal(portal)?.host_of(app);
    let gate = Gate::new();
    let call = Call::new(args.text(0), args.text(1)).generated(ANNOUNCED);
    let call = call.pause_after(ANNOUNCED / 4, &gate).cut_after(ANNOUNCED / 2);

    world.begin_sending().await;
    let call = world.scene().prepared(call, Party::Outside)?;
    let outside = world.scene().testbed()?.outside().clone();
    let sending = outside.send(&host, call.clone());
    // It breaks off when the app has seen it begin, so that all that it will see of it comes before the step's end.
    let breaking = async {
        let _ = tokio::time::timeout(ON_ITS_WAY, world.scene().arrival(&receiver)).await;
        gate.open();
    };
    let (result, ()) = tokio::join!(sending, breaking);
    world.scene().settled(&receiver).await?;
    world.sent(Exchange::new(&call, Some(receiver), result)?);
    Ok(())
}

async fn received_no_whole(world: &mut World, args: Args) -> StepResult {
    let receiver = Receiver::parse(args.text(0));
    world.scene().settled(&receiver).await?;
    let received = world.scene().received(&receiver)?;
    let whole = received.iter().find(|request| request.cut.is_none());
    expect::holds(whole.is_none(), format!("{receiver} received no request whose body seemed to be whole"), || {
        whole.map_or_else(String::new, |one| format!("{} {} with {} bytes", one.method, one.target, one.body_length))
    })
}

async fn draft_breaks_off(world: &mut World, _: Args) -> StepResult {
    let length = drafts::draft(world)?.body.as_ref().map_or(0, Vec::len) as u64;
    if length < 2 {
        return Err(StepFailure::mistake("the request in the making has no body that could break off"));
    }
    drafts::send(world, |call| call.cut_after(length / 2)).await?;
    let addressed = world.exchange()?.addressed.clone();
    match addressed {
        Some(receiver) => world.scene().settled(&receiver).await,
        None => Ok(()),
    }
}

async fn answers_every_call_with(world: &mut World, args: Args) -> StepResult {
    let bytes = match args.text(1) {
        "random bytes" => noise(),
        "a closed connection" => Vec::new(),
        "a status line and no more" => b"HTTP/1.1 200 OK\r\n".to_vec(),
        "two lengths that differ" => b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 3\r\n\r\nhello".to_vec(),
        _ => kib_of_fields(2000).into_bytes(),
    };
    world.scene_mut().answer_with(&Receiver::parse(args.text(0)), FakeAnswer::raw(bytes), 200, None)
}

/// An answer with that many KiB of fields.
fn kib_of_fields(kib: usize) -> String {
    let mut answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n".to_owned();
    let value = "a".repeat(1010);
    for number in 0..kib {
        // Writing to a String does not fail.
        let _ = write!(answer, "X-Field-{number}: {value}\r\n");
    }
    answer + "\r\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_contact_holds_a_whole_id_and_the_whole_is_json() {
        let contact = half_a_contact();
        assert_eq!(contact.len(), CONTACT);
        let json: serde_json::Value = serde_json::from_str(&contact).unwrap();
        let id = json["id"].as_str().unwrap();
        assert_eq!(id.len(), 103);
        assert!(contact[..CONTACT / 2].contains(id));
    }

    #[test]
    fn much_is_as_much_as_said() {
        let call = || Call::get("/a");
        assert_eq!(much(call(), "a field of 4 KiB").unwrap().fields().get("x-long").unwrap().len(), 4096);
        assert_eq!(much(call(), "40 fields").unwrap().fields().iter().count(), 40);
        assert_eq!(much(call(), "a path of 2 KiB").unwrap().target().len(), 2 + 2048);
        assert!(much(call(), "many fields").is_err());
        assert!(kib_of_fields(2000).len() > 2000 << 10);
    }

    #[test]
    fn noise_is_no_tls() {
        // RFC 8446 §5.1: content types are 20 to 24.
        assert_eq!(noise().len(), 256);
        assert!(noise()[0] >= 0x80);
    }
}
