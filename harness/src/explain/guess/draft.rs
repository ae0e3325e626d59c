//! A signature base as somebody may have made it.

use crate::explain::data::{BaseLine, DifferingLine};

/// A base in parts, so that each can be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Draft {
    /// One for each covered component.
    pub(super) lines: Vec<Line>,
    /// The value of `@signature-params`; nothing where that line is left out.
    pub(super) params: Option<String>,
    /// How the lines are written.
    pub(super) style: Style,
}

/// A line of the base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Which of the covered components it is for.
    pub(super) component: usize,
    /// The identifier, as it is written.
    pub(super) id: String,
    /// The value; nothing where there is none, so that there is no base.
    pub(super) value: Option<String>,
}

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Style {
    /// Between two lines.
    pub(super) line_end: &'static str,
    /// Between identifier and value.
    pub(super) colon: &'static str,
    /// Behind the last line.
    pub(super) last: &'static str,
    /// Whether `@signature-params` stands first.
    pub(super) params_first: bool,
    /// Whether its identifier is in quotes.
    pub(super) quoted: bool,
}

impl Draft {
    /// The base as it should be; its last line is that of `@signature-params`.
    pub(super) fn of(base: &[BaseLine]) -> Draft {
        let (params, lines) = base.split_last().map_or((None, base), |(params, lines)| (params.value.clone(), lines));
        let line = |(component, line): (usize, &BaseLine)| Line {
            component,
            id: line.component.clone(),
            value: line.value.clone(),
        };
        Draft {
            lines: lines.iter().enumerate().map(line).collect(),
            params,
            style: Style { line_end: "\n", colon: ": ", last: "", params_first: false, quoted: true },
        }
    }

    /// What would be signed; nothing while a line has no value.
    pub(super) fn bytes(&self) -> Option<Vec<u8>> {
        let Style { line_end, last, .. } = self.style;
        Some([&self.text_lines()?.join(line_end), last].concat().into_bytes())
    }

    fn text_lines(&self) -> Option<Vec<String>> {
        let colon = self.style.colon;
        let mut lines: Vec<String> = self
            .lines
            .iter()
            .map(|line| line.value.as_ref().map(|value| [&line.id, colon, value].concat()))
            .collect::<Option<_>>()?;
        if let Some(params) = &self.params {
            let id = if self.style.quoted { "\"@signature-params\"" } else { "@signature-params" };
            lines.insert(if self.style.params_first { 0 } else { lines.len() }, [id, colon, params].concat());
        }
        Some(lines)
    }

    /// With other values on some lines: `change` gives the new value of a line, or nothing to keep it. Nothing if all
    /// are kept.
    pub(super) fn with_values(&self, change: impl Fn(&Line) -> Option<String>) -> Option<Draft> {
        let mut draft = self.clone();
        for line in &mut draft.lines {
            if let Some(value) = change(line) {
                line.value = Some(value);
            }
        }
        (draft != *self).then_some(draft)
    }

    /// The lines that are not those of the right base, in pairs.
    pub(super) fn differences(&self, right: &Draft) -> Vec<DifferingLine> {
        let shown = |draft: &Draft| -> Vec<String> {
            let mut draft = draft.clone();
            // A line without a value is shown as its identifier alone.
            draft.lines.iter_mut().for_each(|line| {
                if line.value.is_none() {
                    line.value = Some("(no value)".to_owned());
                }
            });
            draft.text_lines().unwrap_or_default()
        };
        let (ours, signed) = (shown(right), shown(self));
        let only_ours: Vec<&String> = ours.iter().filter(|line| !signed.contains(line)).collect();
        let only_signed: Vec<&String> = signed.iter().filter(|line| !ours.contains(line)).collect();
        let count = only_ours.len().max(only_signed.len());
        (0..count)
            .map(|at| DifferingLine {
                ours: only_ours.get(at).map(|line| line.to_string()),
                signed: only_signed.get(at).map(|line| line.to_string()),
            })
            .collect()
    }
}
