//! Signatures by Portals that the harness plays, with any part of them as the table under the step says.

use std::collections::BTreeMap;

use super::super::prelude::*;
use super::{Drafts, draft, draft_mut};
use crate::attack::keys::RawKey;
use crate::attack::{DraftSignature, Parameter, Signer, content_digest, nonce};

/// In place of a name of whose key: the attack that takes a public key for a secret.
const HMAC: &str = "HMAC with its own public key";

pub(super) fn register(steps: &mut Steps) {
    steps.given_or_when("^it is signed by ({portal})$", is_signed);
}

/// Who signs, and what is other than usual.
#[derive(Debug, Clone)]
pub(crate) struct Signing {
    by: String,
    parts: Vec<(String, String)>,
}

impl Signing {
    /// The usual signature of a fake Portal.
    pub(crate) fn usual(by: &str) -> Signing {
        Signing { by: by.to_owned(), parts: Vec::new() }
    }

    /// With this part other than usual.
    #[must_use]
    pub(crate) fn with(mut self, part: impl Into<String>, value: impl Into<String>) -> Signing {
        self.parts.push((part.into(), value.into()));
        self
    }

    /// Who signs.
    pub(super) fn by(&self) -> &str {
        &self.by
    }

    fn part(&self, name: &str) -> Option<&str> {
        self.parts.iter().rfind(|(part, _)| part == name).map(|(_, value)| value.as_str())
    }

    /// The parts that name no parameter of their own.
    fn is_parameter(part: &str) -> bool {
        !matches!(part, "covering" | "label" | "order" | "key") && !part.starts_with("value of ")
    }
}

async fn is_signed(world: &mut World, args: Args) -> StepResult {
    let mut signing = Signing::usual(args.text(0));
    for row in args.table_if_any().into_iter().flat_map(Table::rows) {
        signing = signing.with(row.cell("part")?, row.cell("value")?);
    }
    is_signed_by(world, signing)
}

/// Signs the request in the making.
pub(crate) fn is_signed_by(world: &mut World, signing: Signing) -> StepResult {
    sign(world, &signing)?;
    world.part::<Drafts>().signings.push(signing);
    Ok(())
}

/// Puts the latest signature there once more under each of these labels, which are not signed.
pub(crate) fn repeat_latest(world: &mut World, labels: impl Iterator<Item = String>) -> StepResult {
    let drafts = world.part::<Drafts>();
    let (Some(draft), Some(signing)) = (drafts.draft.as_mut(), drafts.signings.last().cloned()) else {
        return Err(super::missing());
    };
    let latest = draft.latest_signature()?.clone();
    for label in labels {
        draft.signatures.push(DraftSignature { label: label.clone(), ..latest.clone() });
        drafts.signings.push(signing.clone().with("label", label));
    }
    Ok(())
}

pub(super) fn sign(world: &mut World, signing: &Signing) -> StepResult {
    let (now, nonce) = (world.scene().now()?, nonce(world.chance().bytes()));
    let identity = world.scene().fake(&signing.by)?.identity().clone();
    let own_key = RawKey::from_pkcs8_pem(identity.private_key_pem())?;
    let parameters = parameters(signing, identity.short_id(), own_key.algorithm(), nonce, now)?;
    let key = match signing.part("key") {
        None => Some(own_key),
        Some(HMAC) => None,
        Some(other) => Some(RawKey::from_pkcs8_pem(world.scene().fake(other)?.identity().private_key_pem())?),
    };
    let signer = match &key {
        Some(key) => Signer::Key(key),
        None => Signer::Secret(identity.public_key_pem().as_bytes()),
    };
    let instead = signing.parts.iter().filter_map(|(part, value)| Some((part.strip_prefix("value of ")?, value)));
    let instead: BTreeMap<_, _> = instead.map(|(item, value)| (item.to_owned(), value.clone())).collect();
    let label = match signing.part("label") {
        Some(label) => label.to_owned(),
        None => draft(world)?.free_label(),
    };

    let draft = draft_mut(world)?;
    let mut covering = "\"@method\" \"@target-uri\"".to_owned();
    if let Some(body) = &draft.body {
        covering.push_str(" \"content-digest\"");
        if fields::values(&draft.fields, "content-digest").is_empty() {
            draft.fields.push(("Content-Digest".to_owned(), content_digest(body)));
        }
    }
    let covering = signing.part("covering").unwrap_or(&covering);
    draft.sign(&label, covering, parameters, &instead, &signer)?;
    Ok(())
}

