//! The words for expectations. What is not met is the subject's fault.

use std::fmt::Debug;

use super::failure::{StepFailure, StepResult};

/// How much of a long text is shown.
const SHOWN: usize = 300;

/// Fails unless both are the same.
pub fn same<A: Debug + PartialEq<B>, B: Debug>(what: &str, expected: A, got: B) -> StepResult {
    if expected == got {
        return Ok(());
    }
    Err(StepFailure::fail(format!("{what} is {}", shortened(&readable(&expected))), shortened(&readable(&got))))
}

/// Fails unless it holds; says `expected`, and what came instead.
pub fn holds(holds: bool, expected: impl std::fmt::Display, got: impl FnOnce() -> String) -> StepResult {
    if holds {
        return Ok(());
    }
    Err(StepFailure::fail(expected, shortened(&got())))
}

/// The value, or a failure of the subject that says what should have been there.
pub fn some<T>(value: Option<T>, expected: impl std::fmt::Display) -> StepResult<T> {
    value.ok_or_else(|| StepFailure::fail(expected, "nothing"))
}

/// `Some("x")` reads better as `"x"`, and `None` as `nothing`.
fn readable(value: &impl Debug) -> String {
    let text = format!("{value:?}");
    if text == "None" {
        return "nothing".to_owned();
    }
    match text.strip_prefix("Some(").and_then(|rest| rest.strip_suffix(')')) {
        Some(inner) => inner.to_owned(),
        None => text,
    }
}

/// The text, cut where it gets too long.
pub(crate) fn shortened(text: &str) -> String {
    if text.len() <= SHOWN {
        return text.to_owned();
    }
    let cut: String = text.chars().take(SHOWN).collect();
    format!("{cut}… ({} bytes in all)", text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_told_in_plain_words() {
        same("the id", "a", "a").unwrap();
        let failure = same("the id", Some("a"), None::<&str>).unwrap_err();
        assert_eq!((failure.expected(), failure.got()), ("the id is \"a\"", "nothing"));
        assert!(holds(true, "x", String::new).is_ok());
        assert!(holds(false, "x", String::new).unwrap_err().is_fail());
        assert_eq!(some(None::<u8>, "a key").unwrap_err().got(), "nothing");
    }

    #[test]
    fn long_texts_are_cut() {
        let text = "ä".repeat(1000);
        let cut = shortened(&text);
        assert!(cut.len() < 700);
        assert!(cut.ends_with("(2000 bytes in all)"));
    }
}
