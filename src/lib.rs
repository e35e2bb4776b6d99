//! Fanfare: realtime fan-out for backends, over gRPC.
//!
//! A service sends an event to a channel, and every subscriber of the channel
//! has it at once: in order, once, or told that it was lost. Nothing is queued
//! or encoded per subscriber: a channel is a bounded log, a subscriber is a
//! cursor in it, and a node has one counter for everything that happens.
//!
//! - [`model`]: the words. Names, events, members, positions, errors.
//! - [`hub`]: the channels of this node. Knows no gRPC, protobuf or HTTP.
//! - [`rpc`]: the service of the proto, before a hub.
//! - [`http`]: the same service for who speaks no gRPC.
//! - [`json`]: its messages as JSON, both ways.
//! - [`transport`]: connections. Knows nothing of what is served.
//! - [`server`]: all of it on a listener, from start to drained.
//! - [`client`]: a client, for services in Rust.
//! - [`config`], [`telemetry`]: settings and logs.
//!
//! **The way of an event.** `rpc` checks a `Send` once and encodes the frame
//! once, with room for its number. [`hub::Hub::send`] marks who waits at the
//! end of the channel's log, takes the number and appends, under the channel's
//! lock, and wakes them after it. Each woken stream reads its marked channels
//! past its cursors, merged by number, and hands slices of the logs to HTTP/2,
//! and `transport` writes what a connection has once.
//!
//! `docs/architecture.md` goes on from here, to why it is so.

pub mod model;

pub mod hub;

pub mod http;
pub mod json;
pub mod rpc;
pub mod transport;

pub mod server;

pub mod client;

pub mod config;
pub mod telemetry;

pub use client::Client;
