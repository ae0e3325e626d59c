//! What the integration tests share: above all the [`mutants`], which test the suite itself, and the [`corpus`], which
//! is made here.

pub mod corpus;
pub mod mutants;
pub mod short_ids;
mod side_by_side;
pub mod twins;

pub use side_by_side::side_by_side;
