//! `send --stdin`: an event for each line, over one session.
//!
//! A line that fails is told with its number and stops none of the others; the
//! end prints the counts, and fails if any line did. After a cut it also says
//! of which lines it is not known what became of them.

use clap::ValueEnum;
use prost_reflect::{DynamicMessage, Value as Dynamic};
use serde_json::{Value, json};

use super::call::{Deadline, Target};
use super::exchange::{Exchange, Step, interrupted_twice};
use super::lines::Line;
use super::output::Output;
use super::progress::Progress;
use super::{Failure, exact, fields, json, payload};

/// What a line of input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// A whole request: {"channel": …, "event": …, "payload": {"json": …}}.
    Request,
    /// The payload, as JSON.
    Json,
    /// The payload, as text.
    Text,
}

/// Sends an event for every line of stdin. What a line leaves out is taken from
/// `given`; a request id is continued with the number of the line.
pub(crate) async fn send_lines(
    form: Form,
    given: DynamicMessage,
    target: &Target,
    deadline: Deadline,
) -> Result<(), Failure> {
    let maker = Maker::new(form, given)?;
    let mut exchange = Exchange::open(target, deadline).await?;
    let mut progress = Progress::start();
    let sent = tokio::select! {
        sent = send_all(&maker, &mut exchange, &mut progress) => sent,
        () = interrupted_twice() => Err(Failure::failed("interrupted twice".to_owned())),
    };
    let counts = progress.end(exchange.unanswered().len());
    Output::stdout().line(counts.line()?).await?;
    match sent {
        Ok(()) => counts.verdict(),
        Err(failure) => Err(cut(failure, &exchange)),
    }
}

async fn send_all(
    maker: &Maker,
    exchange: &mut Exchange,
    progress: &mut Progress,
) -> Result<(), Failure> {
    while let Some(step) = exchange.next().await? {
        match step {
            Step::Line(line) if line.is_blank() => {}
            Step::Line(Line { number, text }) => {
                let request = maker.request(number, text);
                let asked = request.and_then(|request| exchange.ask(number, request));
                if let Err(reason) = asked {
                    progress.failed(number, &reason).await;
                }
            }
            Step::Frame(frame) => {
                if let Some(reply) = fields::message(&frame, "reply") {
                    take(&reply, progress).await;
                }
            }
            Step::Interrupted => progress.say("interrupted: no further line is read").await,
        }
    }
    Ok(())
}

/// Counts what became of a line.
async fn take(reply: &DynamicMessage, progress: &mut Progress) {
    if let Some(sent) = fields::message(reply, "send") {
        if fields::is_set(&sent, "duplicate") {
            progress.repeated();
        } else {
            progress.sent(fields::count(&sent, "recipients"));
        }
        return;
    }
    let reason = match fields::message(reply, "error") {
        Some(error) => Failure::told_by(&error).remark(),
        None => "the answer is of a kind not known here".to_owned(),
    };
    progress.failed(fields::number(reply, "id"), &reason).await;
}

/// How far it came before it failed so.
fn cut(failure: Failure, exchange: &Exchange) -> Failure {
    let unanswered = exchange.unanswered();
    let reason = failure.reason();
    match (unanswered.front(), unanswered.back(), exchange.last_line()) {
        (Some(first), Some(last), _) => Failure::Failed {
            text: format!(
                "{reason}; all before line {first} is answered, \
                 what became of it and the others up to line {last} is not known"
            ),
            hint: Some(format!(
                "go on from line {first}; what carries a request id, its own or by \
                 --request-id, may be repeated: nothing is sent twice"
            )),
        },
        (_, _, last_line @ 1..) => Failure::Failed {
            text: format!(
                "{reason}; all up to line {last_line} is answered, and nothing after it was sent"
            ),
            hint: Some(format!("go on after line {last_line}")),
        },
        _ => failure,
    }
}

/// Makes requests of lines.
struct Maker {
    form: Form,
    given: DynamicMessage,
}

impl Maker {
    /// Refuses arguments that leave every line without a channel.
    fn new(form: Form, given: DynamicMessage) -> Result<Self, Failure> {
        if form != Form::Request && fields::text(&given, "channel").is_empty() {
            let text = "--stdin=json and --stdin=text need a CHANNEL: a line is a payload only";
            return Err(Failure::Usage(text.to_owned()));
        }
        Ok(Self { form, given })
    }

    /// The request within the session that a line stands for, or what is wrong
    /// with it.
    fn request(&self, number: u64, text: Result<String, String>) -> Result<DynamicMessage, String> {
        let mut send = self.send(&text?)?;
        for (field, value) in self.given.fields() {
            if send.has_field(&field) {
                continue;
            }
            let value = match (field.name(), value) {
                ("request_id", Dynamic::String(id)) => Dynamic::String(format!("{id}-{number}")),
                (_, value) => value.clone(),
            };
            send.set_field(&field, value);
        }
        let mut request = DynamicMessage::new(json::method("Session").input());
        request.set_field_by_name("send", Dynamic::Message(send));
        Ok(request)
    }

    fn send(&self, text: &str) -> Result<DynamicMessage, String> {
        match self.form {
            Form::Request => {
                let request = exact::object("request", text).and_then(request);
                request.map_err(|reason| self.advised(reason))
            }
            Form::Json => with_payload(json!({}), json!({"json": exact::parse("payload", text)?})),
            Form::Text => with_payload(json!({}), json!({"text": text})),
        }
    }

