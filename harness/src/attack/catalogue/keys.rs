//! Whose key it is.

use super::super::keys::Manner;
use super::super::model::{Attack, Defect, Family, Meanwhile, made, other};
use super::super::recipe::{Pen, Valid};
use super::{put, take, text};

pub(super) const FAMILY: Family = Family {
    name: "keys",
    about: "The key is another peer's, a stranger's, one that is no more, or nobody's.",
    attacks: ATTACKS,
};

const NAMED: &str = "the key is the one of the peer whom keyid names, and no other is tried";
const LITERAL: &str = "ids are compared literally (PEER-10): such a keyid names nobody";
const UNKNOWN: &str = "such a keyid names nobody";

const ATTACKS: &[Attack] = &[
    made("key-of-another-peer", "AUTH-5", "another peer signs under the peer's keyid", NAMED, |it, _| {
        it.pen = Pen::KeyOf("carol", Manner::Own)
    })
    .harmless(
        "that peer signs under its own keyid",
        Defect::Made(|it, cast| {
            it.pen = Pen::KeyOf("carol", Manner::Own);
            put(&mut it.parameters, "keyid", text(cast.short_id("carol")));
        }),
    ),
    made("key-of-a-stranger", "AUTH-5", "a stranger signs under the peer's keyid", NAMED, |it, _| {
        it.pen = Pen::KeyOf("mallory", Manner::Own)
    }),
    made("keyid-of-another-peer", "AUTH-5", "the peer signs under another peer's keyid", NAMED, |it, cast| {
        put(&mut it.parameters, "keyid", text(cast.short_id("carol")));
    }),
    made(
        "stranger",
        "PEER-8",
        "who signs is not a peer",
        "both Portals must have added each other; a caller that is not a peer is anonymous",
        |it, cast| {
            it.pen = Pen::KeyOf("mallory", Manner::Own);
            put(&mut it.parameters, "keyid", text(cast.short_id("mallory")));
        },
    ),
    made(
        "keyid-of-the-portal-itself",
        "AUTH-5",
        "keyid is the short ID of the Portal that is asked",
        "a Portal is not its own peer (PEER-14)",
        |it, cast| {
            put(&mut it.parameters, "keyid", text(cast.domain.split('.').next().unwrap_or_default()));
        },
    ),
    made("keyid-unknown", "AUTH-5", "keyid is a short ID that nobody has", UNKNOWN, |it, _| {
        put(&mut it.parameters, "keyid", text("aaaaaa"))
    }),
    made(
        "keyid-missing",
        "AUTH-5",
        "there is no keyid, and it is signed so",
        "without keyid nobody is named",
        |it, _| take(&mut it.parameters, "keyid"),
    ),
    made("keyid-empty", "AUTH-5", "keyid is an empty text", UNKNOWN, |it, _| {
        put(&mut it.parameters, "keyid", text(""))
    }),
    made(
        "keyid-of-one-character",
        "AUTH-5",
        "keyid is the first character of the peer's ID",
        "a short ID has six characters (ID-3)",
        |it, cast| {
            put(&mut it.parameters, "keyid", text(&cast.short_id("alice")[..1]));
        },
    ),
    made(
        "keyid-of-five-characters",
        "AUTH-5",
        "keyid is the first five characters of the peer's ID",
        "a short ID has six characters (ID-3)",
        |it, cast| {
            put(&mut it.parameters, "keyid", text(&cast.short_id("alice")[..5]));
        },
    ),
    made("keyid-in-capitals", "PEER-10", "keyid is the peer's short ID in capitals", LITERAL, |it, cast| {
        // Also where there is no letter in it: then an X stands for the first character.
        let capitals = cast.short_id("alice").to_ascii_uppercase();
        let differs = capitals != cast.short_id("alice");
        put(&mut it.parameters, "keyid", text(if differs { capitals } else { format!("X{}", &capitals[1..]) }));
    }),
    made(
        "keyid-of-underscores",
        "PEER-10",
        "keyid is `______`, which matches any six characters in SQL",
        LITERAL,
        |it, _| {
            put(&mut it.parameters, "keyid", text("______"));
        },
    ),
    made(
        "keyid-of-a-percent-sign",
        "PEER-10",
        "keyid is the peer's short ID with its end replaced by `%`, a pattern of SQL",
        LITERAL,
        |it, cast| {
            put(&mut it.parameters, "keyid", text(format!("{}%", &cast.short_id("alice")[..5])));
        },
    ),
    made("keyid-of-an-expression", "PEER-10", "keyid is `.*`, a regular expression", LITERAL, |it, _| {
        put(&mut it.parameters, "keyid", text(".*"))
    }),
    made("keyid-of-a-glob", "PEER-10", "keyid is the beginning of the peer's short ID and `*`", LITERAL, |it, cast| {
        put(&mut it.parameters, "keyid", text(format!("{}*", &cast.short_id("alice")[..5])));
    }),
    made(
        "keyid-of-an-injection",
        "PEER-10",
        "keyid is the peer's short ID with a piece of SQL behind it",
        LITERAL,
        |it, cast| {
            put(&mut it.parameters, "keyid", text(format!("{}' OR '1'='1", cast.short_id("alice"))));
        },
    ),
    made("keyid-with-a-blank", "PEER-10", "a blank stands after the peer's short ID in keyid", LITERAL, |it, cast| {
        put(&mut it.parameters, "keyid", text(format!("{} ", cast.short_id("alice"))));
    }),
    made(
        "keyid-with-another-end",
        "PEER-10",
        "keyid is the peer's short ID, and the rest of another peer's ID",
        LITERAL,
        |it, cast| {
            put(&mut it.parameters, "keyid", text(format!("{}{}", cast.short_id("alice"), &cast.id("carol")[6..])));
        },
    ),
    made("keyid-of-a-domain", "PEER-10", "keyid is the peer's short ID with a zone behind it", LITERAL, |it, cast| {
        put(&mut it.parameters, "keyid", text(format!("{}.p.getportal.org", cast.short_id("alice"))));
    }),
    made(
        "keyid-of-an-address",
        "AUTH-5",
        "keyid is an address from which a key could be fetched",
        "keys are learnt from peers when they are added, not from what a request says",
        |it, _| {
            it.pen = Pen::KeyOf("mallory", Manner::Own);
            put(&mut it.parameters, "keyid", text("https://mallory.example/key.pem"));
        },
    ),
    made(
        "key-in-a-parameter",
        "AUTH-5",
        "a stranger signs under the peer's keyid and brings the key along as a parameter",
        NAMED,
        |it, cast| {
            it.pen = Pen::KeyOf("mallory", Manner::Own);
            let key = cast.players.get("mallory").map(|mallory| mallory.public_key_pem()).unwrap_or_default();
            let key: String = key.lines().filter(|line| !line.starts_with('-')).collect();
            it.parameters.push(("key".into(), text(key)));
        },
    ),
    made(
        "key-in-a-field",
        "AUTH-5",
        "a stranger signs under the peer's keyid and brings the key along in a field",
        NAMED,
        |it, cast| {
            it.pen = Pen::KeyOf("mallory", Manner::Own);
            let key = cast.players.get("mallory").map(|mallory| mallory.public_key_pem()).unwrap_or_default();
            let key: String = key.lines().filter(|line| !line.starts_with('-')).collect();
            it.fields.push(("X-Public-Key".into(), key));
        },
    ),
    other(
        "key-of-a-removed-peer",
        "PEER-9",
        "the owner has removed the peer who signs",
        "a removed peer's next request is anonymous",
        Defect::Circumstance,
    )
    .after(Meanwhile::PeerRemoved),
    made(
        "key-that-changed",
        "PEER-11",
        "the peer's Portal tells another key under its old ID, and that key signs",
        "a learnt key is pinned, and a key that does not hash to the ID is nobody's",
        |it, _| {
            it.pen = Pen::KeyOf("mallory", Manner::Own);
        },
    )
    .after(Meanwhile::KeyChanges),
    made(
        "key-with-the-same-short-id",
        "PEER-12",
        "who signs is not a peer, but shares its short ID with one",
        "peers whose short IDs collide are told apart by their keys",
        |it, _| {
            it.pen = Pen::KeyOf("dana", Manner::Own);
        },
    )
    .from(Valid::Shared),
    made(
        "key-with-the-same-short-id-at-the-address",
        "PEER-11",
        "who signs shares its short ID with a peer, and has taken over its address",
        "a different key under the same short ID does not replace the one that was learnt",
        |it, _| {
            it.pen = Pen::KeyOf("dana", Manner::Own);
        },
    )
    .from(Valid::Shared)
    .after(Meanwhile::AddressTaken),
];
