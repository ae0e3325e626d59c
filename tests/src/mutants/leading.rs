//! Cores that the rest of a path leads to another host (CALL-6), each by a way in which URLs are put together.

use std::sync::Arc;

use http::Uri;
use portal_core::CoreBuilder;
use portal_core::call_peer::{ByIdOrPrefix, Call, Route, RouteCall};
use portal_core::peers::Peers;
use portal_core::profile::Profile;
use portal_core::refusal::Refusal;

use super::surface::{questions, without_dots};
use super::{Mutant, core};

const CALLS: &str = "/internal/call_peer/";

pub(super) const MUTANTS: &[Mutant] = &[
    core("takes-two-slashes-for-a-host", "CALL-6", |it| {
        leads(it, |_, target| {
            let (host, path) = split(target.strip_prefix("//")?);
            Some((host, path))
        })
    }),
    core("takes-a-url-in-the-path-for-one", "CALL-6", |it| {
        leads(it, |_, target| Some(split(target.strip_prefix("/https://")?)))
    }),
    // `https://chat.bob` and `@carol/` make a user of chat.bob.
    core("forgets-the-slash-after-the-host", "CALL-6", |it| {
        leads(it, |_, target| Some(split(target.strip_prefix("/@")?)))
    }),
    core("finds-the-host-behind-the-last-at", "CALL-6", |it| {
        leads(it, |_, target| Some(split(target.rsplit_once('@')?.1)))
    }),
    core("resolves-dots-before-it-looks-for-the-peer", "CALL-6", |it| {
        questions(it, CALLS, |mut question| {
            let target = question.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
            let within = target.strip_prefix(CALLS).map(without_dots);
            if let Some(uri) = within.and_then(|within| format!("{CALLS}{within}").parse::<Uri>().ok()) {
                *question.uri_mut() = uri;
            }
            question
        })
    }),
];

/// What it finds in a call's target: another host, and the target there.
type Finds = fn(&Call<'_>, &str) -> Option<(String, String)>;

fn leads(it: CoreBuilder, finds: Finds) -> CoreBuilder {
    it.replace(|parts| parts.route = Arc::new(Leads(finds)))
}

#[derive(Debug)]
struct Leads(Finds);

impl RouteCall for Leads {
    fn route(&self, call: &Call<'_>, peers: &Peers, profile: &Profile) -> Result<Route, Refusal> {
        let mut route = ByIdOrPrefix.route(call, peers, profile)?;
        if let Some((host, target)) = (self.0)(call, &route.target) {
            (route.destination.host, route.target) = (host, target);
        }
        Ok(route)
    }
}

fn split(reference: &str) -> (String, String) {
    match reference.split_once('/') {
        Some((host, path)) => (host.to_owned(), format!("/{path}")),
        None => (reference.to_owned(), "/".to_owned()),
    }
}
