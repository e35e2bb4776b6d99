//! Who is in a channel: the list of its members, and each change after it.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::de::{DeserializeOwned, IntoDeserializer};
use serde_json::{Map, Value};

use crate::rpc::client::{self as proto, profile_fields};

/// One stream that is in a channel.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Member {
    /// Its id, the same in every channel.
    pub id: String,
    /// Its profile as last set; empty if none ever was.
    pub profile: Map<String, Value>,
    /// When it joined the channel, by the node's clock.
    pub join_time: Option<SystemTime>,
    /// Who its credential says it is; empty without authentication.
    pub subject: String,
}

impl Member {
    /// Its profile, as a type of yours.
    ///
    /// # Errors
    ///
    /// The profile has another form.
    pub fn profile<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        let profile = Value::Object(self.profile.clone());
        T::deserialize(profile.into_deserializer())
    }
}

impl From<proto::Member> for Member {
    fn from(member: proto::Member) -> Self {
        Self {
            id: member.id,
            profile: member.data.as_ref().map(profile_fields).unwrap_or_default(),
            join_time: member.join_time.and_then(|time| time.try_into().ok()),
            subject: member.subject,
        }
    }
}

/// News of a channel that was subscribed [with presence](super::Channel::presence).
#[derive(Clone, Debug, PartialEq)]
pub enum Presence {
    /// Who is there, in place of all that was known: at first, and after every
    /// return or gap.
    Members(Members),
    /// What became of one of them.
    Changed(Change),
}

/// Everyone in a channel as of one number.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Members {
    /// The channel.
    pub channel: String,
    /// All its members, this stream's own among them if it is one.
    pub members: Vec<Member>,
    /// The number as of which they are there.
    pub sequence: u64,
}

/// One change among the members of a channel.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Change {
    /// The channel.
    pub channel: String,
    /// What changed.
    pub kind: ChangeKind,
    /// The member after the change; of one that left the id alone.
    pub member: Member,
    /// The number of the change.
    pub sequence: u64,
}

/// What changed about a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChangeKind {
    /// It joined.
    Joined,
    /// It left.
    Left,
    /// Its profile changed.
    Updated,
    /// Something that a later version knows.
    Unknown,
}

impl From<proto::Presence> for Change {
    fn from(change: proto::Presence) -> Self {
        use proto::PresenceKind as Told;
        let kind = match change.kind() {
            Told::Joined => ChangeKind::Joined,
            Told::Left => ChangeKind::Left,
            Told::Updated => ChangeKind::Updated,
            Told::Unspecified => ChangeKind::Unknown,
        };
        Self {
            channel: change.channel,
            kind,
            member: change.member.unwrap_or_default().into(),
            sequence: change.sequence,
        }
    }
}

/// Lists on their way, by channel: a large one comes in parts.
#[derive(Debug, Default)]
pub(super) struct Lists(BTreeMap<String, Members>);

impl Lists {
    /// Takes a part, and gives the list if that was the last.
    pub(super) fn take(&mut self, part: proto::MembersSnapshot) -> Option<Members> {
        let empty = || Members {
            channel: part.channel.clone(),
            members: Vec::new(),
            sequence: part.sequence,
        };
        let list = self.0.entry(part.channel.clone()).or_insert_with(empty);
        if list.sequence != part.sequence {
            // The rest of the older list does not come any more.
            *list = empty();
        }
        list.members
            .extend(part.members.into_iter().map(Into::into));
        if part.last {
            return self.0.remove(&part.channel);
        }
        None
    }

    /// A new stream has begun, with lists of its own.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(channel: &str, ids: &[&str], sequence: u64, last: bool) -> proto::MembersSnapshot {
        let member = |id: &&str| proto::Member {
            id: (*id).to_owned(),
            ..proto::Member::default()
        };
        proto::MembersSnapshot {
            channel: channel.to_owned(),
            members: ids.iter().map(member).collect(),
            sequence,
            last,
        }
    }

    fn ids(list: Option<Members>) -> Option<Vec<String>> {
        let list = list?.members.into_iter();
        Some(list.map(|member| member.id).collect())
    }

    fn listed(ids: &[&str]) -> Vec<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    #[test]
    fn a_list_is_whole_with_its_last_part() {
        let mut lists = Lists::default();
        assert_eq!(lists.take(part("c", &["a"], 7, false)), None);
        assert_eq!(
            ids(lists.take(part("d", &["x"], 8, true))),
            Some(listed(&["x"]))
        );
        assert_eq!(
            ids(lists.take(part("c", &["b"], 7, true))),
            Some(listed(&["a", "b"]))
        );
        assert_eq!(ids(lists.take(part("c", &[], 9, true))), Some(listed(&[])));
    }

    #[test]
    fn a_list_that_was_not_finished_is_thrown_away() {
        let mut lists = Lists::default();
        lists.take(part("c", &["a"], 7, false));
        assert_eq!(
            ids(lists.take(part("c", &["b"], 9, true))),
            Some(listed(&["b"]))
        );
        lists.take(part("c", &["a"], 10, false));
        lists.clear();
        assert_eq!(
            ids(lists.take(part("c", &["b"], 10, true))),
            Some(listed(&["b"]))
        );
    }
}
