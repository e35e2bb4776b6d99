//! `fanfare broadcast`: one event to every connected subscriber.

use serde_json::{Map, json};

use super::call::{Deadline, Target};
use super::output::Output;
use super::payload::{Event, identified};
use super::{Failure, json, render};

/// The arguments of `broadcast`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
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
    /// Broadcasts, and prints the response.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let rest = Map::from_iter([("event".to_owned(), json!(self.event))]);
        let request = identified(self.content.request("Broadcast", rest).await?);
        let client = self.target.connect(self.deadline).await?;
        let method = json::method("Broadcast");
        let answer = client.unary(&method, &request).await?;
        Output::stdout().line(render::line(&answer)?).await
    }
}
