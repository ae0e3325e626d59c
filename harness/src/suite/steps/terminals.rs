//! The owner's devices: pairing codes, and the cookie.

use super::prelude::*;
use crate::suite::kit::scene::Paired;
use crate::testbed::{Terminal, session_cookie};
use crate::trace::Party;
use crate::wire::{Call, WireError};

mod codes;
mod cookies;

pub(super) fn register(steps: &mut Steps) {
    steps.given_or_when(
        r"^({portal})'s owner asks for a pairing code(?: that is good for (\d+) seconds)?$",
        asks_for_code,
    );
    steps.when(
        r#"^a device named "([^"]*)" pairs with ({portal}) using (that code|a code that is one off|the code "([^"]*)")$"#,
        device_pairs,
    );
    steps.when(r"^a stranger tries (\d+) wrong codes on ({portal})$", tries_wrong_codes);
    steps.then("the answer's list has among its members", list_has);
    codes::register(steps);
    cookies::register(steps);
}

async fn asks_for_code(world: &mut World, args: Args) -> StepResult {
    let seconds = if args.text(1).is_empty() { 120 } else { args.get(1)? };
    let code = pairing_code(world, args.text(0), seconds).await?;
    world.scene_mut().code = Some(code);
    Ok(())
}

/// A code from the Core, for that many seconds.
async fn pairing_code(world: &World, portal: &str, seconds: u64) -> StepResult<String> {
    let call = Call::get(format!("/protected/terminals/pairing-code?deadline={seconds}"));
    let answer = Answer::from(world.scene().portal(portal)?.ask_core(call).await?);
    answer.expect_status(201)?;
    let code = answer.expect_json()?["code"].as_str().map(str::to_owned);
    expect::some(code, "a pairing code in `code`")
}

async fn device_pairs(world: &mut World, args: Args) -> StepResult {
    let (name, portal) = (args.text(0), args.text(1));
    let code = match args.text(2) {
        "that code" => last_code(world)?.to_owned(),
        "a code that is one off" => one_off(last_code(world)?)?,
        _ => args.text(3).to_owned(),
    };
    let (outside, host) =
        (world.scene().testbed()?.outside().clone(), world.scene().portal(portal)?.domain().to_owned());
    world.begin_sending().await;
    let call = world.scene().prepared(pairing(&code, name), Party::Outside)?;
    let result = outside.send(&host, call.clone()).await;
    world.sent(Exchange::new(&call, None, result)?);

    let Ok(answer) = world.answer() else { return Ok(()) };
    let Some(set_cookie) = session_cookie(answer).filter(|_| answer.status == 201) else { return Ok(()) };
    let cookie = set_cookie.split(';').next().unwrap_or_default().trim().to_owned();
    let client = outside.with_cookie(&cookie);
    let paired: Paired =
        world.scene().identified(portal, Terminal { name: name.to_owned(), cookie, set_cookie, client }).await?;
    world.scene_mut().keep_terminal(name, paired);
    Ok(())
}

/// The code stands in the query as it is.
fn pairing(code: &str, name: &str) -> Call {
    let target = format!("/core/public/pair/terminal?code={code}");
    Call::new("POST", target).json(&serde_json::json!({ "name": name }))
}

fn last_code(world: &World) -> StepResult<&str> {
    let code = world.scene().code.as_deref();
    code.ok_or_else(|| StepFailure::mistake("nobody asked for a pairing code before this step"))
}

/// The same code with another last digit, next to it.
fn one_off(code: &str) -> StepResult<String> {
    let Some((rest, last @ b'0'..=b'9')) = code
        .split_at_checked(code.len().saturating_sub(1))
        .and_then(|(rest, last)| Some((rest, *last.as_bytes().first()?)))
    else {
        return Err(StepFailure::fail("a pairing code of digits", code));
    };
    let neighbour = if last == b'9' { last - 1 } else { last + 1 };
    Ok(format!("{rest}{}", char::from(neighbour)))
}

async fn tries_wrong_codes(world: &mut World, args: Args) -> StepResult {
    let (count, portal) = (args.get::<u32>(0)?, args.text(1));
    let valid = world.scene().code.clone();
    let outside = world.scene().testbed()?.outside();
    let host = world.scene().portal(portal)?.domain();
    for code in wrong_codes(valid.as_deref()).take(usize::try_from(count)?) {
        let call = pairing(&code, "a stranger");
        let reply = match outside.send(host, call.clone()).await {
            // Whoever is annoyed may hang up, but not for ever.
            Err(WireError::Closed | WireError::Io(_)) => outside.send(host, call).await?,
            other => other?,
        };
        let refused = (400..500).contains(&reply.status);
        let answer = Answer::from(reply);
        expect::holds(refused, "a status of 400 to 499 for a wrong pairing code", || answer.summary())?;
    }
    Ok(())
}

/// Codes of six digits, but for the valid one.
fn wrong_codes(valid: Option<&str>) -> impl Iterator<Item = String> {
    let codes = (0..1_000_000_u32).map(|n| format!("{:06}", n * 7_919 % 1_000_000));
    codes.filter(move |code| valid != Some(code))
}

async fn list_has(world: &mut World, args: Args) -> StepResult {
    let json = world.answer()?.expect_json()?;
    let list = expect::some(json.as_array(), "a list in JSON")?;
    let [header, rows @ ..] = args.table()?.cells() else {
        return Err(StepFailure::mistake("this step needs a table under it"));
    };
    for row in rows {
        let mut wanted = Vec::new();
        for (member, cell) in header.iter().zip(row) {
            wanted.push((member, cell));
        }
        let mut found = false;
        for entry in list {
            let mut fits = true;
            for (member, cell) in &wanted {
                let value = entry.get(member.as_str()).map(|value| match value.as_str() {
                    Some(text) => text.to_owned(),
                    None => value.to_string(),
                });
                fits &= value.is_some_and(|value| fields::cell_matches(cell, &value).unwrap_or(false));
            }
            found |= fits;
        }
        let told: Vec<_> = wanted.iter().map(|(member, cell)| format!("`{member}` {cell}")).collect();
        expect::holds(found, format!("in the list a member with {}", told.join(", ")), || json.to_string())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_is_one_off_differs_in_its_last_digit_alone() {
        assert_eq!(one_off("123450").unwrap(), "123451");
        assert_eq!(one_off("000009").unwrap(), "000008");
        assert!(one_off("").unwrap_err().is_fail());
        assert!(one_off("12345é").is_err());
    }

    #[test]
    fn wrong_codes_are_all_different_and_never_right() {
        let codes: Vec<_> = wrong_codes(Some("007919")).take(100).collect();
        assert!(codes.iter().all(|code| code.len() == 6 && code != "007919"));
        assert_eq!(codes.iter().collect::<std::collections::HashSet<_>>().len(), 100);
    }
}
