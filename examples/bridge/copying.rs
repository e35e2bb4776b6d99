//! The bridge itself: read, send, and only then keep the position.

use std::convert::Infallible;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fanfare::rpc::client::{
    Event, Gap, Payload, Position, SendRequest, subscribe_request::Start, subscribe_response::Frame,
};
use serde_json::json;
use tonic::Code;

use super::common::{Client, Follower, Result, listen_to};

/// How long it waits before it tries the target again.
const RETRY: Duration = Duration::from_millis(200);

pub(crate) struct Bridge {
    source: Follower,
    target: Client,
    channel: String,
    /// The file that holds its position.
    kept: PathBuf,
}

impl Bridge {
    /// Goes on from the position in `kept`, or begins now if there is none.
    /// Whatever is sent after this has returned will be copied.
    pub(crate) async fn open(
        source: Client,
        target: Client,
        channel: &str,
        kept: &Path,
    ) -> Result<Self> {
        let mut request = listen_to(channel);
        request.start = read_position(kept)?.map(Start::Resume);
        let mut source = Follower::new(source, request);
        source.next().await?; // `ready`, with a position
        let bridge = Self {
            source,
            target,
            channel: channel.to_owned(),
            kept: kept.to_owned(),
        };
        bridge.keep()?;
        Ok(bridge)
    }

    /// Copies until the source refuses to be read.
    pub(crate) async fn run(mut self) -> Result<Infallible> {
        loop {
            match self.source.next().await? {
                Frame::Event(event) => self.send(self.copy(event)).await,
                Frame::Gap(gap) => self.send(self.tell(&gap)).await,
                _ => {}
            }
            self.keep()?;
        }
    }

    fn copy(&self, event: Event) -> SendRequest {
        SendRequest {
            channel: event.channel,
            event: event.name,
            payload: event.payload,
            headers: event.headers,
            sender_id: event.sender_id,
            request_id: format!("{}:{}", self.epoch(), event.sequence),
        }
    }

    /// A loss, too, is news: who reads the copies must not take them for all.
    fn tell(&self, gap: &Gap) -> SendRequest {
        let (after, through) = (gap.after, gap.through);
        SendRequest {
            channel: self.channel.clone(),
            event: "bridge-gap".to_owned(),
            payload: Some(Payload::json(json!({ "after": after, "through": through }))),
            request_id: format!("{}:gap:{after}-{through}", gap.epoch),
            ..SendRequest::default()
        }
    }

    /// Sends until the target has it; what it refuses is left out, with a word.
    async fn send(&mut self, request: SendRequest) {
        while let Err(status) = self.target.send(request.clone()).await {
            eprintln!("{}: {status}", request.request_id);
            if [Code::InvalidArgument, Code::AlreadyExists].contains(&status.code()) {
                return;
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    fn epoch(&self) -> &str {
        let position = self.source.position();
        position.map_or("", |position| position.epoch.as_str())
    }

    /// In one step, so that a crash leaves the old position or the new one.
    fn keep(&self) -> Result<()> {
        if let Some(Position { epoch, sequence }) = self.source.position() {
            let new = self.kept.with_extension("new");
            fs::write(&new, format!("{epoch}:{sequence}"))?;
            fs::rename(new, &self.kept)?;
        }
        Ok(())
    }
}

fn read_position(kept: &Path) -> Result<Option<Position>> {
    if !kept.exists() {
        return Ok(None);
    }
    let text = fs::read_to_string(kept)?;
    let (epoch, sequence) = text.split_once(':').ok_or("not EPOCH:SEQUENCE")?;
    let (epoch, sequence) = (epoch.to_owned(), sequence.parse()?);
    Ok(Some(Position { epoch, sequence }))
}
