//! `fanfare send`: one event to a channel.

use serde_json::{Map, json};

use super::call::{Deadline, Target};
use super::output::Output;
use super::payload::Event;
use super::{Failure, json, render};

/// The arguments of `send`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Channel to send to.
    channel: String,
    /// Name of the event; may be empty.
    event: String,
    #[command(flatten)]
    content: Event,
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    deadline: Deadline,
}

impl Args {
    /// Sends, and prints the response.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let rest = Map::from_iter([
            ("channel".to_owned(), json!(self.channel)),
            ("event".to_owned(), json!(self.event)),
        ]);
        let request = self.content.request("Send", rest).await?;
        let mut client = self.target.connect().await?;
        let method = json::method("Send");
        let answer = client.unary(&method, request, self.deadline).await?;
        Output::stdout().line(render::line(&answer)?).await
    }
}
