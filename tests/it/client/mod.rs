//! The library's own client: `fanfare::Client`, against a node.

mod calling;
mod conversing;
mod repeating;
mod resuming;
mod slow;

use fanfare::Client;
use fanfare::client::{Error, Event, Frame, NoEvent, Notice, Subscription};
use tokio::time::timeout;
use tokio_stream::{Stream, StreamExt};

use crate::support::{Node, PATIENCE};

async fn client(node: &Node) -> Client {
    Client::connect(&node.address).await.unwrap()
}

/// The next frame, or the error that ends the stream.
async fn frame(
    stream: &mut (impl Stream<Item = Result<Frame, Error>> + Unpin),
) -> Result<Frame, Error> {
    let next = timeout(PATIENCE, stream.next()).await;
    next.expect("a frame in time")
        .expect("an error before the end")
}

/// The next event, or what is in its place.
async fn event(stream: &mut Subscription) -> Result<Event, NoEvent> {
    let next = timeout(PATIENCE, stream.next_event()).await;
    next.expect("an event in time")
}

/// The texts of the next events.
async fn texts(stream: &mut Subscription, count: usize) -> Vec<String> {
    let mut texts = Vec::new();
    while texts.len() < count {
        let event = event(stream).await.expect("no gap");
        texts.push(event.text().unwrap().to_owned());
    }
    texts
}

/// The next notice but heartbeats, past all else.
async fn notice(stream: &mut Subscription) -> Notice {
    loop {
        match frame(stream).await.unwrap() {
            Frame::Event(_)
            | Frame::Gap(_)
            | Frame::Presence(_)
            | Frame::Notice(Notice::Heartbeat(_)) => {}
            Frame::Notice(notice) => return notice,
        }
    }
}
