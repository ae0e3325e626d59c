//! Apps: which paths they have, and what they answer.

use super::super::prelude::*;
use crate::testbed::Answer as AppAnswer;
use crate::wire::{Content, Gate};

/// Half of an answer that is given in two halves.
const HALF: u64 = 100_000;
/// Length of an answer that breaks off in its middle.
const BROKEN: u64 = 1 << 20;

pub(super) fn register(steps: &mut Steps) {
    steps.given_or_when("^({portals}) runs? ({app}) with the paths$", runs_with_paths);
    steps.given_or_when(
        r#"^({receiver}) answers (\d{3})(?: with (the body "[^"]*"|a body (?:of \d+ (?:bytes|KiB|MiB))))?$"#,
        answers,
    );
    steps.given("^({receiver}) answers in two halves, the second when the first has arrived$", answers_in_halves);
    steps.given("^({receiver}) never answers$", never_answers);
    steps.given("^({receiver}) breaks off in the middle of its answer$", breaks_off);
}

async fn runs_with_paths(world: &mut World, args: Args) -> StepResult {
    let manifest = manifest(args.text(1), args.table()?)?;
    for portal in args.list(0) {
        world.scene_mut().install(&portal, args.text(1), &manifest).await?;
    }
    Ok(())
}

/// An `app.json` with these paths, in the order of the rows.
fn manifest(app: &str, table: &Table) -> StepResult<String> {
    let mut paths = serde_json::Map::new();
    for row in table.rows() {
        let mut rule = serde_json::json!({ "access": row.cell("access")? });
        let headers = headers(row.cell_if_any("headers").unwrap_or_default())?;
        if !headers.is_empty() {
            rule["headers"] = headers.into();
        }
        paths.insert(row.cell("path")?.to_owned(), rule);
    }
    let manifest = serde_json::json!({
        "v": "4.0",
        "app_version": "1.0.0",
        "name": app,
        "pretty_name": app,
        "icon": "icon.svg",
        "entrypoints": [{ "container_name": app, "container_port": 80, "entrypoint_port": "http" }],
        "paths": paths,
    });
    Ok(manifest.to_string())
}

/// `identity`, or `Name: template` separated by `; `.
fn headers(cell: &str) -> StepResult<serde_json::Map<String, serde_json::Value>> {
    let cell = match cell {
        "identity" => {
            "X-Ptl-Client-Type: {{ auth.client_type }}; X-Ptl-Client-Id: {{ auth.client_id }}; \
             X-Ptl-Client-Name: {{ auth.client_name }}"
        }
        cell => cell,
    };
    let headers = cell.split("; ").filter(|header| !header.is_empty()).map(|header| {
        let (name, template) = header
            .split_once(": ")
            .ok_or_else(|| StepFailure::mistake(format!("`{header}` is no header: `Name: template`")))?;
        Ok((name.to_owned(), template.into()))
    });
    headers.collect()
}

async fn answers(world: &mut World, args: Args) -> StepResult {
    let receiver = Receiver::parse(args.text(0));
    let content = body::body(args.text(2), None)?;
    let mut answer = match &content {
        Content::None => AppAnswer::status(args.get(1)?),
        Content::Bytes(bytes) => AppAnswer::status(args.get(1)?).body(bytes.clone()),
        Content::Generated(length) => AppAnswer::generated(*length).with_status(args.get(1)?),
    };
    for (name, value) in fields::lines_to_send(args.table_if_any())? {
        answer = answer.field(name, value);
    }
    world.scene_mut().answer_with(&receiver, answer, args.get(1)?, Some(&content))
}

async fn answers_in_halves(world: &mut World, args: Args) -> StepResult {
    let (receiver, gate) = (Receiver::parse(args.text(0)), Gate::new());
    let answer = AppAnswer::generated(2 * HALF).chunked().pause_after(HALF, &gate);
    world.scene_mut().opened_by_answers = Some(gate);
    world.scene_mut().answer_with(&receiver, answer, 200, Some(&Content::Generated(2 * HALF)))
}

async fn never_answers(world: &mut World, args: Args) -> StepResult {
    world.scene().silence_is_bearable()?;
    world.scene_mut().answer_with(&Receiver::parse(args.text(0)), AppAnswer::silence(), 200, None)
}

async fn breaks_off(world: &mut World, args: Args) -> StepResult {
    let answer = AppAnswer::generated(BROKEN).cut_after(BROKEN / 2);
    world.scene_mut().answer_with(&Receiver::parse(args.text(0)), answer, 200, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_identity_or_written_out() {
        assert_eq!(headers("").unwrap().len(), 0);
        assert_eq!(headers("identity").unwrap().len(), 3);
        let two = headers("X-Ptl-A: {{ portal.id }} x; X-Ptl-B: b").unwrap();
        assert_eq!(two["X-Ptl-A"], "{{ portal.id }} x");
        assert_eq!(two["X-Ptl-B"], "b");
        assert!(headers("X-Ptl-A").is_err());
    }
}
