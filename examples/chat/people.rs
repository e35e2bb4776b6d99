//! Who is in the room, as a list and its changes tell.

use std::collections::BTreeMap;

use fanfare::rpc::client::{self, MembersSnapshot, Presence, PresenceKind, profile_fields};
use prost_types::Struct;

/// Those in the room, by their ids; and a list that has not come whole yet.
#[derive(Default)]
pub(crate) struct People {
    there: BTreeMap<String, Person>,
    coming: BTreeMap<String, Person>,
    coming_as_of: u64,
}

struct Person {
    name: String,
    status: String,
}

impl People {
    /// Takes a part of a list; the last one replaces what was known.
    pub(crate) fn replace(&mut self, list: MembersSnapshot) -> Option<String> {
        if list.sequence != self.coming_as_of {
            self.coming.clear();
            self.coming_as_of = list.sequence;
        }
        let people = list.members.into_iter();
        self.coming
            .extend(people.map(|member| (member.id.clone(), Person::of(&member))));
        if !list.last {
            return None;
        }
        self.there = std::mem::take(&mut self.coming);
        Some(format!("* in the room: {}", self.list()))
    }

    pub(crate) fn change(&mut self, presence: Presence) -> Option<String> {
        let kind = presence.kind();
        let member = presence.member?;
        if kind == PresenceKind::Left {
            let left = self.there.remove(&member.id)?;
            return Some(format!("* {} left", left.name));
        }
        let person = Person::of(&member);
        let line = match kind {
            PresenceKind::Joined => format!("* {} came", person.name),
            _ => format!("* {} is {}", person.name, person.status),
        };
        self.there.insert(member.id, person);
        Some(line)
    }

    fn list(&self) -> String {
        let people = self.there.values();
        let mut people: Vec<_> = people.map(Person::to_string).collect();
        people.sort();
        people.join(", ")
    }
}

impl Person {
    fn of(member: &client::Member) -> Self {
        let fields = member.data.as_ref().map(profile_fields).unwrap_or_default();
        let field = |key: &str| {
            fields
                .get(key)
                .and_then(|value| value.as_str())
                .unwrap_or("?")
        };
        Self {
            name: field("name").to_owned(),
            status: field("status").to_owned(),
        }
    }
}

impl std::fmt::Display for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.name, self.status)
    }
}

/// What others see of a member.
pub(crate) fn profile(name: &str, status: &str) -> Struct {
    let fields = [("name", name), ("status", status)];
    client::profile(
        fields
            .map(|(key, value)| (key.to_owned(), value.into()))
            .into_iter()
            .collect(),
    )
}
