//! What comes down: answers to who asked, the rest into a queue.

use tokio::sync::mpsc;
use tonic::transport::Channel;

use super::requests::{Requests, Waiting, lock};
use crate::client::Error;
use crate::rpc::client as proto;
use proto::realtime_service_client::RealtimeServiceClient;
use proto::reply::Result as Answer;
use proto::session_response::Frame as Came;
use proto::subscribe_response::Frame as Told;

/// The one who reads.
pub(super) struct Reading {
    waiting: Waiting,
    into: mpsc::Sender<Result<Told, Error>>,
}

impl Reading {
    pub(super) fn new(waiting: Waiting, into: mpsc::Sender<Result<Told, Error>>) -> Self {
        Self { waiting, into }
    }

    /// Reads to the end, and tells everyone who waits that it came.
    pub(super) async fn run(self, client: RealtimeServiceClient<Channel>, requests: Requests) {
        let ended = self.read(client, requests).await;
        let waiting = std::mem::take(&mut *lock(&self.waiting));
        let error = ended.err();
        for (_, answer) in waiting {
            let error = error.clone().unwrap_or_else(|| Error::over("the session"));
            // Whoever gave up waiting need not know.
            let _ = answer.send(Err(error));
        }
        if let Some(error) = error {
            let _ = self.into.send(Err(error)).await;
        }
    }

    async fn read(
        &self,
        mut client: RealtimeServiceClient<Channel>,
        requests: Requests,
    ) -> Result<(), Error> {
        let mut frames = client.session(requests).await?.into_inner();
        let mut has_begun = false;
        while let Some(message) = frames.message().await? {
            let told = match message.frame {
                Some(Came::Reply(reply)) => self.answer(reply, &mut has_begun)?,
                other => told(other),
            };
            if let Some(told) = told {
                // The frames are there as long as this task is.
                let _ = self.into.send(Ok(told)).await;
            }
        }
        Ok(())
    }

    /// Gives an answer to who asked. The first `ready` is the stream's too.
    fn answer(&self, reply: proto::Reply, has_begun: &mut bool) -> Result<Option<Told>, Error> {
        let first = lock(&self.waiting).pop_front();
        let Some((_, answer)) = first.filter(|(id, _)| *id == reply.id) else {
            let told = format!("it answers request {}, whose turn it was not", reply.id);
            return Err(Error::unreadable(&told));
        };
        let ready = match &reply.result {
            Some(Answer::Ready(ready)) if !*has_begun => Some(Told::Ready(ready.clone())),
            _ => None,
        };
        *has_begun |= ready.is_some();
        let nothing = || Error::unreadable(&"an answer of a later version");
        // Whoever gave up waiting need not know.
        let _ = answer.send(reply.result.ok_or_else(nothing));
        Ok(ready)
    }
}

fn told(frame: Option<Came>) -> Option<Told> {
    Some(match frame? {
        Came::Event(event) => Told::Event(event),
        Came::Gap(gap) => Told::Gap(gap),
        Came::Presence(change) => Told::Presence(change),
        Came::Heartbeat(heartbeat) => Told::Heartbeat(heartbeat),
        Came::Closing(closing) => Told::Closing(closing),
        Came::Members(part) => Told::Members(part),
        Came::Reply(_) => return None,
    })
}
