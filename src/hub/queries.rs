//! What can be asked without subscribing. Asking makes nothing.

use bytes::Bytes;

use super::Hub;
use super::channel::{Channel, Members, Page};
use super::stream::start::Located;
use super::sync::Arc;
use crate::model::{ChannelName, Error, MemberId, Pattern};

/// Which events of a channel to look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// Those numbered after this; all that are kept if absent.
    pub after: Option<u64>,
    /// Those numbered before this; all if absent.
    pub before: Option<u64>,
    /// From where to subscribe, as an earlier page told it.
    pub position: Option<u64>,
    /// The newest first.
    pub descending: bool,
}

/// Some of what a channel's log holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// Whole frames, in the order asked for.
    pub frames: Vec<Bytes>,
    /// What is left of the range; none at the end.
    pub next: Option<Range>,
    /// From where to subscribe and miss nothing between this and the stream.
    pub position: u64,
    /// The oldest event that is kept.
    pub oldest: Option<u64>,
    /// What may be missing of the range: after the first number, up to the
    /// second.
    pub gap: Option<(u64, u64)>,
}

/// Some of the channels, in the byte order of their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Channels {
    /// The page.
    pub channels: Vec<About>,
    /// The name after which the next page goes on; none at the end.
    pub next: Option<ChannelName>,
}

/// What is told of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Which.
    pub name: ChannelName,
    /// How many members it has.
    pub members: usize,
    /// The number of its newest event; 0: none.
    pub newest: u64,
}

/// Channels that are looked at for one page, whether or not they match.
const SEARCH: usize = 4096;

impl Hub {
    /// A page of a channel's members, in the order in which they joined, after
    /// the place that the page before told. Reading makes no channel.
    pub fn members(
        &self,
        channel: &ChannelName,
        after: Option<u64>,
        count: usize,
        bytes: usize,
    ) -> Members {
        let channel = self.node.registry.get(channel);
        channel.map_or_else(Members::default, |channel| {
            channel.members(after.unwrap_or(0), count, bytes)
        })
    }

    /// What a position is to this node.
    pub fn locate(&self, epoch: &str, sequence: u64) -> Located {
        if epoch != self.node.epoch.as_str() {
            Located::Elsewhere
        } else if sequence > self.node.counter.newest() {
            Located::Ahead
        } else {
            Located::Here(sequence)
        }
    }

    /// A page of what a channel's log holds: at most `count` events and, past
    /// the first, at most `bytes` of frames. O(page).
    pub fn history(
        &self,
        channel: &ChannelName,
        range: Range,
        count: usize,
        bytes: usize,
    ) -> History {
        let node = &self.node;
        // Loaded before the log is read: what is numbered up to it is there.
        let newest = node.counter.newest();
        let found = node.registry.get(channel);
        let between = (range.after.unwrap_or(0), range.before.unwrap_or(u64::MAX));
        let page = found.map_or_else(
            || Page {
                let_go: node.registry.dropped(),
                ..Page::default()
            },
            |channel| channel.page(between, range.descending, count, bytes),
        );
        range.answer(page, newest)
    }

    /// A page of at most `count` channels that `pattern` stands for, whose
    /// names come after `after`. It may be empty and not the last: it ends
    /// after a bounded search.
    pub fn channels(
        &self,
        pattern: &Pattern,
        after: Option<&ChannelName>,
        count: usize,
    ) -> Channels {
        let mut found = Vec::new();
        let after = after.map(ChannelName::as_str);
        let visit = |name: &ChannelName, channel: &Arc<Channel>| {
            if pattern.matches(name) {
                found.push((name.clone(), Arc::clone(channel)));
            }
            found.len() < count
        };
        let registry = &self.node.registry;
        let next = registry.visit(pattern.prefix(), after, SEARCH, visit);
        let about = |(name, channel): (ChannelName, Arc<Channel>)| {
            let (members, newest) = channel.about();
            About {
                name,
                members,
                newest,
            }
        };
        Channels {
            channels: found.into_iter().map(about).collect(),
            next,
        }
    }

    /// Changes the profile of a connected member: `change` is given what it is
    /// and tells what it will be, with no other change between. Everyone who
    /// watches one of its channels sees it. O(its channels).
    ///
    /// # Errors
    ///
    /// [`Error::MemberNotFound`]; [`Error::Draining`]; whatever `change` gives.
    pub fn update(
        &self,
        member: &MemberId,
        change: impl FnOnce(&Bytes) -> Result<Bytes, Error>,
    ) -> Result<Bytes, Error> {
        self.check_open()?;
        let found = self.node.identities.get(member);
        let changed = found.and_then(|identity| identity.update(&self.node, change));
        changed.unwrap_or_else(|| Err(Error::MemberNotFound { id: member.clone() }))
    }
}

impl Range {
    /// What is answered with a page of a log when the newest number was this.
    fn answer(self, page: Page, newest: u64) -> History {
        let let_go = page.let_go.number;
        // From here on nothing may be missing, in later pages either.
        let floor = self.after.unwrap_or(let_go);
        let before = self.before.unwrap_or(u64::MAX);
        let numbers = || page.frames.iter().map(|(number, _)| *number);
        let last = numbers().last();
        // What came after `newest` was loaded and is on the page has been read.
        let read = numbers().max().unwrap_or(0);
        let end = newest.min(before.saturating_sub(1)).max(read);
        let next = last.filter(|_| page.has_more).map(|last| {
            if self.descending {
                Self {
                    after: Some(floor),
                    before: Some(last),
                    position: self.position.or(Some(end)),
                    ..self
                }
            } else {
                Self {
                    after: Some(last),
                    ..self
                }
            }
        });
        let position = match (self.descending, next) {
            (true, _) => self.position.unwrap_or(end),
            (false, Some(_)) => last.unwrap_or(end),
            (false, None) => end,
        };
        // Newest first, what is missing lies behind the last page.
        let is_reached = !self.descending || next.is_none();
        let through = let_go.min(before.saturating_sub(1));
        History {
            frames: page.frames.into_iter().map(|(_, frame)| frame).collect(),
            next,
            position,
            oldest: page.oldest,
            gap: (is_reached && through > floor).then_some((floor, through)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The position told with a page of the numbers 3 and 5, where the newest
    /// was 4 before the log was read.
    fn position(descending: bool) -> u64 {
        let mut numbers = [3, 5];
        if descending {
            numbers.reverse();
        }
        let page = Page {
            frames: numbers.map(|number| (number, Bytes::new())).to_vec(),
            ..Page::default()
        };
        let range = Range {
            descending,
            ..Range::default()
        };
        range.answer(page, 4).position
    }

    #[test]
    fn what_is_on_a_page_does_not_come_again_after_its_position() {
        assert_eq!(position(false), 5);
        assert_eq!(position(true), 5);
    }
}
