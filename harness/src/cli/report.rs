//! `countersign report`

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use portal_core::clock::{SystemClock, unix_seconds};

use super::CommandFailure;
use super::check::{ReportArgs, ignoring_closed_pipe};
use super::exit::{self, Exit};
use crate::expectations::Expectations;
use crate::report::diff::Diff;
use crate::report::json::read;
use crate::report::merge::{compare_with, merge};
use crate::report::terminal::{Detail, TerminalReport};
use crate::verdict::{Event, EventSink as _, Summary};

const DIFF_HELP: &str = "\
Exit codes:
  0  nothing got worse
  1  a requirement or a scenario got worse
  2  a file is no report";

/// Options of `countersign report`.
#[derive(Debug, Args)]
pub struct Report {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Say what got better and what got worse between two runs
    #[command(after_help = DIFF_HELP)]
    Diff(DiffArgs),
    /// Make one run of the reports of its shards, and other kinds of reports of a JSON report
    #[command(after_help = exit::HELP)]
    Merge(MergeArgs),
}

#[derive(Debug, Args)]
struct DiffArgs {
    /// The JSON report of the earlier run
    old: PathBuf,

    /// The JSON report of the later run
    new: PathBuf,

    /// Write Markdown, for a pull request
    #[arg(long)]
    markdown: bool,
}

#[derive(Debug, Args)]
struct MergeArgs {
    /// JSON reports: of all shards of a run, or a single one
    #[arg(required = true, value_name = "REPORT.json")]
    shards: Vec<PathBuf>,

    /// The list that the shards were given: an entry whose cases are in several shards is seen to be out of date only here
    #[arg(long, value_name = "FILE")]
    known_failures: Option<PathBuf>,

    #[command(flatten)]
    reports: ReportArgs,

    /// Only what failed, and the last line
    #[arg(long, short)]
    quiet: bool,
}

impl Report {
    /// Compares or merges.
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Exit, CommandFailure> {
        match &self.what {
            What::Diff(diff) => diff.run(out),
            What::Merge(merge) => merge.run(out),
        }
    }
}

impl DiffArgs {
    fn run(&self, out: &mut dyn Write) -> Result<Exit, CommandFailure> {
        let (old, new) = (loaded(&self.old)?, loaded(&self.new)?);
        let diff = Diff::new(&old, &new);
        let text = if self.markdown { diff.markdown() } else { diff.text() };
        ignoring_closed_pipe(out.write_all(text.as_bytes()).and_then(|()| out.flush()))?;
        Ok(if diff.is_worse() { Exit::DoesNotConform } else { Exit::Conforms })
    }
}

impl MergeArgs {
    fn run(&self, out: &mut dyn Write) -> Result<Exit, CommandFailure> {
        let shards = self.shards.iter().map(|path| Ok((path.clone(), loaded(path)?)));
        let shards = shards.collect::<Result<Vec<_>, CommandFailure>>()?;
        let mut merged = merge(shards).map_err(CommandFailure::usage)?;
        if let Some(path) = &self.known_failures {
            let list = Expectations::load(path, unix_seconds(&SystemClock)).map_err(CommandFailure::usage)?;
            compare_with(&mut merged, &list).map_err(CommandFailure::usage)?;
        }
        let merged = Arc::new(merged);
        let mut reports = self.reports.open()?;
        let event = Event::Finished(Arc::clone(&merged));
        reports.sinks().for_each(|report| report.event(&event));
        let mut terminal = TerminalReport::new(out, if self.quiet { Detail::Little } else { Detail::Normal });
        terminal.event(&event);
        ignoring_closed_pipe(terminal.finish().map(drop))?;
        reports.finish()?;
        Ok(Exit::of(&merged))
    }
}

