//! What may happen in a life.

use fanfare::hub::Limits;
use proptest::prelude::*;
use tokio::time::Duration;

use super::record::{CHANNELS, Entry, TEXTS, Wish};

pub(super) const CLIENTS: usize = 5;

/// One thing that happens.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Send(Send),
    /// A client takes so many frames, of one chunk at most.
    Poll {
        client: usize,
        frames: usize,
    },
    /// It takes all there is.
    Read {
        client: usize,
    },
    Come(Come),
    /// It joins more, of which it takes what is new.
    Join {
        client: usize,
        entries: Vec<Entry>,
    },
    /// It leaves what stands at these places of its wish.
    Leave {
        client: usize,
        picks: Vec<usize>,
    },
    Cut {
        client: usize,
        broke: bool,
    },
    Update {
        client: usize,
        profile: usize,
    },
    Sweep,
    Pass {
        seconds: u64,
    },
    Quiet,
    Restart,
}

#[derive(Clone, Debug)]
pub(super) struct Send {
    pub(super) channel: usize,
    pub(super) noise: bool,
    pub(super) size: usize,
    /// A client, or nobody.
    pub(super) sender: usize,
    /// How far its clock is behind, in seconds.
    pub(super) back: u64,
}

/// A client comes, after a cut if it was there.
#[derive(Clone, Debug)]
pub(super) struct Come {
    pub(super) client: usize,
    pub(super) from: From,
    pub(super) as_member: bool,
    /// Its old stream is still there.
    pub(super) replaces: bool,
    pub(super) broke: bool,
    pub(super) profile: Option<usize>,
}

#[derive(Clone, Debug)]
pub(super) enum From {
    Position,
    Live,
    Anew,
    Since(u64),
    Last(u32),
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let client = 0..CLIENTS;
    let cut =
        (client.clone(), any::<bool>()).prop_map(|(client, broke)| Step::Cut { client, broke });
    let poll =
        (client.clone(), 0_usize..12).prop_map(|(client, frames)| Step::Poll { client, frames });
    let update = (client.clone(), 0_usize..8);
    let join = (client.clone(), prop::collection::vec(entry(), 1..4));
    let leave = (client.clone(), prop::collection::vec(0_usize..6, 1..4));
    prop_oneof![
        20 => send(),
        10 => poll,
        4 => client.clone().prop_map(|client| Step::Read { client }),
        6 => come(),
        4 => join.prop_map(|(client, entries)| Step::Join { client, entries }),
        4 => leave.prop_map(|(client, picks)| Step::Leave { client, picks }),
        3 => cut,
        2 => update.prop_map(|(client, profile)| Step::Update { client, profile }),
        3 => Just(Step::Sweep),
        3 => (1_u64..20).prop_map(|seconds| Step::Pass { seconds }),
        1 => Just(Step::Quiet),
        1 => prop_oneof![6 => Just(Step::Sweep), 1 => Just(Step::Restart)],
    ]
}

fn send() -> impl Strategy<Value = Step> {
    let size = prop_oneof![6 => 1_usize..50, 1 => 2_000_usize..6_000, 1 => Just(15_000_usize)];
    let back = prop_oneof![2 => Just(20_u64), 1 => 0_u64..40];
    let sender = 0..CLIENTS + 4;
    let send = (0..CHANNELS.len(), any::<bool>(), size, sender, back);
    send.prop_map(|(channel, noise, size, sender, back)| {
        Step::Send(Send {
            channel,
            noise,
            size,
            sender,
            back,
        })
    })
}

fn come() -> impl Strategy<Value = Step> {
    let from = prop_oneof![
        8 => Just(From::Position),
        1 => Just(From::Live),
        1 => Just(From::Anew),
        1 => (0_u64..80).prop_map(From::Since),
        1 => (0_u32..8).prop_map(From::Last),
    ];
    let profile = prop::option::of(0_usize..8);
    let flags = (any::<bool>(), prop::bool::weighted(0.3), any::<bool>());
    let come = (0..CLIENTS, from, flags, profile);
    come.prop_map(|(client, from, (as_member, replaces, broke), profile)| {
        Step::Come(Come {
            client,
            from,
            as_member,
            replaces,
            broke,
            profile,
        })
    })
}

fn entry() -> impl Strategy<Value = Entry> {
    let flags = (
        any::<bool>(),
        prop::bool::weighted(0.3),
        any::<bool>(),
        any::<bool>(),
        prop::bool::weighted(0.1),
    );
    let entry = (prop::sample::select(&TEXTS[..]), flags);
    entry.prop_map(|(text, (observes, quiet, echo, presence, strict))| Entry {
        text,
        observes,
        quiet,
        echo,
        presence,
        strict,
    })
}

pub(super) fn wishes() -> impl Strategy<Value = Vec<Wish>> {
    let broadcasts = prop::option::of((any::<bool>(), any::<bool>()));
    let wish = (prop::collection::vec(entry(), 1..5), broadcasts);
    let wish = wish.prop_map(|(entries, broadcasts)| {
        let mut wish = Wish::default().fresh(&entries);
        wish.0.extend(broadcasts.map(|(quiet, echo)| Entry {
            quiet,
            echo,
            ..Entry::broadcasts()
        }));
        wish
    });
    prop::collection::vec(wish, CLIENTS)
}

pub(super) fn limits() -> impl Strategy<Value = Limits> {
    let grace = prop_oneof![Just(0_u64), 1_u64..30];
    (1_usize..30, 1_u64..40, 20_000_usize..200_000, grace).prop_map(
        |(log_events, log_age, node_bytes, grace)| Limits {
            log_events,
            log_age: Duration::from_secs(log_age),
            node_bytes,
            leave_grace: Duration::from_secs(grace),
            ..Limits::default()
        },
    )
}
