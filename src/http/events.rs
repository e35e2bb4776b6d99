//! A subscription that is asked for by a URL.

use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use serde_json::{Map, Value, json};

use super::query::{self, Pair};
use super::routes::MEMBER_TOKEN;
use super::sse::Events;
use super::{Answer, Node};
use crate::json::{self, Wrong};
use crate::rpc;

/// What a browser sends when it comes back.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// What the query may have, and what it means.
pub(super) const PARAMETERS: [(&str, &str); 13] = [
    (
        "channel",
        "A channel, or a pattern; may be repeated. Without any, broadcasts come.",
    ),
    (
        "event",
        "Only events of this name, broadcasts too; may be repeated.",
    ),
    (
        "presence",
        "Also who is in the channels, and who comes, leaves and changes: `true`. Patterns have none.",
    ),
    ("observe", "Only listen, without being a member: `true`."),
    ("echo", "Also the member's own events: `true`."),
    (
        "overflow",
        "`OVERFLOW_POLICY_END` ends a stream that falls behind instead of telling a gap.",
    ),
    ("broadcasts", "No broadcasts: `false`."),
    ("data", "The member's profile, a JSON object."),
    (
        "member_token",
        "The `memberToken` of an earlier `ready`, to be the same member. The header `fanfare-member-token` keeps it out of logs.",
    ),
    (
        "heartbeat_interval",
        "How often something comes at least, as `10s`.",
    ),
    ("last", "Begin with so many kept events of each channel."),
    (
        "since",
        "Begin with what is kept from this time on, as `2026-01-02T03:04:05Z`.",
    ),
    (
        "last_event_id",
        "Go on after this id, as the header `last-event-id` says, which counts before it.",
    ),
];

/// A `SubscribeRequest`.
///
/// # Errors
///
/// What is no parameter, or not what that one takes.
pub(super) fn message(pairs: Vec<Pair>, headers: &HeaderMap) -> Result<Vec<u8>, Wrong> {
    let mut asked = Asked::default();
    for (name, text) in pairs {
        asked.take(&name, text)?;
    }
    if let Some(token) = header(headers, MEMBER_TOKEN)? {
        asked.root.insert("memberToken".to_owned(), token.into());
    }
    let came_back = header(headers, LAST_EVENT_ID.as_str())?;
    let came_back = came_back.filter(|id| !id.is_empty());
    let came_back = came_back.or(asked.last_event_id.take());
    if let Some(id) = came_back.filter(|id| !id.is_empty()) {
        let position = query::position(&id);
        let position = position.ok_or_else(|| {
            let flaw = format!("{}; leave it out to begin anew", query::not_a_position(&id));
            query::wrong("last_event_id", flaw)
        })?;
        // A browser comes back with the URL that it began with.
        asked
            .root
            .retain(|name, _| name != "last" && name != "since");
        asked.root.insert("resume".to_owned(), position);
    }
    // Each channel has a list of them all.
    if asked.channels.len() * asked.events.len() > FILTERS {
        let flaw =
            format!("times the channels are more than {FILTERS}: filter less, or more coarsely");
        return Err(query::wrong("event", flaw));
    }
    let input = json::method("Subscribe").input();
    json::read(&input, &asked.request().to_string())
}

/// The stream of events that `body` is.
pub(super) fn response(body: rpc::Answer, node: &std::sync::Arc<Node>) -> Response<Answer> {
    let mut response = Response::new(Answer::from(Events::of(body, node)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // nginx would hold events back.
    let buffering = HeaderName::from_static("x-accel-buffering");
    headers.insert(buffering, HeaderValue::from_static("no"));
    response
}

/// Names of events in all subscriptions of a URL together.
const FILTERS: usize = 1 << 16;

#[derive(Default)]
struct Asked {
    channels: Vec<String>,
    /// Of every subscription.
    each: Map<String, Value>,
    events: Vec<Value>,
    broadcasts: Map<String, Value>,
    root: Map<String, Value>,
    last_event_id: Option<String>,
}

impl Asked {
    fn take(&mut self, name: &str, text: String) -> Result<(), Wrong> {
        let twice = match name {
            "channel" => {
                self.channels.push(text);
                false
            }
            "event" => {
                self.events.push(text.into());
                false
            }
            "presence" | "observe" | "echo" => {
                let flag = query::flag(text);
                if name == "echo" {
                    self.broadcasts.insert(name.to_owned(), flag.clone());
                }
                self.each.insert(name.to_owned(), flag).is_some()
            }
            "overflow" => self.each.insert(name.to_owned(), text.into()).is_some(),
            "broadcasts" => {
                let disabled = match query::flag(text) {
                    Value::Bool(wanted) => Value::Bool(!wanted),
                    other => {
                        let flaw = format!("must be true or false, not {other}");
                        return Err(query::wrong(name, flaw));
                    }
                };
                let name = "disabled".to_owned();
                self.broadcasts.insert(name, disabled).is_some()
            }
            "data" => self.root.insert(name.to_owned(), profile(&text)?).is_some(),
            "last" | "since" => self.root.insert(name.to_owned(), text.into()).is_some(),
            "member_token" | "memberToken" => self.set("memberToken", text),
            "heartbeat_interval" | "heartbeatInterval" => self.set("heartbeatInterval", text),
            "last_event_id" | "lastEventId" => self.last_event_id.replace(text).is_some(),
            _ => {
                let known: Vec<_> = PARAMETERS.iter().map(|(name, _)| *name).collect();
                let flaw = format!(
                    "is no parameter of this path, which has: {}",
                    known.join(", ")
                );
                return Err(query::wrong(name, flaw));
            }
        };
        if twice {
            return Err(query::wrong(name, "is set twice".to_owned()));
        }
        Ok(())
    }

    fn set(&mut self, name: &str, text: String) -> bool {
        self.root.insert(name.to_owned(), text.into()).is_some()
    }

    /// The request in JSON.
    fn request(mut self) -> Value {
        let subscriptions: Vec<_> = self
            .channels
            .into_iter()
            .map(|channel| {
                let mut subscription = self.each.clone();
                if is_pattern(&channel) {
                    subscription.remove("presence");
                }
                subscription.insert("channel".to_owned(), channel.into());
                subscription.insert("events".to_owned(), json!(self.events));
                Value::Object(subscription)
            })
            .collect();
        self.broadcasts
            .insert("events".to_owned(), self.events.into());
        self.root
            .insert("subscriptions".to_owned(), subscriptions.into());
        self.root
            .insert("broadcasts".to_owned(), self.broadcasts.into());
        Value::Object(self.root)
    }
}

fn is_pattern(channel: &str) -> bool {
    channel
        .split('.')
        .any(|segment| segment == "*" || segment == ">")
}

/// A profile as the text has it: numbers that would change are refused.
fn profile(text: &str) -> Result<Value, Wrong> {
    let of = json::message("google.protobuf.Struct").expect("a well-known type");
    json::read(&of, text).map_err(|wrong| Wrong {
        path: if wrong.path.is_empty() {
            "data".to_owned()
        } else {
            format!("data.{}", wrong.path)
        },
        ..wrong
    })?;
    serde_json::from_str(text).map_err(|error| query::wrong("data", error.to_string()))
}

fn header(headers: &HeaderMap, name: &str) -> Result<Option<String>, Wrong> {
    let value = headers.get(name).map(|value| value.to_str());
    let value = value.transpose();
    let value = value.map_err(|_| query::wrong(name, "is no text".to_owned()))?;
    Ok(value.map(str::to_owned))
}
