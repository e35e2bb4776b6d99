//! Calls and sessions with the library's own client.

use std::time::SystemTime;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use fanfare::Client;
use fanfare::client::{
    Channel, Event, Frame, Gap, GapReason, Member, Message, Notice, Payload, Position, Presence,
    Ready, Receipt, Session, Subscribe, Update,
};
use fanfare::rpc::client::payload::Kind;
use fanfare::rpc::client::session_request::Request;
use fanfare::rpc::client::subscribe_request::Start;
use fanfare::rpc::client::{self as proto, profile_fields};
use serde_json::{Map, Value, json};

use super::Result;
use super::messages::{encoded, of_error, parsed};
use super::stub::Answer;

/// Makes a call with the client.
pub(crate) async fn call(client: &Client, step: &Value) -> Result<Answer> {
    let answer = match step["call"].as_str() {
        Some("Send") => {
            let request: proto::SendRequest = parsed("SendRequest", &step["request"])?;
            let (channel, message) = message(request);
            client
                .send(channel, message)
                .await
                .map(|sent| receipt(&sent))
        }
        Some("GetMembers") => {
            let request: proto::GetMembersRequest = parsed("GetMembersRequest", &step["request"])?;
            let members = client.members(request.channel).all().await;
            members.map(|all| json!({"members": all.iter().map(member).collect::<Vec<_>>()}))
        }
        other => return Err(format!("no call {other:?} of the client is known")),
    };
    Ok(answer.map_err(|error| of_error(&error)))
}

/// Asks on a session.
pub(crate) async fn ask(client: &Client, session: &Session, step: &Value) -> Result<Answer> {
    let asked: proto::SessionRequest = parsed("SessionRequest", &step["request"])?;
    let done = |()| json!({"done": {}});
    let answer = match asked.request.ok_or("no request")? {
        Request::Send(request) => {
            let (channel, message) = message(request);
            let sent = session.send(channel, message).await;
            sent.map(|sent| json!({"send": receipt(&sent)}))
        }
        Request::Broadcast(request) => {
            let (_, message) = message(proto::SendRequest {
                channel: String::new(),
                event: request.event,
                payload: request.payload,
                request_id: request.request_id,
                sender_id: request.sender_id,
                headers: request.headers,
            });
            let sent = session.broadcast(message).await;
            sent.map(|sent| json!({"broadcast": receipt(&sent)}))
        }
        Request::Subscribe(request) => {
            let subscribe = subscribe(client.subscribe(), request)?;
            let begun = session.subscribe(subscribe).await;
            begun.map(|begun| json!({"ready": ready(&begun)}))
        }
        Request::Unsubscribe(request) => session.unsubscribe(request.channels).await.map(done),
        Request::Update(request) => {
            let fields = profile_fields(&request.data.unwrap_or_default());
            let update = if request.merge {
                Update::merge(fields)
            } else {
                Update::replace(fields)
            };
            let update = update.map_err(|error| error.to_string())?;
            session.update(update).await.map(done)
        }
    };
    Ok(answer.map_err(|error| of_error(&error)))
}

fn message(request: proto::SendRequest) -> (String, Message) {
    let payload = request.payload.unwrap_or_default();
    let json = payload.as_json();
    let event = request.event;
    let message = match payload.kind {
        None => Message::empty(event),
        Some(Kind::Json(_)) => Message::json(event, json).expect("it was doubles already"),
        Some(Kind::Text(text)) => Message::text(event, text),
        Some(Kind::Binary(bytes)) => Message::binary(event, bytes),
        Some(Kind::Any(any)) => Message::packed(event, any),
    };
    let message = message.sender(request.sender_id);
    let message = message.request_id(request.request_id);
    let headers = request.headers.into_iter();
    let message = headers.fold(message, |message, (name, value)| {
        message.header(name, value)
    });
    (request.channel, message)
}

pub(crate) fn subscribe(
    subscribe: Subscribe,
    request: proto::SubscribeRequest,
) -> Result<Subscribe> {
    let channels = request.subscriptions.iter().map(channel);
    let mut subscribe = subscribe
        .to_all(channels)
        .member_token(request.member_token);
    if let Some(data) = request.data {
        let profile = subscribe.profile(profile_fields(&data));
        subscribe = profile.map_err(|error| error.to_string())?;
    }
    if let Some(interval) = request.heartbeat_interval {
        let interval = interval.try_into();
        subscribe = subscribe.heartbeat(interval.map_err(|_| "heartbeatInterval is negative")?);
    }
    if let Some(broadcasts) = request.broadcasts {
        subscribe = subscribe.broadcast_events(broadcasts.events);
        if broadcasts.disabled {
            subscribe = subscribe.without_broadcasts();
        }
        if broadcasts.echo {
            subscribe = subscribe.broadcast_echo();
        }
    }
    Ok(match request.start {
        None => subscribe,
        Some(Start::Resume(proto::Position { epoch, sequence })) => {
            subscribe.resume(Position { epoch, sequence })
        }
        Some(Start::Last(count)) => subscribe.last(count),
        Some(Start::Since(time)) => {
            subscribe.since(SystemTime::try_from(time).map_err(|error| error.to_string())?)
        }
    })
}

