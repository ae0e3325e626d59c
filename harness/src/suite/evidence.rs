//! What the trace of a request tells about a failure: the two signature bases, and which hop changed what.

use super::failure::{Details, Fault};
use crate::trace::{Hop, HopKind, Party, SignatureEvent, SignatureOutcome, Trace};
use crate::verdict::Bases;

/// How many hops are kept for `-v`.
const HOPS: usize = 40;

/// Adds to a failure what the trace tells about this request. What the step itself gave stays.
pub(crate) fn add(details: &mut Details, trace: &Trace, trace_id: &str) {
    if !matches!(details.fault, Fault::Subject | Fault::Timeout) {
        return;
    }
    let hops = trace.hops(trace_id);
    let signatures = trace.signatures(trace_id);
    if details.bases.is_none() {
        details.bases = bases(&signatures);
    }
    if let (None, Some(bases)) = (&details.hop, &details.bases) {
        details.hop = bases.component().and_then(|component| changed_by(component, &hops));
    }
    if details.trace.is_empty() {
        details.trace = hops.iter().take(HOPS).map(in_a_line).collect();
        details.trace.extend(signatures.iter().map(told));
    }
}

fn in_a_line(hop: &Hop) -> String {
    match &hop.body {
        Some(body) => format!("{hop}; body: {body}"),
        None => hop.to_string(),
    }
}

/// Of the first signature for which they differ: the base that was made and the one that was rebuilt from it.
fn bases(signatures: &[SignatureEvent]) -> Option<Bases> {
    rebuilt(signatures).find(|(_, bases)| bases.line.is_some()).map(|(_, bases)| bases)
}

/// Of each signature that was made and of which someone rebuilt the base: who rebuilt it, and both bases.
pub(crate) fn rebuilt(signatures: &[SignatureEvent]) -> impl Iterator<Item = (&SignatureEvent, Bases)> {
    let made = signatures.iter().filter(|event| event.outcome == SignatureOutcome::Made);
    made.filter_map(|made| {
        let of_it = |event: &&SignatureEvent| {
            event.outcome != SignatureOutcome::Made && event.label == made.label && event.base.is_some()
        };
        let rebuilt = signatures.iter().find(of_it)?;
        Some((rebuilt, Bases::compare(made.base.clone()?, rebuilt.base.clone()?)))
    })
}

fn told(event: &SignatureEvent) -> String {
    let label = event.label.as_deref().unwrap_or("without label");
    match &event.outcome {
        SignatureOutcome::Made => format!("Core on {}: made the signature {label}", event.portal),
        SignatureOutcome::Verified => format!("Core on {}: verified the signature {label}", event.portal),
        SignatureOutcome::Rejected { step, code } => {
            format!("Core on {}: refused the signature {label} at {step}: {code}", event.portal)
        }
    }
}

/// Between which two hops the component's value changed, from the sending Core's request on.
pub(crate) fn changed_by(component: &str, hops: &[Hop]) -> Option<String> {
    let requests = hops.iter().filter(|hop| hop.kind == HopKind::Request);
    let on_the_way: Vec<&Hop> = requests.skip_while(|hop| !matches!(hop.to, Party::Proxy { .. })).collect();
    let name = component.trim_start_matches('"').split('"').next().unwrap_or_default();
    // The parts of a target are followed one by one: over HTTP/2 a hop does not show its authority as a field.
    let parts = if name == "@target-uri" { vec!["@authority", "@request-target"] } else { vec![name] };
    if let Some(change) = parts.iter().find_map(|part| change(part, &on_the_way)) {
        return Some(change);
    }
    let last = parts.iter().rev().find_map(|part| value(part, on_the_way.last()?))?;
    Some(format!("no hop: `{last}` went all the way, so the bases differ in how they are built"))
}

fn change(name: &str, hops: &[&Hop]) -> Option<String> {
    let mut values: Vec<(&Hop, Option<String>)> = hops.iter().map(|hop| (*hop, value(name, hop))).collect();
    if name.starts_with('@') {
        // A message has all of them: what a hop does not show is not missing.
        values.retain(|(_, value)| value.is_some());
    }
    let shown = |value: &Option<String>| value.as_ref().map_or("nothing".to_owned(), |value| format!("`{value}`"));
    let changed = values.windows(2).find(|pair| pair[0].1.is_some() && pair[0].1 != pair[1].1)?;
    let [(_, before), (hop, after)] = changed else { return None };
    Some(format!("{}: got {}, handed {} to {}", hop.from, shown(before), shown(after), hop.to))
}

