//! What steps have in common: the names in sentences, bodies, times, field tables.

pub(crate) mod body;
pub(crate) mod fields;
pub(crate) mod times;
