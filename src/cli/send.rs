//! `fanfare send`: one event to a channel, or one for each line of stdin.

use prost_reflect::DynamicMessage;
use serde_json::{Map, json};

use super::call::{Deadline, Target};
use super::output::Output;
use super::payload::{Event, identified};
use super::send_lines::{Form, send_lines};
use super::{Failure, json, render};

/// The arguments of `send`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Channel to send to.
    #[arg(required_unless_present = "stdin")]
    channel: Option<String>,
    /// Name of the event; may be empty.
    #[arg(required_unless_present = "stdin")]
    event: Option<String>,
    #[command(flatten)]
    content: Event,
    /// Send an event for each line of stdin: a whole request, or its payload
    /// alone. The arguments stand for what a line leaves out; of --request-id
    /// each line gets its own, ID-1, ID-2 and so on.
    #[arg(
        long,
        value_name = "FORM",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "request",
        conflicts_with_all = ["payload", "text", "binary", "any"]
    )]
    stdin: Option<Form>,
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    deadline: Deadline,
}

impl Args {
    /// Sends, and prints the response, or of many the counts.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let rest = Map::from_iter([
            ("channel".to_owned(), json!(self.channel)),
            ("event".to_owned(), json!(self.event)),
        ]);
        let request = self.content.request("Send", rest).await?;
        match self.stdin {
            Some(form) => send_lines(form, request, &self.target, self.deadline).await,
            None => send_one(identified(request), &self.target, self.deadline).await,
        }
    }
}

async fn send_one(
    request: DynamicMessage,
    target: &Target,
    deadline: Deadline,
) -> Result<(), Failure> {
    let client = target.connect(deadline).await?;
    let answer = client.unary(&json::method("Send"), &request).await?;
    Output::stdout().line(render::line(&answer)?).await
}
