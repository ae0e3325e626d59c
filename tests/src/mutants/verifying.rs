//! Cores that authenticate wrongly (contract §8).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderMap, HeaderValue, StatusCode};
use portal_core::CoreBuilder;
use portal_core::auth::{AsTheRfcSays, Forwarded, FromForwarded, Rebuild, ToVerify, VerifyPeer};
use portal_core::refusal::Refusal;
use portal_core::replay::{ReplayLimits, ReplayMemory, StoredReplayMemory, Witness};
use portal_core::rfc9421::{FieldTypes, Message, Reason, Rejection, SignatureBase, Step, Verified};
use portal_core::store::MemoryStore;

use super::surface::{answers, around_surface, questions};
use super::{Mutant, core};

pub(super) const MUTANTS: &[Mutant] = &[
    core("takes-any-signature", "AUTH-3", |it| verifier(it, TakesAnything)),
    core("ignores-alg", "AUTH-5", |it| verifier(it, Overlooks(|refused| refused.step == Step::Key))),
    core("accepts-too-little-covered", "AUTH-6", |it| {
        verifier(it, Overlooks(|refused| refused.reason == Reason::MissingComponent))
    }),
    core("ignores-expires", "AUTH-7", |it| verifier(it, Overlooks(|refused| refused.reason == Reason::Expired))),
    core("accepts-any-age", "AUTH-8", |it| it.replace(|parts| parts.profile.window_seconds = 1_000_000_000)),
    core("accepts-the-future", "AUTH-8", |it| it.replace(|parts| parts.profile.skew_seconds = 1_000_000)),
    core("accepts-replays", "AUTH-9", |it| it.replace(|parts| parts.profile.refuse_replays = false)),
    core("forgets-nonces-at-a-restart", "AUTH-9", |it| {
        it.replace(|parts| {
            let fresh = StoredReplayMemory::open(Arc::new(MemoryStore::new()), ReplayLimits::default());
            if let Ok(fresh) = fresh {
                parts.replay = Some(Arc::new(fresh));
            }
        })
    }),
    core("one-nonce-counts-for-all-peers", "AUTH-9", |it| {
        it.replace(|parts| parts.replay = Some(Arc::new(OneMemoryForAll::default())))
    }),
    core("refuses-a-second-call-without-nonce", "AUTH-9", |it| verifier(it, Once(Mutex::default()))),
    core("accepts-one-algorithm-only", "AUTH-10", |it| {
        it.replace(|parts| parts.profile.algorithms = vec!["ed25519".into()])
    }),
    core("accepts-one-form-of-the-target-only", "AUTH-10", |it| {
        verifier(it, Demands(|it| it.signatures.get(it.label).is_some_and(|found| found.input.covers("@target-uri"))))
    }),
    core("knows-one-label-only", "AUTH-10", |it| verifier(it, Demands(|it| it.label == "sig1"))),
    core("looks-at-the-first-signature-only", "AUTH-11", |it| it.replace(|parts| parts.limits.signatures_tried = 1)),
    core("prefers-the-signature-to-the-cookie", "AUTH-12", |it| {
        questions(it, "/internal/auth", |mut question| {
            if question.headers().contains_key("signature") {
                question.headers_mut().remove("cookie");
            }
            question
        })
    }),
    core("chokes-on-a-long-field", "AUTH-13", |it| {
        around_surface(it, |request, within| {
            let is_long = request.headers().values().any(|value| value.len() > 10_000);
            Box::pin(async move {
                let mut answer = within.answer(request).await;
                if is_long {
                    *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
                }
                answer
            })
        })
    }),
    core("tells-whether-an-id-is-a-peer", "AUTH-14", tells_peers_apart),
    core("lets-no-peer-in-with-a-wrong-signature", "AUTH-14", |it| {
        let refused = Arc::new(AtomicBool::new(false));
        let within = refused.clone();
        around_surface(verifier(it, Notes(refused)), move |request, core| {
            let refused = within.clone();
            Box::pin(async move {
                refused.store(false, Ordering::Relaxed);
                let mut answer = core.answer(request).await;
                if refused.load(Ordering::Relaxed) {
                    *answer.status_mut() = StatusCode::UNAUTHORIZED;
                }
                answer
            })
        })
    }),
    core("a-malformed-signature-is-an-error", "AUTH-4", |it| {
        around_surface(it, |request, within| {
            let halves = ["signature", "signature-input"].map(|name| request.headers().contains_key(name));
            let is_half = request.uri().path() == "/internal/auth" && halves[0] != halves[1];
            Box::pin(async move {
                let mut answer = within.answer(request).await;
                if is_half {
                    *answer.status_mut() = StatusCode::BAD_REQUEST;
                }
                answer
            })
        })
    }),
    core("guesses-missing-forwarded-fields", "AUTH-1", |it| {
        questions(it, "/internal/auth", |mut question| {
            let fields = question.headers_mut();
            for (name, guess) in [("x-forwarded-proto", "https"), ("x-forwarded-method", "GET")] {
                if !fields.contains_key(name) {
                    fields.insert(name, HeaderValue::from_static(guess));
                }
            }
            question
        })
    }),
    core("verifies-without-the-query", "AUTH-2", |it| {
        rebuild(it, |question| {
            let target = question.get("x-forwarded-uri")?.to_str().ok()?.split('?').next()?;
            let target = HeaderValue::from_str(target).ok()?;
            question.insert("x-forwarded-uri", target);
            None::<()>
        })
    }),
    core("verifies-the-question-s-own-method", "AUTH-2", |it| {
        rebuild(it, |question| {
            question.insert("x-forwarded-method", HeaderValue::from_static("GET"));
            None::<()>
        })
    }),
    core("sees-the-first-line-of-a-field-only", "AUTH-3", |it| {
        rebuild(it, |question| {
            let first: HeaderMap =
                question.keys().filter_map(|name| Some((name.clone(), question.get(name)?.clone()))).collect();
            *question = first;
            None::<()>
        })
    }),
    core("takes-the-question-for-an-error-when-refused", "AUTH-1", |it| {
        answers(it, "/internal/auth", |mut answer| {
            if answer.status() == StatusCode::UNAUTHORIZED {
                *answer.status_mut() = StatusCode::FORBIDDEN;
            }
            answer
        })
    }),
    core("tries-one-of-colliding-peers-only", "PEER-12", |it| verifier(it, FirstOfShortId(Mutex::default()))),
];

