//! Random lives of a hub, recorded and then verified: in steps under paused
//! time (`run`), and at once on real threads (`threads`).
//!
//! Clients come, are cut and come back, and join and leave while they are there;
//! what they listen to is a value that turns at numbers (`record::Turned`).
//!
//! What it found is reduced in `found`. `tests/it/session/random.rs` has sessions
//! judged by the same rules.
//!
//! Of bugs planted on purpose, what it said of the three most to be feared:
//!
//! - A lost wake: the wakes of `Channel::append` dropped, then those of a
//!   change. Clients here are polled only when woken, so at the next quiet it
//!   says "17 is lost without a word at 19", and "in "a" are [..], told was []".
//! - A cursor off by one: one past the gap that was told, one past what was
//!   read of the log, one past the position resumed from. "51 is lost without a
//!   word at 51"; one before, "11 came, twice or told as lost", or that a stream
//!   "comes to an end", which it did not.
//! - A list of members outside its step: its number loaded before the channel's
//!   lock was taken, or after it was let go. Steps have no moment between the
//!   two, and threads met it too seldom: `races` holds the lock at that moment,
//!   and says "Updated from Some(4) to Some(4)" of the first, "Updated from
//!   Some(5) to Some(7)" of the second, in one run of two.

pub(crate) mod record;

pub(crate) mod client;
mod members;
pub(crate) mod run;
mod steps;
mod threads;

mod presence;
mod verify;

mod found;

use std::fmt::Write;

use proptest::prelude::*;

use record::{Told, Truth};

/// Fails with what is wrong with what these streams were told.
pub(crate) fn verify_all(truths: &[Truth], told: &[Told]) {
    let mut wrong = Vec::new();
    for stream in told {
        let said = verify::verify(stream, &truths[stream.life]);
        if !said.is_empty() && wrong.len() < 3 {
            wrong.push(format!("{said:#?}\n{}", describe(stream)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn describe(told: &Told) -> String {
    let short = |what: String| what.chars().take(160).collect::<String>();
    let mut text = format!(
        "client {} {:?} {} ready {} recovered {} before {}\n",
        told.client, told.start, told.member, told.position, told.recovered, told.before
    );
    for entry in &told.wish.0 {
        let _ = writeln!(text, "  {entry:?}");
    }
    for note in told.notes.iter().take(80) {
        let _ = writeln!(text, "  {}", short(format!("{note:?}")));
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("LIVES").map_or(1_000, |n| n.parse().unwrap()),
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_happens_nothing_is_lost_in_silence(
        limits in steps::limits(),
        wishes in steps::wishes(),
        steps in prop::collection::vec(steps::step(), 1..300),
    ) {
        let (truths, told) = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap()
            .block_on(run::live(limits, wishes, steps));
        verify_all(&truths, &told);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("THREADS").map_or(40, |n| n.parse().unwrap()),
        failure_persistence: None,
        max_shrink_iters: 0,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_happens_at_once_nothing_is_lost_in_silence(
        seed in 0_u64..1 << 40,
        wishes in steps::wishes(),
    ) {
        let limits = threads::limits(&mut fastrand::Rng::with_seed(seed));
        let (truths, told) = threads::live(seed, limits, wishes);
        verify_all(&truths, &told);
    }
}
