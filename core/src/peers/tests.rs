use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::identity::{Description, Identity, KeyKind};
use crate::profile::Profile;
use crate::store::MemoryStore;

fn identity(name: &str) -> Identity {
    let description = Description { name: name.into(), ..Description::default() };
    Identity::generate(KeyKind::Ed25519, description).unwrap()
}

fn who(identity: &Identity) -> WhoAreYou {
    identity.who_are_you(&Profile::default())
}

fn of(text: &str) -> PeerRef {
    PeerRef::parse(text).unwrap()
}

fn open(store: &MemoryStore) -> Peers {
    let own = PortalId::parse(&"a".repeat(ID_LENGTH)).unwrap();
    Peers::open(Arc::new(store.clone()), own, Arc::new(PinnedKey)).unwrap()
}

fn empty() -> Peers {
    open(&MemoryStore::new())
}

fn names(peers: &Peers) -> Vec<String> {
    peers.list(None).iter().map(|peer| peer.name().to_owned()).collect()
}

#[test]
fn what_is_no_id_and_no_prefix_of_one_is_refused() {
    for text in [
        "",
        "b8rk3",
        "______",
        "b8rk3%",
        "b8rk3*",
        ".{6}..",
        "B8RK3F",
        "b8rk3f.x",
        "b8rk3f@x",
        "b8rk3f:1",
        "b8rk3i",
        "b8rk3f\n",
        "b8rk3ö",
        &"a".repeat(104),
    ] {
        let refusal = PeerRef::parse(text).unwrap_err();
        assert_eq!((refusal.code(), refusal.status().as_u16()), ("peer_id_malformed", 422), "{text}");
    }
    for text in ["b8rk3f", &"a".repeat(103)] {
        assert_eq!(of(text).as_str(), text);
    }
}

#[test]
fn the_owners_name_wins_and_can_be_taken_back() {
    let peers = empty();
    let anna = identity("Anna of herself");
    let id = of(anna.id().short());
    let (peer, is_new) = peers.put(&id, None).unwrap();
    assert!(is_new && peer.name().is_empty() && !peer.is_reachable());
    let peer = peers.learn_key(&peer, &who(&anna)).unwrap();
    assert_eq!((peer.name(), peer.is_reachable()), ("Anna of herself", true));
    assert_eq!(peers.put(&id, Some("Aunt")).unwrap().0.name(), "Aunt");
    // No name leaves it, an empty one takes it back.
    let (peer, is_new) = peers.put(&of(anna.id().as_str()), None).unwrap();
    assert!(!is_new && peer.name() == "Aunt");
    assert_eq!(peers.learn_key(&peer, &who(&anna)).unwrap().name(), "Aunt");
    assert_eq!(peers.put(&id, Some(" ")).unwrap().0.name(), "Anna of herself");
    assert_eq!(names(&peers), ["Anna of herself"]);
    assert_eq!((peers.list(Some("aNNa")).len(), peers.list(Some("Aunt")).len()), (1, 0));
}

#[test]
fn the_form_of_the_id_is_a_matter_of_the_profile() {
    let peers = empty();
    let anna = identity("Anna");
    let full = anna.id().as_str();
    let (peer, _) = peers.put(&of(&full[..8]), None).unwrap();
    assert_eq!(peer.id(IdForm::Full), &full[..8]);
    let peer = peers.learn_key(&peer, &who(&anna)).unwrap();
    assert_eq!(
        (peer.id(IdForm::Full), peer.id(IdForm::Short), peer.id(IdForm::AsTyped)),
        (full, &full[..6], &full[..8])
    );
    for id in [full, &full[..6], &full[..50]] {
        assert_eq!(peers.find(&of(id)), Found::One(peer.clone()), "{id}");
    }
}

