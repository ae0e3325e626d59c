//! How many vectors came out how, by section, and by operation and feature.

use std::io::{self, Write};

use crate::vectors::corpus::{Feature, Op};
use crate::vectors::results::{VectorResult, VectorSummary};
use crate::verdict::Verdict;

/// A row for each section.
pub(super) fn sections(out: &mut impl Write, summary: &VectorSummary) -> io::Result<()> {
    let mut sections: Vec<&str> = summary.vectors.iter().map(|result| result.vector.section.as_str()).collect();
    sections.dedup();
    let rows = sections.into_iter().map(|section| {
        let title = summary.titles.get(section).map(String::as_str).unwrap_or_default();
        let of = summary.vectors.iter().filter(|result| result.vector.section == section).collect();
        (format!("{section:<6} {title}"), of)
    });
    table(out, "By section", summary, rows.collect())
}

/// A row for each operation and each feature. A vector may need several.
pub(super) fn features(out: &mut impl Write, summary: &VectorSummary) -> io::Result<()> {
    let of = |wanted: &dyn Fn(&VectorResult) -> bool| {
        summary.vectors.iter().filter(|result| wanted(result)).collect::<Vec<_>>()
    };
    let ops = Op::ALL.into_iter().map(|op| (word(op), of(&|result| result.vector.op == op)));
    let features = Feature::ALL
        .into_iter()
        .map(|it| (format!("needs {}", word(it)), of(&|result| result.vector.requires.contains(&it))));
    let plain = ("needs none".to_owned(), of(&|result| result.vector.requires.is_empty()));
    let rows = ops.chain([plain]).chain(features).filter(|(_, results)| !results.is_empty());
    table(out, "By operation and feature", summary, rows.collect())
}

fn table(
    out: &mut impl Write,
    title: &str,
    summary: &VectorSummary,
    rows: Vec<(String, Vec<&VectorResult>)>,
) -> io::Result<()> {
    // Only what came out somewhere has a column.
    let columns: Vec<Verdict> = Verdict::ALL.into_iter().filter(|verdict| summary.count(*verdict) > 0).collect();
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).max(title.len());
    write!(out, "{title:<width$}  {:>7}", "vectors", width = width + 2)?;
    columns.iter().try_for_each(|verdict| write!(out, "  {:>5}", verdict.words()))?;
    writeln!(out)?;
    for (name, results) in rows {
        write!(out, "  {name:<width$}  {:>7}", results.len())?;
        for verdict in &columns {
            let count = results.iter().filter(|result| result.verdict == *verdict).count();
            let count = if count == 0 { "-".to_owned() } else { count.to_string() };
            write!(out, "  {count:>0$}", verdict.words().len().max(5))?;
        }
        writeln!(out)?;
    }
    writeln!(out)
}

/// As it is written in the corpus.
pub(super) fn word(value: impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}
