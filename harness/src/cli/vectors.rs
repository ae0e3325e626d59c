//! `countersign vectors`

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use portal_core::clock::{SystemClock, unix_seconds};

use super::CommandFailure;
use super::check::{ReportTo, Reports, ignoring_closed_pipe};
use super::exit::Exit;
use crate::contract::Threshold;
use crate::expectations::Expectations;
use crate::glob::Glob;
use crate::report::matrix::Matrix;
use crate::report::terminal::Detail;
use crate::report::vectors::progress::VectorProgress;
use crate::report::vectors::{VectorReport, last_line};
use crate::shell::quoted;
use crate::vectors::export::{export, version};
use crate::vectors::load::Corpus;
use crate::vectors::results::{VectorEvent, VectorSink, VectorSummary};
use crate::vectors::runner::{RunError, Selection, Target, VectorOptions, run};

const HELP: &str = "\
Examples:
  countersign vectors --subject core
  countersign vectors --subject 'python3 shim.py' --known-failures known.toml
  countersign vectors --subject 'python3 shim.py' --section 2.2 --id '*-port*'

Exit codes:
  0  the library conforms, as far as it was tested (--level says to what)
  1  it does not, or the list of known failures is out of date
  2  wrong usage or a bad input file
  3  the harness is at fault: nothing is said about the library
  4  the shim did not start or answered with garbage, or the library lacks what any implementation has (partial)
  Where several hold: 2, then 4, 3, 1. After Ctrl-C: 130.";

/// Options of `countersign vectors`.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct Vectors {
    /// What is tested: core, httpsig, or a command that speaks the shim protocol (with --matrix, repeatable)
    #[arg(long, value_name = "core|httpsig|COMMAND", required_unless_present_any = ["list", "export"])]
    subject: Vec<String>,

    /// Compare the subjects: write one page on all of them, as index.html and README.md, into this folder
    #[arg(long, value_name = "DIR", requires = "subject", conflicts_with_all = ["known_failures", "report", "list"])]
    matrix: Option<PathBuf>,

    /// What is known to fail, and why: [[known]] id, reason, owner, until
    #[arg(long, value_name = "FILE")]
    known_failures: Option<PathBuf>,

    /// Only the vectors of this section of the RFC and those below it (repeatable)
    #[arg(long, value_name = "SECTION")]
    section: Vec<String>,

    /// Only the vectors whose id is of this pattern; `*` is anything, `?` one character (repeatable)
    #[arg(long, value_name = "PATTERN")]
    id: Vec<Glob>,

    /// Which requirements decide: must, should, may
    #[arg(long, value_name = "LEVEL", default_value_t = Threshold::Must)]
    level: Threshold,

    /// How many vectors at a time, each in a child of its own [default: the number of cores]
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,

    /// How long one vector may take
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    timeout: u32,

    /// Only list the vectors: id, operation, what must come of it, requirements
    #[arg(long)]
    list: bool,

    /// Write a report into a file (repeatable): json, junit
    #[arg(long, value_name = "KIND=FILE", value_parser = ReportTo::on_vectors)]
    report: Vec<ReportTo>,

    /// Only what failed, and the last line
    #[arg(long, short, conflicts_with = "verbose")]
    quiet: bool,

    /// Each vector as it ends, and the ids of those that were not tested
    #[arg(long, short)]
    verbose: bool,

    /// Write the vectors with their schema, README and loaders into a folder or an archive, and nothing else
    #[arg(long, value_name = "DIR|FILE.tar.gz", exclusive = true)]
    export: Option<PathBuf>,

    /// Take the vectors from this folder instead of those that are built in
    #[arg(long, value_name = "DIR")]
    vectors: Option<PathBuf>,
}

impl Vectors {
    /// Lists or runs.
    pub(super) fn run(&self) -> Result<Exit, CommandFailure> {
        if let Some(to) = &self.export {
            let files = export(to).map_err(CommandFailure::usage)?;
            writeln!(io::stdout(), "{}: {files} files, version {} of the vectors", to.display(), version())?;
            return Ok(Exit::Conforms);
        }
        let corpus = match &self.vectors {
            Some(folder) => Corpus::folder(folder),
            None => Corpus::embedded(),
        };
        let corpus = corpus.map_err(CommandFailure::usage)?;
        match (&self.matrix, &self.subject[..]) {
            _ if self.list => self.list(&corpus, &mut io::stdout().lock()),
            (Some(folder), subjects) => self.compare(&corpus, subjects, folder),
            (None, [subject]) => self.test(&corpus, subject),
            (None, _) => Err(CommandFailure::usage("several subjects go with --matrix DIR only")),
        }
    }

