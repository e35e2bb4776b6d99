//! gRPC: the service on the wire.

mod limits;

pub use limits::Limits;
