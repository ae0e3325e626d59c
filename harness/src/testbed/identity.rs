//! Keys and IDs of simulated Portals, computed here and not by the code under test.

use std::fmt;

use aws_lc_rs::{digest, signature::Ed25519KeyPair};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rcgen::PublicKeyData as _;

/// ID-2: one character for five bits.
const ALPHABET: &[u8; 32] = b"abcdefghjklnpqrstvwxyz0123456789";

/// A key pair with the ID that follows from it.
#[derive(Clone)]
pub struct TestIdentity {
    private_key_pem: String,
    public_key_pem: String,
    id: String,
}

/// A private key that can't be used.
#[derive(Debug, thiserror::Error)]
#[error("this private key can't be used: {0}")]
pub struct BadKey(String);

impl TestIdentity {
    /// A fresh Ed25519 key.
    ///
    /// # Errors
    /// When the machine has no randomness.
    pub fn generate() -> Result<TestIdentity, BadKey> {
        let bad = |_| BadKey("no randomness".to_owned());
        let document = Ed25519KeyPair::generate().and_then(|key| key.to_pkcs8v1()).map_err(bad)?;
        TestIdentity::from_private_key_pem(&pem("PRIVATE KEY", document.as_ref()))
    }

    /// A fresh RSA key. It takes its time.
    ///
    /// # Errors
    /// When the machine has no randomness.
    pub fn generate_rsa() -> Result<TestIdentity, BadKey> {
        let key = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048);
        TestIdentity::from_private_key_pem(&key.map_err(|error| BadKey(error.to_string()))?.serialize_pem())
    }

    /// The Ed25519 key that follows from these bytes.
    ///
    /// # Errors
    /// When the cryptographic library fails.
    pub fn from_seed(seed: &[u8; 32]) -> Result<TestIdentity, BadKey> {
        let bad = |_| BadKey("no key of this seed".to_owned());
        let key = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| BadKey("not a seed".to_owned()))?;
        TestIdentity::from_private_key_pem(&pem("PRIVATE KEY", key.to_pkcs8v1().map_err(bad)?.as_ref()))
    }

    /// With this private key, PKCS#8 PEM.
    ///
    /// # Errors
    /// When it is none.
    pub fn from_private_key_pem(private_key_pem: &str) -> Result<TestIdentity, BadKey> {
        let key = rcgen::KeyPair::from_pem(private_key_pem).map_err(|error| BadKey(error.to_string()))?;
        let public_key_pem = pem("PUBLIC KEY", &key.subject_public_key_info());
        let id = portal_id(&public_key_pem);
        Ok(TestIdentity { private_key_pem: private_key_pem.to_owned(), public_key_pem, id })
    }

    /// The private key, PKCS#8 PEM.
    pub fn private_key_pem(&self) -> &str {
        &self.private_key_pem
    }

    /// The public key, SPKI PEM with LF and one LF at the end.
    pub fn public_key_pem(&self) -> &str {
        &self.public_key_pem
    }

    /// The ID, 103 characters.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The first six characters of the ID.
    pub fn short_id(&self) -> &str {
        &self.id[..6]
    }
}

impl fmt::Debug for TestIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestIdentity").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The ID that belongs to a public key (ID-2): SHA-512 over its SPKI PEM text, in groups of five bits.
pub fn portal_id(public_key_pem: &str) -> String {
    let hash = digest::digest(&digest::SHA512, public_key_pem.as_bytes());
    let mut id = String::with_capacity(103);
    let (mut bits, mut count) = (0_u32, 0);
    // One zero byte more pads the last group.
    for byte in hash.as_ref().iter().chain([&0]) {
        bits = (bits << 8) | u32::from(*byte);
        count += 8;
        while count >= 5 && id.len() < 103 {
            count -= 5;
            id.push(char::from(ALPHABET[((bits >> count) & 31) as usize]));
        }
        bits &= (1 << count) - 1;
    }
    id
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testbed::keys::{RSA_2048, RSA_4096, SAME_SHORT_ID};

    #[test]
    fn an_id_is_five_bits_a_character() {
        // The Ed25519 key of RFC 9421 §B.1.4; its ID was computed with another program.
        let public = "-----BEGIN PUBLIC KEY-----\n\
                      MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=\n\
                      -----END PUBLIC KEY-----\n";
        assert_eq!(portal_id(public), EXPECTED);
        assert_eq!(portal_id(public).len(), 103);
    }

    const EXPECTED: &str =
        "zvexw0pafgb4254lqq1ggeh4cwsk8t461579dfgd8zt0xltdscsbkywfc627thzfy7jjfbsq58xwyk8924nlez5p9t8n581fbsx0wva";

    #[test]
    fn prepared_keys_are_distinct_and_the_pair_shares_its_short_id() {
        let id = |pem: &&str| TestIdentity::from_private_key_pem(pem).unwrap().id().to_owned();
        let mut ids: Vec<_> = RSA_2048.iter().chain(&RSA_4096).chain(&SAME_SHORT_ID).map(id).collect();
        let count = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), count);
        let [one, other] = SAME_SHORT_ID.map(|pem| TestIdentity::from_private_key_pem(pem).unwrap());
        assert_eq!(one.short_id(), other.short_id());
    }

    #[test]
    fn a_fresh_key_is_read_again_and_not_shown() {
        let identity = TestIdentity::generate().unwrap();
        let again = TestIdentity::from_private_key_pem(identity.private_key_pem()).unwrap();
        assert_eq!(again.id(), identity.id());
        assert!(!format!("{identity:?}").contains("PRIVATE"));
    }
}
