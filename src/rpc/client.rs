//! The generated types and client, for callers in Rust.
//!
//! What a caller has becomes a [`Payload`] or a [`profile`](fn@profile), and
//! back, in `content.rs`. The client takes any channel of tonic's, and also a
//! [`RealtimeService`](super::RealtimeService) itself, for who has it in the
//! same process.

#![allow(
    clippy::all,
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    reason = "generated"
)]

mod content;

pub use content::{profile, profile_fields};

include!(concat!(env!("OUT_DIR"), "/client/fanfare.v1.rs"));
