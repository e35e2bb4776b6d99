//! Clients that come, as whom they were or anew, and are cut.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use fanfare::hub::{Start, Subscribe};
use fanfare::model::MemberId;
use tokio::time::Duration;

use super::{START, World, profile};
use crate::hub::lives::client::Stream;
use crate::hub::lives::members::until;
use crate::hub::lives::record::Told;
use crate::hub::lives::steps::{Come, From};
use crate::hub::support::ending;

impl World {
    pub(super) fn come(&mut self, come: &Come) {
        let life = self.truths.len() - 1;
        let client = &self.clients[come.client].0;
        let member = client.known(life).filter(|_| come.as_member);
        let stays = come.replaces && member.is_some();
        let start = match come.from {
            From::Position => client.resume(life),
            From::Live => Start::Live,
            From::Anew => Start::Anew,
            From::Last(count) => Start::Last(count),
            From::Since(ago) => {
                let now = START + self.began.elapsed().as_secs();
                Start::Since(UNIX_EPOCH + Duration::from_secs(now + 20 - ago))
            }
        };
        if stays {
            self.replaced.extend(self.clients[come.client].1.take());
        } else {
            self.cut(come.client, come.broke);
        }
        self.open(come, start, member);
    }

    fn open(&mut self, come: &Come, start: Start, member: Option<MemberId>) {
        let wish = self.clients[come.client].0.wish.clone();
        let before = self.newest();
        let broke = Arc::clone(&self.broke);
        let profile = come.profile.map(profile);
        let carrier = ending(move || broke.load(Ordering::Relaxed));
        let mut subscription = self.hub.open(Some(carrier)).unwrap();
        let request = Subscribe {
            start,
            profile: profile.clone().map(Bytes::from),
            member,
            ..wish.request()
        };
        subscription.subscribe(request).unwrap();
        // A profile that was told may have cost a log its oldest events.
        let kept = self.kept();
        let id = subscription.member().to_string();
        for old in self.replaced.iter_mut().filter(|old| old.told.member == id) {
            old.told.replaced = true;
        }
        self.streams += 1;
        let steps = self
            .model
            .come(&id, self.streams, wish.memberships(), profile);
        self.changed(steps, before);
        let told = Told {
            life: self.truths.len() - 1,
            client: come.client,
            wish,
            member: id,
            start,
            position: subscription.position(),
            recovered: subscription.recovered(),
            before,
            kept: Some(kept),
            replaced: false,
            notes: Vec::new(),
        };
        let (client, stream) = &mut self.clients[come.client];
        client.ready(&told);
        *stream = Some(Stream::new(subscription, told, self.streams));
    }

    pub(super) fn cut(&mut self, client: usize, broke: bool) {
        if let Some(stream) = self.clients[client].1.take() {
            self.bury_one(stream, broke);
        }
    }

    fn bury_one(&mut self, stream: Stream, broke: bool) {
        let Stream {
            subscription,
            told,
            serial,
            ..
        } = stream;
        let before = self.newest();
        self.broke.store(broke, Ordering::Relaxed);
        drop(subscription);
        let until = until(broke, self.limits.leave_grace);
        let steps = self.model.drop(&told.member, serial, until);
        self.changed(steps, before);
        self.told.push(told);
    }

    /// The streams whose member is on another one end, and are dropped.
    pub(super) fn bury(&mut self) {
        for mut stream in std::mem::take(&mut self.replaced) {
            Self::refuse(&mut stream);
            loop {
                let notes: Vec<_> = stream
                    .poll()
                    .into_iter()
                    .map(|got| self.note(got))
                    .collect();
                if notes.is_empty() {
                    break;
                }
                stream.coming.extend(notes);
            }
            while stream.take(None) {}
            assert!(stream.end.is_some(), "a stream that was replaced ends");
            let broke = stream.serial % 2 == 0;
            self.bury_one(stream, broke);
        }
    }
}
