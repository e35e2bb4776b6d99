//! The commands of `fanfare session`, a line each.
//!
//! Words may be quoted as in a shell. What comes after the words that a command
//! has is JSON as it stands, so that nothing in it needs a quote.

use clap::Parser;
use prost_reflect::{DynamicMessage, Value as Dynamic};
use serde_json::{Value, json};

use super::subscribe::Wish;
use super::{Failure, exact, json};

/// What a line stands for.
#[derive(Debug)]
pub(crate) enum Command {
    /// Ask the node for this: a `SessionRequest`.
    Ask(DynamicMessage),
    /// Tell the user this.
    Tell(String),
    /// Read no further line.
    Quit,
}

/// Commands of a session; a line that begins with { is a request as JSON:
/// {"send": {"channel": "c", "event": "e", "payload": {"text": "hi"}}}.
#[derive(Debug, Parser)]
#[command(
    no_binary_name = true,
    override_usage = "COMMAND [ARGUMENT]...",
    subcommand_value_name = "COMMAND",
    subcommand_help_heading = "Commands"
)]
enum Words {
    /// Join channels, or listen to patterns.
    Subscribe(Wish),
    /// Listen to channels without being a member.
    Observe(Wish),
    /// Leave channels and patterns.
    Unsubscribe {
        /// Channels and patterns, as they were subscribed.
        #[arg(value_name = "CHANNEL", required = true)]
        channels: Vec<String>,
    },
    /// Send an event to a channel.
    Send {
        /// Channel to send to.
        channel: String,
        /// Name of the event; "" if it has none.
        event: String,
        /// JSON to send: the rest of the line.
        #[arg(allow_hyphen_values = true)]
        payload: Option<String>,
    },
    /// Send an event to every connected subscriber.
    Broadcast {
        /// Name of the event; "" if it has none.
        event: String,
        /// JSON to send: the rest of the line.
        #[arg(allow_hyphen_values = true)]
        payload: Option<String>,
    },
    /// Replace the own profile.
    Update {
        /// The new profile: a JSON object, the rest of the line.
        data: String,
    },
    /// Change keys of the own profile; null removes one.
    Merge {
        /// The changes: a JSON object, the rest of the line.
        data: String,
    },
    /// End the session.
    #[command(visible_alias = "exit")]
    Quit,
}

/// Reads a line; what is wrong with it fits on a line too.
pub(crate) fn read(line: &str) -> Result<Command, String> {
    let line = line.trim();
    if line.starts_with('{') {
        return asking(exact::object("request", line)?);
    }
    match Words::try_parse_from(words(line)?) {
        Ok(words) => words.command(),
        Err(answer) if answer.exit_code() == 0 => {
            Ok(Command::Tell(answer.to_string().trim_end().to_owned()))
        }
        Err(error) => Err(in_one_line(&error)),
    }
}

impl Words {
    fn command(self) -> Result<Command, String> {
        match self {
            Self::Subscribe(wish) => subscribing(&wish),
            Self::Observe(wish) => subscribing(&wish.observing()),
            Self::Unsubscribe { channels } => {
                asking(json!({"unsubscribe": {"channels": channels}}))
            }
            Self::Send {
                channel,
                event,
                payload,
            } => asking(json!({"send": {
                "channel": channel,
                "event": event,
                "payload": of_json(payload)?,
            }})),
            Self::Broadcast { event, payload } => asking(json!({"broadcast": {
                "event": event,
                "payload": of_json(payload)?,
            }})),
            Self::Update { data } => updating(&data, json!({})),
            Self::Merge { data } => updating(&data, json!({"merge": true})),
            Self::Quit => Ok(Command::Quit),
        }
    }
}

fn subscribing(wish: &Wish) -> Result<Command, String> {
    let wish = wish.request().map_err(|failure| failure.remark())?;
    let mut request = DynamicMessage::new(json::method("Session").input());
    request.set_field_by_name("subscribe", Dynamic::Message(wish));
    Ok(Command::Ask(request))
}

fn updating(data: &str, mut update: Value) -> Result<Command, String> {
    update["data"] = exact::object("data", data)?;
    asking(json!({"update": update}))
}

fn asking(request: Value) -> Result<Command, String> {
    let request = json::read(json::method("Session").input(), request);
    request
        .map(Command::Ask)
        .map_err(|failure: Failure| failure.remark())
}

/// A payload of the JSON that the line ends with; null: it has none.
fn of_json(text: Option<String>) -> Result<Value, String> {
    let Some(text) = text else {
        return Ok(Value::Null);
    };
    let value = exact::parse("payload", &text);
    value.map(|value| json!({"json": value}))
}

/// The words of a line, and as the last one what comes after those that its
/// command has.
fn words(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut most = usize::MAX;
    let mut rest = line;
    while !rest.is_empty() && words.len() < most {
        let (word, after) = word(rest)?;
        rest = after.trim_start();
        if words.is_empty() {
            most = before_json(&word);
        }
        words.push(word);
    }
    if !rest.is_empty() {
        words.push(rest.to_owned());
    }
    Ok(words)
}

/// How many words a command has before its JSON, itself among them.
fn before_json(command: &str) -> usize {
    match command {
        "send" => 3,
        "broadcast" => 2,
        "update" | "merge" => 1,
        _ => usize::MAX,
    }
}

