//! Algorithm confusion: the signature is of one algorithm and said to be of another.

use super::super::keys::Manner;
use super::super::model::{Attack, Defect, Family, made};
use super::super::recipe::{Pen, Valid};
use super::{put, take, text};

pub(super) const FAMILY: Family = Family {
    name: "algorithms",
    about: "The algorithm that is named, the key's, and the one that was used are not the same.",
    attacks: ATTACKS,
};

const KEY: &str = "the key decides which algorithm is used, and `alg` must agree with it (RFC 9421 §3.2, step 6)";
const SECRET: &str = "a public key is no secret: whoever knows it can make such a signature";
const REGISTERED: &str = "the name is not in the registry of RFC 9421 §6.2";

const ATTACKS: &[Attack] = &[
    made("alg-of-another-kind-of-key", "AUTH-5", "alg says rsa-pss-sha512 and the key is Ed25519", KEY, |it, _| {
        put(&mut it.parameters, "alg", text("rsa-pss-sha512"));
    })
    .harmless("alg is left out: the key decides", Defect::Made(|it, _| take(&mut it.parameters, "alg"))),
    made("alg-ecdsa-p256", "AUTH-5", "alg says ecdsa-p256-sha256 and the key is Ed25519", KEY, |it, _| {
        put(&mut it.parameters, "alg", text("ecdsa-p256-sha256"));
    }),
    made("alg-ecdsa-p384", "AUTH-5", "alg says ecdsa-p384-sha384 and the key is Ed25519", KEY, |it, _| {
        put(&mut it.parameters, "alg", text("ecdsa-p384-sha384"));
    }),
    made("alg-hmac", "AUTH-5", "alg says hmac-sha256 and the signature is the key's own", KEY, |it, _| {
        put(&mut it.parameters, "alg", text("hmac-sha256"));
    }),
    made("alg-rsa-v15", "AUTH-5", "alg says rsa-v1_5-sha256 and the key is Ed25519", KEY, |it, _| {
        put(&mut it.parameters, "alg", text("rsa-v1_5-sha256"));
    }),
    made(
        "hmac-with-the-public-key",
        "AUTH-5",
        "the signature is HMAC-SHA256 with the peer's public key, and alg says so",
        SECRET,
        |it, _| {
            put(&mut it.parameters, "alg", text("hmac-sha256"));
            it.pen = Pen::PublicKeyOf("alice");
        },
    ),
    made(
        "hmac-as-ed25519",
        "AUTH-5",
        "the signature is HMAC-SHA256 with the peer's public key, and alg says ed25519",
        SECRET,
        |it, _| {
            it.pen = Pen::PublicKeyOf("alice");
        },
    ),
    made(
        "hmac-without-alg",
        "AUTH-5",
        "the signature is HMAC-SHA256 with the peer's public key, and there is no alg",
        SECRET,
        |it, _| {
            take(&mut it.parameters, "alg");
            it.pen = Pen::PublicKeyOf("alice");
        },
    ),
    made("alg-none", "AUTH-5", "alg says none", REGISTERED, |it, _| put(&mut it.parameters, "alg", text("none"))),
    made("alg-unknown", "AUTH-5", "alg names an algorithm that there is not", REGISTERED, |it, _| {
        put(&mut it.parameters, "alg", text("moon-sign"))
    }),
    made("alg-empty", "AUTH-5", "alg is an empty text", REGISTERED, |it, _| put(&mut it.parameters, "alg", text(""))),
    made("alg-in-capitals", "AUTH-5", "alg is in capitals", "names of algorithms are compared with case", |it, _| {
        put(&mut it.parameters, "alg", text("ED25519"))
    }),
    made("alg-with-a-blank", "AUTH-5", "a blank stands after the name in alg", REGISTERED, |it, _| {
        put(&mut it.parameters, "alg", text("ed25519 "))
    }),
    made("alg-of-cavage", "AUTH-5", "alg says hs2019, as drafts before RFC 9421 had it", REGISTERED, |it, _| {
        put(&mut it.parameters, "alg", text("hs2019"))
    }),
    made(
        "alg-of-jose",
        "AUTH-5",
        "alg says EdDSA, as JOSE calls it",
        "RFC 9421 does not take names of JOSE in alg (§3.3.7)",
        |it, _| {
            put(&mut it.parameters, "alg", text("EdDSA"));
        },
    ),
    made(
        "rsa-v15-under-a-pss-key",
        "AUTH-5",
        "an RSA key signs by rsa-v1_5-sha256, and alg says so",
        "SIG-5 knows rsa-pss-sha512 for RSA keys and no other",
        |it, _| {
            it.pen = Pen::KeyOf("dave", Manner::RsaV15Sha256);
            put(&mut it.parameters, "alg", text("rsa-v1_5-sha256"));
        },
    )
    .from(Valid::Rsa),
    made(
        "rsa-v15-as-pss",
        "AUTH-5",
        "an RSA key signs by rsa-v1_5-sha256, and alg says rsa-pss-sha512",
        KEY,
        |it, _| {
            it.pen = Pen::KeyOf("dave", Manner::RsaV15Sha256);
        },
    )
    .from(Valid::Rsa),
    made(
        "rsa-v15-without-alg",
        "AUTH-5",
        "an RSA key signs by rsa-v1_5-sha256, and there is no alg",
        "which algorithm holds for a key must not be guessed from the signature",
        |it, _| {
            it.pen = Pen::KeyOf("dave", Manner::RsaV15Sha256);
            take(&mut it.parameters, "alg");
        },
    )
    .from(Valid::Rsa),
    made(
        "pss-with-sha256",
        "AUTH-5",
        "an RSA key signs by PSS with SHA-256, and alg says rsa-pss-sha512",
        "the hash is SHA-512 and the salt has 64 bytes (SIG-5)",
        |it, _| {
            it.pen = Pen::KeyOf("dave", Manner::RsaPssSha256);
        },
    )
    .from(Valid::Rsa),
    made("alg-ed25519-under-an-rsa-key", "AUTH-5", "alg says ed25519 and the key is RSA", KEY, |it, _| {
        put(&mut it.parameters, "alg", text("ed25519"))
    })
    .from(Valid::Rsa),
    made(
        "alg-v15-over-a-pss-signature",
        "AUTH-5",
        "alg says rsa-v1_5-sha256 and the signature is rsa-pss-sha512",
        KEY,
        |it, _| {
            put(&mut it.parameters, "alg", text("rsa-v1_5-sha256"));
        },
    )
    .from(Valid::Rsa),
    made(
        "hmac-with-the-public-rsa-key",
        "AUTH-5",
        "the signature is HMAC-SHA256 with the peer's public RSA key, and alg says so",
        SECRET,
        |it, _| {
            put(&mut it.parameters, "alg", text("hmac-sha256"));
            it.pen = Pen::PublicKeyOf("dave");
        },
    )
    .from(Valid::Rsa),
];
