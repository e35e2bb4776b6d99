//! `fanfare bench`: puts a load on a server, and tells what it took.
//!
//! The same loop speaks to a fanfare node, to NATS and to Redis, so that they
//! can be compared. It reads sockets as bytes, finds the marked payloads in
//! them, and decodes nothing, to cost a fraction of the server. Every delivery
//! is counted, and none may be missing: more events than a window are never on
//! their way, and a load that lost something fails.
//!
//! It starts no server and pins no process: `taskset` does that.

mod target;

mod checks;
mod plan;

mod marker;
mod order;

mod events;
mod link;

mod grpc;
mod nats;
mod redis;

mod board;
mod parked;
mod publishing;
mod socket;
mod subscriber;
mod worker;

mod connect;
mod run;

mod backlog;

mod process;
mod progress;
mod report;

mod findings;

mod flags;
mod verbs;

use clap::Subcommand;

use super::Failure;
use super::output::Output;
use plan::Plan;
use report::Report;
use run::Outcome;

/// The end of `bench -h`.
pub(super) const EXAMPLES: &str = "\
Examples:
  fanfare bench fanout --connections 10 --streams 100
  fanfare bench publish --publisher unary --seconds 5
  fanfare bench latency --rate 200
  fanfare bench idle --connections 1000 --pid $(pgrep -o fanfare)
  fanfare bench backlog --connections 10 --streams 10
  fanfare bench members --members 10000

Loads a fanfare node, or for comparison a NATS or Redis server, in the same
loop. Give the server and the load a core each, with `taskset -c`.";

/// The end of `bench --help`.
pub(super) fn long_help() -> String {
    format!("{EXAMPLES}\n\n{}", findings::KEYS)
}

/// The arguments of `bench`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    load: Load,
}

#[derive(Debug, Subcommand)]
enum Load {
    /// One publisher, many subscribers: what a delivery costs.
    #[command(after_help = "\
Examples:
  fanfare bench fanout --connections 10 --streams 100 --pid $(pgrep -o fanfare)
  fanfare bench fanout --connections 1000 --rate 200 --publisher unary
  fanfare bench fanout --to nats://127.0.0.1:4222 --connections 1000 --json

Without --rate it publishes as fast as the window lets it. A load that lost
something prints its report all the same, and exits with 1.")]
    Fanout(verbs::Fanout),
    /// Publishers only: what taking an event costs.
    #[command(after_help = "\
Examples:
  fanfare bench publish --publisher session --pid $(pgrep -o fanfare)
  fanfare bench publish --publisher unary --connections 4
  fanfare bench publish --to nats://127.0.0.1:4222

An event counts once the server has acknowledged it: by a reply, the end of a
call, or the PONG after it.")]
    Publish(verbs::Publish),
    /// Few events at a steady rate: how long a delivery takes.
    #[command(after_help = "\
Examples:
  fanfare bench latency --connections 10 --streams 100 --rate 200
  fanfare bench latency --to redis://127.0.0.1:6379 --connections 100

Every delivery's time from its publishing to its reading counts. Events are
released by a clock of milliseconds: above 1,000/s several go out at once.")]
    Latency(verbs::Latency),
    /// Subscribers and no events: what a connection holds.
    #[command(after_help = "\
Examples:
  fanfare bench idle --connections 1000 --pid $(pgrep -o fanfare)
  fanfare bench idle --connections 10 --streams 1000 --pid $(pgrep -o fanfare)

Memory is what the server's process has more of at the end than before the
first connection: start the server anew for each run.")]
    Idle(verbs::Idle),
    /// Subscribers that come back: what it takes to give them what they missed.
    #[command(after_help = "\
Examples:
  fanfare bench backlog --connections 10 --streams 10 --pid $(pgrep -o fanfare)
  fanfare bench backlog --events 60000 --payload 32

The streams subscribe, are cut, and miss all events, which go to the channels in
turn. Then they resume: measured is the time from their requests to the last
delivery. A channel's log keeps 65,536 events and 8 MiB, unless set otherwise.")]
    Backlog(verbs::Backlog),
    /// Calls of `GetMembers`: what listing the members of a channel costs.
    #[command(after_help = "\
Examples:
  fanfare bench members --members 1000 --pid $(pgrep -o fanfare)
  fanfare bench members --members 50000 --connections 5

Asks for the first 100 members, one call after the other, and checks each
answer. Nobody else may be in the channel bench.0. The members ask for heartbeats
every 5 minutes only, so that what they cost is not counted with the calls.")]
    Members(verbs::Listing),
}

impl Args {
    /// Runs the load, and prints what it found.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let (plan, output, report): (_, _, fn(&Plan, &Outcome) -> Report) = match self.load {
            Load::Fanout(flags) => (Ok(flags.plan()), flags.output, Report::of_deliveries),
            Load::Publish(flags) => (Ok(flags.plan()), flags.output, Report::of_publishing),
            Load::Latency(flags) => (Ok(flags.plan()), flags.output, Report::of_deliveries),
            Load::Idle(flags) => (Ok(flags.plan()), flags.output, Report::of_idleness),
            Load::Backlog(flags) => (Ok(flags.plan()), flags.output, Report::of_backlog),
            Load::Members(flags) => (flags.plan(), flags.output, Report::of_members),
        };
        let plan = plan.and_then(Plan::checked).map_err(Failure::Usage)?;
        // Threads of its own: a load never waits on this runtime.
        let ran = tokio::task::spawn_blocking(move || {
            let outcome = match plan.backlog() {
                Some((publishing, events)) => backlog::run(&plan, publishing, events),
                None => run::run(&plan),
            };
            outcome.map(|outcome| (report(&plan, &outcome), outcome))
        });
        let ran = ran.await.map_err(|_| "the load ended early".to_owned());
        let (report, outcome) = ran.flatten().map_err(Failure::failed)?;
        Output::stdout().line(output.text(&report)).await?;
        verdict(&outcome)
    }
}

/// Whether all that was published arrived, once and in order.
fn verdict(outcome: &Outcome) -> Result<(), Failure> {
    let unacknowledged = outcome.published - outcome.acknowledged;
    let (loss, faults) = (outcome.loss(), outcome.faults);
    if loss == 0 && unacknowledged == 0 && faults == order::Faults::default() {
        return Ok(());
    }
    Err(Failure::Failed {
        text: format!(
            "not a result: {loss} deliveries lost, {} gaps, {} twice or out of order, \
             {unacknowledged} events not acknowledged",
            faults.gaps, faults.astray
        ),
        hint: Some(
            "keep less on its way: a smaller --window, fewer --events of a backlog".to_owned(),
        ),
    })
}
