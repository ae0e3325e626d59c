//! Every vector with a twin differs from it in one thing; with that undone our engine accepts it, and with it not.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::vectors::corpus::{Defect, Part, Vector};
use countersign::vectors::protocol::Outcome;
use countersign::vectors::shim::Subject as _;
use countersign::vectors::shim::core::Core;
use countersign_tests::corpus::{request, sanity, text};

#[test]
fn our_engine_agrees_with_every_vector() {
    let corpus = super::corpus();
    let disagreements: Vec<String> = corpus
        .vectors()
        .filter_map(|(file, vector)| {
            sanity::disagreement(vector, &file.keys).map(|what| format!("{}: {what}", vector.id))
        })
        .collect();
    assert!(disagreements.is_empty(), "{}", disagreements.join("\n"));
}

#[test]
fn a_defect_is_the_only_difference_and_undone_it_is_accepted() {
    let corpus = super::corpus();
    let mut wrong = Vec::new();
    let mut checked = 0;
    for (file, vector) in corpus.vectors() {
        let (Some(twin), Some(defect)) = (&vector.twin_of, &vector.defect) else { continue };
        let (_, twin) = corpus.get(twin).unwrap();
        if let Err(what) = only_difference(vector, twin, defect) {
            wrong.push(format!("{}: {what}", vector.id));
        }
        let undone = undo(vector, twin, defect.part);
        let answer = Core.answer(&request::request(&undone, &file.keys));
        if !matches!(answer.outcome, Outcome::Accepted | Outcome::Ok) {
            wrong.push(format!("{}: refused with its defect undone: {:?}", vector.id, answer.reason));
        }
        checked += 1;
    }
    assert!(wrong.is_empty(), "{} of {checked}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(checked > 900, "{checked} vectors with a twin");
}

#[test]
fn a_second_difference_is_seen() {
    let corpus = super::corpus();
    let with = |part: Part| {
        let mut found = corpus.vectors().map(|(_, vector)| vector);
        found.find(|vector| vector.defect.as_ref().is_some_and(|defect| defect.part == part)).unwrap().clone()
    };
    for part in [Part::Message, Part::SignedMessage, Part::SignatureInput, Part::SignedBase, Part::Signature, Part::Now]
    {
        let vector = with(part);
        let twin = corpus.get(vector.twin_of.as_ref().unwrap()).unwrap().1;
        let defect = vector.defect.as_ref().unwrap();
        only_difference(&vector, twin, defect).unwrap();

        let mut message = STANDARD.decode(&vector.message_b64).unwrap();
        message.push(b'!');
        let more = Vector { message_b64: STANDARD.encode(message), ..vector.clone() };
        assert!(only_difference(&more, twin, defect).is_err(), "{}", vector.id);
        let more = Vector { scheme: "http".to_owned(), ..vector.clone() };
        assert!(only_difference(&more, twin, defect).is_err(), "{}", vector.id);
        let more = Vector { label: Some("other".to_owned()), ..vector.clone() };
        assert!(only_difference(&more, twin, defect).is_err(), "{}", vector.id);
    }
}

/// The vector with the part that its defect is in put back.
fn undo(vector: &Vector, twin: &Vector, part: Part) -> Vector {
    let mut undone = vector.clone();
    match part {
        Part::Message | Part::SignedMessage | Part::SignedBase | Part::Signature => {
            undone.message_b64.clone_from(&twin.message_b64);
        }
        Part::SignatureInput => {
            undone.message_b64.clone_from(&twin.message_b64);
            undone.signature_input.clone_from(&twin.signature_input);
        }
        Part::RelatedRequest => undone.related_request_b64.clone_from(&twin.related_request_b64),
        Part::Keys => undone.keys.clone_from(&twin.keys),
        Part::Label => undone.label.clone_from(&twin.label),
        Part::Now => undone.now = twin.now,
        Part::Policy => undone.policy = twin.policy.clone(),
        Part::Scheme => undone.scheme.clone_from(&twin.scheme),
        Part::FieldTypes => undone.field_types.clone_from(&twin.field_types),
    }
    undone
}

/// Whether a vector differs from its twin in its defect and in nothing else that a library sees.
fn only_difference(vector: &Vector, twin: &Vector, defect: &Defect) -> Result<(), String> {
    let undone = undo(vector, twin, defect.part);
    let seen = |vector: &Vector| {
        let Vector { op, message_b64, related_request_b64, scheme, keys, now, field_types, label, .. } = vector.clone();
        let input = vector.signature_input.clone();
        (op, message_b64, related_request_b64, scheme, keys, now, vector.policy.clone(), field_types, label, input)
    };
    if seen(&undone) != seen(twin) {
        return Err(format!("differs from {} in more than its {:?}", twin.id, defect.part));
    }
    if seen(vector) == seen(twin) {
        return Err(format!("does not differ from {}", twin.id));
    }
    let bytes = |vector: &Vector| STANDARD.decode(&vector.message_b64).unwrap();
    let (ours, theirs) = (bytes(vector), bytes(twin));
    let label = vector.label.clone().unwrap_or_default();
    let (unsigned, unsigned_twin) = (without_signature(&ours, &label), without_signature(&theirs, &label));
    let edited = |before: &[u8], after: &[u8]| match (&defect.from, &defect.to) {
        (Some(from), Some(to)) if is_edit(before, after, from, to) => Ok(()),
        (from, to) => Err(format!("the difference to {} is not just {from:?} -> {to:?}", twin.id)),
    };
    match defect.part {
        Part::Message => edited(&theirs, &ours),
        Part::SignedMessage => edited(&unsigned_twin, &unsigned),
        Part::SignatureInput if vector.signature_input.is_some() => {
            let inputs = (twin.signature_input.as_ref().unwrap(), vector.signature_input.as_ref().unwrap());
            edited(inputs.0.as_bytes(), inputs.1.as_bytes())
        }
        Part::SignatureInput => edited(&unsigned_twin, &unsigned),
        Part::SignedBase | Part::Signature if unsigned == unsigned_twin => Ok(()),
        Part::SignedBase | Part::Signature => Err("the message differs in more than the signature".to_owned()),
        Part::RelatedRequest => match &vector.related_request_b64 {
            None => Ok(()),
            Some(related) => {
                let before = STANDARD.decode(twin.related_request_b64.as_ref().unwrap()).unwrap();
                edited(&before, &STANDARD.decode(related).unwrap())
            }
        },
        _ => Ok(()),
    }
}

/// Whether one replacement of `from` by `to` leads from one to the other.
fn is_edit(before: &[u8], after: &[u8], from: &str, to: &str) -> bool {
    let (from, to) = (text::from_latin1(from).unwrap(), text::from_latin1(to).unwrap());
    (0..before.len().saturating_sub(from.len()) + 1).any(|at| {
        before[at..].starts_with(&from)
            && after.starts_with(&before[..at])
            && after[at..].strip_prefix(&to[..]) == Some(&before[at + from.len()..])
    })
}

/// The message with the signature under the label emptied: `label=::`.
fn without_signature(message: &[u8], label: &str) -> Vec<u8> {
    let opening = format!("{label}=:");
    let Some(start) = message.windows(opening.len()).position(|window| window == opening.as_bytes()) else {
        return message.to_vec();
    };
    let start = start + opening.len();
    let length = message[start..].iter().position(|byte| *byte == b':').unwrap_or_default();
    [&message[..start], &message[start + length..]].concat()
}
