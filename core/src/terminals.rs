//! The owner's devices: pairing codes, and the cookie that a paired one shows (contract §3).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::rand;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

use crate::clock::{Clock, unix_seconds};
use crate::identity::{ALPHABET, PortalId, SHORT_LENGTH};
use crate::refusal::Refusal;
use crate::store::{Batch, Store, StoreError, Table, scan_json};

/// The longest deadline of a pairing code, in seconds.
pub const MAX_DEADLINE: u64 = 24 * 3_600;
/// How many wrong guesses a code bears; then it is void (TERM-4). One in 100,000 attackers gets in.
pub const GUESSES_PER_CODE: u32 = 10;
/// How many codes can be waiting; a further one voids the oldest.
pub const MAX_CODES: usize = 8;
/// The most terminals that are stored.
pub const MAX_TERMINALS: usize = 1_000;
/// The longest name, in characters; the rest is cut off.
pub const MAX_NAME: usize = 256;
/// The longest cookie that is looked at, in bytes.
const MAX_COOKIE_BYTES: usize = 4_096;

/// A paired device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terminal {
    /// Its id.
    pub id: String,
    /// The name that it was given.
    pub name: String,
    /// When it was paired, in Unix seconds.
    pub created: u64,
}

/// A code with which one device can be paired (TERM-1).
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct PairingCode {
    /// Six digits.
    pub code: String,
    /// When it was made, in Unix seconds.
    pub created: u64,
    /// Until when it counts, in Unix seconds.
    pub valid_until: u64,
}

/// The code is a secret.
impl fmt::Debug for PairingCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PairingCode").field("valid_until", &self.valid_until).finish_non_exhaustive()
    }
}

/// A device that was paired, and its cookie's value.
#[derive(Clone)]
pub struct Paired {
    /// The device.
    pub terminal: Terminal,
    /// A JWT, for the cookie.
    pub jwt: String,
}

/// All terminals. Reads come from memory, writes reach the store first.
pub struct Terminals {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    issuer: PortalId,
    cookie_seconds: u64,
    sign: EncodingKey,
    verify: DecodingKey,
    by_id: RwLock<BTreeMap<String, Terminal>>,
    codes: Mutex<Vec<Waiting>>,
}

struct Waiting {
    code: PairingCode,
    guesses_left: u32,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    iss: String,
    iat: u64,
    exp: u64,
}

const SECRET: &str = "terminal_cookie_secret";

impl Terminals {
    /// The terminals in the store. The secret that signs cookies is made where there is none.
    ///
    /// # Errors
    /// They can't be read, or the secret can't be made or stored.
    pub fn open(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        issuer: PortalId,
        cookie_seconds: u64,
    ) -> Result<Self, StoreError> {
        let secret = match store.read(Table::Settings, SECRET)? {
            Some(secret) => secret,
            None => {
                let mut secret = vec![0; 32];
                rand::fill(&mut secret).map_err(|_| StoreError::Encode { why: "no randomness".to_owned() })?;
                store.commit(Batch::new().put(Table::Settings, SECRET, secret.clone()))?;
                secret
            }
        };
        let by_id = scan_json::<Terminal>(&*store, Table::Terminals)?.into_iter().collect();
        Ok(Self {
            store,
            clock,
            issuer,
            cookie_seconds,
            sign: EncodingKey::from_secret(&secret),
            verify: DecodingKey::from_secret(&secret),
            by_id: RwLock::new(by_id),
            codes: Mutex::default(),
        })
    }

    /// Makes a code that counts once, for `deadline` seconds (TERM-1).
    ///
    /// # Errors
    /// A deadline of zero or over [`MAX_DEADLINE`]; no randomness.
    pub fn pairing_code(&self, deadline: u64) -> Result<PairingCode, Refusal> {
        if !(1..=MAX_DEADLINE).contains(&deadline) {
            return Err(Refusal::DeadlineOutOfRange { limit: MAX_DEADLINE });
        }
        let now = unix_seconds(&*self.clock);
        let mut codes = self.codes();
        codes.retain(|waiting| waiting.code.valid_until > now);
        if codes.len() >= MAX_CODES {
            codes.remove(0);
        }
        let code = PairingCode { code: six_digits()?, created: now, valid_until: now.saturating_add(deadline) };
        codes.push(Waiting { code: code.clone(), guesses_left: GUESSES_PER_CODE });
        Ok(code)
    }

