//! Who is a member of what, by a model of its own: a member has one stream at
//! a time, and the grace to find another when that broke.

use std::collections::{BTreeMap, BTreeSet};

use fanfare::hub::Change;
use tokio::time::{Duration, Instant};

use super::record::Present;

/// The members of a node.
#[derive(Debug, Default)]
pub(super) struct Model(BTreeMap<String, Standing>);

#[derive(Debug)]
struct Standing {
    channels: BTreeSet<&'static str>,
    profile: String,
    /// The stream that it has; none while it is away.
    stream: Option<usize>,
    until: Option<Instant>,
}

/// A channel, a member, and what changed.
pub(super) type Step = (&'static str, String, Change);

impl Model {
    /// The member has a new stream, in these channels.
    pub(super) fn come(
        &mut self,
        id: &str,
        stream: usize,
        channels: BTreeSet<&'static str>,
        profile: Option<String>,
    ) -> Vec<Step> {
        let was = self.0.remove(id);
        let (before, had) = was.map_or_else(Default::default, |was| (was.channels, was.profile));
        let profile = profile.unwrap_or_else(|| had.clone());
        let step = |channel: &&'static str, change| (*channel, id.to_owned(), change);
        let joined = channels.difference(&before);
        let left = before.difference(&channels);
        let kept = before.intersection(&channels).filter(|_| had != profile);
        let steps = joined
            .map(|channel| step(channel, Change::Joined))
            .chain(left.map(|channel| step(channel, Change::Left)))
            .chain(kept.map(|channel| step(channel, Change::Updated)))
            .collect();
        let standing = Standing {
            channels,
            profile,
            stream: Some(stream),
            until: None,
        };
        self.0.insert(id.to_owned(), standing);
        steps
    }

    /// This stream of it joins these channels. Nothing if it has another one.
    pub(super) fn join(
        &mut self,
        id: &str,
        stream: usize,
        channels: BTreeSet<&'static str>,
    ) -> Option<Vec<Step>> {
        let standing = self.0.get_mut(id)?;
        if standing.stream != Some(stream) {
            return None;
        }
        let step = |channel: &&'static str| (*channel, id.to_owned(), Change::Joined);
        let steps = channels.iter().map(step).collect();
        standing.channels.extend(channels);
        Some(steps)
    }

    /// This stream of it leaves these channels.
    pub(super) fn part(
        &mut self,
        id: &str,
        stream: usize,
        channels: &BTreeSet<&'static str>,
    ) -> Vec<Step> {
        let Some(standing) = self.0.get_mut(id) else {
            return Vec::new();
        };
        if standing.stream != Some(stream) {
            return Vec::new();
        }
        standing
            .channels
            .retain(|channel| !channels.contains(channel));
        let step = |channel: &&'static str| (*channel, id.to_owned(), Change::Left);
        channels.iter().map(step).collect()
    }

    /// Its stream was dropped; it may be back until then.
    pub(super) fn drop(&mut self, id: &str, stream: usize, until: Option<Instant>) -> Vec<Step> {
        let Some(standing) = self.0.get_mut(id) else {
            return Vec::new();
        };
        if standing.stream != Some(stream) {
            return Vec::new();
        }
        standing.stream = None;
        standing.until = until.filter(|_| !standing.channels.is_empty());
        let gone = standing.until.is_none();
        if gone { self.leave(id) } else { Vec::new() }
    }

    /// Who was away for too long is gone.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<Step> {
        let late = |standing: &Standing| standing.until.is_some_and(|until| until <= now);
        let late: Vec<_> = self.0.iter().filter(|(_, s)| late(s)).collect();
        let late: Vec<_> = late.into_iter().map(|(id, _)| id.clone()).collect();
        late.iter().flat_map(|id| self.leave(id)).collect()
    }

    /// Its profile changes; none if it is not connected.
    pub(super) fn update(&mut self, id: &str, profile: String) -> Option<Vec<Step>> {
        let standing = self.0.get_mut(id)?;
        let same = standing.profile == profile;
        standing.profile = profile;
        let channels = standing.channels.iter().filter(|_| !same);
        let step = |channel: &&'static str| (*channel, id.to_owned(), Change::Updated);
        Some(channels.map(step).collect())
    }

    fn leave(&mut self, id: &str) -> Vec<Step> {
        let gone = self.0.remove(id);
        let channels = gone.map(|gone| gone.channels).unwrap_or_default();
        let step = |channel| (channel, id.to_owned(), Change::Left);
        channels.into_iter().map(step).collect()
    }

    /// Who is in a channel.
    pub(super) fn present(&self, channel: &str) -> Present {
        let here = self.0.iter().filter(|(_, s)| s.channels.contains(channel));
        here.map(|(id, s)| (id.clone(), s.profile.clone()))
            .collect()
    }

    /// How many are connected, or may come back.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// How long it may be away, if its stream broke.
pub(super) fn until(broke: bool, grace: Duration) -> Option<Instant> {
    (broke && !grace.is_zero()).then(|| Instant::now() + grace)
}
