use std::collections::HashSet;
use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn parsed(text: &str) -> Fault {
    Fault::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn every_kind_has_an_example_that_can_be_read_and_is_written_alike() {
    let mut seen = HashSet::new();
    for kind in KINDS {
        assert_eq!(parsed(kind.example).to_string(), kind.example);
        assert!(seen.insert(kind.example), "{} stands twice", kind.example);
        assert!(kind.about.ends_with('.'), "{}", kind.about);
    }
    for kind in CertificateKind::BAD {
        assert!(seen.contains(format!("bob certificate {}", kind.word()).as_str()), "{kind:?} is not listed");
    }
    for fault in ProcessFault::ALL {
        assert!(seen.contains(format!("bob core {}", fault.word()).as_str()), "{fault:?} is not listed");
        assert!(seen.contains(format!("bob app chat {}", fault.word()).as_str()), "{fault:?} is not listed");
    }
}

#[test]
fn what_may_be_left_out_or_stand_elsewhere_is_understood() {
    for (written, canonical) in [
        ("alice  ->  bob   refused", "alice -> bob refused"),
        ("alice -> bob cut", "alice -> bob refused"),
        ("alice -> bob cut after 10KiB", "alice -> bob cut after 10KiB of the answer"),
        ("alice -> bob cut after 10240B", "alice -> bob cut after 10KiB of the answer"),
        ("alice -> bob jitter 5ms latency 1000ms", "alice -> bob latency 1s jitter 5ms"),
        ("alice -> bob bandwidth 2048B/s", "alice -> bob bandwidth 2KiB/s"),
        ("bob clock -90m", "bob clock -90m"),
        ("bob clock +120m", "bob clock +2h"),
        ("bob proxy keeps-cookie", "bob proxy keeps-cookie"),
    ] {
        assert_eq!(parsed(written).to_string(), canonical);
    }
}

#[test]
fn what_is_no_fault_is_refused_with_what_was_expected() {
    let told: Vec<String> = [
        "",
        "alice",
        "alice -> ",
        "alice -> alice refused",
        "alice -> bob",
        "alice -> bob latancy 200ms",
        "alice -> bob latency",
        "alice -> bob latency 200",
        "alice -> bob latency 99d",
        "alice -> bob latency 1s latency 2s",
        "alice -> bob bandwidth 64KiB",
        "alice -> bob bandwidth 0B/s",
        "alice -> bob cut before 10KiB",
        "alice -> bob cut after 10KiB of the soup",
        "alice -> bob flapping 1ms",
        "alice -> bob refused now",
        "alice => bob refused",
        "bob core eaten",
        "bob app killed",
        "bob clock 3h",
        "bob clock +0s",
        "bob certificate good",
        "bob proxy sleeps",
        "-bob name gone",
    ]
    .iter()
    .map(|text| Fault::parse(text).unwrap_err().to_string())
    .collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn words_at_the_beginning_choose() {
    let fault = parsed("alice -> bob latency 200ms");
    for words in ["", "alice", "alice -> bob", "alice <-> bob", "bob <-> alice latency", "alice -> bob latency 200ms"] {
        assert!(fault.begins_with(words), "{words}");
    }
    for words in
        ["al", "bob", "bob -> alice", "alice -> bobby", "alice <-> bob refused", "alice -> bob latency 200ms x"]
    {
        assert!(!fault.begins_with(words), "{words}");
    }
}

#[test]
fn one_fault_takes_the_place_of_another_that_is_about_the_same() {
    let replaces = |one: &str, other: &str| parsed(one).replaces(&parsed(other));
    assert!(replaces("alice -> bob latency 2s", "alice -> bob bandwidth 1KiB/s"));
    assert!(replaces("alice -> bob refused", "alice -> bob flapping 1s"));
    assert!(!replaces("alice -> bob refused", "alice -> bob latency 1s"));
    assert!(!replaces("alice -> bob refused", "bob -> alice refused"));
    assert!(replaces("bob core killed", "bob core frozen"));
    assert!(!replaces("bob app chat killed", "bob app news killed"));
    assert!(!replaces("bob proxy drops-body", "bob proxy folds-headers"));
}

fn times() -> impl Strategy<Value = Duration> {
    (1u64..600_000).prop_map(Duration::from_millis)
}

fn names() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9][a-zA-Z0-9_-]{0,20}"
}

fn link_faults() -> impl Strategy<Value = LinkFault> {
    let pace = (times(), times(), proptest::option::of(1u64..1 << 40));
    let part = prop_oneof![Just(Part::Request), Just(Part::Answer)];
    prop_oneof![
        pace.prop_map(|(latency, jitter, bandwidth)| LinkFault::Slow(Pace { latency, jitter, bandwidth })),
        Just(LinkFault::Refused),
        Just(LinkFault::BlackHole),
        (5u64..3_600_000).prop_map(|ms| LinkFault::Flapping(Duration::from_millis(ms))),
        (any::<u32>(), part).prop_map(|(bytes, of)| LinkFault::Cut(Cut { bytes: bytes.into(), of })),
    ]
}

fn faults() -> impl Strategy<Value = Fault> {
    let process = proptest::sample::select(&ProcessFault::ALL[..]);
    let certificate = proptest::sample::select(&CertificateKind::BAD[..]);
    let proxy = proptest::sample::select(ProxyFault::ALL);
    prop_oneof![
        (names(), names(), any::<bool>(), link_faults())
            .prop_filter("two Portals", |(from, to, ..)| from != to)
            .prop_map(|(from, to, both, fault)| Fault::Link { from, to, both, fault }),
        (names(), process.clone()).prop_map(|(portal, fault)| Fault::Core { portal, fault }),
        (names(), names(), process).prop_map(|(portal, app, fault)| Fault::App { portal, app, fault }),
        (names(), any::<bool>(), times()).prop_map(|(portal, ahead, by)| Fault::Clock { portal, ahead, by }),
        names().prop_map(|portal| Fault::Key { portal }),
        names().prop_map(|portal| Fault::Name { portal }),
        (names(), certificate).prop_map(|(portal, kind)| Fault::Certificate { portal, kind }),
        (names(), proxy).prop_map(|(portal, fault)| Fault::Proxy { portal, fault }),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read_as_the_same(fault in faults()) {
        prop_assert_eq!(Fault::parse(&fault.to_string()), Ok(fault));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "[a-z>< +0-9äKiBms-]{0,60}") {
        let _ = Fault::parse(&text);
    }
}
