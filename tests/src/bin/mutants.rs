//! Hunts every mutant with the scenarios of the requirement that it breaks, prints what caught it as a Markdown table, and
//! writes `fixtures/mutants/README.md`. `mutants NAME…` hunts only those, and changes only their lines. The first kill is
//! enough; with `--all-scenarios` all of them run and are counted. Exit code 1 if one survives, 2 for a name that no mutant
//! has.
//!
//! `mutants --unbroken` turns it round: it prints the scenarios of which nothing was seen to break what they expect, neither a
//! mutant of one of their requirements nor a wreck. Exit code 1 if there is one.

use std::collections::BTreeSet;
use std::error::Error;
use std::io::{self, Write as _};
use std::process::ExitCode;

use countersign::suite::{Selection, Source, Suite};
use countersign_tests::mutants::table::{self, Row};
use countersign_tests::mutants::wrecks::WRECKS;
use countersign_tests::mutants::{self, Until};
use countersign_tests::side_by_side;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut wanted: Vec<String> = std::env::args().skip(1).collect();
    if wanted == ["--unbroken"] {
        return unbroken();
    }
    let until = match wanted.iter().any(|word| word == "--all-scenarios") {
        true => Until::AllScenarios,
        false => Until::FirstKill,
    };
    wanted.retain(|word| word != "--all-scenarios");
    let all = mutants::all();
    if let Some(unknown) = wanted.iter().find(|name| !all.iter().any(|mutant| mutant.name == **name)) {
        writeln!(io::stderr(), "there is no mutant `{unknown}`")?;
        return Ok(ExitCode::from(2));
    }
    let suite = Suite::load(&Source::Embedded)?;
    let kept = table::kept()?;
    let mut out = io::stdout().lock();
    let (mut hunted, mut survivors, mut rows) = (0, 0, Vec::new());
    writeln!(out, "| mutant | breaks | caught by |\n|---|---|---|")?;
    for (at, mutant) in all.iter().enumerate() {
        if !wanted.is_empty() && !wanted.iter().any(|name| name == mutant.name) {
            rows.extend(kept.iter().find(|row| row.name == mutant.name).cloned());
            continue;
        }
        let hunt = mutant.hunt(&suite, until)?;
        let row = Row::of(mutant, &hunt);
        hunted += 1;
        writeln!(out, "{}", row.line())?;
        if hunt.caught_by.is_empty() {
            survivors += 1;
            writeln!(
                out,
                "{} scenarios ran, {} with an error of the harness: {:?}",
                hunt.ran,
                hunt.errors.len(),
                hunt.errors
            )?;
        }
        out.flush()?;
        rows.push(row);
        // What was found so far stays, also if the hunt is broken off.
        let later = all.iter().skip(at + 1).filter_map(|mutant| kept.iter().find(|row| row.name == mutant.name));
        table::keep(&rows.iter().chain(later).cloned().collect::<Vec<_>>())?;
    }
    writeln!(out, "\n{hunted} mutants, {survivors} survived.")?;
    table::keep(&rows)?;
    Ok(if survivors == 0 && hunted > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A scenario that nothing was seen to break may be one that can't fail.
fn unbroken() -> Result<ExitCode, Box<dyn Error>> {
    let suite = Suite::load(&Source::Embedded)?;
    let mut out = io::stdout().lock();
    let all = suite.scenarios(&Selection::all());
    let mut left: BTreeSet<String> = all.iter().map(|scenario| scenario.id.clone()).collect();
    for hunt in side_by_side(mutants::all(), |mutant| mutant.hunt(&suite, Until::AllScenarios)) {
        for id in hunt?.caught_in_then {
            left.remove(&id);
        }
    }
    writeln!(out, "Of {1} scenarios {0} are broken by no mutant of their requirements.", left.len(), all.len())?;
    for wreck in WRECKS {
        if left.is_empty() {
            break;
        }
        let failed = wreck.fails(&suite, &left)?;
        left.retain(|id| !failed.contains(id));
        writeln!(out, "{}: {} of them fail, {} are left.", wreck.name, failed.len(), left.len())?;
        out.flush()?;
    }
    for scenario in all.iter().filter(|scenario| left.contains(&scenario.id)) {
        writeln!(out, "{} ({})", scenario.id, scenario.requirements.join(", "))?;
    }
    Ok(if left.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
