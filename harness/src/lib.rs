//! Countersign: several Portals on one machine, and whether their Cores keep the contract.

pub mod testbed;
pub mod trace;
