//! gRPC: the service on the wire.

mod limits;
pub mod payload;
pub mod raw;

pub use limits::Limits;
