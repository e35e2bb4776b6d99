//! The client rule of `docs/protocol.md`, over the generated client: one
//! number for a whole stream, and a return with it after every cut.

use std::pin::Pin;
use std::time::Duration;

use fanfare::rpc::client::{
    Event, Position, Presence, SubscribeRequest, SubscribeResponse, subscribe_request::Start,
    subscribe_response::Frame,
};
use tonic::{Code, Status, Streaming};
use tonic_types::StatusExt;

use crate::support::Client;

/// Makes a connection, a new one or not.
pub(crate) type Connect = Box<dyn FnMut() -> Connecting + Send>;
pub(crate) type Connecting = Pin<Box<dyn Future<Output = Result<Client, Status>> + Send>>;

/// A stream that goes on after every cut.
pub(crate) struct Follower {
    connect: Connect,
    /// What is wanted, with the position and the token that are kept.
    request: SubscribeRequest,
    /// None after a cut.
    frames: Option<Streaming<SubscribeResponse>>,
    /// After this long without a frame the connection is taken for dead.
    silence: Duration,
    /// The longest first wait, which doubles with every failure in a row.
    first_wait: Duration,
    failures: u32,
}

impl Follower {
    /// Follows what `request` asks for, and waits up to `first_wait` before
    /// the first return.
    pub(crate) fn new(connect: Connect, request: SubscribeRequest, first_wait: Duration) -> Self {
        Self {
            connect,
            request,
            frames: None,
            silence: Duration::from_secs(20),
            first_wait,
            failures: 0,
        }
    }

    /// The next frame, past any number of cuts. An error is for good.
    pub(crate) async fn next(&mut self) -> Result<Frame, Status> {
        loop {
            match tokio::time::timeout(self.silence, self.try_next()).await {
                Ok(Ok(Some(frame))) => return Ok(self.keep(frame)),
                Ok(Ok(None)) => {} // a frame of a later version
                Ok(Err(status)) if is_for_good(&status) => return Err(status),
                Ok(Err(status)) => self.wait(&status).await,
                Err(_) => self.wait(&Status::unavailable("no frame came")).await,
            }
        }
    }

    async fn try_next(&mut self) -> Result<Option<Frame>, Status> {
        if self.frames.is_none() {
            let mut client = (self.connect)().await?;
            let response = client.subscribe(self.request.clone()).await?;
            self.frames = Some(response.into_inner());
        }
        let frames = self.frames.as_mut().expect("set above");
        let message = frames.message().await?;
        Ok(message.ok_or_else(|| Status::unavailable("ended"))?.frame)
    }

    fn keep(&mut self, frame: Frame) -> Frame {
        match &frame {
            Frame::Ready(ready) => {
                self.keep_position(ready.position.clone());
                self.request.member_token.clone_from(&ready.member_token);
                let interval = ready.heartbeat_interval.unwrap_or_default();
                self.silence = 2 * Duration::try_from(interval).expect("an interval");
                self.failures = 0;
            }
            Frame::Event(Event { sequence, .. }) | Frame::Presence(Presence { sequence, .. }) => {
                if let Some(Start::Resume(position)) = &mut self.request.start {
                    position.sequence = *sequence;
                }
            }
            Frame::Heartbeat(heartbeat) => self.keep_position(heartbeat.position.clone()),
            Frame::Gap(_) | Frame::Members(_) | Frame::Closing(_) => {}
        }
        frame
    }

    fn keep_position(&mut self, position: Option<Position>) {
        self.request.start = position.map(Start::Resume);
    }

    async fn wait(&mut self, status: &Status) {
        self.frames = None;
        let asked = status.get_details_retry_info();
        let asked = asked.and_then(|info| info.retry_delay).unwrap_or_default();
        let bound = self.first_wait * 2_u32.pow(self.failures.min(6));
        self.failures += 1;
        tokio::time::sleep(asked.max(bound.mul_f64(fastrand::f64()))).await;
    }
}

fn is_for_good(status: &Status) -> bool {
    use Code::{Aborted, InvalidArgument, PermissionDenied, Unimplemented};
    let code = status.code();
    [Aborted, InvalidArgument, PermissionDenied, Unimplemented].contains(&code)
}

/// What only a test does.
impl Follower {
    /// Cuts the stream off, and hands over what is left of it.
    pub(crate) fn cut(&mut self) -> Option<Streaming<SubscribeResponse>> {
        self.frames.take()
    }

    /// What it would ask for.
    pub(crate) fn request(&self) -> &SubscribeRequest {
        &self.request
    }
}
