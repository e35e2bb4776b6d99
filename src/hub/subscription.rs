//! A stream's subscription: joins its channels, is polled for chunks, and
//! leaves when it is dropped.

use std::task::{Context, Poll};

use bytes::Bytes;

use super::channel::Channel;
use super::cursors::{Cursors, Hold};
use super::observer::{Attached, Observer};
use super::ready::{Reader, Round};
use super::select::Filter;
use super::streams::Evict;
use super::sync::{Arc, Ordering};
use super::{Hub, Node};
use crate::model::{ChannelName, Error, Limit, Member, MemberId};

/// What a stream asks to be subscribed to.
#[derive(Default)]
pub struct Subscribe {
    /// Channels, each once.
    pub joins: Vec<Join>,
    /// Which broadcasts; none at all if absent.
    pub broadcasts: Option<Filter>,
    /// The profile of the member it becomes: an encoded object.
    pub profile: Bytes,
    /// Cancels the stream when it has stalled.
    pub evict: Option<Evict>,
}

impl std::fmt::Debug for Subscribe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subscribe")
            .field("joins", &self.joins)
            .finish_non_exhaustive()
    }
}

/// One channel that a stream asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Join {
    /// Which.
    pub channel: ChannelName,
    /// Which of its events.
    pub filter: Filter,
    /// Only listen: do not be a member, do not hold the channel open.
    pub observe: bool,
}

/// Why a subscription ends from within.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The node drains; all that was numbered before is delivered first.
    Drain,
}

/// What a stream is handed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chunk {
    /// Whole frames, one after the other; never empty.
    Frames(Bytes),
    /// Nothing will come any more.
    End(End),
}

/// The reader of a stream.
pub(super) type StreamReader = Reader<Mail>;

/// What a stream is told beside marks.
#[derive(Debug, Default)]
pub(super) struct Mail {
    pub(super) attached: Vec<Attached>,
    pub(super) end: Option<End>,
}

/// Where a channel's mark goes.
#[derive(Debug)]
pub(super) struct Place<'a> {
    pub(super) reader: &'a Arc<StreamReader>,
    pub(super) slot: u32,
}

/// A stream that is subscribed until this is dropped.
#[derive(Debug)]
pub struct Subscription {
    node: Arc<Node>,
    key: usize,
    reader: Arc<StreamReader>,
    member: MemberId,
    marked: Vec<u32>,
    cursors: Cursors,
    end: Option<End>,
    /// Subscriptions that count toward the node's limit.
    counted: usize,
}

impl Hub {
    /// Joins every channel asked for, and starts at the node's newest number.
    /// O(channels).
    ///
    /// # Errors
    ///
    /// [`Error::Draining`]; [`Error::LimitReached`] of streams, subscriptions
    /// or channels. Nothing is joined then.
    pub fn subscribe(&self, request: Subscribe) -> Result<Subscription, Error> {
        let Subscribe {
            joins,
            broadcasts,
            profile,
            evict,
        } = request;
        let mut stream = self.open(joins.len(), evict)?;
        for join in joins {
            stream.join(self, join, &profile)?;
        }
        if let Some(filter) = broadcasts {
            let channel = Arc::clone(&self.node.broadcasts);
            channel.join(&filter, None);
            stream.add(Some(channel), filter, Hold::Broadcasts);
        }
        Ok(stream)
    }

    fn open(&self, joins: usize, evict: Option<Evict>) -> Result<Subscription, Error> {
        let node = Arc::clone(&self.node);
        let reader = Arc::new(Reader::new());
        let key = node
            .streams
            .open(&reader, evict, tokio::time::Instant::now())?;
        let member = MemberId::new();
        let subscribed = node.subscribed.fetch_add(joins, Ordering::Relaxed) + joins;
        let stream = Subscription {
            key,
            reader,
            marked: Vec::new(),
            // Loaded before any channel is joined: what is numbered after it
            // in a channel is past the cursor there.
            cursors: Cursors::new(member.clone(), node.counter.newest()),
            member,
            end: None,
            counted: joins,
            node,
        };
        if subscribed > self.node.limits.members {
            return Err(Error::LimitReached {
                what: Limit::Members,
                limit: self.node.limits.members,
            });
        }
        Ok(stream)
    }
}

