//! Fields (RFC 9421 §2.1): lines joined, or wrapped by `sf`, `key`, `bs`.

use std::borrow::Cow;
use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sfv::{Dictionary, FieldType as _, Item, List, Parser};

use super::component::Wrap;
use super::message::Fields;
use super::reject::Reason;

/// The structured type of a field (RFC 9651 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// A List.
    List,
    /// A Dictionary.
    Dictionary,
    /// An Item.
    Item,
}

/// Which fields are structured, and of which type: what `sf` needs to know (§2.1.1). The registered ones are known;
/// an application adds its own.
///
/// ```
/// use portal_core::rfc9421::{FieldType, FieldTypes};
///
/// let types = FieldTypes::default().with("example-dict", FieldType::Dictionary);
/// assert_eq!(types.of("Example-Dict"), Some(FieldType::Dictionary));
/// assert_eq!(types.of("content-digest"), Some(FieldType::Dictionary));
/// assert_eq!(types.of("content-type"), None);
/// ```
#[derive(Clone, Debug, Default)]
pub struct FieldTypes {
    own: HashMap<Box<str>, FieldType>,
}

impl FieldTypes {
    /// Adds or overrides the type of a field.
    #[must_use]
    pub fn with(mut self, name: &str, field_type: FieldType) -> Self {
        self.own.insert(name.to_ascii_lowercase().into(), field_type);
        self
    }

    /// The type of a field, where it is known.
    pub fn of(&self, name: &str) -> Option<FieldType> {
        let name = name.to_ascii_lowercase();
        self.own.get(&*name).copied().or_else(|| {
            let at = REGISTERED.binary_search_by_key(&&*name, |(known, _)| known).ok()?;
            Some(REGISTERED[at].1)
        })
    }
}

/// Structured fields of the IANA HTTP Field Name registry, sorted.
const REGISTERED: &[(&str, FieldType)] = {
    use FieldType::{Dictionary, Item, List};
    &[
        ("accept-ch", List),
        ("accept-query", List),
        ("accept-signature", Dictionary),
        ("available-dictionary", Item),
        ("cache-group-invalidation", List),
        ("cache-groups", List),
        ("cache-status", List),
        ("capsule-protocol", Item),
        ("cdn-cache-control", Dictionary),
        ("client-cert", Item),
        ("client-cert-chain", List),
        ("content-digest", Dictionary),
        ("cross-origin-embedder-policy", Item),
        ("cross-origin-embedder-policy-report-only", Item),
        ("cross-origin-opener-policy", Item),
        ("cross-origin-opener-policy-report-only", Item),
        ("deprecation", Item),
        ("dictionary-id", Item),
        ("incremental", Item),
        ("no-vary-search", Dictionary),
        ("origin-agent-cluster", Item),
        ("priority", Dictionary),
        ("proxy-status", List),
        ("reporting-endpoints", Dictionary),
        ("repr-digest", Dictionary),
        ("sec-fetch-dest", Item),
        ("sec-fetch-mode", Item),
        ("sec-fetch-site", Item),
        ("sec-fetch-user", Item),
        ("sec-gpc", Item),
        ("signature", Dictionary),
        ("signature-input", Dictionary),
        ("use-as-dictionary", Dictionary),
        ("want-content-digest", Dictionary),
        ("want-repr-digest", Dictionary),
    ]
};

/// Appends the canonical value of a field.
pub(super) fn write(
    out: &mut Vec<u8>,
    fields: &Fields,
    name: &str,
    wrap: &Wrap,
    types: &FieldTypes,
) -> Result<(), Reason> {
    let mut lines = fields.values(name).map(canonical_line).peekable();
    lines.peek().ok_or(Reason::FieldMissing)?;
    match wrap {
        Wrap::Plain => {
            for (at, line) in lines.enumerate() {
                if at > 0 {
                    out.extend_from_slice(b", ");
                }
                // §2.5 ABNF: field-content without obs-fold and obs-text.
                if !line.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~')) {
                    return Err(Reason::FieldNotAscii);
                }
                out.extend_from_slice(&line);
            }
        }
        Wrap::Bytes => {
            for (at, line) in lines.enumerate() {
                out.extend_from_slice(if at > 0 { b", :" } else { b":" });
                out.extend_from_slice(STANDARD.encode(&line).as_bytes());
                out.push(b':');
            }
        }
        Wrap::Strict => {
            let field_type = types.of(name).ok_or(Reason::UnknownFieldType)?;
            out.extend_from_slice(strict(&join(lines), field_type)?.as_bytes());
        }
        Wrap::Member(key) => {
            // A field of unknown type is a Dictionary if it can be read as one: the signer says so.
            if types.of(name).is_some_and(|known| known != FieldType::Dictionary) {
                return Err(Reason::NotADictionary);
            }
            let dictionary = Dictionary::parse(Parser::new(&join(lines))).map_err(|_| Reason::MalformedField)?;
            let member = dictionary.get(&**key).ok_or(Reason::MemberMissing)?;
            // §2.1.2: the member value alone, as it stands in a List.
            let mut list = sfv::ListSerializer::new();
            list.members([member]);
            out.extend_from_slice(list.finish().unwrap_or_default().as_bytes());
        }
    }
    Ok(())
}

/// How much room the value of a field takes, about.
pub(super) fn room(fields: &Fields, name: &str, wrap: &Wrap) -> usize {
    let lines = fields.values(name).map(|line| line.len() + 2).sum::<usize>();
    match wrap {
        Wrap::Plain | Wrap::Strict | Wrap::Member(_) => lines,
        Wrap::Bytes => lines.div_ceil(3) * 4 + fields.values(name).count() * 8,
    }
}

/// All lines of a structured field as the one value that they are together.
pub(crate) fn joined(fields: &Fields, name: &str) -> Option<Vec<u8>> {
    fields.contains(name).then(|| join(fields.values(name).map(canonical_line)))
}

fn join<'f>(lines: impl Iterator<Item = Cow<'f, [u8]>>) -> Vec<u8> {
    let mut joined = Vec::new();
    for (at, line) in lines.enumerate() {
        if at > 0 {
            joined.extend_from_slice(b", ");
        }
        joined.extend_from_slice(&line);
    }
    joined
}

fn strict(value: &[u8], field_type: FieldType) -> Result<String, Reason> {
    let parser = Parser::new(value);
    // An empty List or Dictionary has no serialization; the field is there, so its value is the empty string.
    match field_type {
        FieldType::List => List::parse(parser).map(|list| list.serialize().unwrap_or_default()),
        FieldType::Dictionary => Dictionary::parse(parser).map(|dictionary| dictionary.serialize().unwrap_or_default()),
        FieldType::Item => Item::parse(parser).map(|item| item.serialize()),
    }
    .map_err(|_| Reason::MalformedField)
}

/// §2.1 steps 2 and 3 for one line: line folding replaced by a space, whitespace around it removed.
fn canonical_line(value: &[u8]) -> Cow<'_, [u8]> {
    if !value.contains(&b'\n') {
        return Cow::Borrowed(trim(value));
    }
    let mut unfolded = Vec::with_capacity(value.len());
    for part in value.split(|byte| *byte == b'\n') {
        // RFC 9112 §5.2: obs-fold = OWS CRLF RWS
        let part = trim(part.strip_suffix(b"\r").unwrap_or(part));
        if !unfolded.is_empty() {
            unfolded.push(b' ');
        }
        unfolded.extend_from_slice(part);
    }
    let trimmed = trim(&unfolded).len();
    unfolded.truncate(trimmed);
    Cow::Owned(unfolded)
}

fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}
