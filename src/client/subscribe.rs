//! What to listen to, from where, and as whom.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::builder::Settings;
use super::profile::to_struct;
use super::{Error, Following, Position, Subscription};
use crate::rpc::client as proto;
use proto::subscribe_request::Start;

/// A channel, or a pattern of channels, and what to receive of it.
#[derive(Clone, Debug)]
pub struct Channel(proto::Subscription);

impl Channel {
    /// A channel to be a member of, by its name; or a pattern of channels to
    /// listen to, in which `*` stands for one segment and a last `>` for more.
    pub fn new(name: impl Into<String>) -> Self {
        Self(proto::Subscription {
            channel: name.into(),
            ..proto::Subscription::default()
        })
    }

    /// Lets only events of these names through.
    #[must_use]
    pub fn events(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.0.events.extend(names.into_iter().map(Into::into));
        self
    }

    /// Listens without becoming a member.
    #[must_use]
    pub fn observe(mut self) -> Self {
        self.0.observe = true;
        self
    }

    /// Asks for the members too, and for each change; not for a pattern.
    #[must_use]
    pub fn presence(mut self) -> Self {
        self.0.presence = true;
        self
    }

    /// Asks for events too that carry this stream's own member id.
    #[must_use]
    pub fn echo(mut self) -> Self {
        self.0.echo = true;
        self
    }

    /// On falling behind, the stream is to be ended instead of told of a gap.
    /// It comes back, and is told then of a gap what it missed.
    #[must_use]
    pub fn end_on_overflow(mut self) -> Self {
        self.0.set_overflow(proto::OverflowPolicy::End);
        self
    }

    pub(super) fn into_proto(self) -> proto::Subscription {
        self.0
    }
}

impl From<&str> for Channel {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl From<String> for Channel {
    fn from(name: String) -> Self {
        Self::new(name)
    }
}

/// A subscription to be: what to listen to, from where, and as whom.
///
/// ```no_run
/// use fanfare::client::Channel;
///
/// # async fn run(client: fanfare::Client) -> Result<(), fanfare::client::Error> {
/// let profile = serde_json::json!({"name": "Ada"});
/// let stream = client
///     .subscribe()
///     .to(Channel::new("technology-chat").presence())
///     .to("orders.*")
///     .profile(&profile)?
///     .last(10)
///     .open()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Subscribe {
    settings: Arc<Settings>,
    request: proto::SubscribeRequest,
}

impl Subscribe {
    pub(super) fn new(settings: Arc<Settings>) -> Self {
        Self {
            settings,
            request: proto::SubscribeRequest::default(),
        }
    }

    /// Listens to a channel or a pattern. Without any, only broadcasts come.
    #[must_use]
    pub fn to(mut self, channel: impl Into<Channel>) -> Self {
        self.request.subscriptions.push(channel.into().0);
        self
    }

    /// Listens to each of these.
    #[must_use]
    pub fn to_all(self, channels: impl IntoIterator<Item = impl Into<Channel>>) -> Self {
        channels.into_iter().fold(self, Self::to)
    }

    /// The profile that other members see.
    ///
    /// # Errors
    ///
    /// It makes no JSON object, or has an integer beyond 2^53; the error names
    /// the path.
    pub fn profile(mut self, profile: impl Serialize) -> Result<Self, Error> {
        self.request.data = Some(to_struct(profile)?);
        Ok(self)
    }

    /// Starts with what is kept after a position.
    #[must_use]
    pub fn resume(self, position: Position) -> Self {
        self.start(Start::Resume(position.into()))
    }

    /// Starts with what is kept since a time, by the node's clock.
    #[must_use]
    pub fn since(self, time: SystemTime) -> Self {
        self.start(Start::Since(time.into()))
    }

    /// Starts with the newest so many events kept of each channel.
    #[must_use]
    pub fn last(self, events: u32) -> Self {
        self.start(Start::Last(events))
    }

    /// Comes back as the same member: the token of an earlier
    /// [`ready`](Subscription::ready). Within the life of a subscription that
    /// happens by itself.
    #[must_use]
    pub fn member_token(mut self, token: impl Into<String>) -> Self {
        self.request.member_token = token.into();
        self
    }

    /// Asks for some frame at least this often, 1 s to 5 min. Twice as long
    /// without any is a cut.
    #[must_use]
    pub fn heartbeat(mut self, interval: Duration) -> Self {
        // What no duration of the wire can say, the node shall refuse.
        let refused = prost_types::Duration {
            seconds: i64::MAX,
            nanos: 0,
        };
        self.request.heartbeat_interval = Some(interval.try_into().unwrap_or(refused));
        self
    }

    /// Gets no broadcasts.
    #[must_use]
    pub fn without_broadcasts(mut self) -> Self {
        self.broadcasts().disabled = true;
        self
    }

    /// Lets only broadcasts of these names through.
    #[must_use]
    pub fn broadcast_events(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let names = names.into_iter().map(Into::into);
        self.broadcasts().events.extend(names);
        self
    }

    /// Asks for one's own broadcasts too.
    #[must_use]
    pub fn broadcast_echo(mut self) -> Self {
        self.broadcasts().echo = true;
        self
    }

    /// Begins, and waits for the `ready`: what is sent from then on comes.
    ///
    /// # Errors
    ///
    /// The node refuses, or there is no `ready` in time.
    pub async fn open(self) -> Result<Subscription, Error> {
        Subscription::open(Following::new(self.settings, self.request)).await
    }

    /// As [`open`](Self::open), but a cut ends the stream with its error, for
    /// who comes back by hand.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open); one attempt is made.
    pub async fn open_once(self) -> Result<Subscription, Error> {
        Subscription::open(Following::new(self.settings, self.request).once()).await
    }

    pub(super) fn into_proto(self) -> proto::SubscribeRequest {
        self.request
    }

    fn start(mut self, start: Start) -> Self {
        self.request.start = Some(start);
        self
    }

    fn broadcasts(&mut self) -> &mut proto::BroadcastSubscription {
        self.request.broadcasts.get_or_insert_default()
    }
}
