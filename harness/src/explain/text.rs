//! An explanation as people read it.

use std::io::{self, Write};

use super::data::{BaseLine, Cause, Check, Explanation, Outcome, Problem, SignatureInfo, Verdict};

/// Writes an explanation.
///
/// # Errors
/// It can't be written.
pub fn write(explanation: &Explanation, out: &mut dyn Write) -> io::Result<()> {
    let mut text = Vec::new();
    whole(explanation, &mut text)?;
    // Nothing that a message holds may move the cursor.
    let shown: String = String::from_utf8_lossy(&text).split('\n').map(visible).collect::<Vec<_>>().join("\n");
    out.write_all(shown.as_bytes())
}

fn whole(explanation: &Explanation, out: &mut dyn Write) -> io::Result<()> {
    message(explanation, out)?;
    for problem in &explanation.problems {
        writeln!(out, "\nWhat is wrong")?;
        wrong(problem, out)?;
    }
    for found in &explanation.signatures {
        signature(found, out)?;
    }
    writeln!(out)?;
    for found in &explanation.signatures {
        writeln!(out, "{}: {}", found.label, outcome(found))?;
    }
    if explanation.signatures.is_empty() {
        writeln!(out, "refused")?;
    }
    Ok(())
}

fn message(explanation: &Explanation, out: &mut dyn Write) -> io::Result<()> {
    let info = &explanation.message;
    writeln!(out, "{}", visible(&info.first_line))?;
    write!(out, "  {} in {}, line {}", info.kind, info.file, info.line)?;
    if let (Some(scheme), Some(from)) = (info.scheme, info.scheme_from) {
        write!(out, "; {scheme} ({from})")?;
    }
    write!(out, "; {}", count(info.fields, "field line"))?;
    if info.trailers > 0 {
        write!(out, ", {}", count(info.trailers, "trailer line"))?;
    }
    match (info.content_length, &info.content_unknown) {
        (Some(0), _) => writeln!(out, ", no content")?,
        (Some(length), _) => writeln!(out, ", {} of content", count(length, "byte"))?,
        (None, why) => writeln!(out, "; content not known: {}", why.as_deref().unwrap_or_default())?,
    }
    match (&info.related_request, info.kind) {
        (Some(request), _) => writeln!(out, "  answers {}", visible(request))?,
        (None, "response") => writeln!(out, "  the request that it answers is not known; --request FILE gives it")?,
        _ => {}
    }
    for note in &info.notes {
        writeln!(out, "  note: {}", visible(note))?;
    }
    if !info.labels.is_empty() {
        writeln!(out, "  signatures: {}", info.labels.join(", "))?;
    }
    Ok(())
}

fn signature(found: &SignatureInfo, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\nSignature {}", found.label)?;
    if !found.base.is_empty() {
        writeln!(out, "\n  Signature base")?;
        found.base.iter().try_for_each(|line| base_line(line, out))?;
    }
    writeln!(out, "\n  Checks")?;
    checks(&found.checks, out)?;
    if !found.problems.is_empty() {
        writeln!(out, "\n  What is wrong")?;
    }
    for problem in &found.problems {
        let is_explained = found.cause.is_some() && problem.step == "crypto";
        if !is_explained {
            wrong(problem, out)?;
        } else {
            writeln!(out, "    {}: {}", problem.step, problem.what)?;
        }
        if matches!(problem.step, "crypto" | "base") {
            match &found.cause {
                Some(cause) => because(cause, found.tried, out)?,
                None if found.tried > 0 => writeln!(
                    out,
                    "      Of {} that were tried (ports, case, encoding, whitespace, order, keys), none verifies.",
                    count(found.tried, "other reading")
                )?,
                None => {}
            }
        }
    }
    if !found.warnings.is_empty() {
        writeln!(out, "\n  What it leaves open")?;
    }
    found.warnings.iter().try_for_each(|warning| writeln!(out, "    - {}", warning.text))
}

fn base_line(line: &BaseLine, out: &mut dyn Write) -> io::Result<()> {
    match &line.value {
        Some(value) => writeln!(out, "    {}: {}", line.component, visible(value))?,
        None => writeln!(out, "  ! {}: (no value)", line.component)?,
    }
    let at = match &line.lines[..] {
        [] => String::new(),
        [one] => format!("line {one}: "),
        [first @ .., last] => {
            let first: Vec<String> = first.iter().map(usize::to_string).collect();
            format!("lines {} and {last}: ", first.join(", "))
        }
    };
    writeln!(out, "        {at}{}", visible(&line.from))
}

fn checks(all: &[Check], out: &mut dyn Write) -> io::Result<()> {
    for check in all {
        let mark = match check.outcome {
            Outcome::Pass => "ok",
            Outcome::Fail => "FAIL",
            Outcome::NotChecked => "-",
        };
        let what = if check.what.is_empty() { String::new() } else { format!("{}: ", check.what) };
        writeln!(out, "    {mark:<4}  {:<6}  {what}{}", check.step.as_str(), visible(&check.why))?;
    }
    Ok(())
}

fn wrong(problem: &Problem, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "    {}: {}", problem.step, visible(&problem.what))?;
    writeln!(out, "      {}", problem.advice)
}

fn because(cause: &Cause, tried: usize, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "      The signer seems to have {}.", cause.deviations.join(", and to have "))?;
    writeln!(out, "      With this the signature verifies; found by trying {}.", count(tried, "other reading"))?;
    for line in &cause.lines {
        if let Some(ours) = &line.ours {
            writeln!(out, "        here    {}", visible(ours))?;
        }
        if let Some(signed) = &line.signed {
            writeln!(out, "        signed  {}", visible(signed))?;
        }
    }
    cause.rules.iter().try_for_each(|rule| writeln!(out, "      {rule}"))
}

fn outcome(found: &SignatureInfo) -> String {
    match found.verdict {
        Verdict::Verified => "verified".to_owned(),
        Verdict::NothingWrongFound => {
            let why = found.checks.iter().find(|check| check.what == "the key").map(|check| check.why.as_str());
            format!(
                "nothing wrong was found, but the signature itself was not checked: {}",
                why.unwrap_or("there is no key")
            )
        }
        Verdict::Refused => {
            let steps: Vec<&str> = found.problems.iter().map(|problem| problem.step).collect();
            format!("refused ({})", steps.join(", "))
        }
    }
}

fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// With control characters in a form that can be seen, so that a message can't write on the terminal.
fn visible(text: &str) -> String {
    if !text.contains(|c: char| c.is_control()) {
        return text.to_owned();
    }
    text.chars().map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() }).collect()
}
