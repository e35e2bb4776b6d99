//! The history checker: a random run is recorded, every acknowledged send and
//! every received frame, and verified afterwards.
//!
//! Modelled on etcd's robustness suite: what happened is judged offline, by
//! rules that know nothing of how the node works.

pub(crate) mod choice;
mod lists;
mod reader;
pub(crate) mod record;
mod run;
mod sender;
mod tampered;
mod told;
mod verify;

use fanfare::rpc::client::GapReason;
use tokio::task::JoinSet;

use record::{Frame, History};
pub(crate) use verify::verify;

/// Runs at a time.
const ABREAST: u64 = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_histories_are_in_order_complete_and_without_doubles() {
    let first = fastrand::u64(..);
    for seeds in 0..3 {
        for (seed, history) in runs(first.wrapping_add(seeds * ABREAST)).await {
            assert!(history.sent.len() > 500, "seed {seed}");
            assert!(history.streams() > 50, "seed {seed}");
            let wrong = verify(&history);
            assert!(wrong.is_empty(), "seed {seed}: {wrong:#?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_histories_have_gaps_and_filters_to_judge() {
    let mut runs = runs(0).await;
    runs.extend(self::runs(ABREAST).await);
    let count = |what: &dyn Fn(&History) -> usize| -> usize {
        runs.iter().map(|(_, history)| what(history)).sum()
    };
    for reason in [
        GapReason::Overflow,
        GapReason::Expired,
        GapReason::EpochChanged,
    ] {
        assert!(count(&|history| history.gaps(reason)) > 0, "{reason:?}");
    }
    let changes = |history: &History| {
        let changes = history.frames();
        changes
            .filter(|frame| matches!(frame, Frame::Presence { .. }))
            .count()
    };
    assert!(count(&History::unwanted) > 0);
    assert!(count(&changes) > 0);
}

/// So many runs at a time, from this seed on.
async fn runs(first: u64) -> Vec<(u64, History)> {
    let mut runs = JoinSet::new();
    for seed in 0..ABREAST {
        let seed = first.wrapping_add(seed);
        runs.spawn(async move { (seed, run::random(seed).await) });
    }
    runs.join_all().await
}
