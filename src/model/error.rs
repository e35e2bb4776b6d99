//! Why a call fails, in our own words.

use super::{Flaw, MemberId};

/// Why a call failed; `rpc::status` gives it a gRPC code and details.
///
/// A variant exists only where a caller would act differently on it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Fix the request: `field` is the path of what is wrong.
    #[error("{}{flaw}", path(field))]
    Invalid {
        /// What kind of thing is wrong.
        subject: Invalid,
        /// Where, such as `subscriptions[2].channel`; empty: all of it.
        field: String,
        /// Why, with the limit.
        flaw: Flaw,
    },
    /// Send less; sizes are in bytes.
    #[error("{field}: is {size} bytes as encoded, the limit is {limit}")]
    PayloadTooLarge {
        /// Where.
        field: String,
        /// As it came.
        size: usize,
        /// At most.
        limit: usize,
    },
    /// Take a new request id: this one was used for other content.
    #[error("request_id: was used before with other content")]
    RequestIdReused,
    /// The member has left, or never was.
    #[error("no member has the id {id}")]
    MemberNotFound {
        /// As given.
        id: MemberId,
    },
    /// Subscribe without the token, as a new member.
    #[error("{field}: is no token of this member")]
    MemberTokenInvalid {
        /// Where.
        field: String,
    },
    /// Free some, or come back later.
    #[error("the node's limit of {limit} {what} is reached")]
    LimitReached {
        /// Of what.
        what: Limit,
        /// At most so many.
        limit: usize,
    },
    /// Go to another node, or come back later.
    #[error("the node has as many connections as it takes")]
    Overloaded,
    /// Go to another node, or come back when this one has started again.
    #[error("the node is shutting down")]
    Draining,
    /// Subscribe again, best from the last position.
    #[error("the stream reached the age at which it is closed")]
    MaxAge,
    /// Resume, and read faster.
    #[error("the stream fell behind, which it had asked to be ended for")]
    SlowConsumer,
    /// Leave it to the newer stream.
    #[error("the member came back on a newer stream")]
    Replaced,
    /// The time that the client gave its call is over.
    #[error("the call's deadline is over")]
    Deadline,
    /// Wait for a later version, or leave the field out.
    #[error("{what} is not built yet")]
    NotBuilt {
        /// The call or the path of the field.
        what: String,
    },
}

impl Error {
    /// [`Error::Invalid`] for `field`.
    pub fn invalid(subject: Invalid, field: impl Into<String>, flaw: impl Into<Flaw>) -> Self {
        Self::Invalid {
            subject,
            field: field.into(),
            flaw: flaw.into(),
        }
    }
}

fn path(field: &str) -> String {
    if field.is_empty() {
        String::new()
    } else {
        format!("{field}: ")
    }
}

/// What kind of thing in a request is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invalid {
    /// A channel's name.
    Channel,
    /// An event's name.
    Event,
    /// A payload.
    Payload,
    /// Headers.
    Headers,
    /// A member's profile.
    Profile,
    /// A subscription, or their list.
    Subscription,
    /// A position.
    Position,
    /// A page size.
    PageSize,
    /// A page token.
    PageToken,
    /// A request id.
    RequestId,
    /// A heartbeat interval.
    Heartbeat,
    /// Anything else, the message as a whole included.
    Request,
}

/// What a node has only so many of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Channels.
    Channels,
    /// Open streams.
    Streams,
    /// Channels that one stream listens to.
    StreamChannels,
    /// Subscriptions of all streams.
    Members,
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Channels => "channels",
            Self::Streams => "streams",
            Self::StreamChannels => "channels a stream",
            Self::Members => "subscriptions",
        })
    }
}
