//! Looking for a private key in everything that was said.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use regex::bytes::Regex;

use super::super::prelude::*;
use crate::suite::kit::exchange::Outcome;
use crate::wire::{Call, Fields};

/// So many bytes of a secret are looked for: enough that they stand nowhere by chance, and a multiple of three.
const LOOKED_FOR: usize = 24;

pub(super) fn register(steps: &mut Steps) {
    steps.then("^nothing that ({portal})'s Core has said or logged holds its private key$", keeps_its_key);
}

async fn keeps_its_key(world: &mut World, args: Args) -> StepResult {
    let portal = args.text(0);
    if world.exchanges().is_empty() {
        return Err(StepFailure::mistake("nothing was asked before this step: there is nothing to search"));
    }
    let mut spellings = vec![("a private key in PEM", literally(b"PRIVATE KEY-----"))];
    if let Some(pem) = world.scene().private_key(portal)? {
        let secrets = secrets(&pem).ok_or_else(|| StepFailure::error("the suite can't read its own private key"))?;
        secrets.iter().for_each(|secret| spellings.extend(spellings_of(secret)));
    }
    let any = any_of(&spellings)?;
    for (place, said) in everything_said(world, portal).await? {
        if let Some(found) = any.captures(&said) {
            let what = spellings.iter().zip(found.iter().skip(1)).find(|(_, group)| group.is_some());
            let what = what.map_or("a private key", |((what, _), _)| what);
            return Err(StepFailure::fail("no private key anywhere", format!("{what} in {place}")).requirement("ID-5"));
        }
    }
    Ok(())
}

/// Everything that came from the Core, be it through its proxy, by which name it goes, and the bytes.
async fn everything_said(world: &World, portal: &str) -> StepResult<Vec<(String, Vec<u8>)>> {
    let mut said = Vec::new();
    for exchange in world.exchanges() {
        let place = format!("the answer to {} {}", exchange.method, exchange.target);
        match &exchange.outcome {
            Outcome::Answered(answer) => said.push((place, whole(&answer.fields, &answer.body, &answer.trailers))),
            Outcome::BrokenOff(reply, _) => said.push((place, whole(&reply.fields, &reply.body, &reply.trailers))),
            Outcome::Nothing(_) => {}
        }
    }
    for receiver in world.scene().receivers() {
        for received in world.scene().ever_received(receiver)? {
            let place = format!("what {receiver} received: {} {}", received.method, received.target);
            let mut bytes = lines(received.fields.iter().chain(&received.trailers)).into_bytes();
            bytes.extend_from_slice(received.target.as_bytes());
            bytes.extend(received.body().unwrap_or_default());
            said.push((place, bytes));
        }
    }
    for hop in world.scene().trace()?.all_hops() {
        let place = format!("what went from {} to {}: {} {}", hop.from, hop.to, hop.method, hop.target);
        said.push((place, lines(&hop.fields).into_bytes()));
    }
    for line in world.scene().portal(portal)?.logged().await.unwrap_or_default() {
        said.push(("its log".to_owned(), line.into_bytes()));
    }
    let who = world.scene().portal(portal)?.ask_core(Call::get("/public/meta/whoareyou")).await?;
    said.push(("what it says of itself".to_owned(), whole(&who.fields, &who.body, &who.trailers)));
    Ok(said)
}

fn whole(fields: &Fields, body: &[u8], trailers: &Fields) -> Vec<u8> {
    let mut bytes = lines(fields.to_readable().iter().chain(&trailers.to_readable())).into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

fn lines<'a>(fields: impl IntoIterator<Item = &'a (String, String)>) -> String {
    fields.into_iter().map(|(name, value)| format!("{name}: {value}\n")).collect()
}

