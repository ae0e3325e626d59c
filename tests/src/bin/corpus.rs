//! Makes `fixtures/vectors` and `fixtures/rfc9421.toml` from `tests/corpus/*.toml`.

use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::{fs, path::Path};

use countersign_tests::corpus::{Problem, build, read, sanity, write};

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
    let (definitions, mut problems) = read::read(&options.cases)?;
    let wanted = |section: &str| options.only.is_empty() || options.only.contains(section);
    if let Some(unknown) = options.only.iter().find(|only| definitions.files.iter().all(|it| it.file.section != **only))
    {
        if problems.is_empty() {
            return Err(format!("{}: there is no section {unknown}", options.cases.display()).into());
        }
    }

    let (mut output, mut files) = (write::Output::new(), Vec::new());
    let (mut all, mut disagreements) = (0, 0);
    for definition in &definitions.files {
        let (built, wrong) = build::build(&definitions, definition);
        problems.extend(wrong);
        if !wanted(&built.file.section) {
            files.push(built.file);
            continue;
        }
        all += built.file.vectors.len();
        for vector in built.file.vectors.iter().filter(|_| options.engine) {
            if let Some(what) = sanity::disagreement(vector, &built.file.keys) {
                disagreements += 1;
                let line = built.lines.get(&vector.id).copied().unwrap_or(1);
                writeln!(out, "engine: {}:{line}: {}: {what}", definition.path.display(), vector.id)?;
            }
        }
        output.insert(options.out.join(format!("{}.json", built.file.section)), write::vectors(&built.file)?);
        files.push(built.file);
    }
    if options.only.is_empty() {
        let beside = options.out.parent().unwrap_or(Path::new(".")).join("rfc9421.toml");
        output.insert(beside, write::catalogue(&definitions, &files)?);
    }

    let concerns = |problem: &&Problem| {
        let stem = problem.file.file_stem().unwrap_or_default().to_string_lossy();
        wanted(&stem) || problem.file.extension().is_some_and(|extension| extension == "json")
    };
    let (ours, others): (Vec<&Problem>, Vec<&Problem>) = problems.iter().partition(|problem| concerns(problem));
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

    let differences = write::differences(&output, &options.out, options.only.is_empty())?;
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
    let invalid = files.iter().filter(|file| wanted(&file.section)).flat_map(|file| &file.vectors);
    let invalid = invalid.filter(|vector| vector.twin_of.is_some()).count();
    writeln!(
        out,
        "{all} vectors, {invalid} of them with a defect; {} files differ{}; our engine disagrees with {disagreements}",
        differences.len(),
        if options.check { "" } else { " (written)" }
    )?;
    if !ours.is_empty() {
        return Ok(ExitCode::from(2));
    }
    let well = disagreements == 0 && (!options.check || differences.is_empty());
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
