//! The channels of this node.

mod limits;

pub use limits::Limits;
