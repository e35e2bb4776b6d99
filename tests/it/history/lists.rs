//! What a reader knows of the members of its channels: the lists and changes
//! that it was told, put together, and compared with the node's at the end.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use fanfare::rpc::client::{Member, PresenceKind};

use super::record::{Frame, History, Reader};

/// A list of members, by id.
#[derive(Default)]
struct List {
    members: BTreeMap<String, Member>,
    as_of: u64,
    is_whole: bool,
}

impl List {
    fn hear(&mut self, members: &[Member], sequence: u64, last: bool) -> Option<String> {
        if self.is_whole {
            *self = Self::default();
        }
        let is_torn = !self.members.is_empty() && self.as_of != sequence;
        let members = members.iter().cloned();
        self.members
            .extend(members.map(|member| (member.id.clone(), member)));
        (self.as_of, self.is_whole) = (sequence, last);
        is_torn.then(|| format!("a list goes on as of {sequence}"))
    }

    fn change(&mut self, kind: PresenceKind, member: &Member, sequence: u64) -> Option<String> {
        if !self.is_whole || sequence <= self.as_of {
            return Some(format!(
                "{kind:?} at {sequence}, in a list as of {}",
                self.as_of
            ));
        }
        self.as_of = sequence;
        let before = if kind == PresenceKind::Left {
            self.members.remove(&member.id)
        } else {
            self.members.insert(member.id.clone(), member.clone())
        };
        let was_there = kind != PresenceKind::Joined;
        (before.is_some() != was_there).then(|| format!("{kind:?} at {sequence} of {}", member.id))
    }
}

/// Says what is wrong with what a reader was told of members.
pub(super) fn judge_lists(reader: &Reader, history: &History) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut lists = HashMap::new();
    for stream in &reader.streams {
        lists.clear();
        let said = stream.frames.iter();
        wrong.extend(said.filter_map(|frame| hear(&mut lists, reader, frame)));
    }
    if reader.is_at_the_end {
        wrong.extend(judge_end(reader, &lists, history));
    }
    wrong
}

fn hear<'a>(
    lists: &mut HashMap<&'a str, List>,
    reader: &Reader,
    frame: &'a Frame,
) -> Option<String> {
    let (channel, said) = match frame {
        Frame::Members {
            channel,
            members,
            sequence,
            last,
        } => {
            let list = lists.entry(channel.as_str()).or_default();
            (channel, list.hear(members, *sequence, *last))
        }
        Frame::Presence {
            channel,
            kind,
            member,
            sequence,
        } => {
            let list = lists.entry(channel.as_str()).or_default();
            (channel, list.change(*kind, member, *sequence))
        }
        // A new list follows.
        Frame::Gap(gap) => {
            lists.remove(gap.channel.as_str());
            return None;
        }
        Frame::Event(_) | Frame::Position(_) => return None,
    };
    let is_watched = reader.choice.watched.contains(channel);
    let unwatched = (!is_watched).then(|| "and nobody asked".to_owned());
    let said = said.or(unwatched)?;
    Some(format!("members of {channel:?}: {said}"))
}

/// The lists are the node's, and the reader is in its channels.
fn judge_end(reader: &Reader, lists: &HashMap<&str, List>, history: &History) -> Vec<String> {
    let mut wrong = Vec::new();
    let Some(stream) = reader.streams.last() else {
        return vec!["no stream at the end".to_owned()];
    };
    for (channel, listed) in &history.listed {
        let ids: BTreeSet<_> = listed.iter().map(|member| &member.id).collect();
        let is_in = reader.choice.joined.contains(channel);
        if is_in != ids.contains(&stream.member) {
            wrong.push(format!("in {channel:?}: {is_in}, but listed are {ids:?}"));
        }
        if !reader.choice.watched.contains(channel) {
            continue;
        }
        let list = lists.get(channel.as_str()).filter(|list| list.is_whole);
        let known = list.map(|list| list.members.values().collect::<Vec<_>>());
        let mut listed: Vec<_> = listed.iter().collect();
        listed.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        if known.as_ref() != Some(&listed) {
            wrong.push(format!("of {channel:?} knows {known:?}, not {listed:?}"));
        }
    }
    wrong
}
