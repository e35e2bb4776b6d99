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
use super::parked::park;
use super::plan::{self, Form, Plan};
use super::publishing::{Publishing, Source};
use super::socket::Socket;
use super::subscriber::{Pace, Pauses, Subscriber};
use super::target::Protocol;
use super::worker::{WAKE, Worker};
use super::{grpc, nats, redis};

/// How long one connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);

/// Of how many events one has its latency recorded when they are not paced: a
/// prime, so that the channels take turns in it.
const SAMPLE: u64 = 61;

/// The threads of a load before they run, and the connections they are given.
#[derive(Debug)]
pub(super) struct Crew<'a> {
    pub(super) plan: &'a Plan,
    address: SocketAddr,
    mark: Mark,
    /// The first of them publishes.
    pub(super) workers: Vec<Worker>,
    pub(super) board: Arc<Board>,
}

impl<'a> Crew<'a> {
    /// Threads without connections, whose events have this mark.
    pub(super) fn new(plan: &'a Plan, mark: &Mark) -> Result<Self, String> {
        let polls = (0..plan.threads).map(|_| Poll::new());
        let polls: Result<Vec<_>, _> = polls.collect();
        let polls = polls.map_err(|error| cannot(&error))?;
        let waker = Waker::new(polls[0].registry(), WAKE).map_err(|error| cannot(&error))?;
        let publishes = plan.publishing.is_some();
        let board = Arc::new(Board::new(plan.audience.connections, publishes, waker));
        let every = match plan.publishing {
            Some(publishing) if publishing.rate.is_none() => SAMPLE,
            _ => 1,
        };
        let began = Instant::now();
        let worker = |poll| {
            let tally = Tally::new(mark.clone(), every);
            let pauses = Pauses::new(plan.reading.pause);
            Worker::new(poll, board.clone(), began, (tally, pauses))
        };
        Ok(Self {
            plan,
            address: plan.target.resolve()?,
            mark: mark.clone(),
            workers: polls.into_iter().map(worker).collect(),
            board,
        })
    }

    /// Opens the subscribing connections, each with the listener that its index
    /// has, and calls `each` after every one.
    ///
    /// # Errors
    ///
    /// A connection fails, in words to show.
    pub(super) fn subscribe(
        &mut self,
        mut listener: impl FnMut(usize) -> Box<dyn Listener>,
        mut each: impl FnMut(),
    ) -> Result<(), String> {
        let (audience, threads) = (self.plan.audience, self.workers.len());
        let prompt = audience.connections - self.plan.reading.slow;
        for lane in 0..audience.connections {
            let mut listener = listener(lane);
            let socket = self.socket(listener.opening())?;
            let pace = if lane < prompt {
                Pace::AtOnce
            } else {
                Pace::Slow
            };
            let subscriber = Subscriber::new(socket, listener, pace, (lane, self.round(lane)));
            self.workers[lane % threads].subscribers.push(subscriber);
            each();
        }
        Ok(())
    }

    /// What a connection is to receive: nothing where no events are published.
    fn round(&self, lane: usize) -> Round {
        let audience = self.plan.audience;
        match self.plan.publishing {
            Some(publishing) if publishing.form == Form::Members => Round::new([], 1),
            _ => Round::new(audience.of_connection(lane), audience.turns().period()),
        }
    }

    /// Opens connections that subscribe beside the others and are not read. They
    /// end when they are dropped.
    ///
    /// # Errors
    ///
    /// As of [`Crew::subscribe`].
    pub(super) fn park(&self, mut each: impl FnMut()) -> Result<Vec<TcpStream>, String> {
        let first = self.plan.audience.connections;
        let parked = (first..first + self.plan.reading.stalled).map(|index| {
            let parked = park(self.open()?, &mut *listener(self.plan, index))?;
            each();
            Ok(parked)
        });
        parked.collect()
    }

    /// Opens the publishing connections.
    ///
    /// # Errors
    ///
    /// As of [`Crew::subscribe`].
    pub(super) fn publish(
        &mut self,
        publishing: &plan::Publishing,
        mut each: impl FnMut(),
    ) -> Result<(), String> {
        let turns = self.plan.audience.turns();
        let events = Events::new(self.mark.clone(), turns, publishing.payload);
        let sources = (0..publishing.connections).map(|_| {
            let mut publisher = publisher(self.plan, publishing, events.clone());
            let socket = self.socket(publisher.opening())?;
            each();
            Ok(Source::new(socket, publisher))
        });
        let sources: Result<_, String> = sources.collect();
        self.workers[0].publishing = Some(Publishing::new(sources?, publishing));
        Ok(())
    }

    fn socket(&self, opening: Vec<u8>) -> Result<Socket, String> {
        Socket::new(self.open()?, opening).map_err(|error| cannot(&error))
    }

    /// A connection on which nothing is said yet.
    pub(super) fn open(&self) -> Result<TcpStream, String> {
        connect(self.address, self.plan)
    }
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

fn cannot(error: &std::io::Error) -> String {
    format!("cannot set up a socket: {error}")
}

/// What reads the `index`th subscribing connection.
pub(super) fn listener(plan: &Plan, index: usize) -> Box<dyn Listener> {
    let authority = &plan.target.authority;
    match plan.target.protocol {
        Protocol::Fanfare => Box::new(grpc::Listener::new(authority, plan.audience, index, &[])),
        Protocol::Nats => Box::new(nats::Listener::new(plan.audience, index)),
        Protocol::Redis => Box::new(redis::Listener::new(plan.audience, index)),
    }
}

fn publisher(plan: &Plan, publishing: &plan::Publishing, events: Events) -> Box<dyn Publisher> {
    let authority = &plan.target.authority;
    match (plan.target.protocol, publishing.form) {
        (Protocol::Fanfare, Form::Session) if publishing.is_member => {
            Box::new(grpc::Session::member(authority, events, publishing.echo))
        }
        (Protocol::Fanfare, Form::Session) => Box::new(grpc::Session::new(authority, events)),
        (Protocol::Fanfare, Form::Unary) if plan.audience.connections > 0 => {
            Box::new(grpc::Unary::in_order(authority, events))
        }
        (Protocol::Fanfare, Form::Unary) => Box::new(grpc::Unary::together(authority, events)),
        (Protocol::Fanfare, Form::Members) => {
            Box::new(grpc::Listing::new(authority, plan.audience.all()))
        }
        (Protocol::Nats, _) => Box::new(nats::Publisher::new(events, publishing.window)),
        (Protocol::Redis, _) => Box::new(redis::Publisher::new(events)),
    }
}
