//! What was overheard is sent again.

use super::super::model::quietly;
use super::super::model::{Attack, Defect, Door, Expected, Family, Meanwhile, other};
use super::super::recipe::Valid;
use super::{put, signature, take, text};

pub(super) const FAMILY: Family = Family {
    name: "replay",
    about: "What was overheard is sent again: to the same app, to another one, to another Portal, or a \
         little changed.",
    attacks: ATTACKS,
};

const ONCE: &str = "a nonce counts once for each key within the window";
const SAME: &str = "a nonce counts once for each key within the window, whatever else is different";

const ATTACKS: &[Attack] = &[
    other("replay", "AUTH-9", "it is sent a second time", ONCE, Defect::Again(|_, _| {})),
    other("replay-of-a-body", "AUTH-9", "it is sent a second time, with its body", ONCE, Defect::Again(|_, _| {}))
        .from(Valid::Body),
    other(
        "replay-after-a-restart",
        "AUTH-9",
        "it is sent a second time when the Core has been restarted",
        "the nonces of the window are kept across a restart",
        Defect::Again(|_, _| {}),
    )
    .after(Meanwhile::CoreRestarts),
    other(
        "replay-with-fields-reordered",
        "AUTH-9",
        "it is sent a second time, with the fields in another order",
        SAME,
        Defect::Again(|it, _| it.fields.rotate_left(1)),
    ),
    other(
        "replay-with-a-field-more",
        "AUTH-9",
        "it is sent a second time, with a field that is not covered",
        SAME,
        Defect::Again(|it, _| it.add_field("X-Other", "1")),
    ),
    other(
        "replay-under-another-label",
        "AUTH-9",
        "it is sent a second time, under another label",
        "the label is not signed: it makes no other signature",
        Defect::Again(|it, _| {
            signature(it, |it| it.label = "other".into());
        }),
    ),
    other(
        "replay-with-the-signature-respelled",
        "AUTH-9",
        "it is sent a second time, with spaces around the members of both fields",
        "how a signature is written is no part of it",
        Defect::Again(|it, _| {
            let of = |name: &str| {
                it.lines().into_iter().find(|(line, _)| line == name).map(|(_, value)| value).unwrap_or_default()
            };
            let (input, value) = (of("Signature-Input"), of("Signature"));
            it.set_field("Signature-Input", &format!("  {input}  "));
            it.set_field("Signature", &format!("  {value}  "));
        }),
    ),
    other(
        "replay-in-one-line-with-another",
        "AUTH-9",
        "it is sent a second time, with another signature before it",
        SAME,
        Defect::Again(|it, _| {
            it.fields.insert(0, ("Signature-Input".into(), "first=(\"@method\");created=1".into()));
            it.fields.insert(1, ("Signature".into(), "first=:AAAA:".into()));
        }),
    ),
    other(
        "replay-with-host-in-capitals",
        "AUTH-9",
        "it is sent a second time, with Host in capitals",
        SAME,
        Defect::Again(|it, _| it.host = it.host.to_ascii_uppercase()),
    ),
    other(
        "nonce-used-for-another-request",
        "AUTH-9",
        "another request is signed with the same nonce",
        "a nonce that this key has used before within the window authenticates nobody",
        Defect::AgainSigned(|it, _| {
            it.query = Some("amount=2&to=bob".into());
        }),
    ),
    other(
        "nonce-used-with-another-tag",
        "AUTH-9",
        "the request is signed once more with the same nonce and another tag",
        "a nonce counts once for each key, not for each tag",
        Defect::AgainSigned(|it, _| {
            put(&mut it.parameters, "tag", text("another"));
        }),
    ),
    other(
        "nonce-used-by-another-app",
        "AUTH-9",
        "a request to another app is signed with the same nonce",
        "a nonce counts once for each key, not for each app",
        Defect::AgainSigned(|it, cast| {
            it.host = cast.files();
        }),
    ),
    other(
        "replay-to-another-app",
        "AUTH-3",
        "it is sent a second time, to another app of the same Portal",
        "what was meant for one app is not meant for another",
        Defect::Again(|it, cast| {
            it.host = cast.files();
        }),
    ),
    other(
        "replay-to-another-portal",
        "AUTH-3",
        "it is sent a second time, to the same app of another Portal",
        "what was meant for one Portal is not meant for another",
        Defect::Again(|it, cast| {
            it.host = cast.elsewhere();
        }),
    )
    .at(Door::Elsewhere),
    other(
        "replay-to-another-portal-under-target-uri",
        "AUTH-3",
        "it is sent a second time, to the same app of another Portal, where the target is covered as one",
        "what was meant for one Portal is not meant for another",
        Defect::Again(|it, cast| {
            it.host = cast.elsewhere();
        }),
    )
    .from(Valid::Target)
    .at(Door::Elsewhere),
    other(
        "replay-to-another-portal-under-the-first-s-name",
        "PROXY-1",
        "it is sent a second time, to another Portal, with Host as it was",
        "a Portal serves its own names only",
        Defect::Again(|_, _| {}),
    )
    .at(Door::Elsewhere)
    .expecting(Expected::Refused(&[400, 404, 421])),
    other(
        "replay-without-the-nonce",
        "AUTH-3",
        "it is sent a second time, without its nonce",
        "the parameters are signed themselves (RFC 9421 §2.3)",
        Defect::Again(|it, _| {
            signature(it, |it| take(&mut it.parameters, "nonce"));
        }),
    ),
    other(
        "replay-without-the-covered-field",
        "AUTH-3",
        "it is sent a second time, without a field that it covers",
        "a covered field that is missing makes the base impossible (RFC 9421 §2.5)",
        Defect::Again(|it, _| {
            quietly(it.remove_field("X-Note"));
        }),
    ),
];
