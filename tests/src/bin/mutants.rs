//! Prints, for every mutant, the requirement that it breaks and all scenarios that catch it, as a Markdown table.
//! `mutants NAME…` hunts only those. Exit code 1 if one survives.

use std::io::{self, Write as _};
use std::process::ExitCode;

use countersign::suite::{Source, Suite};
use countersign_tests::mutants::{self, Until};

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let suite = Suite::load(&Source::Embedded)?;
    let mut out = io::stdout().lock();
    let (mut all, mut survivors) = (0, 0);
    writeln!(out, "| mutant | breaks | caught by |\n|---|---|---|")?;
    for mutant in mutants::all() {
        if !wanted.is_empty() && !wanted.iter().any(|name| name == mutant.name) {
            continue;
        }
        let hunt = mutant.hunt(&suite, Until::AllScenarios)?;
        all += 1;
        let by = match hunt.caught_by.as_slice() {
            [] => {
                survivors += 1;
                format!("**nobody** (of {} scenarios, {} with an error of the harness)", hunt.ran, hunt.errors.len())
            }
            by => by.join("<br>"),
        };
        writeln!(out, "| {} | {} | {by} |", mutant.name, mutant.breaks)?;
        out.flush()?;
    }
    writeln!(out, "\n{all} mutants, {survivors} survived.")?;
    Ok(if survivors == 0 && all > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
