//! A client: keeps one number, comes, reads when it is woken, is cut between
//! any two frames, and comes back.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use fanfare::hub::{Chunk, End, Start, Subscription};
use fanfare::model::MemberId;

use super::record::{Note, Told, Turned, Wish};
use crate::hub::support::{Got, decode};

/// More frames than a stream has in a life.
const ENDLESS: usize = 20_000;

/// What a client keeps when it has no stream.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) wish: Wish,
    /// Its position, and the life of the node in which it holds.
    pub(crate) at: Option<(usize, u64)>,
    /// The member that it was last, and in which life.
    pub(crate) member: Option<(usize, String)>,
}

impl Client {
    pub(crate) fn new(wish: Wish) -> Self {
        Self {
            wish,
            at: None,
            member: None,
        }
    }

    /// From where it goes on in this life of the node.
    pub(crate) fn resume(&self, life: usize) -> Start {
        match self.at {
            None => Start::Live,
            Some((at, number)) if at == life => Start::After(number),
            Some(_) => Start::Anew,
        }
    }

    /// Whom it comes back as in this life of the node.
    pub(crate) fn known(&self, life: usize) -> Option<MemberId> {
        let (of, id) = self.member.as_ref()?;
        (*of == life).then(|| MemberId::of(id))
    }

    /// Takes in the ready of a stream.
    pub(crate) fn ready(&mut self, told: &Told) {
        self.member = Some((told.life, told.member.clone()));
        // The position of another life stays until this one's is told.
        if told.start != Start::Anew {
            self.at = Some((told.life, told.position));
        }
    }

    /// Takes in a frame.
    pub(crate) fn take(&mut self, life: usize, note: &Note) {
        match note {
            Note::Got(Got::Position(number)) => self.at = Some((life, *number)),
            Note::Got(Got::Event { number, .. } | Got::Presence { number, .. }) => {
                if let Some((_, at)) = &mut self.at {
                    *at = *number;
                }
            }
            _ => {}
        }
    }
}

/// Whether a stream was woken.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// A stream of a client, which is polled only when it was woken.
pub(crate) struct Stream {
    pub(crate) subscription: Subscription,
    pub(crate) told: Told,
    pub(crate) serial: usize,
    pub(crate) end: Option<End>,
    /// Frames that have come, and that the client has not yet taken.
    pub(crate) coming: VecDeque<Note>,
    woken: Arc<Woken>,
    /// How many came so far.
    frames: usize,
}

impl Stream {
    pub(crate) fn new(subscription: Subscription, told: Told, serial: usize) -> Self {
        Self {
            subscription,
            told,
            serial,
            end: None,
            coming: VecDeque::new(),
            woken: Arc::new(Woken(AtomicBool::new(true))),
            frames: 0,
        }
    }

    /// It listens to something else from here on, and is polled after that, as
    /// a session is.
    pub(crate) fn turned(&mut self, turned: Turned) {
        self.coming.push_back(Note::Turned(turned));
        self.woken.0.store(true, Ordering::SeqCst);
    }

    /// The frames of a chunk; none if it waits to be woken.
    pub(crate) fn poll(&mut self) -> Vec<Got> {
        let waker = Waker::from(Arc::clone(&self.woken));
        // One that gives way wakes itself.
        while self.end.is_none() && self.woken.0.swap(false, Ordering::SeqCst) {
            match self
                .subscription
                .poll_chunk(&mut Context::from_waker(&waker))
            {
                Poll::Pending => {}
                Poll::Ready(chunk) => {
                    self.woken.0.store(true, Ordering::SeqCst);
                    return self.frames(&chunk);
                }
            }
        }
        Vec::new()
    }

    pub(crate) fn frames(&mut self, chunk: &Chunk) -> Vec<Got> {
        match chunk {
            Chunk::Frames(bytes) => {
                let got = decode(bytes);
                self.frames += got.len();
                assert!(self.frames < ENDLESS, "it comes to an end");
                got
            }
            Chunk::End(end) => {
                self.end = Some(*end);
                vec![Got::End(*end)]
            }
        }
    }

    /// The client takes the next frame.
    pub(crate) fn take(&mut self, client: Option<&mut Client>) -> bool {
        let Some(note) = self.coming.pop_front() else {
            return false;
        };
        if let Some(client) = client {
            client.take(self.told.life, &note);
        }
        self.told.notes.push(note);
        true
    }
}
