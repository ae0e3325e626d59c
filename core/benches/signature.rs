//! What the engine costs beside the cryptography that it calls, and beside `httpsig` 0.0.26.
//!
//! Raw cryptography, engine and `httpsig` run on the same base in the same run.
#![expect(clippy::unwrap_used, reason = "a benchmark may fail loudly")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use ed25519_dalek::Signer as _;
use httpsig::prelude::message_component::HttpMessageComponent;
use httpsig::prelude::{AlgorithmName, HttpSignatureBase, HttpSignatureParams, PublicKey, SecretKey};
use portal_core::rfc9421::{
    FieldType, FieldTypes, Limits, Message, Policy, Request, Scheme, SignatureBase, SignatureInput, Signatures,
    SigningKey, sign, verify,
};

const CREATED: u64 = 1_618_884_473;

fn request() -> Request {
    let mut request = Request::new("POST", "/foo?param=Value&Pet=dog", Scheme::Https).unwrap();
    for (name, value) in [
        ("Host", "inbox.abcdef.p.getportal.org"),
        ("User-Agent", "bench"),
        ("Accept", "application/json"),
        ("Accept", "*/*"),
        ("Date", "Tue, 20 Apr 2021 02:07:55 GMT"),
        ("Content-Type", "application/json"),
        ("Content-Digest", "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"),
        ("Content-Length", "18"),
        ("Cache-Control", "max-age=60,   must-revalidate"),
        ("Example-Dict", "a=1,    b=2;x=1;y=2,   c=(a   b   c)"),
        ("X-One", "one, with, commas"),
        ("X-One", "two"),
    ] {
        request.fields_mut().push(name, value).unwrap();
    }
    request
}

fn five() -> SignatureInput {
    SignatureInput::builder()
        .components(["@method", "@authority", "@path", "@query", "content-digest"])
        .created(CREATED)
        .keyid("abcdef")
        .build()
        .unwrap()
}

fn twenty() -> SignatureInput {
    SignatureInput::builder()
        .components(["@method", "@target-uri", "@authority", "@scheme", "@request-target", "@path", "@query"])
        .components(["\"@query-param\";name=\"Pet\"", "\"@query-param\";name=\"param\"", "date", "accept", "host"])
        .components(["content-type", "content-digest", "\"content-digest\";key=\"sha-256\"", "content-length"])
        .components(["\"example-dict\";sf", "\"example-dict\";key=\"b\"", "\"x-one\";bs", "x-one"])
        .created(CREATED)
        .keyid("abcdef")
        .build()
        .unwrap()
}

/// What `httpsig` works on: component lines as strings, made by the caller.
fn httpsig_lines(base: &SignatureBase) -> Vec<HttpMessageComponent> {
    let count = base.lines().count() - 1;
    base.lines().take(count).map(|line| HttpMessageComponent::try_from(line).unwrap()).collect()
}

fn bases(c: &mut Criterion) {
    let (request, five, twenty) = (request(), five(), twenty());
    let message = Message::Request(&request);
    let types = FieldTypes::default().with("example-dict", FieldType::Dictionary);
    assert_eq!(twenty.components().len(), 20);
    let base = SignatureBase::build(&message, &five, &types).unwrap();
    let params = HttpSignatureParams::try_from(five.as_str()).unwrap();
    assert_eq!(HttpSignatureBase::try_new(&httpsig_lines(&base), &params).unwrap().as_bytes(), base.as_bytes());
    let mut group = c.benchmark_group("base");
    group.bench_function("5 components", |b| {
        b.iter(|| SignatureBase::build(black_box(&message), black_box(&five), &types).unwrap());
    });
    group.bench_function("20 components", |b| {
        b.iter(|| SignatureBase::build(black_box(&message), black_box(&twenty), &types).unwrap());
    });
    group.bench_function("5 components, httpsig", |b| {
        b.iter(|| HttpSignatureBase::try_new(&httpsig_lines(black_box(&base)), &params).unwrap().as_bytes());
    });
    group.finish();
}

fn ed25519(c: &mut Criterion) {
    let key = SigningKey::generate_ed25519().unwrap();
    let pem = key.to_pkcs8_pem().unwrap();
    let raw = <ed25519_dalek::SigningKey as ed25519_dalek::pkcs8::DecodePrivateKey>::from_pkcs8_pem(&pem).unwrap();
    let public = raw.verifying_key();
    let theirs = SecretKey::from_pem(&AlgorithmName::Ed25519, &pem).unwrap();
    compare(
        c,
        "ed25519",
        &key,
        &|base| raw.sign(base).to_vec(),
        &|base, signature| {
            let signature = ed25519_dalek::Signature::from_slice(signature).unwrap();
            public.verify_strict(base, &signature).unwrap();
        },
        Some((&theirs, &PublicKey::from_pem(&AlgorithmName::Ed25519, &key.public_key_pem().unwrap()).unwrap())),
    );
}

