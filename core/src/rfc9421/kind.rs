//! Which kind of key a container holds, and the containers themselves.

use zeroize::Zeroizing;

use super::algorithm::Algorithm;
use super::der::{self, Reader, element};
use super::keys::KeyError;

/// What a container says of the key in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Ed25519,
    Rsa,
    /// `id-RSASSA-PSS`: PSS only.
    RsaPss,
    P256,
    P384,
    Secret,
}

/// Contents of AlgorithmIdentifiers.
pub(super) const RSA_ALGORITHM: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";
pub(super) const ED25519_ALGORITHM: &[u8] = b"\x06\x03\x2b\x65\x70";
pub(super) const EC_PUBLIC_KEY: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01";
/// The start of RSASSA-PSS-params (RFC 4055 §3.1) that say SHA-512, and MGF1 with SHA-512.
const PSS_SHA512: &[u8] = b"\xa0\x0f\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\
    \xa1\x1c\x30\x1a\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00";
/// What follows [`EC_PUBLIC_KEY`].
pub(super) const P256_CURVE: &[u8] = b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
pub(super) const P384_CURVE: &[u8] = b"\x06\x05\x2b\x81\x04\x00\x22";

impl Kind {
    pub(super) fn of(identifier: &[u8]) -> Result<Self, KeyError> {
        let mut parts = Reader::new(identifier);
        match parts.take(der::OID).ok_or(KeyError::Malformed)? {
            b"\x2b\x65\x70" => Ok(Kind::Ed25519),
            b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01" => Ok(Kind::Rsa),
            b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a" => match parts.take(der::SEQUENCE) {
                None if parts.is_empty() => Ok(Kind::RsaPss),
                Some(parameters) if parts.is_empty() && is_pss_sha512(parameters) => Ok(Kind::RsaPss),
                _ => Err(KeyError::WrongAlgorithm),
            },
            b"\x2a\x86\x48\xce\x3d\x02\x01" => match parts.take(der::OID) {
                Some(b"\x2a\x86\x48\xce\x3d\x03\x01\x07") => Ok(Kind::P256),
                Some(b"\x2b\x81\x04\x00\x22") => Ok(Kind::P384),
                _ => Err(KeyError::Unsupported),
            },
            _ => Err(KeyError::Unsupported),
        }
    }

    pub(super) fn algorithm(self) -> Algorithm {
        match self {
            Kind::Ed25519 => Algorithm::Ed25519,
            Kind::Rsa | Kind::RsaPss => Algorithm::RsaPssSha512,
            Kind::P256 => Algorithm::EcdsaP256Sha256,
            Kind::P384 => Algorithm::EcdsaP384Sha384,
            Kind::Secret => Algorithm::HmacSha256,
        }
    }

    pub(super) fn allows(self, algorithm: Algorithm) -> Result<(), KeyError> {
        let rsa = self == Kind::Rsa && matches!(algorithm, Algorithm::RsaPssSha512 | Algorithm::RsaV1_5Sha256);
        if rsa || self.algorithm() == algorithm { Ok(()) } else { Err(KeyError::WrongAlgorithm) }
    }
}

/// Whether a key with these RSASSA-PSS-params may be used with `rsa-pss-sha512`: the functions are what they must be, the
/// length of the salt is what it must be at least (RFC 4055 §3.3); 20 where it isn't given.
fn is_pss_sha512(parameters: &[u8]) -> bool {
    matches!(parameters.strip_prefix(PSS_SHA512), Some([] | [0xa2, 3, der::INTEGER, 1, 0..=64]))
}

/// A PKCS#8 container of version 0.
pub(super) fn pkcs8(identifier: &[u8], key: &[u8]) -> Zeroizing<Vec<u8>> {
    let identifier = element(der::SEQUENCE, &[identifier]);
    let key = element(der::OCTET_STRING, &[key]);
    element(der::SEQUENCE, &[&[der::INTEGER, 1, 0], &identifier, &key])
}
