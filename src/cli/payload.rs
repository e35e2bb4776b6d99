//! What is sent: the payload in one of its forms, and what goes with it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use prost_reflect::{DynamicMessage, Value as Dynamic};
use serde_json::{Map, Value, json};
use tokio::io::AsyncReadExt as _;
use uuid::Uuid;

use super::{Failure, exact, fields, json};

/// The arguments that every event has.
#[derive(Debug, clap::Args)]
pub(crate) struct Event {
    /// JSON to send; `-` reads it from stdin. Without any, no payload is sent.
    #[arg(allow_negative_numbers = true, conflicts_with_all = ["text", "binary", "any"])]
    payload: Option<String>,
    /// Send text instead of JSON; `-` reads it from stdin, as it is.
    #[arg(long, value_name = "STRING", conflicts_with_all = ["binary", "any"])]
    text: Option<String>,
    /// Send bytes, given in base64; `-` reads the base64 from stdin.
    #[arg(long, value_name = "BASE64", conflicts_with = "any")]
    binary: Option<String>,
    /// Send a message with its type, {"@type": "type.googleapis.com/…", …};
    /// one of a type not known here has its bytes as base64 in "value".
    #[arg(long, value_name = "JSON")]
    any: Option<String>,
    /// Make a repeat harmless: the same id sends once.
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
    /// Say which member speaks; its own stream does not get the event back.
    #[arg(long, value_name = "MEMBER")]
    sender_id: Option<String>,
    /// Add a header for the subscribers; may be repeated.
    #[arg(long = "header", value_name = "NAME=VALUE", value_parser = name_and_value)]
    headers: Vec<(String, String)>,
}

/// Splits `NAME=VALUE`; the value may hold more of `=`.
pub(crate) fn name_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("it has the form NAME=VALUE".to_owned()),
    }
}

impl Event {
    /// Builds the request of `method`, of which `rest` has the other fields.
    pub(crate) async fn request(
        self,
        method: &str,
        mut rest: Map<String, Value>,
    ) -> Result<DynamicMessage, Failure> {
        let headers: BTreeMap<_, _> = self.headers.iter().cloned().collect();
        if headers.len() < self.headers.len() {
            return Err(Failure::Usage("--header names one header twice".to_owned()));
        }
        rest.insert("headers".to_owned(), json!(headers));
        rest.insert("requestId".to_owned(), json!(self.request_id));
        rest.insert("senderId".to_owned(), json!(self.sender_id));
        let mut request = json::read(json::method(method).input(), Value::Object(rest))?;
        if let Some(payload) = self.payload().await? {
            request.set_field_by_name("payload", Dynamic::Message(payload));
        }
        Ok(request)
    }

    async fn payload(self) -> Result<Option<DynamicMessage>, Failure> {
        let kind = if let Some(text) = self.payload {
            json!({"json": parse(&given(text).await?, "; --text sends plain text")?})
        } else if let Some(text) = self.text {
            json!({"text": given(text).await?})
        } else if let Some(base64) = self.binary {
            json!({"binary": given(base64).await?.trim()})
        } else if let Some(text) = self.any {
            json!({"any": parse(&given(text).await?, "")?})
        } else {
            return Ok(None);
        };
        message(kind).map(Some)
    }
}

/// The request with an id of its own, if it has none: a call may be repeated on
/// its way, by a proxy for instance.
pub(crate) fn identified(mut request: DynamicMessage) -> DynamicMessage {
    if fields::text(&request, "request_id").is_empty() {
        let id = Dynamic::String(Uuid::new_v4().to_string());
        request.set_field_by_name("request_id", id);
    }
    request
}

/// A payload from its JSON, as `{"json": …}`. An `Any` may be of a type that is
/// not known here, written as it is printed.
pub(crate) fn message(kind: Value) -> Result<DynamicMessage, Failure> {
    let is_alone = kind.as_object().is_some_and(|kind| kind.len() == 1);
    if let Some(any) = kind.get("any").filter(|_| is_alone)
        && let Some(payload) = of_unknown_type(any)?
    {
        return Ok(payload);
    }
    let descriptor = json::message("fanfare.v1.Payload").expect("the proto has it");
    json::read(descriptor, kind)
}

fn parse(text: &str, advice: &str) -> Result<Value, Failure> {
    exact::parse("payload", text).map_err(|reason| {
        let is_json = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
        let advice = if is_json { "" } else { advice };
        Failure::Usage(format!("{reason}{advice}"))
    })
}

/// The argument itself, or what stdin holds if it is `-`.
async fn given(argument: String) -> Result<String, Failure> {
    if argument != "-" {
        return Ok(argument);
    }
    let mut text = String::new();
    match tokio::io::stdin().read_to_string(&mut text).await {
        Ok(_) => Ok(text),
        Err(error) => Err(Failure::Usage(format!(
            "cannot read the payload from stdin: {error}"
        ))),
    }
}

