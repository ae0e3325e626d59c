//! Requirements that a subject's profile turns off: they are not asked of it, for a reason that reports give.

use std::collections::BTreeMap;

use portal_core::profile::Profile;
use portal_core::rfc9421::Algorithm;

/// Why a scenario is skipped: all that it asks for is off.
pub(crate) fn all(off: &BTreeMap<String, String>, requirements: &[String]) -> Option<String> {
    let reasons: Option<Vec<&String>> = requirements.iter().map(|id| off.get(id)).collect();
    let mut reasons = reasons.filter(|reasons| !reasons.is_empty())?;
    reasons.dedup();
    let reasons: Vec<&str> = reasons.into_iter().map(String::as_str).collect();
    Some(reasons.join("; "))
}

/// The tag of scenarios in which a peer's key has to be an Ed25519 key.
pub(crate) const ED25519_KEYS: &str = "ed25519-keys";

/// Why a scenario is skipped: by the subject's profile nobody has the key that it is about.
pub(crate) fn key(profile: &Profile, tags: &[String]) -> Option<&'static str> {
    let needed = tags.iter().any(|tag| tag == ED25519_KEYS);
    (needed && !profile.accepts(Algorithm::Ed25519)).then_some("by this profile no peer has an Ed25519 key")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_where_all_is_off_a_scenario_is_skipped_with_each_reason_once() {
        let off = [("SIG-3", "no digest"), ("SIG-6", "no nonce"), ("AUTH-9", "no nonce")];
        let off = off.map(|(id, why)| (id.to_owned(), why.to_owned())).into();
        let all = |ids: &[&str]| all(&off, &ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>());
        assert_eq!(all(&["SIG-6", "AUTH-9"]).as_deref(), Some("no nonce"));
        assert_eq!(all(&["SIG-3", "SIG-6"]).as_deref(), Some("no digest; no nonce"));
        assert_eq!(all(&["SIG-3", "CALL-3"]), None);
        assert_eq!(all(&[]), None);
    }

    #[test]
    fn what_is_about_ed25519_keys_is_skipped_where_nobody_has_one() {
        let tags = ["AUTH-5".to_owned(), ED25519_KEYS.to_owned()];
        assert_eq!(key(&Profile::default(), &tags), None);
        let deployed = Profile::named("portal-2022").unwrap_or_default();
        assert!(key(&deployed, &tags).is_some());
        assert_eq!(key(&deployed, &tags[..1]), None);
    }
}
