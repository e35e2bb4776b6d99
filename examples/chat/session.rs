//! One stream of a member, from its first request to its end.

use fanfare::rpc::client::session_response::Frame;
use fanfare::rpc::client::{SessionRequest, SessionResponse};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use super::common::Client;

/// Requests that may wait for the network, beside those it begins with.
const WAITING: usize = 16;

pub(crate) struct Session {
    requests: mpsc::Sender<SessionRequest>,
    frames: Streaming<SessionResponse>,
}

impl Session {
    /// Opens a stream that begins with these requests.
    pub(crate) async fn open<'a>(
        client: &mut Client,
        first: impl Iterator<Item = &'a SessionRequest>,
    ) -> Result<Self, Status> {
        let first: Vec<_> = first.cloned().collect();
        let (requests, stream) = mpsc::channel(first.len() + WAITING);
        for request in first {
            requests.try_send(request).expect("room for all of them");
        }
        let frames = client.session(ReceiverStream::new(stream)).await?;
        let frames = frames.into_inner();
        Ok(Self { requests, frames })
    }

    /// Whether it arrived, its reply tells.
    pub(crate) async fn send(&self, request: SessionRequest) {
        // Fails only when the stream has ended, which `next` tells.
        self.requests.send(request).await.ok();
    }

    /// The next frame, or why there is none.
    pub(crate) async fn next(&mut self) -> Result<Frame, Status> {
        loop {
            let message = self.frames.message().await?;
            let message = message.ok_or_else(|| Status::unavailable("ended"))?;
            // None is a frame of a later version.
            if let Some(frame) = message.frame {
                return Ok(frame);
            }
        }
    }
}
