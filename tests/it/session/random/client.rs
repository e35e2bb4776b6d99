//! One client: pipelines requests, reads, is cut anywhere, and comes back from
//! its one number, with what was not acknowledged sent again.

use std::collections::VecDeque;
use std::sync::Arc;

use fanfare::hub::Start;
use fanfare::rpc::client::{
    BroadcastSubscription, Position, SessionRequest, SubscribeRequest, session_request::Request,
    subscribe_request,
};
use fastrand::Rng;

use super::asked::{self, Asked, Send};
use super::{Run, entry, frames};
use crate::hub::lives::client::Client as Kept;
use crate::hub::lives::record::{Entry, Note, Told, Wish};
use crate::session::Session;
use crate::support::Client as Connection;

/// Things that a client does in a run.
const ACTIONS: usize = 1_000;

/// Requests of one session in flight.
const IN_FLIGHT: usize = 12;

pub(super) struct Client {
    pub(super) run: Arc<Run>,
    pub(super) rng: Rng,
    connection: Option<Connection>,
    pub(super) session: Option<Session>,
    pub(super) asked: VecDeque<(u64, Asked)>,
    pub(super) kept: Kept,
    pub(super) token: String,
    /// What it will listen to when all is answered.
    wish: Wish,
    /// None until the first subscribe is answered.
    pub(super) told: Option<Told>,
    /// Sent, and never acknowledged.
    unsure: Vec<Send>,
    /// The newest number that was acknowledged on this session.
    pub(super) newest: u64,
    sends: usize,
}

impl Client {
    pub(super) fn new(run: Arc<Run>, mut rng: Rng) -> Self {
        let mut wish = Wish::default().fresh(&[entry(&mut rng), entry(&mut rng)]);
        wish.0.push(Entry {
            echo: rng.bool(),
            ..Entry::broadcasts()
        });
        Self {
            run,
            connection: None,
            session: None,
            asked: VecDeque::new(),
            kept: Kept::new(wish.clone()),
            token: String::new(),
            wish,
            told: None,
            unsure: Vec::new(),
            newest: 0,
            sends: 0,
            rng,
        }
    }

    /// Does what clients do.
    pub(super) async fn live(mut self) -> Self {
        for _ in 0..ACTIONS {
            if self.rng.u8(..25) == 0 {
                self.cut();
            }
            self.act().await;
        }
        self
    }

    async fn act(&mut self) {
        if self.session.is_none() {
            return self.come().await;
        }
        // Without its token it could not send again as who it was.
        let waits = self.asked.len() >= IN_FLIGHT || self.token.is_empty();
        if waits || (!self.asked.is_empty() && self.rng.u8(..5) < 3) {
            return self.hear().await;
        }
        match self.rng.u8(..20) {
            0..4 => self.join().await,
            4..7 => self.leave().await,
            7 => {
                let request = asked::update(&mut self.rng);
                self.ask(Asked::Update, request).await;
            }
            8 | 9 => self.mistake().await,
            _ => {
                self.sends += 1;
                let id = format!("{}-{}", self.rng.u32(..), self.sends);
                let send = Send::random(&mut self.rng, id);
                self.send(send).await;
            }
        }
    }

