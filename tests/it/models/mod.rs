//! The hub's waiting and leaving, model-checked by loom.
//!
//! The very files of the hub are included here by path; their `super::sync` is
//! this module's, with loom's locks and atomics. `marks` has two channels, two
//! senders and a reader; `leaving` a sender, a sweeper and an observer of one
//! name. Each runs in every order with at most [`PREEMPTIONS`] preemptions.
//!
//! That the models would find a bug was tried by planting some, one at a time.
//! *In the file*: edited, run, put back. *Kept*: a variant within the model
//! that is tried at every run, in a process of its own.
//!
//! | planted | where | what happens |
//! |---|---|---|
//! | the waker registered after the channels were read | file | `marks`: deadlock |
//! | Pending with marks left | file, kept | `marks`: deadlock |
//! | the number taken before the marks | file, kept | `marks`: deadlock, since the mark says that it has passed |
//! | the counter loaded after the marks were taken | file, kept | `marks`: "nothing comes late" |
//! | a Relaxed load, and a Relaxed `fetch_add` | file | nothing: see below |
//! | wakers woken before the append, under the lock | file | nothing: the woken wait for the lock, which is only slow |
//! | wakers woken before the append, in a step of its own | kept | `marks`: deadlock |
//! | a place not put back on the list | kept | `marks`: deadlock |
//! | a place put back with something left | kept | `marks`: "held once" |
//! | the reader takes no notice of what a mark says has passed | kept | `marks`: "no false gap" |
//! | more has passed than the mark says | kept | `marks`: deadlock |
//! | a channel closed, and then removed | file | nothing: who holds the closed one tries again until it is gone |
//! | a channel removed, and then closed | kept | `leaving`: deadlock |
//! | the dropped number raised after the removal | file | `leaving`: "begins at what is gone" |
//! | the dropped number not raised | kept | `leaving`: "begins at what is gone" |
//! | a sender that meets a closed channel does not look again | kept | `leaving`: deadlock |
//!
//! **A Relaxed load of the counter is no bug.** Let a reader load it and then
//! take its marks under the inbox's lock, and let a sender mark under that lock
//! and then take the number n. If the marks were taken first, the load happens
//! before the mark and so before n is taken, and a read that happens before a
//! write cannot see it or anything later in the order of modification: the
//! reader loaded less than n. So whatever it loads, every number up to that has
//! its mark among those taken; the Acquire says what is meant, and costs
//! nothing on the machines we know.

mod sync;

#[allow(dead_code, reason = "no model needs all of it")]
#[path = "../../../src/hub/interest.rs"]
mod interest;
#[allow(dead_code, reason = "no model needs all of it")]
#[path = "../../../src/hub/let_go.rs"]
mod let_go;
#[allow(dead_code, reason = "no model needs all of it")]
#[path = "../../../src/hub/ready.rs"]
mod ready;
#[allow(dead_code, reason = "no model needs all of it")]
#[path = "../../../src/hub/registry.rs"]
mod registry;
#[allow(dead_code, reason = "no model needs all of it")]
#[path = "../../../src/hub/sequence.rs"]
mod sequence;
#[allow(dead_code, reason = "no model needs all of it")]
#[path = "../../../src/hub/waiting.rs"]
mod waiting;

mod leaving;
mod marks;

use std::process::Command;
use std::task::{Context, Poll, Wake, Waker};

use loom::sync::Notify;

/// Preemptions of one run.
const PREEMPTIONS: usize = 3;

/// Runs `model` in every order of its threads.
fn check(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(PREEMPTIONS);
    builder.check(model);
}

/// Wakes the one thread that [`block_on`]s.
struct Bell(Notify);

impl Wake for Bell {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.notify();
    }
}

/// Polls until there is something; loom fails if it would wait for ever.
fn block_on<T>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
    let bell = std::sync::Arc::new(Bell(Notify::new()));
    let waker = Waker::from(std::sync::Arc::clone(&bell));
    loop {
        match poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(out) => return out,
            Poll::Pending => bell.0.wait(),
        }
    }
}

/// A planted bug: its name, the model with it, and what is said when it is met.
type Plant = (&'static str, fn(), &'static str);

/// In a process of [`find`]'s, which planted bug is meant.
const PLANT: &str = "PLANTED_BUG";

/// Runs the test `planted` with one bug in a process of its own, since loom
/// aborts where it cannot unwind, and wants it to fail as it should.
fn find(planted: &str, plant: &str, says: &str) {
    let this = std::env::current_exe().unwrap();
    let ran = Command::new(this)
        .args(["--exact", planted, "--nocapture"])
        .env(PLANT, plant)
        .env("RUST_BACKTRACE", "0")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(!ran.status.success(), "{plant}: is not found");
    assert!(said.contains(says), "{plant}: found as {said}");
}

/// The other end of [`find`]; does nothing when it is run by itself.
fn run_planted(plants: &[Plant]) {
    if let Ok(name) = std::env::var(PLANT) {
        let plant = plants.iter().find(|(plant, ..)| *plant == name);
        plant.unwrap().1();
    }
}
