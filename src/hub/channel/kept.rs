//! A channel's log and its place in the node's budget.

use tokio::time::Instant;

use super::super::Node;
use super::super::frames::Frame;
use super::super::log::Log;
use super::super::sync::Arc;
use super::Channel;

/// A log that the node's budget knows while it holds something.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) log: Log,
    /// The number under which the budget knows it.
    entered: Option<u64>,
}

impl Kept {
    /// An empty log, unknown to the budget.
    pub(super) fn new(log: Log) -> Self {
        Self { log, entered: None }
    }

    /// Appends `frame` to this log of `channel`.
    pub(super) fn append(
        &mut self,
        (channel, node): (&Arc<Channel>, &Node),
        frame: &mut Frame,
        number: u64,
        now: Instant,
    ) {
        self.log.append(frame, number, now);
        if self.entered.is_none() {
            self.enter(channel, node);
        }
    }

    /// Lets go what is too old.
    pub(super) fn expire(&mut self, node: &Node, now: Instant) {
        self.log.expire(now);
        if self.log.first().is_none() {
            self.leave(node);
        }
    }

    /// As `Budget::relieve` asks for it; false if it did not mean this log.
    pub(super) fn let_go(&mut self, channel: &Arc<Channel>, node: &Node, oldest: u64) -> bool {
        if self.entered != Some(oldest) {
            return false;
        }
        if self.log.first() == Some(oldest) {
            self.log.let_go_segment();
        }
        self.enter(channel, node);
        true
    }

    /// Takes it out of the budget.
    pub(super) fn leave(&mut self, node: &Node) {
        if let Some(number) = self.entered.take() {
            node.budget.leave(number);
        }
    }

    fn enter(&mut self, channel: &Arc<Channel>, node: &Node) {
        self.entered = self.log.first();
        if let Some(first) = self.entered {
            node.budget.enter(first, Arc::clone(channel));
        }
    }
}
