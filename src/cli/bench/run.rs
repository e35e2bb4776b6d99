//! A load from its first connection to its last delivery, and what was seen.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::time::Instant;

use super::board::{Board, Phase};
use super::connect::{Crew, listener};
use super::link::histogram;
use super::marker::Mark;
use super::order::Faults;
use super::plan::Plan;
use super::process::{Process, Usage};
use super::progress::Progress;
use super::worker::Worker;

/// How long nothing at all may happen while connections open, or while events
/// are on their way after the last was published.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// How often it is looked how far the load is.
pub(super) const LOOK: Duration = Duration::from_millis(20);

/// What is known at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    at: Instant,
    pub(super) delivered: u64,
    pub(super) published: u64,
    pub(super) acknowledged: u64,
    pub(super) server: Option<Usage>,
    pub(super) load: Option<Usage>,
}

/// What was seen of a load.
#[derive(Debug)]
pub(super) struct Outcome {
    /// The server before the first connection.
    pub(super) before: Option<Usage>,
    pub(super) begin: Moment,
    pub(super) end: Moment,
    /// Of the whole load, warm-up and all: what was published and arrived.
    pub(super) published: u64,
    pub(super) acknowledged: u64,
    pub(super) due: u64,
    pub(super) delivered: u64,
    pub(super) faults: Faults,
    /// Nanoseconds from an event's publishing to each delivery, and to its
    /// acknowledgement.
    pub(super) latency: Histogram<u64>,
    pub(super) answers: Histogram<u64>,
}

impl Outcome {
    /// What `workers` found by the end, and what was seen at three moments: of
    /// the server before the first connection, and around what was measured.
    pub(super) fn of(
        workers: &[Worker],
        board: &Board,
        (before, begin, end): (Option<Usage>, Moment, Moment),
    ) -> Result<Self, String> {
        let mut outcome = Self {
            before,
            begin,
            end,
            published: board.published(),
            acknowledged: board.acknowledged(),
            due: 0,
            delivered: 0,
            faults: Faults::default(),
            latency: histogram(),
            answers: histogram(),
        };
        for worker in workers {
            let due = worker.subscribers.iter();
            outcome.due += due.map(|one| one.due(outcome.published)).sum::<u64>();
            outcome.delivered += worker.tally.counts.delivered;
            outcome.faults.add(worker.tally.counts.faults);
            add(&mut outcome.latency, &worker.tally.counts.latency)?;
            if let Some(publishing) = &worker.publishing {
                add(&mut outcome.answers, publishing.answers())?;
            }
        }
        Ok(outcome)
    }

    /// How long was measured, in seconds.
    pub(super) fn seconds(&self) -> f64 {
        self.end.at.duration_since(self.begin.at).as_secs_f64()
    }

    /// Nanoseconds of CPU time that the server used while it was measured, if
    /// its process is known.
    pub(super) fn server_cpu(&self) -> Option<u64> {
        used(self.begin.server, self.end.server)
    }

    /// The same of the load itself.
    pub(super) fn load_cpu(&self) -> Option<u64> {
        used(self.begin.load, self.end.load)
    }

    /// Deliveries that never came.
    pub(super) fn loss(&self) -> u64 {
        self.due.saturating_sub(self.delivered - self.faults.astray)
    }
}

fn used(begin: Option<Usage>, end: Option<Usage>) -> Option<u64> {
    Some(end?.cpu_since(&begin?))
}

/// Runs `plan` to its end.
///
/// # Errors
///
/// The load cannot begin or go on, in words to show.
pub(super) fn run(plan: &Plan) -> Result<Outcome, String> {
    let server = plan.pid.map(Process::of).transpose()?;
    let before = server.as_ref().map(Process::usage).transpose()?;
    let sources = plan
        .publishing
        .map_or(0, |publishing| publishing.connections);
    let connections = plan.audience.connections + sources;

    let mut crew = Crew::new(plan, &Mark::random())?;
    let progress = Progress::of(connections + plan.reading.stalled, "connections");
    let parked = crew.park(|| progress.step())?;
    crew.subscribe(|index| listener(plan, index), || progress.step())?;
    if let Some(publishing) = &plan.publishing {
        crew.publish(publishing, || progress.step())?;
    }
    drop(progress);
    let Crew { workers, board, .. } = crew;
    let threads = start(workers)?;
    let measured = measure(plan, (&board, server.as_ref()), connections);
    let workers = stop(&board, threads)?;
    drop(parked);
    let (begin, end) = measured?;
    Outcome::of(&workers, &board, (before, begin, end))
}

