//! Fields that say who asks, where from, and what for: forged, in every spelling.

use super::super::model::{Attack, Defect, Expected, Family, changed, made, quietly, written};
use super::super::recipe::Valid;

pub(super) const FAMILY: Family = Family {
    name: "headers",
    about: "Fields say who asks, where from, or what for, and are forged, in every spelling.",
    attacks: ATTACKS,
};

const STRIPPED: &str = "client-sent X-Ptl-* never reach the app";
const ALIAS: &str = "many app servers read `_` as `-`, and names without case: then a forged field is a true one";
const REPLACED: &str = "client-sent X-Forwarded-* and Forwarded are replaced: what is asked for is what stands in the \
         request line";
const CLOSED: Expected = Expected::Refused(&[400, 401, 404]);
const TOLD: Expected = Expected::NothingForged(&[]);
/// A JWT with `alg` none, for the owner.
const UNSIGNED: &str = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJvd25lciJ9.";
/// A JWT with `alg` HS256, for the owner, signed with zeros.
const FOREIGN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJvd25lciJ9.\
                       AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// An odd form, which a proxy may refuse as well.
const TOLD_OR_REFUSED: Expected = Expected::NothingForged(&[400]);

const ATTACKS: &[Attack] = &[
    changed("identity-type-forged", "ACL-6", "X-Ptl-Client-Type is sent along", STRIPPED, |it, _| {
        it.add_field("X-Ptl-Client-Type", "forged")
    })
    .expecting(TOLD)
    .harmless(
        "X-Plt-Client-Type is sent along, which is another field",
        Defect::Changed(|it, _| it.add_field("X-Plt-Client-Type", "mine")),
    ),
    changed("identity-id-forged", "ACL-6", "X-Ptl-Client-Id is sent along", STRIPPED, |it, _| {
        it.add_field("X-Ptl-Client-Id", "forged")
    })
    .expecting(TOLD),
    changed("identity-name-forged", "ACL-6", "X-Ptl-Client-Name is sent along", STRIPPED, |it, _| {
        it.add_field("X-Ptl-Client-Name", "forged")
    })
    .expecting(TOLD),
    changed(
        "identity-undeclared-forged",
        "ACL-6",
        "an X-Ptl field is sent along that the app did not declare",
        STRIPPED,
        |it, _| {
            it.add_field("X-Ptl-Admin", "forged");
        },
    )
    .expecting(TOLD),
    changed("identity-field-without-an-end", "ACL-6", "the field X-Ptl- is sent along", STRIPPED, |it, _| {
        it.add_field("X-Ptl-", "forged")
    })
    .expecting(TOLD),
    made(
        "identity-forged-and-signed",
        "ACL-6",
        "X-Ptl-Client-Id is sent along, and covered by the signature",
        "that a peer signs a claim does not make it true",
        |it, _| {
            it.fields.push(("X-Ptl-Client-Id".into(), "forged".into()));
            it.covering.push_str(" \"x-ptl-client-id\"");
        },
    )
    .expecting(TOLD),
    changed("identity-forged-before", "ACL-6", "X-Ptl-Client-Id stands before all other fields", STRIPPED, |it, _| {
        it.fields.insert(0, ("X-Ptl-Client-Id".into(), "forged".into()));
    })
    .expecting(TOLD),
    changed(
        "identity-forged-in-capitals",
        "ACL-6",
        "X-PTL-CLIENT-ID is sent along",
        "names of fields have no case",
        |it, _| it.add_field("X-PTL-CLIENT-ID", "forged"),
    )
    .expecting(TOLD),
    changed(
        "identity-forged-in-odd-case",
        "ACL-6",
        "x-pTl-cLIENT-iD is sent along",
        "names of fields have no case",
        |it, _| it.add_field("x-pTl-cLIENT-iD", "forged"),
    )
    .expecting(TOLD),
    changed("identity-forged-thrice", "ACL-6", "X-Ptl-Client-Id is sent along three times", STRIPPED, |it, _| {
        for name in ["X-Ptl-Client-Id", "x-ptl-client-id", "X-Ptl-Client-Id"] {
            it.add_field(name, "forged");
        }
    })
    .expecting(TOLD),
    changed("identity-forged-with-underscores", "ACL-7", "X_Ptl_Client_Id is sent along", ALIAS, |it, _| {
        it.add_field("X_Ptl_Client_Id", "forged")
    })
    .expecting(TOLD_OR_REFUSED),
    changed("identity-forged-with-one-underscore", "ACL-7", "X-Ptl_Client-Id is sent along", ALIAS, |it, _| {
        it.add_field("X-Ptl_Client-Id", "forged")
    })
    .expecting(TOLD_OR_REFUSED),
    changed("identity-forged-with-an-underscore-first", "ACL-7", "x_ptl-client-type is sent along", ALIAS, |it, _| {
        it.add_field("x_ptl-client-type", "forged")
    })
    .expecting(TOLD_OR_REFUSED),
    written(
        "identity-forged-before-a-blank",
        "PROXY-4",
        "a blank stands between X-Ptl-Client-Id and its colon",
        "such a line is refused with 400 (RFC 9112 §5.1)",
        |it, _| {
            it.add_line("X-Ptl-Client-Id : forged");
        },
    )
    .expecting(Expected::Refused(&[400])),
    written(
        "identity-forged-behind-a-blank",
        "PROXY-4",
        "a blank stands before X-Ptl-Client-Id",
        "read by one, that continues the line before; by another, it is a field",
        |it, _| {
            it.add_line(" X-Ptl-Client-Id: forged");
        },
    )
    .expecting(TOLD_OR_REFUSED),
    written(
        "identity-forged-in-a-trailer",
        "ACL-6",
        "X-Ptl-Client-Id stands behind the body",
        "a trailer is a field, too",
        |it, _| {
            it.add("Trailer", "X-Ptl-Client-Id");
            it.add("TE", "trailers");
            it.chunked(b"5\r\npay 1\r\n0\r\nX-Ptl-Client-Id: forged\r\n\r\n");
        },
    )
    .expecting(TOLD_OR_REFUSED),
    written(
        "identity-forged-in-a-trailer-with-underscores",
        "ACL-7",
        "X_Ptl_Client_Id stands behind the body",
        ALIAS,
        |it, _| {
            it.add("Trailer", "X_Ptl_Client_Id");
            it.add("TE", "trailers");
            it.chunked(b"5\r\npay 1\r\n0\r\nX_Ptl_Client_Id: forged\r\n\r\n");
        },
    )
    .expecting(TOLD_OR_REFUSED),
    written(
        "identity-dropped-by-connection",
        "PROXY-2",
        "Connection names X-Ptl-Client-Type and the others as fields of this hop",
        "else a client could make the proxy drop what its Core says",
        |it, _| {
            it.add("Connection", "close, X-Ptl-Client-Type, X-Ptl-Client-Id, X-Ptl-Client-Name");
        },
    )
    .expecting(TOLD_OR_REFUSED),
    written(
        "forwarding-dropped-by-connection",
        "PROXY-2",
        "Connection names X-Forwarded-Uri and the others as fields of this hop",
        "else a client could make the proxy drop what it asks its Core about",
        |it, _| {
            it.add(
                "Connection",
                "close, X-Forwarded-Uri, X-Forwarded-Host, X-Forwarded-Method, X-Forwarded-Proto, X-Forwarded-For",
            );
        },
    )
    .expecting(TOLD_OR_REFUSED),
    made(
        "forwarded-uri-forged",
        "PROXY-8",
        "the path is closed and X-Forwarded-Uri the open one",
        REPLACED,
        |it, _| closed_but(it, "X-Forwarded-Uri"),
    )
    .expecting(CLOSED),
    made(
        "forwarded-uri-forged-with-underscores",
        "PROXY-8",
        "the path is closed and X_Forwarded_Uri the open one",
        REPLACED,
        |it, _| closed_but(it, "X_Forwarded_Uri"),
    )
    .expecting(CLOSED),
    made(
        "forwarded-path-forged",
        "PROXY-8",
        "the path is closed and X-Forwarded-Path the open one",
        REPLACED,
        |it, _| closed_but(it, "X-Forwarded-Path"),
    )
    .expecting(CLOSED),
    made(
        "forwarded-prefix-forged",
        "PROXY-8",
        "the path is closed and X-Forwarded-Prefix the open one",
        REPLACED,
        |it, _| closed_but(it, "X-Forwarded-Prefix"),
    )
    .expecting(CLOSED),
    made(
        "original-url-forged",
        "PROXY-2",
        "the path is closed and X-Original-Url the open one",
        "some frameworks take the path from there; what is asked for stands in the request line",
        |it, _| {
            closed_but(it, "X-Original-Url");
        },
    )
    .expecting(CLOSED),
    made(
        "original-uri-forged",
        "PROXY-2",
        "the path is closed and X-Original-Uri the open one",
        "nginx asks its auth server with this field; what is asked for stands in the request line",
        |it, _| {
            closed_but(it, "X-Original-Uri");
        },
    )
    .expecting(CLOSED),
    made(
        "rewrite-url-forged",
        "PROXY-2",
        "the path is closed and X-Rewrite-Url the open one",
        "some servers take the path from there; what is asked for stands in the request line",
        |it, _| {
            closed_but(it, "X-Rewrite-Url");
        },
    )
    .expecting(CLOSED),
    changed("forwarded-method-forged", "PROXY-8", "X-Forwarded-Method says DELETE", REPLACED, |it, _| {
        it.add_field("X-Forwarded-Method", "DELETE")
    })
    .expecting(TOLD),
    changed(
        "forwarded-method-for-another-method",
        "PROXY-8",
        "the method is DELETE and X-Forwarded-Method says GET, which was signed",
        REPLACED,
        |it, _| {
            it.method = "DELETE".into();
            it.add_field("X-Forwarded-Method", "GET");
        },
    ),
    changed(
        "method-override-for-another-method",
        "AUTH-3",
        "the method is DELETE and X-HTTP-Method-Override says GET, which was signed",
        "the method is that of the request line",
        |it, _| {
            it.method = "DELETE".into();
            it.add_field("X-HTTP-Method-Override", "GET");
        },
    ),
    changed("forwarded-proto-forged", "PROXY-8", "X-Forwarded-Proto says http", REPLACED, |it, _| {
        it.add_field("X-Forwarded-Proto", "http")
    })
    .expecting(TOLD),
    changed("forwarded-for-forged", "PROXY-8", "X-Forwarded-For says 127.0.0.1", REPLACED, |it, _| {
        it.add_field("X-Forwarded-For", "127.0.0.1")
    })
    .expecting(TOLD),
    changed("forwarded-forged", "PROXY-8", "Forwarded says host and proto", REPLACED, |it, _| {
        it.add_field("Forwarded", "for=127.0.0.1;host=evil.example;proto=http");
    })
    .expecting(TOLD),
    changed("forwarded-body-forged", "PROXY-8", "X-Forwarded-Body says that there is no body", REPLACED, |it, _| {
        it.add_field("X-Forwarded-Body", "absent")
    })
    .from(Valid::Body)
    .expecting(TOLD),
    changed(
        "cookie-that-is-unsigned",
        "TERM-3",
        "in place of the signature there is a cookie with `alg` none",
        "a JWT is what its signature makes it, and `none` is no signature",
        |it, _| {
            only_cookie(it, UNSIGNED);
        },
    )
    .harmless(
        "the same cookie stands beside the signature",
        Defect::Changed(|it, _| {
            it.add_field("Cookie", &format!("authorization={UNSIGNED}"));
        }),
    ),
    changed(
        "cookie-of-another-portal",
        "TERM-3",
        "in place of the signature there is a cookie that another key signed",
        "a JWT counts if this Portal's own key signed it",
        |it, _| {
            only_cookie(it, FOREIGN);
        },
    )
    .harmless(
        "the same cookie stands beside the signature",
        Defect::Changed(|it, _| {
            it.add_field("Cookie", &format!("authorization={FOREIGN}"));
        }),
    ),
    changed(
        "cookie-that-is-none",
        "TERM-3",
        "in place of the signature there is a cookie that is no JWT",
        "what can't be read recognises nobody",
        |it, _| {
            only_cookie(it, "../../../../dev/null");
        },
    ),
];

/// Asks for a closed path, and names the open one in a field.
fn closed_but(recipe: &mut super::super::recipe::Recipe, field: &str) {
    let open = std::mem::replace(&mut recipe.path, "/notes".into());
    recipe.fields.push((field.into(), open));
}

fn only_cookie(draft: &mut super::Draft, cookie: &str) {
    quietly(draft.remove_field("Signature"));
    quietly(draft.remove_field("Signature-Input"));
    draft.add_field("Cookie", &format!("authorization={cookie}"));
}
