//! `countersign shim check`: what a shim gets wrong about the protocol itself, step by step.

mod sample;

pub use sample::Sample;
