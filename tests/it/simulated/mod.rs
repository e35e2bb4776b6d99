//! The guarantees on a bad network: hosts that are cut off from each other,
//! held up and crash, the node too, all from one seed.
//!
//! Readers follow the rule of `docs/protocol.md` and keep their position when
//! they crash. Afterwards the history is judged as in [`crate::history`].

mod hosts;
mod network;

use std::sync::Arc;
use std::time::Duration;

use fanfare::config::Config;
use fanfare::rpc::client::GapReason;
use fastrand::Rng;
use turmoil::Sim;

use crate::history::record::{History, Place, Reader};
use crate::history::verify;
use hosts::Shared;
use network::NODE;

const READERS: usize = 5;
const SENDERS: usize = 3;
const TICK: Duration = Duration::from_millis(2);

/// Longer than it takes to notice any cut: twice the heartbeats' interval, and
/// the node's keepalive.
const CALM: Duration = Duration::from_secs(5);

#[test]
fn on_a_bad_network_nothing_is_missed_unsaid_or_comes_twice() {
    let first = fastrand::u64(..);
    let (mut cuts, mut lives) = (0, 0);
    for seed in (0..6).map(|n| first.wrapping_add(n)) {
        let history = simulate(seed);
        let wrong = verify(&history);
        assert!(wrong.is_empty(), "seed {seed}: {wrong:#?}");
        cuts += history.streams() - READERS;
        lives += history.gaps(GapReason::EpochChanged);
    }
    assert!(
        cuts > 50 && lives > 0,
        "{cuts} cuts, {lives} gaps of a new epoch"
    );
}

#[test]
fn after_a_restart_an_old_token_gives_a_new_member_and_no_error() {
    let history = simulate(7);
    let changed = |reader: &Reader| {
        let members = reader.streams.iter().map(|stream| &stream.member);
        members.collect::<std::collections::HashSet<_>>().len() > 1
    };
    assert!(history.readers.iter().all(changed));
}

/// A host that is in trouble, and when it is helped.
struct Trouble {
    host: String,
    kind: Kind,
    until: Duration,
}

#[derive(Clone, Copy)]
enum Kind {
    CutOff,
    HeldUp,
    Crashed,
}

/// A run of one seed.
fn simulate(seed: u64) -> History {
    fastrand::seed(seed);
    let mut rng = Rng::with_seed(seed);
    let mut sim = turmoil::Builder::new()
        .rng_seed(seed)
        .tick_duration(TICK)
        .max_message_latency(Duration::from_millis(20))
        .simulation_duration(Duration::from_secs(600))
        .tcp_capacity(1_024)
        .build();
    let shared = Shared::new(config(&mut rng), READERS, &mut rng);
    populate(&mut sim, &shared, &mut rng);
    trouble(&mut sim, &mut rng);
    calm(&mut sim, &shared);
    sim.client("lister", hosts::lister(Arc::clone(&shared)));
    while !sim.step().unwrap() {}
    let last = shared
        .history
        .lock()
        .unwrap()
        .sent
        .last()
        .unwrap()
        .at
        .clone();
    step_until(&mut sim, "all have all", || at_the_end(&shared, &last));
    finish(sim, &shared)
}

/// Logs that keep everything, or little; a grace to come back in, or none.
fn config(rng: &mut Rng) -> Config {
    let mut config = Config::default();
    if rng.bool() {
        config.hub.log_events = 20;
        config.hub.log_age = Duration::from_millis(500);
    }
    if rng.bool() {
        config.hub.leave_grace = Duration::from_secs(2);
    }
    config.transport.keepalive_interval = Duration::from_secs(1);
    config.transport.keepalive_timeout = Duration::from_secs(1);
    config
}

fn populate(sim: &mut Sim<'_>, shared: &Arc<Shared>, rng: &mut Rng) {
    let node = Arc::clone(shared);
    sim.host(NODE, move || hosts::node(Arc::clone(&node)));
    for index in 0..READERS {
        let shared = Arc::clone(shared);
        let reader = move || hosts::reader(Arc::clone(&shared), index);
        sim.host(format!("reader-{index}"), reader);
    }
    for index in 0..SENDERS {
        let sender = hosts::sender(Arc::clone(shared), rng.fork(), 150);
        sim.client(format!("sender-{index}"), sender);
    }
}