/// A way to write something: what it is, and the pattern that finds it.
type Spelling = (&'static str, String);

/// How a part of the secret reads when it is written raw, in hex, as a list of numbers, or within Base64 at any of three offsets.
fn spellings_of(secret: &[u8]) -> Vec<Spelling> {
    let raw = &secret[..LOOKED_FOR.min(secret.len())];
    let hex: String = raw.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut spellings = vec![("bytes of its private key", literally(raw))];
    spellings.push(("bytes of its private key in hex", format!("(?i:{hex})")));
    let numbers: Vec<String> = raw.iter().map(ToString::to_string).collect();
    spellings.push(("bytes of its private key as numbers", numbers.join(", ?")));
    for offset in 0..3 {
        let from = &secret[offset.min(secret.len())..];
        let part = &from[..LOOKED_FOR.min(from.len() / 3 * 3)];
        for engine in [&BASE64_STANDARD_NO_PAD, &BASE64_URL_SAFE_NO_PAD] {
            spellings.push(("bytes of its private key in Base64", literally(engine.encode(part).as_bytes())));
        }
    }
    spellings
}

fn literally(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect()
}

/// Finds any of them in one pass; group N is the Nth.
fn any_of(spellings: &[Spelling]) -> Result<Regex, regex::Error> {
    let groups: Vec<_> = spellings.iter().map(|(_, pattern)| format!("({pattern})")).collect();
    Regex::new(&format!("(?-u){}", groups.join("|")))
}

/// The secret numbers in a private key, PKCS#8 PEM: the seed of an Ed25519 key, exponent and primes of an RSA key.
fn secrets(pem: &str) -> Option<Vec<Vec<u8>>> {
    let text: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let der = BASE64_STANDARD.decode(text).ok()?;
    // PrivateKeyInfo: version, algorithm, key.
    let key = *values(values(&der).first()?).get(2)?;
    let inner = *values(key).first()?;
    if key.first() == Some(&OCTET_STRING) {
        return Some(vec![inner.to_vec()]);
    }
    // RSAPrivateKey: version, modulus, public exponent, private exponent, two primes, …
    let numbers: Vec<Vec<u8>> = values(inner).into_iter().skip(3).take(3).map(without_sign).collect();
    (numbers.len() == 3).then_some(numbers)
}

const OCTET_STRING: u8 = 4;

fn without_sign(number: &[u8]) -> Vec<u8> {
    number.strip_prefix(&[0]).unwrap_or(number).to_vec()
}

/// The contents of the DER values that stand one after the other.
fn values(mut der: &[u8]) -> Vec<&[u8]> {
    let mut values = Vec::new();
    while let [_, length, rest @ ..] = der {
        let (length, rest) = match length {
            short @ ..0x80 => (usize::from(*short), rest),
            long => {
                let Some((digits, rest)) = rest.split_at_checked(usize::from(long & 0x7f)) else { break };
                (digits.iter().fold(0_usize, |length, digit| (length << 8) | usize::from(*digit)), rest)
            }
        };
        let Some((value, rest)) = rest.split_at_checked(length) else { break };
        values.push(value);
        der = rest;
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testbed::identity::TestIdentity;
    use crate::testbed::keys::RSA_2048;

    /// The key `test-key-ed25519` of RFC 9421 §B.1.4, whose seed is known.
    const ED25519: &str = "-----BEGIN PRIVATE KEY-----\n\
                           MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n\
                           -----END PRIVATE KEY-----\n";

    #[test]
    fn the_secret_is_taken_out_of_the_key() {
        let seed = secrets(ED25519).unwrap();
        assert_eq!(seed.len(), 1);
        assert_eq!((seed[0].len(), &seed[0][..4]), (32, &[0x9f, 0x83, 0x62, 0xf8][..]));
        let rsa = secrets(RSA_2048[0]).unwrap();
        assert_eq!(rsa.iter().map(Vec::len).collect::<Vec<_>>(), [256, 128, 128]);
        assert!(secrets(TestIdentity::generate().unwrap().private_key_pem()).is_some());
    }

    #[test]
    fn a_secret_is_found_in_whatever_way_it_is_written() {
        for secret in [secrets(ED25519).unwrap(), secrets(RSA_2048[0]).unwrap()].concat() {
            let any = any_of(&spellings_of(&secret)).unwrap();
            let found = |said: &[u8]| any.is_match(said);
            assert!(found(&[b"x".to_vec(), secret.clone()].concat()));
            assert!(found(secret.iter().map(|byte| format!("{byte:02X}")).collect::<String>().as_bytes()));
            assert!(found(format!("{secret:?}").as_bytes()));
            for before in 0..4 {
                let bytes = [vec![b'x'; before], secret.clone()].concat();
                assert!(found(BASE64_STANDARD.encode(&bytes).as_bytes()), "{before} bytes before it");
                assert!(found(BASE64_URL_SAFE_NO_PAD.encode(&bytes).as_bytes()), "{before} bytes before it");
            }
            assert!(!found(b"nothing of the kind, but long enough to hold it all the same"));
        }
    }
}
