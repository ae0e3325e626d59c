//! The hostile peer signs properly, but too little, or what no request has.

use super::super::model::{Attack, Defect, Family, made};

pub(super) const FAMILY: Family = Family {
    name: "coverage",
    about: "A peer signs too little, so that its signature fits other requests too, or what no request has.",
    attacks: ATTACKS,
};

const ELSEWHERE: &str = "such a signature fits other requests, which whoever sees it can make";
const TWICE: &str = "each component identifier must occur only once (RFC 9421 §2)";
const ABSENT: &str = "a component that the message does not have makes the base impossible (RFC 9421 §2.5)";

const ATTACKS: &[Attack] = &[
    made(
        "covers-nothing",
        "AUTH-6",
        "no component is covered",
        "one such signature opens every request: `sig1=()` has the same base for all of them",
        |it, _| {
            it.covering.clear();
        },
    ),
    made("covers-no-method", "AUTH-6", "@method is not covered", ELSEWHERE, |it, _| {
        it.covering = r#""@authority" "@path" "@query""#.into()
    })
    .harmless(
        "the method and the whole target are covered, and no more",
        Defect::Made(|it, _| {
            it.covering = r#""@method" "@authority" "@path" "@query""#.into();
        }),
    ),
    made(
        "covers-no-authority",
        "AUTH-6",
        "@authority is not covered",
        "such a signature fits every app and every Portal",
        |it, _| {
            it.covering = r#""@method" "@path" "@query""#.into();
        },
    ),
    made("covers-no-path", "AUTH-6", "@path is not covered", ELSEWHERE, |it, _| {
        it.covering = r#""@method" "@authority" "@query""#.into()
    }),
    made("covers-no-query", "AUTH-6", "@query is not covered", ELSEWHERE, |it, _| {
        it.covering = r#""@method" "@authority" "@path""#.into()
    }),
    made(
        "covers-no-query-where-there-is-none",
        "AUTH-6",
        "@query is not covered on a request that has no query",
        "whoever sees it can add a query",
        |it, _| {
            it.query = None;
            it.covering = r#""@method" "@authority" "@path""#.into();
        },
    )
    .harmless(
        "@query is covered although there is none: its value is `?`",
        Defect::Made(|it, _| {
            it.query = None;
            it.covering = r#""@method" "@authority" "@path" "@query""#.into();
        }),
    ),
    made("covers-method-only", "AUTH-6", "@method alone is covered", ELSEWHERE, |it, _| {
        it.covering = r#""@method""#.into()
    }),
    made("covers-target-uri-only", "AUTH-6", "@target-uri alone is covered", ELSEWHERE, |it, _| {
        it.covering = r#""@target-uri""#.into()
    }),
    made("covers-fields-only", "AUTH-6", "fields alone are covered", ELSEWHERE, |it, _| {
        it.covering = r#""x-note" "x-step""#.into()
    }),
    made(
        "covers-one-query-parameter",
        "AUTH-6",
        "of the query one parameter is covered",
        "the other parameters are anybody's to change",
        |it, _| {
            it.covering = r#""@method" "@authority" "@path" "@query-param";name="amount""#.into();
        },
    ),
    made(
        "covers-host-for-authority",
        "AUTH-6",
        "the field host is covered in place of @authority",
        "host is a field that proxies rewrite (SIG-7), and is not in the list of SIG-2",
        |it, _| {
            it.covering = r#""@method" "host" "@path" "@query""#.into();
        },
    ),
    made(
        "covers-scheme-for-authority",
        "AUTH-6",
        "@scheme is covered in place of @authority",
        "such a signature fits every host",
        |it, _| {
            it.covering = r#""@method" "@scheme" "@path" "@query""#.into();
        },
    ),
    made("covers-a-component-twice", "AUTH-4", "a covered component is listed twice, and signed so", TWICE, |it, _| {
        it.covering.push_str(r#" "@path""#)
    }),
    made("covers-a-field-twice", "AUTH-4", "a covered field is listed twice, and signed so", TWICE, |it, _| {
        it.covering.push_str(r#" "x-note""#)
    }),
    made("covers-a-missing-field", "AUTH-4", "a field is covered that the request does not have", ABSENT, |it, _| {
        it.covering.push_str(r#" "x-missing""#)
    })
    .harmless(
        "an empty field is covered",
        Defect::Made(|it, _| {
            it.fields.push(("X-Empty".into(), String::new()));
            it.covering.push_str(r#" "x-empty""#);
        }),
    ),
    made("covers-status", "AUTH-4", "@status is covered, which requests don't have", ABSENT, |it, _| {
        it.covering.push_str(r#" "@status""#)
    }),
    made(
        "covers-signature-params",
        "AUTH-4",
        "@signature-params is listed as covered",
        "@signature-params must not be listed (RFC 9421 §2.3)",
        |it, _| {
            it.covering.push_str(r#" "@signature-params""#);
        },
    ),
    made(
        "covers-an-unknown-component",
        "AUTH-4",
        "a derived component is covered that there is not",
        ABSENT,
        |it, _| it.covering.push_str(r#" "@moon""#),
    ),
    made(
        "covers-a-name-in-capitals",
        "AUTH-4",
        "a covered field is listed in capitals",
        "component names are in lower case (RFC 9421 §2.1)",
        |it, _| {
            it.covering = it.covering.replace("x-note", "X-Note");
        },
    ),
    made(
        "covers-with-an-unknown-parameter",
        "AUTH-4",
        "a covered component has a parameter that there is not",
        "a parameter that is not understood makes the base impossible (RFC 9421 §2.5)",
        |it, _| {
            it.covering.push_str(r#" "x-extra";moon"#);
            it.fields.push(("X-Extra".into(), "1".into()));
        },
    ),
    made(
        "covers-of-the-request",
        "AUTH-4",
        "a covered component has the parameter req",
        "req is for answers only (RFC 9421 §2.4)",
        |it, _| {
            it.covering = it.covering.replace(r#""x-note""#, r#""x-note";req"#);
        },
    ),
    made(
        "covers-a-missing-query-parameter",
        "AUTH-4",
        "a parameter is covered that the query does not have",
        ABSENT,
        |it, _| {
            it.covering.push_str(r#" "@query-param";name="absent""#);
            it.instead.insert(r#""@query-param";name="absent""#.into(), String::new());
        },
    )
    .harmless(
        "a parameter is covered that the query has",
        Defect::Made(|it, _| it.covering.push_str(r#" "@query-param";name="to""#)),
    ),
    made(
        "covers-a-query-parameter-without-name",
        "AUTH-4",
        "@query-param is covered without a name",
        "the parameter name is required (RFC 9421 §2.2.8)",
        |it, _| {
            it.covering.push_str(r#" "@query-param""#);
            it.instead.insert(r#""@query-param""#.into(), "1".into());
        },
    ),
    made(
        "covers-bytes-as-a-dictionary",
        "AUTH-4",
        "a covered field has the parameters bs and key, which exclude each other",
        "bs and sf or key must not stand together (RFC 9421 §2.1)",
        |it, _| {
            it.covering = it.covering.replace(r#""x-note""#, r#""x-note";bs;key="a""#);
        },
    ),
    made(
        "covers-what-the-proxy-asks",
        "AUTH-2",
        "the proxy's question to its Core is signed, not the request",
        "the signature is verified over the message that the peer signed, rebuilt from X-Forwarded-*",
        |it, _| {
            it.instead.insert(r#""@path""#.into(), "/internal/auth".into());
            it.instead.insert(r#""@authority""#.into(), "portal_core".into());
        },
    ),
    made(
        "covers-a-number",
        "AUTH-4",
        "a number stands among the covered components",
        "component identifiers are Strings (RFC 9421 §2.3)",
        |it, _| {
            it.covering.push_str(" 200");
            it.instead.insert("200".into(), String::new());
        },
    ),
];
