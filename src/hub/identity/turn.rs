//! A member in the hands of one stream, until a newer one takes it up.

use std::collections::HashSet;
use std::mem;

use bytes::Bytes;
use tokio::time::Instant;

use super::super::channel::Channel;
use super::super::stream::subscription::{End, Mail, StreamReader};
use super::super::sync::{Arc, lock};
use super::super::{Hub, Node};
use super::{Away, Identity, Places, Standing, dismiss};
use crate::model::{ChannelName, Error, MemberId};

/// A member in the hands of one of its streams.
#[derive(Clone, Debug)]
pub(in crate::hub) struct Turn {
    pub(in crate::hub) identity: Arc<Identity>,
    number: u64,
}

impl Turn {
    /// Makes `reader` the stream of the member `id`, which is then in these
    /// channels and in no others, and gives the channels. A place that it has
    /// already it keeps. O(channels).
    ///
    /// # Errors
    ///
    /// As [`Hub::subscribe`]; then all is as before.
    pub(in crate::hub) fn begin(
        hub: &Hub,
        id: &MemberId,
        reader: &Arc<StreamReader>,
        profile: Option<Bytes>,
        names: &[&ChannelName],
    ) -> Result<(Self, Vec<Arc<Channel>>), Error> {
        let node = &hub.node;
        loop {
            let identity = node.identities.enter(id);
            let mut standing = lock(&identity.standing);
            if standing.gone {
                continue;
            }
            let profile = profile.unwrap_or_else(|| standing.profile.clone());
            let channels = standing.move_to(hub, id, profile, names);
            if channels.is_err() && standing.turn == 0 {
                standing.leave(node, id);
            }
            let channels = channels?;
            standing.turn += 1;
            let number = standing.turn;
            let before = standing.reader.replace(Arc::clone(reader));
            drop(standing);
            let replaced = |mail: &mut Mail| mail.get_or_insert_default().end = Some(End::Replaced);
            if let Some(waker) = before.and_then(|reader| reader.post(replaced)) {
                waker.wake();
            }
            return Ok((Self { identity, number }, channels));
        }
    }

    /// Ends the stream's turn. The member leaves its channels, unless it has
    /// another stream or the `grace` to find one.
    pub(in crate::hub) fn end(&self, node: &Node, may_return: bool) {
        let grace = node.limits.leave_grace;
        if !may_return || grace.is_zero() {
            return self.over(node);
        }
        let mut standing = lock(&self.identity.standing);
        if !self.holds(&standing) {
            return;
        }
        if standing.places.is_empty() {
            return standing.leave(node, &self.identity.id);
        }
        // A session that could not take it up may ask again, or be another.
        standing.reader = None;
        let away = Away {
            until: Instant::now() + grace,
            turn: self.clone(),
        };
        let id = self.identity.id.clone();
        lock(&node.identities.away).insert(id, away);
    }

    /// Has the member leave for good, unless it has another stream.
    pub(super) fn over(&self, node: &Node) {
        self.identity.leave(node, self.number);
    }

    /// Has the member join more channels, and gives them. O(channels).
    ///
    /// # Errors
    ///
    /// [`Error::Replaced`] by a newer stream; else as [`Hub::subscribe`]. Then
    /// all is as before.
    pub(in crate::hub) fn join(
        &self,
        hub: &Hub,
        names: &[&ChannelName],
    ) -> Result<Vec<Arc<Channel>>, Error> {
        let standing = &mut *lock(&self.identity.standing);
        if !self.holds(standing) {
            return Err(Error::Replaced);
        }
        let mut fresh = Places::with_capacity(names.len());
        for name in names {
            match super::join(hub, &self.identity.id, &standing.profile, name) {
                Ok(place) => fresh.push(place),
                Err(error) => {
                    dismiss(&hub.node, fresh);
                    return Err(error);
                }
            }
        }
        let channels = fresh.iter().map(|(channel, _)| Arc::clone(channel));
        let channels = channels.collect();
        standing.places.append(&mut fresh);
        Ok(channels)
    }

    /// Has the member leave these channels. O(its channels).
    pub(in crate::hub) fn leave(&self, node: &Node, names: &HashSet<&str>) {
        let standing = &mut *lock(&self.identity.standing);
        if self.holds(standing) {
            let places = mem::take(&mut standing.places).into_iter();
            let (left, kept) = places.partition(|(channel, _)| names.contains(channel.name()));
            standing.places = kept;
            dismiss(node, left);
        }
    }

    fn holds(&self, standing: &Standing) -> bool {
        standing.turn == self.number && !standing.gone
    }
}