    fn test(&self, corpus: &Corpus, subject: &str) -> Result<Exit, CommandFailure> {
        let mut reports = Reports::open(&self.report)?;
        let mut progress = VectorProgress::new(io::stderr(), self.detail());
        let mut terminal = VectorReport::new(io::stdout(), self.detail());
        let mut sink = |event: &VectorEvent| {
            progress.event(event);
            terminal.event(event);
            reports.iter_mut().for_each(|report| VectorSink::event(report, event));
        };
        let summary = self.run_one(corpus, subject, &mut sink)?;

        ignoring_closed_pipe(terminal.finish().map(drop))?;
        reports.finish()?;
        Ok(Exit::of_vectors(&summary))
    }

    /// Runs all subjects, one after the other, and writes the page on them. What they pass is no matter of the exit code.
    fn compare(&self, corpus: &Corpus, subjects: &[String], folder: &Path) -> Result<Exit, CommandFailure> {
        let mut runs = Vec::new();
        for subject in subjects {
            let mut progress = VectorProgress::new(io::stderr(), self.detail());
            let run = self.run_one(corpus, subject, &mut |event: &VectorEvent| progress.event(event))?;
            ignoring_closed_pipe(writeln!(io::stdout(), "{}", last_line(&run)))?;
            if run.ended_early {
                return Ok(Exit::of_vectors(&run));
            }
            runs.push(run);
        }
        let matrix = Matrix::new(&corpus.files, &runs, unix_seconds(&SystemClock));
        let (html, markdown) = (matrix.html(), matrix.markdown());
        let write = |name: &str, page: Result<String, _>| {
            let (path, page) = (folder.join(name), page.map_err(CommandFailure::harness)?);
            std::fs::create_dir_all(folder)
                .and_then(|()| std::fs::write(&path, page))
                .map_err(|error| CommandFailure::usage(format!("{}: {error}", path.display())))?;
            Ok::<(), CommandFailure>(ignoring_closed_pipe(writeln!(io::stdout(), "{}", path.display()))?)
        };
        write("index.html", html)?;
        write("README.md", markdown)?;
        Ok(Exit::Conforms)
    }

    fn run_one(
        &self,
        corpus: &Corpus,
        subject: &str,
        sink: &mut dyn VectorSink,
    ) -> Result<VectorSummary, CommandFailure> {
        let target = Target::parse(subject).map_err(CommandFailure::usage)?;
        run(corpus, &target, &self.options(subject)?, sink).map_err(|error| match error {
            RunError::Selection(_) | RunError::Expectations(_) => CommandFailure::usage(error),
            RunError::NotStarted(_) | RunError::Hello(_) => CommandFailure::subject(not_started(&target, &error)),
            RunError::Interrupted => CommandFailure::interrupted(error),
            RunError::Runtime(_) => CommandFailure::harness(error),
        })
    }

    fn list(&self, corpus: &Corpus, out: &mut dyn Write) -> Result<Exit, CommandFailure> {
        for (_, vector) in self.selection().select(corpus).map_err(CommandFailure::usage)? {
            let references: Vec<&str> = vector.rfc_refs.iter().map(|reference| reference.id.as_str()).collect();
            let (op, verdict) = (word(vector.op), word(vector.verdict));
            let line = writeln!(out, "{}  {op}  {verdict}  {}", vector.id, references.join(" "));
            ignoring_closed_pipe(line)?;
        }
        Ok(Exit::Conforms)
    }

    fn selection(&self) -> Selection {
        Selection { sections: self.section.clone(), ids: self.id.clone() }
    }

    fn options(&self, subject: &str) -> Result<VectorOptions, CommandFailure> {
        let options = VectorOptions::default();
        let expectations = match &self.known_failures {
            Some(path) => Expectations::load(path, unix_seconds(&*options.clock)).map_err(CommandFailure::usage)?,
            None => Expectations::default(),
        };
        let mut command = format!("countersign vectors --subject {}", quoted(subject));
        if let Some(folder) = &self.vectors {
            // Writing to a String does not fail.
            let _ = write!(command, " --vectors {}", quoted(&folder.display().to_string()));
        }
        Ok(VectorOptions {
            selection: self.selection(),
            level: self.level,
            jobs: self.jobs.map_or(options.jobs, usize::from),
            case_within: Duration::from_secs(self.timeout.into()),
            expectations,
            command,
            interruptible: true,
            ..options
        })
    }

    fn detail(&self) -> Detail {
        match (self.quiet, self.verbose) {
            (true, _) => Detail::Little,
            (false, false) => Detail::Normal,
            (false, true) => Detail::Much,
        }
    }
}

fn not_started(target: &Target, error: &RunError) -> String {
    let advice = match target {
        Target::BuiltIn(..) => String::new(),
        Target::Command(command) => format!(
            "\nBuilt in are core and httpsig; anything else is a command that speaks the shim protocol. \
             `countersign shim check {}` goes through it step by step.",
            quoted(&command.to_string())
        ),
    };
    format!("{error}{advice}")
}

fn word(value: impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}
