//! Every quote is literally in the RFC, and no sentence of §§2–5 with a keyword is left out. The RFCs are not part of the
//! repository; where they are not beside it, these tests say so and pass.

use std::fs;
use std::ops::Range;

use countersign::vectors::catalogue::Catalogue;
use countersign::vectors::load::section_order;

/// The keywords of RFC 2119.
const KEYWORDS: [&str; 7] = ["MUST", "REQUIRED", "SHALL", "SHOULD", "RECOMMENDED", "MAY", "OPTIONAL"];

#[test]
fn every_quote_is_in_its_section() {
    let Some(rfc9421) = rfc("rfc9421-http-message-signatures.md") else { return };
    let Some(rfc9530) = rfc("rfc9530-digest-fields.md") else { return };
    let catalogue = Catalogue::embedded().unwrap();
    let quotes = catalogue.requirement.iter().map(|it| (&it.section, &it.quote));
    let outside = catalogue.outside.iter().map(|it| (&it.section, &it.quote));
    let mut missing = Vec::new();
    for (section, quote) in quotes.chain(outside) {
        let (rfc, within) = match section.strip_prefix("9530") {
            Some(rest) => (&rfc9530, rest.trim_start_matches(['-', '.'])),
            None => (&rfc9421, section.as_str()),
        };
        let there = if within.is_empty() { rfc.text.as_str() } else { &rfc.text[rfc.section(within)] };
        if !there.contains(&plain(quote)) {
            missing.push(format!("{section}: {quote}"));
        }
    }
    assert!(missing.is_empty(), "not in the RFC:\n{}", missing.join("\n"));
}

#[test]
fn no_sentence_with_a_keyword_is_left_out() {
    let Some(rfc) = rfc("rfc9421-http-message-signatures.md") else { return };
    let catalogue = Catalogue::embedded().unwrap();
    let quotes = catalogue.requirement.iter().map(|it| &it.quote);
    let quotes = quotes.chain(catalogue.outside.iter().map(|it| &it.quote)).map(|quote| plain(quote));
    let covered: Vec<Range<usize>> = quotes.flat_map(|quote| occurrences(&rfc.text, &quote)).collect();
    let body = rfc.section("2").start..rfc.section("5").end;
    let (mut all, mut uncovered) = (0, Vec::new());
    for keyword in KEYWORDS.iter().flat_map(|keyword| occurrences(&rfc.text, keyword)) {
        let is_word = |at: usize| rfc.text.as_bytes().get(at).is_none_or(|byte| !byte.is_ascii_alphanumeric());
        if !body.contains(&keyword.start) || !is_word(keyword.end) || !is_word(keyword.start - 1) {
            continue;
        }
        all += 1;
        if !covered.iter().any(|quote| quote.start <= keyword.start && keyword.end <= quote.end) {
            uncovered.push(format!("{}: {}", rfc.section_at(keyword.start), rfc.around(keyword)));
        }
    }
    println!("{all} keywords in §§2–5, {} without a requirement", uncovered.len());
    assert!(all > 100, "{all} keywords");
    assert!(uncovered.is_empty(), "without [[requirement]] or [[outside]]:\n{}", uncovered.join("\n"));
}

/// An RFC, folded to one line without marks and examples.
struct Rfc {
    text: String,
    /// Where the sections begin, in their order.
    sections: Vec<(String, usize)>,
}

impl Rfc {
    fn section(&self, wanted: &str) -> Range<usize> {
        let at = self.sections.iter().position(|(section, _)| section == wanted);
        let at = at.unwrap_or_else(|| panic!("the RFC has no section {wanted}"));
        let inner = |section: &str| section.starts_with(&format!("{wanted}."));
        let next = self.sections[at + 1..].iter().find(|(section, _)| !inner(section));
        self.sections[at].1..next.map_or(self.text.len(), |(_, start)| *start)
    }

    fn section_at(&self, at: usize) -> &str {
        self.sections.iter().rev().find(|(_, start)| *start <= at).map_or("", |(section, _)| section)
    }

    fn around(&self, range: Range<usize>) -> &str {
        let floor = |at: usize| (0..=at).rev().find(|at| self.text.is_char_boundary(*at)).unwrap();
        &self.text[floor(range.start.saturating_sub(90))..floor((range.end + 90).min(self.text.len()))]
    }
}

fn rfc(name: &str) -> Option<Rfc> {
    let path = super::root().join("../shared/reference").join(name);
    let Ok(markdown) = fs::read_to_string(&path) else {
        println!("skipped: {} is not there", path.display());
        return None;
    };
    let mut rfc = Rfc { text: String::new(), sections: Vec::new() };
    let mut numbers: Vec<usize> = Vec::new();
    let (mut begun, mut back, mut example) = (false, false, false);
    for line in markdown.lines() {
        if line.starts_with("~~~") {
            example = !example;
        } else if example {
        } else if line == "--- middle" {
            begun = true;
        } else if line == "--- back" {
            (back, numbers) = (true, Vec::new());
        } else if let Some(depth) = line.find(|c| c != '#').filter(|depth| *depth > 0 && begun) {
            numbers.resize(depth, 0);
            numbers[depth - 1] += 1;
            let names = numbers.iter().enumerate().map(|(level, number)| match (level, back) {
                (0, true) => char::from(b'A' + u8::try_from(*number).unwrap() - 1).to_string(),
                _ => number.to_string(),
            });
            rfc.sections.push((names.collect::<Vec<_>>().join("."), rfc.text.len()));
        } else if begun {
            let line = plain(line.trim_start().trim_start_matches(['-', '*', ':']));
            if !line.is_empty() {
                rfc.text.push_str(&line);
                rfc.text.push(' ');
            }
        }
    }
    assert!(rfc.sections.is_sorted_by_key(|(section, _)| section_order(section)), "{:?}", rfc.sections);
    Some(rfc)
}

/// Without the marks of Markdown, on one line.
fn plain(text: &str) -> String {
    let text: String = text.chars().filter(|c| !['`', '*'].contains(c)).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn occurrences(text: &str, part: &str) -> Vec<Range<usize>> {
    text.match_indices(part).map(|(at, _)| at..at + part.len()).collect()
}
