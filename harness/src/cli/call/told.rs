//! What happened on the way of a call, in order, for people.

use std::io::{self, Write};

use crate::live::{CallOutcome, State};
use crate::report::terminal;
use crate::suite::diverge::Bases;
use crate::trace::{Body, Entry, Hop, HopKind, Party, SignatureEvent, SignatureOutcome, TRACE_FIELD, What};

/// Writes all hops, what Cores did with signatures, what was decided and why, and the answer's head.
pub(super) fn write(out: &mut dyn Write, outcome: &CallOutcome, state: &State) -> io::Result<()> {
    let mut way = Way { entries: &outcome.entries, state, hops: 0, question: None, body: None };
    for entry in &outcome.entries {
        match &entry.what {
            What::Hop(hop) => way.hop(out, hop)?,
            What::Signature(event) => way.signature(out, event)?,
        }
    }
    writeln!(out, "\nThe answer: {}{}", outcome.status, reason(outcome.status))?;
    fields(out, &outcome.fields, "  ")
}

struct Way<'a> {
    entries: &'a [Entry],
    state: &'a State,
    hops: usize,
    /// The latest question of a proxy to its Core.
    question: Option<&'a Hop>,
    /// The latest body.
    body: Option<&'a Body>,
}

impl<'a> Way<'a> {
    fn hop(&mut self, out: &mut dyn Write, hop: &'a Hop) -> io::Result<()> {
        self.hops += 1;
        let what = match hop.status {
            None => format!("{} {}", hop.method, hop.target),
            Some(status) => format!("{status}{}", reason(status)),
        };
        writeln!(out, "{:>2}. {} -> {}: {what}", self.hops, hop.from, hop.to)?;
        if let Some(note) = &hop.note {
            writeln!(out, "      {note}")?;
        }
        // Once, as long as it stays the same on its way.
        if let Some(body) = hop.body.as_deref().filter(|body| self.body != Some(*body)) {
            self.body = Some(body);
            writeln!(out, "      body: {body}")?;
        }
        let asked = hop.target.starts_with("/internal/auth");
        match (&hop.from, &hop.to, hop.kind) {
            (Party::Proxy { .. }, Party::Core { .. }, HopKind::Request) if asked => {
                self.question = Some(hop);
                for name in ["X-Forwarded-Method", "X-Forwarded-Host", "X-Forwarded-Uri"] {
                    if let Some(value) = hop.field(name) {
                        writeln!(out, "      {name}: {value}")?;
                    }
                }
                Ok(())
            }
            (Party::Core { portal }, _, HopKind::Answer) if asked => self.decision(out, portal, hop),
            (Party::Core { .. }, Party::Proxy { .. }, HopKind::Request) => {
                let signed = |(name, _): &&(String, String)| {
                    ["signature", "signature-input", "content-digest"].contains(&name.to_ascii_lowercase().as_str())
                };
                let signed: Vec<_> = hop.fields.iter().filter(signed).cloned().collect();
                fields(out, &signed, "      ")
            }
            (Party::Proxy { .. }, Party::App { .. }, HopKind::Request) => {
                let told: Vec<_> = hop.fields.iter().filter(|(name, _)| is_identity(name)).cloned().collect();
                fields(out, &told, "      ")
            }
            _ => Ok(()),
        }
    }

    /// What a Core decided, and by which line of the manifest.
    fn decision(&self, out: &mut dyn Write, portal: &str, hop: &Hop) -> io::Result<()> {
        let rule = self.rule(portal).unwrap_or_default();
        if hop.status != Some(200) {
            return writeln!(out, "      decided: not let in{rule}");
        }
        let who = match (hop.field("x-ptl-client-type"), hop.field("x-ptl-client-name")) {
            (Some(kind), Some(name)) if !name.is_empty() => format!(" as {kind} {name}"),
            (Some(kind), _) => format!(" as {kind}"),
            (None, _) => String::new(),
        };
        writeln!(out, "      decided: let in{who}{rule}")
    }

    fn rule(&self, portal: &str) -> Option<String> {
        let question = self.question?;
        let host = question.field("x-forwarded-host")?;
        let uri = question.field("x-forwarded-uri")?;
        let path = uri.split('?').next().unwrap_or_default();
        let app = self.state.portal(portal)?.app(host.split('.').next()?)?;
        let (prefix, access) = app.paths.iter().find(|(prefix, _)| path.starts_with(prefix.as_str()))?;
        let who = match access.as_str() {
            "public" => "anyone may come",
            "peer" => "peers may come",
            _ => "the owner's terminals may come",
        };
        let falls = match prefix.is_empty() {
            true => format!("no path of the manifest begins {path}, so its \"\" holds"),
            false => format!("{path} falls under \"{prefix}\""),
        };
        Some(format!("; {falls}: {access}, so {who}"))
    }

    fn signature(&self, out: &mut dyn Write, event: &SignatureEvent) -> io::Result<()> {
        let label = event.label.as_deref().unwrap_or("without label");
        let core = format!("Core on {}", event.portal);
        match &event.outcome {
            SignatureOutcome::Made => {
                writeln!(out, "      {core} signs; {label} is over this base:")?;
                base(out, event.base.as_deref().unwrap_or_default())
            }
            SignatureOutcome::Verified if self.made(event) == event.base.as_deref() => {
                writeln!(out, "      {core} rebuilds the same base, and {label} verifies")
            }
            SignatureOutcome::Verified => {
                writeln!(out, "      {core} rebuilds this base, and {label} verifies:")?;
                base(out, event.base.as_deref().unwrap_or_default())
            }
            SignatureOutcome::Rejected { step, code } => {
                writeln!(out, "      {core} refuses {label} at the step \"{step}\": {code}")?;
                match (self.made(event), &event.base) {
                    (Some(made), Some(rebuilt)) => {
                        let bases = Bases::compare(made.to_owned(), rebuilt.clone());
                        let mut shown = Vec::new();
                        terminal::bases(&mut shown, &bases, ["signed", "rebuilt"], "both sides built the same base")?;
                        out.write_all(&shown)
                    }
                    (None, Some(rebuilt)) => base(out, rebuilt),
                    _ => Ok(()),
                }
            }
        }
    }

    /// The base that was signed under this label.
    fn made(&self, event: &SignatureEvent) -> Option<&'a str> {
        self.entries.iter().find_map(|entry| match &entry.what {
            What::Signature(made) if made.outcome == SignatureOutcome::Made && made.label == event.label => {
                made.base.as_deref()
            }
            _ => None,
        })
    }
}

fn base(out: &mut dyn Write, base: &str) -> io::Result<()> {
    base.split('\n').try_for_each(|line| writeln!(out, "        {line}"))
}

fn fields(out: &mut dyn Write, fields: &[(String, String)], before: &str) -> io::Result<()> {
    let shown = fields.iter().filter(|(name, _)| !name.eq_ignore_ascii_case(TRACE_FIELD));
    shown.into_iter().try_for_each(|(name, value)| writeln!(out, "{before}{name}: {value}"))
}

fn is_identity(name: &str) -> bool {
    name.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("x-ptl-"))
}

fn reason(status: u16) -> String {
    let reason = http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    reason.map(|reason| format!(" {reason}")).unwrap_or_default()
}
