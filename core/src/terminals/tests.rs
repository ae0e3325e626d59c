use std::time::{Duration, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;

use super::*;
use crate::clock::SettableClock;
use crate::identity::ID_LENGTH;
use crate::store::MemoryStore;

struct Portal {
    store: MemoryStore,
    clock: SettableClock,
    terminals: Terminals,
}

fn portal(own: &str) -> Portal {
    let store = MemoryStore::new();
    let clock = SettableClock::frozen_at(UNIX_EPOCH + Duration::from_secs(1_700_000_000));
    let terminals = open(&store, &clock, own);
    Portal { store, clock, terminals }
}

fn open(store: &MemoryStore, clock: &SettableClock, own: &str) -> Terminals {
    let id = PortalId::parse(&own.repeat(ID_LENGTH)).unwrap();
    Terminals::open(Arc::new(store.clone()), Arc::new(clock.clone()), id, 1_000).unwrap()
}

fn wrong(code: &str) -> String {
    let digit = if code.starts_with('0') { '1' } else { '0' };
    format!("{digit}{}", &code[1..])
}

#[test]
fn a_code_pairs_one_device_once() {
    let Portal { terminals, .. } = portal("a");
    let code = terminals.pairing_code(60).unwrap();
    assert_eq!((code.created, code.valid_until), (1_700_000_000, 1_700_000_060));
    assert!(code.code.len() == 6 && code.code.bytes().all(|b| b.is_ascii_digit()), "{}", code.code);
    let paired = terminals.pair(&code.code, "phone").unwrap();
    assert_eq!(terminals.authenticate(&paired.jwt), Some(paired.terminal.clone()));
    assert_eq!(terminals.list(), [paired.terminal]);
    assert_eq!(terminals.pair(&code.code, "again").err(), Some(Refusal::PairingCodeRefused));
    assert_eq!(terminals.list().len(), 1);
}

#[test]
fn a_code_that_is_wrong_or_too_old_pairs_nothing() {
    let Portal { terminals, clock, .. } = portal("a");
    for code in ["", "000000", "x", "１２３４５６"] {
        assert_eq!(terminals.pair(code, "x").err(), Some(Refusal::PairingCodeRefused), "{code}");
    }
    let code = terminals.pairing_code(60).unwrap().code;
    assert!(terminals.pair(&wrong(&code), "x").is_err());
    assert!(terminals.pair(&format!("{code} "), "x").is_err());
    clock.advance(Duration::from_secs(60));
    assert!(terminals.pair(&code, "x").is_err());
    clock.rewind(Duration::from_secs(1));
    assert!(terminals.pair(&code, "x").is_err(), "what expired stays expired");
    let code = terminals.pairing_code(60).unwrap().code;
    clock.advance(Duration::from_secs(59));
    assert!(terminals.pair(&code, "x").is_ok());
    for deadline in [0, MAX_DEADLINE + 1, u64::MAX] {
        assert_eq!(terminals.pairing_code(deadline).unwrap_err().status().as_u16(), 422);
    }
}

#[test]
fn guesses_are_limited() {
    let Portal { terminals, .. } = portal("a");
    let code = terminals.pairing_code(60).unwrap().code;
    for _ in 1..GUESSES_PER_CODE {
        assert!(terminals.pair(&wrong(&code), "x").is_err());
    }
    assert!(terminals.pair(&code, "x").is_ok(), "one guess was left");
    let code = terminals.pairing_code(60).unwrap().code;
    for _ in 0..GUESSES_PER_CODE {
        assert!(terminals.pair(&wrong(&code), "x").is_err());
    }
    assert_eq!(terminals.pair(&code, "x").err(), Some(Refusal::PairingCodeRefused));
}

#[test]
fn waiting_codes_are_bounded_and_spread() {
    let Portal { terminals, .. } = portal("a");
    let codes: Vec<_> = (0..100).map(|_| terminals.pairing_code(60).unwrap().code).collect();
    assert_eq!(terminals.codes().len(), MAX_CODES);
    assert!(terminals.pair(&codes[99], "x").is_ok());
    assert!(terminals.pair(&codes[0], "x").is_err());
    let different: std::collections::BTreeSet<_> = codes.iter().collect();
    assert!(different.len() > 90, "{codes:?}");
    assert!(
        codes.iter().any(|code| code < &"500000".to_owned()) && codes.iter().any(|code| code >= &"500000".to_owned())
    );
}

#[test]
fn our_clock_decides_when_a_cookie_is_over() {
    let Portal { terminals, clock, .. } = portal("a");
    let jwt = terminals.pair_unasked("phone").unwrap().jwt;
    clock.advance(Duration::from_secs(999));
    assert!(terminals.authenticate(&jwt).is_some());
    clock.advance(Duration::from_secs(1));
    assert!(terminals.authenticate(&jwt).is_none());
    clock.rewind(Duration::from_secs(1));
    assert!(terminals.authenticate(&jwt).is_some());
}

#[test]
fn a_cookie_outlives_a_restart_and_no_revocation() {
    let Portal { store, clock, terminals } = portal("a");
    let phone = terminals.pair_unasked("phone").unwrap();
    let laptop = terminals.pair_unasked("laptop").unwrap();
    let again = open(&store, &clock, "a");
    assert_eq!(again.authenticate(&phone.jwt), Some(phone.terminal.clone()));
    again.revoke(&phone.terminal.id).unwrap();
    assert!(again.authenticate(&phone.jwt).is_none() && again.authenticate(&laptop.jwt).is_some());
    assert_eq!(again.revoke(&phone.terminal.id), Err(Refusal::TerminalUnknown));
    let again = open(&store, &clock, "a");
    assert!(again.authenticate(&phone.jwt).is_none() && again.authenticate(&laptop.jwt).is_some());
}

#[test]
fn forged_altered_and_foreign_cookies_are_nobodys() {
    let Portal { terminals, .. } = portal("a");
    let phone = terminals.pair_unasked("phone").unwrap();
    let [head, claims, signature] = phone.jwt.split('.').collect::<Vec<_>>().try_into().unwrap();
    let encode = |json: serde_json::Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let none = encode(serde_json::json!({"alg": "none", "typ": "JWT"}));
    let other: serde_json::Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    let mut other = other.clone();
    other["exp"] = serde_json::json!(u64::MAX);
    let other = encode(other);
    let altered =
        if signature.starts_with('A') { signature.replacen('A', "B", 1) } else { format!("A{}", &signature[1..]) };
    let foreign = portal("a").terminals.pair_unasked("phone").unwrap().jwt;
    let elsewhere = open(&MemoryStore::new(), &SettableClock::running(), "b").pair_unasked("x").unwrap().jwt;
    for jwt in [
        String::new(),
        "x".into(),
        "..".into(),
        format!("{none}.{claims}."),
        format!("{none}.{claims}.{signature}"),
        format!("{}.{claims}.", encode(serde_json::json!({"alg": "None"}))),
        format!("{}.{claims}.{signature}", encode(serde_json::json!({"alg": "HS512", "typ": "JWT"}))),
        format!("{}.{claims}.{signature}", encode(serde_json::json!({"alg": "RS256", "typ": "JWT"}))),
        format!("{head}.{other}.{signature}"),
        format!("{head}.{claims}.{altered}"),
        format!("{head}.{claims}."),
        format!("{head}.{claims}"),
        format!("{} ", phone.jwt),
        format!("{}{}", phone.jwt, "A".repeat(MAX_COOKIE_BYTES)),
        foreign,
        elsewhere,
    ] {
        assert_eq!(terminals.authenticate(&jwt), None, "{jwt:.200}");
    }
    assert!(terminals.authenticate(&phone.jwt).is_some());
}

#[test]
fn a_cookie_of_another_issuer_is_nobodys_even_with_the_same_secret() {
    let Portal { store, clock, terminals } = portal("a");
    let jwt = terminals.pair_unasked("phone").unwrap().jwt;
    assert!(open(&store, &clock, "a").authenticate(&jwt).is_some());
    assert!(open(&store, &clock, "b").authenticate(&jwt).is_none());
}

#[test]
fn debug_shows_neither_secret_nor_code() {
    let Portal { store, terminals, .. } = portal("a");
    let code = terminals.pairing_code(60).unwrap();
    let secret = store.read(Table::Settings, SECRET).unwrap().unwrap();
    let shown = format!("{terminals:?}{code:?}");
    assert!(!shown.contains(&code.code) && !shown.contains(&format!("{secret:?}")), "{shown}");
}

proptest! {
    #[test]
    fn no_cookie_makes_it_panic(jwt in r"([A-Za-z0-9_=-]{0,20}\.?|\PC){0,6}") {
        prop_assert_eq!(portal("a").terminals.authenticate(&jwt), None);
    }
}
