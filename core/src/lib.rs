//! Portal Core.
