//! What the harness draws at random in a scenario: nonces, keys of the Portals that it plays, IDs that nobody has.
//!
//! All of it follows from one seed and the scenario's id, so that a scenario that is run again with the same seed, alone
//! or among others, draws the same. What a Core draws is its own matter.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};

use super::failure::StepResult;
use crate::testbed::identity::TestIdentity;

/// From what everything follows that the harness draws in a run. Written as 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seed(u64);

impl Seed {
    /// One that nobody knows beforehand. On a machine without randomness it is 0.
    pub fn fresh() -> Seed {
        let mut bytes = [0; 8];
        match SystemRandom::new().fill(&mut bytes) {
            Ok(()) => Seed(u64::from_be_bytes(bytes)),
            Err(_) => Seed::default(),
        }
    }

    /// The seed of the `n`-th further run; of run 0 this one.
    #[must_use]
    pub fn further(self, n: u64) -> Seed {
        Seed(self.0.wrapping_add(n))
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for Seed {
    type Err = String;

    fn from_str(text: &str) -> Result<Seed, String> {
        let digits = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        match u64::from_str_radix(text, 16) {
            Ok(seed) if digits => Ok(Seed(seed)),
            _ => Err("a seed is 16 hexadecimal digits, such as 00000000000000ff".to_owned()),
        }
    }
}

/// Private keys (PKCS#8 PEM) by the name of the Portal that they belong to, from a bundle.
pub type GivenKeys = BTreeMap<String, String>;

/// What one scenario draws.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chance {
    source: Vec<u8>,
    drawn: u64,
    keys: Arc<GivenKeys>,
}

impl Chance {
    /// Of this scenario.
    pub(crate) fn of(seed: Seed, scenario: &str, keys: Arc<GivenKeys>) -> Chance {
        let source = [&seed.0.to_be_bytes()[..], scenario.as_bytes()].concat();
        Chance { source: digest(&SHA256, &source).as_ref().to_vec(), drawn: 0, keys }
    }

    /// So many bytes, others each time.
    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        for part in bytes.chunks_mut(32) {
            let block = self.block(&format!("draw {}", self.drawn));
            self.drawn += 1;
            part.copy_from_slice(&block[..part.len()]);
        }
        bytes
    }

    /// The Ed25519 key of a Portal of that name, the same each time: the one that was given, or one that is made.
    pub(crate) fn identity(&self, portal: &str) -> StepResult<TestIdentity> {
        match self.keys.get(portal) {
            Some(pem) => Ok(TestIdentity::from_private_key_pem(pem)?),
            None => Ok(TestIdentity::from_seed(&self.block(&format!("key of {portal}")))?),
        }
    }

    /// From which follows what faults of the testbed draw.
    pub(crate) fn seed_of_faults(&self) -> u64 {
        let block = self.block("faults");
        block.iter().take(8).fold(0, |seed, byte| seed << 8 | u64::from(*byte))
    }

    fn block(&self, purpose: &str) -> [u8; 32] {
        let hash = digest(&SHA256, &[&self.source, purpose.as_bytes()].concat());
        let mut block = [0; 32];
        block.copy_from_slice(hash.as_ref());
        block
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chance(seed: u64, scenario: &str) -> Chance {
        Chance::of(Seed(seed), scenario, Arc::default())
    }

    #[test]
    fn the_same_seed_and_scenario_draw_the_same() {
        let (mut one, mut again) = (chance(1, "f/a"), chance(1, "f/a"));
        assert_eq!((one.bytes::<16>(), one.bytes::<103>()), (again.bytes::<16>(), again.bytes::<103>()));
        assert_eq!(one.identity("alice").unwrap().id(), again.identity("alice").unwrap().id());
    }

    #[test]
    fn no_draw_comes_twice() {
        let (mut one, mut other, mut third) = (chance(1, "f/a"), chance(2, "f/a"), chance(1, "f/b"));
        let mut draws: Vec<[u8; 40]> = (0..20).map(|_| one.bytes()).collect();
        draws.extend([other.bytes(), third.bytes()]);
        let count = draws.len();
        draws.sort();
        draws.dedup();
        assert_eq!(draws.len(), count);
        assert_ne!(one.identity("alice").unwrap().id(), one.identity("bob").unwrap().id());
        assert_ne!(one.identity("alice").unwrap().id(), other.identity("alice").unwrap().id());
        // The order in which Portals start does not matter.
        assert_eq!(one.identity("alice").unwrap().id(), chance(1, "f/a").identity("alice").unwrap().id());
    }

    #[test]
    fn a_key_that_is_given_goes_before_one_that_is_made() {
        let pem = TestIdentity::generate().unwrap().private_key_pem().to_owned();
        let keys = Arc::new(GivenKeys::from([("alice".to_owned(), pem.clone())]));
        let chance = Chance::of(Seed(1), "f/a", keys);
        assert_eq!(chance.identity("alice").unwrap().private_key_pem(), pem);
        assert_ne!(chance.identity("bob").unwrap().private_key_pem(), pem);
    }

    #[test]
    fn a_seed_is_written_and_read() {
        assert_eq!(Seed(255).to_string(), "00000000000000ff");
        assert_eq!("00000000000000ff".parse(), Ok(Seed(255)));
        assert_eq!(Seed(u64::MAX).further(1), Seed(0));
        assert_ne!(Seed::fresh(), Seed::fresh());
        for bad in ["", "ff", "+000000000000001", "00000000000000fg", "00000000000000001"] {
            assert!(bad.parse::<Seed>().is_err(), "{bad}");
        }
    }
}
