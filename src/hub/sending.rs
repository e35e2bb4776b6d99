//! Sending: an event, or one after the other.

use tokio::time::Instant;

use super::channel::{Channel, Refused};
use super::observer::Observer;
use super::registry::Full;
use super::sync::{Arc, Ordering};
use super::waiting::Wakes;
use super::{Frame, Hub};
use crate::model::{ChannelName, Error, Limit, RequestKey};

/// The answer to a send: the event is numbered and in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Its number.
    pub sequence: u64,
    /// Subscriptions of this node that took events of its name at that
    /// moment, the sender's own included: a hint.
    pub recipients: u32,
    /// Whether it had been sent before: the number is the first one's.
    pub duplicate: bool,
}

/// Sends to one channel, one after the other: only the first looks it up.
#[derive(Debug)]
pub struct Run {
    name: ChannelName,
    /// It may have left the node since.
    last: Option<Arc<Channel>>,
}

impl Run {
    /// A run of sends to the channel of this name.
    pub fn to(name: ChannelName) -> Self {
        Self { name, last: None }
    }

    /// The name of the channel.
    pub fn name(&self) -> &ChannelName {
        &self.name
    }
}

impl Hub {
    /// Numbers an event, appends it to the channel's log and wakes who waits
    /// at its end. O(those); never waits. A channel is made if there is none.
    ///
    /// # Errors
    ///
    /// [`Error::Draining`]; [`Error::RequestIdReused`]; [`Error::LimitReached`]
    /// of channels. A channel that nobody listens to gives `recipients == 0`.
    ///
    /// Source: `docs/guarantees.md`, "A response means done".
    pub fn send(
        &self,
        channel: &ChannelName,
        frame: Frame,
        request: Option<RequestKey>,
    ) -> Result<Receipt, Error> {
        let (mut run, mut frame) = (Run::to(channel.clone()), frame);
        self.send_in(&mut run, &mut frame, request, Instant::now())
    }

    /// As [`Hub::send`], in a `run` of them. What comes at once may share a
    /// `now`. The log takes the bytes of `frame`, or leaves the buffer.
    ///
    /// # Errors
    ///
    /// As [`Hub::send`].
    pub fn send_in(
        &self,
        run: &mut Run,
        frame: &mut Frame,
        request: Option<RequestKey>,
        now: Instant,
    ) -> Result<Receipt, Error> {
        // A node that drains makes no channels.
        self.check_open()?;
        loop {
            let channel = match &run.last {
                Some(last) => last,
                None => run.last.insert(self.channel(&run.name)?),
            };
            match channel.append(&self.node, frame, request, now) {
                Err(Refused::Closed) => run.last = None,
                done => return done.map_err(Error::from),
            }
        }
    }

    /// As [`Hub::send`], to every stream that takes broadcasts.
    ///
    /// # Errors
    ///
    /// [`Error::Draining`]; [`Error::RequestIdReused`].
    pub fn broadcast(&self, frame: Frame, request: Option<RequestKey>) -> Result<Receipt, Error> {
        let mut frame = frame;
        self.check_open()?;
        let broadcasts = &self.node.broadcasts;
        broadcasts
            .append(&self.node, &mut frame, request, Instant::now())
            .map_err(Error::from)
    }

    pub(super) fn check_open(&self) -> Result<(), Error> {
        let draining = self.node.draining.load(Ordering::Acquire);
        if draining {
            Err(Error::Draining)
        } else {
            Ok(())
        }
    }

    pub(super) fn channel(&self, name: &ChannelName) -> Result<Arc<Channel>, Error> {
        let node = &self.node;
        let mut wakes = Wakes::default();
        let made = node.registry.get_or_make(name, |let_go, found| {
            let log = node.log(name, let_go);
            let channel = Arc::new(Channel::new(Some(name.clone()), log));
            // Counted and told before anybody can number an event in it.
            let from = node.counter.newest();
            for observer in Observer::deciding(found) {
                wakes.add(observer.attach(node, (name, &channel), from));
            }
            channel
        });
        wakes.wake();
        made.map_err(|Full| Error::LimitReached {
            what: Limit::Channels,
            limit: node.limits.channels,
        })
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            // Only broadcasts come here with it, and they never close.
            Refused::Closed => Self::Draining,
            Refused::Reused => Self::RequestIdReused,
        }
    }
}
