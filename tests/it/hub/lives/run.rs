//! One life: steps that are applied to a hub, under paused time, and all of
//! it recorded.

mod come;
mod look;
mod turn;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use fanfare::hub::{Counts, Hub, Limits, Range};
use fanfare::model::MemberId;
use tokio::time::{Duration, Instant, advance};

use super::client::{Client, Stream};
use super::members::{Model, Step as Change};
use super::record::{CHANNELS, Changed, Sent, Told, Truth, Wish};
use super::steps::{Send, Step};
use crate::hub::support::{event, hub, name};

pub(crate) use look::present;

/// Seconds at which the clock of senders starts.
const START: u64 = 1_000;

/// As the clock of senders counts.
pub(super) fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A node, its clients, and what is known of both.
pub(super) struct World {
    limits: Limits,
    hub: Hub,
    began: Instant,
    truths: Vec<Truth>,
    told: Vec<Told>,
    clients: Vec<(Client, Option<Stream>)>,
    /// Streams whose member came back on another one.
    replaced: Vec<Stream>,
    model: Model,
    streams: usize,
    /// The highest number that is gone with channels that have left.
    dropped: u64,
    /// The channels that there are, and what was dropped when they came.
    there: BTreeMap<&'static str, u64>,
    broke: Arc<AtomicBool>,
}

/// Lives it, and gives what there is to verify.
pub(super) async fn live(
    limits: Limits,
    wishes: Vec<Wish>,
    steps: Vec<Step>,
) -> (Vec<Truth>, Vec<Told>) {
    let mut world = World::new(limits, wishes);
    for step in steps {
        world.step(step).await;
        world.look();
    }
    world.quiet();
    world.close().await;
    (world.truths, world.told)
}

