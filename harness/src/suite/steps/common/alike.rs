//! Whether a stranger can tell two answers apart (AUTH-14).

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::prelude::*;

/// How often each of the two requests is made once more, to learn what differs without any reason to.
const AGAIN: usize = 3;

pub(super) fn register(steps: &mut Steps) {
    steps.then("the last two answers are alike", are_alike);
}

/// What differs between answers to the very same request (the time, the number of the request) tells nothing.
async fn are_alike(world: &mut World, _: Args) -> StepResult {
    let [.., one, other] = world.exchanges() else {
        return Err(StepFailure::mistake("two requests are needed before this step"));
    };
    let mut answers = vec![one.answer()?.clone()];
    let mut others = vec![other.answer()?.clone()];
    for _ in 0..AGAIN {
        answers.push(once_more(world, one).await?);
        others.push(once_more(world, other).await?);
    }
    let seen = |answers: &[Answer]| answers.iter().map(Seen::of).collect::<Vec<_>>();
    let (answers, others) = (seen(&answers), seen(&others));
    let mut varying = varying(&answers);
    varying.extend(self::varying(&others));
    expect::same("both answers: the latter", told(&answers[0], &varying), told(&others[0], &varying))
}

/// The same request again. Nobody is let in by it, so that nothing is used up.
async fn once_more(world: &World, exchange: &Exchange) -> StepResult<Answer> {
    let scene = world.scene();
    let reply = match (&exchange.call, &exchange.asked, &exchange.addressed) {
        (Some(call), Some(portal), _) => scene.portal(portal)?.ask_core(call.clone()).await?,
        (Some(call), None, Some(Receiver::App { portal, app })) => {
            scene.portal(portal)?.send_to(app, call.clone()).await?
        }
        _ => return Err(StepFailure::mistake("answers of an app's Portal or of a Core can be compared, no others")),
    };
    Ok(reply.into())
}

/// What a stranger sees of an answer.
#[derive(Debug, Clone)]
struct Seen {
    status: u16,
    lines: Vec<(String, String)>,
    text: String,
    json: Option<Value>,
}

impl Seen {
    fn of(answer: &Answer) -> Seen {
        // The testbed's own.
        let own = |name: &str| name.to_ascii_lowercase().starts_with("countersign-");
        let lines = answer.fields.to_readable().into_iter().filter(|(name, _)| !own(name));
        let mut lines: Vec<_> = lines.map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
        lines.sort();
        Seen { status: answer.status, lines, text: answer.text(), json: answer.json() }
    }

    fn values(&self, name: &str) -> Vec<&str> {
        self.lines.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    }
}

/// A part of an answer.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Field(String),
    /// A JSON pointer into the body.
    Member(String),
    Body,
}

/// Where answers to one request differ. The time is one of these, though it may stand still meanwhile.
fn varying(answers: &[Seen]) -> BTreeSet<Place> {
    let mut places = BTreeSet::from([Place::Field("date".to_owned())]);
    let Some((first, rest)) = answers.split_first() else { return places };
    for next in rest {
        for (name, _) in &first.lines {
            if first.values(name) != next.values(name) {
                places.insert(Place::Field(name.clone()));
            }
        }
        match (&first.json, &next.json) {
            (Some(first), Some(next)) => members(first, next, String::new(), &mut places),
            _ if first.text != next.text => _ = places.insert(Place::Body),
            _ => {}
        }
    }
    places
}

fn members(one: &Value, other: &Value, at: String, places: &mut BTreeSet<Place>) {
    match (one, other) {
        (Value::Object(ones), Value::Object(others)) if ones.keys().eq(others.keys()) => {
            for (name, one) in ones {
                let name_in_pointer = name.replace('~', "~0").replace('/', "~1");
                members(one, &others[name], format!("{at}/{name_in_pointer}"), places);
            }
        }
        _ if one != other => _ = places.insert(Place::Member(at)),
        _ => {}
    }
}

/// An answer without what varies.
fn told(answer: &Seen, varying: &BTreeSet<Place>) -> String {
    const VARIES: &str = "(varies)";
    let mut lines = answer.lines.clone();
    let mut json = answer.json.clone();
    for place in varying {
        match place {
            Place::Field(name) => {
                lines.iter_mut().filter(|(known, _)| known == name).for_each(|(_, value)| *value = VARIES.to_owned());
            }
            Place::Member(at) => {
                if let Some(member) = json.as_mut().and_then(|json| json.pointer_mut(at)) {
                    *member = VARIES.into();
                }
            }
            Place::Body => {}
        }
    }
    // Its length and its seal follow from the body.
    let body_varies = varying.iter().any(|place| matches!(place, Place::Body | Place::Member(_)));
    if body_varies {
        lines.retain(|(name, _)| name != "content-length" && name != "etag");
    }
    let body = match json {
        _ if varying.contains(&Place::Body) => VARIES.to_owned(),
        Some(json) if body_varies => json.to_string(),
        _ => answer.text.clone(),
    };
    let lines: Vec<String> = lines.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    format!("status {} | {} | {body}", answer.status, lines.join(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(fields: &[(&str, &str)], text: &str) -> Seen {
        Seen {
            status: 401,
            lines: fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            text: text.to_owned(),
            json: serde_json::from_str(text).ok(),
        }
    }

    fn alike(answers: &[Seen], others: &[Seen]) -> bool {
        let mut places = varying(answers);
        places.extend(varying(others));
        told(&answers[0], &places) == told(&others[0], &places)
    }

    #[test]
    fn what_varies_by_itself_tells_nothing() {
        let of = |n: u32| seen(&[("date", "now"), ("x-id", &n.to_string())], &format!(r#"{{"why":"no","id":{n}}}"#));
        assert!(alike(&[of(1), of(2)], &[of(3), of(14)]));
        let text = |n: u32| seen(&[("content-length", &n.to_string())], &format!("request {n}"));
        assert!(alike(&[text(1), text(2)], &[text(3), text(14)]));
    }

    #[test]
    fn what_differs_for_a_reason_is_seen() {
        let of = |why: &str, n: u32| seen(&[("x-id", &n.to_string())], &format!(r#"{{"why":"{why}","id":{n}}}"#));
        assert!(!alike(&[of("unknown", 1), of("unknown", 2)], &[of("wrong", 3), of("wrong", 4)]));
        let plain = seen(&[], "no");
        let more = seen(&[("x-reason", "a peer")], "no");
        assert!(!alike(&[plain.clone(), plain.clone()], &[more.clone(), more.clone()]));
        assert!(!alike(&[more.clone(), more], &[plain.clone(), plain.clone()]));
        let other = Seen { status: 403, ..plain.clone() };
        assert!(!alike(&[plain.clone(), plain], &[other.clone(), other]));
    }
}
