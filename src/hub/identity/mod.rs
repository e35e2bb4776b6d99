//! Who is connected: each member's profile, and the channels that it is in.
//!
//! Membership belongs to the member, not to its stream, so that a stream which
//! breaks can be taken up by another one and the others see nothing of it.
//!
//! Locks are taken in the order member, registry, channel.

mod turn;

use std::borrow::Borrow;
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::mem;

use bytes::Bytes;
use smallvec::SmallVec;
use tokio::time::Instant;

use super::channel::Channel;
use super::stream::subscription::StreamReader;
use super::sync::{Arc, Mutex, Ordering, lock};
use super::{Hub, Node};
use crate::model::{ChannelName, Error, Member, MemberId};

pub(super) use turn::Turn;

/// The connected members of the node, and those whose stream broke.
#[derive(Debug, Default)]
pub(super) struct Identities {
    by_id: Mutex<HashSet<Known>>,
    /// Members without a stream, and until when they may come back.
    away: Mutex<HashMap<MemberId, Away>>,
}

/// A member, to be found by its id.
#[derive(Debug)]
struct Known(Arc<Identity>);

impl Borrow<MemberId> for Known {
    fn borrow(&self) -> &MemberId {
        &self.0.id
    }
}

impl Hash for Known {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.id.hash(state);
    }
}

impl PartialEq for Known {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl Eq for Known {}

/// A member whose stream broke, and until when it may come back.
#[derive(Debug)]
struct Away {
    until: Instant,
    turn: Turn,
}

/// One member.
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) id: MemberId,
    standing: Mutex<Standing>,
}

/// The channels that a member is in, mostly one, and its place among their
/// members.
type Places = SmallVec<[(Arc<Channel>, u64); 1]>;

#[derive(Debug, Default)]
struct Standing {
    profile: Bytes,
    places: Places,
    /// The stream that it has, which may be gone already.
    reader: Option<Arc<StreamReader>>,
    /// Counts its streams.
    turn: u64,
    /// It has left for good.
    gone: bool,
}

impl Identities {
    /// The member of this id, if it is connected.
    pub(super) fn get(&self, id: &MemberId) -> Option<Arc<Identity>> {
        lock(&self.by_id).get(id).map(|Known(it)| Arc::clone(it))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        lock(&self.by_id).len()
    }

    /// Lets those leave who have been away for too long. O(those away).
    pub(super) fn expire(&self, node: &Node, now: Instant) {
        let late: Vec<_> = lock(&self.away)
            .extract_if(|_, away| away.until <= now)
            .collect();
        for (_, Away { turn, .. }) in late {
            turn.over(node);
        }
    }

    fn enter(&self, id: &MemberId) -> Arc<Identity> {
        let mut by_id = lock(&self.by_id);
        if let Some(Known(known)) = by_id.get(id) {
            return Arc::clone(known);
        }
        let fresh = Arc::new(Identity {
            id: id.clone(),
            standing: Mutex::default(),
        });
        by_id.insert(Known(Arc::clone(&fresh)));
        fresh
    }
}

impl Identity {
    /// As [`Hub::update`]. None if the member has left.
    pub(super) fn update(
        &self,
        node: &Node,
        change: impl FnOnce(&Bytes) -> Result<Bytes, Error>,
    ) -> Option<Result<Bytes, Error>> {
        let standing = &mut *lock(&self.standing);
        if standing.gone {
            return None;
        }
        let changed = change(&standing.profile);
        if let Ok(profile) = &changed {
            standing.profile = profile.clone();
            for (channel, place) in &standing.places {
                channel.alter(node, *place, profile);
            }
        }
        Some(changed)
    }

    /// Leaves for good, unless a stream has taken its `turn` since.
    fn leave(&self, node: &Node, turn: u64) {
        let mut standing = lock(&self.standing);
        if standing.turn == turn && !standing.gone {
            standing.leave(node, &self.id);
        }
    }
}

impl Standing {
    fn move_to(
        &mut self,
        hub: &Hub,
        id: &MemberId,
        profile: Bytes,
        names: &[&ChannelName],
    ) -> Result<Vec<Arc<Channel>>, Error> {
        let node = &hub.node;
        let mut before: HashMap<_, _> = mem::take(&mut self.places)
            .into_iter()
            .map(|(channel, place)| (channel.name().to_owned(), (channel, place)))
            .collect();
        let (mut kept, mut fresh) = (Places::new(), Places::new());
        let mut channels = Vec::with_capacity(names.len());
        for name in names {
            let place = match before.remove(name.as_str()) {
                Some(place) => {
                    kept.push(place);
                    &kept[kept.len() - 1]
                }
                None => match join(hub, id, &profile, name) {
                    Ok(place) => {
                        fresh.push(place);
                        &fresh[fresh.len() - 1]
                    }
                    Err(error) => {
                        dismiss(node, fresh);
                        self.places = before.into_values().chain(kept).collect();
                        return Err(error);
                    }
                },
            };
            channels.push(Arc::clone(&place.0));
        }
        dismiss(node, before.into_values().collect());
        if self.profile != profile {
            for (channel, place) in &kept {
                channel.alter(node, *place, &profile);
            }
        }
        self.profile = profile;
        self.places = kept;
        self.places.append(&mut fresh);
        self.places.shrink_to_fit();
        Ok(channels)
    }

    fn leave(&mut self, node: &Node, id: &MemberId) {
        self.gone = true;
        dismiss(node, mem::take(&mut self.places));
        let mut by_id = lock(&node.identities.by_id);
        by_id.remove(id);
        if by_id.is_empty() {
            by_id.shrink_to_fit();
        }
    }
}

fn join(
    hub: &Hub,
    id: &MemberId,
    profile: &Bytes,
    name: &ChannelName,
) -> Result<(Arc<Channel>, u64), Error> {
    let node = &hub.node;
    node.reserve(1).map_err(|reached| node.error(reached))?;
    // From 1: 0 is before the first page.
    let place = node.joins.fetch_add(1, Ordering::Relaxed) + 1;
    let member = Member {
        id: id.clone(),
        profile: profile.clone(),
        join_time: node.clock.now(),
    };
    loop {
        match hub.channel(name) {
            Ok(channel) if channel.admit(node, place, &member) => return Ok((channel, place)),
            Ok(_) => {}
            Err(error) => {
                node.release(1);
                return Err(error);
            }
        }
    }
}

fn dismiss(node: &Node, places: Places) {
    node.release(places.len());
    for (channel, place) in places {
        channel.dismiss(node, place);
    }
}
