//! The algorithms of the HTTP Signature Algorithms registry (RFC 9421 §3.3, §6.2).

use std::fmt;
use std::str::FromStr;

use super::reject::Reason;

/// A registered signature algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// EdDSA on edwards25519 (§3.3.6).
    Ed25519,
    /// RSASSA-PSS with SHA-512 and a salt of 64 bytes (§3.3.1).
    RsaPssSha512,
    /// ECDSA on P-256 with SHA-256, signature as r ‖ s (§3.3.4).
    EcdsaP256Sha256,
    /// ECDSA on P-384 with SHA-384, signature as r ‖ s (§3.3.5).
    EcdsaP384Sha384,
    /// RSASSA-PKCS1-v1_5 with SHA-256 (§3.3.2).
    RsaV1_5Sha256,
    /// HMAC with SHA-256 (§3.3.3).
    HmacSha256,
}

impl Algorithm {
    /// The whole registry.
    pub const ALL: [Algorithm; 6] = [
        Algorithm::Ed25519,
        Algorithm::RsaPssSha512,
        Algorithm::EcdsaP256Sha256,
        Algorithm::EcdsaP384Sha384,
        Algorithm::RsaV1_5Sha256,
        Algorithm::HmacSha256,
    ];

    /// The name in the registry, as it stands in `alg`.
    pub fn as_str(self) -> &'static str {
        match self {
            Algorithm::Ed25519 => "ed25519",
            Algorithm::RsaPssSha512 => "rsa-pss-sha512",
            Algorithm::EcdsaP256Sha256 => "ecdsa-p256-sha256",
            Algorithm::EcdsaP384Sha384 => "ecdsa-p384-sha384",
            Algorithm::RsaV1_5Sha256 => "rsa-v1_5-sha256",
            Algorithm::HmacSha256 => "hmac-sha256",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Algorithm {
    type Err = Reason;

    /// Names are compared exactly.
    fn from_str(name: &str) -> Result<Self, Reason> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == name).ok_or(Reason::UnknownAlgorithm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_registry() {
        for algorithm in Algorithm::ALL {
            assert_eq!(algorithm.as_str().parse(), Ok(algorithm));
        }
        for bad in ["Ed25519", "none", "", "rsa-v1_5-sha1", "ed25519 "] {
            assert_eq!(bad.parse::<Algorithm>(), Err(Reason::UnknownAlgorithm));
        }
    }
}
