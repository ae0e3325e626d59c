use super::*;

#[test]
fn a_file_says_what_the_builder_says() {
    let topology = Topology::from_toml(
        r#"
        zone = "portals.test"
        public_port = 8443
        peers = { pairs = [["alice", "bob"]] }
        [[portal]]
        name = "alice"
        key = "rsa-pss-4096"
        [[portal.app]]
        name = "chat"
        paths = { "" = "private", "/peers/" = "peer" }
        [[portal]]
        name = "bob"
        "#,
    )
    .unwrap();
    assert_eq!((topology.zone.as_str(), topology.public_port), ("portals.test", 8443));
    assert_eq!(topology.portals[0].key, KeyPlan::RsaPss4096);
    assert_eq!(topology.portals[1].key, KeyPlan::Ed25519);
    let built = AppPlan::with_paths("chat", [("", "private"), ("/peers/", "peer")]);
    assert_eq!(topology.portals[0].apps[0].manifest, built.manifest);
    assert_eq!(topology.introductions(), [(0, 1), (1, 0)]);
    assert!(topology.keys().unwrap()[0].as_ref().unwrap().contains("PRIVATE KEY"));
}

#[test]
fn a_misspelt_key_is_named_with_its_line() {
    let error = Topology::from_toml("zone = \"a.test\"\nzoone = 1\n").unwrap_err().to_string();
    assert!(error.contains("zoone") && error.contains("line 2"), "{error}");
}

#[test]
fn what_cannot_be_is_refused() {
    let twice = Topology::new().portals(["a", "A"]).checked().unwrap_err();
    assert!(matches!(twice, TopologyError::Duplicate { .. }));
    let stranger = Peering::Pairs(vec![("a".to_owned(), "c".to_owned())]);
    let error = Topology::new().portals(["a", "b"]).peering(stranger).checked().unwrap_err();
    assert_eq!(error, TopologyError::UnknownPortal("c".to_owned()));
    assert!(Topology::new().portals(["a.b"]).checked().is_err());
    assert!(Topology::new().portals(["a", "b"]).peering(Peering::All).checked().is_ok());
}

#[test]
fn each_portal_gets_a_prepared_key_of_its_own() {
    let rsa = |name: &str| PortalPlan::new(name).key(KeyPlan::RsaPss4096);
    let three = Topology::new().portal(rsa("a")).portal(rsa("b")).portal(rsa("c"));
    let keys: HashSet<_> = three.keys().unwrap().into_iter().flatten().collect();
    assert_eq!(keys.len(), 3);
    assert!(matches!(three.portal(rsa("d")).checked(), Err(TopologyError::TooFewKeys { wanted: 4, .. })));
}

#[test]
fn peering_goes_both_ways() {
    let of = |peers, count| {
        let names: Vec<_> = (0..count).map(|n| format!("p{n}")).collect();
        Topology::new().portals(names).peering(peers).introductions()
    };
    assert_eq!(of(Peering::All, 3).len(), 6);
    assert_eq!(of(Peering::Ring, 2), [(0, 1), (1, 0)]);
    assert_eq!(of(Peering::Ring, 4).len(), 8);
    for (a, b) in of(Peering::Ring, 4) {
        assert!(of(Peering::Ring, 4).contains(&(b, a)));
    }
}

#[test]
fn keys_are_not_shown() {
    assert!(!format!("{:?}", PortalPlan::new("a").key(KeyPlan::Pem("SECRET".to_owned()))).contains("SECRET"));
}

#[test]
fn sentences_take_the_names_that_a_project_takes() {
    let pattern = regex::Regex::new(&format!("^(?:{PORTAL_NAME})$")).unwrap();
    for name in ["alice", "home-1", "peer2", "a", "a-", "2a", "-a", "Alice", "a_b", "a.b", "", "ä", "a b"] {
        assert_eq!(is_portal_name(name), pattern.is_match(name), "{name}");
    }
    assert!(is_portal_name(&"a".repeat(63)) && !is_portal_name(&"a".repeat(64)));
}