fn verifier(it: CoreBuilder, verifier: impl VerifyPeer + 'static) -> CoreBuilder {
    it.replace(|parts| parts.verifier = Arc::new(verifier))
}

/// Keeps in mind that it has refused a signature: only those of peers come before it.
#[derive(Debug)]
struct Notes(Arc<AtomicBool>);

impl VerifyPeer for Notes {
    fn verify(&self, it: &ToVerify<'_>) -> Result<Verified, Rejection> {
        let verified = AsTheRfcSays.verify(it);
        if verified.is_err() {
            self.0.store(true, Ordering::Relaxed);
        }
        verified
    }
}

fn rebuild(it: CoreBuilder, change: fn(&mut HeaderMap) -> Option<()>) -> CoreBuilder {
    it.replace(|parts| parts.rebuild = Arc::new(ChangesFirst(change)))
}

/// The proof, whatever the cryptography says.
fn unproven(it: &ToVerify<'_>) -> Option<Verified> {
    let input = it.signatures.get(it.label)?.input.clone();
    let base = SignatureBase::build(&Message::from(it.request), &input, &FieldTypes::default()).ok()?;
    Some(Verified::unchecked(it.label, input, base, it.key.algorithm()))
}

#[derive(Debug)]
struct TakesAnything;

impl VerifyPeer for TakesAnything {
    fn verify(&self, it: &ToVerify<'_>) -> Result<Verified, Rejection> {
        unproven(it).map_or_else(|| AsTheRfcSays.verify(it), Ok)
    }
}

/// Overlooks one kind of refusal; the cryptography still has to be right.
#[derive(Debug)]
struct Overlooks(fn(&Rejection) -> bool);

