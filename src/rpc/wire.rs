//! The generated types and server, with payloads and profiles as raw bytes.

#![allow(
    clippy::all,
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    unreachable_pub,
    dead_code,
    reason = "generated, and not all of it is built yet"
)]

include!(concat!(env!("OUT_DIR"), "/wire/fanfare.v1.rs"));
