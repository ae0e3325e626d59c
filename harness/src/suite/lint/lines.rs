//! What only the text of a feature tells: its lines, and the cells of its tables.

use crate::suite::source::FeatureFile;

/// A row with more or fewer cells than the first of its table. The parser drops what is too much without a word.
pub(super) fn uneven_table(text: &str) -> Option<(usize, String)> {
    let mut first: Option<usize> = None;
    for (n, line) in structural_lines(text) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if !line.starts_with('|') {
            first = None;
            continue;
        }
        let cells = line.replace("\\|", "").matches('|').count().saturating_sub(1);
        let expected = *first.get_or_insert(cells);
        if !line.ends_with('|') {
            return Some((n, "the last cell of this row is not closed with `|`".to_owned()));
        }
        if cells != expected {
            return Some((n, format!("this row has {cells} cells, the first of its table has {expected}")));
        }
    }
    None
}

/// The lines outside doc strings, with their numbers.
fn structural_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fence: Option<&str> = None;
    text.lines().enumerate().filter_map(move |(n, line)| {
        let mark = ["\"\"\"", "```"].into_iter().find(|mark| line.trim_start().starts_with(mark));
        match (fence, mark) {
            (None, Some(mark)) => {
                fence = Some(mark);
                None
            }
            (Some(open), Some(mark)) if open == mark => {
                fence = None;
                None
            }
            (Some(_), _) => None,
            (None, None) => Some((n + 1, line)),
        }
    })
}

/// The lines of a table's rows, the first table after this line.
pub(crate) fn row_lines(text: &str, after: usize) -> Vec<usize> {
    let lines = structural_lines(text).filter(|(n, _)| *n > after);
    let lines = lines.filter(|(_, line)| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    lines.take_while(|(_, line)| line.trim_start().starts_with('|')).map(|(n, _)| n).collect()
}

/// Where a line of a description stands.
pub(super) fn line_of(file: &FeatureFile, after: usize, text: &str) -> usize {
    let found = file.text.lines().enumerate().skip(after).find(|(_, line)| line.trim() == text.trim());
    found.map_or(after, |(n, _)| n + 1)
}

/// Where a tag stands that belongs to what is in this line.
pub(super) fn tag_line(file: &FeatureFile, before: usize, tag: &str) -> usize {
    let lines: Vec<&str> = file.text.lines().take(before).collect();
    let wanted = format!("@{tag}");
    lines.iter().rposition(|line| line.split_whitespace().any(|word| word == wanted)).map_or(before, |n| n + 1)
}
