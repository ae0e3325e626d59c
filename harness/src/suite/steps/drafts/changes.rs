//! What is sent differs from what was signed, in one place.

use super::super::prelude::*;
use super::draft_mut;
use super::signing::parameter;
use crate::attack::{Draft, Parameter};

pub(super) fn register(steps: &mut Steps) {
    steps.given_or_when(
        r#"^after signing, its (method|path|query|host|body|signature|label|covered components|field "[^"]+"|parameter "[^"]+") becomes "(.*)"$"#,
        becomes,
    );
    steps.given_or_when(r#"^after signing, its (query|body|field "[^"]+"|parameter "[^"]+") is removed$"#, is_removed);
    steps.given_or_when(r#"^after signing, the (field|parameter) "([^"]+)" with "([^"]*)" is added$"#, is_added);
}

async fn becomes(world: &mut World, args: Args) -> StepResult {
    let now = world.scene().now()?;
    change(draft_mut(world)?, args.text(0), args.text(1), now)
}

async fn is_removed(world: &mut World, args: Args) -> StepResult {
    remove(draft_mut(world)?, args.text(0))
}

async fn is_added(world: &mut World, args: Args) -> StepResult {
    let (kind, name, value) = (args.text(0), args.text(1), args.text(2));
    let now = world.scene().now()?;
    let draft = draft_mut(world)?;
    if kind == "field" {
        draft.add_field(name, value);
    } else {
        draft.latest_signature()?.parameters.push((name.to_owned(), parameter(name, value, now)?));
    }
    Ok(())
}

fn change(draft: &mut Draft, what: &str, value: &str, now: u64) -> StepResult {
    match (what, named(what)) {
        ("method", _) => draft.method = value.to_owned(),
        ("path", _) => draft.path = value.to_owned(),
        ("query", _) => draft.query = Some(value.to_owned()).filter(|query| !query.is_empty()),
        ("host", _) => draft.host = value.to_owned(),
        ("body", _) => draft.body = Some(value.as_bytes().to_vec()),
        ("signature", _) if value == "one bit different" => draft.latest_signature()?.flip_a_bit()?,
        ("signature", _) => draft.latest_signature()?.signature = value.to_owned(),
        ("label", _) => draft.latest_signature()?.label = value.to_owned(),
        ("covered components", _) => draft.latest_signature()?.covering = value.to_owned(),
        (_, Some(("field", name))) => draft.set_field(name, value),
        (_, Some((_, name))) => {
            let value = match parameter(name, value, now)? {
                Parameter::Integer(seconds) => seconds.to_string(),
                Parameter::Text(text) | Parameter::Verbatim(text) => text,
            };
            draft.latest_signature()?.set_parameter(name, &value)?;
        }
        (_, None) => return Err(unknown(what)),
    }
    Ok(())
}

fn remove(draft: &mut Draft, what: &str) -> StepResult {
    match (what, named(what)) {
        ("query", _) => draft.query.take().map(drop).ok_or_else(|| StepFailure::mistake("there is no query"))?,
        ("body", _) => draft.body.take().map(drop).ok_or_else(|| StepFailure::mistake("there is no body"))?,
        (_, Some(("field", name))) => draft.remove_field(name)?,
        (_, Some((_, name))) => draft.latest_signature()?.remove_parameter(name)?,
        (_, None) => return Err(unknown(what)),
    }
    Ok(())
}

/// `field "X-Note"`: the kind and the name.
fn named(what: &str) -> Option<(&str, &str)> {
    let (kind, name) = what.split_once(' ')?;
    Some((kind, name.strip_prefix('"')?.strip_suffix('"')?))
}

fn unknown(what: &str) -> StepFailure {
    StepFailure::mistake(format!("a request has no {what} that could be changed"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::attack::Signer;

    fn signed() -> Draft {
        let mut draft = Draft::new("POST", "chat.abcdef.example", "/a?b=c");
        draft.fields.push(("X-Note".into(), "please".into()));
        draft.body = Some(b"hello".to_vec());
        let parameters = vec![
            ("created".to_owned(), Parameter::Integer(1000)),
            ("nonce".to_owned(), Parameter::Text("once".into())),
        ];
        draft.sign("sig1", "\"@method\"", parameters, &BTreeMap::new(), &Signer::Secret(b"x")).unwrap();
        draft
    }

    #[test]
    fn each_change_is_the_only_one() {
        let changes = [
            ("method", "GET"),
            ("path", "/b"),
            ("query", ""),
            ("host", "other.example"),
            ("body", "hallo"),
            ("signature", "one bit different"),
            ("signature", "AAAA"),
            ("label", "sig2"),
            ("covered components", ""),
            ("field \"X-Note\"", "   please  "),
            ("parameter \"created\"", "1 seconds ago"),
            ("parameter \"nonce\"", "twice"),
        ];
        let mut seen = vec![format!("{:?}", signed())];
        for (what, value) in changes {
            let mut draft = signed();
            change(&mut draft, what, value, 1000).unwrap();
            assert_eq!(draft.signatures[0].base, signed().signatures[0].base, "{what}");
            seen.push(format!("{draft:?}"));
        }
        let count = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), count);
    }

    #[test]
    fn to_change_what_is_not_there_is_the_scenario_s_fault() {
        assert!(!change(&mut signed(), "parameter \"mood\"", "good", 1000).unwrap_err().is_fail());
        for what in ["field \"X-None\"", "parameter \"mood\"", "shoe"] {
            assert!(!remove(&mut signed(), what).unwrap_err().is_fail(), "{what}");
        }
        let mut bare = signed();
        remove(&mut bare, "query").unwrap();
        assert!(remove(&mut bare, "query").is_err());
    }

    #[test]
    fn what_is_removed_is_gone() {
        let mut draft = signed();
        for what in ["query", "body", "field \"X-Note\"", "parameter \"nonce\""] {
            remove(&mut draft, what).unwrap();
        }
        assert_eq!((draft.target().as_str(), &draft.body), ("/a", &None));
        assert_eq!(draft.lines()[0].1, "sig1=(\"@method\");created=1000");
        remove(&mut draft, "field \"Signature\"").unwrap();
        assert_eq!(draft.lines().len(), 1);
    }
}
