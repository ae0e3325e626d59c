//! What differs between the valid request and the attack, line by line.

/// How much of a line is shown.
const SHOWN: usize = 200;

/// A line of a message that is in both, or in one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// In both.
    Same(String),
    /// In the valid request only.
    Without(String),
    /// In the attack only.
    With(String),
}

/// The lines of two messages, side by side: the longest beginning and end that they share, and what is between.
pub fn difference(valid: &[u8], attack: &[u8]) -> Vec<Difference> {
    let (valid, attack) = (lines(valid), lines(attack));
    let table = common(&valid, &attack);
    let (mut left, mut right) = (0, 0);
    let mut all = Vec::with_capacity(valid.len().max(attack.len()));
    while left < valid.len() || right < attack.len() {
        if left < valid.len() && right < attack.len() && valid[left] == attack[right] {
            all.push(Difference::Same(shown(valid[left])));
            (left, right) = (left + 1, right + 1);
        } else if left < valid.len() && (right == attack.len() || table[left + 1][right] >= table[left][right + 1]) {
            all.push(Difference::Without(shown(valid[left])));
            left += 1;
        } else {
            all.push(Difference::With(shown(attack[right])));
            right += 1;
        }
    }
    all
}

/// A line with what can't be read escaped; of a long one the beginning and the length.
pub fn shown(line: &[u8]) -> String {
    let shown: String = line.iter().take(SHOWN).flat_map(|byte| readable(*byte)).collect();
    if line.len() > SHOWN { format!("{shown}… ({} bytes in all)", line.len()) } else { shown }
}

fn readable(byte: u8) -> Vec<char> {
    match byte {
        b' '..=b'~' => vec![char::from(byte)],
        _ => byte.escape_ascii().map(char::from).collect(),
    }
}

/// Without the CR and LF that end a line as it should; any other stays and is shown. Of thousands of lines the first.
fn lines(message: &[u8]) -> Vec<&[u8]> {
    const LINES: usize = 400;
    let all = message.split_inclusive(|byte| *byte == b'\n').take(LINES);
    all.map(|line| line.strip_suffix(b"\r\n").unwrap_or(line)).collect()
}

/// `table[a][b]`: how many lines `valid[a..]` and `attack[b..]` have in common, in order.
fn common(valid: &[&[u8]], attack: &[&[u8]]) -> Vec<Vec<usize>> {
    let mut table = vec![vec![0; attack.len() + 1]; valid.len() + 1];
    for a in (0..valid.len()).rev() {
        for b in (0..attack.len()).rev() {
            table[a][b] = if valid[a] == attack[b] {
                table[a + 1][b + 1] + 1
            } else {
                usize::max(table[a + 1][b], table[a][b + 1])
            };
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::Difference::{Same, With, Without};
    use super::*;

    #[test]
    fn what_differs_is_marked_and_the_rest_stands_once() {
        let found = difference(b"GET / HTTP/1.1\r\nA: 1\r\nB: 2\r\n\r\n", b"GET / HTTP/1.1\r\nB: 2\r\nC: \x003\n\r\n");
        let same = |text: &str| Same(text.to_owned());
        assert_eq!(
            found,
            [same("GET / HTTP/1.1"), Without("A: 1".into()), same("B: 2"), With("C: \\x003\\n".into()), same("")]
        );
    }

    #[test]
    fn long_lines_are_cut() {
        assert!(shown(&[b'a'; 5000]).ends_with("a… (5000 bytes in all)"));
        assert_eq!(difference(b"", b""), []);
    }
}