    /// Opens a session whose first subscribe lists everything, and sends again
    /// what was not acknowledged.
    async fn come(&mut self) {
        if self.rng.u8(..12) == 0
            && let Some((life, _)) = &mut self.kept.at
        {
            // As if that number were of another life of the node.
            *life = 1;
        }
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.run.node.narrow_client().await,
        };
        self.session = Some(Session::open(&mut connection).await);
        self.connection = Some(connection);
        self.newest = 0;
        self.wish = self.kept.wish.clone();
        let first = self.first();
        self.ask(Asked::First, Request::Subscribe(first)).await;
        for send in std::mem::take(&mut self.unsure) {
            self.send(send).await;
        }
    }

    fn first(&self) -> SubscribeRequest {
        let (broadcasts, entries): (Vec<_>, Vec<_>) =
            (self.wish.0.iter().cloned()).partition(|entry| entry.text.is_empty());
        let at = |epoch: String, sequence| {
            Some(subscribe_request::Start::Resume(Position {
                epoch,
                sequence,
            }))
        };
        let number = self.kept.at.map_or(0, |(_, number)| number);
        SubscribeRequest {
            broadcasts: Some(BroadcastSubscription {
                events: frames::events(&broadcasts[0]),
                echo: broadcasts[0].echo,
                disabled: false,
            }),
            start: match self.kept.resume(0) {
                Start::After(number) => at(self.run.node.hub.epoch().to_string(), number),
                Start::Anew => at("another".into(), number),
                _ => None,
            },
            member_token: self.token.clone(),
            ..asked::join(&entries)
        }
    }

    async fn join(&mut self) {
        let count = self.rng.usize(1..4);
        let entries: Vec<_> = (0..count).map(|_| entry(&mut self.rng)).collect();
        let fresh = self.wish.fresh(&entries);
        self.wish = self.wish.with(&fresh);
        let request = Request::Subscribe(asked::join(&fresh.0));
        self.ask(Asked::Join(fresh), request).await;
    }

    async fn leave(&mut self) {
        let picks = [self.rng.usize(..5), self.rng.usize(..5)];
        let left = self.wish.picked(&picks);
        self.wish = self.wish.without(&left);
        let request = asked::leave(&left.0);
        self.ask(Asked::Leave(left), request).await;
    }

    async fn send(&mut self, send: Send) {
        let request = send.request();
        self.ask(Asked::Send(send), request).await;
    }

    async fn mistake(&mut self) {
        let fresh = self.wish.fresh(&[entry(&mut self.rng)]);
        if self.rng.u8(..6) == 0 {
            let request = Request::Subscribe(asked::join(&fresh.0));
            return self.put(0, Asked::Bad, Some(request)).await;
        }
        let request = asked::bad(&mut self.rng, &self.wish, &fresh);
        let id = self.next_id();
        self.put(id, Asked::Bad, request).await;
    }

    async fn ask(&mut self, asked: Asked, request: Request) {
        let id = self.next_id();
        self.put(id, asked, Some(request)).await;
    }

    fn next_id(&mut self) -> u64 {
        let session = self.session.as_mut().expect("is open");
        session.last += 1;
        session.last
    }

    async fn put(&mut self, id: u64, asked: Asked, request: Option<Request>) {
        let session = self.session.as_ref().expect("is open");
        let requests = session.requests.as_ref().expect("is not over");
        // If it has ended, that will be read.
        let _ = requests.send(SessionRequest { id, request }).await;
        self.asked.push_back((id, asked));
    }

    fn unsent(&mut self, asked: Asked) {
        if let Asked::Send(send) = asked {
            self.unsure.push(send);
        }
    }

    /// Loses the session, and perhaps its connection.
    pub(super) fn cut(&mut self) {
        self.session = None;
        if self.rng.bool() {
            self.connection = None;
        }
        for (_, asked) in std::mem::take(&mut self.asked) {
            self.unsent(asked);
        }
        self.run.told.lock().unwrap().extend(self.told.take());
    }

    /// Reads up to this event, a broadcast, with nothing in flight then.
    pub(super) async fn read_up_to(&mut self, last: u64) {
        let is_there = |at: Option<(usize, u64)>| at.is_some_and(|(_, number)| number >= last);
        while !is_there(self.kept.at) || !self.asked.is_empty() {
            if self.session.is_none() {
                self.come().await;
            }
            self.hear().await;
        }
    }

    pub(super) fn quiet(&mut self, note: Note) {
        let told = self.told.as_mut().expect("has subscribed");
        told.notes.push(note);
    }

    pub(super) fn bury(mut self) {
        self.cut();
    }
}