fn add(all: &mut Histogram<u64>, some: &Histogram<u64>) -> Result<(), String> {
    let added = all.add(some);
    added.map_err(|error| format!("cannot add latencies: {error}"))
}

/// Starts a thread for each.
pub(super) fn start(workers: Vec<Worker>) -> Result<Vec<JoinHandle<Worker>>, String> {
    let start = |worker: Worker| {
        let thread = thread::Builder::new().name("load".to_owned());
        thread.spawn(move || worker.run())
    };
    let threads: Result<_, _> = workers.into_iter().map(start).collect();
    threads.map_err(|error| format!("cannot start a thread: {error}"))
}

/// Ends all threads; those of a load that cannot go on end by themselves.
pub(super) fn stop(board: &Board, threads: Vec<JoinHandle<Worker>>) -> Result<Vec<Worker>, String> {
    board.enter(Phase::Over);
    let joined = threads.into_iter().map(JoinHandle::join);
    let workers: Result<_, _> = joined.collect();
    workers.map_err(|_| "a thread of the load ended early".to_owned())
}

/// Goes through the phases, and looks at the beginning and the end of what is
/// measured.
fn measure(
    plan: &Plan,
    (board, server): (&Arc<Board>, Option<&Process>),
    connections: usize,
) -> Result<(Moment, Moment), String> {
    until(
        (board, LOOK),
        || board.ready() as u64,
        || board.ready() == connections,
    )
    .map_err(|stalled| match stalled {
        Some(reason) => reason,
        None => format!(
            "{} of {connections} connections are ready, and no other for {} s",
            board.ready(),
            PATIENCE.as_secs()
        ),
    })?;

    board.enter(Phase::Warmup);
    let progress = Progress::of_time(plan.time);
    pass(plan.time.warmup, board, &progress)?;
    board.enter(Phase::Measured);
    let begin = moment(board, server)?;
    pass(plan.time.seconds, board, &progress)?;
    let end = moment(board, server)?;
    board.enter(Phase::Draining);

    // What does not arrive is a loss, not an error.
    let drained = until(
        (board, LOOK),
        || board.delivered() + board.acknowledged(),
        || board.is_drained(),
    );
    match drained {
        Err(Some(reason)) => Err(reason),
        Ok(()) | Err(None) => Ok((begin, end)),
    }
}

/// Waits until `is_done`, and looks that often. Fails with the reason of a thread, or with none if
/// `count` stays as it is too long.
pub(super) fn until(
    (board, look): (&Board, Duration),
    count: impl Fn() -> u64,
    is_done: impl Fn() -> bool,
) -> Result<(), Option<String>> {
    let (mut last, mut since) = (count(), Instant::now());
    while !is_done() {
        if let Some(reason) = board.failure() {
            return Err(Some(reason));
        }
        thread::sleep(look);
        let now = count();
        if now != last {
            (last, since) = (now, Instant::now());
        } else if since.elapsed() > PATIENCE {
            return Err(None);
        }
    }
    Ok(())
}

/// Lets time pass.
fn pass(seconds: u32, board: &Board, progress: &Progress) -> Result<(), String> {
    let begin = Instant::now();
    let end = Duration::from_secs(seconds.into());
    while let Some(left) = end.checked_sub(begin.elapsed()) {
        if let Some(reason) = board.failure() {
            return Err(reason);
        }
        thread::sleep(left.min(LOOK));
        progress.tell(board.delivered().max(board.acknowledged()));
    }
    Ok(())
}

/// What is known now.
pub(super) fn moment(board: &Board, server: Option<&Process>) -> Result<Moment, String> {
    Ok(Moment {
        server: server.map(Process::usage).transpose()?,
        load: Process::this().usage().ok(),
        at: Instant::now(),
        delivered: board.delivered(),
        published: board.published(),
        acknowledged: board.acknowledged(),
    })
}
