//! What signers get wrong about fields: joining, trimming, folding, structured values, fields that are not there.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portal_core::rfc9421::{ComponentId, FieldType, FieldTypes, Fields};

use super::draft::{Draft, Line};
use super::{Deviation, Trial, Variation};
use crate::explain::base;
use crate::explain::identifier::{self, Parameters};
use crate::explain::read::Subject;

const JOIN: &str = "Each line is trimmed and unfolded, and the lines are joined with a comma and a space; nothing else is changed (RFC 9421 §2.1).";
const STRICT: &str = "Only with sf or key is a field parsed and serialized again; with sf it is all of it, with key the member's value (RFC 9421 §2.1.1, §2.1.2).";
const TYPE: &str =
    "So it is of that type: say it with --field-type NAME=TYPE, as both sides have to know it (RFC 9421 §2.1.1).";
const BYTES: &str =
    "With bs, each line is trimmed and becomes a Byte Sequence, :BASE64:, of its own (RFC 9421 §2.1.3).";
const MISSING: &str =
    "A component that is not in the message can't be covered; the verifier must refuse it (RFC 9421 §2.5).";
const TRAILER: &str = "With tr the value comes from the trailers, without it from the header (RFC 9421 §2.1.4).";
const RELATED: &str =
    "With req the value comes from the request that a response answers, without it from the response (RFC 9421 §2.4).";

/// Bases that differ in fields.
pub(super) fn variations(trial: &Trial<'_>, draft: &Draft) -> Vec<Variation> {
    let mut found = Vec::new();
    for rule in RULES {
        let value = |line: &Line| -> Option<String> {
            let id = trial.input.components().get(line.component).filter(|id| !id.name().starts_with('@'))?;
            let field = Field::of(trial, id)?;
            let value = (rule.value)(&field, line.value.as_deref())?;
            (line.value.as_ref() != Some(&value)).then_some(value)
        };
        let affected: Vec<(&Line, String)> = draft.lines.iter().filter_map(|line| Some((line, value(line)?))).collect();
        let mut groups: Vec<&[(&Line, String)]> = vec![&affected];
        if affected.len() > 1 {
            groups.extend(affected.chunks(1));
        }
        for group in groups {
            let new = |line: &Line| group.iter().find(|(member, _)| member.component == line.component);
            if let Some(draft) = draft.with_values(|line| new(line).map(|(_, value)| value.clone())) {
                let names: Vec<&str> = group.iter().map(|(line, _)| line.id.as_str()).collect();
                let did = rule.did.replace("{}", &names.join(" and "));
                found.push((Deviation::new(rule.code, did, rule.says), draft));
            }
        }
    }
    found.extend(missing(draft));
    found
}

/// A line without a value, which a careless signer fills or leaves out.
fn missing(draft: &Draft) -> Vec<Variation> {
    let names: Vec<&str> =
        draft.lines.iter().filter(|line| line.value.is_none()).map(|line| line.id.as_str()).collect();
    if names.is_empty() {
        return Vec::new();
    }
    let names = names.join(" and ");
    let empty = draft.with_values(|line| line.value.is_none().then(String::new));
    let mut left_out = draft.clone();
    left_out.lines.retain(|line| line.value.is_some());
    let signed_empty =
        Deviation::new("missing_as_empty", format!("signed {names}, which has no value, as empty"), MISSING);
    let signed_without =
        Deviation::new("missing_left_out", format!("left out the line of {names}, which has no value"), MISSING);
    empty.map(|draft| (signed_empty, draft)).into_iter().chain([(signed_without, left_out)]).collect()
}

/// A covered field, with all that its value can be made of.
struct Field<'t> {
    id: &'t ComponentId,
    parameters: Parameters,
    values: Vec<&'t [u8]>,
    subject: &'t Subject,
    types: &'t FieldTypes,
}

