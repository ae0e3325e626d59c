//! Countersign: several Portals on one machine, and whether their Cores keep the contract.

pub mod attack;
pub mod bundle;
pub mod cli;
pub mod containers;
pub mod contract;
pub mod doctor;
pub mod expectations;
pub mod explain;
pub mod export;
pub mod glob;
pub mod live;
mod logged;
mod mistakes;
mod page;
pub mod parts;
pub mod record;
pub mod redact;
pub mod report;
mod shell;
pub mod subject;
pub mod suite;
pub mod testbed;
pub mod topology;
pub mod trace;
pub mod vectors;
pub mod verdict;
pub mod wire;
