//! Cores that sign in their own way (contract §7).

use std::fmt;
use std::sync::Arc;

use portal_core::CoreBuilder;
use portal_core::parts::MakeNonce;
use portal_core::profile::TargetForm;
use portal_core::rfc9421::{
    Message, Request, SignError, SignatureInput, SignatureInputBuilder, Signed, free_label, sign,
};
use portal_core::signing::{SignCall, Signing};

use super::{Twin, twin};
use crate::mutants::surface::around_transport;

const SIG_2: &str = "SIG-2: `@target-uri`, or `@authority` with `@path` and `@query`";
const AUTH_10: &str = "AUTH-10: extra covered components and any order too, any label";
/// A signer is one part: of these, each crowd can have one.
const UNKNOWN: &str = "RFC 9421 §2.3: Signature parameters are an extensible set";

pub(super) const TWINS: &[Twin] = &[
    twin(1, "signs-under-another-label", &[AUTH_10, "SIG-1: under labels that do not clash"], |it| {
        signs(it, Way { label: "sig1", ..USUAL })
    }),
    twin(1, "covers-the-target-in-parts", &[SIG_2], |it| it.replace(|parts| parts.profile.target = TargetForm::Parts)),
    twin(2, "covers-more-in-another-order", &[AUTH_10], |it| signs(it, Way { covered: more, ..USUAL })),
    twin(2, "covers-the-target-in-both-forms", &["SIG-2: It covers `@method` and the whole target"], |it| {
        it.replace(|parts| parts.profile.target = TargetForm::AuthorityAndTargetUri)
    }),
    twin(3, "adds-parameters-and-an-end", &[UNKNOWN, "AUTH-7: `expires` in the past: authenticates nobody"], |it| {
        signs(it, Way { parameters: with_more_parameters, ..USUAL })
    }),
    twin(4, "names-no-algorithm-and-says-created-last", &["SIG-4: `alg`, where given, is the key's"], |it| {
        signs(it, Way { label: "*p-1.a_", parameters: without_algorithm, ..USUAL })
    }),
    twin(
        4,
        "makes-nonces-in-hex-and-a-tag-of-its-own",
        &["SIG-6: A `nonce` of at least 128 random bits and a `tag`"],
        |it| {
            it.replace(|parts| {
                parts.nonces = Arc::new(Hex(parts.nonces.clone()));
                parts.profile.tag = Some("my-own.example".into());
            })
        },
    ),
    twin(2, "dates-what-it-sends", &["AUTH-10: extra covered components"], |it| {
        it.replace(|parts| parts.profile.cover_date = true)
    }),
    twin(
        3,
        "puts-its-signature-behind-the-app-s",
        &["RFC 9421 §4.1: each member's key is the label", "SIG-1: signatures that the app itself sent stay"],
        |it| {
            around_transport(it, |mut sending| {
                for name in ["signature", "signature-input"] {
                    let mut lines: Vec<_> = sending.fields.get_all(name).iter().cloned().collect();
                    let ours = usize::from(lines.len() > 1);
                    lines.rotate_left(ours);
                    sending.fields.remove(name);
                    for line in lines {
                        sending.fields.append(name, line);
                    }
                }
                sending
            })
        },
    ),
];

/// How a Core signs.
#[derive(Clone, Copy)]
struct Way {
    label: &'static str,
    covered: fn(&Request, &[&'static str]) -> Vec<String>,
    parameters: fn(SignatureInputBuilder, &Signing<'_>) -> SignatureInputBuilder,
}

/// As the compact Core does.
const USUAL: Way = Way {
    label: "portal",
    covered: |_, covered| covered.iter().map(|name| (*name).to_owned()).collect(),
    parameters: |input, signing| {
        let input = input.created(signing.created).keyid(signing.identity.id().short());
        let input = input.alg(signing.identity.key().algorithm()).nonce(signing.nonce);
        with_tag(input, signing)
    },
};

fn signs(it: CoreBuilder, way: Way) -> CoreBuilder {
    it.replace(|parts| parts.signer = Arc::new(InItsWay(way)))
}

/// What no edge changes, and the rest the other way round.
fn more(request: &Request, covered: &[&'static str]) -> Vec<String> {
    let fields =
        ["content-type", "accept-language", "x-note"].into_iter().filter(|name| request.fields().contains(name));
    let derived = ["@scheme", "@request-target", "@path", "@query"];
    let mut all: Vec<String> = fields.chain(covered.iter().copied()).chain(derived).map(str::to_owned).collect();
    all.reverse();
    all
}

fn with_more_parameters(input: SignatureInputBuilder, signing: &Signing<'_>) -> SignatureInputBuilder {
    let input = input.string("mood", "good; \"very\"").integer("version", 7);
    (USUAL.parameters)(input, signing).expires(signing.created + 240)
}

fn without_algorithm(input: SignatureInputBuilder, signing: &Signing<'_>) -> SignatureInputBuilder {
    let input = input.nonce(signing.nonce).keyid(signing.identity.id().short());
    with_tag(input, signing).created(signing.created)
}

fn with_tag(input: SignatureInputBuilder, signing: &Signing<'_>) -> SignatureInputBuilder {
    match &signing.profile.tag {
        Some(tag) => input.tag(tag),
        None => input,
    }
}

struct InItsWay(Way);

impl fmt::Debug for InItsWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InItsWay")
    }
}

impl SignCall for InItsWay {
    fn sign(&self, request: &Request, signing: &Signing<'_>) -> Result<Signed, SignError> {
        let covered = signing.profile.covered(request.fields().contains("content-digest"));
        let covered = (self.0.covered)(request, &covered);
        let input = SignatureInput::builder().components(covered.iter().map(String::as_str));
        let input = (self.0.parameters)(input, signing).build()?;
        let message = Message::from(request);
        sign(&message, &free_label(&message, self.0.label), &input, signing.identity.key())
    }
}

/// The same bits, written otherwise.
#[derive(Debug)]
struct Hex(Arc<dyn MakeNonce>);

impl MakeNonce for Hex {
    fn nonce(&self) -> Option<String> {
        Some(self.0.nonce()?.bytes().map(|byte| format!("{byte:02x}")).collect())
    }
}
