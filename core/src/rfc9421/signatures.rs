//! The Signature-Input and Signature fields of a message (RFC 9421 §4): labels, and what stands under each.

use sfv::visitor::{DictionaryVisitor, EntryVisitor, Ignored};
use sfv::{BareItem, Dictionary, FieldType as _, KeyRef, ListEntry, Parser};

use super::base::SignatureBase;
use super::field::{FieldTypes, joined};
use super::message::{Fields, Message};
use super::params::SignatureInput;
use super::reject::{ComponentError, Reason, Rejection, Step};

/// Bounds of what is read, checked before the work is done; what exceeds them is refused early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Labels in each of the fields.
    pub max_labels: usize,
    /// Covered components of one signature.
    pub max_components: usize,
    /// Parameters of one signature.
    pub max_parameters: usize,
    /// Bytes of each of the fields, all lines together.
    pub max_field_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { max_labels: 16, max_components: 64, max_parameters: 64, max_field_bytes: 32 * 1024 }
    }
}

/// The signatures of a message. A defect of one label (a duplicate, an orphan, a wrong type) makes that label
/// unusable and leaves the others alone; a field that can't be read at all is a [`Rejection`].
#[derive(Clone, Debug, Default)]
pub struct Signatures {
    entries: Vec<(Box<str>, Result<LabelledSignature, Defect>)>,
}

/// One signature with its label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelledSignature {
    /// The label.
    pub label: Box<str>,
    /// What stands under the label in Signature-Input.
    pub input: SignatureInput,
    /// The decoded signature.
    pub signature: Vec<u8>,
}

/// Why a label can't be used.
#[derive(Clone, Debug)]
struct Defect {
    step: Step,
    error: ComponentError,
    /// What stands under the label in Signature-Input, where that could be read: a base can be made of it.
    input: Option<SignatureInput>,
}

impl Defect {
    fn new(step: Step, error: impl Into<ComponentError>) -> Self {
        Defect { step, error: error.into(), input: None }
    }
}

impl Signatures {
    /// Reads the signatures of a message from its header fields and trailers (§4.1, §4.2). A message without any
    /// gives an empty set.
    ///
    /// # Errors
    /// [`Step::Parse`]: a field is no Dictionary or exceeds the limits.
    pub fn parse(message: &Message<'_>, limits: &Limits) -> Result<Self, Rejection> {
        let reject = |reason| Rejection::new(Step::Parse, reason);
        let mut inputs =
            member_map(message, "signature-input", limits, Reason::MalformedSignatureInput).map_err(reject)?;
        let mut signatures = member_map(message, "signature", limits, Reason::MalformedSignature).map_err(reject)?;
        let mut entries = Vec::with_capacity(inputs.members.len());
        for (label, member) in std::mem::take(&mut inputs.members) {
            let signature = signatures.members.shift_remove(&label);
            let label: Box<str> = label.as_str().into();
            let duplicate = inputs.is_duplicate(&label) || signatures.is_duplicate(&label);
            let entry = if duplicate {
                Err(Defect::new(Step::Parse, Reason::DuplicateLabel))
            } else {
                labelled(&label, member, signature, limits)
            };
            entries.push((label, entry));
        }
        for (label, _) in &signatures.members {
            let defect = Defect::new(Step::Select, Reason::SignatureWithoutInput);
            entries.push((label.as_str().into(), Err(defect)));
        }
        Ok(Signatures { entries })
    }

    /// All labels in the order of Signature-Input, unusable ones too.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(label, _)| &**label)
    }

    /// The usable signatures in order.
    pub fn iter(&self) -> impl Iterator<Item = &LabelledSignature> {
        self.entries.iter().filter_map(|(_, entry)| entry.as_ref().ok())
    }

    /// The signature of a label, where it is usable.
    pub fn get(&self, label: &str) -> Option<&LabelledSignature> {
        self.iter().find(|signature| &*signature.label == label)
    }

    /// Whether the message has no label at all.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The signature of a label, or why it can't be used (§3.2 steps 1 to 3).
    ///
    /// # Errors
    /// [`Step::Select`] or [`Step::Parse`], without a base; [`verify()`](super::verify()) adds it.
    pub fn require(&self, label: &str) -> Result<&LabelledSignature, Rejection> {
        self.entry(label).map_err(|(rejection, _)| rejection)
    }

    /// The same, the refusal with the base where one can be made.
    pub(super) fn find(
        &self,
        label: &str,
        message: &Message<'_>,
        types: &FieldTypes,
    ) -> Result<&LabelledSignature, Rejection> {
        self.entry(label).map_err(|(rejection, input)| {
            rejection.with_base(input.and_then(|input| SignatureBase::build(message, input, types).ok()))
        })
    }

    fn entry(&self, label: &str) -> Result<&LabelledSignature, (Rejection, Option<&SignatureInput>)> {
        let entry = self.entries.iter().find(|(known, _)| &**known == label);
        match entry {
            None => Err((Rejection::new(Step::Select, Reason::NoSuchLabel), None)),
            Some((_, Ok(signature))) => Ok(signature),
            Some((_, Err(defect))) => Err((defect.error.clone().rejected(defect.step), defect.input.as_ref())),
        }
    }
}

