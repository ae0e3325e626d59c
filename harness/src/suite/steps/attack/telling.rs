//! What people read about an attack.

use std::fmt::Write as _;

use super::super::prelude::*;
use super::{Role, Seen};
use crate::attack::{Crafted, Difference, Draft, Raw, difference, shown};
use crate::suite::kit::fields::values;

/// How many lines of a message are shown.
const LINES: usize = 40;

/// The valid request and the one defect.
pub(super) fn exhibit(world: &mut World, crafted: &Crafted) {
    let valid = Raw::of(&crafted.valid).to_bytes();
    let attack = crafted.attack.to_bytes();
    world.exhibit("The valid request", message(&crafted.valid));
    let lines = difference(&valid, &attack).into_iter().filter_map(|line| match line {
        Difference::Same(_) => None,
        Difference::Without(line) => Some(format!("- {line}")),
        Difference::With(line) => Some(format!("+ {line}")),
    });
    let lines: Vec<String> = lines.collect();
    let text = if lines.is_empty() { "none in the message itself".to_owned() } else { shortened(&lines) };
    world.exhibit("The defect", text);
}

/// A request as it goes over the wire.
pub(super) fn message(draft: &Draft) -> String {
    let bytes = Raw::of(draft).to_bytes();
    let lines: Vec<String> =
        bytes.split(|byte| *byte == b'\n').map(|line| shown(line.strip_suffix(b"\r").unwrap_or(line))).collect();
    shortened(&lines).trim_end().to_owned()
}

/// What came of everything that was sent, a line each.
pub(super) fn outcomes(world: &World, seen: &[Seen]) -> String {
    let mut text = String::new();
    for seen in seen {
        let came = seen.exchange.and_then(|at| world.exchanges().get(at));
        let came = came.map_or("not ended".to_owned(), came_back);
        // Writing to a String does not fail.
        let _ = writeln!(text, "{:<26} {}; {}", which(seen), received(seen), came);
    }
    text.trim_end().to_owned()
}

/// Which of the requests it is.
pub(super) fn which(seen: &Seen) -> String {
    match seen.role {
        Role::Twin(_) => format!("twin on the {}", seen.place.words()),
        Role::Attack => format!("attack on the {}", seen.place.words()),
    }
}

/// An app says what it received, which stands there already.
fn came_back(exchange: &Exchange) -> String {
    match exchange.answer() {
        Ok(answer) if answer.status == 200 => "status 200".to_owned(),
        _ => exchange.told(),
    }
}

fn received(seen: &Seen) -> String {
    let all: Vec<String> = seen
        .received
        .iter()
        .flat_map(|(receiver, arrived)| {
            let whole = arrived.whole.iter().map(move |one| {
                let who = values(&one.fields, "x-ptl-client-type").join(" and ");
                format!("{receiver} receives it, from {}", if who.is_empty() { "nobody in particular" } else { &who })
            });
            let broken = (arrived.begun > arrived.whole.len()).then(|| format!("{receiver} receives a part of it"));
            whole.chain(broken)
        })
        .collect();
    if all.is_empty() { "no app receives anything".to_owned() } else { all.join(", ") }
}

fn shortened(lines: &[String]) -> String {
    let more = lines.len().saturating_sub(LINES);
    let mut text = lines.iter().take(LINES).cloned().collect::<Vec<_>>().join("\n");
    if more > 0 {
        let _ = write!(text, "\n… {more} lines more");
    }
    text
}