#[test]
fn a_prefix_of_several_is_ambiguous_and_removes_nobody() {
    let peers = empty();
    for id in ["b8rk3fa", "b8rk3fb", "c0p3x5"] {
        peers.put(&of(id), Some(id)).unwrap();
    }
    let short = of("b8rk3f");
    assert_eq!(peers.find(&short), Found::Several);
    assert_eq!(peers.find(&short).one(&short).unwrap_err().status().as_u16(), 409);
    assert_eq!(peers.remove(&short).unwrap_err().status().as_u16(), 409);
    assert_eq!(peers.put(&short, Some("x")).unwrap_err().status().as_u16(), 409);
    assert_eq!(peers.remove(&of("b8rk3fc")).unwrap_err().status().as_u16(), 404);
    assert_eq!(names(&peers), ["b8rk3fa", "b8rk3fb", "c0p3x5"]);
    peers.remove(&of("b8rk3fa")).unwrap();
    assert_eq!(names(&peers), ["b8rk3fb", "c0p3x5"]);
    peers.remove(&short).unwrap();
    assert_eq!(names(&peers), ["c0p3x5"]);
}

#[test]
fn more_of_an_id_is_the_same_peer_as_long_as_no_more_is_known() {
    let peers = empty();
    let (peer, _) = peers.put(&of("b8rk3f"), Some("Anna")).unwrap();
    let (longer, is_new) = peers.put(&of("b8rk3fxx"), None).unwrap();
    assert!(!is_new);
    assert_eq!((longer.id(IdForm::Full), longer.name()), ("b8rk3fxx", "Anna"));
    // Who still holds the old value means the same peer.
    peers.mark_reachable(&peer, true).unwrap();
    assert!(peers.list(None)[0].is_reachable());
    let (_, is_new) = peers.put(&of("b8rk3fyy"), None).unwrap();
    assert!(is_new);
}

#[test]
fn the_own_id_is_refused() {
    let peers = empty();
    for length in [6, 50, 103] {
        assert_eq!(peers.put(&of(&"a".repeat(length)), None), Err(Refusal::PeerIsSelf));
    }
    assert!(peers.put(&of("aaaaab"), None).is_ok());
}

#[test]
fn a_key_that_does_not_make_the_id_is_not_learnt() {
    let peers = empty();
    let (anna, carol) = (identity("Anna"), identity("Carol"));
    let (peer, _) = peers.put(&of(anna.id().short()), None).unwrap();
    let mut answer = who(&anna);
    answer.public_key_pem = carol.public_key_pem().to_owned();
    assert_eq!(peers.learn_key(&peer, &answer), Err(KeyRefusal::KeyDoesNotMakeId.into()));
    answer.public_key_pem = "x".into();
    assert_eq!(peers.learn_key(&peer, &answer), Err(KeyRefusal::KeyMalformed.into()));
    assert_eq!(peers.learn_key(&peer, &who(&carol)), Err(KeyRefusal::OtherId.into()));
    answer.id = anna.id().short().to_owned();
    assert_eq!(peers.learn_key(&peer, &answer), Err(KeyRefusal::IdMalformed.into()));
    let stored = peers.list(None).remove(0);
    assert!(stored.key().is_none() && !stored.is_reachable());
    assert_eq!(peers.learn_key(&peer, &who(&anna)).unwrap().portal_id(), Some(anna.id()));
}

/// Two identities whose IDs begin alike in the first character only: the prefix is shortened by hand.
fn colliding() -> (Identity, Identity) {
    let first = identity("first");
    let second = std::iter::repeat_with(|| identity("second"))
        .find(|other| other.id().as_str()[..1] == first.id().as_str()[..1]);
    (first, second.unwrap())
}

#[test]
fn a_learnt_key_is_pinned() {
    let peers = empty();
    let (first, second) = colliding();
    let (peer, _) = peers.put(&of(first.id().short()), None).unwrap();
    let learnt = peers.learn_key(&peer, &who(&first)).unwrap();
    // As if the short ID had only one character, so that both IDs begin with it.
    let loose = Peer { typed_id: PeerRef(first.id().as_str()[..1].to_owned()), ..Peer::clone(&learnt) };
    assert_eq!(PinnedKey.check(&loose, &who(&second)), Err(KeyRefusal::Pinned));
    assert_eq!(PinnedKey.check(&Peer { known: None, ..loose.clone() }, &who(&second)), Ok(second.id().clone()));
    assert_eq!(PinnedKey.check(&loose, &who(&first)), Ok(first.id().clone()));
}

