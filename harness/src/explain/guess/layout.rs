//! What signers get wrong about the base as a whole: line ends, colons, quotes, the order of the lines.

use super::draft::{Draft, Style};
use super::{Deviation, Trial, Variation};
use crate::explain::identifier;

const LAYOUT: &str = "Each line is the identifier in quotes, a colon, a space and the value; a single LF stands between lines and none at the end (RFC 9421 §2.5).";
const ORDER: &str = "The lines stand in the order of Signature-Input, @signature-params last (RFC 9421 §2.5).";

/// Bases that are laid out otherwise.
pub(super) fn variations(_: &Trial<'_>, draft: &Draft) -> Vec<Variation> {
    let style = draft.style;
    let styles = [
        ("final_line_end", "ended the base with a line end", LAYOUT, Style { last: "\n", ..style }),
        ("crlf", "ended the lines with CR LF", LAYOUT, Style { line_end: "\r\n", ..style }),
        (
            "crlf",
            "ended all lines with CR LF, the last one too",
            LAYOUT,
            Style { line_end: "\r\n", last: "\r\n", ..style },
        ),
        ("colon_without_space", "left out the space behind the colons", LAYOUT, Style { colon: ":", ..style }),
        ("params_first", "put \"@signature-params\" first", ORDER, Style { params_first: true, ..style }),
    ];
    let mut all: Vec<Variation> = styles
        .into_iter()
        .filter(|(_, _, _, other)| *other != style)
        .map(|(code, did, says, style)| (Deviation::new(code, did, says), Draft { style, ..draft.clone() }))
        .collect();
    if style.quoted {
        let mut bare = Draft { style: Style { quoted: false, ..style }, ..draft.clone() };
        bare.lines.iter_mut().for_each(|line| {
            let name = identifier::split(&line.id, ';').first().map_or(0, |name| name.len());
            line.id = [&identifier::unquote(&line.id[..name]), &line.id[name..]].concat();
        });
        all.push((Deviation::new("names_unquoted", "left out the quotes around the component names", LAYOUT), bare));
    }
    let mut sorted = draft.clone();
    sorted.lines.sort_by(|a, b| a.id.cmp(&b.id));
    let mut reversed = draft.clone();
    reversed.lines.reverse();
    for (did, other) in [("sorted the lines", sorted), ("put the lines in the reverse order", reversed)] {
        if other != *draft {
            all.push((Deviation::new("lines_reordered", did, ORDER), other));
        }
    }
    all
}
