//! Limits on everything that comes from outside.

use std::time::Duration;

use crate::{connect::Timeouts, profile::Profile, spool::SpoolLimits};

/// How much a Core takes in, and how long it waits.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of a request's head.
    pub header_bytes: usize,
    /// Fields of a request's head.
    pub header_fields: usize,
    /// Connections open at a time, for each listener.
    pub connections: usize,
    /// How long a request's head may take to arrive.
    pub header_read: Duration,
    /// Bytes of a body that an endpoint of the Core's own reads as a whole.
    pub api_body: usize,
    /// Bodies of calls to peers.
    pub spool: SpoolLimits,
    /// Calls to peers.
    pub timeouts: Timeouts,
    /// Bytes of a peer's answer to `whoareyou`.
    pub key_answer: usize,
    /// How long a peer's key may take to be fetched, in all.
    pub key_fetch: Duration,
    /// How often a key that is not there yet is asked for (PEER-7).
    pub key_retry: Duration,
    /// How many signatures of a request are tried (AUTH-11 asks for eight).
    pub signatures_tried: usize,
    /// How long requests in flight may take to finish when the Core stops.
    pub shutdown: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            header_bytes: 128 * 1024,
            header_fields: 200,
            connections: 4_096,
            header_read: Duration::from_secs(15),
            api_body: 256 * 1024,
            spool: SpoolLimits::default(),
            timeouts: Timeouts::default(),
            key_answer: 64 * 1024,
            key_fetch: Duration::from_secs(5),
            key_retry: Duration::from_secs(30),
            signatures_tried: 16,
            shutdown: Duration::from_secs(10),
        }
    }
}

impl Limits {
    /// With the limits that are profile values: of bodies, and of a peer's patience.
    pub(crate) fn with_profile(&self, profile: &Profile) -> Self {
        let mut limits = self.clone();
        limits.spool.total = profile.body_limit;
        limits.spool.memory = usize::try_from(profile.body_memory).unwrap_or(usize::MAX);
        limits.timeouts.answer = Duration::from_secs(profile.answer_seconds);
        limits
    }
}
