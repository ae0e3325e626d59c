//! Runs the whole suite on every twin alone and prints, as a Markdown table, what allows it and whether it passes.
//! `twins NAME…` runs only those; `--crowds` runs each crowd of them as one Core. Exit code 1 if there is a false alarm.

use std::io::{self, Write as _};
use std::process::ExitCode;

use countersign::suite::{Selection, Source, Suite};
use countersign_tests::twins::{self, Twin};

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut wanted: Vec<String> = std::env::args().skip(1).collect();
    let in_crowds = wanted.iter().any(|word| word == "--crowds");
    wanted.retain(|word| word != "--crowds");
    let all = twins::all();
    if let Some(unknown) = wanted.iter().find(|name| !all.iter().any(|twin| twin.name == **name)) {
        writeln!(io::stderr(), "there is no twin `{unknown}`")?;
        return Ok(ExitCode::from(2));
    }
    let chosen: Vec<Twin> =
        all.into_iter().filter(|twin| wanted.is_empty() || wanted.iter().any(|name| name == twin.name)).collect();
    let groups: Vec<&[Twin]> = match in_crowds {
        true => chosen.chunk_by(|one, next| one.crowd == next.crowd).collect(),
        false => chosen.chunks(1).collect(),
    };
    let suite = Suite::load(&Source::Embedded)?;
    let mut out = io::stdout().lock();
    let mut alarming = 0;
    writeln!(out, "| twin | allowed by | false alarms |\n|---|---|---|")?;
    for group in groups {
        let alarms = twins::run(&suite, group, Selection::all())?;
        let names: Vec<&str> = group.iter().map(|twin| twin.name).collect();
        let allowed: Vec<&str> = group.iter().flat_map(|twin| twin.allowed_by).copied().collect();
        let told: Vec<String> = alarms.iter().map(|alarm| format!("{}: {}", alarm.scenario, alarm.why)).collect();
        alarming += usize::from(!alarms.is_empty());
        let told = if told.is_empty() { "none".to_owned() } else { told.join("<br>") };
        writeln!(out, "| {} | {} | {} |", names.join("<br>"), allowed.join("<br>"), told.replace('|', "\\|"))?;
        out.flush()?;
    }
    Ok(if alarming == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
