//! Portals that stay: what runs while someone develops against them.

pub mod view;
