//! `countersign requirements --rfc9421`

use std::io::{self, Write};

use super::paragraph;
use crate::cli::CommandFailure;
use crate::cli::check::ignoring_closed_pipe;
use crate::cli::exit::Exit;
use crate::contract::Level;
use crate::vectors::catalogue::{Catalogue, Sentence};
use crate::vectors::load::Corpus;

/// Shows one sentence, all of them, or those without a vector.
pub(super) fn run(id: Option<&str>, uncovered: bool, out: &mut dyn Write) -> Result<Exit, CommandFailure> {
    let catalogue = Catalogue::embedded().map_err(CommandFailure::harness)?;
    show(&catalogue, id, uncovered, out)
}

fn show(catalogue: &Catalogue, id: Option<&str>, uncovered: bool, out: &mut dyn Write) -> Result<Exit, CommandFailure> {
    if let Some(id) = id {
        let sentence = catalogue.sentence(id).ok_or_else(|| unknown(catalogue, id))?;
        let corpus = Corpus::embedded().map_err(CommandFailure::harness)?;
        ignoring_closed_pipe(one(&corpus, sentence, out))?;
        return Ok(Exit::Conforms);
    }
    let shown: Vec<_> = catalogue.requirement.iter().filter(|it| !uncovered || !it.is_covered()).collect();
    ignoring_closed_pipe(all(catalogue, &shown, out))?;
    Ok(if uncovered && !shown.is_empty() { Exit::DoesNotConform } else { Exit::Conforms })
}

fn unknown(catalogue: &Catalogue, id: &str) -> CommandFailure {
    let similar = catalogue.similar(id);
    let advice = if similar.is_empty() { String::new() } else { format!(" There are: {}.", similar.join(", ")) };
    CommandFailure::usage(format!("there is no requirement {id}.{advice}"))
}

fn all(catalogue: &Catalogue, shown: &[&Sentence], out: &mut dyn Write) -> io::Result<()> {
    if !shown.is_empty() {
        writeln!(out, "{:<48} {:<6} {:<8} {:>7}  sentence", "id", "level", "binds", "vectors")?;
    }
    for sentence in shown {
        let Sentence { id, level, binds, quote, vectors, .. } = sentence;
        writeln!(out, "{id:<48} {level:<6} {binds:<8} {:>7}  {}", vectors.len(), shortened(quote))?;
    }
    let covered = |level: Level| {
        let of_level: Vec<_> = catalogue.requirement.iter().filter(|sentence| sentence.level == level).collect();
        let covered = of_level.iter().filter(|sentence| sentence.is_covered()).count();
        format!("{covered} of {} {level}", of_level.len())
    };
    writeln!(
        out,
        "With a vector: {}, {}, {}; {} more sentences with a keyword bind neither signer nor verifier.",
        covered(Level::Must),
        covered(Level::Should),
        covered(Level::May),
        catalogue.outside.len()
    )
}

fn shortened(quote: &str) -> String {
    const LENGTH: usize = 60;
    let mut short: String = quote.chars().take(LENGTH).collect();
    if short.len() < quote.len() {
        short.push('…');
    }
    short
}

fn one(corpus: &Corpus, sentence: &Sentence, out: &mut dyn Write) -> io::Result<()> {
    let Sentence { id, section, level, binds, quote, vectors } = sentence;
    let rfc = if id.starts_with("R9530") { "RFC 9530".to_owned() } else { format!("RFC 9421 §{section}") };
    writeln!(out, "{id} {level}: {rfc}, binds {binds}\n")?;
    paragraph(out, &format!("“{quote}”"))?;
    if vectors.is_empty() {
        return writeln!(out, "Vectors: none.");
    }
    writeln!(out, "Vectors:")?;
    let width = vectors.iter().map(String::len).max().unwrap_or_default();
    for id in vectors {
        let Some((_, vector)) = corpus.get(id) else { continue };
        let verdict = format!("{:?}", vector.verdict).to_lowercase();
        writeln!(out, "  {id:<width$}  {verdict:<10}  {}", vector.title)?;
    }
    writeln!(out, "\nRun one: countersign vectors --subject \"COMMAND…\" --id {}", vectors[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    const CATALOGUE: &str = r#"
        [[requirement]]
        id = "R9421-2.1-tested"
        section = "2.1"
        level = "MUST"
        binds = "both"
        quote = "It MUST."
        vectors = ["2.1-a", "2.1-b"]

        [[requirement]]
        id = "R9421-2.1-untested"
        section = "2.1"
        level = "SHOULD"
        binds = "signer"
        quote = "It SHOULD."
        vectors = []
    "#;

    fn shown(id: Option<&str>, uncovered: bool) -> (Result<Exit, CommandFailure>, String) {
        let mut out = Vec::new();
        let exit = show(&Catalogue::parse(CATALOGUE).unwrap(), id, uncovered, &mut out);
        (exit, String::from_utf8(out).unwrap())
    }

    #[test]
    fn what_has_no_vector_is_named_and_fails() {
        let (exit, text) = shown(None, true);
        assert_eq!(exit.unwrap(), Exit::DoesNotConform);
        assert!(text.contains("R9421-2.1-untested") && !text.contains("R9421-2.1-tested"), "{text}");
        let (exit, text) = shown(None, false);
        assert_eq!(exit.unwrap(), Exit::Conforms);
        assert!(text.contains("With a vector: 1 of 1 MUST, 0 of 1 SHOULD, 0 of 0 MAY"), "{text}");
    }

    #[test]
    fn one_is_shown_with_its_sentence_and_unknown_ones_are_told() {
        let (exit, text) = shown(Some("r9421-2.1-TESTED"), false);
        assert_eq!(exit.unwrap(), Exit::Conforms);
        assert!(text.contains("“It MUST.”") && text.contains("RFC 9421 §2.1"), "{text}");
        let (exit, _) = shown(Some("R9421-2.1-other"), false);
        let text = format!("{:?}", exit.unwrap_err());
        assert!(text.contains("There are: R9421-2.1-tested, R9421-2.1-untested."), "{text}");
    }

    #[test]
    fn nothing_of_the_rfc_is_uncovered() {
        let mut out = Vec::new();
        let exit = run(None, true, &mut out).unwrap();
        assert_eq!(exit, Exit::Conforms, "{}", String::from_utf8(out).unwrap());
    }
}
