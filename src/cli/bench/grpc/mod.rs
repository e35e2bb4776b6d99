//! A fanfare node as seen from a load: HTTP/2 and gRPC by hand.
//!
//! Written as a client does it, with headers indexed after the first request,
//! and windows so wide that the node never waits for one. What comes is cut
//! into frames and not decoded further: a subscriber's bytes are searched for
//! records, a publisher's answers counted.

mod frames;

mod connection;
mod fields;
mod messages;

mod asking;
mod listener;
mod listing;
mod session;
mod unary;

pub(super) use listener::Listener;
pub(super) use listing::Listing;
pub(super) use messages::Position;
pub(super) use session::Session;
pub(super) use unary::Unary;
