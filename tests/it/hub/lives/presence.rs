//! The rules of presence: a list and the changes after it are who is there.

use std::collections::{BTreeMap, HashMap};

use fanfare::hub::Change;

use super::record::{Present, Told, Truth};
use crate::hub::support::Got;

/// What a stream knows of the members of the channels that it watches.
pub(super) struct Watching<'a> {
    told: &'a Told,
    truth: &'a Truth,
    known: HashMap<&'a str, Known>,
}

/// A list of members as of some number, complete or not.
struct Known {
    number: u64,
    complete: bool,
    present: Present,
}

impl<'a> Watching<'a> {
    pub(super) fn new(told: &'a Told, truth: &'a Truth) -> Self {
        Self {
            told,
            truth,
            known: HashMap::new(),
        }
    }

    /// A gap was told: a new list must come.
    pub(super) fn gap(&mut self, channel: &str) {
        self.known.remove(channel);
    }

    /// What is wrong with a list or a change.
    pub(super) fn hear(&mut self, got: &'a Got) -> Option<String> {
        let wrong = match got {
            Got::Members {
                channel,
                number,
                members,
                last,
            } => self.list(channel, *number, members, *last),
            Got::Presence {
                number,
                change,
                member,
            } => self.change(*number, *change, member),
            _ => None,
        };
        wrong.map(|what| format!("{what}: {}", short(got)))
    }

    fn list(
        &mut self,
        channel: &'a str,
        number: u64,
        members: &[(String, String)],
        last: bool,
    ) -> Option<&'static str> {
        let entry = self.told.wish.decides(channel)?;
        if !entry.presence || entry.is_pattern() {
            return Some("a list that nobody asked for");
        }
        let fresh = Known {
            number,
            complete: false,
            present: Present::new(),
        };
        let known = match self.known.remove(channel) {
            Some(known) if known.complete && known.number > number => {
                return Some("a list from before");
            }
            Some(known) if !known.complete && known.number != number => {
                return Some("a list of two numbers");
            }
            Some(known) if !known.complete => known,
            _ => fresh,
        };
        let known = self.known.entry(channel).or_insert(known);
        known.complete = last;
        let mut wrong = None;
        for (id, profile) in members {
            if known.present.insert(id.clone(), profile.clone()).is_some() {
                wrong = Some("listed twice");
            }
        }
        wrong
    }

    fn change(
        &mut self,
        number: u64,
        change: Change,
        (channel, id, profile): &'a (String, String, String),
    ) -> Option<&'static str> {
        let Some(known) = self.known.get_mut(channel.as_str()) else {
            return Some("a change without a list");
        };
        if !known.complete {
            return Some("a change inside a list");
        }
        if known.number >= number {
            return Some("a change that the list had");
        }
        known.number = number;
        let was = match change {
            Change::Left => known.present.remove(id),
            _ => known.present.insert(id.clone(), profile.clone()),
        };
        if was.is_some() != (change != Change::Joined) {
            return Some("not as it was");
        }
        let changes = self.truth.changes.as_ref()?;
        let same = changes.iter().any(|changed| {
            changed.channel == channel
                && changed.id == *id
                && changed.change == change
                && (changed.after + 1..=changed.through).contains(&number)
        });
        (!same).then_some("did not happen")
    }

    /// What differs from the `members` that there are.
    pub(super) fn quiet(&self, members: &BTreeMap<&str, Present>) -> Option<String> {
        let watched = self
            .told
            .wish
            .0
            .iter()
            .filter(|entry| entry.presence && !entry.is_pattern());
        let mut differing = watched
            .filter(|entry| !entry.text.is_empty())
            .filter(|entry| {
                let known = self.known.get(entry.text);
                known.is_none_or(|known| !known.complete || known.present != members[entry.text])
            });
        let entry = differing.next()?;
        let known = self
            .known
            .get(entry.text)
            .map(|known| (known.complete, ids(&known.present)));
        let real = ids(&members[entry.text]);
        Some(format!(
            "in {:?} are {real:?}, told was {known:?}",
            entry.text
        ))
    }
}

fn ids(present: &Present) -> Vec<String> {
    let id = |(id, profile): (&String, &String)| format!("{}:{}", &id[..4], profile.len());
    present.iter().map(id).collect()
}

fn short(got: &Got) -> String {
    format!("{got:?}").chars().take(200).collect()
}
