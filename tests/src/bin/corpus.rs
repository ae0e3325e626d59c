//! Makes `fixtures/vectors` and `fixtures/rfc9421.toml` from `tests/corpus/*.toml`.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use countersign_tests::corpus::{Corpus, Problem, sanity, write};

const HELP: &str = "\
Makes the vectors from their definitions.

corpus [--cases DIR] [--out DIR] [--only SECTION]… [--check] [--no-engine] [--keep-going]

  --cases DIR      the definitions [default: tests/corpus]
  --out DIR        where the vectors are [default: fixtures/vectors]; rfc9421.toml is written beside it
  --only SECTION   only this section (2.1); the catalogue is not written then
  --check          write nothing, say what differs
  --no-engine      don't ask our own engine whether it agrees
  --keep-going     with errors in some cases, write the others

Exit codes: 0 all is well · 1 the files differ (--check), or our engine disagrees · 2 wrong usage or definitions";

struct Options {
    cases: PathBuf,
    out: PathBuf,
    only: BTreeSet<String>,
    check: bool,
    engine: bool,
    keep_going: bool,
}

fn main() -> ExitCode {
    let options = match options(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => return told(HELP, 0),
        Err(what) => return told(&format!("{what}\n\n{HELP}"), 2),
    };
    match run(&options) {
        Ok(code) => code,
        Err(error) => told(&error.to_string(), 2),
    }
}

fn told(text: &str, code: u8) -> ExitCode {
    // With standard error gone, the exit code has to do.
    let _ = writeln!(io::stderr(), "{text}");
    ExitCode::from(code)
}

fn options(mut args: impl Iterator<Item = String>) -> Result<Option<Options>, String> {
    let mut options = Options {
        cases: "tests/corpus".into(),
        out: "fixtures/vectors".into(),
        only: BTreeSet::new(),
        check: false,
        engine: true,
        keep_going: false,
    };
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
        match arg.as_str() {
            "--cases" => options.cases = value()?.into(),
            "--out" => options.out = value()?.into(),
            "--only" => options.only.extend(value()?.split(',').map(str::to_owned)),
            "--check" => options.check = true,
            "--no-engine" => options.engine = false,
            "--keep-going" => options.keep_going = true,
            "--help" | "-h" => return Ok(None),
            _ => return Err(format!("`{arg}` is no option")),
        }
    }
    Ok(Some(options))
}

fn run(options: &Options) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut out = io::stdout().lock();
    let corpus = Corpus::make(&options.cases)?;
    let wanted = |section: &str| options.only.is_empty() || options.only.contains(section);
    let sections = || corpus.sections.iter().filter(|built| wanted(&built.file.section));
    let unknown = options.only.iter().find(|only| sections().all(|built| built.file.section != **only));
    if let (Some(unknown), true) = (unknown, corpus.problems.is_empty()) {
        return Err(format!("{}: there is no section {unknown}", options.cases.display()).into());
    }

    let mut disagreements = 0;
    for built in sections().filter(|_| options.engine) {
        let path = options.cases.join(format!("{}.toml", built.file.section));
        for vector in &built.file.vectors {
            if let Some(what) = sanity::disagreement(vector, &built.file.keys) {
                disagreements += 1;
                let line = built.lines.get(&vector.id).copied().unwrap_or(1);
                writeln!(out, "engine: {}:{line}: {}: {what}", path.display(), vector.id)?;
            }
        }
    }

    let concerns = |problem: &&Problem| {
        let stem = problem.file.file_stem().unwrap_or_default().to_string_lossy();
        wanted(&stem) || problem.file.extension().is_some_and(|extension| extension == "json")
    };
    let (ours, others): (Vec<&Problem>, Vec<&Problem>) = corpus.problems.iter().partition(|problem| concerns(problem));
    for problem in &ours {
        writeln!(out, "error: {problem}")?;
    }
    if !others.is_empty() {
        writeln!(out, "({} errors in sections that were not asked for)", others.len())?;
    }
    if !ours.is_empty() {
        writeln!(out, "{} errors", ours.len())?;
        if !options.keep_going {
            writeln!(out, "Nothing was written.")?;
            return Ok(ExitCode::from(2));
        }
    }

    let only = (!options.only.is_empty()).then_some(&wanted as &dyn Fn(&str) -> bool);
    let output = corpus.output(&options.out, only)?;
    let differences = write::differences(&output, &options.out, only.is_none())?;
    if options.check {
        for difference in &differences {
            writeln!(out, "differs: {difference}")?;
        }
    } else {
        fs::create_dir_all(&options.out)?;
        for (path, text) in &output {
            fs::write(path, text)?;
        }
    }
    let vectors = || sections().flat_map(|built| &built.file.vectors);
    writeln!(
        out,
        "{} vectors, {} of them with a defect; {} files differ{}; our engine disagrees with {disagreements}",
        vectors().count(),
        vectors().filter(|vector| vector.defect.is_some()).count(),
        differences.len(),
        if options.check { "" } else { " (written)" }
    )?;
    if !ours.is_empty() {
        return Ok(ExitCode::from(2));
    }
    let well = disagreements == 0 && (!options.check || differences.is_empty());
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
