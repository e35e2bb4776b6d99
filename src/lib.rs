//! Fanfare: realtime fan-out for backends, over gRPC.

pub mod model;

pub mod hub;
pub mod rpc;
pub mod transport;
