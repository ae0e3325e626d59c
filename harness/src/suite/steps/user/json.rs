//! What is in JSON: of an answer, or of what an app received.

use serde_json::Value;

use super::super::common::outcomes::the_latest;
use super::super::prelude::*;
use crate::suite::kit::json::{at_path, includes, same, told, written};

pub(super) fn register(steps: &mut Steps) {
    steps.then(
        r#"^the answer's JSON "([^"]*)" is (".*"|-?\d+(?:\.\d+)?|true|false|null|\[.*\]|\{.*\})$"#,
        answer_has_value,
    );
    steps.then(r#"^the answer's JSON "([^"]*)" is not there$"#, answer_lacks);
    steps.then(r#"^the answer's JSON "([^"]*)" has (\d+) items?$"#, answer_has_items);
    steps.then(
        r#"^the answer's JSON "([^"]*)" contains (".*"|-?\d+(?:\.\d+)?|true|false|null|\[.*\]|\{.*\})$"#,
        answer_contains,
    );
    steps.then("the answer's JSON is", answer_is);
    steps.then("the answer's JSON includes", answer_includes);
    steps.then(
        r#"^({receiver}) received JSON whose "([^"]*)" is (".*"|-?\d+(?:\.\d+)?|true|false|null|\[.*\]|\{.*\})$"#,
        received_has_value,
    );
    steps.then("^({receiver}) received JSON that includes$", received_includes);
}

async fn answer_has_value(world: &mut World, args: Args) -> StepResult {
    has_value(&world.answer()?.expect_json()?, args.text(0), &written(args.text(1))?)
}

async fn answer_lacks(world: &mut World, args: Args) -> StepResult {
    let json = world.answer()?.expect_json()?;
    let found = at_path(&json, args.text(0));
    expect::holds(found.is_none(), format!("no {} in the JSON", place(args.text(0))), || json.to_string())
}

async fn answer_has_items(world: &mut World, args: Args) -> StepResult {
    let json = world.answer()?.expect_json()?;
    let (at, wanted) = (args.text(0), args.get::<usize>(1)?);
    let expected = format!("{} is a list of {wanted}", place(at));
    match at_path(&json, at) {
        Some(Value::Array(items)) if items.len() == wanted => Ok(()),
        Some(Value::Array(items)) => {
            Err(StepFailure::fail(expected, expect::shortened(&format!("{}: {}", items.len(), Value::Array(items)))))
        }
        found => Err(StepFailure::fail(expected, got(&json, found.as_ref()))),
    }
}

async fn answer_contains(world: &mut World, args: Args) -> StepResult {
    let json = world.answer()?.expect_json()?;
    let (at, wanted) = (args.text(0), written(args.text(1))?);
    let found = at_path(&json, at);
    let holds = match (&found, &wanted) {
        (Some(Value::String(text)), Value::String(part)) => text.contains(part.as_str()),
        (Some(Value::Array(items)), wanted) => items.iter().any(|item| includes(item, wanted)),
        (Some(found), wanted) => includes(found, wanted),
        (None, _) => false,
    };
    expect::holds(holds, format!("{} contains {wanted}", place(at)), || got(&json, found.as_ref()))
}

async fn answer_is(world: &mut World, args: Args) -> StepResult {
    let (json, expected) = (world.answer()?.expect_json()?, written(args.doc_string()?)?);
    expect::holds(same(&json, &expected), format!("the JSON {expected}"), || json.to_string())
}

async fn answer_includes(world: &mut World, args: Args) -> StepResult {
    let (json, expected) = (world.answer()?.expect_json()?, written(args.doc_string()?)?);
    expect::holds(includes(&json, &expected), format!("JSON that includes {expected}"), || json.to_string())
}

async fn received_has_value(world: &mut World, args: Args) -> StepResult {
    has_value(&received_json(world, args.text(0))?, args.text(1), &written(args.text(2))?)
}

async fn received_includes(world: &mut World, args: Args) -> StepResult {
    let (json, expected) = (received_json(world, args.text(0))?, written(args.doc_string()?)?);
    expect::holds(
        includes(&json, &expected),
        format!("{} received JSON that includes {expected}", args.text(0)),
        || json.to_string(),
    )
}

/// The body of the latest request that the receiver got; fails the subject if it is no JSON.
fn received_json(world: &World, who: &str) -> StepResult<Value> {
    let receiver = Receiver::parse(who);
    let received = the_latest(world, &receiver)?;
    let body = received.body().ok_or_else(|| StepFailure::error("the body is too large to be looked into"))?;
    let readable = || crate::wire::readable(&body);
    serde_json::from_slice(&body)
        .map_err(|_| StepFailure::fail(format!("{receiver} received a body in JSON"), expect::shortened(&readable())))
}

fn has_value(json: &Value, at: &str, expected: &Value) -> StepResult {
    let found = at_path(json, at);
    let holds = found.as_ref().is_some_and(|found| same(found, expected));
    expect::holds(holds, format!("{} is {expected}", place(at)), || got(json, found.as_ref()))
}

fn place(at: &str) -> String {
    if at.is_empty() { "the whole JSON".to_owned() } else { format!("`{at}`") }
}

/// What stands there, or all of it where nothing does.
fn got(json: &Value, found: Option<&Value>) -> String {
    match found {
        Some(Value::String(text)) => format!("{text:?}"),
        Some(found) => told(found),
        None => format!("nothing there; the JSON is {json}"),
    }
}