fn channel(told: &proto::Subscription) -> Channel {
    let mut channel = Channel::new(&told.channel).events(&told.events);
    for (is_set, set) in [
        (told.presence, Channel::presence as fn(Channel) -> Channel),
        (told.echo, Channel::echo),
        (told.observe, Channel::observe),
        (
            told.overflow() == proto::OverflowPolicy::End,
            Channel::end_on_overflow,
        ),
    ] {
        if is_set {
            channel = set(channel);
        }
    }
    channel
}

/// What comes of the library, as JSON; none for what is no frame of the wire.
pub(crate) fn frame(frame: Frame) -> Result<Option<Value>> {
    Ok(Some(match frame {
        Frame::Event(told) => json!({"event": event(told)?}),
        Frame::Gap(told) => json!({"gap": gap(&told)}),
        Frame::Presence(Presence::Members(list)) => {
            let members: Vec<_> = list.members.iter().map(member).collect();
            let sequence = list.sequence.to_string();
            json!({"members": without_defaults([
                ("channel", json!(list.channel)),
                ("members", json!(members)),
                ("sequence", json!(sequence)),
                ("last", json!(true)),
            ])})
        }
        Frame::Presence(Presence::Changed(change)) => {
            let kind = format!("PRESENCE_KIND_{:?}", change.kind).to_uppercase();
            let (member, sequence) = (member(&change.member), change.sequence.to_string());
            json!({"presence": {
                "channel": change.channel, "kind": kind, "member": member, "sequence": sequence,
            }})
        }
        Frame::Notice(Notice::Returned(told)) => json!({"ready": ready(&told)}),
        Frame::Notice(Notice::Heartbeat(_)) => json!({"heartbeat": {}}),
        Frame::Notice(Notice::Closing(_)) => json!({"closing": {}}),
        Frame::Notice(_) => return Ok(None),
    }))
}

fn gap(gap: &Gap) -> Map<String, Value> {
    let reason = match gap.reason {
        GapReason::Overflow => "GAP_REASON_OVERFLOW",
        GapReason::Expired => "GAP_REASON_EXPIRED",
        GapReason::EpochChanged => "GAP_REASON_EPOCH_CHANGED",
        _ => "",
    };
    without_defaults([
        ("channel", json!(gap.channel)),
        ("after", json!(gap.after.to_string())),
        ("through", json!(gap.through.to_string())),
        ("reason", json!(reason)),
        ("epoch", json!(gap.epoch)),
    ])
}

fn event(event: Event) -> Result<Map<String, Value>> {
    let payload = match event.payload {
        None => Value::Null,
        Some(Payload::Json(value)) => json!({"json": value}),
        Some(Payload::Text(text)) => json!({"text": text}),
        Some(Payload::Binary(bytes)) => json!({"binary": BASE64_STANDARD.encode(bytes)}),
        Some(Payload::Any(any)) => {
            let bytes = prost::Message::encode_to_vec(&any);
            json!({"any": encoded("google.protobuf.Any", &bytes)?})
        }
        Some(Payload::Unknown) => json!({}),
    };
    let time = event.publish_time.map(prost_types::Timestamp::from);
    let time = time.map(|time| time.to_string());
    let headers = (!event.headers.is_empty()).then_some(event.headers);
    Ok(without_defaults([
        ("channel", json!(event.channel)),
        ("name", json!(event.name)),
        ("payload", payload),
        ("sequence", json!(event.sequence.to_string())),
        ("publishTime", json!(time)),
        ("senderId", json!(event.sender_id)),
        ("headers", json!(headers)),
        ("id", json!(event.id)),
    ]))
}

fn receipt(receipt: &Receipt) -> Value {
    let duplicate = receipt.duplicate.then_some(true);
    Value::Object(without_defaults([
        ("position", position(&receipt.position)),
        ("recipients", json!(receipt.recipients)),
        ("duplicate", json!(duplicate)),
    ]))
}

pub(crate) fn ready(ready: &Ready) -> Value {
    let interval = format!("{}s", ready.heartbeat_interval.as_secs_f64());
    Value::Object(without_defaults([
        ("memberId", json!(ready.member_id)),
        ("memberToken", json!(ready.member_token)),
        ("position", position(&ready.position)),
        ("recovered", json!(ready.recovered.then_some(true))),
        ("heartbeatInterval", json!(interval)),
    ]))
}

fn member(member: &Member) -> Value {
    let profile = (!member.profile.is_empty()).then_some(&member.profile);
    Value::Object(without_defaults([
        ("id", json!(member.id)),
        ("data", json!(profile)),
    ]))
}

fn position(position: &Position) -> Value {
    let sequence = position.sequence.to_string();
    json!({"epoch": position.epoch, "sequence": sequence})
}

/// As proto3 JSON leaves them out.
fn without_defaults<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    let is_set = |value: &Value| {
        *value != Value::Null && *value != json!("") && *value != json!(0) && *value != json!("0")
    };
    let fields = fields.into_iter().filter(|(_, value)| is_set(value));
    fields
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
