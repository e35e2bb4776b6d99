//! By whose will a stream ends: its client's, or another's.
//!
//! A client that cancels its stream is gone, and its member with it. One whose
//! connection breaks, or whose stream the node ends, is told or will notice,
//! and may come back: its member is given the grace to.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::task::AbortHandle;
use tonic::Extensions;

use crate::hub::{Broke, Evict};

/// The handles of one stream, which the transport put into its request; a
/// stream on another server has none.
#[derive(Clone, Default)]
pub(super) struct Ending {
    by_node: Arc<AtomicBool>,
    /// The stream's task.
    task: Option<Arc<OnceLock<AbortHandle>>>,
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
            task: extensions.get().cloned(),
            broken: extensions.get().cloned(),
        }
    }

    /// Notes that the node ends the stream.
    pub(super) fn by_node(&self) {
        self.by_node.store(true, Ordering::Release);
    }

    /// Cancels the stream from outside, on the node's behalf.
    pub(super) fn evict(&self) -> Option<Evict> {
        let (ending, task) = (self.clone(), self.task.clone()?);
        Some(Arc::new(move || {
            ending.by_node();
            task.get().into_iter().for_each(AbortHandle::abort);
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
        extensions.insert(Arc::new(OnceLock::<AbortHandle>::new()));
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

    #[tokio::test]
    async fn a_stream_that_is_evicted_did_not_end_by_its_client_s_will() {
        let task = tokio::spawn(std::future::pending::<()>());
        let evicted = of(false);
        evicted
            .task
            .as_ref()
            .unwrap()
            .set(task.abort_handle())
            .unwrap();
        let broke = evicted.broke();
        evicted.evict().unwrap()();
        assert!(broke());
        assert!(task.await.unwrap_err().is_cancelled());
    }

    #[test]
    fn without_a_task_there_is_nothing_to_evict() {
        assert!(Ending::default().evict().is_none());
    }
}
