//! What a stream promises that comes to listen to something else.
//!
//! A channel that it did not listen to is due from the number that was told.
//! One that it goes on listening to by another text is due without a seam: what
//! both choices take must come, and once; what only one of them takes may come,
//! if it was numbered before the request was answered. Of what was left nothing
//! comes that was numbered later.

use super::Judge;
use crate::hub::lives::record::{Turned, Wish};

impl<'a> Judge<'a> {
    /// It listens to something else from here on.
    pub(super) fn turn(&mut self, turned: &'a Turned) {
        let &Turned {
            ref wish,
            from,
            through,
        } = turned;
        let before = std::mem::replace(&mut self.wish, wish);
        self.before.push(before);
        self.watching.turn(wish);
        for (number, sent) in self.truth.sent.range(self.position + 1..) {
            let (number, channel) = (*number, sent.channel);
            let listened = before.decides(channel).is_some();
            let listens = wish.decides(channel).is_some();
            if listens && !listened {
                self.floors.insert(channel, from);
            }
            let takes = self.takes(sent) && number > self.floor(channel);
            let was_due = self.due.remove(&number);
            if takes && (was_due || !listened || number > through) {
                self.due.insert(number);
            } else if number > through {
                self.may.remove(&number);
            } else if listened && (was_due || takes) {
                self.may.insert(number);
            }
        }
    }

    fn floor(&self, channel: &str) -> u64 {
        self.floors.get(channel).copied().unwrap_or_default()
    }

    /// All that it ever listened to.
    pub(super) fn wishes(&self) -> impl Iterator<Item = &'a Wish> {
        self.before.iter().copied().chain([self.wish])
    }
}