#[test]
fn everyone_whom_a_keyid_may_mean_is_a_candidate() {
    let peers = empty();
    let anna = identity("Anna");
    let full = anna.id().as_str();
    let ids = |keyid: &str| -> Vec<String> {
        peers.candidates_for(keyid).iter().map(|peer| peer.id(IdForm::Full).to_owned()).collect()
    };
    let (peer, _) = peers.put(&of(&full[..6]), None).unwrap();
    assert_eq!(ids(full), [&full[..6]]);
    let other = if full.as_bytes()[6] == b'a' { "b" } else { "a" };
    let other = format!("{}{other}", &full[..6]);
    assert_eq!(ids(&other), [&full[..6]], "without key it may be anyone who begins so");
    peers.learn_key(&peer, &who(&anna)).unwrap();
    assert_eq!(ids(&other), [""; 0]);
    peers.put(&of(&other), None).unwrap();
    let both: BTreeSet<_> = ids(&full[..6]).into_iter().collect();
    assert_eq!(both, BTreeSet::from([full.to_owned(), other.clone()]));
    assert_eq!((ids(full), ids(&other)), (vec![full.to_owned()], vec![other]));
    for keyid in ["", &full[..5], "______", "%", &full[..40].to_uppercase(), &format!("{full}a")] {
        assert_eq!(ids(keyid), [""; 0], "{keyid}");
    }
}

#[test]
fn no_name_is_an_error() {
    let peers = empty();
    for name in ["Al\r\nX-Ptl-Admin: yes", "\0", "{{ 7*7 }}", "Ålice 🦊", "\u{202e}"] {
        assert_eq!(peers.put(&of("b8rk3f"), Some(name)).unwrap().0.name(), name);
    }
    let long = "é".repeat(10_000);
    assert_eq!(peers.put(&of("b8rk3f"), Some(&long)).unwrap().0.name(), "é".repeat(MAX_NAME));
}

#[test]
fn peers_survive_a_restart_and_removed_ones_do_not_come_back() {
    let store = MemoryStore::new();
    let peers = open(&store);
    let anna = identity("Anna");
    let (peer, _) = peers.put(&of(anna.id().short()), Some("Aunt")).unwrap();
    peers.learn_key(&peer, &who(&anna)).unwrap();
    peers.put(&of("c0p3x5"), None).unwrap();
    peers.remove(&of("c0p3x5")).unwrap();
    let again = open(&store);
    assert_eq!(again.list(None), peers.list(None));
    assert_eq!(again.list(None)[0].key(), Some(&anna.key().verifying_key()));
    assert_eq!(
        peers.learn_key(&Peer::clone(&peers.put(&of("c0p3x5"), None).unwrap().0), &who(&anna)),
        Err(KeyRefusal::OtherId.into())
    );
    let gone = peers.remove(&of("c0p3x5")).unwrap();
    assert_eq!(peers.learn_key(&gone, &who(&anna)), Err(LearnError::NotAPeer));
}

proptest! {
    #[test]
    fn no_text_makes_a_reference_that_is_no_id(text in r"([a-z0-9]{0,8}|\PC|[\x00-\x20%_.*@:/]){0,20}") {
        if let Ok(id) = PeerRef::parse(&text) {
            prop_assert!((6..=103).contains(&id.as_str().len()) && id.as_str().bytes().all(|b| ALPHABET.contains(&b)));
        }
        prop_assert!(empty().candidates_for(&text).is_empty());
    }

    #[test]
    fn no_stored_id_begins_with_another_and_the_store_holds_what_is_listed(
        steps in proptest::collection::vec(("[ab]{6,9}", 0..4u8), 1..30)
    ) {
        let store = MemoryStore::new();
        let own = PortalId::parse(&"c".repeat(ID_LENGTH)).unwrap();
        let open = || Peers::open(Arc::new(store.clone()), own.clone(), Arc::new(PinnedKey)).unwrap();
        let peers = open();
        for (id, what) in steps {
            let id = of(&id);
            if what == 0 {
                let _ = peers.remove(&id);
            } else {
                let _ = peers.put(&id, Some("x"));
            }
            let ids: Vec<_> = peers.list(None).iter().map(|peer| peer.id(IdForm::Full).to_owned()).collect();
            for (n, a) in ids.iter().enumerate() {
                prop_assert!(ids.iter().enumerate().all(|(m, b)| n == m || !a.starts_with(b.as_str())), "{:?}", ids);
            }
        }
        prop_assert_eq!(open().list(None), peers.list(None));
    }
}
