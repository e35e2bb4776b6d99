//! `fanfare subscribe`: listen, and print each frame as it comes.

use std::time::{Duration, SystemTime};

use clap::ValueEnum;
use prost_reflect::DynamicMessage;
use prost_reflect::prost_types::Timestamp;
use serde_json::{Value, json};
use tokio::signal;

use super::call::Target;
use super::follow::{follow, print};
use super::position::{Position, to_json};
use super::{Failure, exact, json};

/// The arguments of `subscribe`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    wish: Wish,
    /// Come back by itself after a cut, and resume where it was; what fails
    /// before the first `ready`, or can only fail again, still ends it.
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    target: Target,
}

/// What is asked of the node.
#[derive(Debug, clap::Args)]
pub(crate) struct Wish {
    /// Channels to be a member of, or patterns of channels to listen to;
    /// without any, only broadcasts come.
    #[arg(value_name = "CHANNEL")]
    channels: Vec<String>,
    #[command(flatten)]
    choice: Choice,
    /// Get no broadcasts.
    #[arg(long)]
    no_broadcasts: bool,
    #[command(flatten)]
    start: Start,
    /// Profile that other members see: a JSON object.
    #[arg(long, value_name = "JSON")]
    data: Option<String>,
    /// Come back as the same member: the token of an earlier `ready`.
    #[arg(long, value_name = "TOKEN")]
    member_token: Option<String>,
    /// Ask for a heartbeat at least this often, 1s to 5m; without it, as often
    /// as the node is set to (25s by default).
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    heartbeat: Option<Duration>,
}

/// What to receive of each channel.
#[derive(Debug, clap::Args)]
struct Choice {
    /// Let only events of this name through, broadcasts too; may be repeated.
    #[arg(long = "event", value_name = "NAME")]
    events: Vec<String>,
    /// Listen without becoming a member.
    #[arg(long)]
    observe: bool,
    /// Get events back that carry this stream's own member id.
    #[arg(long)]
    echo: bool,
    /// See who is there, and who comes, leaves or changes; not for a pattern.
    #[arg(long)]
    presence: bool,
    /// On falling behind, be told of the gap and go on, or end.
    #[arg(long, value_name = "POLICY")]
    overflow: Option<Overflow>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Overflow {
    Gap,
    End,
}

/// Where to start, if not with what comes from now on.
#[derive(Debug, clap::Args)]
#[group(multiple = false)]
struct Start {
    /// Start with what is kept after this position.
    #[arg(long, value_name = "EPOCH:SEQUENCE")]
    resume: Option<Position>,
    /// Start with what is kept since a time, 2026-01-02T03:04:05Z, or for so
    /// long, 5m, by this machine's clock.
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Timestamp>,
    /// Start with the newest so many events kept of each channel.
    #[arg(long, value_name = "NUMBER")]
    last: Option<u32>,
}

impl Args {
    /// Prints frames until Ctrl-C, which is a good end, or until the stream
    /// ends and is not to be followed, which is not.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let request = self.wish.request()?;
        let printing = async {
            if self.follow {
                follow(&self.target, &request).await
            } else {
                print(&self.target, &request).await
            }
        };
        tokio::select! {
            ended = printing => ended,
            interrupted = signal::ctrl_c() => interrupted
                .map_err(|error| Failure::failed(format!("cannot wait for Ctrl-C: {error}"))),
        }
    }
}

impl Wish {
    /// The same without being a member of any channel.
    pub(crate) fn observing(mut self) -> Self {
        self.choice.observe = true;
        self
    }

    /// As the request of the service.
    pub(crate) fn request(&self) -> Result<DynamicMessage, Failure> {
        let channels = self.channels.iter();
        let subscriptions: Vec<_> = channels.map(|name| self.choice.of(name)).collect();
        let data = self.data.as_deref();
        let data = data.map(|text| exact::object("data", text)).transpose();
        let mut request = json!({
            "subscriptions": subscriptions,
            "data": data.map_err(Failure::Usage)?,
            "heartbeatInterval": self.heartbeat.map(seconds),
            "broadcasts": self.broadcasts(),
            "memberToken": self.member_token,
        });
        if let Some((field, start)) = self.start.field() {
            request[field] = start;
        }
        json::read(json::method("Subscribe").input(), request)
    }

    fn broadcasts(&self) -> Value {
        let Choice { events, echo, .. } = &self.choice;
        if self.no_broadcasts {
            json!({"disabled": true})
        } else if *echo || !events.is_empty() {
            json!({"events": events, "echo": echo})
        } else {
            Value::Null
        }
    }
}

