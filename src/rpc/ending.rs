//! By whose will a stream ends: its client's, or another's.
//!
//! A client that cancels its stream is gone, and its member with it. One whose
//! connection breaks, or whose stream the node ends, is told or will notice,
//! and may come back: its member is given the grace to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tonic::Extensions;

use crate::hub::{Broke, Evict};

/// The handles of one stream, which the transport put into its request; a
/// stream on another server has none.
#[derive(Clone, Default)]
pub(super) struct Ending {
    by_node: Arc<AtomicBool>,
    /// Cuts it off.
    cut: Option<Evict>,
    /// Tells whether its connection is broken.
    broken: Option<Broke>,
}

impl std::fmt::Debug for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ending")
            .field("by_node", &self.by_node)
            .finish_non_exhaustive()
    }
}

impl Ending {
    /// That of the stream which `extensions` came with.
    pub(super) fn of(extensions: &Extensions) -> Self {
        Self {
            by_node: Arc::default(),
            cut: extensions.get().cloned(),
            broken: extensions.get().cloned(),
        }
    }

    /// Notes that the node ends the stream.
    pub(super) fn by_node(&self) {
        self.by_node.store(true, Ordering::Release);
    }

    /// Cancels the stream from outside, on the node's behalf.
    pub(super) fn evict(&self) -> Option<Evict> {
        let (ending, cut) = (self.clone(), self.cut.clone()?);
        Some(Arc::new(move || {
            ending.by_node();
            cut();
        }))
    }

    /// Tells, once the stream has ended, whether it was not its client's will.
    pub(super) fn broke(&self) -> Broke {
        let Self {
            by_node, broken, ..
        } = self.clone();
        Arc::new(move || {
            by_node.load(Ordering::Acquire) || broken.as_ref().is_some_and(|broken| broken())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(broken: bool) -> Ending {
        let mut extensions = Extensions::new();
        let broken: Broke = Arc::new(move || broken);
        extensions.insert(broken);
        Ending::of(&extensions)
    }

    #[test]
    fn a_client_that_cancels_on_a_living_connection_is_gone() {
        assert!(!of(false).broke()());
        assert!(!Ending::default().broke()());
    }

    #[test]
    fn a_broken_connection_is_not_its_client_s_will() {
        assert!(of(true).broke()());
    }

    #[test]
    fn what_the_node_ends_is_not_its_client_s_will() {
        let closed = of(false);
        let broke = closed.broke();
        closed.clone().by_node();
        assert!(broke());
    }

    #[test]
    fn a_stream_that_is_evicted_did_not_end_by_its_client_s_will() {
        let was_cut = Arc::new(AtomicBool::new(false));
        let cut = Arc::clone(&was_cut);
        let evicted = Ending {
            cut: Some(Arc::new(move || cut.store(true, Ordering::Release))),
            ..of(false)
        };
        let broke = evicted.broke();
        evicted.evict().unwrap()();
        assert!(broke());
        assert!(was_cut.load(Ordering::Acquire));
    }

    #[test]
    fn what_cannot_be_cut_off_cannot_be_evicted() {
        assert!(Ending::default().evict().is_none());
    }
}
