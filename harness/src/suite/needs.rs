//! Tags that say what a scenario needs of a subject (`@needs-clock`) and how binding it is (`@level-should`).

use super::off::ED25519_KEYS;
use crate::contract::{Level, distance};
use crate::subject::{Capabilities, Receive};

type Has = fn(&Capabilities) -> bool;

/// What can be needed, and what is said where it is not there.
const NEEDS: [(&str, Has, &str); 13] = [
    ("needs-clock", |can| can.clock, "the subject's clock can't be set"),
    ("needs-identity", |can| can.identity, "the subject can't be given a key"),
    ("needs-restart", |can| can.restart, "the subject can't be restarted"),
    ("needs-kill", |can| can.kill, "the subject can't be killed and started again"),
    ("needs-freeze", |can| can.freeze, "the subject can't be frozen"),
    ("needs-rotate", |can| can.rotate, "the subject can't be given another key while it runs"),
    ("needs-door", |can| can.doors, "the subject has no doors for apps"),
    ("needs-source-address", |can| can.source_addresses, "the subject does not tell apps by their address"),
    ("CALL-2", |can| can.callers, "apps tell the subject who they are: any could claim to be another"),
    ("needs-signature-bases", |can| can.signature_bases, "the subject does not tell its signature bases"),
    ("needs-names", |can| can.names, "the subject can't be told which names lead where"),
    ("needs-profile", |can| can.profile, "values of the subject's profile can't be set"),
    ("needs-logs", |can| can.logs, "what the subject logs can't be read"),
];

/// What is a proxy's to do: without one, nobody does it.
const OF_A_PROXY: &str = "what a proxy does is not tested where the Core is asked directly";

/// What a scenario does to its Cores that others must not meet: set clocks (that of PEER-7 if need be), stop, kill, freeze,
/// guess codes until no more are taken.
const ALONE: [&str; 8] = [
    "needs-clock",
    "needs-restart",
    "needs-kill",
    "needs-freeze",
    "needs-rotate",
    "needs-identity",
    "TERM-4",
    "PEER-7",
];

const LEVELS: [(&str, Level); 2] = [("level-should", Level::Should), ("level-may", Level::May)];

/// Why a subject can't be tested on this scenario.
pub(crate) fn unmet(tags: &[String], can: &Capabilities) -> Option<&'static str> {
    NEEDS.iter().find(|(tag, has, _)| tags.iter().any(|given| given == tag) && !has(can)).map(|(_, _, why)| *why)
}

/// Why a scenario can't be run where requests reach the Core in this way.
pub(crate) fn unreachable(requirements: &[String], receive: Receive) -> Option<&'static str> {
    let direct = receive == Receive::Direct;
    (direct && requirements.iter().any(|id| is_of_a_proxy(id))).then_some(OF_A_PROXY)
}

/// PROXY-10 is the whole Portal's, but the proxy alone has the body.
pub(crate) fn is_of_a_proxy(requirement: &str) -> bool {
    requirement.starts_with("PROXY-") || matches!(requirement, "ACL-6" | "ACL-7")
}

/// Whether the Cores of a scenario must not be those of others.
pub(crate) fn alone(tags: &[String]) -> bool {
    tags.iter().any(|tag| ALONE.contains(&tag.as_str()))
}

/// What a scenario is about where that binds less than its requirement.
pub(crate) fn level(tags: &[String]) -> Option<Level> {
    LEVELS.iter().find(|(tag, _)| tags.iter().any(|given| given == tag)).map(|(_, level)| *level)
}

/// The tags of this kind that there are, if this one is of a kind but not among them.
pub(crate) fn unknown(tag: &str) -> Option<Vec<&'static str>> {
    let (needs, levels) = (
        NEEDS.iter().map(|(tag, ..)| *tag).filter(|tag| tag.starts_with("needs-")),
        LEVELS.iter().map(|(tag, _)| *tag),
    );
    let known: Vec<_> = if tag.starts_with("needs-") {
        needs.collect()
    } else if tag.starts_with("level-") {
        levels.collect()
    } else if distance(tag, ED25519_KEYS) <= 3 || tag.starts_with("ed25519") {
        vec![ED25519_KEYS]
    } else {
        return None;
    };
    (!known.contains(&tag)).then_some(known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Contract, Responsible};
    use crate::subject::Subject;

    fn tags(tags: &[&str]) -> Vec<String> {
        tags.iter().map(|tag| (*tag).to_owned()).collect()
    }

    #[test]
    fn what_a_subject_can_t_do_is_said() {
        let all = Subject::builtin().capabilities();
        assert_eq!(unmet(&tags(&["CALL-1", "needs-clock"]), &all), None);
        let without = Capabilities { clock: false, ..all };
        assert_eq!(unmet(&tags(&["needs-kill", "needs-clock"]), &without), Some("the subject's clock can't be set"));
        assert_eq!(unmet(&tags(&["needs-kill"]), &without), None);
    }

    #[test]
    fn without_a_proxy_nothing_is_asked_of_one() {
        let contract = Contract::embedded().unwrap();
        let of_a_proxy = contract.iter().filter(|one| one.responsible == Responsible::Proxy || one.id == "PROXY-10");
        let of_a_proxy: Vec<&str> = of_a_proxy.map(|one| one.id.as_str()).collect();
        let found: Vec<&str> = contract.iter().map(|one| one.id.as_str()).filter(|id| is_of_a_proxy(id)).collect();
        assert_eq!(found, of_a_proxy);
        assert_eq!(unreachable(&tags(&["ACL-3", "PROXY-2"]), Receive::Direct), Some(OF_A_PROXY));
        assert_eq!(unreachable(&tags(&["ACL-3"]), Receive::Direct), None);
        assert_eq!(unreachable(&tags(&["PROXY-2"]), Receive::Edge), None);
    }

    #[test]
    fn tags_that_say_something_have_to_be_known() {
        assert_eq!(unknown("slow"), None);
        assert_eq!(unknown("needs-clock"), None);
        assert!(unknown("needs-clocks").unwrap().contains(&"needs-clock"));
        assert_eq!(unknown("level-must").unwrap(), ["level-should", "level-may"]);
        assert_eq!(unknown("ed25519-keys"), None);
        assert_eq!(unknown("ed25519-key").unwrap(), ["ed25519-keys"]);
        assert_eq!(unknown("ed22519-keys").unwrap(), ["ed25519-keys"]);
        assert_eq!(level(&tags(&["APP-1", "level-may"])), Some(Level::May));
    }
}
