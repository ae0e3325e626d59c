//! The parameters of a signature.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::super::model::{Attack, Defect, Family, changed, made};
use super::super::recipe::Valid;
use super::{Parameter, put, signature, take, text, verbatim};

pub(super) const FAMILY: Family = Family {
    name: "parameters",
    about: "Signature parameters are changed, dropped, doubled, of another type or huge.",
    attacks: ATTACKS,
};

const SIGNED: &str = "the parameters are signed themselves, as part of @signature-params (RFC 9421 §2.3)";
const TYPE: &str = "RFC 9421 §2.3 gives each parameter its type; another one is malformed";
const LAST: &str =
    "of a parameter that stands there twice the last counts (RFC 8941 §3.1.2), and that one was not signed";

const ATTACKS: &[Attack] = &[
    changed("created-altered", "AUTH-3", "created is one second earlier", SIGNED, |it, cast| {
        signature(it, |it| put(&mut it.parameters, "created", Parameter::Integer(cast.now - 1)));
    }),
    changed("created-dropped", "AUTH-3", "created is gone", SIGNED, |it, _| {
        signature(it, |it| take(&mut it.parameters, "created"))
    }),
    changed("created-doubled", "AUTH-3", "a second created stands after the first", LAST, |it, cast| {
        signature(it, |it| it.parameters.push(("created".into(), Parameter::Integer(cast.now - 1))));
    }),
    changed("expires-altered", "AUTH-3", "expires is later", SIGNED, |it, cast| {
        signature(it, |it| put(&mut it.parameters, "expires", Parameter::Integer(cast.now + 9000)));
    })
    .from(Valid::Expiring),
    changed("expires-dropped", "AUTH-3", "expires is gone", SIGNED, |it, _| {
        signature(it, |it| take(&mut it.parameters, "expires"))
    })
    .from(Valid::Expiring),
    changed("expires-added", "AUTH-3", "expires is put in", SIGNED, |it, cast| {
        signature(it, |it| put(&mut it.parameters, "expires", Parameter::Integer(cast.now + 60)));
    })
    .harmless(
        "expires is put in and signed",
        Defect::Made(|it, cast| put(&mut it.parameters, "expires", Parameter::Integer(cast.now + 60))),
    ),
    changed("keyid-altered", "AUTH-3", "keyid is that of another peer", SIGNED, |it, cast| {
        signature(it, |it| put(&mut it.parameters, "keyid", text(cast.short_id("carol"))));
    }),
    changed("keyid-dropped", "AUTH-3", "keyid is gone", SIGNED, |it, _| {
        signature(it, |it| take(&mut it.parameters, "keyid"))
    }),
    changed("keyid-doubled", "AUTH-3", "a second keyid, of another peer, stands after the first", LAST, |it, cast| {
        signature(it, |it| it.parameters.push(("keyid".into(), text(cast.short_id("carol")))));
    }),
    changed("alg-altered", "AUTH-3", "alg is another one", SIGNED, |it, _| {
        signature(it, |it| put(&mut it.parameters, "alg", text("rsa-pss-sha512")))
    }),
    changed("alg-dropped", "AUTH-3", "alg is gone", SIGNED, |it, _| {
        signature(it, |it| take(&mut it.parameters, "alg"))
    })
    .harmless("it is signed without alg", Defect::Made(|it, _| take(&mut it.parameters, "alg"))),
    changed("alg-doubled", "AUTH-3", "a second alg stands after the first", LAST, |it, _| {
        signature(it, |it| it.parameters.push(("alg".into(), text("rsa-pss-sha512"))));
    }),
    changed(
        "nonce-altered",
        "AUTH-3",
        "nonce is another one",
        "else whoever overhears a request can send it again under a nonce of its own",
        |it, _| {
            signature(it, |it| put(&mut it.parameters, "nonce", text("another")));
        },
    ),
    changed(
        "nonce-dropped",
        "AUTH-3",
        "nonce is gone",
        "else whoever overhears a request can send it again without a nonce",
        |it, _| {
            signature(it, |it| take(&mut it.parameters, "nonce"));
        },
    )
    .harmless("it is signed without nonce", Defect::Made(|it, _| take(&mut it.parameters, "nonce"))),
    changed("nonce-doubled", "AUTH-3", "a second nonce stands after the first", LAST, |it, _| {
        signature(it, |it| it.parameters.push(("nonce".into(), text("another"))));
    }),
    changed("tag-altered", "AUTH-3", "tag is another one", SIGNED, |it, _| {
        signature(it, |it| put(&mut it.parameters, "tag", text("another")))
    }),
    changed("tag-dropped", "AUTH-3", "tag is gone", SIGNED, |it, _| {
        signature(it, |it| take(&mut it.parameters, "tag"))
    })
    .harmless("it is signed without tag", Defect::Made(|it, _| take(&mut it.parameters, "tag"))),
    changed("tag-doubled", "AUTH-3", "a second tag stands after the first", LAST, |it, _| {
        signature(it, |it| it.parameters.push(("tag".into(), text("another"))));
    }),
    changed("unknown-parameter-added", "AUTH-3", "a parameter that nobody knows is put in", SIGNED, |it, _| {
        signature(it, |it| put(&mut it.parameters, "mood", text("good")));
    })
    .harmless(
        "a parameter that nobody knows is put in and signed",
        Defect::Made(|it, _| put(&mut it.parameters, "mood", text("good"))),
    ),
    changed("tag-altered-in-case", "AUTH-3", "tag is in capitals", SIGNED, |it, _| {
        signature(it, |it| put(&mut it.parameters, "tag", text("Portal-Peering")));
    }),
    changed(
        "parameters-reordered",
        "AUTH-3",
        "the parameters stand in another order",
        "their order is part of @signature-params (RFC 9421 §2.3)",
        |it, _| {
            signature(it, |it| it.parameters.reverse());
        },
    )
    .harmless("they are signed in that order", Defect::Made(|it, _| it.parameters.reverse())),
    changed("parameters-dropped", "AUTH-3", "all parameters are gone", SIGNED, |it, _| {
        signature(it, |it| it.parameters.clear())
    }),
    made("created-as-text", "AUTH-4", "created is a String, and signed so", TYPE, |it, cast| {
        put(&mut it.parameters, "created", text(cast.now.to_string()))
    }),
    made("created-as-decimal", "AUTH-4", "created is a Decimal, and signed so", TYPE, |it, cast| {
        put(&mut it.parameters, "created", verbatim(format!("{}.5", cast.now % 1_000_000_000)));
    }),
    made("created-as-date", "AUTH-4", "created is a Date of RFC 9651, and signed so", TYPE, |it, cast| {
        put(&mut it.parameters, "created", verbatim(format!("@{}", cast.now)));
    }),
    made(
        "created-without-value",
        "AUTH-4",
        "created has no value, and is signed so",
        "a parameter without value is true (RFC 8941 §3.1.2), which is no Integer",
        |it, _| {
            put(&mut it.parameters, "created", verbatim("?1"));
        },
    ),
    made(
        "created-too-long",
        "AUTH-4",
        "created has sixteen digits",
        "an Integer has at most fifteen (RFC 8941 §3.3.1)",
        |it, _| {
            put(&mut it.parameters, "created", verbatim("1790000000000000"));
        },
    ),
    made(
        "created-in-hexadecimal",
        "AUTH-4",
        "created is written 0x…, and signed so",
        "that is no Integer (RFC 8941 §3.3.1)",
        |it, cast| {
            put(&mut it.parameters, "created", verbatim(format!("{:#x}", cast.now)));
        },
    ),
    made("expires-as-text", "AUTH-4", "expires is a String, and signed so", TYPE, |it, cast| {
        put(&mut it.parameters, "expires", text((cast.now + 60).to_string()));
    }),
    made("keyid-without-quotes", "AUTH-4", "keyid is not in quotes, and signed so", TYPE, |it, cast| {
        put(&mut it.parameters, "keyid", verbatim(cast.short_id("alice")));
    }),
    made("keyid-as-bytes", "AUTH-4", "keyid is a Byte Sequence, and signed so", TYPE, |it, cast| {
        let encoded = BASE64_STANDARD.encode(cast.short_id("alice"));
        put(&mut it.parameters, "keyid", verbatim(format!(":{encoded}:")));
    }),
    made("alg-as-token", "AUTH-4", "alg is a Token, and signed so", TYPE, |it, _| {
        put(&mut it.parameters, "alg", verbatim("ed25519"))
    }),
    made("nonce-as-integer", "AUTH-4", "nonce is an Integer, and signed so", TYPE, |it, _| {
        put(&mut it.parameters, "nonce", verbatim("12345"))
    }),
    made("tag-as-token", "AUTH-4", "tag is a Token, and signed so", TYPE, |it, _| {
        put(&mut it.parameters, "tag", verbatim("portal-peering"))
    }),
    made(
        "parameter-name-in-capitals",
        "AUTH-4",
        "a parameter's name is in capitals, and signed so",
        "keys are in lower case (RFC 8941 §3.1.2)",
        |it, _| {
            it.parameters.push(("Mood".into(), text("good")));
        },
    ),
    made(
        "parameter-not-closed",
        "AUTH-4",
        "the quotes of the last parameter are not closed, and it is signed so",
        "that is no String (RFC 8941 §3.3.3)",
        |it, _| {
            it.parameters.push(("mood".into(), verbatim("\"good")));
        },
    ),
    made(
        "parameter-in-another-script",
        "AUTH-4",
        "a parameter has letters outside of ASCII, and is signed so",
        "a String is printable ASCII (RFC 8941 §3.3.3)",
        |it, _| {
            it.parameters.push(("mood".into(), verbatim("\"gööd\"")));
        },
    ),
];
