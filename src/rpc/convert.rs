//! Requests as values of the model: all that a user can get wrong is found
//! here, once, and told with the path of the field.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use bytes::Bytes;

use super::limits::Limits;
use super::payload::{check_payload, check_profile};
use super::raw::Raw;
use super::wire::{self, OverflowPolicy, subscribe_request::Start};
use crate::hub::{Filter, Join};
use crate::model::{ChannelName, Error, Event, EventName, Flaw, Invalid, Text, is_pattern};

/// Heartbeat intervals that a stream may ask for.
const HEARTBEAT: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(300);

/// Items on a page, if the request does not say and at most.
const PAGE: (usize, usize) = (100, 1_000);

/// What a `SubscribeRequest` asks for.
#[derive(Debug)]
pub(super) struct Subscribing {
    pub(super) joins: Vec<Join>,
    pub(super) broadcasts: Option<Filter>,
    pub(super) profile: Bytes,
    pub(super) heartbeat: Duration,
}

/// The channel of a call that names one.
pub(super) fn channel(name: &str) -> Result<ChannelName, Error> {
    ChannelName::new(name).map_err(|flaw| Error::invalid(Invalid::Channel, "channel", flaw))
}

/// What `Send` sends, and where.
pub(super) fn send(
    request: wire::SendRequest,
    limits: &Limits,
) -> Result<(ChannelName, Event), Error> {
    let channel = channel(&request.channel)?;
    let event = event(
        request.event,
        request.payload,
        request.sender_id,
        request.headers,
        request.request_id,
        limits,
    )?;
    Ok((channel, event))
}

/// What `Broadcast` sends.
pub(super) fn broadcast(request: wire::BroadcastRequest, limits: &Limits) -> Result<Event, Error> {
    event(
        request.event,
        request.payload,
        request.sender_id,
        request.headers,
        request.request_id,
        limits,
    )
}

fn event(
    name: String,
    payload: Option<Raw>,
    sender: String,
    headers: BTreeMap<String, String>,
    request_id: String,
    limits: &Limits,
) -> Result<Event, Error> {
    let wrong = |subject, field| move |flaw: Flaw| Error::invalid(subject, field, flaw);
    Ok(Event {
        name: EventName::new(name).map_err(wrong(Invalid::Event, "event"))?,
        payload: self::payload(payload, limits)?,
        sender: Text::new(sender).map_err(wrong(Invalid::Request, "sender_id"))?,
        headers: self::headers(headers, limits)?,
        request_id: Text::new(request_id).map_err(wrong(Invalid::RequestId, "request_id"))?,
    })
}

fn payload(payload: Option<Raw>, limits: &Limits) -> Result<Bytes, Error> {
    let payload = Bytes::from(payload.unwrap_or_default());
    if payload.len() > limits.payload_bytes {
        return Err(Error::PayloadTooLarge {
            field: "payload".to_owned(),
            size: payload.len(),
            limit: limits.payload_bytes,
        });
    }
    check_payload(&payload)
        .map_err(|poison| Error::invalid(Invalid::Payload, "payload", poison.to_string()))?;
    Ok(payload)
}

fn headers(
    headers: BTreeMap<String, String>,
    limits: &Limits,
) -> Result<BTreeMap<String, String>, Error> {
    let wrong = |flaw: String| Error::invalid(Invalid::Headers, "headers", flaw);
    if headers.len() > limits.headers {
        return Err(wrong(format!(
            "has {} entries, the limit is {}",
            headers.len(),
            limits.headers
        )));
    }
    for (name, value) in &headers {
        let size = name.len() + value.len();
        if name.is_empty() {
            return Err(wrong("has an entry without a name".to_owned()));
        }
        if size > limits.header_bytes {
            let limit = limits.header_bytes;
            return Err(wrong(format!(
                "{name:?} is {size} bytes with its value, the limit is {limit}"
            )));
        }
    }
    Ok(headers)
}

/// What `Subscribe` asks for.
pub(super) fn subscribe(
    request: wire::SubscribeRequest,
    limits: &Limits,
) -> Result<Subscribing, Error> {
    match request.start {
        None => {}
        Some(Start::Resume(_)) => return Err(not_built("resume")),
        Some(Start::Since(_)) => return Err(not_built("since")),
        Some(Start::Last(_)) => return Err(not_built("last")),
    }
    if !request.member_token.is_empty() {
        return Err(not_built("member_token"));
    }
    Ok(Subscribing {
        heartbeat: heartbeat(request.heartbeat_interval, limits)?,
        profile: profile(request.data, limits)?,
        broadcasts: broadcasts(request.broadcasts, limits)?,
        joins: joins(request.subscriptions, limits)?,
    })
}

fn not_built(what: impl Into<String>) -> Error {
    Error::NotBuilt { what: what.into() }
}

fn heartbeat(asked: Option<prost_types::Duration>, limits: &Limits) -> Result<Duration, Error> {
    let Some(asked) = asked else {
        return Ok(limits.heartbeat);
    };
    // Not by prost's conversion, which overflows at the least of seconds.
    let part = (u64::try_from(asked.seconds), u32::try_from(asked.nanos));
    let asked = match part {
        (Ok(seconds), Ok(nanos)) => Duration::new(seconds, nanos),
        _ => Duration::ZERO,
    };
    let asked = Some(asked).filter(|asked| HEARTBEAT.contains(asked));
    asked.ok_or_else(|| {
        let flaw = "must be 1 s to 5 min; leave it out for the node's own";
        Error::invalid(Invalid::Heartbeat, "heartbeat_interval", flaw)
    })
}