/// The first word of `text`, without its quotes, and what comes after it.
fn word(text: &str) -> Result<(String, &str), String> {
    let mut word = String::new();
    let mut quote = None;
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match (letter, quote) {
            (letter, None) if letter.is_whitespace() => return Ok((word, &text[at..])),
            ('\'' | '"', None) => quote = Some(letter),
            (letter, Some(open)) if letter == open => quote = None,
            ('\\', None | Some('"')) => word.extend(letters.next().map(|(_, letter)| letter)),
            (letter, _) => word.push(letter),
        }
    }
    match quote {
        None => Ok((word, "")),
        Some(quote) => Err(format!("a {quote} is open at the end of the line")),
    }
}

/// What clap says, without its advice on how it would be called.
fn in_one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let said = text.split("\n\nUsage:").next().unwrap_or_default();
    let said = said.split("\n\nFor more").next().unwrap_or_default();
    let said = said.trim_start_matches("error: ");
    let said = said
        .replace("\n\n  tip:", ";")
        .replace("subcommand", "command");
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::render;
    use super::*;

    fn asked(line: &str) -> String {
        match read(line) {
            Ok(Command::Ask(request)) => render::line(&request).unwrap(),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn each_command_makes_its_request() {
        for (line, request) in [
            (
                "subscribe a b --presence --echo",
                r#"{"subscribe":{"subscriptions":[{"channel":"a","presence":true,"echo":true},{"channel":"b","presence":true,"echo":true}],"broadcasts":{"echo":true}}}"#,
            ),
            (
                r#"subscribe a --data '{"name": "Ada L"}'"#,
                r#"{"subscribe":{"subscriptions":[{"channel":"a"}],"data":{"name":"Ada L"}}}"#,
            ),
            ("subscribe", r#"{"subscribe":{}}"#),
            (
                "observe orders.>",
                r#"{"subscribe":{"subscriptions":[{"channel":"orders.>","observe":true}]}}"#,
            ),
            (
                "unsubscribe a 'b c'",
                r#"{"unsubscribe":{"channels":["a","b c"]}}"#,
            ),
            (
                r#"send a e {"text": "it's  \"so\""} "#,
                r#"{"send":{"channel":"a","event":"e","payload":{"json":{"text":"it's  \"so\""}}}}"#,
            ),
            (
                "send a e -1.5",
                r#"{"send":{"channel":"a","event":"e","payload":{"json":-1.5}}}"#,
            ),
            ("send a e", r#"{"send":{"channel":"a","event":"e"}}"#),
            (
                r#"send "a \"b" '' null"#,
                r#"{"send":{"channel":"a \"b","payload":{"json":null}}}"#,
            ),
            (
                r#"broadcast e ["a b"]"#,
                r#"{"broadcast":{"event":"e","payload":{"json":["a b"]}}}"#,
            ),
            (r#"update {"a": 1}"#, r#"{"update":{"data":{"a":1}}}"#),
            (
                r#"merge {"a": null}"#,
                r#"{"update":{"data":{"a":null},"merge":true}}"#,
            ),
            (
                r#" {"id": 3, "send": {"channel": "a", "payload": {"text": "x"}}}"#,
                r#"{"id":"3","send":{"channel":"a","payload":{"text":"x"}}}"#,
            ),
            ("{}", "{}"),
        ] {
            assert_eq!(asked(line), request, "{line}");
        }
    }

    #[test]
    fn quit_and_exit_end_it() {
        for line in ["quit", " exit "] {
            assert!(matches!(read(line), Ok(Command::Quit)));
        }
    }

    #[test]
    fn help_lists_the_commands_and_tells_of_each() {
        for (line, words) in [
            (
                "help",
                &[
                    "Usage: COMMAND",
                    "subscribe",
                    "merge",
                    "quit",
                    r#"{"send": "#,
                ][..],
            ),
            ("help send", &["Usage: send <CHANNEL> <EVENT> [PAYLOAD]"]),
            ("subscribe --help", &["--presence", "--member-token"]),
        ] {
            match read(line) {
                Ok(Command::Tell(text)) => {
                    for word in words {
                        assert!(text.contains(word), "{word:?} is not in {text}");
                    }
                }
                other => panic!("{line}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_wrong_command_gets_one_line() {
        for (line, words) in [
            (
                "subscribee a",
                "unrecognized command 'subscribee'; some similar commands exist: ",
            ),
            ("send a", "required arguments were not provided: <EVENT>"),
            ("send a e hello", "payload is not JSON: "),
            (
                "send a e {\"id\": 9007199254740993}",
                "payload.id is 9007199254740993; ",
            ),
            ("unsubscribe", "<CHANNEL>"),
            ("subscribe a --last x", "--last <NUMBER>"),
            ("subscribe a --data []", "data is no JSON object"),
            ("subscribe a --last 1 --since 5m", "cannot be used with"),
            ("update []", "data is no JSON object"),
            ("update", "<DATA>"),
            ("quit now", "unexpected argument 'now'"),
            ("send 'a e", "a ' is open at the end of the line"),
            ("{", "request is not JSON: "),
            (r#"{"sent": {}}"#, "this makes no SessionRequest: "),
            (
                r#"{"send": {"channel": 1}}"#,
                "this makes no SessionRequest: ",
            ),
            ("help nothing", "unrecognized command 'nothing'"),
        ] {
            let told = read(line).unwrap_err();
            assert!(told.contains(words), "{told}");
            assert!(!told.contains('\n'), "{told}");
            assert!(!told.contains("Usage"), "{told}");
        }
    }

    #[test]
    fn no_line_is_too_odd() {
        for line in [
            "\\",
            "'",
            "\"\\",
            "\u{a0}x",
            "-- x",
            "-",
            "send -- a",
            "\u{1f600} '\u{1f600}'",
        ] {
            let _ = read(line);
        }
    }
}
