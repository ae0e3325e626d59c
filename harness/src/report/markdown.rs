//! The report for the summary of a job and for pull requests: the verdict first, then what is broken, then the evidence,
//! folded. GitHub cuts a summary at 1 MiB: this stays below.

use std::collections::BTreeMap;

use super::Headline;
use super::terminal::{last_line, many, one_line};
use crate::verdict::{Bases, Failure, RequirementResult, ScenarioResult, Summary, Verdict};

/// How long a report may be, in bytes.
const LONGEST: usize = 900 << 10;
/// How long one text in it may be, in bytes.
const LONGEST_TEXT: usize = 8 << 10;
/// How many reasons are listed.
const REASONS: usize = 100;

/// The report on a run of `check`.
pub fn check(summary: &Summary) -> String {
    let mut out = String::new();
    let subject = &summary.subject;
    let version = subject.version.as_deref().map(|version| format!(" {version}")).unwrap_or_default();
    let how = subject.receive.beside();
    out.push_str(&format!("## {} {}{}{how}\n\n", mark(summary), inline(&subject.name), inline(&version)));
    out.push_str(&format!("**{}**\n\n", inline(&last_line(summary))));
    counts(&mut out, summary);

    let broken = |counts: bool| {
        move |requirement: &&RequirementResult| {
            requirement.counts == counts
                && requirement.verdict.is_some_and(|verdict| verdict.breaks() || verdict == Verdict::Error)
        }
    };
    requirements(&mut out, "Requirements that are not kept", summary, broken(true));
    requirements(&mut out, "Reported apart", summary, broken(false));
    listed(&mut out, "The list of known failures is out of date", &summary.stale);
    let flaky: Vec<String> = summary.flaky.iter().map(ToString::to_string).collect();
    listed(&mut out, "Verdicts that changed from round to round", &flaky);
    listed(&mut out, "Did not run, or not to the end", &summary.not_run);
    failures(&mut out, summary);
    reasons(&mut out, summary);
    let suite = &summary.suite;
    out.push_str(&format!(
        "<sub>countersign {}, features {}</sub>\n",
        inline(&suite.version),
        inline(suite.features_sha256.get(..12).unwrap_or_default())
    ));
    out
}

fn mark(summary: &Summary) -> &'static str {
    match Headline::of(summary) {
        Headline::DoesNotConform => "❌",
        Headline::NotKnown => "⚠️",
        Headline::Conforms => "✅",
    }
}

fn counts(out: &mut String, summary: &Summary) {
    let counts = Verdict::ALL.map(|verdict| (verdict.words(), summary.count(verdict)));
    let counts: Vec<_> = counts.into_iter().filter(|(_, count)| *count > 0).collect();
    if counts.is_empty() {
        return;
    }
    let row = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    out.push_str(&row(counts.iter().map(|(words, _)| (*words).to_owned()).collect()));
    out.push_str(&row(counts.iter().map(|_| "---:".to_owned()).collect()));
    out.push_str(&row(counts.iter().map(|(_, count)| count.to_string()).collect()));
    out.push('\n');
}

fn requirements(out: &mut String, title: &str, summary: &Summary, wanted: impl Fn(&&RequirementResult) -> bool) {
    let rows: Vec<_> = summary.requirements.iter().filter(wanted).collect();
    if rows.is_empty() {
        return;
    }
    out.push_str(&format!("### {title}\n\n| id | level | verdict | scenarios | |\n|---|---|---|---|---|\n"));
    for row in rows {
        let bad = summary.scenarios_of(&row.id).filter(|result| result.verdict != Verdict::Pass).count();
        out.push_str(&format!(
            "| {} | {} | {} | {bad} of {} | {} |\n",
            inline(&row.id),
            row.level,
            row.verdict.map_or("", Verdict::words),
            row.scenarios.len(),
            prose(&row.sentence)
        ));
    }
    out.push('\n');
}

fn listed(out: &mut String, title: &str, entries: &[String]) {
    if entries.is_empty() {
        return;
    }
    out.push_str(&format!("### {title}\n\n"));
    entries.iter().take(REASONS).for_each(|entry| out.push_str(&format!("- {}\n", inline(&one_line(entry)))));
    left_out(out, entries.len().saturating_sub(REASONS), "entry", "entries");
    out.push('\n');
}

fn failures(out: &mut String, summary: &Summary) {
    let order = [Verdict::Fail, Verdict::Timeout, Verdict::UnexpectedPass, Verdict::Error];
    let bad = order.iter().flat_map(|verdict| summary.scenarios.iter().filter(|result| result.verdict == *verdict));
    let (mut shown, mut not_shown) = (0, 0);
    for result in bad {
        let told = failure(result);
        if out.len() + told.len() > LONGEST {
            not_shown += 1;
            continue;
        }
        if shown == 0 {
            out.push_str("### Scenarios that did not pass\n\n");
        }
        shown += 1;
        out.push_str(&told);
    }
    left_out(out, not_shown, "scenario", "scenarios");
}