fn loaded(path: &Path) -> Result<Summary, CommandFailure> {
    read(path).map_err(CommandFailure::usage)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use clap::Parser as _;

    use super::*;
    use crate::cli::Cli;
    use crate::report::file::Kind;
    use crate::report::sample;
    use crate::verdict::Verdict;

    fn run(args: &[&str]) -> Exit {
        Cli::try_parse_from(["countersign", "report"].iter().chain(args)).unwrap().run()
    }

    fn written(folder: &Path, name: &str, summary: &Summary) -> String {
        let path = folder.join(name);
        Kind::Json.write(summary, &mut fs::File::create(&path).unwrap()).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// The sample, with all that fails mended.
    fn mended() -> Summary {
        let mut summary = sample::summary();
        for result in &mut summary.scenarios {
            (result.verdict, result.failure) = (Verdict::Pass, None);
        }
        let tested = summary.requirements.iter_mut().filter(|requirement| requirement.verdict.is_some());
        tested.for_each(|requirement| requirement.verdict = Some(Verdict::Pass));
        summary
    }

    #[test]
    fn worse_is_told_from_better() {
        let folder = tempfile::tempdir().unwrap();
        let bad = written(folder.path(), "bad.json", &sample::summary());
        let good = written(folder.path(), "good.json", &mended());
        assert_eq!(run(&["diff", &good, &bad]), Exit::DoesNotConform);
        assert_eq!(run(&["diff", &bad, &good]), Exit::Conforms);
        assert_eq!(run(&["diff", "--markdown", &bad, &bad]), Exit::Conforms);
        assert_eq!(run(&["diff", &bad, "no/such/report.json"]), Exit::Usage);
        fs::write(&good, "{}").unwrap();
        assert_eq!(run(&["diff", &bad, &good]), Exit::Usage);
    }

    #[test]
    fn an_entry_whose_cases_are_in_several_shards_is_found_out_of_date_when_they_come_together() {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("known.toml");
        let entry = |id: &str, until: &str| {
            format!("[[known]]\nid = \"{id}\"\nreason = \"r\"\nowner = \"o\"\nuntil = {until}\n")
        };
        fs::write(&list, entry("*", "2999-01-01")).unwrap();
        let shard = |which: usize, whole: Summary| {
            let scenarios = whole.scenarios.iter().enumerate().filter(|(at, _)| at % 2 == which);
            Summary { scenarios: scenarios.map(|(_, result)| result.clone()).collect(), ..whole }
        };
        let halves = |name: &str, whole: fn() -> Summary| {
            [0, 1].map(|which| written(folder.path(), &format!("{name}-{which}.json"), &shard(which, whole())))
        };
        let list = list.to_str().unwrap();
        let [one, other] = &halves("good", mended);
        assert_eq!(run(&["merge", "-q", one, other]), Exit::Conforms);
        assert_eq!(run(&["merge", "-q", one, other, "--known-failures", list]), Exit::DoesNotConform);
        let [one, other] = &halves("bad", || {
            let mut summary = mended();
            summary.scenarios[0].verdict = Verdict::KnownFailure;
            summary
        });
        assert_eq!(run(&["merge", "-q", one, other, "--known-failures", list]), Exit::Conforms);
        fs::write(list, entry("*", "1999-01-01")).unwrap();
        assert_eq!(run(&["merge", "-q", one, other, "--known-failures", list]), Exit::DoesNotConform);
        fs::write(list, entry("of/nothing", "2999-01-01")).unwrap();
        assert_eq!(run(&["merge", "-q", one, other, "--known-failures", list]), Exit::Usage);
    }

    #[test]
    fn every_kind_of_report_is_made_from_a_json_report_and_the_exit_code_is_that_of_the_run() {
        let folder = tempfile::tempdir().unwrap();
        let bad = written(folder.path(), "bad.json", &sample::summary());
        let good = written(folder.path(), "good.json", &mended());
        for kind in Kind::ALL {
            let path = folder.path().join(kind.name());
            let to = format!("{kind}={}", path.display());
            assert_eq!(run(&["merge", "-q", &good, "--report", &to]), Exit::Conforms);
            let (mut direct, made) = (Vec::new(), fs::read(&path).unwrap());
            kind.write(&mended(), &mut direct).unwrap();
            assert!(made == direct, "{kind}");
        }
        assert_eq!(run(&["merge", "-q", &bad]), Exit::Harness);
        assert_eq!(run(&["merge", "-q", &good, &bad]), Exit::Usage, "the same scenarios");
        assert_eq!(run(&["merge", "-q", &good, "--report", "html=no/such/folder/r.html"]), Exit::Usage);
        assert!(Cli::try_parse_from(["countersign", "report", "merge"]).is_err());
    }
}