impl World {
    fn new(limits: Limits, wishes: Vec<Wish>) -> Self {
        let none = |wish| (Client::new(wish), None);
        Self {
            hub: hub(limits.clone()),
            limits,
            began: Instant::now(),
            truths: vec![fresh()],
            told: Vec::new(),
            clients: wishes.into_iter().map(none).collect(),
            replaced: Vec::new(),
            model: Model::default(),
            streams: 0,
            dropped: 0,
            there: BTreeMap::new(),
            broke: Arc::default(),
        }
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Send(send) => self.send(&send),
            Step::Poll { client, frames } => self.read(client, frames),
            Step::Read { client } => while self.poll(client) {},
            Step::Come(come) => self.come(&come),
            Step::Join { client, entries } => self.join(client, &entries),
            Step::Leave { client, picks } => self.leave(client, &picks),
            Step::Cut { client, broke } => self.cut(client, broke),
            Step::Update { client, profile } => self.update(client, profile),
            Step::Sweep => self.sweep(),
            Step::Pass { seconds } => advance(Duration::from_secs(seconds)).await,
            Step::Quiet => self.quiet(),
            Step::Restart => self.restart(),
        }
        if self.replaced.len() > 1 {
            self.bury();
        }
    }

    /// The newest number of the node.
    fn newest(&self) -> u64 {
        let probe = name("nobody.here");
        self.hub.history(&probe, Range::default(), 1, 1).position
    }

    fn send(&mut self, send: &Send) {
        let channel = CHANNELS[send.channel];
        let member = self
            .clients
            .get(send.sender)
            .and_then(|(client, _)| client.member.clone());
        let sender = member.map_or_else(String::new, |(_, id)| id);
        let published = START + self.began.elapsed().as_secs() + 20 - send.back;
        let mut frame = event(
            if send.noise { "noise" } else { "signal" },
            &sender,
            &"x".repeat(send.size),
        );
        frame.published = published * 1_000_000_000;
        let receipt = match channel {
            "" => self.hub.broadcast(frame, None),
            channel => self.hub.send(&name(channel), frame, None),
        };
        let receipt = receipt.unwrap();
        let recipients = receipt.recipients as usize;
        let sure = self.recipients(channel, send.noise);
        // A stream that was replaced counts until it has noticed.
        let most = sure + self.replaced.len();
        assert!(
            (sure..=most).contains(&recipients),
            "{recipients} of {sure} to {most} in {channel:?}"
        );
        let what = Sent {
            channel,
            noise: send.noise,
            sender,
            published,
        };
        let number = receipt.sequence;
        let truth = self.truths.last_mut().unwrap();
        assert!(truth.sent.insert(number, what).is_none());
    }

    /// Takes some frames of a client's stream, of one chunk at most.
    fn read(&mut self, client: usize, frames: usize) {
        if let (_, Some(stream)) = &mut self.clients[client]
            && stream.coming.is_empty()
        {
            self.fetch(client);
        }
        let (client, stream) = &mut self.clients[client];
        if let Some(stream) = stream {
            for _ in 0..frames {
                stream.take(Some(client));
            }
        }
    }

    /// Takes what has come, and a chunk more; false if there was none.
    fn poll(&mut self, client: usize) -> bool {
        let more = self.fetch(client);
        let (client, stream) = &mut self.clients[client];
        let taken = stream.iter_mut().any(|stream| stream.take(Some(client)));
        while stream
            .as_mut()
            .is_some_and(|stream| stream.take(Some(client)))
        {}
        more || taken
    }

    fn fetch(&mut self, client: usize) -> bool {
        let Some(mut stream) = self.clients[client].1.take() else {
            return false;
        };
        let got = stream.poll();
        let notes: Vec<_> = got.into_iter().map(|got| self.note(got)).collect();
        let more = !notes.is_empty();
        stream.coming.extend(notes);
        self.clients[client].1 = Some(stream);
        more
    }

    fn update(&mut self, client: usize, change: usize) {
        let Some((life, id)) = self.clients[client].0.member.clone() else {
            return;
        };
        let (before, profile) = (self.newest(), profile(change));
        let new = Bytes::from(profile.clone());
        let updated = self.hub.update(&MemberId::of(&id), |_| Ok(new)).is_ok();
        let steps = self.model.update(&id, profile);
        assert_eq!(updated, steps.is_some(), "connected or not, in {life}");
        self.changed(steps.unwrap_or_default(), before);
    }

    fn sweep(&mut self) {
        let before = self.newest();
        self.hub.sweep_all();
        let steps = self.model.expire(Instant::now());
        self.changed(steps, before);
    }

    fn changed(&mut self, steps: Vec<Change>, after: u64) {
        let through = self.newest();
        let changed = |(channel, id, change)| Changed {
            channel,
            id,
            change,
            after,
            through,
        };
        let known = &mut self.truths.last_mut().unwrap().changes;
        known
            .get_or_insert_default()
            .extend(steps.into_iter().map(changed));
    }

    /// Nothing stays behind.
    async fn close(&mut self) {
        self.bury();
        (0..self.clients.len()).for_each(|client| self.cut(client, true));
        assert_eq!(self.hub.waiting_places(), 0);
        for _ in 0..3 {
            advance(Duration::from_secs(61)).await;
            self.sweep();
        }
        let counts = self.hub.counts();
        let new = hub(self.limits.clone()).counts();
        assert_eq!(counts, Counts { ..new }, "nothing stays behind");
    }

    fn restart(&mut self) {
        self.bury();
        (0..self.clients.len()).for_each(|client| self.cut(client, true));
        self.hub = hub(self.limits.clone());
        self.truths.push(fresh());
        self.model = Model::default();
        self.dropped = 0;
        self.there = BTreeMap::new();
    }
}

fn fresh() -> Truth {
    Truth {
        changes: Some(Vec::new()),
        ..Truth::default()
    }
}

/// A profile of some bytes or of tens of KiB.
fn profile(change: usize) -> String {
    let big = change.is_multiple_of(4);
    let size = if big { 30_000 + change } else { change };
    "p".repeat(size)
}