fn left_out(out: &mut String, count: usize, one: &str, several: &str) {
    if count > 0 {
        out.push_str(&format!(
            "… and {count} more {}, for which there is no room here.\n\n",
            if count == 1 { one } else { several }
        ));
    }
}

fn failure(result: &ScenarioResult) -> String {
    let (scenario, verdict) = (&result.scenario, result.verdict.words());
    let mut out = format!(
        "<details><summary><b>{verdict}</b> <code>{}</code> {}</summary>\n\n",
        inline(&scenario.id),
        inline(&scenario.name)
    );
    if let Some(known) = &result.known {
        out.push_str(&format!("Listed: {}\n\n", inline(&known.shown())));
    }
    if let Some(failure) = &result.failure {
        evidence(&mut out, failure);
    }
    out.push_str("</details>\n\n");
    out
}

fn evidence(out: &mut String, failure: &Failure) {
    if let Some(id) = &failure.requirement {
        out.push_str(&format!("**{}** {}\n\n", inline(id), prose(failure.sentence.as_deref().unwrap_or_default())));
    }
    let Failure { step, expected, got, .. } = failure;
    let mut text = String::new();
    for (name, value) in [("step", step), ("expected", expected), ("got", got)] {
        for (n, line) in clipped(value).lines().enumerate() {
            text.push_str(&format!("{:<9} {line}\n", if n == 0 { name } else { "" }));
        }
    }
    fence(out, "text", &text);
    if let Some(bases) = &failure.bases {
        side_by_side(out, bases);
    }
    if let Some(hop) = &failure.hop {
        out.push_str(&format!("Changed by {}\n\n", prose(&clipped(hop))));
    }
    fence(out, "sh", &failure.replay);
}

/// The two bases as a diff: `-` signed, `+` rebuilt.
fn side_by_side(out: &mut String, bases: &Bases) {
    let Some(line) = bases.line else { return };
    let guess = bases.guess.as_deref().map(|guess| format!(": {guess}")).unwrap_or_default();
    out.push_str(&format!("The signature bases differ first on line {line}{}\n\n", inline(&guess)));
    let (made, rebuilt): (Vec<&str>, Vec<&str>) =
        (bases.made.split('\n').collect(), bases.rebuilt.split('\n').collect());
    let mut diff = String::from("--- signed\n+++ rebuilt\n");
    for n in 0..made.len().max(rebuilt.len()) {
        match (made.get(n), rebuilt.get(n)) {
            (Some(a), Some(b)) if a == b => diff.push_str(&format!("  {a}\n")),
            (a, b) => {
                a.iter().for_each(|a| diff.push_str(&format!("- {a}\n")));
                b.iter().for_each(|b| diff.push_str(&format!("+ {b}\n")));
            }
        }
    }
    fence(out, "diff", &clipped(&diff));
}

/// Why scenarios were not tested, and what is known to fail: each reason once.
fn reasons(out: &mut String, summary: &Summary) {
    let mut reasons: BTreeMap<(Verdict, String), Vec<&str>> = BTreeMap::new();
    for result in &summary.scenarios {
        let reason = match (result.verdict, &result.known, &result.failure) {
            (Verdict::KnownFailure, Some(known), _) => known.shown(),
            (Verdict::Skip | Verdict::Unsupported, _, Some(failure)) => failure.got.clone(),
            _ => continue,
        };
        reasons.entry((result.verdict, one_line(&reason))).or_default().push(&result.scenario.id);
    }
    if reasons.is_empty() {
        return;
    }
    out.push_str("<details><summary>Known failures, and what was not tested</summary>\n\n");
    for ((verdict, reason), ids) in reasons.iter().take(REASONS) {
        let which = match ids.as_slice() {
            [one] => format!("<code>{}</code>", inline(one)),
            some => many(some.len(), "scenario"),
        };
        out.push_str(&format!("- {}: {}: {which}\n", verdict.words(), inline(reason)));
    }
    left_out(out, reasons.len().saturating_sub(REASONS), "reason", "reasons");
    out.push_str("\n</details>\n\n");
}

/// A block of code, whatever stands in it.
fn fence(out: &mut String, language: &str, text: &str) {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    let shown: String =
        text.chars().map(|c| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c }).collect();
    out.push_str(&format!("{fence}{language}\n{}\n{fence}\n\n", shown.trim_end_matches('\n')));
}

/// A text among others: nothing in it is markup, and it has one line.
pub(super) fn inline(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' | '#' | '~' | '$' | '@' => {
                out.push_str(&format!("&#{};", u32::from(c)))
            }
            '\n' | '\r' | '\t' => out.push(' '),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// The same with code where a sentence has it between backticks.
fn prose(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    let is_code = |n: usize| n % 2 == 1 && n + 1 < parts.len();
    let shown =
        |(n, part): (usize, &&str)| if is_code(n) { format!("<code>{}</code>", inline(part)) } else { inline(part) };
    parts.iter().enumerate().map(shown).collect()
}

fn clipped(text: &str) -> String {
    if text.len() <= LONGEST_TEXT {
        return text.to_owned();
    }
    let end = (0..=LONGEST_TEXT).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    format!("{}… ({} bytes)", &text[..end], text.len())
}
