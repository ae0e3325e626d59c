//! Portal Core.
fn main() {}
