//! Bodies, as steps name them.

use aws_lc_rs::digest;

use crate::suite::failure::{StepFailure, StepResult};
use crate::wire::{Content, generated_sha256};

/// What a step says about a body: `the body "…"`, `a body of 3 MiB`, `a body at the limit`, `a body over the limit`; empty
/// for none. `limit` is the largest body, in bytes, that the receiver takes; none where that is too much to be sent.
pub(crate) fn body(said: &str, limit: Option<u64>) -> StepResult<Content> {
    if said.is_empty() {
        return Ok(Content::None);
    }
    if let Some(text) = said.strip_prefix("the body \"").or_else(|| said.strip_prefix("body \"")) {
        return Ok(Content::Bytes(text.strip_suffix('"').unwrap_or(text).to_owned().into()));
    }
    match said {
        "a body at the limit" => return Ok(Content::Generated(limit.ok_or_else(too_large)?)),
        "a body over the limit" => return Ok(Content::Generated(limit.ok_or_else(too_large)? + 1)),
        _ => {}
    }
    let size = said.strip_prefix("a body of ").and_then(|size| size.split_once(' '));
    let unit = size.and_then(|(_, unit)| match unit {
        "bytes" => Some(1),
        "KiB" => Some(1 << 10),
        "MiB" => Some(1 << 20),
        _ => None,
    });
    match (size.map(|(number, _)| number.parse::<u64>()), unit) {
        (Some(Ok(number)), Some(unit)) => Ok(Content::Generated(number * unit)),
        _ => Err(StepFailure::mistake(format!("`{said}` is no body"))),
    }
}

fn too_large() -> StepFailure {
    StepFailure::unsupported(
        "the subject takes bodies so large that a scenario does not send one (profile value `body_limit`)",
    )
}

/// Length and SHA-256 (lower-case hex): how bodies are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    pub(crate) length: u64,
    pub(crate) sha256: String,
}

impl Fingerprint {
    /// Of what is sent.
    pub(crate) fn of(content: &Content) -> Fingerprint {
        let sha256 = match content {
            Content::None => sha256_of(b""),
            Content::Bytes(bytes) => sha256_of(bytes),
            Content::Generated(length) => generated_sha256(*length),
        };
        Fingerprint { length: content.length(), sha256 }
    }
}

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a body of {} bytes with the SHA-256 {}", self.length, self.sha256)
    }
}

fn sha256_of(bytes: &[u8]) -> String {
    digest::digest(&digest::SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_read_as_written() {
        assert_eq!(body("", Some(9)).unwrap().length(), 0);
        assert!(matches!(body("", Some(9)).unwrap(), Content::None));
        assert!(matches!(body("the body \"hällo\"", Some(9)).unwrap(), Content::Bytes(bytes) if bytes == "hällo"));
        assert!(matches!(body("the body \"\"", Some(9)).unwrap(), Content::Bytes(bytes) if bytes.is_empty()));
        assert_eq!(body("a body of 65 KiB", Some(9)).unwrap().length(), 65 << 10);
        assert_eq!(body("a body of 3 MiB", Some(9)).unwrap().length(), 3 << 20);
        assert_eq!(body("a body at the limit", Some(9)).unwrap().length(), 9);
        assert_eq!(body("a body over the limit", Some(9)).unwrap().length(), 10);
        assert!(!body("a body over the limit", None).unwrap_err().is_fail());
        assert!(!body("a body of some size", Some(9)).unwrap_err().is_fail());
    }

    #[test]
    fn equal_bodies_have_equal_fingerprints() {
        let hello = Fingerprint::of(&Content::Bytes("hello".into()));
        assert_eq!(hello.sha256, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
        assert_ne!(hello, Fingerprint::of(&Content::Bytes("hallo".into())));
        assert_eq!(Fingerprint::of(&Content::Generated(0)), Fingerprint::of(&Content::None));
        let kept = Content::Generated(70_000);
        let bytes: Vec<u8> = [kept.piece(0), kept.piece(65_536)].concat();
        assert_eq!(Fingerprint::of(&kept), Fingerprint::of(&Content::Bytes(bytes.into())));
    }
}
