//! By whose will a stream ends: its client's, or another's.
//!
//! A client that cancels its stream is gone, and its member with it. One whose
//! connection breaks, or whose stream the node ends, is told or will notice,
//! and may come back: its member is given the grace to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tonic::Extensions;

use crate::hub::Carrier;

/// Cuts a stream off, as the transport puts it into its request.
type Cut = Arc<dyn Fn() + Send + Sync>;

/// Tells whether a stream's connection is broken; from there, too.
type Broken = Arc<dyn Fn() -> bool + Send + Sync>;

/// How one stream ends, which it and the hub both know.
#[derive(Clone, Default)]
pub(super) struct Ending(Arc<Handles>);

/// A stream on another server has neither of the transport's.
#[derive(Default)]
struct Handles {
    by_node: AtomicBool,
    cut: Option<Cut>,
    broken: Option<Broken>,
}

impl std::fmt::Debug for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ending")
            .field("by_node", &self.0.by_node)
            .finish_non_exhaustive()
    }
}

impl Ending {
    /// That of the stream which `extensions` came with.
    pub(super) fn of(extensions: &Extensions) -> Self {
        Self(Arc::new(Handles {
            by_node: AtomicBool::new(false),
            cut: extensions.get().cloned(),
            broken: extensions.get().cloned(),
        }))
    }

    /// Notes that the node ends the stream.
    pub(super) fn by_node(&self) {
        self.0.by_node();
    }

    /// For the hub.
    pub(super) fn carrier(&self) -> Arc<dyn Carrier> {
        Arc::clone(&self.0) as _
    }
}

impl Handles {
    fn by_node(&self) {
        self.by_node.store(true, Ordering::Release);
    }
}

impl Carrier for Handles {
    fn evict(&self) {
        if let Some(cut) = &self.cut {
            self.by_node();
            cut();
        }
    }

    fn broke(&self) -> bool {
        let is_broken = || self.broken.as_ref().is_some_and(|broken| broken());
        self.by_node.load(Ordering::Acquire) || is_broken()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(broken: bool) -> (Ending, Arc<AtomicBool>) {
        let mut extensions = Extensions::new();
        let broken: Broken = Arc::new(move || broken);
        let was_cut = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&was_cut);
        let cut: Cut = Arc::new(move || flag.store(true, Ordering::Release));
        extensions.insert(broken);
        extensions.insert(cut);
        (Ending::of(&extensions), was_cut)
    }

    #[test]
    fn a_client_that_cancels_on_a_living_connection_is_gone() {
        assert!(!of(false).0.carrier().broke());
        assert!(!Ending::default().carrier().broke());
    }

    #[test]
    fn a_broken_connection_is_not_its_client_s_will() {
        assert!(of(true).0.carrier().broke());
    }

    #[test]
    fn what_the_node_ends_is_not_its_client_s_will() {
        let (closed, _) = of(false);
        let carrier = closed.carrier();
        closed.by_node();
        assert!(carrier.broke());
    }

    #[test]
    fn a_stream_that_is_evicted_did_not_end_by_its_client_s_will() {
        let (evicted, was_cut) = of(false);
        evicted.carrier().evict();
        assert!(evicted.carrier().broke());
        assert!(was_cut.load(Ordering::Acquire));
    }

    #[test]
    fn what_cannot_be_cut_off_is_not_evicted() {
        let carrier = Ending::default().carrier();
        carrier.evict();
        assert!(!carrier.broke());
    }
}
