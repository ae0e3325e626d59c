//! Keys from files: PEM, DER or JWK, told apart by what is in them.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use portal_core::rfc9421::{KeyError, SigningKey, VerifyingKey};
use serde_json::Value;

use super::read::{BadInput, Input};

/// A key with its name.
#[derive(Debug, Clone)]
pub struct NamedKey<K> {
    /// What the caller calls it, its `kid`, or its file's name without the ending.
    pub name: String,
    /// The key.
    pub key: K,
    /// Of a shared secret: keys that it is mistaken for, with what was done then.
    pub mistaken: Vec<(&'static str, K)>,
}

/// Reads the keys of a file for verifying; a private key gives its public half. A JWK Set gives all of its keys.
///
/// # Errors
/// Neither PEM, DER nor JWK, or a key that can't be used.
pub fn verifying(input: &Input, name: Option<&str>) -> Result<Vec<NamedKey<VerifyingKey>>, BadInput> {
    read(
        input,
        name,
        &Reading {
            pem: |pem| {
                if pem.contains("PRIVATE KEY-----") {
                    SigningKey::from_pem(pem).map(|key| key.verifying_key())
                } else {
                    VerifyingKey::from_pem(pem)
                }
            },
            der: |der| {
                VerifyingKey::from_der(der).or_else(|_| SigningKey::from_der(der).map(|key| key.verifying_key()))
            },
            jwk: |jwk| match VerifyingKey::from_jwk(jwk) {
                Err(KeyError::Private) => SigningKey::from_jwk(jwk).map(|key| key.verifying_key()),
                other => other,
            },
            secret: VerifyingKey::from_shared_secret,
        },
    )
}

/// Reads the key of a file for signing.
///
/// # Errors
/// As [`verifying`]; also a public key, or several keys.
pub fn signing(input: &Input) -> Result<NamedKey<SigningKey>, BadInput> {
    let mut keys = read(
        input,
        None,
        &Reading {
            pem: SigningKey::from_pem,
            der: SigningKey::from_der,
            jwk: SigningKey::from_jwk,
            secret: SigningKey::from_shared_secret,
        },
    )?;
    match keys.pop() {
        Some(key) if keys.is_empty() => Ok(key),
        _ => Err(BadInput::file(&input.name, "holds several keys", "Put the one to sign with in a file of its own.")),
    }
}

struct Reading<K> {
    pem: fn(&str) -> Result<K, KeyError>,
    der: fn(&[u8]) -> Result<K, KeyError>,
    jwk: fn(&str) -> Result<K, KeyError>,
    secret: fn(&[u8]) -> K,
}

fn read<K>(input: &Input, name: Option<&str>, reading: &Reading<K>) -> Result<Vec<NamedKey<K>>, BadInput> {
    let single = |key: K| {
        let name = name.map_or_else(|| stem(input), str::to_owned);
        vec![NamedKey { name, key, mistaken: Vec::new() }]
    };
    let text = std::str::from_utf8(&input.bytes).ok().map(|text| text.trim_start_matches('\u{feff}'));
    match text {
        Some(pem) if pem.contains("-----BEGIN ") => {
            (reading.pem)(pem).map(single).map_err(|error| unusable(input, error, pem_advice(pem)))
        }
        Some(json) if json.trim_start().starts_with('{') => jwks(input, name, json, reading),
        _ if input.bytes.first() == Some(&0x30) => {
            (reading.der)(&input.bytes).map(single).map_err(|error| unusable(input, error, ADVICE))
        }
        _ => Err(BadInput::file(&input.name, "is no key: neither PEM, DER nor JWK", ADVICE)),
    }
}

/// The file's name without folder and ending.
fn stem(input: &Input) -> String {
    Path::new(&input.name).file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

const ADVICE: &str =
    "Give a key as PEM, DER or JWK; a shared secret as JWK: {\"kty\":\"oct\",\"k\":\"…\"}, k in base64url.";

fn pem_advice(pem: &str) -> &'static str {
    if pem.contains("BEGIN CERTIFICATE") {
        "It is a certificate; its key comes from: openssl x509 -pubkey -noout -in FILE"
    } else if pem.contains("ENCRYPTED") {
        "It is encrypted; decrypt it with: openssl pkey -in FILE"
    } else if pem.contains("BEGIN OPENSSH") {
        "It is in OpenSSH's own format; convert a copy with: ssh-keygen -p -m pkcs8 -f COPY"
    } else if pem.contains("BEGIN PUBLIC KEY") || pem.contains("BEGIN RSA PUBLIC KEY") {
        "It is a public key. To sign, give the private one; to verify, Ed25519, RSA of 2048 to 8192 bits, P-256 and P-384 are known."
    } else {
        "Ed25519, RSA of 2048 to 8192 bits, P-256 and P-384 are known."
    }
}

fn unusable(input: &Input, error: KeyError, advice: &str) -> BadInput {
    BadInput::file(&input.name, format!("holds no key that can be used: {error}"), advice)
}

fn jwks<K>(input: &Input, name: Option<&str>, json: &str, reading: &Reading<K>) -> Result<Vec<NamedKey<K>>, BadInput> {
    let document: Value = serde_json::from_str(json).map_err(|error| BadInput {
        file: input.name.clone(),
        line: Some(error.line()),
        what: format!("is no JWK: {error}"),
        advice: ADVICE.to_owned(),
    })?;
    let Value::Array(set) = &document["keys"] else {
        return Ok(vec![jwk(input, name, json, &document, reading)?]);
    };
    if set.is_empty() {
        return Err(BadInput::file(&input.name, "is a JWK Set without keys", ADVICE));
    }
    set.iter().map(|member| jwk(input, name.filter(|_| set.len() == 1), &member.to_string(), member, reading)).collect()
}

fn jwk<K>(
    input: &Input,
    name: Option<&str>,
    json: &str,
    members: &Value,
    reading: &Reading<K>,
) -> Result<NamedKey<K>, BadInput> {
    let key = (reading.jwk)(json).map_err(|error| unusable(input, error, ADVICE))?;
    let text = |member: &str| members[member].as_str();
    let mut mistaken = Vec::new();
    if let Some(k) = text("k").filter(|_| text("kty") == Some("oct")) {
        mistaken.push((
            "used the text of the JWK's k as the secret, not the bytes that it stands for",
            (reading.secret)(k.as_bytes()),
        ));
        if let Ok(secret) = URL_SAFE_NO_PAD.decode(k) {
            let base64 = STANDARD.encode(secret);
            mistaken.push((
                "used the secret's base64 text as the secret, not the bytes that it stands for",
                (reading.secret)(base64.as_bytes()),
            ));
        }
    }
    let name = name.or(text("kid")).map_or_else(|| stem(input), str::to_owned);
    Ok(NamedKey { name, key, mistaken })
}
