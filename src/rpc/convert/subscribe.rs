//! What is subscribed to.

use std::collections::HashSet;
use std::time::Duration;

use bytes::Bytes;

use super::place::{Begin, Here};
use super::profile;
use crate::hub::{Filter, Join, Subscription, Target};
use crate::model::{Error, EventName, Flaw, Invalid, MemberId, Pattern};
use crate::rpc::limits::Limits;
use crate::rpc::wire::{self, OverflowPolicy};

/// Heartbeat intervals that a stream may ask for.
const HEARTBEAT: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(300);

/// What a `SubscribeRequest` asks for.
#[derive(Debug)]
pub(in crate::rpc) struct Subscribing {
    pub(in crate::rpc) joins: Vec<Join>,
    pub(in crate::rpc) broadcasts: Option<Filter>,
    pub(in crate::rpc) begin: Begin,
    pub(in crate::rpc) profile: Option<Bytes>,
    /// Who comes back; none for who is new.
    pub(in crate::rpc) member: Option<MemberId>,
    pub(in crate::rpc) heartbeat: Duration,
}

/// What `Subscribe` asks for.
pub(in crate::rpc) fn subscribe(
    request: wire::SubscribeRequest,
    limits: &Limits,
    here: Here<'_>,
) -> Result<Subscribing, Error> {
    Ok(Subscribing {
        heartbeat: heartbeat(request.heartbeat_interval, limits)?,
        profile: request.data.map(|data| profile(data, limits)).transpose()?,
        broadcasts: broadcasts(request.broadcasts, limits)?,
        joins: {
            check_filters(&request.subscriptions, 0)?;
            joins(request.subscriptions, limits)?
        },
        begin: here.begin(request.start)?,
        member: here.member(&request.member_token)?,
    })
}

/// What a later subscribe of a session asks for, on a `stream` that listens
/// already.
pub(in crate::rpc) fn subscribe_more(
    request: wire::SubscribeRequest,
    limits: &Limits,
    stream: &Subscription,
) -> Result<Vec<Join>, Error> {
    let set = [
        ("data", request.data.is_some()),
        (start(request.start.as_ref()), request.start.is_some()),
        ("heartbeat_interval", request.heartbeat_interval.is_some()),
        ("broadcasts", request.broadcasts.is_some()),
        ("member_token", !request.member_token.is_empty()),
    ];
    if let Some((field, _)) = set.into_iter().find(|(_, is_set)| *is_set) {
        let flaw = "is for the first subscribe of a session alone";
        return Err(Error::invalid(Invalid::Request, field, flaw));
    }
    check_filters(&request.subscriptions, stream.filter_names())?;
    let joins = joins(request.subscriptions, limits)?;
    for (at, join) in joins.iter().enumerate() {
        if stream.listens(&join.text()) {
            let flaw = "is subscribed already: unsubscribe it first";
            let field = format!("subscriptions[{at}].channel");
            return Err(Error::invalid(Invalid::Subscription, field, flaw));
        }
    }
    Ok(joins)
}

fn start(start: Option<&wire::subscribe_request::Start>) -> &'static str {
    use wire::subscribe_request::Start;
    match start {
        Some(Start::Last(_)) => "last",
        Some(Start::Since(_)) => "since",
        Some(Start::Resume(_)) | None => "resume",
    }
}

/// What an unsubscribe asks for, on a `stream` that listens to it.
pub(in crate::rpc) fn unsubscribe(
    request: &wire::Unsubscribe,
    stream: &Subscription,
) -> Result<Vec<Pattern>, Error> {
    let mut texts = Vec::with_capacity(request.channels.len());
    let mut seen = HashSet::with_capacity(request.channels.len());
    for (at, channel) in request.channels.iter().enumerate() {
        let field = || format!("channels[{at}]");
        let text = Pattern::new(channel)
            .map_err(|flaw| Error::invalid(Invalid::Channel, field(), flaw))?;
        let flaw = if !seen.insert(channel) {
            "is listed before: name each channel once"
        } else if !stream.listens(&text) {
            "is not subscribed; name it as it was"
        } else {
            texts.push(text);
            continue;
        };
        return Err(Error::invalid(Invalid::Subscription, field(), flaw));
    }
    Ok(texts)
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

fn broadcasts(
    asked: Option<wire::BroadcastSubscription>,
    limits: &Limits,
) -> Result<Option<Filter>, Error> {
    let asked = asked.unwrap_or_default();
    let filter = filter(asked.events, asked.echo, "broadcasts", limits)?;
    Ok((!asked.disabled).then_some(filter))
}

/// Names in the filters of one stream together: with each kept by the stream
/// and by the channel, about 10 MiB.
const FILTER_NAMES: usize = 65_536;

/// Checks the filters of a request on a stream that has so many names already.
fn check_filters(asked: &[wire::Subscription], before: usize) -> Result<(), Error> {
    let names = asked.iter().map(|asked| asked.events.len()).sum::<usize>() + before;
    if names > FILTER_NAMES {
        let flaw = format!("have {names} event names together, the limit is {FILTER_NAMES}");
        return Err(Error::invalid(Invalid::Subscription, "subscriptions", flaw));
    }
    Ok(())
}

fn joins(asked: Vec<wire::Subscription>, limits: &Limits) -> Result<Vec<Join>, Error> {
    if asked.len() > limits.subscriptions {
        let (count, limit) = (asked.len(), limits.subscriptions);
        let flaw = format!("has {count} entries, the limit is {limit}");
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
    let target = target(&asked, path)?;
    if asked.presence && matches!(target, Target::Pattern(_)) {
        let flaw = "is for a channel by its name, not for a pattern";
        let field = format!("{path}.presence");
        return Err(Error::invalid(Invalid::Subscription, field, flaw));
    }
    Ok(Join {
        target,
        strict: is_strict(asked.overflow, path)?,
        filter: filter(asked.events, asked.echo, path, limits)?,
        presence: asked.presence,
    })
}

fn target(asked: &wire::Subscription, path: &str) -> Result<Target, Error> {
    let pattern = Pattern::new(&asked.channel)
        .map_err(|flaw| Error::invalid(Invalid::Channel, format!("{path}.channel"), flaw))?;
    Ok(match pattern.name() {
        None => Target::Pattern(pattern),
        Some(name) if asked.observe => Target::Observer(name),
        Some(name) => Target::Member(name),
    })
}

fn is_strict(overflow: i32, path: &str) -> Result<bool, Error> {
    match OverflowPolicy::try_from(overflow) {
        Ok(OverflowPolicy::Unspecified | OverflowPolicy::Gap) => Ok(false),
        Ok(OverflowPolicy::End) => Ok(true),
        Err(_) => {
            let flaw = format!("{overflow} is no overflow policy");
            let field = format!("{path}.overflow");
            Err(Error::invalid(Invalid::Subscription, field, flaw))
        }
    }
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
