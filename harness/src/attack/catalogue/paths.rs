//! Tricks with paths.

use super::super::model::{Attack, Defect, Expected, Family, changed, made};
use super::super::recipe::Recipe;
use super::Draft;

pub(super) const FAMILY: Family = Family {
    name: "paths",
    about: "A path that is open leads to one that is closed, or is written in another way than it was signed.",
    attacks: ATTACKS,
};

const BOTH: &str = "the decision is made on the raw path and on its normal form, and both must permit";
const LITERAL: &str = "the longest prefix that the path literally starts with decides";
const SPELLING: &str = "the value of @path is the path as it is written (RFC 9421 §2.2.6)";
/// Where the contract leaves room.
const NO_DETOUR: &str = "the normal form of ACL-8 (decoded once, dots resolved, slashes merged) does not leave the \
                         open path, so it may be let in, as it is; or a proxy may find it odd";
const ODD: &[u16] = &[400, 401, 404];
const CLOSED: Expected = Expected::Refused(ODD);
const AS_SENT: Expected = Expected::AsSentOr(ODD, NO_DETOUR);
const NO_URI: Expected = Expected::AsSentByAnyoneOr(
    &[400, 401, 403, 404],
    "it is no URI (RFC 3986 §3.3), so it may be refused, or nobody's; its normal form by ACL-8 does not leave the open path",
);
const ALTERED: Expected = Expected::NobodyOr(&[400, 404], "a proxy may find such a path odd");

