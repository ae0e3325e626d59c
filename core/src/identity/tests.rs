use proptest::prelude::*;

use super::*;
use crate::store::MemoryStore;

const ED25519_PEM: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEATW2N5fA0Qsw3R926u2+HdEMyooC7qO+iDNnqzEEjJWw=
-----END PUBLIC KEY-----
";
/// Computed with Python's hashlib from the text above.
const ED25519_ID: &str =
    "qbefyxnq3ehs6edh634l842d9ahxvn0h6hkks91r769frhdtrywptdnz3wes0q77ra45x2yg8gghxzys79v2hw3zd02pddany7an1ka";

const RSA_PEM: &str = "-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAoP+hHJY3v/tHkO6AGvBI
vD78701MrsxZ2m3ZngEaYUsO22P4pC/xQanmQ7e9EARMizCtreZjJeESgkvcZDLu
FYp6hi5cO4TRnxb0gg5lhq50FX+BYp2xeaZHc8EO57vOTiwGi5J0mkdIfskijDBy
NnlXZlirIcIyDgjMrfhiQej+9aO0x1o61Bq6SPLTlarik/ol+9+IiFhSOmqFvbsA
euqAhgBY6KHVwY2i07Pbe3QEJL4h5yQsur4H9NvYSmsua1J1F+4eFy8DmtaUgB2z
QUK4paCoehB9SPVpFkrJrgy7hetBxFMec4W9jb5AMFfWLAVmfQ5Nyasphdbt7sWi
5QIDAQAB
-----END PUBLIC KEY-----
";
const RSA_ID: &str =
    "2dtk43vwe2r1g3e3d0ga3tkbejrq7dhsbx04x26hdpvdgydbyphkgqgktkfz353arqrtlq6py7d32glg5d5wv01v3aqxrq49qrk2782";

fn named(name: &str) -> Description {
    Description { name: name.into(), ..Description::default() }
}

#[test]
fn the_id_is_what_another_implementation_computes() {
    for (pem, id) in [(ED25519_PEM, ED25519_ID), (RSA_PEM, RSA_ID)] {
        let computed = PortalId::from_public_key_pem(pem).unwrap();
        assert_eq!(computed.as_str(), id);
        assert_eq!(computed.short(), &id[..6]);
        assert_eq!(PortalId::parse(id), Ok(computed));
    }
}

#[test]
fn line_ends_take_no_part() {
    for pem in [ED25519_PEM.replace('\n', "\r\n"), ED25519_PEM.trim_end().to_owned()] {
        assert_eq!(PortalId::from_public_key_pem(&pem).unwrap().as_str(), ED25519_ID, "{pem:?}");
    }
}

#[test]
fn what_is_no_id_is_refused() {
    for text in [
        "",
        "qbefyx",
        &ED25519_ID[1..],
        &ED25519_ID.to_uppercase(),
        &ED25519_ID.replace('q', "i"),
        &format!("{ED25519_ID}a"),
        &"é".repeat(51),
    ] {
        assert_eq!(PortalId::parse(text), Err(IdentityError::IdMalformed), "{text}");
    }
}

#[test]
fn an_identity_is_random_and_stays() {
    let store = MemoryStore::new();
    assert!(Identity::load(&store).unwrap().is_none());
    let first = Identity::load_or_generate(&store, KeyKind::Ed25519, named("one")).unwrap();
    let again = Identity::load_or_generate(&store, KeyKind::Ed25519, named("two")).unwrap();
    assert_eq!((again.id(), again.description()), (first.id(), &named("one")));
    assert_eq!(again.public_key_pem(), first.public_key_pem());
    let signature = again.key().sign(b"x").unwrap();
    assert!(first.key().verifying_key().verify(b"x", &signature));
    let other = Identity::generate(KeyKind::Ed25519, named("one")).unwrap();
    assert_ne!(other.id(), first.id());
}

#[test]
fn the_introduction_fits_together() {
    let identity = Identity::generate(KeyKind::Ed25519, named("one")).unwrap();
    let profile = Profile { public_port: 8443, ..Profile::default() };
    let who = identity.who_are_you(&profile);
    assert_eq!(PortalId::from_public_key_pem(&who.public_key_pem).unwrap().as_str(), who.id);
    assert_eq!(who.domain, format!("{}.p.getportal.org:8443", &who.id[..6]));
    assert!(who.is_default);
    let json = serde_json::to_value(&who).unwrap();
    for key in ["id", "name", "description", "email", "is_default", "public_key_pem", "domain"] {
        assert!(json.get(key).is_some(), "{key}");
    }
}

#[test]
fn debug_shows_no_private_key() {
    let identity = Identity::generate(KeyKind::Ed25519, named("one")).unwrap();
    let pem = identity.key().to_pkcs8_pem().unwrap();
    let secret = pem.lines().nth(1).unwrap();
    let shown = format!("{identity:?}");
    assert!(shown.contains(identity.id().as_str()) && !shown.contains(secret) && !shown.contains("PRIVATE"), "{shown}");
}

proptest! {
    #[test]
    fn any_text_has_an_id_of_the_right_form(text in ".{0,80}") {
        prop_assert!(PortalId::parse(&id_of_text(&text)).is_ok());
        let _ = PortalId::parse(&text);
        let _ = PortalId::from_public_key_pem(&text);
    }
}
