//! Cores that sign wrongly (contract §7).

use std::fmt;
use std::sync::Arc;

use portal_core::parts::MakeNonce;
use portal_core::profile::IdForm;
use portal_core::rfc9421::{
    Algorithm, Message, Request, SignError, SignatureInput, SignatureInputBuilder, Signed, SigningKey, free_label, sign,
};
use portal_core::signing::{SignCall, Signing};

use super::surface::{Sending, around_transport};
use super::{Mutant, core};

pub(super) const MUTANTS: &[Mutant] = &[
    core("covers-no-query", "SIG-2", |it| covering(it, |_| vec!["@method", "@authority", "@path"])),
    core("covers-no-method", "SIG-2", |it| covering(it, |_| vec!["@target-uri"])),
    core("covers-no-body", "SIG-3", |it| covering(it, |_| vec!["@method", "@target-uri"])),
    core("covers-the-host-field", "SIG-7", |it| covering(it, |covered| [covered, &["host"]].concat())),
    core("signs-with-a-key-of-no-one", "SIG-1", |it| signing(it, |_, input, _| (input, other_key()))),
    core("keyid-is-the-whole-id", "SIG-4", |it| it.replace(|parts| parts.profile.keyid = IdForm::Full)),
    core("created-an-hour-ago", "SIG-4", |it| {
        signing(it, |it, input, key| (input.created(it.created.saturating_sub(3600)), Some(key)))
    }),
    core("names-an-algorithm-that-is-not-the-key-s", "SIG-4", |it| {
        signing(it, |_, input, key| (input.alg(Algorithm::EcdsaP256Sha256), Some(key)))
    }),
    core("signs-rsa-the-old-way", "SIG-5", |it| {
        signing(it, |_, input, key| (input, key.with_algorithm(Algorithm::RsaV1_5Sha256).ok()))
    }),
    core("no-nonce", "SIG-6", |it| it.replace(|parts| parts.profile.send_nonce = false)),
    core("always-the-same-nonce", "SIG-6", |it| it.replace(|parts| parts.nonces = Arc::new(SameNonce))),
    core("no-tag", "SIG-6", |it| it.replace(|parts| parts.profile.tag = None)),
    core("takes-an-app-s-label", "SIG-1", |it| it.replace(|parts| parts.signer = Arc::new(FixedLabel))),
    core("drops-an-app-s-signatures", "SIG-1", |it| around_transport(it, keep_only_our_signature)),
    core("sends-a-wrong-digest", "SIG-3", |it| {
        around_transport(it, |mut sending: Sending| {
            let digest = "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:";
            if let Some(field) = sending.fields.get_mut("content-digest") {
                *field = http::HeaderValue::from_static(digest);
            }
            sending
        })
    }),
];

type Change = fn(&Signing<'_>, SignatureInputBuilder, SigningKey) -> (SignatureInputBuilder, Option<SigningKey>);

fn covering(
    it: portal_core::CoreBuilder,
    choose: fn(&[&'static str]) -> Vec<&'static str>,
) -> portal_core::CoreBuilder {
    it.replace(|parts| parts.signer = Arc::new(SignsWith { choose, change: |_, input, key| (input, Some(key)) }))
}

fn signing(it: portal_core::CoreBuilder, change: Change) -> portal_core::CoreBuilder {
    it.replace(|parts| parts.signer = Arc::new(SignsWith { choose: <[_]>::to_vec, change }))
}

fn other_key() -> Option<SigningKey> {
    SigningKey::generate_ed25519().ok()
}

/// Signs as a Portal should, but for what it covers, or the input, or the key.
struct SignsWith {
    choose: fn(&[&'static str]) -> Vec<&'static str>,
    change: Change,
}

impl fmt::Debug for SignsWith {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignsWith")
    }
}

impl SignCall for SignsWith {
    fn sign(&self, request: &Request, signing: &Signing<'_>) -> Result<Signed, SignError> {
        let covered = signing.profile.covered(request.fields().contains("content-digest"));
        let input = SignatureInput::builder()
            .components((self.choose)(&covered))
            .keyid(signing.identity.id().short())
            .nonce(signing.nonce)
            .tag("portal-peering");
        let (input, key) = (self.change)(signing, input, signing.identity.key().clone());
        let key = key.unwrap_or_else(|| signing.identity.key().clone());
        let said = input.clone().build()?;
        let input = if said.created().is_some() { input } else { input.created(signing.created) };
        let input = if said.alg().is_some() { input } else { input.alg(signing.identity.key().algorithm()) };
        let message = Message::from(request);
        sign(&message, &free_label(&message, "portal"), &input.build()?, &key)
    }
}

/// Takes its label, whether the app has taken it or not.
#[derive(Debug)]
struct FixedLabel;

impl SignCall for FixedLabel {
    fn sign(&self, request: &Request, signing: &Signing<'_>) -> Result<Signed, SignError> {
        let covered = signing.profile.covered(request.fields().contains("content-digest"));
        let input = SignatureInput::builder()
            .components(covered)
            .created(signing.created)
            .keyid(signing.identity.id().short())
            .nonce(signing.nonce)
            .tag("portal-peering")
            .build()?;
        sign(&Message::from(request), "portal", &input, signing.identity.key())
    }
}

#[derive(Debug)]
struct SameNonce;

impl MakeNonce for SameNonce {
    fn nonce(&self) -> Option<String> {
        Some("c2FtZSBub25jZSBldmVyeSB0aW1l".to_owned())
    }
}

fn keep_only_our_signature(mut sending: Sending) -> Sending {
    for name in ["signature", "signature-input"] {
        if let Some(first) = sending.fields.get(name).cloned() {
            sending.fields.insert(name, first);
        }
    }
    sending
}
