//! What a reader asks for, and which events that is: by rules of its own.

use std::collections::{BTreeMap, BTreeSet};

use fanfare::rpc::client::{BroadcastSubscription, SubscribeRequest, Subscription};
use fastrand::Rng;

use super::record::Sent;

/// Names of events.
pub(crate) const NAMES: [&str; 3] = ["", "red", "blue"];

/// Patterns that overlap with each other and with the names.
const PATTERNS: [&str; 4] = ["c.*", "*.2", "c.>", "only.>"];

/// The names that are used, broadcasts among them.
pub(crate) fn channels() -> Vec<String> {
    let exact = (1..7).map(|n| format!("c.{n}"));
    let matched = (1..4).map(|n| format!("only.{n}.deep"));
    let broadcasts = std::iter::once(String::new());
    broadcasts.chain(exact).chain(matched).collect()
}

/// What a subscription asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wish {
    /// Empty: all.
    pub(crate) events: Vec<String>,
    pub(crate) echo: bool,
}

/// What a reader asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Choice {
    pub(crate) exact: BTreeMap<String, Wish>,
    /// In the order in which they decide.
    pub(crate) patterns: Vec<(String, Wish)>,
    pub(crate) broadcasts: Option<Wish>,
    /// Exact channels that it is a member of.
    pub(crate) joined: BTreeSet<String>,
    /// Exact channels whose members it watches.
    pub(crate) watched: BTreeSet<String>,
}

impl Choice {
    /// Whether it is to get an event, as the member `own`; none if the event
    /// is not in its channels.
    pub(crate) fn wants(&self, sent: &Sent, own: &str) -> Option<bool> {
        let (_, wish) = self.deciding(&sent.channel)?;
        let named = wish.events.is_empty() || wish.events.contains(&sent.name);
        Some(named && (wish.echo || sent.sender != own || own.is_empty()))
    }

    /// The text and the wish that decide on a channel.
    pub(crate) fn deciding(&self, channel: &str) -> Option<(&str, &Wish)> {
        if channel.is_empty() {
            return self.broadcasts.as_ref().map(|wish| ("", wish));
        }
        let exact = self.exact.get_key_value(channel);
        let exact = exact.map(|(text, wish)| (text.as_str(), wish));
        exact.or_else(|| {
            let matching = self
                .patterns
                .iter()
                .find(|(text, _)| matches(text, channel));
            matching.map(|(text, wish)| (text.as_str(), wish))
        })
    }

    /// The texts of all subscriptions; broadcasts have an empty one.
    pub(crate) fn texts(&self) -> BTreeSet<&str> {
        let patterns = self.patterns.iter().map(|(text, _)| text.as_str());
        let broadcasts = self.broadcasts.iter().map(|_| "");
        let exact = self.exact.keys().map(String::as_str);
        exact.chain(patterns).chain(broadcasts).collect()
    }

    /// What asks for it. Falling behind in one of `strict` ends the stream.
    pub(crate) fn request(&self, strict: impl Fn(&str) -> bool) -> SubscribeRequest {
        let subscription = |(channel, wish): (&String, &Wish)| Subscription {
            channel: channel.clone(),
            events: wish.events.clone(),
            presence: self.watched.contains(channel),
            echo: wish.echo,
            overflow: if strict(channel) { 2 } else { 0 },
            observe: !self.joined.contains(channel),
        };
        let patterns = self.patterns.iter().map(|(text, wish)| (text, wish));
        let wish = self.broadcasts.clone();
        SubscribeRequest {
            subscriptions: self
                .exact
                .iter()
                .chain(patterns)
                .map(subscription)
                .collect(),
            broadcasts: Some(BroadcastSubscription {
                disabled: wish.is_none(),
                echo: wish.as_ref().is_some_and(|wish| wish.echo),
                events: wish.unwrap_or_default().events,
            }),
            heartbeat_interval: Some(prost_types::Duration {
                seconds: 1,
                nanos: 0,
            }),
            ..SubscribeRequest::default()
        }
    }

    /// Any choice but none at all.
    pub(crate) fn random(rng: &mut Rng) -> Self {
        let mut choice = Self::default();
        for channel in channels() {
            if channel.is_empty() {
                choice.broadcasts = rng.bool().then(|| wish(rng));
            } else if rng.u8(..3) == 0 {
                choice.exact.insert(channel.clone(), wish(rng));
                if rng.bool() {
                    choice.joined.insert(channel.clone());
                }
                if rng.bool() {
                    choice.watched.insert(channel);
                }
            }
        }
        let mut patterns = PATTERNS.to_vec();
        rng.shuffle(&mut patterns);
        patterns.truncate(rng.usize(..3));
        let patterns = patterns.into_iter();
        choice.patterns = patterns.map(|text| (text.to_owned(), wish(rng))).collect();
        if choice.texts().is_empty() {
            choice.broadcasts = Some(Wish::default());
        }
        choice
    }
}

fn wish(rng: &mut Rng) -> Wish {
    let names = NAMES.iter().filter(|_| rng.u8(..4) == 0);
    Wish {
        events: names.map(ToString::to_string).collect(),
        echo: rng.bool(),
    }
}

/// Segment by segment: `*` is any one, a last `>` is one or more.
fn matches(pattern: &str, channel: &str) -> bool {
    let mut segments = channel.split('.');
    for part in pattern.split('.') {
        match (part, segments.next()) {
            (">", Some(_)) => return true,
            ("*", Some(_)) => {}
            (part, Some(segment)) if part == segment => {}
            (_, Some(_) | None) => return false,
        }
    }
    segments.next().is_none()
}

#[test]
fn a_pattern_matches_segment_by_segment() {
    assert!(matches("c.*", "c.1") && matches("*.2", "c.2") && matches("only.>", "only.1.deep"));
    assert!(!matches("c.*", "c.1.2") && !matches("c.*", "c") && !matches("c.>", "c"));
    assert!(!matches("*.2", "c.1"));
}
