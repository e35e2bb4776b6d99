//! A bridge: what is sent to a channel of one node, sent on another too.
//!
//! Each copy has a `request_id` made of the position of its original, and the
//! bridge keeps its own position only after the copy is sent. So it may be cut
//! off or die at any point: it comes back, repeats at most its last step, and
//! the target knows the repeat. What the source lost it tells as an event.
//!
//! One way only: two bridges facing each other would send in circles.
//!
//! `cargo run --example bridge`

#[path = "../common/mod.rs"]
mod common;
mod copying;

use std::io::Write;

use fanfare::rpc::client::{Payload, SendRequest, subscribe_response::Frame};

use common::{Client, Follower, Node, Result, connect, listen_to};
pub(crate) use copying::Bridge;

pub(crate) async fn send(client: &mut Client, text: &str) -> Result<()> {
    let request = SendRequest {
        channel: "news".to_owned(),
        payload: Some(Payload::text(text)),
        ..SendRequest::default()
    };
    client.send(request).await?;
    Ok(())
}

/// Waits for the next copy, and says what it is.
pub(crate) async fn next(copies: &mut Follower) -> Result<String> {
    loop {
        if let Frame::Event(event) = copies.next().await? {
            let payload = event.payload.unwrap_or_default();
            let text = payload.as_text().map(ToOwned::to_owned);
            return Ok(text.unwrap_or(event.name));
        }
    }
}

pub(crate) async fn run(out: &mut impl Write) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let kept = folder.path().join("position");
    let (source, target) = (Node::start().await?, Node::start().await?);
    let open = async || {
        let (source, target) = (connect(&source.address)?, connect(&target.address)?);
        Bridge::open(source, target, "news", &kept).await
    };
    let mut publisher = connect(&source.address)?;
    let mut copies = Follower::new(connect(&target.address)?, listen_to("news"));
    copies.next().await?; // `ready`

    let bridge = tokio::spawn(open().await?.run());
    send(&mut publisher, "one").await?;
    writeln!(out, "copied: {}", next(&mut copies).await?)?;

    bridge.abort();
    send(&mut publisher, "two, while there was no bridge").await?;
    let bridge = tokio::spawn(open().await?.run());
    writeln!(out, "copied: {}", next(&mut copies).await?)?;

    let address = source.crash().await;
    let _source = Node::start_at(&address).await?;
    writeln!(out, "copied: {}", next(&mut copies).await?)?;
    let mut publisher = connect(&address)?;
    send(&mut publisher, "three, from the source's next life").await?;
    writeln!(out, "copied: {}", next(&mut copies).await?)?;
    bridge.abort();
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    run(&mut std::io::stdout()).await
}
