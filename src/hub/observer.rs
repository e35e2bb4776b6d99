//! Those who listen for a channel by its name, whether there is one or not.

use std::task::Waker;

use super::audience::Audience;
use super::channel::Channel;
use super::select::Filter;
use super::subscription::StreamReader;
use super::sync::Arc;

/// An observer that waits for a channel of some name.
#[derive(Debug)]
pub(super) struct Observer {
    pub(super) reader: Arc<StreamReader>,
    pub(super) slot: u32,
    pub(super) filter: Filter,
}

impl Observer {
    /// Counts those who wait for a channel that is being made.
    pub(super) fn audience(observers: &[&Self]) -> Audience {
        let mut audience = Audience::default();
        for observer in observers {
            audience.add(&observer.filter);
        }
        audience
    }

    /// Tells it of a channel that it was counted in.
    pub(super) fn attach(&self, channel: &Arc<Channel>, from: u64) -> Option<Waker> {
        let attached = Attached {
            slot: self.slot,
            channel: Arc::clone(channel),
            from,
        };
        self.reader.post(|mail| mail.attached.push(attached))
    }
}

/// A channel came to be for which a slot was waiting; it has been counted in.
#[derive(Debug)]
pub(super) struct Attached {
    pub(super) slot: u32,
    pub(super) channel: Arc<Channel>,
    /// Nothing happened in it up to this number.
    pub(super) from: u64,
}