fn profile(data: Option<Raw>, limits: &Limits) -> Result<Bytes, Error> {
    let data = Bytes::from(data.unwrap_or_default());
    let wrong = |flaw: String| Error::invalid(Invalid::Profile, "data", flaw);
    if data.len() > limits.profile_bytes {
        let (size, limit) = (data.len(), limits.profile_bytes);
        return Err(wrong(format!(
            "is {size} bytes as encoded, the limit is {limit}"
        )));
    }
    check_profile(&data).map_err(|poison| wrong(poison.to_string()))?;
    Ok(data)
}

fn broadcasts(
    asked: Option<wire::BroadcastSubscription>,
    limits: &Limits,
) -> Result<Option<Filter>, Error> {
    let asked = asked.unwrap_or_default();
    let filter = filter(asked.events, asked.echo, "broadcasts", limits)?;
    Ok((!asked.disabled).then_some(filter))
}

/// Names in the filters of one request together: with each kept by the stream
/// and by the channel, about 10 MiB.
const FILTER_NAMES: usize = 65_536;

fn joins(asked: Vec<wire::Subscription>, limits: &Limits) -> Result<Vec<Join>, Error> {
    if asked.len() > limits.subscriptions {
        let (count, limit) = (asked.len(), limits.subscriptions);
        let flaw = format!("has {count} entries, the limit is {limit}");
        return Err(Error::invalid(Invalid::Subscription, "subscriptions", flaw));
    }
    let names: usize = asked.iter().map(|asked| asked.events.len()).sum();
    if names > FILTER_NAMES {
        let flaw = format!("have {names} event names together, the limit is {FILTER_NAMES}");
        return Err(Error::invalid(Invalid::Subscription, "subscriptions", flaw));
    }
    let mut seen = HashSet::with_capacity(asked.len());
    for (at, subscription) in asked.iter().enumerate() {
        if !seen.insert(subscription.channel.as_str()) {
            let field = format!("subscriptions[{at}].channel");
            let flaw = "is listed before: name each channel once";
            return Err(Error::invalid(Invalid::Subscription, field, flaw));
        }
    }
    let numbered = asked.into_iter().enumerate();
    numbered
        .map(|(at, asked)| join(asked, &format!("subscriptions[{at}]"), limits))
        .collect()
}

fn join(asked: wire::Subscription, path: &str, limits: &Limits) -> Result<Join, Error> {
    let field = format!("{path}.channel");
    let wrong = |flaw: Flaw| Error::invalid(Invalid::Channel, field.clone(), flaw);
    if is_pattern(&asked.channel).map_err(wrong)? {
        return Err(not_built(format!("{field}: a pattern")));
    }
    if asked.presence {
        return Err(not_built(format!("{path}.presence")));
    }
    match OverflowPolicy::try_from(asked.overflow) {
        Ok(OverflowPolicy::Unspecified | OverflowPolicy::Gap) => {}
        Ok(OverflowPolicy::End) => return Err(not_built(format!("{path}.overflow: END"))),
        Err(_) => {
            let flaw = format!("{} is no overflow policy", asked.overflow);
            return Err(Error::invalid(
                Invalid::Subscription,
                format!("{path}.overflow"),
                flaw,
            ));
        }
    }
    Ok(Join {
        channel: ChannelName::new(&asked.channel).map_err(wrong)?,
        filter: filter(asked.events, asked.echo, path, limits)?,
        observe: asked.observe,
    })
}

fn filter(events: Vec<String>, echo: bool, path: &str, limits: &Limits) -> Result<Filter, Error> {
    let wrong = |field: String, flaw: Flaw| Error::invalid(Invalid::Subscription, field, flaw);
    if events.len() > limits.event_filters {
        let flaw = format!(
            "has {} names, the limit is {}",
            events.len(),
            limits.event_filters
        );
        return Err(wrong(format!("{path}.events"), flaw.into()));
    }
    let mut names = Vec::with_capacity(events.len());
    for (at, event) in events.into_iter().enumerate() {
        let field = || format!("{path}.events[{at}]");
        if event == "*" {
            return Err(wrong(
                field(),
                "is no wildcard: leave events empty for all".into(),
            ));
        }
        names.push(EventName::new(event).map_err(|flaw| wrong(field(), flaw))?);
    }
    let filter = Filter::named(names);
    Ok(if echo { filter.with_echo() } else { filter })
}

/// How many items a page may have.
pub(super) fn page_size(asked: i32) -> Result<usize, Error> {
    let (default, most) = PAGE;
    match usize::try_from(asked) {
        Ok(0) => Ok(default),
        Ok(asked) => Ok(asked.min(most)),
        Err(_) => {
            let flaw = format!("is {asked}: must be 0 for {default}, or 1 to {most}");
            Err(Error::invalid(Invalid::PageSize, "page_size", flaw))
        }
    }
}
