//! `fanfare subscribe`: listen, and print each frame as it comes.

use std::time::Duration;

use prost_reflect::DynamicMessage;
use serde_json::{Value, json};
use tokio::signal;

use super::call::Target;
use super::output::Output;
use super::{Failure, exact, json, render};

/// The arguments of `subscribe`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Channels to be a member of; without any, only broadcasts come.
    #[arg(value_name = "CHANNEL")]
    channels: Vec<String>,
    /// Let only events of this name through, broadcasts too; may be repeated.
    #[arg(long = "event", value_name = "NAME")]
    events: Vec<String>,
    /// Listen without becoming a member.
    #[arg(long)]
    observe: bool,
    /// Get events back that carry this stream's own member id.
    #[arg(long)]
    echo: bool,
    /// Profile that other members see: a JSON object.
    #[arg(long, value_name = "JSON")]
    data: Option<String>,
    /// Ask for a heartbeat at least this often, 1s to 5m; without it, as often
    /// as the node is set to (25s by default).
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    heartbeat: Option<Duration>,
    /// Get no broadcasts.
    #[arg(long)]
    no_broadcasts: bool,
    #[command(flatten)]
    target: Target,
}

impl Args {
    /// Prints frames until Ctrl-C, which is a good end, or until the node ends
    /// the stream, which is not.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let request = self.request()?;
        tokio::select! {
            ended = self.follow(request) => ended,
            interrupted = signal::ctrl_c() => interrupted
                .map_err(|error| Failure::failed(format!("cannot wait for Ctrl-C: {error}"))),
        }
    }

    async fn follow(&self, request: DynamicMessage) -> Result<(), Failure> {
        let mut client = self.target.connect().await?;
        let method = json::method("Subscribe");
        let mut frames = client.streaming(&method, request).await?;
        let mut output = Output::stdout();
        while let Some(frame) = frames.message().await? {
            output.line(render::line(&frame)?).await?;
        }
        Err(Failure::failed("the node ended the stream".to_owned()))
    }

    fn request(&self) -> Result<DynamicMessage, Failure> {
        let subscription = |channel| {
            json!({
                "channel": channel,
                "events": self.events,
                "observe": self.observe,
                "echo": self.echo,
            })
        };
        let subscriptions: Vec<_> = self.channels.iter().map(subscription).collect();
        let request = json!({
            "subscriptions": subscriptions,
            "data": self.data()?,
            "heartbeatInterval": self.heartbeat.map(seconds),
            "broadcasts": self.broadcasts(),
        });
        json::read(json::method("Subscribe").input(), request)
    }

    fn data(&self) -> Result<Option<Value>, Failure> {
        let Some(text) = &self.data else {
            return Ok(None);
        };
        match exact::parse("data", text).map_err(Failure::Usage)? {
            data @ Value::Object(_) => Ok(Some(data)),
            _ => Err(Failure::Usage("data is no JSON object".to_owned())),
        }
    }

    fn broadcasts(&self) -> Value {
        if self.no_broadcasts {
            json!({"disabled": true})
        } else if self.echo || !self.events.is_empty() {
            json!({"events": self.events, "echo": self.echo})
        } else {
            Value::Null
        }
    }
}

/// A duration as proto3's JSON has it.
fn seconds(time: Duration) -> String {
    format!("{}.{:09}s", time.as_secs(), time.subsec_nanos())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn request(arguments: &[&str]) -> Result<String, Failure> {
        let line = Line::try_parse_from([&["x"], arguments].concat()).unwrap();
        render::line(&line.args.request()?)
    }

    #[test]
    fn without_arguments_only_broadcasts_are_asked_for() {
        assert_eq!(request(&[]).unwrap(), "{}");
    }

    #[test]
    fn channels_are_joined_in_the_order_given() {
        assert_eq!(
            request(&["b", "a"]).unwrap(),
            r#"{"subscriptions":[{"channel":"b"},{"channel":"a"}]}"#
        );
    }

    #[test]
    fn filter_and_echo_hold_for_channels_and_broadcasts() {
        assert_eq!(
            request(&["a", "--event", "x", "--event", "y", "--echo", "--observe"]).unwrap(),
            r#"{"subscriptions":[{"channel":"a","events":["x","y"],"echo":true,"observe":true}],"#
                .to_owned()
                + r#""broadcasts":{"events":["x","y"],"echo":true}}"#
        );
        assert_eq!(
            request(&["--event", "x", "--no-broadcasts"]).unwrap(),
            r#"{"broadcasts":{"disabled":true}}"#
        );
    }

    #[test]
    fn profile_and_heartbeat_are_asked_for() {
        assert_eq!(
            request(&["--data", r#"{"name": "Ada"}"#, "--heartbeat", "1500ms"]).unwrap(),
            r#"{"data":{"name":"Ada"},"heartbeatInterval":"1.500s"}"#
        );
    }

    #[test]
    fn a_profile_is_an_object_of_exact_numbers() {
        for (data, reason) in [
            ("[]", "data is no JSON object"),
            ("x", "data is not JSON: "),
            (
                r#"{"id": 9007199254740993}"#,
                "data.id is 9007199254740993; ",
            ),
        ] {
            match request(&["--data", data]) {
                Err(Failure::Usage(text)) => assert!(text.starts_with(reason), "{text}"),
                other => panic!("{other:?}"),
            }
        }
    }
}
