//! Streams that come to listen to something else.

use fanfare::model::Error;

use super::World;
use crate::hub::lives::client::Stream;
use crate::hub::lives::record::{Entry, Turned, Wish};
use crate::hub::support::observe;

impl World {
    /// The client joins what of these is new to it.
    pub(super) fn join(&mut self, client: usize, entries: &[Entry]) {
        let fresh = self.clients[client].0.wish.fresh(entries);
        self.turn(client, |world, stream, wish| {
            let before = world.newest();
            let joins = fresh.0.iter().map(Entry::join).collect();
            let from = stream.subscription.join(joins).unwrap();
            assert_eq!(from, before, "from where it was");
            let (id, serial) = (&stream.told.member, stream.serial);
            let steps = world.model.join(id, serial, fresh.memberships());
            world.changed(steps.expect("its member's stream"), before);
            (wish.with(&fresh), from)
        });
    }

    /// The client leaves what stands at these places of its wish.
    pub(super) fn leave(&mut self, client: usize, picks: &[usize]) {
        let left = self.clients[client].0.wish.picked(picks);
        self.turn(client, |world, stream, wish| {
            let before = world.newest();
            let texts: Vec<_> = left.0.iter().map(Entry::pattern).collect();
            stream.subscription.leave(&texts);
            let (id, serial) = (&stream.told.member, stream.serial);
            let steps = world.model.part(id, serial, &left.memberships());
            world.changed(steps, before);
            (wish.without(&left), before)
        });
    }

    fn turn(
        &mut self,
        client: usize,
        apply: impl FnOnce(&mut Self, &mut Stream, &Wish) -> (Wish, u64),
    ) {
        let Some(mut stream) = self.clients[client].1.take() else {
            return;
        };
        if stream.end.is_none() {
            let known = &self.clients[client].0.wish.clone();
            let (wish, from) = apply(self, &mut stream, known);
            self.clients[client].0.wish = wish.clone();
            let through = self.newest();
            stream.turned(Turned {
                wish,
                from,
                through,
            });
        }
        self.clients[client].1 = Some(stream);
    }

    /// A stream whose member is on another one joins nothing any more.
    pub(super) fn refuse(stream: &mut Stream) {
        let refused = stream.subscription.join(vec![observe("nobody.here")]);
        assert!(matches!(refused, Err(Error::Replaced)), "{refused:?}");
    }

    /// How many streams would get an event, but for those that were replaced.
    pub(super) fn recipients(&self, channel: &str, noise: bool) -> usize {
        let open = self.clients.iter().filter(|(_, stream)| stream.is_some());
        let counted = open.filter(|(client, _)| client.wish.counts(channel, noise));
        counted.count()
    }
}
