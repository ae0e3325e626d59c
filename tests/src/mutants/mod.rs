//! Mutants: Cores and proxies that are right but for one part. The suite must fail every one of them, by a scenario of
//! the requirement that the mutant breaks.
//!
//! A mutant of the Core is a dozen lines: it replaces one part of the builder, or puts something around the transport
//! or the HTTP surface. A mutant of the proxy is one [`ProxyFault`].

mod access;
mod calling;
mod changed;
mod hostile;
mod hunt;
mod knowing;
mod leading;
mod lenient;
mod misread;
mod mistaken;
mod peering;
mod signing;
pub(crate) mod surface;
pub mod table;
mod verifying;
pub mod wrecks;

use countersign::testbed::faults::ProxyFault;
pub use hunt::{Hunt, Until};
use portal_core::CoreBuilder;

/// A Portal that is wrong in one way.
#[derive(Clone, Copy, Debug)]
pub struct Mutant {
    /// Its name.
    pub name: &'static str,
    /// The requirement that it breaks.
    pub breaks: &'static str,
    /// Where it is wrong.
    pub part: Part,
}

/// The part that is wrong.
#[derive(Clone, Copy, Debug)]
pub enum Part {
    /// One of the Core's: what is done to its builder.
    Core(fn(CoreBuilder) -> CoreBuilder),
    /// The proxy's behaviour.
    Proxy(ProxyFault),
}

/// All mutants: of the Core, then of the proxy.
pub fn all() -> Vec<Mutant> {
    let of_core = [
        signing::MUTANTS,
        verifying::MUTANTS,
        access::MUTANTS,
        calling::MUTANTS,
        leading::MUTANTS,
        knowing::MUTANTS,
        peering::MUTANTS,
        changed::MUTANTS,
        misread::MUTANTS,
        mistaken::MUTANTS,
        hostile::MUTANTS,
    ]
    .concat();
    // What a proxy may do makes no mutant.
    let of_proxy = ProxyFault::ALL.iter().filter_map(|fault| {
        Some(Mutant { name: fault.name(), breaks: fault.requirement()?, part: Part::Proxy(*fault) })
    });
    of_core.into_iter().chain(of_proxy).collect()
}

const fn core(name: &'static str, breaks: &'static str, change: fn(CoreBuilder) -> CoreBuilder) -> Mutant {
    Mutant { name, breaks, part: Part::Core(change) }
}
