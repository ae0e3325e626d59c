//! Whether a scenario that is run again does what it did.

use super::{Bundle, Failed};
use crate::verdict::{ScenarioResult, Verdict};

/// What came of a scenario that was run again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Again {
    /// The same.
    TheSame,
    /// It passes now.
    Passes,
    /// It can't be tested on this Core, or does not apply, for this reason.
    NotTested(String),
    /// It fails in another way: what is other, with what was and what is.
    Otherwise(Vec<Difference>),
}

/// Something that is other than it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What.
    pub what: &'static str,
    /// As it was.
    pub then: String,
    /// As it is.
    pub now: String,
}

impl Bundle {
    /// Compares what came out now with what came out then. Names that are new each time (IDs, ports, times) don't count.
    pub fn compare(&self, now: &ScenarioResult) -> Again {
        let failure = Failed::of(now);
        let reason = || failure.as_ref().map(|failure| failure.got.clone()).unwrap_or_default();
        match now.verdict {
            Verdict::Pass => return Again::Passes,
            Verdict::Skip | Verdict::Unsupported => return Again::NotTested(reason()),
            _ => {}
        }
        let mut differences = Vec::new();
        if self.verdict != now.verdict {
            let words = |verdict: Verdict| verdict.words().to_owned();
            differences.push(Difference { what: "verdict", then: words(self.verdict), now: words(now.verdict) });
        }
        let (then, now) = (parts(self.failure.as_ref()), parts(failure.as_ref()));
        for ((what, then), (_, now)) in then.into_iter().zip(now) {
            if shape(&then) != shape(&now) {
                differences.push(Difference { what, then, now });
            }
        }
        if differences.is_empty() { Again::TheSame } else { Again::Otherwise(differences) }
    }
}

fn parts(failure: Option<&Failed>) -> [(&'static str, String); 3] {
    let part = |part: fn(&Failed) -> &String| failure.map(part).cloned().unwrap_or_default();
    [("step", part(|of| &of.step)), ("expected", part(|of| &of.expected)), ("got", part(|of| &of.got))]
}

/// A word as long as this is no word.
const LONG: usize = 40;

/// How long a short ID is.
const SHORT_ID: usize = 6;

/// The text without what is new each time: words with digits in them, and long numbers.
fn shape(text: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+' | '=' | '/');
    let mut shape = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        if end >= LONG || is_label(&rest[..end], &rest[end..]) {
            // A key or a hash, which may hold slashes; or the short ID in a host.
            shape.push('…');
        } else {
            // A path is looked at part by part.
            let parts: Vec<&str> = rest[..end].split('/').map(|part| if is_new(part) { "…" } else { part }).collect();
            shape.push_str(&parts.join("/"));
        }
        let next = rest[end..].find(is_word).map_or(rest.len(), |next| end + next);
        shape.push_str(&rest[end..next]);
        rest = &rest[next..];
    }
    shape
}

/// Whether a word may be a short ID before the rest of a host. One in ten of these has no digit in it.
fn is_label(word: &str, rest: &str) -> bool {
    let of_id = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let more = rest.strip_prefix('.').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphanumeric()));
    word.len() == SHORT_ID && word.bytes().all(of_id) && more
}

fn is_new(word: &str) -> bool {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    (word.len() >= 6 && digits > 0) || (word.len() >= 4 && digits == word.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn then() -> (Bundle, ScenarioResult) {
        let now = sample::summary().scenarios[1].clone();
        let bundle = Bundle { verdict: now.verdict, failure: Failed::of(&now), ..super::super::tests::bundle() };
        (bundle, now)
    }

    #[test]
    fn the_same_is_the_same_whatever_ids_are_new() {
        let (mut bundle, mut now) = then();
        assert_eq!(bundle.compare(&now), Again::TheSame);
        if let (Some(then), Some(now)) = (&mut bundle.failure, &mut now.failure) {
            then.got = "client 38g1hs at 127.0.0.1:41234, /peers/abcdef0 on chat.xybcdg.p.example".into();
            now.got = "client tz09ab at 127.0.0.1:5123, /peers/zzzzzz9 on chat.aa11bb.p.example".into();
        }
        assert_eq!(bundle.compare(&now), Again::TheSame);
    }

    #[test]
    fn what_is_other_is_named() {
        let (bundle, mut now) = then();
        now.verdict = Verdict::Timeout;
        if let Some(failure) = &mut now.failure {
            failure.got = "status 500".into();
        }
        let Again::Otherwise(differences) = bundle.compare(&now) else { panic!("it is other") };
        let what: Vec<_> = differences.iter().map(|difference| difference.what).collect();
        assert_eq!(what, ["verdict", "got"]);
        assert_eq!((differences[0].then.as_str(), differences[0].now.as_str()), ("FAIL", "timeout"));
    }

    #[test]
    fn what_passes_or_is_not_tested_is_no_failure() {
        let (bundle, mut now) = then();
        now.verdict = Verdict::Unsupported;
        assert!(matches!(bundle.compare(&now), Again::NotTested(reason) if reason.starts_with("status 401")));
        (now.verdict, now.failure) = (Verdict::Pass, None);
        assert_eq!(bundle.compare(&now), Again::Passes);
    }

    #[test]
    fn statuses_and_words_stay() {
        assert_eq!(shape("status 401 with the body"), "status 401 with the body");
        assert_eq!(shape("id 38g1hs, 1795375044"), "id …, …");
        let key = |part: &str| format!("MCowBQYDK2VwAyEA{part}+dGhpcyBpcyBhIGtleSBub3QgYSBrZXk=");
        assert_eq!(shape(&key("AbCd/EfGh")), shape(&key("XyZw/QrStUv")));
        assert_ne!(shape("status 401"), shape("status 500"));
    }
}
