//! Connections: accept, serve, gather writes, drain.

mod limits;

pub use limits::Limits;
