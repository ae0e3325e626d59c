//! Two signature bases side by side: where they first differ, and what most likely went wrong.

use serde::Serialize;

/// The base that the sender signed and the one that the receiver rebuilt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bases {
    /// The one that was signed.
    pub made: String,
    /// The one that was rebuilt.
    pub rebuilt: String,
    /// The first line that differs, counted from 1; nothing where they are the same.
    pub line: Option<usize>,
    /// What most likely went wrong.
    pub guess: Option<String>,
}

impl Bases {
    /// Compares two bases.
    pub fn compare(made: String, rebuilt: String) -> Bases {
        let line = first_difference(&made, &rebuilt);
        Bases { made, rebuilt, line, guess: None }
    }
}

fn first_difference(made: &str, rebuilt: &str) -> Option<usize> {
    if made == rebuilt {
        return None;
    }
    let same = made.split('\n').zip(rebuilt.split('\n')).take_while(|(a, b)| a == b).count();
    Some(same + 1)
}
