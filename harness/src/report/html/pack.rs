//! A run as the page gets it: short, with every text once.
//!
//! Texts, lists of fields and parties stand in tables, and everything else names them by their place there.

use std::collections::HashMap;
use std::hash::Hash;

use serde::Serialize;
use serde_json::{Value, json};

use crate::page::clipped;
use crate::record::Record;
use crate::report::Headline;
use crate::trace::{Body, Hop, HopKind, Party, SignatureEvent, SignatureOutcome, What};
use crate::verdict::{ScenarioResult, Summary, Verdict};

/// What the page is made of.
#[derive(Debug, Serialize)]
pub(super) struct Packed<'a> {
    suite: &'a crate::verdict::SuiteInfo,
    subject: &'a crate::verdict::SubjectInfo,
    verdict: Headline,
    last_line: String,
    seconds: f64,
    stale: &'a [String],
    flaky: Vec<String>,
    not_run: &'a [String],
    verdicts: Vec<Value>,
    requirements: &'a [crate::verdict::RequirementResult],
    scenarios: Vec<Value>,
    parties: Vec<Value>,
    fields: Vec<Vec<usize>>,
    texts: Vec<String>,
}

pub(super) fn packed(summary: &Summary) -> Packed<'_> {
    let mut tables = Tables::default();
    let scenarios = summary.scenarios.iter().map(|result| scenario(result, &mut tables)).collect();
    let verdicts = Verdict::ALL.iter().map(|verdict| json!({ "id": verdict, "words": verdict.words() }));
    Packed {
        suite: &summary.suite,
        subject: &summary.subject,
        verdict: Headline::of(summary),
        last_line: super::last_line(summary),
        seconds: summary.took.as_secs_f64(),
        stale: &summary.stale,
        flaky: summary.flaky.iter().map(ToString::to_string).collect(),
        not_run: &summary.not_run,
        verdicts: verdicts.collect(),
        requirements: &summary.requirements,
        scenarios,
        parties: tables.parties.all.iter().map(party).collect(),
        fields: tables.fields.all,
        texts: tables.texts.all,
    }
}

fn party(party: &Party) -> Value {
    match party {
        Party::App { portal, app } => json!({ "kind": "app", "portal": portal, "name": app }),
        Party::Core { portal } => json!({ "kind": "core", "portal": portal, "name": "Core" }),
        Party::Proxy { portal } => json!({ "kind": "proxy", "portal": portal, "name": "proxy" }),
        Party::Outside => json!({ "kind": "outside", "portal": null, "name": "outside" }),
    }
}

fn scenario(result: &ScenarioResult, tables: &mut Tables) -> Value {
    let info = &result.scenario;
    json!({
        "id": info.id,
        "name": info.name,
        "feature": tables.text(&info.feature),
        "line": info.line,
        "tags": info.tags.iter().map(|tag| tables.text(tag)).collect::<Vec<_>>(),
        "requirements": info.requirements.iter().map(|id| tables.text(id)).collect::<Vec<_>>(),
        "verdict": result.verdict,
        "ms": millis(result.seconds),
        "known": result.known,
        "failure": result.failure,
        "steps": result.record.steps.iter().map(|step| {
            json!([tables.text(&step.text), step.line, u8::from(step.passed), millis(step.took)])
        }).collect::<Vec<_>>(),
        "entries": entries(&result.record, tables),
        "left_out": result.record.left_out,
        "exhibits": result.record.exhibits.iter().map(|exhibit| {
            json!([tables.text(&exhibit.title), tables.text(&clipped(&exhibit.text))])
        }).collect::<Vec<_>>(),
    })
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A hop is `[0 request | 1 answer, trace, from, to, method, target, status, note, fields, body]`, a body `[text, base64,
/// length, left out, end]`, what a Core did with a
/// signature `[2 made | 3 verified | 4 refused, trace, Core, label, signature input, base, step, code]`.
fn entries(record: &Record, tables: &mut Tables) -> Vec<Value> {
    let packed = record.entries.iter().map(|entry| match &entry.what {
        What::Hop(hop) => hop_entry(hop, tables),
        What::Signature(event) => signature_entry(event, tables),
    });
    packed.collect()
}

fn hop_entry(hop: &Hop, tables: &mut Tables) -> Value {
    let fields =
        hop.fields.iter().flat_map(|(name, value)| [tables.text(name), tables.text(&clipped(value))]).collect();
    json!([
        u8::from(hop.kind == HopKind::Answer),
        tables.optional(hop.trace_id.as_deref()),
        tables.parties.place(hop.from.clone()),
        tables.parties.place(hop.to.clone()),
        tables.text(&hop.method),
        tables.text(&clipped(&hop.target)),
        hop.status,
        tables.optional(hop.note.as_deref()),
        tables.fields.place(fields),
        hop.body.as_ref().map(|body| body_entry(body, tables)),
    ])
}

/// What is kept of a body is short: it is not clipped.
fn body_entry(body: &Body, tables: &mut Tables) -> Value {
    json!([
        tables.optional(body.text.as_deref()),
        tables.optional(body.base64.as_deref()),
        body.length,
        body.left_out,
        body.end,
    ])
}

fn signature_entry(event: &SignatureEvent, tables: &mut Tables) -> Value {
    let (kind, step, code) = match &event.outcome {
        SignatureOutcome::Made => (2, None, None),
        SignatureOutcome::Verified => (3, None, None),
        SignatureOutcome::Rejected { step, code } => (4, Some(step.as_str()), Some(code.as_str())),
    };
    json!([
        kind,
        tables.optional(event.trace_id.as_deref()),
        tables.parties.place(Party::core(&event.portal)),
        tables.optional(event.label.as_deref()),
        tables.optional(event.signature_input.as_deref().map(clipped).as_deref()),
        tables.optional(event.base.as_deref().map(clipped).as_deref()),
        tables.optional(step),
        tables.optional(code),
    ])
}

#[derive(Default)]
struct Tables {
    texts: Table<String>,
    fields: Table<Vec<usize>>,
    parties: Table<Party>,
}

impl Tables {
    fn text(&mut self, text: &str) -> usize {
        self.texts.place(text.to_owned())
    }

    /// Nothing is -1.
    fn optional(&mut self, text: Option<&str>) -> i64 {
        text.map_or(-1, |text| i64::try_from(self.text(text)).unwrap_or(-1))
    }
}

struct Table<T> {
    all: Vec<T>,
    places: HashMap<T, usize>,
}

impl<T> Default for Table<T> {
    fn default() -> Table<T> {
        Table { all: Vec::new(), places: HashMap::new() }
    }
}

impl<T: Eq + Hash + Clone> Table<T> {
    fn place(&mut self, one: T) -> usize {
        if let Some(place) = self.places.get(&one) {
            return *place;
        }
        let place = self.all.len();
        self.all.push(one.clone());
        self.places.insert(one, place);
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn every_text_stands_there_once() {
        let summary = sample::everything();
        let packed = packed(&summary);
        let mut texts = packed.texts.clone();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), packed.texts.len());
        assert_eq!(packed.parties.len(), 4);
        assert_eq!(packed.scenarios.len(), summary.scenarios.len());
    }
}
