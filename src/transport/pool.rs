//! The connection tasks of a server, and the way to ask them all to close.

use std::collections::HashMap;
use std::future::pending;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::oneshot;
use tokio::task::{Id, JoinError, JoinSet};

/// Tasks, each of which can be asked to close. Dropping the pool aborts them.
#[derive(Debug, Default)]
pub(super) struct Pool {
    tasks: JoinSet<()>,
    /// Dropping one is the request. A channel each, since a shared one would
    /// have its lock taken at every poll of every connection.
    closers: HashMap<Id, oneshot::Sender<()>>,
}

impl Pool {
    /// Tasks that have not been reaped yet.
    pub(super) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Spawns what `task` makes of the future that resolves at [`close`](Self::close).
    pub(super) fn spawn<F>(&mut self, task: impl FnOnce(Closing) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (closer, closing) = oneshot::channel();
        let task = self.tasks.spawn(task(Closing(closing)));
        self.closers.insert(task.id(), closer);
    }

    /// Waits for a task to end; for ever when there is none. Cancel safe.
    pub(super) async fn reap(&mut self) {
        match self.tasks.join_next_with_id().await {
            Some(ended) => self.forget(ended),
            None => pending().await,
        }
    }

    /// Asks every task to close, and waits until all have ended.
    pub(super) async fn close(mut self) {
        self.closers.clear();
        while let Some(ended) = self.tasks.join_next_with_id().await {
            self.forget(ended);
        }
    }

    fn forget(&mut self, ended: Result<(Id, ()), JoinError>) {
        let id = match ended {
            Ok((id, ())) => id,
            Err(error) => {
                tracing::error!(%error, "connection task failed");
                error.id()
            }
        };
        self.closers.remove(&id);
    }
}

/// Resolves when the task is to close.
#[derive(Debug)]
pub(super) struct Closing(oneshot::Receiver<()>);

impl Future for Closing {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(cx).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn of_a_task_that_has_ended_nothing_is_kept() {
        let mut pool = Pool::default();
        pool.spawn(|_| async {});
        pool.spawn(|_| async { panic!("on purpose") });
        pool.spawn(|_| pending());
        pool.reap().await;
        pool.reap().await;
        assert_eq!((pool.len(), pool.closers.len()), (1, 1));
    }
}