/// Makes trouble until all is sent, and helps everybody then.
fn trouble(sim: &mut Sim<'_>, rng: &mut Rng) {
    let mut troubles: Vec<Trouble> = Vec::new();
    let mut crashes = vec![rng.u64(1_000..2_500), rng.u64(3_500..4_500)];
    while !sim.step().unwrap() {
        let now = sim.elapsed();
        for trouble in troubles.extract_if(.., |trouble| trouble.until <= now) {
            help(sim, &trouble);
        }
        let is_due = |at: &mut u64| Duration::from_millis(*at) <= now;
        let (host, kind) = if crashes.extract_if(.., is_due).next().is_some() {
            (NODE.to_owned(), Kind::Crashed)
        } else if rng.u8(..100) == 0 {
            any(rng)
        } else {
            continue;
        };
        let until = now + Duration::from_millis(rng.u64(10..2_000));
        if !troubles.iter().any(|trouble| trouble.host == host) {
            make(sim, &host, kind);
            troubles.push(Trouble { host, kind, until });
        }
    }
    for trouble in &troubles {
        help(sim, trouble);
    }
}

fn any(rng: &mut Rng) -> (String, Kind) {
    let kinds = [Kind::CutOff, Kind::HeldUp, Kind::Crashed];
    match rng.usize(..READERS + SENDERS) {
        reader if reader < READERS => (format!("reader-{reader}"), rng.choice(kinds).unwrap()),
        sender => (
            format!("sender-{}", sender - READERS),
            rng.choice(&kinds[..2]).copied().unwrap(),
        ),
    }
}

fn make(sim: &mut Sim<'_>, host: &str, kind: Kind) {
    match kind {
        Kind::CutOff => sim.partition(host, NODE),
        Kind::HeldUp => sim.hold(host, NODE),
        Kind::Crashed => sim.crash(host),
    }
}

fn help(sim: &mut Sim<'_>, trouble: &Trouble) {
    let host = trouble.host.as_str();
    match trouble.kind {
        Kind::CutOff => sim.repair(host, NODE),
        Kind::HeldUp => sim.release(host, NODE),
        Kind::Crashed => sim.bounce(host),
    }
}

/// Goes on until everybody has been back for a while, and nobody else is there.
fn calm(sim: &mut Sim<'_>, shared: &Shared) {
    let mut since = sim.elapsed();
    let mut heard = frames(shared);
    let mut until = since + CALM;
    while sim.elapsed() < until {
        sim.step().unwrap();
        let counts = shared
            .hub
            .lock()
            .unwrap()
            .as_ref()
            .map(fanfare::hub::Hub::counts);
        let is_full = counts.is_some_and(|now| now.streams == READERS && now.members == READERS);
        let now = frames(shared);
        let all_heard = now.iter().zip(&heard).all(|(now, before)| now > before);
        if all_heard {
            (heard, since) = (now, sim.elapsed());
        }
        if !is_full || sim.elapsed() > since + Duration::from_millis(1_500) {
            until = sim.elapsed() + CALM;
        }
    }
}

fn frames(shared: &Shared) -> Vec<usize> {
    let readers = shared.readers.iter();
    readers.map(|kept| kept.lock().unwrap().frames).collect()
}

fn at_the_end(shared: &Shared, last: &Place) -> bool {
    shared.readers.iter().all(|kept| {
        let at = kept.lock().unwrap().position();
        at.is_some_and(|at| at.epoch == last.epoch && at.sequence >= last.sequence)
    })
}

fn step_until(sim: &mut Sim<'_>, what: &str, holds: impl Fn() -> bool) {
    let patience = sim.elapsed() + Duration::from_secs(30);
    while !holds() {
        assert!(sim.elapsed() < patience, "never: {what}");
        sim.step().unwrap();
    }
}

/// Takes what was recorded, and lets everything go.
fn finish(sim: Sim<'_>, shared: &Shared) -> History {
    drop(sim);
    let mut history = std::mem::take(&mut *shared.history.lock().unwrap());
    for kept in &shared.readers {
        let mut reader = std::mem::take(&mut kept.lock().unwrap().reader);
        reader.is_at_the_end = true;
        history.readers.push(reader);
    }
    history
}
