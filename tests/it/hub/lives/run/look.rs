//! What a life looks at: what the node knows, keeps and answers.

use std::collections::BTreeMap;

use bytes::Bytes;
use fanfare::hub::{End, Hub, Range, Start, Subscribe};
use fanfare::model::Pattern;

use super::World;
use crate::hub::lives::client::Stream;
use crate::hub::lives::record::{CHANNELS, Entry, Note, Present, Told, Wish};
use crate::hub::support::{Got, name};

impl World {
    /// Notes with a gap what the node knows at that moment.
    pub(super) fn note(&self, got: Got) -> Note {
        match &got {
            Got::Gap { channel, .. } => Note::Gap {
                knows: match channel.as_str() {
                    "" => 0,
                    channel => self.there.get(channel).copied().unwrap_or(self.dropped),
                },
                oldest: self.oldest(channel),
                got,
            },
            Got::End(End::SlowConsumer) => {
                let oldest = CHANNELS.map(|channel| (channel, self.oldest(channel)));
                Note::Slow(Some(oldest.into()))
            }
            _ => Note::Got(got),
        }
    }

    fn oldest(&self, channel: &str) -> u64 {
        if channel.is_empty() || channel.contains(['*', '>']) {
            return u64::MAX;
        }
        let page = self.hub.history(&name(channel), Range::default(), 1, 1);
        page.oldest.unwrap_or(u64::MAX)
    }

    /// What each channel keeps.
    pub(super) fn kept(&self) -> BTreeMap<&'static str, Vec<u64>> {
        let most = usize::MAX;
        let mut kept: BTreeMap<_, Vec<_>> = CHANNELS.map(|channel| (channel, Vec::new())).into();
        for channel in CHANNELS.into_iter().filter(|channel| !channel.is_empty()) {
            let page = self
                .hub
                .history(&name(channel), Range::default(), most, most);
            let got = page.frames.iter().flat_map(|frame| numbers(frame));
            kept.insert(channel, got.collect());
        }
        // Of broadcasts nobody is told but by a stream.
        let all = Wish(vec![Entry::broadcasts()]).request();
        let start = Start::Anew;
        let probe = self.hub.subscribe(Subscribe { start, ..all }).unwrap();
        let mut probe = Stream::new(probe, Told::probe(), 0);
        loop {
            let got = probe.poll();
            if got.is_empty() {
                return kept;
            }
            let number = |got: &Got| match got {
                Got::Event { number, .. } => Some(*number),
                _ => None,
            };
            kept.get_mut("")
                .unwrap()
                .extend(got.iter().filter_map(number));
        }
    }

    /// After every step: which channels there are, and who is in them.
    pub(super) fn look(&mut self) {
        let all = Pattern::new(">").unwrap();
        let there: Vec<_> = self.hub.channels(&all, None, 100).channels;
        let is_there = |channel: &str| there.iter().any(|about| about.name.as_str() == channel);
        let truth = self.truths.last().unwrap();
        for channel in CHANNELS.into_iter().filter(|channel| !channel.is_empty()) {
            if is_there(channel) {
                self.there.entry(channel).or_insert(self.dropped);
            } else if let Some(base) = self.there.remove(channel) {
                let mut sent = truth.sent.iter().rev();
                let newest = sent.find(|(_, sent)| sent.channel == channel);
                let newest = newest.map_or(0, |(number, _)| *number);
                self.dropped = self.dropped.max(base).max(newest);
            }
            assert_eq!(
                present(&self.hub, channel),
                self.model.present(channel),
                "in {channel}"
            );
        }
        assert_eq!(self.hub.counts().members, self.model.len(), "members");
    }

    /// Everyone reads what there is, when woken: then all must be told.
    pub(super) fn quiet(&mut self) {
        self.bury();
        for client in 0..self.clients.len() {
            while self.poll(client) {}
        }
        let channels = CHANNELS.into_iter().filter(|channel| !channel.is_empty());
        let members = channels
            .map(|channel| (channel, present(&self.hub, channel)))
            .collect();
        let quiet = Note::Quiet {
            newest: self.newest(),
            members,
        };
        for (_, stream) in &mut self.clients {
            if let Some(stream) = stream.as_mut().filter(|stream| stream.end.is_none()) {
                stream.told.notes.push(quiet.clone());
            }
        }
        let open = self
            .clients
            .iter()
            .filter(|(_, stream)| stream.is_some())
            .count();
        // Those who have gone are forgotten when they are more.
        let most = 2 * open * CHANNELS.len();
        assert!(self.hub.waiting_places() <= most, "each waits once");
    }
}

/// Who is in a channel, as the hub answers.
pub(crate) fn present(hub: &Hub, channel: &str) -> Present {
    let page = hub.members(&name(channel), None, usize::MAX, usize::MAX);
    let text = |bytes: &Bytes| String::from_utf8(bytes.to_vec()).unwrap();
    let members = page.members.iter();
    members
        .map(|m| (m.id.to_string(), text(&m.profile)))
        .collect()
}

fn numbers(frame: &[u8]) -> impl Iterator<Item = u64> {
    let number = |got| match got {
        Got::Event { number, .. } => Some(number),
        _ => None,
    };
    crate::hub::support::decode(frame)
        .into_iter()
        .filter_map(number)
}
