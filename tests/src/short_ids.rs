//! Two keys whose IDs begin alike: how such pairs are found. A short ID has 30 bits, so among some 40,000 keys there is
//! most likely one.

use std::collections::HashMap;

use countersign::testbed::identity::{BadKey, TestIdentity};

/// Makes keys (Ed25519) until two have IDs that begin with the same `length` characters.
///
/// # Errors
/// When the machine has no randomness.
pub fn find(length: usize) -> Result<[TestIdentity; 2], BadKey> {
    let mut seen: HashMap<String, TestIdentity> = HashMap::new();
    loop {
        let identity = TestIdentity::generate()?;
        let beginning: String = identity.id().chars().take(length).collect();
        if let Some(other) = seen.remove(&beginning) {
            return Ok([other, identity]);
        }
        seen.insert(beginning, identity);
    }
}