fn rsa(c: &mut Criterion) {
    use aws_lc_rs::signature::{self as aws, KeyPair as _};
    let key = SigningKey::generate_rsa(4096).unwrap();
    // PKCS#8: the key itself is the OCTET STRING at the end.
    let pem = key.to_pkcs8_pem().unwrap();
    let raw = aws::RsaKeyPair::from_pkcs8(&decode(&pem)).unwrap();
    let public = aws::ParsedPublicKey::new(&aws::RSA_PSS_2048_8192_SHA512, raw.public_key().as_ref()).unwrap();
    let random = aws_lc_rs::rand::SystemRandom::new();
    compare(
        c,
        "rsa-pss-sha512 4096",
        &key,
        &|base| {
            let mut signature = vec![0; raw.public_modulus_len()];
            raw.sign(&aws::RSA_PSS_SHA512, &random, base, &mut signature).unwrap();
            signature
        },
        &|base, signature| public.verify_sig(base, signature).unwrap(),
        None,
    );
}

fn decode(pem: &str) -> Vec<u8> {
    use base64::Engine as _;
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    base64::engine::general_purpose::STANDARD.decode(body).unwrap()
}

type RawSign<'r> = &'r dyn Fn(&[u8]) -> Vec<u8>;
type RawVerify<'r> = &'r dyn Fn(&[u8], &[u8]);

fn compare(
    c: &mut Criterion,
    name: &str,
    key: &SigningKey,
    raw_sign: RawSign<'_>,
    raw_verify: RawVerify<'_>,
    theirs: Option<(&SecretKey, &PublicKey)>,
) {
    let (unsigned, input) = (request(), five());
    let message = Message::Request(&unsigned);
    let signed = sign(&message, "sig1", &input, key).unwrap();
    let mut arrived = unsigned.clone();
    signed.attach(arrived.fields_mut()).unwrap();
    let arrived = Message::Request(&arrived);
    let signatures = Signatures::parse(&arrived, &Limits::default()).unwrap();
    let signature = signatures.get("sig1").unwrap().signature.clone();
    let (base, verifying, policy) = (signed.base.as_bytes(), key.verifying_key(), Policy::default());
    let mut group = c.benchmark_group(name);
    group.bench_function("sign, raw", |b| b.iter(|| raw_sign(black_box(base))));
    group.bench_function("sign", |b| b.iter(|| sign(black_box(&message), "sig1", &input, key).unwrap()));
    group.bench_function("verify, raw", |b| b.iter(|| raw_verify(black_box(base), black_box(&signature))));
    group.bench_function("verify", |b| {
        b.iter(|| verify(black_box(&arrived), "sig1", &signatures, &verifying, &policy, CREATED).unwrap());
    });
    group.bench_function("parse and verify", |b| {
        b.iter(|| {
            let signatures = Signatures::parse(black_box(&arrived), &Limits::default()).unwrap();
            verify(&arrived, "sig1", &signatures, &verifying, &policy, CREATED).unwrap()
        });
    });
    if let Some((secret, public)) = theirs {
        let params = HttpSignatureParams::try_from(input.as_str()).unwrap();
        let made = |base: &SignatureBase| HttpSignatureBase::try_new(&httpsig_lines(base), &params).unwrap();
        let headers = made(&signed.base).build_signature_headers(secret, Some("sig1")).unwrap();
        group.bench_function("sign, httpsig", |b| {
            b.iter(|| made(black_box(&signed.base)).build_signature_headers(secret, Some("sig1")).unwrap());
        });
        group.bench_function("verify, httpsig", |b| {
            b.iter(|| made(black_box(&signed.base)).verify_signature_headers(public, &headers).unwrap());
        });
    }
    group.finish();
}

fn parsing(c: &mut Criterion) {
    let mut group = c.benchmark_group("parse");
    let mut request = request();
    let key = SigningKey::generate_ed25519().unwrap();
    sign(&Message::Request(&request), "sig1", &five(), &key).unwrap().attach(request.fields_mut()).unwrap();
    let message = Message::Request(&request);
    group.bench_function("Signature-Input and Signature", |b| {
        b.iter(|| Signatures::parse(black_box(&message), &Limits::default()).unwrap());
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(50).warm_up_time(std::time::Duration::from_secs(1));
    targets = bases, parsing, ed25519, rsa
}
criterion_main!(benches);
