//! What the integration tests share: above all the [`mutants`], which test the suite itself.

pub mod mutants;
