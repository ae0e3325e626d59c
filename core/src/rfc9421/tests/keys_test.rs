//! Keys: every container and algorithm, round trips, and what must be refused.

use super::keys::*;
use super::*;

const MESSAGE: &[u8] = b"\"@signature-params\": ()";

fn works(signing: &SigningKey, verifying: &VerifyingKey) {
    let signature = signing.sign(MESSAGE).unwrap();
    assert_eq!(signing.algorithm(), verifying.algorithm());
    assert!(verifying.verify(MESSAGE, &signature), "{signing:?}");
    assert!(!verifying.verify(b"other", &signature), "{signing:?}");
}

#[test]
fn every_container_is_read() {
    for (private, public, algorithm) in [
        (ED25519_PRIVATE, ED25519_PUBLIC, Algorithm::Ed25519),
        (RSA_PSS_PRIVATE, RSA_PSS_PUBLIC, Algorithm::RsaPssSha512),
        (RSA_PRIVATE, RSA_PUBLIC, Algorithm::RsaPssSha512),
        (P256_PRIVATE, P256_PUBLIC, Algorithm::EcdsaP256Sha256),
        (P384_PRIVATE, P384_PUBLIC, Algorithm::EcdsaP384Sha384),
    ] {
        let signing = SigningKey::from_pem(private).unwrap();
        let verifying = VerifyingKey::from_pem(public).unwrap();
        assert_eq!(signing.algorithm(), algorithm);
        works(&signing, &verifying);
        works(&signing, &signing.verifying_key());
        // Out and in again.
        let again = SigningKey::from_pem(&signing.to_pkcs8_pem().unwrap()).unwrap();
        works(&again, &verifying);
        let pem = signing.public_key_pem().unwrap();
        assert_eq!(VerifyingKey::from_pem(&pem).unwrap().public_key_pem().unwrap(), pem);
        works(&signing, &VerifyingKey::from_pem(&pem).unwrap());
    }
}

#[test]
fn a_public_key_keeps_its_bytes() {
    for pem in [ED25519_PUBLIC, RSA_PSS_PUBLIC, P256_PUBLIC, P384_PUBLIC] {
        assert_eq!(VerifyingKey::from_pem(pem).unwrap().public_key_pem().unwrap(), pem);
        assert_eq!(VerifyingKey::from_pem(&pem.replace('\n', "\r\n")).unwrap().public_key_pem().unwrap(), pem);
    }
    assert_eq!(SigningKey::from_pem(ED25519_PRIVATE).unwrap().public_key_pem().unwrap(), ED25519_PUBLIC);
    assert_eq!(SigningKey::from_pem(P256_PRIVATE).unwrap().public_key_pem().unwrap(), P256_PUBLIC);
}

#[test]
fn an_rsa_key_is_for_one_padding_at_a_time() {
    let pss = SigningKey::from_pem(RSA_PRIVATE).unwrap();
    let v1_5 = pss.clone().with_algorithm(Algorithm::RsaV1_5Sha256).unwrap();
    works(&v1_5, &v1_5.verifying_key());
    assert!(!pss.verifying_key().verify(MESSAGE, &v1_5.sign(MESSAGE).unwrap()));
    assert!(!v1_5.verifying_key().verify(MESSAGE, &pss.sign(MESSAGE).unwrap()));
    // id-RSASSA-PSS says: PSS only.
    let only = SigningKey::from_pem(RSA_PSS_PRIVATE).unwrap();
    assert_eq!(only.with_algorithm(Algorithm::RsaV1_5Sha256).unwrap_err(), KeyError::WrongAlgorithm);
    let ed25519 = SigningKey::from_pem(ED25519_PRIVATE).unwrap();
    assert_eq!(ed25519.with_algorithm(Algorithm::HmacSha256).unwrap_err(), KeyError::WrongAlgorithm);
}

#[test]
fn pss_wants_a_salt_of_64_bytes() {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::{rsa, signature as aws};
    let pair = rsa::KeyPair::from_der(&super::super::der::pem(RSA_PRIVATE).unwrap().1).unwrap();
    let key = VerifyingKey::from_pem(RSA_PUBLIC).unwrap();
    let sign = |padding: &'static dyn aws::RsaEncoding| {
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(padding, &SystemRandom::new(), MESSAGE, &mut signature).unwrap();
        signature
    };
    assert!(key.verify(MESSAGE, &sign(&aws::RSA_PSS_SHA512)));
    assert!(!key.verify(MESSAGE, &sign(&aws::RSA_PSS_SHA256)));
    let salt_32 = &const { aws::RSA_PSS_SHA512.with_pss_salt_length(aws::RsaPssSaltLength::Custom(32)) };
    assert!(!key.verify(MESSAGE, &sign(salt_32)));
}

