//! What the examples share, so that each can be about its own matter.
//!
//! A [`Node`] in this process, where yours is a `fanfare` somewhere else; a
//! [`Follower`], which is all of a client that comes back after every cut; and
//! the [`BackOff`] with which it does.

#![allow(dead_code, unused_imports, reason = "each example uses a part of it")]

mod back_off;
mod follower;
mod node;

use std::error::Error;
use std::time::Duration;

use fanfare::rpc::client::realtime_service_client::RealtimeServiceClient;
use fanfare::rpc::client::{BroadcastSubscription, Ready, SubscribeRequest, Subscription};
use tonic::transport::{Channel, Endpoint};

pub(crate) use back_off::BackOff;
pub(crate) use follower::Follower;
pub(crate) use node::Node;

/// How often a stream shows a sign of life, until its `ready` says it.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(25);

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;
pub(crate) type Client = RealtimeServiceClient<Channel>;

/// A client that connects when it is first used, and again when it has to.
pub(crate) fn connect(address: &str) -> Result<Client> {
    let endpoint = Endpoint::from_shared(address.to_owned())?;
    Ok(Client::new(endpoint.connect_lazy()))
}

/// After how long without a frame a stream is taken for dead: by then two
/// heartbeats should have come.
pub(crate) fn silence(ready: &Ready) -> Duration {
    let interval = ready.heartbeat_interval.map(Duration::try_from);
    2 * interval
        .and_then(std::result::Result::ok)
        .unwrap_or(HEARTBEAT)
}

/// Listens to one channel and nothing else, without being a member of it.
pub(crate) fn listen_to(channel: &str) -> SubscribeRequest {
    SubscribeRequest {
        subscriptions: vec![Subscription {
            channel: channel.to_owned(),
            observe: true,
            ..Subscription::default()
        }],
        broadcasts: Some(BroadcastSubscription {
            disabled: true,
            ..BroadcastSubscription::default()
        }),
        ..SubscribeRequest::default()
    }
}