/// A payload with an `Any` whose type is not known here, written as it is
/// printed: only `@type` and base64 in `value`. None: the type is known.
fn of_unknown_type(any: &Value) -> Result<Option<DynamicMessage>, Failure> {
    let Some(type_url) = any["@type"].as_str() else {
        return Err(Failure::Usage("an Any needs an \"@type\"".to_owned()));
    };
    let name = type_url.rsplit('/').next().unwrap_or_default();
    if json::message(name).is_some() {
        return Ok(None);
    }
    let only = any.as_object().is_some_and(|any| any.len() == 2);
    let base64 = any["value"].as_str().filter(|_| only);
    let bytes = base64.and_then(|base64| BASE64_STANDARD.decode(base64).ok());
    let bytes = bytes.ok_or_else(|| {
        Failure::Usage(format!(
            "{name} is not known here: give its bytes, {{\"@type\": …, \"value\": BASE64}}"
        ))
    })?;
    let make = |name| json::message(name).map(DynamicMessage::new);
    let (mut payload, mut message) = make("fanfare.v1.Payload")
        .zip(make("google.protobuf.Any"))
        .expect("the proto has both");
    message.set_field_by_name("type_url", Dynamic::String(type_url.to_owned()));
    message.set_field_by_name("value", Dynamic::Bytes(bytes.into()));
    payload.set_field_by_name("any", Dynamic::Message(message));
    Ok(Some(payload))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::render;
    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        event: Event,
    }

    async fn request(arguments: &[&str]) -> Result<String, Failure> {
        let line = Line::try_parse_from([&["x"], arguments].concat()).unwrap();
        let rest = Map::from_iter([("event".to_owned(), json!("e"))]);
        let message = line.event.request("Broadcast", rest).await?;
        render::line(&message)
    }

    async fn refusal(arguments: &[&str]) -> String {
        match request(arguments).await {
            Err(Failure::Usage(text)) => text,
            other => panic!("{other:?} is no usage error"),
        }
    }

    #[tokio::test]
    async fn each_form_makes_its_kind() {
        let unknown = r#"{"@type":"x/no.Such","value":"AQ=="}"#;
        for (arguments, payload) in [
            (&[r#"{"a": [1, null]}"#][..], r#"{"json":{"a":[1,null]}}"#),
            (&["null"], r#"{"json":null}"#),
            (&["-1.5"], r#"{"json":-1.5}"#),
            (&["--text", "{}"], r#"{"text":"{}"}"#),
            (&["--text", ""], r#"{"text":""}"#),
            (&["--binary", "AQ=="], r#"{"binary":"AQ=="}"#),
            (&["--binary", "_w"], r#"{"binary":"/w=="}"#),
            (&["--any", unknown], &format!(r#"{{"any":{unknown}}}"#)),
            (
                &[
                    "--any",
                    r#"{"value": 1.5, "@type": "x/google.protobuf.Value"}"#,
                ],
                r#"{"any":{"@type":"x/google.protobuf.Value","value":1.5}}"#,
            ),
        ] {
            let expected = format!(r#"{{"event":"e","payload":{payload}}}"#);
            assert_eq!(request(arguments).await.unwrap(), expected);
        }
    }

    #[tokio::test]
    async fn an_event_may_have_no_payload() {
        assert_eq!(request(&[]).await.unwrap(), r#"{"event":"e"}"#);
    }

    #[tokio::test]
    async fn what_goes_with_the_payload_is_sent() {
        let arguments = "--request-id r --sender-id s --header b=2=3 --header a=";
        let arguments: Vec<_> = arguments.split(' ').collect();
        assert_eq!(
            request(&arguments).await.unwrap(),
            r#"{"event":"e","requestId":"r","senderId":"s","headers":{"a":"","b":"2=3"}}"#
        );
    }

    #[tokio::test]
    async fn a_payload_that_is_not_json_says_how_to_send_text() {
        let text = refusal(&["hello"]).await;
        assert!(text.starts_with("payload is not JSON: "), "{text}");
        assert!(text.ends_with("; --text sends plain text"), "{text}");
    }

    #[tokio::test]
    async fn an_integer_past_2_53_is_refused_with_its_path() {
        let text = refusal(&[r#"{"items": [{"id": 9007199254740993}]}"#]).await;
        assert!(text.starts_with("payload.items[0].id is 9007199254740993; "));
        assert!(text.ends_with(": send it as a string"), "{text}");
    }

    #[tokio::test]
    async fn what_makes_no_payload_says_why() {
        for (arguments, reason) in [
            (&["--binary", "!"][..], "base64"),
            (&["--any", "{}"], "an Any needs an \"@type\""),
            (&["--any", "1"], "an Any needs an \"@type\""),
            (
                &["--any", r#"{"@type": "x/no.Such", "a": 1}"#],
                "no.Such is not known here",
            ),
            (
                &["--any", r#"{"@type": "x/fanfare.v1.Gap", "b": 1}"#],
                "'b'",
            ),
            (&["--header", "a=1", "--header", "a=2"], "twice"),
        ] {
            let text = refusal(arguments).await;
            assert!(text.contains(reason), "{text}");
        }
    }
}