/// What this hop carries for a component, where it can be told.
fn value(name: &str, hop: &Hop) -> Option<String> {
    // The question of a proxy to its Core carries the request in fields.
    let question = hop.target.starts_with("/internal/auth");
    let or_forwarded = |name: &str, own: Option<&str>| {
        if question { hop.field(name).map(str::to_owned) } else { own.map(str::to_owned) }
    };
    let uri = || or_forwarded("x-forwarded-uri", Some(&hop.target));
    let host = || or_forwarded("x-forwarded-host", hop.field("host"));
    match name {
        "@method" => or_forwarded("x-forwarded-method", Some(&hop.method)),
        "@authority" => host(),
        "@path" => uri().map(|uri| uri.split('?').next().unwrap_or_default().to_owned()),
        "@query" => uri().map(|uri| uri.split_once('?').map_or("?".to_owned(), |(_, query)| format!("?{query}"))),
        "@request-target" => uri(),
        _ if name.starts_with('@') => None,
        _ => {
            let lines = hop.fields.iter().filter(|(field, _)| field.eq_ignore_ascii_case(name));
            let lines: Vec<&str> = lines.map(|(_, value)| value.as_str()).collect();
            (!lines.is_empty()).then(|| lines.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::StepFailure;
    use crate::trace::Body;

    fn hop(from: Party, to: Party, target: &str, fields: &[(&str, &str)]) -> Hop {
        let mut map = http::HeaderMap::new();
        map.append("countersign-trace", "t1".parse().unwrap());
        for (name, value) in fields {
            map.append(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        Hop::request(from, to, "GET", target, &map)
    }

    fn signature(portal: &str, base: &str, outcome: SignatureOutcome) -> SignatureEvent {
        SignatureEvent {
            trace_id: Some("t1".into()),
            portal: portal.into(),
            label: Some("sig1".into()),
            signature_input: None,
            base: Some(base.into()),
            outcome,
        }
    }

    /// A call from alice to bob, whose proxy says `uri` to its Core.
    fn trace(uri: &str, rebuilt: &str) -> Trace {
        let trace = Trace::new();
        let (alice, bob) = (Party::core("alice"), Party::proxy("bob"));
        trace.record(hop(Party::app("alice", "chat"), alice.clone(), "/internal/call_peer/bobbob/a?x=1", &[]));
        trace.record_signature(signature("alice", "\"@path\": /a\n\"@query\": ?x=1", SignatureOutcome::Made));
        trace.record(hop(alice, bob.clone(), "/a?x=1", &[("host", "chat.bobbob.p")]));
        let forwarded =
            [("x-forwarded-uri", uri), ("x-forwarded-method", "GET"), ("x-forwarded-host", "chat.bobbob.p")];
        trace.record(hop(bob, Party::core("bob"), "/internal/auth", &forwarded));
        let rejected = SignatureOutcome::Rejected { step: "crypto".into(), code: "mismatch".into() };
        trace.record_signature(signature("bob", rebuilt, rejected));
        trace
    }

    fn evidence(trace: &Trace) -> Details {
        let mut failure = StepFailure::fail("a peer", "anonymous");
        add(failure.details_mut(), trace, "t1");
        failure.details().clone()
    }

    #[test]
    fn the_hop_that_changed_a_component_is_named() {
        let details = evidence(&trace("/a", "\"@path\": /a\n\"@query\": ?"));
        let bases = details.bases.unwrap();
        assert_eq!(bases.line, Some(2));
        assert_eq!(bases.guess.as_deref(), Some("the query is dropped by one side"));
        assert_eq!(details.hop.as_deref(), Some("proxy on bob: got `?x=1`, handed `?` to Core on bob"));
        assert_eq!(details.trace.len(), 5);
    }

    #[test]
    fn a_short_body_is_told_with_its_hop() {
        let trace = trace("/a", "");
        let sent = hop(Party::proxy("bob"), Party::app("bob", "chat"), "/a", &[]);
        trace.record(sent.with_body(Body::arrived(b"hello", 5, true)));
        let told = evidence(&trace).trace;
        assert!(told.contains(&"proxy on bob -> chat on bob: GET /a; body: hello (5 bytes)".to_owned()), "{told:#?}");
    }

    #[test]
    fn the_parts_of_a_target_are_followed_one_by_one() {
        let proxy = || Party::proxy("bob");
        let hidden = [("x-forwarded-uri", "/a"), ("x-forwarded-host", "chat.bobbob.p")];
        let hops = [
            hop(Party::core("alice"), proxy(), "/a?x=1", &[]),
            hop(proxy(), Party::core("bob"), "/internal/auth", &hidden),
        ];
        let changed = changed_by("\"@target-uri\"", &hops).unwrap();
        assert_eq!(changed, "proxy on bob: got `/a?x=1`, handed `/a` to Core on bob");
    }

    #[test]
    fn a_field_that_is_dropped_is_a_change() {
        let proxy = || Party::proxy("bob");
        let hops = [
            hop(Party::core("alice"), proxy(), "/a", &[("x-a", "1"), ("x-a", "2")]),
            hop(proxy(), Party::core("bob"), "/internal/auth", &[]),
        ];
        let changed = changed_by("\"x-a\"", &hops).unwrap();
        assert_eq!(changed, "proxy on bob: got `1, 2`, handed nothing to Core on bob");
    }

    #[test]
    fn a_core_that_builds_it_wrongly_is_told_from_a_hop_that_changed_it() {
        let details = evidence(&trace("/a?x=1", "\"@path\": /a\n\"@query\": ?"));
        assert!(details.hop.unwrap().starts_with("no hop: `?x=1` went all the way"));
    }

    #[test]
    fn bases_that_are_the_same_are_no_evidence() {
        let details = evidence(&trace("/a?x=1", "\"@path\": /a\n\"@query\": ?x=1"));
        assert_eq!((details.bases, details.hop), (None, None));
    }

    #[test]
    fn what_the_step_says_itself_stays() {
        let mut failure = StepFailure::fail("a", "b").bases("x", "y").hop("mine");
        add(failure.details_mut(), &trace("/a", "\"@path\": /b"), "t1");
        assert_eq!(failure.details().hop.as_deref(), Some("mine"));
        assert_eq!(failure.details().bases.as_ref().unwrap().made, "x");
    }

    #[test]
    fn a_fault_of_the_harness_needs_no_evidence() {
        let mut failure = StepFailure::error("x");
        add(failure.details_mut(), &trace("/a", "\"@path\": /b"), "t1");
        assert_eq!(failure.details().bases, None);
    }
}
