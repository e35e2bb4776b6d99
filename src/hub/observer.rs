//! Those who listen for channels by a name or a pattern, whether there are any
//! or not.

use std::task::Waker;

use super::channel::{Channel, Listens};
use super::node::{Node, Reached};
use super::stream::select::Filter;
use super::stream::subscription::StreamReader;
use super::sync::Arc;
use crate::model::{ChannelName, Limit};

/// Whoever waits for channels that some text stands for.
#[derive(Debug)]
pub(super) struct Observer {
    pub(super) reader: Arc<StreamReader>,
    /// Which of the stream's texts it is: 0 for an exact name, which decides
    /// before patterns, which decide in the order in which they were listed.
    pub(super) rank: u64,
    pub(super) filter: Filter,
    pub(super) watches: bool,
}

/// A channel came to be for which a stream was waiting, and counts it.
#[derive(Debug)]
pub(super) struct Attached {
    pub(super) name: ChannelName,
    pub(super) channel: Arc<Channel>,
    /// Nothing happened in it up to this number.
    pub(super) from: u64,
    pub(super) rank: u64,
    /// As what it was counted.
    pub(super) filter: Filter,
    pub(super) watches: bool,
}

impl Attached {
    /// Has the channel forget what it counted.
    pub(super) fn uncount(&self, node: &Node) {
        let (filter, watches) = (&self.filter, self.watches);
        self.channel.unlisten(node, Listens { filter, watches });
    }
}

impl Observer {
    /// Of all who wait for a name, those who decide for their stream.
    pub(super) fn deciding(mut found: Vec<(usize, &Self)>) -> impl Iterator<Item = &Self> {
        found.sort_unstable_by_key(|(stream, observer)| (*stream, observer.rank));
        found.dedup_by_key(|(stream, _)| *stream);
        found.into_iter().map(|(_, observer)| observer)
    }

    /// Has a channel that nobody else knows yet count it, and tells it.
    ///
    /// A stream that does not read is told of as many as it may listen to.
    pub(super) fn attach(
        &self,
        node: &Node,
        (name, channel): (&ChannelName, &Arc<Channel>),
        from: u64,
    ) -> Option<Waker> {
        self.reader.post(|mail| {
            let letter = mail.get_or_insert_default();
            if letter.attached.len() >= node.limits.stream_channels {
                letter.end = Some(node.ends(Reached(Limit::StreamChannels)));
                return;
            }
            let (filter, watches) = (&self.filter, self.watches);
            channel.listen(node, Listens { filter, watches });
            letter.attached.push(Attached {
                name: name.clone(),
                channel: Arc::clone(channel),
                from,
                rank: self.rank,
                filter: self.filter.clone(),
                watches: self.watches,
            });
        })
    }
}