impl Choice {
    /// The subscription to one channel or pattern.
    fn of(&self, channel: &str) -> Value {
        json!({
            "channel": channel,
            "events": self.events,
            "observe": self.observe,
            "echo": self.echo,
            "presence": self.presence,
            "overflow": self.overflow.map(|policy| match policy {
                Overflow::Gap => "OVERFLOW_POLICY_GAP",
                Overflow::End => "OVERFLOW_POLICY_END",
            }),
        })
    }
}

impl Start {
    /// The field of the request that says so, with its value.
    fn field(&self) -> Option<(&'static str, Value)> {
        let resume = self.resume.as_ref();
        let resume = resume.map(|position| ("resume", to_json(position)));
        let since = self.since.map(|time| ("since", json!(time.to_string())));
        let last = self.last.map(|count| ("last", json!(count)));
        resume.or(since).or(last)
    }
}

/// Reads a time, or a duration until now.
fn since(text: &str) -> Result<Timestamp, String> {
    if let Ok(ago) = humantime::parse_duration(text) {
        let time = SystemTime::now().checked_sub(ago);
        let time = time.map(Timestamp::from).filter(|time| time.seconds >= 0);
        return time.ok_or_else(|| "it is before 1970".to_owned());
    }
    text.parse()
        .map_err(|_| "it is a time, as 2026-01-02T03:04:05Z, or a duration, as 5m".to_owned())
}

/// A duration as proto3's JSON has it.
fn seconds(time: Duration) -> String {
    format!("{}.{:09}s", time.as_secs(), time.subsec_nanos())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::render;
    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn parse(arguments: &[&str]) -> Result<Line, clap::Error> {
        Line::try_parse_from([&["x"], arguments].concat())
    }

    fn request(arguments: &[&str]) -> Result<String, Failure> {
        render::line(&parse(arguments).unwrap().args.wish.request()?)
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
    fn presence_and_overflow_hold_for_every_channel() {
        assert_eq!(
            request(&["a", "b", "--presence", "--overflow", "end"]).unwrap(),
            r#"{"subscriptions":[{"channel":"a","presence":true,"overflow":"OVERFLOW_POLICY_END"},"#
                .to_owned()
                + r#"{"channel":"b","presence":true,"overflow":"OVERFLOW_POLICY_END"}]}"#
        );
        let gap = request(&["a", "--overflow", "gap"]).unwrap();
        assert!(gap.contains("OVERFLOW_POLICY_GAP"), "{gap}");
        assert!(parse(&["a", "--overflow", "drop"]).is_err());
    }

    #[test]
    fn profile_and_heartbeat_are_asked_for() {
        assert_eq!(
            request(&["--data", r#"{"name": "Ada"}"#, "--heartbeat", "1500ms"]).unwrap(),
            r#"{"data":{"name":"Ada"},"heartbeatInterval":"1.500s"}"#
        );
    }

    #[test]
    fn a_start_is_one_of_three() {
        for (arguments, start) in [
            (
                ["--resume", "a:b:7"],
                r#""resume":{"epoch":"a:b","sequence":"7"}"#,
            ),
            (
                ["--since", "2026-01-02T03:04:05.5+01:00"],
                r#""since":"2026-01-02T02:04:05.500Z""#,
            ),
            (["--last", "0"], r#""last":0"#),
            (["--last", "10"], r#""last":10"#),
        ] {
            assert_eq!(request(&arguments).unwrap(), format!("{{{start}}}"));
        }
        for two in [
            ["--last", "1", "--since", "5m"],
            ["--resume", "e:1", "--last", "1"],
            ["--resume", "e:1", "--since", "5m"],
        ] {
            let error = parse(&two).err().unwrap().to_string();
            assert!(error.contains("cannot be used with"), "{error}");
        }
    }

    #[test]
    fn since_a_duration_is_so_long_ago() {
        let before = SystemTime::now() - Duration::from_secs(300);
        let time = SystemTime::try_from(since("5m").unwrap()).unwrap();
        let late = time.duration_since(before).unwrap();
        assert!(late < Duration::from_secs(60), "{late:?}");
    }

    #[test]
    fn what_is_no_start_says_what_would_be() {
        for (arguments, reason) in [
            (["--since", "yesterday"], "as 5m"),
            (["--since", "2026-13-02T03:04:05Z"], "as 5m"),
            (["--since", "1000years"], "before 1970"),
            (["--resume", "12"], "EPOCH:SEQUENCE"),
            (["--last", "many"], "--last"),
        ] {
            let error = parse(&arguments).err().unwrap().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn a_member_token_is_given_back() {
        let line = request(&["--member-token", "t"]).unwrap();
        assert_eq!(line, r#"{"memberToken":"t"}"#);
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
