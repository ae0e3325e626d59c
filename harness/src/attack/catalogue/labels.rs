//! The fields Signature-Input and Signature: labels, pairs, and what can't be read.

use super::super::model::{Attack, Defect, Family, changed, quietly};
use super::super::recipe::{Pen, Recipe};
use super::{Cast, Draft, put, signature, text};
use crate::attack::keys::Manner;

pub(super) const FAMILY: Family = Family {
    name: "labels",
    about: "Signature-Input and Signature don't belong together, or can't be read.",
    attacks: ATTACKS,
};

const PAIR: &str = "a signature is what stands under one label in both fields (RFC 9421 §4)";
const TWICE: &str = "each label must be unique within a field (RFC 9421 §4), and which of two counts would be \
         anybody's guess";
const UNREADABLE: &str =
    "a field that can't be parsed is ignored as a whole (RFC 8941 §4.2), and no error of the Portal's";

const ATTACKS: &[Attack] = &[
    changed("signature-field-missing", "AUTH-4", "the field Signature is gone", PAIR, |it, _| {
        quietly(it.remove_field("Signature"))
    }),
    changed("signature-input-field-missing", "AUTH-4", "the field Signature-Input is gone", PAIR, |it, _| {
        quietly(it.remove_field("Signature-Input"))
    }),
    changed(
        "both-fields-empty",
        "AUTH-4",
        "both fields are empty",
        "a Dictionary may be empty (RFC 8941 §3.2): there is no signature then",
        |it, _| {
            it.set_field("Signature-Input", "");
            it.set_field("Signature", "");
        },
    ),
    changed("label-orphaned-in-signature", "AUTH-4", "the label in Signature is another one", PAIR, |it, _| {
        let value = value(it);
        it.set_field("Signature", &value.replacen("sig1=", "sig2=", 1));
    })
    .harmless(
        "the label is another one in both fields: it is not signed",
        Defect::Changed(|it, _| signature(it, |it| it.label = "other".into())),
    ),
    changed(
        "label-differs-in-case",
        "AUTH-4",
        "the label in Signature is in capitals",
        "keys of a Dictionary are in lower case (RFC 8941 §3.2)",
        |it, _| {
            let value = value(it);
            it.set_field("Signature", &value.replacen("sig1=", "SIG1=", 1));
        },
    ),
    changed(
        "label-in-capitals",
        "AUTH-4",
        "the label is in capitals in both fields",
        "keys of a Dictionary are in lower case (RFC 8941 §3.2)",
        |it, _| {
            signature(it, |it| it.label = "SIG1".into());
        },
    ),
    changed(
        "label-begins-with-a-digit",
        "AUTH-4",
        "the label begins with a digit",
        "a key begins with a letter or * (RFC 8941 §3.2)",
        |it, _| {
            signature(it, |it| it.label = "1sig".into());
        },
    ),
    changed(
        "label-empty",
        "AUTH-4",
        "the label is empty",
        "a key has at least one character (RFC 8941 §3.2)",
        |it, _| signature(it, |it| it.label.clear()),
    ),
    changed("label-with-a-blank", "AUTH-4", "a blank stands in the label", UNREADABLE, |it, _| {
        signature(it, |it| it.label = "sig 1".into())
    }),
    changed("label-in-another-script", "AUTH-4", "the label has letters outside of ASCII", UNREADABLE, |it, _| {
        signature(it, |it| it.label = "sïg1".into())
    }),
    changed(
        "label-doubled-in-input",
        "AUTH-4",
        "after the good one, the label stands once more in Signature-Input and covers nothing",
        TWICE,
        |it, _| {
            it.add_field("Signature-Input", "sig1=()");
        },
    ),
    changed(
        "label-doubled-in-signature",
        "AUTH-4",
        "after the good one, the label stands once more in Signature",
        TWICE,
        |it, _| {
            it.add_field("Signature", "sig1=:AAAA:");
        },
    ),
    changed(
        "label-doubled-before-in-input",
        "AUTH-4",
        "before the good one, the label stands in Signature-Input and covers nothing",
        TWICE,
        |it, _| {
            it.fields.push(("Signature-Input".into(), "sig1=()".into()));
        },
    ),
    changed(
        "label-doubled-before-in-signature",
        "AUTH-4",
        "before the good one, the label stands in Signature",
        TWICE,
        |it, _| {
            it.fields.push(("Signature".into(), "sig1=:AAAA:".into()));
        },
    ),
    changed(
        "signatures-swapped",
        "AUTH-3",
        "there is a stranger's signature too, and the two change labels in Signature",
        "each signature belongs to the input under its label",
        |it, cast| {
            by_mallory(it, cast);
            if let [first, second] = it.signatures.as_mut_slice() {
                std::mem::swap(&mut first.signature, &mut second.signature);
            }
        },
    )
    .harmless("there is a stranger's signature too", Defect::Changed(by_mallory)),
    changed(
        "inputs-swapped",
        "AUTH-3",
        "there is a stranger's signature too, and the two change labels in Signature-Input",
        "each signature belongs to the input under its label",
        |it, cast| {
            by_mallory(it, cast);
            if let [first, second] = it.signatures.as_mut_slice() {
                std::mem::swap(&mut first.covering, &mut second.covering);
                std::mem::swap(&mut first.parameters, &mut second.parameters);
            }
        },
    ),
    changed(
        "signature-borrowed",
        "AUTH-3",
        "the input is the peer's and the signature a stranger's",
        "the key is the one that keyid names",
        |it, cast| {
            by_mallory(it, cast);
            let borrowed = it.signatures.pop().map(|mallory| mallory.signature).unwrap_or_default();
            signature(it, |it| it.signature.clone_from(&borrowed));
        },
    ),
    changed(
        "signature-of-another-request",
        "AUTH-3",
        "the signature is the peer's own, of another request",
        "a signature holds for the values that were signed and for no others",
        |it, cast| {
            let mut another = it.clone();
            another.signatures.clear();
            another.path.push_str("/another");
            let parameters = it.signatures.first().map(|signature| signature.parameters.clone()).unwrap_or_default();
            let covering = it.signatures.first().map(|signature| signature.covering.clone()).unwrap_or_default();
            sign(&mut another, "alice", parameters, covering, cast);
            let other = another.signatures.pop().map(|signature| signature.signature).unwrap_or_default();
            signature(it, |it| it.signature.clone_from(&other));
        },
    ),
    changed("input-is-no-list", "AUTH-4", "what stands in Signature-Input is a String", UNREADABLE, |it, _| {
        it.set_field("Signature-Input", "sig1=\"@method\";created=1");
    }),
    changed("input-not-closed", "AUTH-4", "the parenthesis in Signature-Input is not closed", UNREADABLE, |it, _| {
        let input = input(it);
        it.set_field("Signature-Input", &input.replacen(')', "", 1));
    }),
    changed(
        "input-nested",
        "AUTH-4",
        "an Inner List stands in the Inner List of Signature-Input",
        "Inner Lists are not nested (RFC 8941 §3.1.1)",
        |it, _| {
            let input = input(it);
            it.set_field("Signature-Input", &input.replacen('(', "((", 1).replacen(')', "))", 1));
        },
    ),
    changed(
        "input-with-trailing-comma",
        "AUTH-4",
        "a comma stands at the end of Signature-Input",
        "a Dictionary does not end with a comma (RFC 8941 §4.2.2)",
        |it, _| {
            let input = input(it);
            it.set_field("Signature-Input", &format!("{input},"));
        },
    ),
    changed(
        "input-with-garbage-after",
        "AUTH-4",
        "something that can't be read stands after the good member in Signature-Input",
        UNREADABLE,
        |it, _| {
            let input = input(it);
            it.set_field("Signature-Input", &format!("{input}, ((("));
        },
    ),
    changed(
        "input-in-single-quotes",
        "AUTH-4",
        "the components stand in single quotes",
        "a String stands in double quotes (RFC 8941 §3.3.3)",
        |it, _| {
            let input = input(it);
            it.set_field("Signature-Input", &input.replace('"', "'"));
        },
    ),
    changed(
        "signature-is-a-string",
        "AUTH-4",
        "what stands in Signature is a String",
        "the signature is a Byte Sequence (RFC 9421 §4.2)",
        |it, _| {
            let value = value(it);
            it.set_field("Signature", &value.replace(':', "\""));
        },
    ),
    changed(
        "signature-is-a-list",
        "AUTH-4",
        "what stands in Signature is an Inner List",
        "the signature is a Byte Sequence (RFC 9421 §4.2)",
        |it, _| {
            let value = value(it);
            it.set_field("Signature", &format!("{})", value.replacen("=:", "=(:", 1)));
        },
    ),
    changed(
        "signature-without-colons",
        "AUTH-4",
        "the colons around the signature are missing",
        "a Byte Sequence stands between colons (RFC 8941 §3.3.5)",
        |it, _| {
            let value = value(it);
            it.set_field("Signature", &value.replace(':', ""));
        },
    ),
    changed(
        "signature-after-cavage",
        "AUTH-4",
        "both fields are replaced by one as drafts before RFC 9421 had it",
        "that is another protocol: nothing in it covers what RFC 9421 asks for",
        |it, cast| {
            let value = it.signatures.first().map(|signature| signature.signature.clone()).unwrap_or_default();
            let keyid = cast.short_id("alice");
            quietly(it.remove_field("Signature-Input"));
            it.set_field(
                "Signature",
                &format!(
                    "keyId=\"{keyid}\",algorithm=\"hs2019\",headers=\"(request-target) host\",signature=\"{value}\""
                ),
            );
        },
    ),
    changed(
        "signature-in-authorization",
        "AUTH-4",
        "the signature stands in Authorization",
        "a signature stands in the field Signature (RFC 9421 §4.2)",
        |it, _| {
            let value = value(it);
            quietly(it.remove_field("Signature"));
            it.add_field("Authorization", &format!("Signature {value}"));
        },
    ),
];

