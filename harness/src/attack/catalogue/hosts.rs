//! Tricks with hosts.

use super::super::model::{Attack, Defect, Expected, Family, changed, written};
use super::super::recipe::Valid;

pub(super) const FAMILY: Family = Family {
    name: "hosts",
    about: "Host names another one, several, none, or something that is no host.",
    attacks: ATTACKS,
};

const FOREIGN: &str = "a Portal serves its own names only";
const NAME: &str = "whom a request is for is the value of @authority, which was signed";
const NO_HOST: &str = "that is no host (RFC 9110 §7.2)";
const UNKNOWN: Expected = Expected::Refused(&[400, 404, 421]);
const NOBODY_OR_UNKNOWN: Expected =
    Expected::NobodyOr(&[400, 404, 421], "a Portal may take such a host for none of its own");

const ATTACKS: &[Attack] = &[
    changed("host-of-a-stranger", "PROXY-1", "Host is evil.example", FOREIGN, |it, _| it.host = "evil.example".into())
        .expecting(UNKNOWN),
    changed(
        "host-of-another-portal",
        "PROXY-1",
        "Host names the same app of another Portal, where there is none",
        FOREIGN,
        |it, cast| {
            it.host = format!("chat.{}", cast.domain.replacen(&cast.domain[..6], "zzzzzz", 1));
        },
    )
    .expecting(UNKNOWN),
    changed("host-with-a-foreign-end", "PROXY-1", "evil.example stands behind the right host", FOREIGN, |it, _| {
        it.host.push_str(".evil.example")
    })
    .expecting(UNKNOWN),
    changed("host-with-a-foreign-beginning", "PROXY-1", "a label stands before the right host", FOREIGN, |it, _| {
        it.host.insert_str(0, "evil.")
    })
    .expecting(UNKNOWN),
    changed("host-run-together", "PROXY-1", "the dot between app and Portal is missing", FOREIGN, |it, _| {
        it.host = it.host.replacen('.', "", 1)
    })
    .expecting(UNKNOWN),
    changed(
        "host-of-an-app-that-is-not",
        "ACL-9",
        "Host names an app that is not installed",
        "an unknown app is 404",
        |it, cast| {
            it.host = format!("nosuchapp.{}", cast.domain);
        },
    )
    .expecting(Expected::Refused(&[404])),
    changed(
        "host-of-the-core",
        "PROXY-1",
        "Host is the Portal's own",
        "the Portal's own host leads to its Core, which has no such path",
        |it, cast| it.host.clone_from(&cast.domain),
    )
    .expecting(Expected::Refused(&[401, 403, 404])),
    changed("host-of-a-pattern", "PROXY-1", "Host is `*` before the Portal's own", FOREIGN, |it, cast| {
        it.host = format!("*.{}", cast.domain)
    })
    .expecting(UNKNOWN),
    changed("host-with-a-trailing-dot", "AUTH-3", "a dot stands behind Host", NAME, |it, _| it.host.push('.'))
        .expecting(NOBODY_OR_UNKNOWN),
    changed("host-with-another-port", "AUTH-3", "Host has the port 8443", NAME, |it, _| it.host.push_str(":8443"))
        .expecting(NOBODY_OR_UNKNOWN),
    changed(
        "host-with-the-port-of-http",
        "AUTH-3",
        "Host has the port 80",
        "80 is the default port of http, not of https (RFC 9421 §2.2.3)",
        |it, _| {
            it.host.push_str(":80");
        },
    )
    .expecting(NOBODY_OR_UNKNOWN),
    changed("host-with-a-port-that-is-none", "PROXY-4", "Host has the port x", NO_HOST, |it, _| it.host.push_str(":x"))
        .expecting(UNKNOWN),
    changed(
        "host-with-a-user",
        "PROXY-4",
        "a user stands before Host",
        "user information is no part of Host (RFC 9110 §4.2.4)",
        |it, _| it.host.insert_str(0, "alice@"),
    )
    .expecting(UNKNOWN),
    changed(
        "host-with-a-foreign-user",
        "PROXY-4",
        "evil.example stands behind Host and an @",
        "user information is no part of Host (RFC 9110 §4.2.4)",
        |it, _| {
            it.host.push_str("@evil.example");
        },
    )
    .expecting(UNKNOWN),
    changed("host-with-a-path", "PROXY-4", "a path stands behind Host", NO_HOST, |it, _| it.host.push_str("/public"))
        .expecting(UNKNOWN),
    changed("host-with-a-comma", "PROXY-4", "two hosts stand in one line", NO_HOST, |it, cast| {
        it.host.push_str(&format!(", {}", cast.files()))
    })
    .expecting(UNKNOWN),
    changed("host-with-a-blank", "PROXY-4", "a blank stands in Host", NO_HOST, |it, _| {
        it.host = it.host.replacen('.', " .", 1)
    })
    .expecting(UNKNOWN),
    changed(
        "host-with-a-letter-encoded",
        "PROXY-4",
        "a letter of Host is percent-encoded",
        "Host is compared as it is, not decoded",
        |it, _| {
            it.host = it.host.replacen('c', "%63", 1);
        },
    )
    .expecting(UNKNOWN),
    changed("host-in-another-script", "PROXY-4", "Host has a letter outside of ASCII", NO_HOST, |it, _| {
        it.host = it.host.replacen('a', "ä", 1)
    })
    .expecting(UNKNOWN),
    changed("host-empty", "PROXY-4", "Host is empty", "such a request is for nobody", |it, _| it.host.clear())
        .expecting(UNKNOWN),
    changed("host-of-an-address", "PROXY-1", "Host is 127.0.0.1", FOREIGN, |it, _| it.host = "127.0.0.1".into())
        .expecting(UNKNOWN),
    changed(
        "host-of-the-inner-name",
        "PROXY-1",
        "Host is portal_core, by which apps call their Core",
        "what is open inside of a Portal is not open from outside",
        |it, _| {
            it.host = "portal_core".into();
        },
    )
    .expecting(UNKNOWN),
    written(
        "host-missing",
        "PROXY-4",
        "there is no Host",
        "a request over HTTP/1.1 without Host is refused with 400 (RFC 9112 §3.2)",
        |it, _| it.remove("Host"),
    )
    .from(Valid::Parts)
    .expecting(Expected::Refused(&[400])),
    written(
        "host-doubled",
        "PROXY-4",
        "Host stands there twice, with the same value",
        "a request with several Host lines is refused with 400 (RFC 9112 §3.2)",
        |it, cast| {
            it.add("Host", &cast.chat());
        },
    )
    .from(Valid::Parts)
    .expecting(Expected::Refused(&[400])),
    written(
        "host-doubled-with-another-app",
        "PROXY-4",
        "a second Host names another app",
        "a request with several Host lines is refused with 400 (RFC 9112 §3.2)",
        |it, cast| {
            it.add("Host", &cast.files());
        },
    )
    .from(Valid::Parts)
    .expecting(Expected::Refused(&[400])),
    written(
        "host-doubled-before-with-another-app",
        "PROXY-4",
        "another app is named in a Host line before the right one",
        "a request with several Host lines is refused with 400 (RFC 9112 §3.2)",
        |it, cast| {
            it.lines.insert(0, format!("Host: {}", cast.files()).into_bytes());
        },
    )
    .from(Valid::Parts)
    .expecting(Expected::Refused(&[400])),
    written(
        "target-names-another-host",
        "PROXY-4",
        "the request line names another app than Host",
        "which of the two holds is not for an app to guess",
        |it, cast| {
            absolute(it, &cast.files());
        },
    )
    .from(Valid::Parts)
    .expecting(Expected::Refused(&[400, 404, 421])),
    written(
        "target-names-a-stranger",
        "PROXY-4",
        "the request line names evil.example",
        "which of the two holds is not for an app to guess",
        |it, _| {
            absolute(it, "evil.example");
        },
    )
    .from(Valid::Parts)
    .expecting(Expected::Refused(&[400, 404, 421])),
    written(
        "target-with-a-user",
        "PROXY-4",
        "the request line names the right host, with a user before it",
        "user information is no part of an authority (RFC 9110 §4.2.4)",
        |it, cast| {
            absolute(it, &format!("alice@{}", cast.chat()));
        },
    )
    .from(Valid::Parts)
    .expecting(Expected::Refused(&[400])),
    changed(
        "forwarded-host-of-another-app",
        "PROXY-8",
        "Host names another app and X-Forwarded-Host the right one",
        "client-sent X-Forwarded-* are replaced",
        |it, cast| {
            let right = std::mem::replace(&mut it.host, cast.files());
            it.add_field("X-Forwarded-Host", &right);
        },
    )
    .harmless(
        "X-Forwarded-Host names another app: it is replaced",
        Defect::Changed(|it, cast| it.add_field("X-Forwarded-Host", &cast.files())),
    ),
];

/// Writes the target in absolute form, with this authority.
fn absolute(raw: &mut super::super::raw::Raw, authority: &str) {
    let start = String::from_utf8_lossy(&raw.start).into_owned();
    raw.start = start.replacen(" /", &format!(" https://{authority}/"), 1).into_bytes();
}
