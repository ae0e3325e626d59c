//! The hostile peer: requests made by hand, signed, and then spoilt in exactly one place.
//!
//! Nothing here uses the signature engine of the Core: what the suite expects must not come from the code under test.
//! [`base`] is a second, small reading of RFC 9421 §2, for the components that scenarios use; [`keys`] goes straight to
//! the cryptographic library; [`Draft`] is a request with its signatures as data; [`own_signature`] checks one that
//! arrived.
//!
//! [`catalogue`] holds the attacks. Each is a valid request ([`Recipe`]) with one [`Defect`], has a twin that is let in,
//! and says what must come of it ([`Expected`]), from the contract's text; where that leaves room, both are right and
//! the attack says why. The suite sends them and judges (`suite::steps::attack`).

pub mod base;
mod cast;
pub mod catalogue;
mod diff;
mod draft;
pub mod keys;
mod model;
mod raw;
mod received;
mod recipe;
mod values;

pub use cast::{ALICE, CAROL, Cast, DANA, DAVE, DORA, MALLORY, Missing};
pub use diff::{Difference, difference, shown};
pub use draft::{Draft, DraftError, DraftSignature, Parameter, Signer};
pub use model::{Attack, Crafted, Defect, Door, Expected, Family, Listed, Meanwhile, Shot, Slow};
pub use raw::Raw;
pub use received::{Received, ReceivedSignature, own_signature, signatures};
pub use recipe::{Pen, Place, Recipe, RecipeError, Valid};
pub use values::{content_digest, nonce};
