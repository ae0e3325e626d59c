//! The body is not the one that was signed.

use super::super::model::{Attack, Defect, Expected, Family, Slow, changed, made, other, quietly, written};
use super::super::recipe::Valid;
use super::super::values::content_digest;
use super::signature;

pub(super) const FAMILY: Family =
    Family { name: "body", about: "The body is not the one that was signed.", attacks: ATTACKS };

const CHECKED: &str = "where a signature covers Content-Digest, the body is checked before the app sees any of it";
const UNCHECKED: &str = "a digest that can't be checked says nothing about the body, and this body is another one";

const ATTACKS: &[Attack] = &[
    changed("body-swapped", "PROXY-10", "the body is another one of the same length", CHECKED, |it, _| {
        it.body = Some(b"pay 9".to_vec())
    })
    .on_body(),
    changed("body-truncated", "PROXY-10", "the last byte of the body is missing", CHECKED, |it, _| {
        it.body = Some(b"pay ".to_vec())
    })
    .on_body(),
    changed("body-extended", "PROXY-10", "the body has a byte more", CHECKED, |it, _| {
        it.body = Some(b"pay 10".to_vec())
    })
    .on_body(),
    changed("body-with-a-line-end", "PROXY-10", "a line end was added to the body", CHECKED, |it, _| {
        it.body = Some(b"pay 1\n".to_vec())
    })
    .on_body(),
    changed("body-emptied", "PROXY-10", "the body is empty", CHECKED, |it, _| it.body = Some(Vec::new())).on_body(),
    changed("body-removed", "PROXY-10", "there is no body", CHECKED, |it, _| it.body = None).on_body(),
    changed("body-in-capitals", "PROXY-10", "the body is in capitals", CHECKED, |it, _| {
        it.body = Some(b"PAY 1".to_vec())
    })
    .on_body(),
    changed("body-of-zeros", "PROXY-10", "a zero byte stands after the body", CHECKED, |it, _| {
        it.body = Some(b"pay 1\0".to_vec())
    })
    .on_body(),
    written("body-swapped-in-chunks", "PROXY-10", "the body is another one, in chunks", CHECKED, |it, _| {
        it.chunked(b"2\r\npa\r\n3\r\ny 9\r\n0\r\n\r\n")
    })
    .expecting(Expected::BodyRefused)
    .harmless(
        "the body that was signed, in chunks",
        Defect::Written(|it, _| it.chunked(b"2\r\npa\r\n3\r\ny 1\r\n0\r\n\r\n")),
    ),
    written("body-extended-by-a-chunk", "PROXY-10", "the body goes on in a second chunk", CHECKED, |it, _| {
        it.chunked(b"5\r\npay 1\r\n1\r\n0\r\n0\r\n\r\n")
    })
    .expecting(Expected::BodyRefused),
    changed(
        "body-swapped-with-its-digest",
        "AUTH-3",
        "the body is another one, and Content-Digest fits it",
        "Content-Digest is a covered field: its value was signed",
        |it, _| {
            it.body = Some(b"pay 9".to_vec());
            it.set_field("Content-Digest", &content_digest(b"pay 9"));
        },
    )
    .from(Valid::Body)
    .harmless(
        "another body, its digest and all, is signed",
        Defect::Made(|it, _| {
            it.body = Some(b"pay 9".to_vec());
            it.fields =
                vec![("Content-Type".into(), "text/plain".into()), ("Content-Digest".into(), content_digest(b"pay 9"))];
        }),
    ),
    changed(
        "digest-of-another-body",
        "AUTH-3",
        "Content-Digest is that of another body",
        "Content-Digest is a covered field; and it does not fit the body",
        |it, _| {
            it.set_field("Content-Digest", &content_digest(b"pay 9"));
        },
    )
    .from(Valid::Body)
    .expecting(Expected::NobodyOr(&[400], "a proxy that checks a body against its digest refuses it (PROXY-10)")),
    changed(
        "digest-dropped",
        "AUTH-3",
        "Content-Digest is gone",
        "a covered field that is missing makes the base impossible (RFC 9421 §2.5)",
        |it, _| {
            quietly(it.remove_field("Content-Digest"));
        },
    )
    .from(Valid::Body)
    .expecting(Expected::NobodyOr(&[400], "a proxy may miss the digest that is said to be covered")),
    changed(
        "digest-taken-off-the-list",
        "AUTH-3",
        "the body is another one, and content-digest is taken off the list of covered components",
        "the list of covered components is signed itself",
        |it, _| {
            it.body = Some(b"pay 9".to_vec());
            signature(it, |it| it.covering = it.covering.replace(" \"content-digest\"", ""));
        },
    )
    .from(Valid::Body),
    made("digest-wrong-and-signed", "PROXY-10", "the peer signs a digest that is not the body's", CHECKED, |it, _| {
        it.fields =
            vec![("Content-Type".into(), "text/plain".into()), ("Content-Digest".into(), content_digest(b"pay 9"))];
    })
    .on_body(),
    made(
        "digest-right-in-one-line-only",
        "PROXY-10",
        "two digests are signed, and the second is wrong",
        "each digest that is covered has to be right",
        |it, _| {
            it.fields.push(("Content-Digest".into(), "sha-512=:AAAA:".into()));
        },
    )
    .on_body(),
    made(
        "digest-weak",
        "PROXY-10",
        "the digest that is signed is MD5, and the body another one",
        UNCHECKED,
        |it, _| {
            // The MD5 of `pay 1`.
            it.fields = vec![
                ("Content-Type".into(), "text/plain".into()),
                ("Content-Digest".into(), "md5=:1yAdr8pHSru1aWrycVVNrg==:".into()),
            ];
            it.body = Some(b"pay 9".to_vec());
        },
    )
    .on_body(),
    made(
        "digest-unknown",
        "PROXY-10",
        "the digest that is signed is of an algorithm that there is not, and the body another one",
        UNCHECKED,
        |it, _| {
            it.fields =
                vec![("Content-Type".into(), "text/plain".into()), ("Content-Digest".into(), "moon=:AAAA:".into())];
            it.body = Some(b"pay 9".to_vec());
        },
    )
    .on_body(),
    made(
        "digest-of-the-wrong-length",
        "PROXY-10",
        "the digest that is signed is the first half of the right one",
        CHECKED,
        |it, _| {
            it.fields = vec![
                ("Content-Type".into(), "text/plain".into()),
                ("Content-Digest".into(), content_digest(b"pay 1")[..29].to_owned() + "==:"),
            ];
        },
    )
    .on_body(),
    made("digest-empty", "PROXY-10", "the digest that is signed is empty", CHECKED, |it, _| {
        it.fields = vec![("Content-Type".into(), "text/plain".into()), ("Content-Digest".into(), "sha-256=::".into())];
    })
    .on_body(),
    other(
        "body-not-whole",
        "PROXY-10",
        "the body breaks off",
        "the digest of half a body does not fit",
        Defect::Slow(Slow::Body),
    )
    .from(Valid::Body)
    .expecting(Expected::HeldUp),
];

impl Attack {
    /// On the request with a body, which is refused.
    const fn on_body(self) -> Attack {
        self.from(Valid::Body).expecting(Expected::BodyRefused)
    }
}
