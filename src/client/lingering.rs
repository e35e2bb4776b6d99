//! The connection of one stream.
//!
//! Whoever cancels a stream leaves at once, while one whose connection breaks
//! may keep its place for the node's grace. h2 hangs up as soon as nobody
//! refers to a connection, with the word that a stream was cancelled still
//! unsaid: so a connection outlives its stream by a moment.

use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::sleep;
use tonic::transport::Channel;

/// Long enough for the task of the connection to have its turn, and to write.
const MOMENT: Duration = Duration::from_secs(1);

/// Lives a moment longer than it is held.
#[derive(Debug)]
pub(super) struct Lingering(Channel);

impl Lingering {
    pub(super) fn new(channel: &Channel) -> Self {
        Self(channel.clone())
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        // Where the runtime is gone, so is the connection.
        if let Ok(runtime) = Handle::try_current() {
            let channel = self.0.clone();
            runtime.spawn(async move {
                sleep(MOMENT).await;
                drop(channel);
            });
        }
    }
}
