//! All connections of a load, opened and given to its threads.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use mio::{Poll, Waker};
use tokio::time::Instant;

use super::board::Board;
use super::events::Events;
use super::link::{Listener, Publisher, Tally};
use super::marker::Mark;
use super::order::Round;
use super::plan::{self, Form, Plan};
use super::publishing::{Publishing, Source};
use super::target::Protocol;
use super::worker::{Socket, Subscriber, WAKE, Worker};
use super::{grpc, nats, redis};

/// How long one connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);

/// Of how many events one has its latency recorded when they are not paced: a
/// prime, so that the channels take turns in it.
const SAMPLE: u64 = 61;

/// Opens `plan`'s connections, and calls `each` after every one. The first
/// worker publishes.
///
/// # Errors
///
/// A connection fails, in words to show.
pub(super) fn workers(
    plan: &Plan,
    mut each: impl FnMut(),
) -> Result<(Vec<Worker>, Arc<Board>), String> {
    let address = plan.target.resolve()?;
    let mut open = || {
        let stream = connect(address, plan);
        each();
        stream
    };
    let polls = (0..plan.threads).map(|_| Poll::new());
    let polls: Result<Vec<_>, _> = polls.collect();
    let polls = polls.map_err(|error| cannot(&error))?;
    let waker = Waker::new(polls[0].registry(), WAKE).map_err(|error| cannot(&error))?;
    let board = Arc::new(Board::new(plan.audience.connections, waker));
    let mark = Mark::random();
    let every = match plan.publishing {
        Some(publishing) if publishing.rate.is_none() => SAMPLE,
        _ => 1,
    };
    let began = Instant::now();
    let tally = || Tally::new(mark.clone(), every);
    let mut workers: Vec<_> = polls
        .into_iter()
        .map(|poll| Worker::new(poll, board.clone(), began, tally()))
        .collect();

    let threads = workers.len();
    for lane in 0..plan.audience.connections {
        let mut listener = listener(plan, lane);
        let socket = socket(open()?, listener.opening())?;
        let round = Round::new(plan.audience.of_connection(lane), plan.audience.channels);
        let subscriber = Subscriber::new(socket, listener, (lane, round));
        workers[lane % threads].subscribers.push(subscriber);
    }
    if let Some(publishing) = &plan.publishing {
        let events = Events::new(mark.clone(), plan.audience.channels, publishing.payload);
        let sources = (0..publishing.connections).map(|_| {
            let mut publisher = publisher(plan, publishing, events.clone());
            let socket = socket(open()?, publisher.opening())?;
            Ok(Source::new(socket, publisher))
        });
        let sources: Result<_, String> = sources.collect();
        workers[0].publishing = Some(Publishing::new(sources?, publishing));
    }
    Ok((workers, board))
}

fn connect(address: SocketAddr, plan: &Plan) -> Result<TcpStream, String> {
    TcpStream::connect_timeout(&address, CONNECT).map_err(|error| {
        let many = match error.raw_os_error() {
            // EMFILE and EADDRNOTAVAIL on Linux.
            Some(24) => "; `ulimit -n` sets how many files a process may open",
            Some(99) => "; a client address has some 28,000 ports for one server",
            _ => "",
        };
        format!("cannot connect to {}: {error}{many}", plan.target)
    })
}

fn socket(stream: TcpStream, opening: Vec<u8>) -> Result<Socket, String> {
    Socket::new(stream, opening).map_err(|error| cannot(&error))
}

fn cannot(error: &std::io::Error) -> String {
    format!("cannot set up a socket: {error}")
}

fn listener(plan: &Plan, index: usize) -> Box<dyn Listener> {
    let authority = &plan.target.authority;
    match plan.target.protocol {
        Protocol::Fanfare => Box::new(grpc::Listener::new(authority, plan.audience, index)),
        Protocol::Nats => Box::new(nats::Listener::new(plan.audience, index)),
        Protocol::Redis => Box::new(redis::Listener::new(plan.audience, index)),
    }
}

fn publisher(plan: &Plan, publishing: &plan::Publishing, events: Events) -> Box<dyn Publisher> {
    let authority = &plan.target.authority;
    match (plan.target.protocol, publishing.form) {
        (Protocol::Fanfare, Form::Session) => Box::new(grpc::Session::new(authority, events)),
        (Protocol::Fanfare, Form::Unary) if plan.audience.connections > 0 => {
            Box::new(grpc::Unary::in_order(authority, events))
        }
        (Protocol::Fanfare, Form::Unary) => Box::new(grpc::Unary::together(authority, events)),
        (Protocol::Nats, _) => Box::new(nats::Publisher::new(events, publishing.window)),
        (Protocol::Redis, _) => Box::new(redis::Publisher::new(events)),
    }
}
