//! What runs in containers of our own image, beside the Core.

pub mod healthy;
pub mod relay;
