//! What steps have in common: the names in sentences, bodies, times, field tables.

pub(crate) mod body;
pub(crate) mod exchange;
pub(crate) mod fields;
pub(crate) mod names;
pub(crate) mod placeholders;
pub(crate) mod times;
