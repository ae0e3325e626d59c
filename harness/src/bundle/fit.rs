//! A bundle stays of a size that can be mailed and read, whatever went over the wire.

use super::{Bundle, Entry, Message};

/// A text longer than this is cut, in bytes.
const TEXT: usize = 16 << 10;
/// All of the trace, in bytes.
const TRACE: usize = 4 << 20;

impl Bundle {
    /// Cuts what is too long, and says so. The feature's text and the keys stay whole: without them nothing can be run.
    pub(super) fn fit(&mut self) {
        if let Some(failure) = &mut self.failure {
            [&mut failure.step, &mut failure.expected, &mut failure.got].into_iter().for_each(cut);
            failure.hop.iter_mut().for_each(cut);
            if let Some(bases) = &mut failure.bases {
                [&mut bases.made, &mut bases.rebuilt].into_iter().for_each(cut);
            }
        }
        self.steps.iter_mut().for_each(|step| cut(&mut step.text));
        self.trace.iter_mut().for_each(Entry::cut);

        let sizes: Vec<usize> = self.trace.iter().map(Entry::size).collect();
        let mut total: usize = sizes.iter().sum();
        // From the middle: the beginning sets the stage, the end is where it failed.
        let (mut from, mut to) = (sizes.len() / 2, sizes.len() / 2);
        while total > TRACE && (from > 0 || to < sizes.len()) {
            if sizes.len() - to >= from && to < sizes.len() {
                total -= sizes[to];
                to += 1;
            } else {
                from -= 1;
                total -= sizes[from];
            }
        }
        self.trace.drain(from..to);
        self.left_out += to - from;
    }
}

impl Entry {
    fn cut(&mut self) {
        match self {
            Entry::Request(message) | Entry::Answer(message) => {
                cut(&mut message.target);
                message.note.iter_mut().for_each(cut);
                for (name, value) in &mut message.fields {
                    cut(name);
                    cut(value);
                }
                message.cut_fields();
            }
            Entry::Signature(signature) => {
                signature.base.iter_mut().chain(&mut signature.signature_input).for_each(cut);
            }
        }
    }

    fn size(&self) -> usize {
        let of = |text: &Option<String>| text.as_deref().unwrap_or_default().len();
        match self {
            Entry::Request(message) | Entry::Answer(message) => {
                let fields: usize = message.fields.iter().map(|(name, value)| name.len() + value.len() + 16).sum();
                let body = message.body.as_ref().map_or(0, |body| body.size());
                message.target.len() + of(&message.note) + fields + body + 200
            }
            Entry::Signature(signature) => of(&signature.base) + of(&signature.signature_input) + 200,
        }
    }
}

impl Message {
    /// Thousands of fields are cut as one long one is.
    fn cut_fields(&mut self) {
        let mut size = 0;
        let kept = self.fields.iter().take_while(|(name, value)| {
            size += name.len() + value.len();
            size <= 4 * TEXT
        });
        let kept = kept.count();
        let left_out = self.fields.len() - kept;
        if left_out > 0 {
            self.fields.truncate(kept);
            let note = self.note.get_or_insert_default();
            if !note.is_empty() {
                note.push_str("; ");
            }
            note.push_str(&format!("{left_out} fields left out here"));
        }
    }
}

fn cut(text: &mut String) {
    if text.len() <= TEXT {
        return;
    }
    let end = (0..=TEXT).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    let rest = text.len() - end;
    text.truncate(end);
    text.push_str(&format!("… ({rest} bytes left out here)"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Body;

    #[test]
    fn a_long_text_is_cut_between_characters_and_says_so() {
        let mut text = "ü".repeat(TEXT);
        cut(&mut text);
        assert!(text.ends_with(&format!("ü… ({TEXT} bytes left out here)")), "{}", &text[text.len() - 60..]);
        let mut short = "x".repeat(TEXT);
        cut(&mut short);
        assert_eq!(short.len(), TEXT);
    }

    #[test]
    fn the_middle_of_a_large_trace_goes() {
        let message = |n: usize| Message {
            request: None,
            from: "outside".into(),
            to: "proxy on bob".into(),
            method: "GET".into(),
            target: format!("/{n}"),
            status: None,
            fields: vec![("x".into(), "y".repeat(TEXT)); 40],
            note: None,
            body: Body::arrived(b"hello", 5, true),
        };
        let mut bundle = super::super::tests::bundle();
        bundle.trace = (0..400).map(|n| Entry::Request(message(n))).collect();
        bundle.fit();
        assert!(serde_json::to_string(&bundle).unwrap().len() < TRACE + (1 << 20));
        assert_eq!(bundle.trace.len() + bundle.left_out, 400);
        let target = |entry: Option<&Entry>| match entry {
            Some(Entry::Request(message)) => (message.target.clone(), message.note.clone()),
            other => panic!("{other:?}"),
        };
        assert_eq!(target(bundle.trace.first()), ("/0".into(), Some("37 fields left out here".into())));
        assert_eq!(target(bundle.trace.last()).0, "/399");
    }
}
