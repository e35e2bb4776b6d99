//! A subscription that goes on after every cut: docs/protocol.md, "One number".

use std::time::Duration;

use fanfare::rpc::client::subscribe_request::Start;
use fanfare::rpc::client::subscribe_response::Frame;
use fanfare::rpc::client::{Position, SubscribeRequest, SubscribeResponse};
use tonic::{Status, Streaming};

use super::{BackOff, Client, HEARTBEAT, silence};

/// Misses nothing unsaid and gets nothing twice, wherever it is cut off.
pub(crate) struct Follower {
    client: Client,
    /// What is wanted, with the position and the token to come back with.
    request: SubscribeRequest,
    /// None before the first stream, and after a cut.
    frames: Option<Streaming<SubscribeResponse>>,
    /// After this long without a frame the connection is taken for dead.
    silence: Duration,
    back_off: BackOff,
}

impl Follower {
    /// Begins where the request says.
    pub(crate) fn new(client: Client, request: SubscribeRequest) -> Self {
        Self {
            client,
            request,
            frames: None,
            silence: 2 * HEARTBEAT,
            back_off: BackOff::default(),
        }
    }

    /// The next frame, past any number of cuts. An error is for good.
    pub(crate) async fn next(&mut self) -> Result<Frame, Status> {
        loop {
            let next = tokio::time::timeout(self.silence, self.try_next()).await;
            let next = next.unwrap_or_else(|_| Err(Status::unavailable("silence")));
            match next {
                Ok(Some(frame)) => {
                    self.keep(&frame);
                    return Ok(frame);
                }
                Ok(None) => {} // a frame of a later version
                Err(cut) => {
                    self.frames = None;
                    self.back_off.wait(cut).await?;
                }
            }
        }
    }

    /// Everything up to here has come: from here it would go on.
    pub(crate) fn position(&self) -> Option<&Position> {
        match &self.request.start {
            Some(Start::Resume(position)) => Some(position),
            _ => None,
        }
    }

    async fn try_next(&mut self) -> Result<Option<Frame>, Status> {
        if self.frames.is_none() {
            let stream = self.client.subscribe(self.request.clone()).await?;
            self.frames = Some(stream.into_inner());
        }
        let frames = self.frames.as_mut().expect("set above");
        let message = frames.message().await?;
        Ok(message.ok_or_else(|| Status::unavailable("ended"))?.frame)
    }

    fn keep(&mut self, frame: &Frame) {
        match frame {
            Frame::Ready(ready) => {
                self.resume_from(ready.position.clone());
                self.request.member_token.clone_from(&ready.member_token);
                self.silence = silence(ready);
                self.back_off = BackOff::default();
            }
            Frame::Event(event) => self.move_to(event.sequence),
            Frame::Presence(presence) => self.move_to(presence.sequence),
            Frame::Heartbeat(heartbeat) => self.resume_from(heartbeat.position.clone()),
            Frame::Gap(_) | Frame::Members(_) | Frame::Closing(_) => {}
        }
    }

    fn resume_from(&mut self, position: Option<Position>) {
        self.request.start = position.map(Start::Resume);
    }

    fn move_to(&mut self, sequence: u64) {
        if let Some(Start::Resume(position)) = &mut self.request.start {
            position.sequence = sequence;
        }
    }
}
