//! What decides about the exit code.

use clap::Args;

use crate::contract::Threshold;

/// What decides about the exit code.
#[derive(Debug, Args)]
#[command(next_help_heading = "What decides")]
pub(super) struct GateArgs {
    /// Which requirements decide: baseline (MUSTs from the public documents and RFC 9421), must (all MUSTs), should, may
    #[arg(long, value_name = "LEVEL", default_value_t = Threshold::Must)]
    pub(super) level: Threshold,
}
