//! What is in a body, as text or as a file.

use regex::Regex;

use super::super::common::outcomes::the_latest;
use super::super::prelude::*;

pub(super) fn register(steps: &mut Steps) {
    steps.then(r#"^the answer's body contains "([^"]*)"$"#, contains);
    steps.then(r#"^the answer's body does not contain "([^"]*)"$"#, does_not_contain);
    steps.then(r"^the answer's body matches /(.+)/$", matches);
    steps.then(r#"^the answer's body is the file "([^"]+)"$"#, is_file);
    steps.then("the answer's body is the text", is_text);
    steps.then(r#"^({receiver}) received a body that contains "([^"]*)"$"#, received_body_that_contains);
}

async fn contains(world: &mut World, args: Args) -> StepResult {
    let text = world.answer()?.text();
    expect::holds(text.contains(args.text(0)), format!("a body that contains `{}`", args.text(0)), || text.clone())
}

async fn does_not_contain(world: &mut World, args: Args) -> StepResult {
    let text = world.answer()?.text();
    let expected = format!("a body that does not contain `{}`", args.text(0));
    expect::holds(!text.contains(args.text(0)), expected, || text.clone())
}

async fn matches(world: &mut World, args: Args) -> StepResult {
    let (text, pattern) = (world.answer()?.text(), Regex::new(args.text(0))?);
    expect::holds(pattern.is_match(&text), format!("a body that matches /{pattern}/"), || text.clone())
}

async fn is_file(world: &mut World, args: Args) -> StepResult {
    let expected = body::Fingerprint::of(&world.content(&format!("the file \"{}\"", args.text(0)))?);
    let answer = world.answer()?;
    let got = body::Fingerprint { length: answer.length, sha256: answer.sha256.clone() };
    let told = format!("the body is the file {}: {expected}", args.text(0));
    expect::holds(expected == got, told, || answer.summary())
}

async fn is_text(world: &mut World, args: Args) -> StepResult {
    let expected = args.doc_string()?.to_owned();
    expect::same("the answer's body", expected, world.answer()?.text())
}

async fn received_body_that_contains(world: &mut World, args: Args) -> StepResult {
    let receiver = Receiver::parse(args.text(0));
    let received = the_latest(world, &receiver)?;
    let body = received.body().ok_or_else(|| StepFailure::error("the body is too large to be looked into"))?;
    let text = String::from_utf8_lossy(&body).into_owned();
    let expected = format!("{receiver} received a body that contains `{}`", args.text(1));
    expect::holds(text.contains(args.text(1)), expected, || text.clone())
}