#[test]
fn pss_has_no_other_salt() {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{RSA_PSS_SHA512, RsaEncoding, RsaPssSaltLength::Custom};
    let pair = aws_lc_rs::rsa::KeyPair::from_der(&super::super::der::pem(RSA_PRIVATE).unwrap().1).unwrap();
    let key = VerifyingKey::from_pem(RSA_PUBLIC).unwrap();
    // The longest that fits: 256 bytes without the hash and two more.
    let salts: [(&'static dyn RsaEncoding, bool); 5] = [
        (&const { RSA_PSS_SHA512.with_pss_salt_length(Custom(64)) }, true),
        (&const { RSA_PSS_SHA512.with_pss_salt_length(Custom(0)) }, false),
        (&const { RSA_PSS_SHA512.with_pss_salt_length(Custom(63)) }, false),
        (&const { RSA_PSS_SHA512.with_pss_salt_length(Custom(65)) }, false),
        (&const { RSA_PSS_SHA512.with_pss_salt_length(Custom(190)) }, false),
    ];
    for (at, (salt, accepted)) in salts.into_iter().enumerate() {
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(salt, &SystemRandom::new(), MESSAGE, &mut signature).unwrap();
        assert_eq!(key.verify(MESSAGE, &signature), accepted, "{at}");
    }
}

#[test]
fn a_pss_key_with_parameters_is_for_these() {
    let der = super::super::der::pem(RSA_PSS_PUBLIC).unwrap().1;
    // What follows the SEQUENCEs, the OID and the NULL.
    let bits = &der[24 - 5..];
    let sha = |number: u8| [b"\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02", &[number][..], b"\x05\x00"].concat();
    let parameters = |hash: u8, mgf: u8, salt: &[u8]| {
        let mgf = [b"\xa1\x1c\x30\x1a\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08", &sha(mgf)[..]].concat();
        super::super::der::element(0x30, &[b"\xa0\x0f", &sha(hash), &mgf, salt]).to_vec()
    };
    let read = |parameters: &[u8]| {
        let oid = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a";
        let identifier = super::super::der::element(0x30, &[oid, parameters]);
        VerifyingKey::from_der(&super::super::der::element(0x30, &[&identifier, bits])).map(|key| key.algorithm())
    };
    // 3 is SHA-512, 1 is SHA-256.
    for good in [
        &[][..],
        &parameters(3, 3, b""),
        &parameters(3, 3, b"\xa2\x03\x02\x01\x40"),
        &parameters(3, 3, b"\xa2\x03\x02\x01\x20"),
    ] {
        assert_eq!(read(good), Ok(Algorithm::RsaPssSha512), "{good:?}");
    }
    for bad in [
        &b"\x30\x00"[..],
        b"\x05\x00",
        &parameters(1, 3, b""),
        &parameters(3, 1, b""),
        &parameters(1, 1, b"\xa2\x03\x02\x01\x20"),
        &parameters(3, 3, b"\xa2\x03\x02\x01\x41"),
        &parameters(3, 3, b"\xa3\x03\x02\x01\x01"),
        &[&parameters(3, 3, b"")[..], b"\x05\x00"].concat(),
    ] {
        assert_eq!(read(bad), Err(KeyError::WrongAlgorithm), "{bad:?}");
    }
}

#[test]
fn an_ed25519_signature_has_one_form() {
    let key = SigningKey::from_pem(ED25519_PRIVATE).unwrap();
    let signature = key.sign(MESSAGE).unwrap();
    assert!(key.verifying_key().verify(MESSAGE, &signature));
    // S + L is the same number to a careless verifier (RFC 8032 §5.1.7).
    let order: [u8; 32] =
        *b"\xed\xd3\xf5\x5c\x1a\x63\x12\x58\xd6\x9c\xf7\xa2\xde\xf9\xde\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10";
    let (mut other, mut carry) = (signature.clone(), 0);
    for (byte, more) in other[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(more) + carry;
        (*byte, carry) = (sum as u8, sum >> 8);
    }
    assert!(other != signature && !key.verifying_key().verify(MESSAGE, &other));
    // R of small order, made by the key's owner: S = k·a, so that the equation of RFC 8032 §5.1.7 holds with R = identity
    // for as many messages as he likes.
    use base64::Engine as _;
    let scalar =
        base64::engine::general_purpose::STANDARD.decode("MM7RWT5ysRtaMMzlLnsGAZuY1SoOquqUU5Tzq8Hj3AE=").unwrap();
    let identity = [&[1][..], &[0; 31], &scalar].concat();
    assert!(!key.verifying_key().verify(MESSAGE, &identity));
    // The identity, and the same unreduced, with another S.
    for start in [[1, 0], [0xee, 0x7f]] {
        let mut other = signature.clone();
        other[..32].fill(if start[0] == 1 { 0 } else { 0xff });
        (other[0], other[31]) = (start[0], start[1]);
        assert!(!key.verifying_key().verify(MESSAGE, &other));
    }
}

#[test]
fn ecdsa_signatures_are_r_and_s_not_asn1() {
    for (private, length) in [(P256_PRIVATE, 64), (P384_PRIVATE, 96)] {
        let key = SigningKey::from_pem(private).unwrap();
        assert_eq!(key.sign(MESSAGE).unwrap().len(), length);
        let asn1 = [&[0x30, 0x44, 2, 32][..], &[1; 32], &[2, 32], &[1; 32]].concat();
        assert!(!key.verifying_key().verify(MESSAGE, &asn1));
    }
}

#[test]
fn a_shared_secret_has_no_public_form() {
    let key = SigningKey::from_shared_secret(b"secret");
    works(&key, &key.verifying_key());
    assert!(!VerifyingKey::from_shared_secret(b"other").verify(MESSAGE, &key.sign(MESSAGE).unwrap()));
    assert_eq!(key.public_key_pem().unwrap_err(), KeyError::SharedSecret);
    assert_eq!(key.to_pkcs8_pem().unwrap_err(), KeyError::SharedSecret);
    assert!(key.verifying_key() != key.verifying_key());
}

#[test]
fn new_keys_differ_and_are_told_apart() {
    let (one, other) = (SigningKey::generate_ed25519().unwrap(), SigningKey::generate_ed25519().unwrap());
    assert!(one.verifying_key() != other.verifying_key());
    assert!(one.verifying_key() == VerifyingKey::from_pem(&one.public_key_pem().unwrap()).unwrap());
    assert_eq!(SigningKey::generate_rsa(1024).unwrap_err(), KeyError::Unsupported);
}

#[test]
fn nothing_private_is_shown() {
    for pem in [ED25519_PRIVATE, RSA_PRIVATE, P256_PRIVATE] {
        let key = SigningKey::from_pem(pem).unwrap();
        let shown = format!("{key:?} {:?}", key.verifying_key());
        assert!(shown.len() < 120, "{shown}");
    }
}

#[test]
fn what_is_no_key_is_refused() {
    for (pem, error) in [
        ("", KeyError::Malformed),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", KeyError::Malformed),
        (ED25519_PRIVATE, KeyError::Unsupported),
        (&ED25519_PUBLIC.replace("MCow", "MCox"), KeyError::Malformed),
    ] {
        assert_eq!(VerifyingKey::from_pem(pem).unwrap_err(), error, "{pem}");
    }
    assert_eq!(SigningKey::from_pem(ED25519_PUBLIC).unwrap_err(), KeyError::Malformed);
    let encrypted = ED25519_PRIVATE.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    assert_eq!(SigningKey::from_pem(&encrypted).unwrap_err(), KeyError::Unsupported);
    // The identity point has small order: any message would verify.
    let mut weak = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00\x01".to_vec();
    weak.resize(44, 0);
    assert_eq!(VerifyingKey::from_der(&weak).unwrap_err(), KeyError::Rejected);
    // RSA, and no numbers in it.
    let garbage = b"\x30\x14\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00\x03\x03\x00\x05\x00";
    assert_eq!(VerifyingKey::from_der(garbage).unwrap_err(), KeyError::Malformed);
    for length in 0..40 {
        let der = &super::super::der::pem(ED25519_PUBLIC).unwrap().1[..length];
        assert!(VerifyingKey::from_der(der).is_err());
        assert!(SigningKey::from_der(der).is_err());
    }
}

#[test]
fn small_and_large_rsa_keys() {
    assert_eq!(VerifyingKey::from_pem(RSA_1024_PUBLIC).unwrap_err(), KeyError::Rejected);
    assert!(VerifyingKey::from_pem(RSA_4096_PUBLIC).is_ok());
}
