//! One stream for everything: `Session`.
//!
//! That these tests would find a bug was tried by planting some, one at a time:
//!
//! | planted | found by |
//! |---|---|
//! | a reply lost, or said twice | `listening`, `random` |
//! | events before the reply that brings them | `listening`, `sending`, `random` |
//! | a refused unsubscribe that leaves what it may | `asking`, `random` |

mod asking;
mod ending;
mod listening;
mod random;
mod sending;

use fanfare::rpc::client::{
    Event, Ready, Reply, SendRequest, SessionRequest, SessionResponse, SubscribeRequest,
    Unsubscribe, reply, session_request::Request, session_response::Frame,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use crate::support::{Client, PATIENCE};

/// A session, whose requests are numbered from 1.
struct Session {
    requests: Option<mpsc::Sender<SessionRequest>>,
    frames: Streaming<SessionResponse>,
    last: u64,
}

impl Session {
    async fn open(client: &mut Client) -> Self {
        let (requests, coming) = mpsc::channel(1);
        let response = client.session(ReceiverStream::new(coming)).await;
        Self {
            requests: Some(requests),
            frames: response.unwrap().into_inner(),
            last: 0,
        }
    }

    /// Sends a request, and tells its id.
    async fn ask(&mut self, request: Request) -> u64 {
        self.last += 1;
        let request = SessionRequest {
            id: self.last,
            request: Some(request),
        };
        self.send(request).await;
        self.last
    }

    async fn send(&mut self, request: SessionRequest) {
        let requests = self.requests.as_ref().expect("is not over");
        requests.send(request).await.expect("a session goes on");
    }

    /// Has no more requests.
    fn finish(&mut self) {
        self.requests = None;
    }

    /// The next frame, or how the session ended.
    async fn next(&mut self) -> Result<Option<Frame>, Status> {
        let next = tokio::time::timeout(PATIENCE, self.frames.message()).await;
        let message = next.expect("a frame in time")?;
        Ok(message.map(|message| message.frame.expect("a frame that is known")))
    }

    /// The next reply, which comes before anything else.
    async fn reply(&mut self) -> Reply {
        match self.next().await.unwrap() {
            Some(Frame::Reply(reply)) => reply,
            other => panic!("not a reply: {other:?}"),
        }
    }

    /// The next event, which comes before anything but heartbeats.
    async fn event(&mut self) -> Event {
        loop {
            match self.next().await.unwrap() {
                Some(Frame::Event(event)) => return event,
                Some(Frame::Heartbeat(_)) => {}
                other => panic!("not an event: {other:?}"),
            }
        }
    }

    /// Asks, and gives the answer, which comes before anything else.
    async fn answered(&mut self, request: Request) -> reply::Result {
        let id = self.ask(request).await;
        let reply = self.reply().await;
        assert_eq!(reply.id, id);
        reply.result.expect("a result")
    }

    async fn subscribe(&mut self, request: SubscribeRequest) -> Ready {
        match self.answered(Request::Subscribe(request)).await {
            reply::Result::Ready(ready) => ready,
            other => panic!("not ready: {other:?}"),
        }
    }

    async fn unsubscribe(&mut self, channels: &[&str]) {
        let result = self.answered(unsubscribe(channels)).await;
        assert!(matches!(result, reply::Result::Done(_)), "{result:?}");
    }

    /// Sends an event, and gives its number.
    async fn publish(&mut self, request: SendRequest) -> u64 {
        match self.answered(Request::Send(request)).await {
            reply::Result::Send(sent) => sent.position.expect("a position").sequence,
            other => panic!("not sent: {other:?}"),
        }
    }
}

fn unsubscribe(channels: &[&str]) -> Request {
    Request::Unsubscribe(Unsubscribe {
        channels: channels.iter().map(|&channel| channel.to_owned()).collect(),
    })
}