impl<'t> Field<'t> {
    fn of(trial: &Trial<'t>, id: &'t ComponentId) -> Option<Field<'t>> {
        let parameters = Parameters::of(id);
        let source = trial.subject.source(parameters.req)?;
        let fields: &Fields = if parameters.tr { source.trailers() } else { source.fields() };
        Some(Field {
            id,
            values: fields.values(id.name()).collect(),
            parameters,
            subject: trial.subject,
            types: trial.types,
        })
    }

    fn is_plain(&self) -> bool {
        let Parameters { sf, bs, key, .. } = &self.parameters;
        !sf && !bs && key.is_none()
    }

    /// The lines as text, each changed, then joined.
    fn joined(&self, with: &str, change: impl Fn(&str) -> String) -> Option<String> {
        let lines: Option<Vec<String>> =
            self.values.iter().map(|value| std::str::from_utf8(value).ok().map(&change)).collect();
        lines.filter(|lines| !lines.is_empty()).map(|lines| lines.join(with))
    }

    /// The value that it has without `sf`, `bs` and `key`, or that another identifier has.
    fn as_other(&self, parameters: &str) -> Option<String> {
        let mut text = format!("\"{}\"{parameters}", self.id.name());
        if self.parameters.tr {
            text.push_str(";tr");
        }
        if self.parameters.req {
            text.push_str(";req");
        }
        base::value(self.subject, &text.parse().ok()?, self.types).ok()
    }

    /// Under `sf`, if its type were this one.
    fn of_type(&self, kind: FieldType) -> Option<String> {
        if self.parameters.sf && self.types.of(self.id.name()).is_none() { self.strict(kind) } else { None }
    }

    fn strict(&self, kind: FieldType) -> Option<String> {
        let Parameters { tr, req, .. } = self.parameters;
        let (tr, req) = (if tr { ";tr" } else { "" }, if req { ";req" } else { "" });
        let id: ComponentId = format!("\"{}\";sf{tr}{req}", self.id.name()).parse().ok()?;
        base::value(self.subject, &id, &self.types.clone().with(self.id.name(), kind)).ok()
    }
}

