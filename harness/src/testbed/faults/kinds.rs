//! All faults that there are, for whoever wants to know: the list is tested against the parser.

/// One kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Kind {
    /// What it is about.
    pub group: &'static str,
    /// How it is written.
    pub form: &'static str,
    /// One that can be put on.
    pub example: &'static str,
    /// What it does, in a sentence.
    pub about: &'static str,
}

const fn kind(group: &'static str, form: &'static str, example: &'static str, about: &'static str) -> Kind {
    Kind { group, form, example, about }
}

const LINK: &str = "The way from one Portal to another (`A -> B`), or both ways (`A <-> B`)";
const CORE: &str = "A Portal's Core";
const APP: &str = "An app on a Portal";
const PORTAL: &str = "A Portal";
const PROXY: &str = "A Portal's proxy";

/// All of them, by what they are about.
pub const KINDS: &[Kind] = &[
    kind(
        LINK,
        "A -> B latency TIME",
        "alice -> bob latency 200ms",
        "All that A's Core says to B, and each answer, is on its way for that long. A call on a new connection takes four of them: two for TLS, two for itself.",
    ),
    kind(
        LINK,
        "A -> B latency TIME jitter TIME",
        "alice -> bob latency 200ms jitter 50ms",
        "And up to that much longer, drawn anew for each piece.",
    ),
    kind(
        LINK,
        "A -> B bandwidth SIZE/s",
        "alice <-> bob bandwidth 64KiB/s",
        "No more than that comes through in a second, in each direction. May follow a latency.",
    ),
    kind(
        LINK,
        "A -> B refused",
        "alice -> bob refused",
        "Connections are refused, and those that were open are broken off. `cut` alone means the same.",
    ),
    kind(
        LINK,
        "A -> B black-hole",
        "alice -> bob black-hole",
        "Connections are taken, and nothing comes through; what hangs goes on when it is over.",
    ),
    kind(
        LINK,
        "A -> B cut after SIZE of the answer",
        "alice -> bob cut after 10KiB of the answer",
        "Each connection is broken off when so much has come back, counted on the wire from now on, TLS and all.",
    ),
    kind(
        LINK,
        "A -> B cut after SIZE of the request",
        "alice -> bob cut after 10KiB of the request",
        "The same when so much has been sent.",
    ),
    kind(
        LINK,
        "A -> B reset",
        "alice -> bob reset",
        "Connections that are open are broken off: over as soon as it has happened.",
    ),
    kind(
        LINK,
        "A -> B flapping TIME",
        "alice -> bob flapping 500ms",
        "Refused for that long, then open for as long, and so on.",
    ),
    kind(
        CORE,
        "P core killed",
        "bob core killed",
        "Ended at once, as by a power cut. When it is over, it is started again with the state that it had.",
    ),
    kind(
        CORE,
        "P core restarted",
        "bob core restarted",
        "Stopped in its own time and started again: over as soon as it has happened.",
    ),
    kind(
        CORE,
        "P core frozen",
        "bob core frozen",
        "It is there and does nothing, as a process after SIGSTOP. When it is over, it goes on where it was.",
    ),
    kind(APP, "P app NAME killed", "bob app chat killed", "Ended at once; its proxy finds nobody there."),
    kind(
        APP,
        "P app NAME restarted",
        "bob app chat restarted",
        "Ended and started again: over as soon as it has happened.",
    ),
    kind(APP, "P app NAME frozen", "bob app chat frozen", "It takes connections and does nothing."),
    kind(
        PORTAL,
        "P clock +TIME",
        "bob clock +3h",
        "Its clock is ahead by that; `-TIME` is behind. TLS goes by it, too.",
    ),
    kind(
        PORTAL,
        "P key rotated",
        "bob key rotated",
        "Its Core has another key. An ID is the hash of its key: whoever is at that address now is nobody's peer, until the old key is back.",
    ),
    kind(PORTAL, "P name gone", "bob name gone", "Its name leads nowhere, and connections that were open are gone."),
    kind(PORTAL, "P certificate expired", "bob certificate expired", "It shows a certificate that is over."),
    kind(PORTAL, "P certificate not-yet-valid", "bob certificate not-yet-valid", "One that is not in force yet."),
    kind(PORTAL, "P certificate for-another-name", "bob certificate for-another-name", "One for another name."),
    kind(
        PORTAL,
        "P certificate of-an-unknown-authority",
        "bob certificate of-an-unknown-authority",
        "One by an authority that nobody trusts.",
    ),
    kind(PORTAL, "P certificate self-signed", "bob certificate self-signed", "One by nobody but itself."),
    kind(
        PROXY,
        "P proxy rewrites-host",
        "bob proxy rewrites-host",
        "Apps see the address that they were reached at, as the host.",
    ),
    kind(
        PROXY,
        "P proxy asks-with-its-own-host",
        "bob proxy asks-with-its-own-host",
        "The Core is told the proxy's own address as the host.",
    ),
    kind(
        PROXY,
        "P proxy reencodes-query",
        "bob proxy reencodes-query",
        "The query is decoded and encoded anew, for the Core and for the app.",
    ),
    kind(PROXY, "P proxy folds-headers", "bob proxy folds-headers", "The lines of a field are joined to one."),
    kind(
        PROXY,
        "P proxy drops-body",
        "bob proxy drops-body",
        "Requests lose their bodies before anything else is done with them.",
    ),
    kind(
        PROXY,
        "P proxy FAULT",
        "bob proxy changes-method",
        "Any other wrong behaviour of a proxy; the mutants in fixtures/mutants/README.md are of these.",
    ),
];