const ATTACKS: &[Attack] = &[
    // Signed by the peer itself: from an open path to a closed one.
    made("detour-dots", "ACL-8", "the path is `/…/../notes`", BOTH, |it, _| detour(it, "../notes"))
        .expecting(CLOSED)
        .harmless("a detour within the open path: `/…/a/../b`", Defect::Made(|it, _| detour(it, "a/../b"))),
    made("detour-dots-deeper", "ACL-8", "the path is `/…/a/../../notes`", BOTH, |it, _| detour(it, "a/../../notes"))
        .expecting(CLOSED),
    made("detour-dots-encoded", "ACL-8", "the dots of `/…/../notes` are percent-encoded", BOTH, |it, _| {
        detour(it, "%2e%2e/notes")
    })
    .expecting(CLOSED),
    made(
        "detour-dots-encoded-in-capitals",
        "ACL-8",
        "the dots of `/…/../notes` are percent-encoded in capitals",
        BOTH,
        |it, _| detour(it, "%2E%2E/notes"),
    )
    .expecting(CLOSED),
    made("detour-one-dot-encoded", "ACL-8", "one of the dots of `/…/../notes` is percent-encoded", BOTH, |it, _| {
        detour(it, ".%2e/notes")
    })
    .expecting(CLOSED),
    made("detour-slash-encoded", "ACL-8", "the slash after the dots is percent-encoded", BOTH, |it, _| {
        detour(it, "..%2fnotes")
    })
    .expecting(CLOSED),
    made(
        "detour-slash-encoded-in-capitals",
        "ACL-8",
        "the slash after the dots is percent-encoded in capitals",
        BOTH,
        |it, _| detour(it, "..%2Fnotes"),
    )
    .expecting(CLOSED),
    made("detour-all-encoded", "ACL-8", "dots and slash are percent-encoded", BOTH, |it, _| {
        detour(it, "%2e%2e%2fnotes")
    })
    .expecting(CLOSED),
    made("detour-over-a-double-slash", "ACL-8", "the path is `/…//../../notes`", BOTH, |it, _| {
        detour(it, "/../../notes")
    })
    .expecting(CLOSED),
    made("detour-at-the-end", "ACL-8", "the path is `/…/..`", BOTH, |it, _| detour(it, "..")).expecting(CLOSED),
    made("detour-above-the-root", "ACL-8", "the path is `/…/../../../notes`", BOTH, |it, _| {
        detour(it, "../../../notes")
    })
    .expecting(CLOSED),
    made("detour-with-a-dot-between", "ACL-8", "the path is `/…/./../notes`", BOTH, |it, _| detour(it, "./../notes"))
        .expecting(CLOSED),
    made(
        "detour-from-a-closed-path",
        "ACL-8",
        "the path begins with a closed one and leads to the open one",
        "the raw path has to permit, too",
        |it, _| {
            it.path = format!("/notes/..{}", it.path);
        },
    )
    .expecting(CLOSED),
    made("path-in-capitals", "ACL-1", "the path is in capitals, and signed so", LITERAL, |it, _| {
        it.path = it.path.to_ascii_uppercase()
    })
    .expecting(CLOSED),
    made(
        "prefix-in-capitals",
        "ACL-1",
        "the first letter of the path is in capitals, and signed so",
        LITERAL,
        |it, _| {
            it.path = format!("/{}{}", it.path[1..2].to_ascii_uppercase(), &it.path[2..]);
        },
    )
    .expecting(CLOSED),
    made(
        "prefix-with-a-letter-encoded",
        "ACL-1",
        "a letter of the prefix is percent-encoded, and signed so",
        LITERAL,
        |it, _| {
            it.path = it.path.replacen("/p", "/%70", 1);
        },
    )
    .expecting(CLOSED),
    made(
        "prefix-after-a-double-slash",
        "ACL-1",
        "a second slash stands before the path, and is signed so",
        LITERAL,
        |it, _| it.path.insert(0, '/'),
    )
    .expecting(CLOSED),
    made("prefix-after-a-dot", "ACL-1", "`/.` stands before the path, and is signed so", LITERAL, |it, _| {
        it.path.insert_str(0, "/.")
    })
    .expecting(CLOSED),
    made(
        "prefix-without-slash",
        "ACL-1",
        "of the prefix the slash is missing, and it is signed so",
        LITERAL,
        |it, _| {
            let at = it.path[1..].find('/').map_or(it.path.len(), |at| at + 1);
            it.path.truncate(at);
        },
    )
    .expecting(CLOSED),
    made(
        "prefix-in-the-query",
        "ACL-1",
        "the open path stands in the query of a closed one",
        "the query takes no part",
        |it, _| {
            it.query = Some(format!("next={}", it.path));
            it.path = "/notes".into();
        },
    )
    .expecting(CLOSED),
    made(
        "prefix-behind-a-matrix-parameter",
        "ACL-1",
        "`;` stands between the slash and the prefix, and is signed so",
        LITERAL,
        |it, _| it.path.insert_str(1, ";x/"),
    )
    .expecting(CLOSED),
    // Where it is not a detour by the contract's own normal form.
    made("dots-encoded-twice", "ACL-8", "the dots of `/…/../notes` are percent-encoded twice", BOTH, |it, _| {
        detour(it, "%252e%252e/notes")
    })
    .expecting(AS_SENT),
    made("dots-behind-a-backslash", "ACL-8", "the slashes of `/…/../notes` are backslashes", BOTH, |it, _| {
        detour(it, "..\\notes")
    })
    .expecting(NO_URI),
    made(
        "dots-behind-an-encoded-backslash",
        "ACL-8",
        "the slashes of `/…/../notes` are encoded backslashes",
        BOTH,
        |it, _| detour(it, "..%5cnotes"),
    )
    .expecting(AS_SENT),
    made(
        "dots-with-a-matrix-parameter",
        "ACL-8",
        "the path is `/…/..;x/notes`",
        "some servers drop what stands behind `;`, and see a detour",
        |it, _| detour(it, "..;x/notes"),
    )
    .expecting(AS_SENT),
    made(
        "dots-overlong",
        "ACL-8",
        "the dots of `/…/../notes` are written in overlong UTF-8",
        "no decoder may read them as dots (RFC 3629 §3)",
        |it, _| {
            detour(it, "%c0%ae%c0%ae/notes");
        },
    )
    .expecting(AS_SENT),
    made(
        "dots-in-full-width",
        "ACL-8",
        "the dots of `/…/../notes` are full-width ones",
        "no decoder may read them as dots",
        |it, _| {
            detour(it, "%ef%bc%8e%ef%bc%8e/notes");
        },
    )
    .expecting(AS_SENT),
    made(
        "dots-before-a-null",
        "ACL-8",
        "a null byte stands behind the dots of `/…/../notes`",
        "what ends a text in C ends no path",
        |it, _| {
            detour(it, "..%00/notes");
        },
    )
    .expecting(AS_SENT),
    made(
        "dots-with-a-blank",
        "ACL-8",
        "a blank stands behind the dots of `/…/../notes`",
        "some file systems drop blanks, and see a detour",
        |it, _| detour(it, "..%20/notes"),
    )
    .expecting(AS_SENT),
    made("three-dots", "ACL-8", "the path is `/…/.../notes`", "three dots are a name like any other", |it, _| {
        detour(it, ".../notes")
    })
    .expecting(AS_SENT),
    made(
        "encoding-broken",
        "ACL-8",
        "a percent sign stands alone in the path",
        "what can't be decoded stands for itself",
        |it, _| detour(it, "%zz/%"),
    )
    .expecting(NO_URI),
    made(
        "path-with-a-null",
        "ACL-8",
        "a null byte stands in the path, percent-encoded",
        "what ends a text in C ends no path",
        |it, _| it.path.push_str("%00.txt"),
    )
    .expecting(AS_SENT),
    // Written in another way than it was signed.
    changed("path-letter-encoded", "AUTH-3", "a letter of the path is percent-encoded", SPELLING, |it, _| {
        it.path = it.path.replacen("page", "%70age", 1).replacen("inbox", "%69nbox", 1);
    }),
    changed("path-slash-doubled", "AUTH-3", "a slash of the path is doubled", SPELLING, |it, _| rejoined(it, "//")),
    changed("path-dot-inserted", "AUTH-3", "`/./` stands in the path", SPELLING, |it, _| rejoined(it, "/./")),
    changed("path-detour-inserted", "AUTH-3", "`/a/../` stands in the path", SPELLING, |it, _| rejoined(it, "/a/../")),
    changed("path-slash-appended", "AUTH-3", "the path ends with a slash", SPELLING, |it, _| it.path.push('/')),
    changed("path-slash-encoded", "AUTH-3", "the last slash of the path is percent-encoded", SPELLING, |it, _| {
        rejoined(it, "%2f")
    })
    .expecting(Expected::NobodyOr(&[400, 401, 404], "as it is written the path begins with no open prefix (ACL-1)")),
    changed(
        "path-in-another-case",
        "AUTH-3",
        "a letter of the path is in capitals",
        "paths are compared with case",
        |it, _| {
            it.path = it.path.replacen("page", "Page", 1).replacen("inbox", "Inbox", 1);
        },
    ),
    changed("path-matrix-parameter-appended", "AUTH-3", "`;x=1` stands behind the path", SPELLING, |it, _| {
        it.path.push_str(";x=1")
    }),
    changed("path-dot-appended", "AUTH-3", "a dot stands behind the path", SPELLING, |it, _| it.path.push('.')),
    changed("path-blank-appended", "AUTH-3", "an encoded blank stands behind the path", SPELLING, |it, _| {
        it.path.push_str("%20")
    }),
    changed("path-null-appended", "AUTH-3", "an encoded null byte stands behind the path", SPELLING, |it, _| {
        it.path.push_str("%00")
    })
    .expecting(ALTERED),
    changed("path-line-end-appended", "AUTH-3", "an encoded line end stands behind the path", SPELLING, |it, _| {
        it.path.push_str("%0d%0a")
    })
    .expecting(ALTERED),
    changed(
        "path-backslash-inserted",
        "AUTH-3",
        "a backslash stands behind the last slash of the path",
        SPELLING,
        |it, _| {
            rejoined(it, "/\\");
        },
    )
    .expecting(ALTERED),
    changed(
        "path-fragment-appended",
        "AUTH-3",
        "a fragment stands behind the query",
        "a fragment is no part of a request target (RFC 9112 §3.2)",
        |it, _| {
            it.query = it.query.take().map(|query| format!("{query}#x"));
        },
    )
    .expecting(Expected::NobodyOr(&[400], "a target with a fragment is malformed")),
    changed(
        "path-blank-inserted",
        "AUTH-3",
        "a bare blank stands in the path",
        "a blank ends the target (RFC 9112 §3)",
        |it, _| it.path.push_str(" x"),
    )
    .expecting(Expected::NobodyOr(&[400], "a request line with three blanks is malformed")),
    changed(
        "path-in-utf-8",
        "AUTH-3",
        "a letter outside of ASCII stands in the path, not encoded",
        SPELLING,
        |it, _| it.path.push('ä'),
    )
    .expecting(ALTERED),
];

/// Goes on like this behind the prefix that is open.
fn detour(recipe: &mut Recipe, rest: &str) {
    let prefix = recipe.path[1..].find('/').map_or(recipe.path.len(), |at| at + 2);
    recipe.path.truncate(prefix);
    recipe.path.push_str(rest);
}

/// Writes this in place of the last slash of the path.
fn rejoined(draft: &mut Draft, with: &str) {
    if let Some((before, after)) = draft.path.rsplit_once('/') {
        draft.path = format!("{before}{with}{after}");
    }
}
