//! The rules of presence: a list and the changes after it are who is there.

use std::collections::{BTreeMap, HashMap};

use fanfare::hub::Change;

use super::record::{Present, Truth, Wish};
use crate::hub::support::Got;

/// What a stream knows of the members of the channels that it watches.
pub(super) struct Watching<'a> {
    wish: &'a Wish,
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
    pub(super) fn new(wish: &'a Wish, truth: &'a Truth) -> Self {
        Self {
            wish,
            truth,
            known: HashMap::new(),
        }
    }

    /// It listens to something else from here on: of what is no longer watched
    /// nothing is known.
    pub(super) fn turn(&mut self, wish: &'a Wish) {
        let before = std::mem::replace(&mut self.wish, wish).watched();
        for text in before.filter(|text| wish.watched().all(|watched| watched != *text)) {
            self.known.remove(text);
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
        if self.wish.watched().all(|watched| watched != channel) {
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
        let mut differing = self.wish.watched().filter(|text| {
            let known = self.known.get(text);
            known.is_none_or(|known| !known.complete || known.present != members[text])
        });
        let text = differing.next()?;
        let known = self.known.get(text);
        let known = known.map(|known| (known.complete, ids(&known.present)));
        let real = ids(&members[text]);
        Some(format!("in {text:?} are {real:?}, told was {known:?}"))
    }
}

fn ids(present: &Present) -> Vec<String> {
    let id = |(id, profile): (&String, &String)| format!("{}:{}", &id[..4], profile.len());
    present.iter().map(id).collect()
}

fn short(got: &Got) -> String {
    format!("{got:?}").chars().take(200).collect()
}
