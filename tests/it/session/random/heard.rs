//! What a client hears: replies, each to the request whose turn it is, and
//! frames, which are noted to be judged.

use fanfare::hub::Start;
use fanfare::rpc::client::{Position, Ready, reply, session_response::Frame};

use super::asked::{self, Asked, Send};
use super::client::Client;
use super::frames;
use crate::hub::lives::record::{Note, Sent, Told, Turned, Wish};
use crate::hub::support::Got;

impl Client {
    /// Reads a frame.
    pub(super) async fn hear(&mut self) {
        let session = self.session.as_mut().expect("is open");
        match session.next().await.expect("a frame") {
            Some(Frame::Reply(reply)) => {
                let result = reply.result.expect("a result");
                self.replied(reply.id, result);
            }
            Some(frame) => self.heard(frames::note(frame)),
            None => panic!("a session does not end by itself"),
        }
    }

    fn heard(&mut self, note: Note) {
        if let Note::Got(Got::Event { number, body }) = &note {
            let came = (*number, body.clone());
            self.run.came.lock().unwrap().push(came);
        }
        let told = self.told.as_mut().expect("a subscribe is answered first");
        self.kept.take(0, &note);
        let is_end = frames::is_end(&note);
        told.notes.push(note);
        if is_end {
            self.cut();
        }
    }

    fn replied(&mut self, id: u64, result: reply::Result) {
        let (next, asked) = self.asked.pop_front().expect("nothing was asked");
        assert_eq!(id, next, "a reply out of order: {result:?} to {asked:?}");
        let fits = asked::fits(&asked, &result);
        assert!(fits, "{asked:?} is answered by {result:?}");
        match (asked, result) {
            (Asked::First, reply::Result::Ready(ready)) => self.begun(ready),
            (Asked::Join(fresh), reply::Result::Ready(ready)) => {
                let from = ready.position.expect("a position").sequence;
                let wish = self.kept.wish.with(&fresh);
                self.turned(wish, from);
                if self.rng.u8(..4) == 0 {
                    // With whatever backlog there is.
                    self.cut();
                }
            }
            (Asked::Leave(left), _) => {
                let wish = self.kept.wish.without(&left);
                self.turned(wish, 0);
            }
            (Asked::Send(send), reply::Result::Send(answer)) => {
                self.sent(send, answer.position, answer.duplicate);
            }
            (Asked::Send(send), reply::Result::Broadcast(answer)) => {
                self.sent(send, answer.position, answer.duplicate);
            }
            _ => {}
        }
    }

    fn sent(&mut self, send: Send, position: Option<Position>, duplicate: bool) {
        let number = position.expect("a position").sequence;
        assert!(duplicate || number > self.newest, "numbered in order");
        self.newest = number.max(self.newest);
        let own = self.told.as_ref().expect("is a member").member.clone();
        let what = Sent {
            channel: send.channel,
            noise: send.noise,
            sender: own,
            published: 0,
        };
        self.run.sent(number, what, send.text);
    }

    fn begun(&mut self, ready: Ready) {
        let position = ready.position.expect("a position").sequence;
        let start = self.kept.resume(0);
        let told = Told {
            wish: self.kept.wish.clone(),
            member: ready.member_id,
            start,
            position: if start == Start::Anew { 0 } else { position },
            recovered: ready.recovered,
            ..Told::probe()
        };
        if let Some((_, known)) = &self.kept.member {
            assert_eq!(*known, told.member, "comes back as who it was");
        }
        self.token = ready.member_token;
        self.kept.ready(&told);
        self.told = Some(told);
    }

    fn turned(&mut self, wish: Wish, from: u64) {
        self.kept.wish = wish.clone();
        let through = self.run.newest();
        let told = self.told.as_mut().expect("has subscribed");
        told.notes.push(Note::Turned(Turned {
            wish,
            from,
            through,
        }));
    }
}
