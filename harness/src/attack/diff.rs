//! What differs between the valid request and the attack, line by line.

/// How much of a line is shown.
const SHOWN: usize = 200;
/// How many pairs of lines are compared; of more, all lines of both are shown.
const COMPARED: usize = 100_000;

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

/// The lines of two messages, side by side: what they share stands once.
pub fn difference(valid: &[u8], attack: &[u8]) -> Vec<Difference> {
    let (valid, attack) = (lines(valid), lines(attack));
    let beginning = valid.iter().zip(&attack).take_while(|(one, other)| one == other).count();
    let (of_valid, of_attack) = (&valid[beginning..], &attack[beginning..]);
    let end = of_valid.iter().rev().zip(of_attack.iter().rev()).take_while(|(one, other)| one == other).count();
    let (of_valid, rest) = of_valid.split_at(of_valid.len() - end);
    let mut all: Vec<Difference> = valid[..beginning].iter().map(|line| Difference::Same(shown(line))).collect();
    all.extend(between(of_valid, &of_attack[..of_attack.len() - end]));
    all.extend(rest.iter().map(|line| Difference::Same(shown(line))));
    all
}

/// What stands between the beginning and the end that both share.
fn between(valid: &[&[u8]], attack: &[&[u8]]) -> Vec<Difference> {
    let without = |line: &&[u8]| Difference::Without(shown(line));
    let with = |line: &&[u8]| Difference::With(shown(line));
    if valid.len() * attack.len() > COMPARED {
        return valid.iter().map(without).chain(attack.iter().map(with)).collect();
    }
    let table = common(valid, attack);
    let (mut left, mut right) = (0, 0);
    let mut all = Vec::with_capacity(valid.len() + attack.len());
    while left < valid.len() || right < attack.len() {
        if left < valid.len() && right < attack.len() && valid[left] == attack[right] {
            all.push(Difference::Same(shown(valid[left])));
            (left, right) = (left + 1, right + 1);
        } else if left < valid.len() && (right == attack.len() || table[left + 1][right] >= table[left][right + 1]) {
            all.push(without(&valid[left]));
            left += 1;
        } else {
            all.push(with(&attack[right]));
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

/// Without the CR and LF that end a line as it should; any other stays and is shown.
fn lines(message: &[u8]) -> Vec<&[u8]> {
    let all = message.split_inclusive(|byte| *byte == b'\n');
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
    fn what_was_added_by_the_thousand_is_not_compared_with_all() {
        let many: String = (0..5000).map(|number| format!("X-{number}: a\r\n")).collect();
        let found =
            difference(b"GET / HTTP/1.1\r\nA: 1\r\n\r\n", format!("GET / HTTP/1.1\r\nA: 1\r\n{many}\r\n").as_bytes());
        assert_eq!(found.len(), 5003);
        assert_eq!(found.iter().filter(|line| matches!(line, With(_))).count(), 5000);
    }

    #[test]
    fn long_lines_are_cut() {
        assert!(shown(&[b'a'; 5000]).ends_with("a… (5000 bytes in all)"));
        assert_eq!(difference(b"", b""), []);
    }
}
