//! For each fault a probe: a sound proxy passes it, a proxy with the fault does not.
