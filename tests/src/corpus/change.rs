//! One change to a case, and what a verifier then sees.

use std::collections::BTreeMap;

use countersign::vectors::corpus::{Defect, FieldTypeName, Key, Op, Part, Policy};

use super::format::{Base, Case, Change, Edit, Invalid, RelatedRequest, SignedBase};
use super::make::{self, Product, Twist, wire_text};
use super::text;

/// The changed case.
pub(super) struct Changed {
    /// With what a verifier is told.
    pub(super) case: Case,
    /// Its bytes.
    pub(super) product: Product,
    /// The base that a verifier makes; nothing where none can be made.
    pub(super) expected: Option<Vec<u8>>,
    /// The change.
    pub(super) defect: Defect,
}

/// The one thing that is changed.
#[derive(Debug, Clone, Copy)]
pub(super) enum One<'c> {
    Message(&'c Edit),
    SignedMessage(&'c Edit),
    RelatedRequest(&'c Edit),
    NoRelatedRequest,
    Covers(&'c Edit),
    SignedBase(&'c Edit),
    Signature(&'c str),
    Keys(&'c [String]),
    Label(&'c str),
    Now(u64),
    Policy(&'c Policy),
    Scheme(&'c str),
    FieldTypes(&'c BTreeMap<String, FieldTypeName>),
}

impl<'c> One<'c> {
    /// The only part of a change.
    pub(super) fn of(change: &'c Change) -> Result<One<'c>, String> {
        let related_request = change.related_request.as_ref().map(|related| match related {
            RelatedRequest::Edit(edit) => One::RelatedRequest(edit),
            RelatedRequest::None(_) => One::NoRelatedRequest,
        });
        let signed_base = match &change.signed_base {
            Some(SignedBase::Edit(edit)) => Some(One::SignedBase(edit)),
            // Lines go with another change.
            Some(SignedBase::Lines(_)) | None => None,
        };
        let parts = [
            change.message.as_ref().map(One::Message),
            change.signed_message.as_ref().map(One::SignedMessage),
            related_request,
            change.covers.as_ref().map(One::Covers),
            signed_base,
            change.signature.as_deref().map(One::Signature),
            change.keys.as_deref().map(One::Keys),
            change.label.as_deref().map(One::Label),
            change.now.map(One::Now),
            change.policy.as_ref().map(One::Policy),
            change.scheme.as_deref().map(One::Scheme),
            change.field_types.as_ref().map(One::FieldTypes),
        ];
        let parts: Vec<One<'c>> = parts.into_iter().flatten().collect();
        match parts.as_slice() {
            [one] => Ok(*one),
            _ => Err(format!("`change` must have exactly one of its parts; there are {}", parts.len())),
        }
    }

    /// Whether the operation gets to see it.
    pub(super) fn is_seen_by(&self, op: Op) -> bool {
        match self {
            One::Message(_) => true,
            One::RelatedRequest(_) | One::NoRelatedRequest | One::Covers(_) | One::Scheme(_) | One::FieldTypes(_) => {
                matches!(op, Op::Verify | Op::Base | Op::Sign)
            }
            One::Label(_) => op != Op::Digest,
            One::Keys(_) => matches!(op, Op::Verify | Op::Sign | Op::Accept),
            One::Now(_) => matches!(op, Op::Verify | Op::Accept),
            One::SignedMessage(_) | One::SignedBase(_) | One::Signature(_) | One::Policy(_) => op == Op::Verify,
        }
    }

    /// The defect, as far as it can be said before the bytes are made.
    fn defect(&self, twin: &Case) -> Defect {
        let (part, from, to) = match self {
            One::Message(_) => (Part::Message, None, None),
            One::SignedMessage(_) => (Part::SignedMessage, None, None),
            One::RelatedRequest(_) => (Part::RelatedRequest, None, None),
            One::NoRelatedRequest => (Part::RelatedRequest, None, Some("none".to_owned())),
            One::Covers(Edit { from, to }) => {
                let shown = |text: &str| Some(text::latin1(text.as_bytes()));
                (Part::SignatureInput, shown(from), shown(to))
            }
            One::SignedBase(_) => (Part::SignedBase, None, None),
            One::Signature(kind) => (Part::Signature, None, Some((*kind).to_owned())),
            One::Keys(keys) => {
                let before = twin.keys.clone().unwrap_or_else(|| vec![twin.key.clone()]);
                (Part::Keys, Some(before.join(", ")), Some(keys.join(", ")))
            }
            One::Label(label) => (Part::Label, Some(twin.label.clone()), Some((*label).to_owned())),
            One::Now(now) => (Part::Now, Some(twin.now.to_string()), Some(now.to_string())),
            One::Policy(policy) => (Part::Policy, Some(json(&twin.policy)), Some(json(policy))),
            One::Scheme(scheme) => (Part::Scheme, Some(twin.scheme.clone()), Some((*scheme).to_owned())),
            One::FieldTypes(types) => (Part::FieldTypes, Some(json(&twin.field_types)), Some(json(types))),
        };
        Defect { part, from, to }
    }
}

/// Makes the change.
pub(super) fn change(
    keys: &BTreeMap<String, Key>,
    twin: &Case,
    invalid: &Invalid,
    one: &One<'_>,
    op: Op,
) -> Result<Changed, String> {
    let mut defect = one.defect(twin);
    let mut case = twin.clone();
    let twist = prepare(&mut case, invalid, one)?;
    let mut product = make::make(keys, &case, op, &twist)?;

    // What was there, and what is there now, as bytes: with the signatures of then and now.
    let before = make::make(keys, twin, op, &Twist::default())?;
    let resolved = |edit: &Edit, unescape: fn(&str) -> Result<Vec<u8>, String>| {
        let from = make::filled(&edit.from, &before.made, unescape)?;
        Ok::<_, String>((from, make::filled(&edit.to, &product.made, unescape)?))
    };
    let edited = match one {
        One::Message(edit) | One::SignedMessage(edit) | One::RelatedRequest(edit) => Some(resolved(edit, wire_text)?),
        One::SignedBase(edit) => Some(resolved(edit, text::bytes)?),
        _ => None,
    };
    if let Some((from, to)) = &edited {
        (defect.from, defect.to) = (Some(text::latin1(from)), Some(text::latin1(to)));
    }

    let mut params = case.params_line.clone().unwrap_or_else(|| case.covers.clone());
    match (one, &edited) {
        (One::Message(_), Some((from, to))) => {
            let wire = text::replace_once(&product.message, from, to)?;
            if op == Op::Verify && invalid.params_line.is_none() {
                let gone = is_gone(case.covers.as_bytes(), &product.message, &wire);
                if gone && !matches!(invalid.base, Some(Base::None(_))) {
                    params = params_after(&params, from, to)?;
                }
            }
            product.message = wire;
        }
        (One::RelatedRequest(_), Some((from, to))) => {
            let related = product.related_request.as_mut().ok_or(NO_RELATED_REQUEST)?;
            *related = text::replace_once(related, from, to)?;
        }
        (One::NoRelatedRequest, _) => drop(product.related_request.take().ok_or(NO_RELATED_REQUEST)?),
        _ => {}
    }
    if let Some(line) = &invalid.params_line {
        params.clone_from(line);
    }
    let expected = match (&invalid.base, &product.signed, one) {
        (_, None, _) | (Some(Base::None(_)), ..) | (None, _, One::Label(_)) => None,
        (Some(Base::Lines(lines)), ..) => Some(product.base(lines, &params)?),
        (None, Some(_), _) => Some(product.base(lines_of(twin), &params)?),
    };
    if let One::Label(label) = one {
        case.label = (*label).to_owned();
    }
    Ok(Changed { case, product, expected, defect })
}

const NO_RELATED_REQUEST: &str = "the case has no `related_request`";

/// Changes the case before its bytes are made, and says what its signer does differently.
fn prepare(case: &mut Case, invalid: &Invalid, one: &One<'_>) -> Result<Twist, String> {
    let given = match (&invalid.change.signed_base, &invalid.signed_base) {
        (Some(SignedBase::Lines(lines)), None) | (None, Some(lines)) => Some(lines),
        (Some(SignedBase::Edit(_)) | None, None) => None,
        (Some(_), Some(_)) => return Err("`signed_base` is given twice".to_owned()),
    };
    if given.is_some() && !matches!(one, One::SignedMessage(_) | One::Covers(_)) {
        return Err(
            "the lines of `signed_base` go with `signed_message` or `covers`; alone it is { from, to }".to_owned()
        );
    }
    let lines = || match (given, &invalid.base) {
        (Some(lines), _) | (None, Some(Base::Lines(lines))) => Some(lines.clone()),
        (None, _) => Some(lines_of(case).to_vec()),
    };
    let mut twist = Twist::default();
    match one {
        One::SignedMessage(edit) => {
            twist.lines = lines();
            twist.message = Some((*edit).clone());
        }
        One::Covers(Edit { from, to }) => {
            twist.lines = lines();
            if case.params_line.is_some() && invalid.params_line.is_none() {
                return Err("the case has a `params_line`, so a change of `covers` needs one of its own".to_owned());
            }
            let edited = text::replace_once(case.covers.as_bytes(), from.as_bytes(), to.as_bytes())?;
            case.covers = String::from_utf8(edited).map_err(|error| error.to_string())?;
            case.params_line.clone_from(&invalid.params_line);
        }
        One::SignedBase(edit) => twist.base = Some((*edit).clone()),
        One::Signature(kind) => twist.signature = Some((*kind).to_owned()),
        One::Keys(keys) => case.keys = Some(keys.to_vec()),
        One::Now(now) => case.now = *now,
        One::Policy(policy) => case.policy = (*policy).clone(),
        One::Scheme(scheme) => case.scheme = (*scheme).to_owned(),
        One::FieldTypes(types) => case.field_types = (*types).clone(),
        // The signature is still made under the case's own label.
        One::Message(_) | One::RelatedRequest(_) | One::NoRelatedRequest | One::Label(_) => {}
    }
    Ok(twist)
}

fn is_gone(covers: &[u8], before: &[u8], after: &[u8]) -> bool {
    !covers.is_empty() && text::count(before, covers) > 0 && text::count(after, covers) == 0
}

/// The last line of the base, after an edit of the finished message that changes the parameters.
fn params_after(params: &str, from: &[u8], to: &[u8]) -> Result<String, String> {
    let edited = text::replace_once(params.as_bytes(), from, to).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    edited.ok_or_else(|| {
        "the edit changes the signature's parameters: \
         give the `params_line` of the base that a verifier makes, or base = \"none\""
            .to_owned()
    })
}

fn lines_of(case: &Case) -> &[String] {
    match &case.base {
        Some(Base::Lines(lines)) => lines,
        _ => &[],
    }
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
