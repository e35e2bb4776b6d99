//! The words of the service: names, events, members, positions, errors.
//!
//! Values are valid by construction: whoever holds a [`ChannelName`] need not
//! check it again. Depends on nothing else of the crate, and knows neither
//! gRPC nor protobuf: a payload and a profile are opaque bytes here.

mod error;
mod event;
mod member;
mod name;
mod position;

pub use error::{Error, Invalid, Limit};
pub use event::{Event, RequestKey};
pub use member::{Member, MemberId};
pub use name::{ChannelName, EventName, Flaw, Pattern, Text};
pub use position::{Epoch, Position};
