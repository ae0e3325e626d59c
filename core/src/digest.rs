//! Content-Digest (RFC 9530): made, read, checked; whole or while the content goes by.
//!
//! ```
//! use portal_core::digest::{ContentDigest, DigestAlgorithm};
//!
//! let digest = ContentDigest::compute(DigestAlgorithm::Sha256, br#"{"hello": "world"}"#);
//! assert_eq!(digest.to_string(), "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:");
//!
//! let received = ContentDigest::parse([&b"sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"[..]])?;
//! received.check(br#"{"hello": "world"}"#)?;
//! assert!(received.check(b"else").is_err());
//! # Ok::<(), portal_core::digest::DigestError>(())
//! ```

use std::fmt;

use aws_lc_rs::{constant_time, digest};
use sfv::{BareItem, Dictionary, FieldType as _, ListEntry, Parser};

use crate::rfc9421::Fields;
use crate::rfc9421::field::joined;

/// An algorithm of RFC 9530's registry that is fit for adversaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DigestAlgorithm {
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl DigestAlgorithm {
    /// The key in the field.
    pub fn as_str(self) -> &'static str {
        match self {
            DigestAlgorithm::Sha256 => "sha-256",
            DigestAlgorithm::Sha512 => "sha-512",
        }
    }

    fn of(key: &str) -> Option<Self> {
        [DigestAlgorithm::Sha256, DigestAlgorithm::Sha512].into_iter().find(|known| known.as_str() == key)
    }

    fn implementation(self) -> &'static digest::Algorithm {
        match self {
            DigestAlgorithm::Sha256 => &digest::SHA256,
            DigestAlgorithm::Sha512 => &digest::SHA512,
        }
    }
}

/// Why a content is not what its digest says, or that can't be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DigestError {
    /// The field is no Dictionary of Byte Sequences.
    #[error("the Content-Digest field is malformed")]
    Malformed,
    /// None of the algorithms is known (RFC 9530 §5: others and insecure ones are ignored).
    #[error("the Content-Digest field has no algorithm that is known and secure")]
    Unsupported,
    /// The content does not match.
    #[error("the content does not match its {} digest", .0.as_str())]
    Mismatch(DigestAlgorithm),
}

impl DigestError {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            DigestError::Malformed => "digest_malformed",
            DigestError::Unsupported => "digest_unsupported",
            DigestError::Mismatch(_) => "digest_mismatch",
        }
    }
}

/// The digests of a content, as a Content-Digest field holds them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentDigest {
    entries: Vec<(DigestAlgorithm, Vec<u8>)>,
}

impl ContentDigest {
    /// The digest of a whole content.
    pub fn compute(algorithm: DigestAlgorithm, content: &[u8]) -> Self {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(content);
        hasher.finish()
    }

    /// Reads the lines of the field; they are one Dictionary together. Algorithms that are not known are left out.
    ///
    /// # Errors
    /// [`DigestError::Malformed`].
    pub fn parse<'l>(lines: impl IntoIterator<Item = &'l [u8]>) -> Result<Self, DigestError> {
        let lines: Vec<&[u8]> = lines.into_iter().collect();
        Self::read(&lines.join(&b", "[..]))
    }

    /// Reads the Content-Digest field of a message, where it has one.
    ///
    /// # Errors
    /// [`DigestError::Malformed`].
    pub fn of(fields: &Fields) -> Result<Option<Self>, DigestError> {
        joined(fields, "content-digest").map(|value| Self::read(&value)).transpose()
    }

    fn read(value: &[u8]) -> Result<Self, DigestError> {
        let members = Dictionary::parse(Parser::new(value)).map_err(|_| DigestError::Malformed)?;
        let mut entries = Vec::new();
        for (key, member) in members {
            let ListEntry::Item(sfv::Item { bare_item: BareItem::ByteSequence(bytes), .. }) = member else {
                return Err(DigestError::Malformed);
            };
            entries.extend(DigestAlgorithm::of(key.as_str()).map(|algorithm| (algorithm, bytes)));
        }
        Ok(ContentDigest { entries })
    }

    /// The algorithms that are known.
    pub fn algorithms(&self) -> impl Iterator<Item = DigestAlgorithm> {
        self.entries.iter().map(|(algorithm, _)| *algorithm)
    }

    /// Checks a whole content against every known digest.
    ///
    /// # Errors
    /// [`DigestError::Unsupported`] if there is none, [`DigestError::Mismatch`] if one differs.
    pub fn check(&self, content: &[u8]) -> Result<(), DigestError> {
        let mut checker = self.checker()?;
        checker.update(content);
        checker.finish()
    }

    /// Starts a check of a content that goes by in pieces.
    ///
    /// # Errors
    /// [`DigestError::Unsupported`].
    pub fn checker(&self) -> Result<Checker, DigestError> {
        if self.entries.is_empty() {
            return Err(DigestError::Unsupported);
        }
        let hashers = self.entries.iter().map(|(algorithm, bytes)| (Hasher::new(*algorithm), bytes.clone()));
        Ok(Checker { hashers: hashers.collect() })
    }
}