struct Rule {
    code: &'static str,
    /// `{}` stands for the names.
    did: &'static str,
    says: &'static str,
    /// The value that it gives, where it applies; the second is the value so far.
    value: fn(&Field<'_>, Option<&str>) -> Option<String>,
}

fn unfolded(text: &str) -> String {
    let parts: Vec<&str> = text.split('\n').map(str::trim).collect();
    parts.join(" ").trim().to_owned()
}

const RULES: &[Rule] = &[
    Rule {
        code: "not_ascii",
        did: "signed {} although it is not ASCII",
        says: "The base is ASCII: such a field is covered with bs (RFC 9421 §2.1.3).",
        value: |field, so_far| if so_far.is_none() { field.joined(", ", unfolded) } else { None },
    },
    Rule {
        code: "not_trimmed",
        did: "kept the whitespace around the value of {}",
        says: JOIN,
        value: |field, _| field.joined(", ", str::to_owned).filter(|_| field.is_plain()),
    },
    Rule {
        code: "joined_without_space",
        did: "joined the lines of {} with a comma alone",
        says: JOIN,
        value: |field, _| field.joined(",", unfolded).filter(|_| field.is_plain()),
    },
    Rule {
        code: "joined_otherwise",
        did: "joined the lines of {} with a semicolon",
        says: JOIN,
        value: |field, _| field.joined("; ", unfolded).filter(|_| field.is_plain()),
    },
    Rule {
        code: "first_line_only",
        did: "signed only the first line of {}",
        says: JOIN,
        value: |field, _| {
            let first = field.values.first().filter(|_| field.is_plain())?;
            Some(unfolded(std::str::from_utf8(first).ok()?))
        },
    },
    Rule {
        code: "last_line_only",
        did: "signed only the last line of {}",
        says: JOIN,
        value: |field, _| {
            let last = field.values.last().filter(|_| field.is_plain())?;
            Some(unfolded(std::str::from_utf8(last).ok()?))
        },
    },
    Rule {
        code: "lines_reversed",
        did: "joined the lines of {} in another order",
        says: JOIN,
        value: |field, _| {
            let mut lines: Vec<String> =
                field.values.iter().map(|value| unfolded(&String::from_utf8_lossy(value))).collect();
            lines.reverse();
            (lines.len() > 1 && field.is_plain()).then(|| lines.join(", "))
        },
    },
    Rule {
        code: "whitespace_squeezed",
        did: "changed the whitespace inside the value of {}",
        says: JOIN,
        value: |field, so_far| {
            so_far.filter(|_| field.is_plain()).map(|value| value.split_whitespace().collect::<Vec<_>>().join(" "))
        },
    },
    Rule {
        code: "whitespace_removed",
        did: "removed the space behind each comma in the value of {}",
        says: JOIN,
        value: |field, so_far| so_far.filter(|_| field.is_plain()).map(|value| value.replace(", ", ",")),
    },
    Rule {
        code: "lower_case",
        did: "put the value of {} in lower case",
        says: JOIN,
        value: |field, so_far| so_far.filter(|_| field.is_plain()).map(str::to_ascii_lowercase),
    },
    Rule {
        code: "folding_kept",
        did: "kept the line folding in the value of {}",
        says: JOIN,
        value: |field, _| field.joined(", ", |text| text.trim().to_owned()).filter(|_| field.is_plain()),
    },
    Rule {
        code: "folding_kept",
        did: "removed the line folding in the value of {} without a space for it",
        says: JOIN,
        value: |field, _| {
            let squeezed = |text: &str| text.split('\n').map(str::trim).collect::<String>();
            field.joined(", ", squeezed).filter(|_| field.is_plain())
        },
    },
    Rule {
        code: "sf_unasked",
        did: "parsed {} as a Dictionary and serialized it again, without sf",
        says: STRICT,
        value: |field, _| field.is_plain().then(|| field.strict(FieldType::Dictionary)).flatten(),
    },
    Rule {
        code: "sf_unasked",
        did: "parsed {} as a List and serialized it again, without sf",
        says: STRICT,
        value: |field, _| field.is_plain().then(|| field.strict(FieldType::List)).flatten(),
    },
    Rule {
        code: "sf_unasked",
        did: "parsed {} as an Item and serialized it again, without sf",
        says: STRICT,
        value: |field, _| field.is_plain().then(|| field.strict(FieldType::Item)).flatten(),
    },
    Rule {
        code: "field_type",
        did: "taken {} for a Dictionary",
        says: TYPE,
        value: |field, so_far| if so_far.is_none() { field.of_type(FieldType::Dictionary) } else { None },
    },
    Rule {
        code: "field_type",
        did: "taken {} for a List",
        says: TYPE,
        value: |field, so_far| if so_far.is_none() { field.of_type(FieldType::List) } else { None },
    },
    Rule {
        code: "field_type",
        did: "taken {} for an Item",
        says: TYPE,
        value: |field, so_far| if so_far.is_none() { field.of_type(FieldType::Item) } else { None },
    },
    Rule {
        code: "parameters_ignored",
        did: "signed the plain value of {}, as if it had no parameter",
        says: STRICT,
        value: |field, _| if field.is_plain() { None } else { field.as_other("") },
    },
    Rule {
        code: "key_raw",
        did: "signed the member of {} as it was received, not serialized again",
        says: STRICT,
        value: |field, _| {
            let key = field.parameters.key.as_deref()?;
            let source = field.subject.source(field.parameters.req)?;
            Some(identifier::member(source.fields(), field.id.name(), key)?.0)
        },
    },
    Rule {
        code: "key_with_name",
        did: "signed the member of {} along with its name",
        says: STRICT,
        value: |field, so_far| Some(format!("{}={}", field.parameters.key.as_deref()?, so_far?)),
    },
    Rule {
        code: "bs_joined",
        did: "joined the lines of {} before they became a Byte Sequence",
        says: BYTES,
        value: |field, _| {
            let joined = field.joined(", ", unfolded).filter(|_| field.parameters.bs)?;
            Some(format!(":{}:", STANDARD.encode(joined)))
        },
    },
    Rule {
        code: "bs_not_trimmed",
        did: "kept the whitespace around the lines of {}",
        says: BYTES,
        value: |field, _| {
            let encoded = |text: &str| format!(":{}:", STANDARD.encode(text));
            field.joined(", ", encoded).filter(|_| field.parameters.bs)
        },
    },
    Rule {
        code: "bs_without_colons",
        did: "left out the colons around the base64 of {}",
        says: BYTES,
        value: |field, so_far| so_far.filter(|_| field.parameters.bs).map(|value| value.replace(':', "")),
    },
    Rule {
        code: "header_for_trailer",
        did: "taken {} from the header instead of the trailers, or the other way round",
        says: TRAILER,
        value: |field, _| {
            let source = field.subject.source(field.parameters.req)?;
            let other = if field.parameters.tr { source.fields() } else { source.trailers() };
            let lines: Vec<String> =
                other.values(field.id.name()).map(|value| unfolded(&String::from_utf8_lossy(value))).collect();
            (!lines.is_empty()).then(|| lines.join(", "))
        },
    },
    Rule {
        code: "other_message",
        did: "taken {} from the other one of request and response",
        says: RELATED,
        value: |field, _| {
            let other = field.subject.source(!field.parameters.req)?;
            let lines: Vec<String> =
                other.fields().values(field.id.name()).map(|value| unfolded(&String::from_utf8_lossy(value))).collect();
            (!lines.is_empty()).then(|| lines.join(", "))
        },
    },
];
