//! Requests that cost much, and what the Core answers to its proxy.

use super::drafts::signing::{Signing, is_signed_by, repeat_latest};
use super::drafts::{draft, draft_mut};
use super::prelude::*;

pub(super) fn register(steps: &mut Steps) {
    steps.given(r"^it is signed (\d+) times by ({portal})$", is_signed_often);
    steps.given(
        r"^it carries (\d+) (signatures by mallory|labels without a signature|components in alice's own|parameters in alice's own|KiB in Signature-Input|KiB in X-Note) before it is signed by ({portal})$",
        carries_much,
    );
    steps.then(r"^the answer came within (\d+) seconds$", came_within);
    steps.then("^the Core's answer lets nobody but a stranger in$", lets_strangers_in_at_most);
}

async fn is_signed_often(world: &mut World, args: Args) -> StepResult {
    for _ in 0..args.get::<usize>(0)? {
        is_signed_by(world, Signing::usual(args.text(1)))?;
    }
    Ok(())
}

async fn carries_much(world: &mut World, args: Args) -> StepResult {
    let (count, what, signer) = (args.get::<usize>(0)?, args.text(1), args.text(2));
    let mut signing = Signing::usual(signer);
    let mut before = Vec::new();
    match what {
        "signatures by mallory" => {
            // One is as good as the other, and thousands by an RSA key would keep all other scenarios waiting.
            is_signed_by(world, Signing::usual("mallory").with("label", "m0"))?;
            repeat_latest(world, (1..count).map(|number| format!("m{number}")))?;
        }
        "labels without a signature" => before.extend((0..count).map(|number| (format!("l{number}=()"), None))),
        "components in alice's own" => {
            let draft = draft_mut(world)?;
            let query: Vec<String> = (0..count).map(|number| format!("p{number}={number}")).collect();
            draft.query = Some(query.join("&"));
            let mut covering = "\"@method\" \"@target-uri\"".to_owned();
            for number in 0..count {
                let item = format!("\"@query-param\";name=\"p{number}\"");
                covering.push_str(&format!(" {item}"));
                // Said here, as the writer of bases would look each one up in the whole query.
                signing = signing.with(format!("value of {item}"), number.to_string());
            }
            signing = signing.with("covering", covering);
        }
        "parameters in alice's own" => {
            for number in 0..count {
                signing = signing.with(format!("p{number}"), "x");
            }
        }
        "KiB in Signature-Input" => {
            let input = format!("long=(\"@method\" \"@target-uri\");nonce=\"{}\"", "a".repeat(count << 10));
            before.push((input, Some("long=:AAAA:".to_owned())));
        }
        _ => draft_mut(world)?.fields.push(("X-Note".to_owned(), "a".repeat(count << 10))),
    }
    is_signed_by(world, signing)?;
    write_in_one_line(world, before)
}

/// Puts all signatures of the draft into one line of each field, after these.
fn write_in_one_line(world: &mut World, before: Vec<(String, Option<String>)>) -> StepResult {
    let own = draft(world)?.signatures.iter();
    let own =
        own.map(|one| (format!("{}={}", one.label, one.input()), Some(format!("{}=:{}:", one.label, one.signature))));
    let (inputs, signatures): (Vec<_>, Vec<_>) = before.into_iter().chain(own).unzip();
    let signatures: Vec<String> = signatures.into_iter().flatten().collect();
    let draft = draft_mut(world)?;
    draft.set_field("Signature-Input", &inputs.join(", "));
    draft.set_field("Signature", &signatures.join(", "));
    Ok(())
}

async fn came_within(world: &mut World, args: Args) -> StepResult {
    let (seconds, exchange) = (args.get::<u64>(0)?, world.exchange()?);
    let took = exchange.took;
    expect::holds(took.as_secs_f64() <= seconds as f64, format!("an answer within {seconds} s"), || {
        format!("it took {:.1} s: {}", took.as_secs_f64(), exchange.told())
    })
}

async fn lets_strangers_in_at_most(world: &mut World, _: Args) -> StepResult {
    let answer = world.answer()?;
    let kinds: Vec<String> = answer.fields.values("x-ptl-client-type").collect();
    let strangers_alone = answer.status != 200 || kinds.iter().all(|kind| kind == "anonymous");
    expect::holds(strangers_alone, "a refusal, or X-Ptl-Client-Type: anonymous", || {
        format!("status 200 with X-Ptl-Client-Type: {}", kinds.join(" | "))
    })
}
