//! Patterns for ids: `*` is anything, `?` one character.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// A pattern for ids.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Glob(String);

impl Glob {
    /// A pattern.
    pub fn new(pattern: impl Into<String>) -> Glob {
        Glob(pattern.into())
    }

    /// Whether the whole id is of this pattern.
    pub fn matches(&self, id: &str) -> bool {
        let (pattern, id): (Vec<char>, Vec<char>) = (self.0.chars().collect(), id.chars().collect());
        let (mut p, mut i) = (0, 0);
        // Where the last `*` stands, and how far the id was when it was tried.
        let mut star: Option<(usize, usize)> = None;
        while i < id.len() {
            match pattern.get(p) {
                Some('*') => {
                    star = Some((p, i));
                    p += 1;
                }
                Some(character) if *character == '?' || *character == id[i] => {
                    p += 1;
                    i += 1;
                }
                _ => match star {
                    Some((at, tried)) => {
                        star = Some((at, tried + 1));
                        p = at + 1;
                        i = tried + 1;
                    }
                    None => return false,
                },
            }
        }
        pattern[p..].iter().all(|character| *character == '*')
    }

    /// Whether it can be of one id only.
    pub fn is_exact(&self) -> bool {
        !self.0.contains(['*', '?'])
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Glob {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Glob, Infallible> {
        Ok(Glob::new(text))
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks() {
        let matches = |pattern: &str, id: &str| Glob::new(pattern).matches(id);
        assert!(matches("2.1-x", "2.1-x"));
        assert!(!matches("2.1-x", "2.1-xy") && !matches("2.1-xy", "2.1-x") && !matches("2.1", "2x1"));
        assert!(matches("2.1-*", "2.1-") && matches("2.1-*", "2.1-x") && !matches("2.1-*", "2.2-x"));
        assert!(matches("*", "") && matches("**a*", "bca") && matches("*-*-b", "a-b-b"));
        assert!(matches("2.?-x", "2.1-x") && !matches("2.?-x", "2.-x"));
        assert!(!matches("a*b", "a") && matches("a*b", "ab"));
        assert!(Glob::new("a").is_exact() && !Glob::new("a*").is_exact());
    }
}