impl fmt::Display for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use base64::Engine as _;
        for (at, (algorithm, bytes)) in self.entries.iter().enumerate() {
            let separator = if at > 0 { ", " } else { "" };
            let encoded = base64::engine::general_purpose::STANDARD.encode(bytes);
            write!(f, "{separator}{}=:{encoded}:", algorithm.as_str())?;
        }
        Ok(())
    }
}

/// Makes the digest of a content that goes by in pieces.
#[derive(Clone)]
pub struct Hasher {
    algorithm: DigestAlgorithm,
    context: digest::Context,
}

impl Hasher {
    /// Starts.
    pub fn new(algorithm: DigestAlgorithm) -> Self {
        Hasher { algorithm, context: digest::Context::new(algorithm.implementation()) }
    }

    /// Takes the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.context.update(piece);
    }

    /// The digest of all pieces.
    pub fn finish(self) -> ContentDigest {
        ContentDigest { entries: vec![(self.algorithm, self.context.finish().as_ref().to_vec())] }
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// Checks a content that goes by in pieces.
#[derive(Clone, Debug)]
pub struct Checker {
    hashers: Vec<(Hasher, Vec<u8>)>,
}

impl Checker {
    /// Takes the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.hashers.iter_mut().for_each(|(hasher, _)| hasher.update(piece));
    }

    /// Whether all pieces together match every known digest.
    ///
    /// # Errors
    /// [`DigestError::Mismatch`].
    pub fn finish(self) -> Result<(), DigestError> {
        self.hashers.into_iter().try_for_each(|(hasher, expected)| {
            let algorithm = hasher.algorithm;
            let actual = hasher.context.finish();
            constant_time::verify_slices_are_equal(actual.as_ref(), &expected)
                .map_err(|_| DigestError::Mismatch(algorithm))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"hello": "world"}"#;
    const SHA256: &str = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:";
    const SHA512: &str =
        "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:";

    fn parse(lines: &[&str]) -> Result<ContentDigest, DigestError> {
        ContentDigest::parse(lines.iter().map(|line| line.as_bytes()))
    }

    #[test]
    fn digests_are_those_of_the_rfc() {
        assert_eq!(ContentDigest::compute(DigestAlgorithm::Sha256, BODY).to_string(), SHA256);
        assert_eq!(ContentDigest::compute(DigestAlgorithm::Sha512, BODY).to_string(), SHA512);
        let mut hasher = Hasher::new(DigestAlgorithm::Sha512);
        BODY.chunks(3).for_each(|piece| hasher.update(piece));
        assert_eq!(hasher.finish().to_string(), SHA512);
    }

    #[test]
    fn several_lines_and_algorithms_must_all_match() {
        let both = parse(&[SHA256, &format!("  {SHA512}, md5=:AAAA:, unixsum=:AQ==:")]).unwrap();
        assert_eq!(both.algorithms().collect::<Vec<_>>(), [DigestAlgorithm::Sha256, DigestAlgorithm::Sha512]);
        assert_eq!(both.check(BODY), Ok(()));
        assert_eq!(both.check(b""), Err(DigestError::Mismatch(DigestAlgorithm::Sha256)));
        let one_wrong = parse(&[SHA256, "sha-512=:AAAA:"]).unwrap();
        assert_eq!(one_wrong.check(BODY), Err(DigestError::Mismatch(DigestAlgorithm::Sha512)));
        let mut checker = both.checker().unwrap();
        BODY.chunks(5).for_each(|piece| checker.update(piece));
        assert_eq!(checker.finish(), Ok(()));
    }

    #[test]
    fn what_cannot_be_checked_is_no_match() {
        assert_eq!(parse(&["md5=:AAAA:"]).unwrap().check(BODY), Err(DigestError::Unsupported));
        assert_eq!(parse(&[""]).unwrap().check(BODY), Err(DigestError::Unsupported));
        for bad in ["sha-256=X48E", "sha-256", "sha-256=:X48E", "=", "sha-256=:!:", "SHA-256=:AAAA:"] {
            assert_eq!(parse(&[bad]), Err(DigestError::Malformed), "{bad}");
        }
        // A truncated digest is another one, not a shorter proof.
        assert_eq!(
            parse(&["sha-256=:X48E9qOokqqrvdts8nOJRA==:"]).unwrap().check(BODY),
            Err(DigestError::Mismatch(DigestAlgorithm::Sha256))
        );
    }

    #[test]
    fn the_field_of_a_message_is_found() {
        let mut fields = Fields::new();
        assert_eq!(ContentDigest::of(&fields), Ok(None));
        fields.push("Content-Digest", SHA256).unwrap();
        assert_eq!(ContentDigest::of(&fields).unwrap().unwrap().check(BODY), Ok(()));
        fields.push("content-digest", "!").unwrap();
        assert_eq!(ContentDigest::of(&fields), Err(DigestError::Malformed));
    }
}
