//! Fanfare: realtime fan-out for backends, over gRPC.

pub mod config;
pub mod hub;
pub mod rpc;
pub mod telemetry;
pub mod transport;
