//! A load that comes back: its streams are cut, miss events, and resume.
//!
//! Measured is what follows the resuming requests: the node reads its logs for
//! each stream, and nothing is published meanwhile.

use std::thread;
use std::time::Duration;

use super::board::{Board, Phase};
use super::connect::Crew;
use super::grpc::{self, Position};
use super::marker::Mark;
use super::parked::park;
use super::plan::{Audience, Plan, Publishing};
use super::process::Process;
use super::run::{LOOK, Outcome, PATIENCE, moment, start, stop, until};

/// How often it is looked whether all is delivered: so often that the end is
/// known to a hundredth of the shortest load that tells anything.
const CLOSE_LOOK: Duration = Duration::from_millis(1);

/// How long a node has to tidy up after the streams that were cut and the events
/// that were published, so that it is not measured.
const SETTLE: Duration = Duration::from_millis(500);

/// Runs `plan`, which publishes so many `events`, to its end.
///
/// # Errors
///
/// The load cannot begin or go on, in words to show; or a stream is told of a
/// gap.
pub(super) fn run(plan: &Plan, publishing: &Publishing, events: u64) -> Result<Outcome, String> {
    let server = plan.pid.map(Process::of).transpose()?;
    let before = server.as_ref().map(Process::usage).transpose()?;
    let mark = Mark::random();
    let mut crew = Crew::new(plan, &mark)?;
    let positions = visit(&crew)?;
    publish(plan, (publishing, events), &mark)?;

    let (authority, audience) = (&plan.target.authority, plan.audience);
    crew.subscribe(
        |index| {
            let resume = &positions[index];
            Box::new(grpc::Listener::new(authority, audience, index, resume))
        },
        || {},
    )?;
    thread::sleep(SETTLE);
    let Crew { workers, board, .. } = crew;
    board.set_published(events);
    board.set_acknowledged(events);
    let begin = moment(&board, server.as_ref())?;
    let threads = start(workers)?;
    let delivered = until(
        (&board, CLOSE_LOOK),
        || board.delivered(),
        || board.reached().is_none_or(|reached| reached >= events),
    );
    let end = moment(&board, server.as_ref())?;
    let workers = stop(&board, threads)?;
    match delivered {
        Err(Some(reason)) => Err(reason),
        // What does not arrive is a loss, not an error.
        Ok(()) | Err(None) => Outcome::of(&workers, &board, (before, begin, end)),
    }
}

/// Subscribes once, and gives the positions of each connection's streams. Then
/// all connections are cut.
fn visit(crew: &Crew<'_>) -> Result<Vec<Vec<Position>>, String> {
    let audience = crew.plan.audience;
    let visits = (0..audience.connections).map(|index| {
        let authority = &crew.plan.target.authority;
        let mut listener = grpc::Listener::new(authority, audience, index, &[]);
        let parked = park(crew.open()?, &mut listener)?;
        Ok((parked, listener.positions()))
    });
    let visits: Result<Vec<_>, String> = visits.collect();
    Ok(visits?
        .into_iter()
        .map(|(_, positions)| positions)
        .collect())
}

/// Publishes all events while nobody listens, and waits for their replies.
fn publish(
    plan: &Plan,
    (publishing, events): (&Publishing, u64),
    mark: &Mark,
) -> Result<(), String> {
    let alone = Plan {
        audience: Audience {
            connections: 0,
            ..plan.audience
        },
        threads: 1,
        ..plan.clone()
    };
    let mut crew = Crew::new(&alone, mark)?;
    crew.publish(publishing, || {})?;
    let Crew { workers, board, .. } = crew;
    let threads = start(workers)?;
    board.enter(Phase::Warmup);
    let published = acknowledged(&board, events);
    stop(&board, threads)?;
    published
}

fn acknowledged(board: &Board, events: u64) -> Result<(), String> {
    let all = until(
        (board, LOOK),
        || board.acknowledged(),
        || board.acknowledged() >= events,
    );
    all.map_err(|stalled| {
        stalled.unwrap_or_else(|| {
            format!(
                "{} of {events} events are acknowledged, and no other for {} s",
                board.acknowledged(),
                PATIENCE.as_secs()
            )
        })
    })
}