impl Subscription {
    /// The member that the stream is.
    pub fn member(&self) -> &MemberId {
        &self.member
    }

    /// The number up to which everything on this stream was delivered, skipped
    /// by its choice, or told as a gap.
    pub fn position(&self) -> u64 {
        self.cursors.position()
    }

    /// The next frames, in the order of their numbers.
    ///
    /// O(frames), and O(1) for a slice of one channel's log. Ready with
    /// [`Chunk::End`] again and again once it has ended.
    pub fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Chunk> {
        let Self {
            node,
            reader,
            marked,
            cursors,
            end,
            ..
        } = self;
        reader.poll(&node.counter, cx, marked, |newest, marked, mail| {
            *end = end.or(mail.end);
            for attached in mail.attached {
                cursors.attach(attached, marked);
            }
            match (cursors.round(node, reader, newest, marked), *end) {
                (Round::Settled, Some(end)) => Round::Yield(Chunk::End(end)),
                (Round::Settled, None) => Round::Settled,
                (Round::Left, _) => Round::Left,
                (Round::Yield(frames), _) => Round::Yield(Chunk::Frames(frames)),
            }
        })
    }

    /// A frame that tells the position, for when there is nothing else to say.
    pub fn heartbeat(&mut self) -> Bytes {
        self.hand_over();
        let mut frame = Vec::new();
        self.cursors.tell_position(&self.node, &mut frame);
        frame.into()
    }

    /// Says that the stream was handed something that did not come from a poll,
    /// or a part of what did, so that it counts as stalled if it takes no more.
    pub fn hand_over(&self) {
        self.reader.hand_over();
    }

    fn join(&mut self, hub: &Hub, join: Join, profile: &Bytes) -> Result<(), Error> {
        let Join {
            channel: name,
            filter,
            observe,
        } = join;
        if observe {
            self.observe(name, filter);
            return Ok(());
        }
        // From 1: 0 is before the first page.
        let place = self.node.joins.fetch_add(1, Ordering::Relaxed) + 1;
        let member = Member {
            id: self.member.clone(),
            profile: profile.clone(),
            join_time: self.node.clock.now(),
        };
        let mut channel = hub.channel(&name)?;
        while !channel.join(&filter, Some((place, member.clone()))) {
            channel = hub.channel(&name)?;
        }
        self.add(Some(channel), filter, Hold::Member(place));
        Ok(())
    }

    fn observe(&mut self, name: ChannelName, filter: Filter) {
        let slot = self.next_slot();
        let observer = Observer {
            reader: Arc::clone(&self.reader),
            slot,
            filter: filter.clone(),
        };
        let mut found = None;
        self.node
            .registry
            .watch(&name, self.key, observer, |channel| {
                channel.join(&filter, None);
                found = Some(Arc::clone(channel));
            });
        self.add(found, filter, Hold::Observer(name));
    }

    fn add(&mut self, channel: Option<Arc<Channel>>, filter: Filter, holds: Hold) {
        if channel.is_some() {
            self.marked.push(self.next_slot());
        }
        self.cursors.add(channel, filter, holds);
    }

    fn next_slot(&self) -> u32 {
        u32::try_from(self.cursors.slots.len()).unwrap_or(u32::MAX)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let slots = std::mem::take(&mut self.cursors.slots);
        for slot in &slots {
            if let Hold::Observer(name) = &slot.holds {
                self.node.registry.unwatch(name, self.key);
            }
        }
        // Nothing attaches to it from here on; what has is let go.
        let mail = self.reader.leave();
        for Attached { slot, channel, .. } in mail.attached {
            channel.leave(&slots[slot as usize].filter, None);
        }
        for slot in slots {
            let member = match slot.holds {
                Hold::Member(place) => Some(place),
                Hold::Observer(_) | Hold::Broadcasts => None,
            };
            if let Some(channel) = slot.channel {
                channel.leave(&slot.filter, member);
            }
        }
        self.node
            .subscribed
            .fetch_sub(self.counted, Ordering::Relaxed);
        self.node.streams.close(self.key);
    }
}
