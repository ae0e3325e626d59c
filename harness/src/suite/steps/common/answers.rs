//! What came back.

use super::super::prelude::*;
use crate::suite::kit::json::{at_path, told};

pub(super) fn register(steps: &mut Steps) {
    steps.then(r"^the answer is (\d{3}(?:(?:, | or )\d{3})*)( with a reason)?$", has_status);
    steps.then("the answer has the fields", async |world, args| {
        let lines = world.answer()?.fields.to_readable();
        fields::expect_lines("an answer", args.table()?, &lines, fields::Empty::Absent)
    });
    steps.then(r#"^the answer's body is "([^"]*)"$"#, has_body);
    steps.then("the answer's body is complete", is_complete);
    steps.then("the answer's JSON has", has_json);
}

async fn has_status(world: &mut World, args: Args) -> StepResult {
    let statuses = args.text(0).split(", ").flat_map(|part| part.split(" or ")).map(str::parse);
    let answer = world.answer()?;
    answer.expect_status_among(&statuses.collect::<Result<Vec<u16>, _>>()?)?;
    if args.text(1).is_empty() {
        return Ok(());
    }
    answer.expect_reason().map(drop)
}

async fn has_body(world: &mut World, args: Args) -> StepResult {
    let answer = world.answer()?;
    expect::same("the answer's body", args.text(0).to_owned(), answer.text())
}

async fn is_complete(world: &mut World, _: Args) -> StepResult {
    let answer = world.answer()?;
    let addressed = world.exchange()?.addressed.as_ref();
    let addressed = addressed.ok_or_else(|| StepFailure::mistake("the latest request went to no app"))?;
    let given = world.scene().given(addressed)?;
    let got = body::Fingerprint { length: answer.length, sha256: answer.sha256.clone() };
    expect::holds(*given == got, format!("the body that {addressed} gave: {given}"), || got.to_string())
}

async fn has_json(world: &mut World, args: Args) -> StepResult {
    let json = world.answer()?.expect_json()?;
    for row in args.table()?.rows() {
        let (at, cell) = (row.cell("at")?, row.cell("value")?);
        let found = at_path(&json, at).map(|value| told(&value));
        let matches = match &found {
            Some(text) => fields::cell_matches(cell, text)?,
            None => false,
        };
        expect::holds(matches, format!("`{at}` is {cell}"), || match &found {
            Some(text) => text.clone(),
            None => format!("no `{at}` in {json}"),
        })?;
    }
    Ok(())
}
