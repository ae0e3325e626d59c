//! Installing apps from manifests that may be wrong.

use serde_json::Value;

use super::common::outcomes::the_latest;
use super::prelude::*;
use crate::wire::Call;

pub(super) fn register(steps: &mut Steps) {
    steps.given_or_when(r"^({portal}) installs ({app}) from the (?:app\.json|app_meta\.json)$", installs);
    steps.then(
        r#"^the install is (accepted|accepted without warnings|accepted with a warning that names "([^"]+)"|refused|refused with a reason that names "([^"]+)")$"#,
        install_is,
    );
    steps.then("^({receiver}) received nothing, or the fields$", received_nothing_or);
}

async fn installs(world: &mut World, args: Args) -> StepResult {
    let (portal, app, manifest) = (args.text(0), args.text(1), args.doc_string()?);
    world.begin_sending().await;
    let reply = world.scene_mut().offer_manifest(portal, app, manifest).await?;
    let call = Call::new("PUT", format!("/protected/apps/{app}")).body(manifest.to_owned());
    world.sent(Exchange::new(&call, None, reply)?);
    Ok(())
}

async fn install_is(world: &mut World, args: Args) -> StepResult {
    let answer = world.answer()?;
    if args.text(0).starts_with("accepted") {
        return is_accepted(answer, args.text(0), args.text(1));
    }
    answer.expect_status_among(&[400, 422])?;
    let reason = answer.expect_reason()?;
    let named = args.text(2);
    expect::holds(reason.contains(named), format!("a reason that names `{named}`"), || reason.clone())
}

fn is_accepted(answer: &Answer, how: &str, named: &str) -> StepResult {
    answer.expect_status_among(&[200, 201])?;
    let warnings = warnings(&answer.expect_json()?);
    let warnings = expect::some(warnings, "`warnings`, a list of texts or reasons, in the answer")?;
    let told = || match warnings.as_slice() {
        [] => "none".to_owned(),
        warnings => warnings.join(" | "),
    };
    if how.ends_with("without warnings") {
        return expect::holds(warnings.is_empty(), "an install without warnings", told);
    }
    let is_named = named.is_empty() || warnings.iter().any(|warning| warning.contains(named));
    expect::holds(is_named, format!("a warning that names `{named}`"), told)
}

/// What is warned of; none where there is something else. Not to speak of warnings is to have none.
fn warnings(answer: &Value) -> Option<Vec<String>> {
    match &answer["warnings"] {
        Value::Null => Some(Vec::new()),
        Value::Array(list) => list.iter().map(warning).collect(),
        _ => None,
    }
}

/// A warning is a text, or like a refusal an object with a `reason`; its other texts are then read with it.
fn warning(warning: &Value) -> Option<String> {
    match warning {
        Value::String(text) => Some(text.clone()),
        Value::Object(members) => {
            members.get("reason")?.as_str()?;
            Some(members.values().filter_map(Value::as_str).collect::<Vec<_>>().join(" "))
        }
        _ => None,
    }
}

async fn received_nothing_or(world: &mut World, args: Args) -> StepResult {
    let receiver = Receiver::parse(args.text(0));
    if world.scene().arrivals(&receiver)? == 0 {
        return Ok(());
    }
    let received = the_latest(world, &receiver)?;
    let who = format!("{receiver} received nothing, or a request");
    fields::expect_lines(&who, args.table()?, &received.fields, fields::Empty::AbsentOrEmpty)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn warnings_are_a_list_of_texts_or_reasons_or_left_out() {
        assert_eq!(warnings(&json!({ "warnings": ["a", "b"] })), Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(warnings(&json!({ "name": "x" })), Some(Vec::new()));
        let with_reason = json!({ "warnings": [{ "code": "c", "path": "/p", "reason": "r" }] });
        assert_eq!(warnings(&with_reason), Some(vec!["c /p r".to_owned()]));
        assert_eq!(warnings(&json!({ "warnings": [{ "code": "c" }] })), None);
        assert_eq!(warnings(&json!({ "warnings": "a" })), None);
        assert_eq!(warnings(&json!({ "warnings": [1] })), None);
    }
}