impl VerifyPeer for Overlooks {
    fn verify(&self, it: &ToVerify<'_>) -> Result<Verified, Rejection> {
        let refused = match AsTheRfcSays.verify(it) {
            Ok(verified) => return Ok(verified),
            Err(refused) => refused,
        };
        let signature = it.signatures.get(it.label).map(|found| found.signature.to_vec());
        match (&refused.base, signature) {
            (Some(base), Some(signature)) if (self.0)(&refused) && it.key.verify(base.as_bytes(), &signature) => {
                unproven(it).ok_or(refused)
            }
            _ => Err(refused),
        }
    }
}

/// Demands more than the contract does.
#[derive(Debug)]
struct Demands(fn(&ToVerify<'_>) -> bool);

impl VerifyPeer for Demands {
    fn verify(&self, it: &ToVerify<'_>) -> Result<Verified, Rejection> {
        if (self.0)(it) { AsTheRfcSays.verify(it) } else { Err(refused()) }
    }
}

/// Takes each signature without nonce once.
#[derive(Debug)]
struct Once(Mutex<Vec<String>>);

impl VerifyPeer for Once {
    fn verify(&self, it: &ToVerify<'_>) -> Result<Verified, Rejection> {
        let verified = AsTheRfcSays.verify(it)?;
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let base = verified.base().as_str().to_owned();
        if verified.input().nonce().is_none() && seen.contains(&base) {
            return Err(refused());
        }
        seen.push(base);
        Ok(verified)
    }
}

/// Of peers with one short ID, knows the first only.
#[derive(Debug)]
struct FirstOfShortId(Mutex<BTreeMap<String, String>>);

impl VerifyPeer for FirstOfShortId {
    fn verify(&self, it: &ToVerify<'_>) -> Result<Verified, Rejection> {
        let id = it.peer.portal_id().map(|id| id.as_str().to_owned()).unwrap_or_default();
        let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if *first.entry(it.peer.short_id().to_owned()).or_insert_with(|| id.clone()) != id {
            return Err(refused());
        }
        AsTheRfcSays.verify(it)
    }
}

fn refused() -> Rejection {
    Rejection { step: Step::Policy, reason: Reason::MissingComponent, component: None, base: None }
}

/// Changes the question before the request is rebuilt from it.
#[derive(Debug)]
struct ChangesFirst(fn(&mut HeaderMap) -> Option<()>);

impl Rebuild for ChangesFirst {
    fn rebuild(&self, question: &HeaderMap) -> Result<Forwarded, Refusal> {
        let mut question = question.clone();
        let _ = (self.0)(&mut question);
        FromForwarded.rebuild(&question)
    }
}

/// Remembers nonces, but not whose they were.
#[derive(Debug, Default)]
struct OneMemoryForAll(Mutex<Vec<String>>);

impl ReplayMemory for OneMemoryForAll {
    fn witness(&self, _key_id: &str, nonce: &str, _created: u64, _now: u64) -> Witness {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.iter().any(|known| known == nonce) {
            return Witness::Seen;
        }
        seen.push(nonce.to_owned());
        Witness::Fresh
    }
}

/// Answers with one field more where a peer's key was tried.
fn tells_peers_apart(it: CoreBuilder) -> CoreBuilder {
    #[derive(Debug)]
    struct Notes(Arc<AtomicBool>);
    impl VerifyPeer for Notes {
        fn verify(&self, it: &ToVerify<'_>) -> Result<Verified, Rejection> {
            self.0.store(true, Ordering::SeqCst);
            AsTheRfcSays.verify(it)
        }
    }
    let tried = Arc::new(AtomicBool::new(false));
    let it = verifier(it, Notes(tried.clone()));
    around_surface(it, move |request, within| {
        let tried = tried.clone();
        Box::pin(async move {
            let mut answer = within.answer(request).await;
            if tried.swap(false, Ordering::SeqCst) && answer.status() == StatusCode::UNAUTHORIZED {
                answer.headers_mut().insert("x-reason", HeaderValue::from_static("signature invalid"));
            }
            answer
        })
    })
}
