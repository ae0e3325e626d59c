//! What became of a request: refused or let in, what arrived, whom a Core connected to.

use super::super::prelude::*;
use crate::testbed::Received;

pub(super) fn register(steps: &mut Steps) {
    steps.then(
        "^it is (refused|let in as (?:anonymous|the owner|the peer {portal}|the terminal {terminal}))$",
        has_outcome,
    );
    steps.then("^({receiver}) received nothing$", received_nothing);
    steps.then(r"^({receiver}) received ([A-Z]+) (/\S*)$", received_request);
    steps.then(r"^({receiver}) received nothing, or ([A-Z]+) (/\S*)$", received_nothing_or);
    steps.then(r"^({receiver}) received (\d+) requests?$", received_count);
    steps.then("^({receiver}) received the fields$", received_fields);
    steps.then("^({receiver}) received none of the fields$", received_none_of);
    steps.then(r#"^({receiver}) received the (body "[^"]*"|body that was sent)$"#, received_body);
    steps.then(r#"^({portal})'s Core connected to nobody(?: but "([^"]+)")?$"#, connected_to_nobody);
}

async fn has_outcome(world: &mut World, args: Args) -> StepResult {
    match args.text(0).strip_prefix("let in as ") {
        None => is_refused(world),
        Some(who) => is_let_in(world, who).await,
    }
}

fn is_refused(world: &World) -> StepResult {
    world.answer()?.expect_status(401)?;
    for receiver in world.scene().receivers() {
        expect_nothing(world, receiver)?;
    }
    Ok(())
}

async fn is_let_in(world: &World, who: &str) -> StepResult {
    let exchange = world.exchange()?;
    let answer = exchange.answer()?;
    if let Some(portal) = &exchange.asked {
        answer.expect_status(200)?;
        return expect_client(world, portal, who, &answer.fields.to_readable()).await;
    }
    let addressed = exchange.addressed.as_ref();
    let addressed = addressed.ok_or_else(|| StepFailure::mistake("the latest request went to no app"))?;
    if !world.scene().is_own_app(addressed) {
        answer.expect_status(world.scene().status_of(addressed))?;
    }
    for other in world.scene().receivers().filter(|other| *other != addressed) {
        expect_nothing(world, other)?;
    }
    let received = the_only_one(world, addressed)?;
    match addressed {
        Receiver::App { portal, .. } => expect_client(world, portal, who, &received.fields).await,
        Receiver::Fake(_) => Err(StepFailure::mistake("a fake Portal lets everybody in")),
    }
}

/// Fails unless these fields say that `who` is there, as the Portal `portal` knows it.
pub(crate) async fn expect_client(world: &World, portal: &str, who: &str, lines: &[(String, String)]) -> StepResult {
    let (kind, id, name) = match (who, who.strip_prefix("the peer "), who.strip_prefix("the terminal ")) {
        ("anonymous", ..) => ("anonymous", String::new(), Some(String::new())),
        (_, Some(peer), _) => ("peer", world.scene().listed_as(portal, peer).await?, None),
        (_, _, Some(terminal)) => {
            let terminal = world.scene().terminal(terminal)?;
            ("terminal", terminal.id.clone(), Some(terminal.terminal.name.clone()))
        }
        _ => {
            let owner = world.scene().owner_of(portal)?;
            ("terminal", owner.id.clone(), Some(owner.terminal.name.clone()))
        }
    };
    expect_client_field(lines, "X-Ptl-Client-Type", kind)?;
    expect_client_field(lines, "X-Ptl-Client-Id", &id)?;
    match name {
        Some(name) => expect_client_field(lines, "X-Ptl-Client-Name", &name),
        None => Ok(()),
    }
}

fn expect_client_field(lines: &[(String, String)], name: &str, value: &str) -> StepResult {
    let got = fields::values(lines, name);
    let matches = got == [value] || value.is_empty() && got.is_empty();
    expect::holds(matches, format!("one field {name}: {value}"), || match got.as_slice() {
        [] => format!("no field {name}"),
        lines => lines.join(" | "),
    })
}

async fn received_nothing(world: &mut World, args: Args) -> StepResult {
    expect_nothing(world, &Receiver::parse(args.text(0)))
}

fn expect_nothing(world: &World, receiver: &Receiver) -> StepResult {
    let arrivals = world.scene().arrivals(receiver)?;
    expect::holds(arrivals == 0, format!("{receiver} received nothing"), || {
        format!("{arrivals} requests: {}", told(&world.scene().received(receiver).unwrap_or_default()))
    })
}

async fn received_request(world: &mut World, args: Args) -> StepResult {
    let receiver = Receiver::parse(args.text(0));
    let received = the_only_one(world, &receiver)?;
    let expected = format!("{} {}", args.text(1), args.text(2));
    let got = format!("{} {}", received.method, received.target);
    expect::holds(expected == got, format!("{receiver} received {expected}"), || got.clone())
}

async fn received_nothing_or(world: &mut World, args: Args) -> StepResult {
    match world.scene().arrivals(&Receiver::parse(args.text(0)))? {
        0 => Ok(()),
        _ => received_request(world, args).await,
    }
}

async fn received_count(world: &mut World, args: Args) -> StepResult {
    let receiver = Receiver::parse(args.text(0));
    let (wanted, arrivals) = (args.get::<usize>(1)?, world.scene().arrivals(&receiver)?);
    let received = world.scene().received(&receiver)?;
    expect::holds(wanted == arrivals, format!("{receiver} received {wanted} requests"), || {
        format!("{arrivals}: {}", told(&received))
    })
}

async fn received_fields(world: &mut World, args: Args) -> StepResult {
    let receiver = Receiver::parse(args.text(0));
    let received = the_latest(world, &receiver)?;
    let who = format!("{receiver} received a request");
    fields::expect_lines(&who, args.table()?, &received.fields, fields::Empty::AbsentOrEmpty)
}

async fn received_none_of(world: &mut World, args: Args) -> StepResult {
    let receiver = Receiver::parse(args.text(0));
    let received = the_latest(world, &receiver)?;
    fields::expect_none(&format!("{receiver} received a request"), args.table()?, &received.fields)
}

async fn received_body(world: &mut World, args: Args) -> StepResult {
    let receiver = Receiver::parse(args.text(0));
    let received = the_latest(world, &receiver)?;
    let expected = match args.text(1) {
        "body that was sent" => world.exchange()?.body.clone(),
        text => body::Fingerprint::of(&body::body(text, None)?),
    };
    let got = body::Fingerprint { length: received.body_length, sha256: received.body_sha256.clone() };
    expect::holds(expected == got, format!("{receiver} received {expected}"), || match received.body() {
        Some(body) if body.len() < 1000 => format!("the body {}", crate::wire::readable(&body)),
        _ => got.to_string(),
    })
}

/// The one request that the receiver got since the latest sending step began; fails the subject if it is not one.
pub(crate) fn the_only_one(world: &World, receiver: &Receiver) -> StepResult<Received> {
    let received = world.scene().received(receiver)?;
    let came_of_it = || world.exchange().map(|exchange| exchange.told()).unwrap_or_default();
    match <[Received; 1]>::try_from(received) {
        Ok([one]) => Ok(one),
        Err(none) if none.is_empty() => {
            let got = format!("none; the sender got {}", came_of_it());
            Err(StepFailure::fail(format!("{receiver} received one request"), got))
        }
        Err(several) => Err(StepFailure::fail(
            format!("{receiver} received one request"),
            format!("{}: {}", several.len(), told(&several)),
        )),
    }
}

/// The latest request that the receiver got since the latest sending step began; fails the subject if there is none.
pub(crate) fn the_latest(world: &World, receiver: &Receiver) -> StepResult<Received> {
    let latest = world.scene().received(receiver)?.pop();
    latest.ok_or_else(|| {
        let came_of_it = world.exchange().map(|exchange| exchange.told()).unwrap_or_default();
        StepFailure::fail(format!("{receiver} received a request"), format!("none; the sender got {came_of_it}"))
    })
}

fn told(received: &[Received]) -> String {
    received.iter().map(|one| format!("{} {}", one.method, one.target)).collect::<Vec<_>>().join(", ")
}

async fn connected_to_nobody(world: &mut World, args: Args) -> StepResult {
    let allowed = args.text(1).split(':').next().unwrap_or_default();
    let portal = args.text(0);
    let hosts = world.scene().connected(portal).await?;
    let asked = domains_of_peers(world, portal).await?;
    let others: Vec<&str> = hosts
        .iter()
        .filter(|host| allowed.is_empty() || !host.eq_ignore_ascii_case(allowed))
        .filter(|host| !asked.iter().any(|domain| host.eq_ignore_ascii_case(domain)))
        .map(String::as_str)
        .collect();
    let but = if allowed.is_empty() { String::new() } else { format!(" but {allowed}") };
    expect::holds(others.is_empty(), format!("{portal}'s Core connected to nobody{but}"), || others.join(", "))
}

/// The addresses at which a Core may ask at any time who its peers are (PEER-6, PEER-7): calls go to other ones.
async fn domains_of_peers(world: &World, portal: &str) -> StepResult<Vec<String>> {
    let listed = world.scene().listed_peers(portal).await?;
    let (id, host) = {
        let own = world.scene().person(portal)?;
        (own.short_id().to_owned(), own.host().to_owned())
    };
    let zone = host.strip_prefix(&id).unwrap_or_default();
    Ok(listed.iter().filter_map(|peer| Some(format!("{}{zone}", peer.id.get(..6)?))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_s_field_stands_there_once() {
        let lines = |lines: &[(&str, &str)]| -> Vec<(String, String)> {
            lines.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let one = lines(&[("x-ptl-client-id", "a")]);
        assert!(expect_client_field(&one, "X-Ptl-Client-Id", "a").is_ok());
        assert!(expect_client_field(&one, "X-Ptl-Client-Id", "b").unwrap_err().is_fail());
        assert!(expect_client_field(&one, "X-Ptl-Client-Id", "").is_err());
        assert!(expect_client_field(&lines(&[]), "X-Ptl-Client-Id", "").is_ok());
        assert!(expect_client_field(&lines(&[]), "X-Ptl-Client-Id", "a").is_err());
        let two = lines(&[("x-ptl-client-id", "a"), ("X-Ptl-Client-Id", "a")]);
        assert!(expect_client_field(&two, "X-Ptl-Client-Id", "a").is_err());
    }
}
