//! `countersign steps`

use std::io::Write;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::CommandFailure;
use super::check::ignoring_closed_pipe;
use super::exit::Exit;
use crate::suite::guide::{self, Chapter, Explained};
use crate::suite::steps::registry;

const HELP: &str = "\
In captures, tables and texts, {bob.id}, {bob.short_id}, {bob.domain}, {bob.name} and {phone.cookie} stand for what they
name; {bob.id[:20]} is the beginning of it.

For editors:
  countersign steps --format javascript > features/steps.js
Visual Studio Code with the extension Cucumber, and others that understand Cucumber's step definitions in JavaScript, then
complete the steps and underline those that there are not.";

/// Options of `countersign steps`.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct Steps {
    /// Only steps in which all of these words occur
    #[arg(value_name = "WORD")]
    words: Vec<String>,

    /// As what they are printed
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    format: Format,

    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs: pattern, example, what it does
    Json,
    /// For editors: step definitions that nobody runs
    Javascript,
}

impl Steps {
    /// Prints them.
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Exit, CommandFailure> {
        let chapters = guide::guide(&registry()).map_err(CommandFailure::harness)?;
        let chapters = self.chosen(chapters);
        if chapters.is_empty() {
            let words = self.words.join("`, `");
            return Err(CommandFailure::usage(format!("no step has `{words}` in it: `countersign steps` shows all")));
        }
        let text = match if self.json { Format::Json } else { self.format } {
            Format::Text => text(&chapters),
            Format::Json => format!("{:#}\n", json!({ "chapters": chapters })),
            Format::Javascript => guide::javascript(&chapters),
        };
        ignoring_closed_pipe(out.write_all(text.as_bytes()))?;
        Ok(Exit::Conforms)
    }

    fn chosen(&self, mut chapters: Vec<Chapter>) -> Vec<Chapter> {
        let has = |step: &Explained, word: &str| {
            let texts = [&step.example, &step.does, &step.pattern];
            texts.iter().any(|text| text.to_lowercase().contains(&word.to_lowercase()))
        };
        for chapter in &mut chapters {
            chapter.steps.retain(|step| self.words.iter().all(|word| has(step, word)));
        }
        chapters.retain(|chapter| !chapter.steps.is_empty());
        chapters
    }
}

fn text(chapters: &[Chapter]) -> String {
    let chapters: Vec<String> = chapters.iter().map(of_chapter).collect();
    chapters.join("\n")
}

fn of_chapter(chapter: &Chapter) -> String {
    let mut text = format!("{}\n", chapter.title);
    for step in &chapter.steps {
        text.push('\n');
        step.example.lines().for_each(|line| text.push_str(&format!("  {line}\n")));
        let also = match step.keywords.as_slice() {
            [_] => String::new(),
            several => format!(" After {}.", several.join(" or ")),
        };
        text.push_str(&format!("      {}{also}\n", step.does));
    }
    text
}