    /// Pairs a device (TERM-2). A wrong code brings every waiting one closer to its end (TERM-4).
    ///
    /// # Errors
    /// [`Refusal::PairingCodeRefused`], a full list, a failing store. In the last two cases the code still counts.
    pub fn pair(&self, code: &str, name: &str) -> Result<Paired, Refusal> {
        let now = unix_seconds(&*self.clock);
        let mut codes = self.codes();
        codes.retain(|waiting| waiting.code.valid_until > now);
        let Some(index) = codes.iter().position(|waiting| is_same(&waiting.code.code, code)) else {
            for waiting in codes.iter_mut() {
                waiting.guesses_left -= 1;
            }
            codes.retain(|waiting| waiting.guesses_left > 0);
            return Err(Refusal::PairingCodeRefused);
        };
        // The codes stay locked, so that this one can't be used a second time meanwhile.
        let paired = self.add(name, now)?;
        codes.remove(index);
        Ok(paired)
    }

    /// The terminal that a cookie belongs to (TERM-3): signed by us with HS256, not expired, not revoked.
    pub fn authenticate(&self, jwt: &str) -> Option<Terminal> {
        if jwt.len() > MAX_COOKIE_BYTES {
            return None;
        }
        let mut validation = Validation::new(Algorithm::HS256);
        // The library asks the machine's clock; ours decides below.
        validation.validate_exp = false;
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        validation.set_issuer(&[self.issuer.as_str()]);
        let claims = decode::<Claims>(jwt, &self.verify, &validation).ok()?.claims;
        if claims.exp <= unix_seconds(&*self.clock) {
            return None;
        }
        self.read(|terminals| terminals.get(&claims.sub).cloned())
    }

    /// All terminals.
    pub fn list(&self) -> Vec<Terminal> {
        self.read(|terminals| terminals.values().cloned().collect())
    }

    /// Revokes a terminal: its cookie is worth nothing from now on (TERM-6).
    ///
    /// # Errors
    /// [`Refusal::TerminalUnknown`], a failing store.
    pub fn revoke(&self, id: &str) -> Result<(), Refusal> {
        if !self.read(|terminals| terminals.contains_key(id)) {
            return Err(Refusal::TerminalUnknown);
        }
        self.store.commit(Batch::new().remove(Table::Terminals, id))?;
        self.write(|terminals| terminals.remove(id));
        Ok(())
    }

    /// Adds a terminal without a code and gives its cookie; for a harness that needs an owner.
    ///
    /// # Errors
    /// A full list, a failing store.
    pub fn pair_unasked(&self, name: &str) -> Result<Paired, Refusal> {
        let _one_at_a_time = self.codes();
        self.add(name, unix_seconds(&*self.clock))
    }

    /// To be called while `codes` is held.
    fn add(&self, name: &str, now: u64) -> Result<Paired, Refusal> {
        let id = loop {
            let id = random_id()?;
            if !self.read(|terminals| terminals.contains_key(&id)) {
                break id;
            }
        };
        if self.read(BTreeMap::len) >= MAX_TERMINALS {
            return Err(Refusal::TerminalsFull { limit: MAX_TERMINALS });
        }
        let terminal = Terminal { id, name: name.chars().take(MAX_NAME).collect(), created: now };
        let claims = Claims {
            sub: terminal.id.clone(),
            iss: self.issuer.to_string(),
            iat: now,
            exp: now.saturating_add(self.cookie_seconds),
        };
        let jwt = encode(&Header::new(Algorithm::HS256), &claims, &self.sign).map_err(|error| {
            tracing::error!(%error, "a cookie can't be signed");
            Refusal::StoreFailed
        })?;
        self.store.commit(Batch::new().put_json(Table::Terminals, terminal.id.as_str(), &terminal)?)?;
        self.write(|terminals| terminals.insert(terminal.id.clone(), terminal.clone()));
        Ok(Paired { terminal, jwt })
    }

    fn codes(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.codes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(&self, with: impl FnOnce(&BTreeMap<String, Terminal>) -> T) -> T {
        with(&self.by_id.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, with: impl FnOnce(&mut BTreeMap<String, Terminal>) -> T) -> T {
        with(&mut self.by_id.write().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Terminals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Terminals").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// Uniform: what would favour small numbers is drawn again.
fn six_digits() -> Result<String, Refusal> {
    const CODES: u32 = 1_000_000;
    loop {
        let number = u32::from_be_bytes(random()?);
        if number < u32::MAX - u32::MAX % CODES {
            return Ok(format!("{:06}", number % CODES));
        }
    }
}

fn random_id() -> Result<String, Refusal> {
    let bytes: [u8; SHORT_LENGTH] = random()?;
    Ok(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect())
}

fn random<const N: usize>() -> Result<[u8; N], Refusal> {
    let mut bytes = [0; N];
    match rand::fill(&mut bytes) {
        Ok(()) => Ok(bytes),
        Err(_) => {
            tracing::error!("no randomness");
            Err(Refusal::StoreFailed)
        }
    }
}

/// In constant time, as far as the lengths are the same.
fn is_same(a: &str, b: &str) -> bool {
    verify_slices_are_equal(a.as_bytes(), b.as_bytes()).is_ok()
}

#[cfg(test)]
mod tests;
