//! The one integration binary: everything that needs more than one package, as modules.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod bundles;
mod ci;
mod containers;
mod cores;
mod corpus;
mod doctor;
mod evidence;
mod faults;
mod html;
mod known_failures;
mod lacking;
mod licences;
mod live_view;
mod minimal_python;
mod mutants;
mod namespace;
mod project_schema;
mod proxies;
mod python;
mod readme;
mod receive;
mod report;
mod secrets;
mod shards;
mod shim_check;
mod shim_protocol;
mod shim_subjects;
mod short_ids;
mod texts;
mod twins;
mod up;
mod user_tests;
mod vectors;
mod walkthrough;