    /// The reason, and what may have been meant instead.
    fn advised(&self, reason: String) -> String {
        if fields::text(&self.given, "channel").is_empty() {
            return reason;
        }
        format!("{reason}; --stdin=json and --stdin=text take lines that are payloads")
    }
}

/// A whole request.
fn request(mut request: Value) -> Result<DynamicMessage, String> {
    // By itself, for what only a payload may be: an `Any` of an unknown type.
    let payload = request.as_object_mut().and_then(|it| it.remove("payload"));
    with_payload(request, payload.unwrap_or_default())
}

fn with_payload(rest: Value, kind: Value) -> Result<DynamicMessage, String> {
    let told = |failure: Failure| failure.remark();
    let mut send = json::read(json::method("Send").input(), rest).map_err(told)?;
    if !kind.is_null() {
        let payload = payload::message(kind).map_err(|failure| {
            let reason = failure.remark();
            format!(r#"{reason}; it has one of "json", "text", "binary" and "any""#)
        })?;
        send.set_field_by_name("payload", Dynamic::Message(payload));
    }
    Ok(send)
}

#[cfg(test)]
mod tests {
    use super::super::render;
    use super::*;

    /// The line as the session's request, given these arguments.
    fn made(form: Form, given: &Value, line: &str) -> Result<String, String> {
        let given = json::read(json::method("Send").input(), given.clone()).unwrap();
        let maker = Maker::new(form, given).map_err(|failure| failure.remark())?;
        let request = maker.request(7, Ok(line.to_owned()))?;
        Ok(render::line(&request).unwrap())
    }

    #[test]
    fn a_line_is_a_request_or_a_payload() {
        let given = json!({"channel": "c", "event": "e"});
        for (form, line, made_of_it) in [
            (
                Form::Request,
                r#"{"payload": {"json": [1]}}"#,
                r#"{"json":[1]}"#,
            ),
            (
                Form::Request,
                r#"{"payload": {"binary": "_w"}}"#,
                r#"{"binary":"/w=="}"#,
            ),
            (
                Form::Request,
                r#"{"payload": {"any": {"@type": "x/no.Such", "value": "AQ=="}}}"#,
                r#"{"any":{"@type":"x/no.Such","value":"AQ=="}}"#,
            ),
            (Form::Json, "-1.5", r#"{"json":-1.5}"#),
            (Form::Json, "null", r#"{"json":null}"#),
            (
                Form::Json,
                r#"{"channel": "x"}"#,
                r#"{"json":{"channel":"x"}}"#,
            ),
            (Form::Text, r#" {"a": "#, r#"{"text":" {\"a\": "}"#),
        ] {
            assert_eq!(
                made(form, &given, line).unwrap(),
                format!(r#"{{"send":{{"channel":"c","event":"e","payload":{made_of_it}}}}}"#)
            );
        }
    }

    #[test]
    fn a_line_goes_before_the_arguments() {
        let given = json!({
            "channel": "c", "event": "e", "requestId": "r", "senderId": "s", "headers": {"a": "b"},
        });
        for (line, made_of_it) in [
            (
                "{}",
                r#""channel":"c","event":"e","requestId":"r-7","senderId":"s","headers":{"a":"b"}"#,
            ),
            (
                r#"{"channel": "", "request_id": "q", "payload": null}"#,
                r#""channel":"c","event":"e","requestId":"q","senderId":"s","headers":{"a":"b"}"#,
            ),
            (
                r#"{"channel":"d","event":"f","requestId":"q","senderId":"t","headers":{"x":"y"}}"#,
                r#""channel":"d","event":"f","requestId":"q","senderId":"t","headers":{"x":"y"}"#,
            ),
        ] {
            let made = made(Form::Request, &given, line).unwrap();
            assert_eq!(made, format!(r#"{{"send":{{{made_of_it}}}}}"#));
        }
    }

    #[test]
    fn what_makes_no_event_says_why() {
        let advice = "; --stdin=json and --stdin=text take lines that are payloads";
        for (given, form, line, reason) in [
            (json!({}), Form::Request, "x", "request is not JSON: "),
            (json!({}), Form::Request, "[]", "request is no JSON object"),
            (json!({}), Form::Request, r#"{"id": 1}"#, "'id'"),
            (
                json!({"channel": "c"}),
                Form::Request,
                r#"{"id": 1}"#,
                advice,
            ),
            (
                json!({}),
                Form::Request,
                r#"{"payload": {"data": 1}}"#,
                "'data'",
            ),
            (
                json!({}),
                Form::Request,
                r#"{"payload": {"json": {"id": 9007199254740993}}}"#,
                "request.payload.json.id is 9007199254740993; ",
            ),
            (
                json!({"channel": "c"}),
                Form::Json,
                "x",
                "payload is not JSON: ",
            ),
            (json!({}), Form::Json, "1", "need a CHANNEL"),
            (json!({"event": "e"}), Form::Text, "1", "need a CHANNEL"),
        ] {
            let told = made(form, &given, line).unwrap_err();
            assert!(told.contains(reason), "{told}");
        }
        let maker = Maker::new(Form::Request, made_of_nothing()).unwrap();
        let refused = maker.request(1, Err("is too long".to_owned()));
        assert_eq!(refused.unwrap_err(), "is too long");
    }

    fn made_of_nothing() -> DynamicMessage {
        DynamicMessage::new(json::method("Send").input())
    }
}
