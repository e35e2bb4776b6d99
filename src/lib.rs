//! Fanfare: realtime fan-out for backends, over gRPC.

pub mod config;
pub mod hub;
pub mod model;
pub mod rpc;
pub mod server;
pub mod telemetry;
pub mod transport;