/// The line of Signature-Input.
fn input(draft: &Draft) -> String {
    draft.signatures.first().map(|signature| format!("{}={}", signature.label, signature.input())).unwrap_or_default()
}

/// The line of Signature.
fn value(draft: &Draft) -> String {
    let value = draft.signatures.first().map(|signature| format!("{}=:{}:", signature.label, signature.signature));
    value.unwrap_or_default()
}

/// Signs it, too, as the stranger who mallory is.
fn by_mallory(draft: &mut Draft, cast: &Cast) {
    let mut parameters = draft.signatures.first().map(|signature| signature.parameters.clone()).unwrap_or_default();
    put(&mut parameters, "keyid", text(cast.short_id("mallory")));
    put(&mut parameters, "nonce", text("of-mallory-s"));
    sign(draft, "mallory", parameters, "\"@method\" \"@target-uri\"".into(), cast);
}

/// What can't be signed stays as it is, which the tests of the catalogue find.
fn sign(
    draft: &mut Draft,
    by: &'static str,
    parameters: Vec<(String, super::Parameter)>,
    covering: String,
    cast: &Cast,
) {
    let recipe = Recipe {
        pen: Pen::KeyOf(by, Manner::Own),
        label: draft.free_label(),
        covering,
        parameters,
        ..Recipe::of(draft)
    };
    let _ = recipe.sign(draft, cast);
}