fn labelled(
    label: &str,
    input: ListEntry,
    signature: Option<ListEntry>,
    limits: &Limits,
) -> Result<LabelledSignature, Defect> {
    let parse = |reason: Reason| Defect::new(Step::Parse, reason);
    let ListEntry::InnerList(list) = input else {
        return Err(parse(Reason::NotAnInnerList));
    };
    if list.items.len() > limits.max_components {
        return Err(parse(Reason::TooManyComponents));
    }
    if list.params.len() > limits.max_parameters {
        return Err(parse(Reason::TooManyParameters));
    }
    let input = SignatureInput::from_inner_list(list).map_err(|error| Defect::new(Step::Parse, error))?;
    let defect = match signature {
        _ if input.is_mistyped() => parse(Reason::InvalidParameter),
        // §4: "The presence of a label in one field but not in the other is an error."
        None => Defect::new(Step::Select, Reason::InputWithoutSignature),
        Some(ListEntry::Item(sfv::Item { bare_item: BareItem::ByteSequence(signature), .. })) => {
            return Ok(LabelledSignature { label: label.into(), input, signature });
        }
        Some(_) => parse(Reason::NotAByteSequence),
    };
    Err(Defect { input: Some(input), ..defect })
}

struct Members {
    members: Dictionary,
    duplicates: Vec<Box<str>>,
}

impl Members {
    fn is_duplicate(&self, label: &str) -> bool {
        self.duplicates.iter().any(|known| &**known == label)
    }
}

/// The value of Signature-Input or Signature: both may stand in the trailers, and labels are unique over all lines
/// (§4.1, §4.2).
fn whole(message: &Message<'_>, name: &str) -> Vec<u8> {
    let mut value = joined(message.fields(), name).unwrap_or_default();
    if let Some(trailer) = joined(message.trailers(), name) {
        if !value.is_empty() {
            value.extend_from_slice(b", ");
        }
        value.extend_from_slice(&trailer);
    }
    value
}

/// Whether the message has a signature of that label. A line that can't be read by itself may be the half of a string.
pub(super) fn has_label(message: &Message<'_>, label: &str) -> bool {
    let names = |value: &[u8]| labels_of(value).is_some_and(|labels| labels.iter().any(|known| &**known == label));
    ["signature-input", "signature"].into_iter().any(|name| {
        let mut lines = message.fields().values(name).chain(message.trailers().values(name));
        names(&whole(message, name)) || lines.any(names)
    })
}

fn member_map(message: &Message<'_>, name: &str, limits: &Limits, malformed: Reason) -> Result<Members, Reason> {
    let lines = |fields: &Fields| fields.values(name).map(|line| line.len() + 2).sum::<usize>();
    if lines(message.fields()) + lines(message.trailers()) > limits.max_field_bytes + 2 {
        return Err(Reason::FieldTooLarge);
    }
    let value = whole(message, name);
    // A Dictionary's later member silently replaces an earlier one of its key: look at the keys first.
    let keys = Parser::new(&value).parse_dictionary_with_visitor(Keys::default()).map_err(|_| malformed)?;
    if keys.len() > limits.max_labels {
        return Err(Reason::TooManyLabels);
    }
    let members = Dictionary::parse(Parser::new(&value)).map_err(|_| malformed)?;
    let mut duplicates = Vec::new();
    if keys.len() > members.len() {
        let mut seen = std::collections::HashSet::new();
        duplicates.extend(keys.into_iter().filter(|key| !seen.insert(key.clone())));
    }
    Ok(Members { members, duplicates })
}

/// The labels that a Signature-Input or Signature value uses, each as often as it occurs.
pub(super) fn labels_of(value: &[u8]) -> Option<Vec<Box<str>>> {
    Parser::new(value).parse_dictionary_with_visitor(Keys::default()).ok()
}

#[derive(Default)]
struct Keys(Vec<Box<str>>);

impl<'de> DictionaryVisitor<'de> for Keys {
    type Out = Vec<Box<str>>;
    type Error = std::convert::Infallible;

    fn entry(&mut self, key: &'de KeyRef) -> Result<impl EntryVisitor<'de>, Self::Error> {
        self.0.push(key.as_str().into());
        Ok(Ignored)
    }

    fn finish(self) -> Result<Self::Out, Self::Error> {
        Ok(self.0)
    }
}