/// The signature parameters in their order: created, expires, keyid, alg, nonce, tag and others, unless `order` says
/// otherwise. An empty text leaves one out.
fn parameters(
    signing: &Signing,
    keyid: &str,
    alg: &str,
    nonce: String,
    now: u64,
) -> StepResult<Vec<(String, Parameter)>> {
    let usual = [
        ("created", "now".to_owned()),
        ("expires", String::new()),
        ("keyid", keyid.to_owned()),
        ("alg", alg.to_owned()),
        ("nonce", nonce),
        ("tag", "portal-peering".to_owned()),
    ];
    let others = signing.parts.iter().map(|(part, _)| part.as_str());
    let mut others: Vec<&str> =
        others.filter(|part| Signing::is_parameter(part) && !usual.iter().any(|(name, _)| name == part)).collect();
    others.dedup();
    let known = usual.iter().map(|(name, text)| (*name, signing.part(name).unwrap_or(text)));
    let extra = others.into_iter().map(|name| (name, signing.part(name).unwrap_or_default()));

    let mut parameters = Vec::new();
    for (name, text) in known.chain(extra).filter(|(_, text)| !text.is_empty()) {
        parameters.push((name.to_owned(), parameter(name, text, now)?));
    }
    if let Some(order) = signing.part("order") {
        let wanted: Vec<&str> = order.split_whitespace().collect();
        let missing = wanted.iter().find(|name| !parameters.iter().any(|(there, _)| there == *name));
        if let Some(missing) = missing {
            return Err(StepFailure::mistake(format!("`order` names {missing}, which is no parameter here")));
        }
        parameters.sort_by_key(|(name, _)| wanted.iter().position(|wanted| wanted == name).unwrap_or(usize::MAX));
    }
    Ok(parameters)
}

/// The value of a parameter, as cells and sentences write it: points in time for `created` and `expires`, else text.
pub(super) fn parameter(name: &str, text: &str, now: u64) -> StepResult<Parameter> {
    if !matches!(name, "created" | "expires") {
        return Ok(Parameter::Text(text.to_owned()));
    }
    let seconds = i64::try_from(times::point(text, now)?)?;
    Ok(Parameter::Integer(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(signing: &Signing) -> Vec<String> {
        parameters(signing, "abcdef", "ed25519", "n".into(), 1000).unwrap().into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn parameters_are_the_usual_ones_unless_said_otherwise() {
        let usual = Signing::usual("alice");
        assert_eq!(names(&usual), ["created", "keyid", "alg", "nonce", "tag"]);
        let changed = usual.clone().with("alg", "").with("mood", "good").with("expires", "in 60 seconds");
        assert_eq!(names(&changed), ["created", "expires", "keyid", "nonce", "tag", "mood"]);
        let ordered = changed.with("order", "mood keyid created").with("covering", "").with("value of \"date\"", "x");
        assert_eq!(names(&ordered), ["mood", "keyid", "created", "expires", "nonce", "tag"]);
        let missing = usual.with("order", "mood");
        assert!(parameters(&missing, "abcdef", "ed25519", "n".into(), 1000).is_err());
    }

    #[test]
    fn times_are_numbers_and_all_else_is_text() {
        let signing = Signing::usual("alice").with("created", "1 minutes ago").with("keyid", "7");
        let parameters = parameters(&signing, "abcdef", "ed25519", "n".into(), 1000).unwrap();
        assert_eq!(parameters[0], ("created".into(), Parameter::Integer(940)));
        assert_eq!(parameters[1], ("keyid".into(), Parameter::Text("7".into())));
        assert!(parameter("expires", "soon", 0).is_err());
    }
}
