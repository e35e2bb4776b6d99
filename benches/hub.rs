//! What each mechanism of the hub costs by itself, so that a regression has a
//! name: `cargo bench --bench hub`.
//!
//! Times are those of one core and of one call from many, with no gRPC around.

use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use fanfare::hub::{
    Change, Chunk, Clock, Filter, Frame, Frames, Gap, Hub, Join, Limits, Run, Subscribe,
    Subscription, Target,
};
use fanfare::model::{ChannelName, Epoch, EventName, Member, Pattern, Position};

/// Bytes of an event's payload.
const PAYLOAD: usize = 128;

/// Frames of no format: nothing here decodes them.
struct Plain;

impl Frames for Plain {
    fn gap(&self, _: &Gap<'_>, _: &Epoch, into: &mut Vec<u8>) {
        into.extend_from_slice(&[0; 40]);
    }

    fn heartbeat(&self, _: &Position, into: &mut Vec<u8>) {
        into.extend_from_slice(&[0; 60]);
    }

    fn presence(&self, _: &str, _: Change, _: &Member) -> Frame {
        event("")
    }

    fn members(&self, _: &str, members: &[Member], _: u64, _: bool, into: &mut Vec<u8>) {
        into.resize(into.len() + 64 * members.len(), 0);
    }
}

fn event(name: &str) -> Frame {
    let mut bytes = vec![0; 8];
    bytes.extend_from_slice(name.as_bytes());
    bytes.resize(bytes.len() + PAYLOAD, 7);
    Frame {
        bytes,
        number_at: 0,
        name: 8..8 + name.len(),
        sender: 0..0,
        published: 0,
    }
}

/// A hub whose logs hold little, so that a long run is like a short one.
fn hub() -> Hub {
    let limits = Limits {
        log_events: 4_096,
        log_bytes: 1 << 20,
        ..Limits::default()
    };
    Hub::new(limits, Clock::system(), Plain)
}

fn channel(at: usize) -> ChannelName {
    ChannelName::new(&format!("orders.{at}")).expect("a name")
}

fn listen(hub: &Hub, targets: impl IntoIterator<Item = Target>, filter: &Filter) -> Subscription {
    let join = |target| Join {
        target,
        filter: filter.clone(),
        presence: false,
        strict: false,
    };
    let joins = targets.into_iter().map(join).collect();
    let request = Subscribe {
        joins,
        ..Subscribe::default()
    };
    hub.subscribe(request).expect("within the limits")
}

/// Reads all that there is, and tells how many bytes that was.
fn drain(stream: &mut Subscription) -> usize {
    let mut context = Context::from_waker(Waker::noop());
    let mut bytes = 0;
    while let Poll::Ready(Chunk::Frames(frames)) = stream.poll_chunk(&mut context) {
        bytes += frames.len();
    }
    bytes
}

/// An event into a log that nobody reads, found anew each time or in a run.
fn append(bench: &mut Criterion) {
    let mut group = bench.benchmark_group("append");
    group.throughput(Throughput::Elements(1));
    let (hub, name) = (hub(), channel(0));
    let send = |frame| hub.send(&name, frame, None).expect("sent");
    group.bench_function("alone", |bench| {
        bench.iter_batched(|| event("e"), send, BatchSize::SmallInput);
    });
    let (mut run, now) = (Run::to(name.clone()), tokio::time::Instant::now());
    let mut send = |mut frame| hub.send_in(&mut run, &mut frame, None, now).expect("sent");
    group.bench_function("in a run", |bench| {
        bench.iter_batched(|| event("e"), &mut send, BatchSize::SmallInput);
    });
}

/// An event by name among many channels, found in the registry.
fn registry(bench: &mut Criterion) {
    let mut group = bench.benchmark_group("registry");
    for count in [10, 10_000] {
        let hub = hub();
        let names: Vec<_> = (0..count).map(channel).collect();
        let mut at = 0;
        group.bench_function(BenchmarkId::new("send among", count), |bench| {
            let send = |frame| {
                at = (at + 7_919) % names.len();
                hub.send(&names[at], frame, None).expect("sent")
            };
            bench.iter_batched(|| event("e"), send, BatchSize::SmallInput);
        });
    }
}

/// A backlog of one channel, as slices of its log.
fn read(bench: &mut Criterion) {
    const BACKLOG: usize = 1_000;
    let mut group = bench.benchmark_group("read");
    group.throughput(Throughput::Elements(BACKLOG as u64));
    let (hub, name) = (hub(), channel(0));
    let mut stream = listen(&hub, [Target::Observer(name.clone())], &Filter::default());
    drain(&mut stream);
    group.bench_function("1,000 of one channel", |bench| {
        let fill = || {
            for _ in 0..BACKLOG {
                hub.send(&name, event("e"), None).expect("sent");
            }
        };
        bench.iter_batched(fill, |()| drain(&mut stream), BatchSize::PerIteration);
    });
}

/// One event in each of many channels, merged into one order.
fn merge(bench: &mut Criterion) {
    const CHANNELS: usize = 1_000;
    let mut group = bench.benchmark_group("merge");
    group.throughput(Throughput::Elements(CHANNELS as u64));
    let hub = hub();
    let names: Vec<_> = (0..CHANNELS).map(channel).collect();
    let targets = names.iter().cloned().map(Target::Observer);
    let mut stream = listen(&hub, targets, &Filter::default());
    let each = || {
        for name in &names {
            hub.send(name, event("e"), None).expect("sent");
        }
    };
    each();
    drain(&mut stream);
    group.bench_function("one of each of 1,000 channels", |bench| {
        bench.iter_batched(each, |()| drain(&mut stream), BatchSize::PerIteration);
    });
}

/// A send that marks everyone who waits, and all of them reading it.
fn wake(bench: &mut Criterion) {
    let mut group = bench.benchmark_group("wake");
    for count in [10, 1_000] {
        let (hub, name) = (hub(), channel(0));
        let listen = |_| listen(&hub, [Target::Observer(name.clone())], &Filter::default());
        let mut streams: Vec<_> = (0..count).map(listen).collect();
        hub.send(&name, event("e"), None).expect("sent");
        for stream in &mut streams {
            drain(stream);
        }
        group.throughput(Throughput::Elements(count));
        group.bench_function(BenchmarkId::new("send and read by", count), |bench| {
            let deliver = |frame| {
                hub.send(&name, frame, None).expect("sent");
                streams.iter_mut().map(drain).sum::<usize>()
            };
            bench.iter_batched(|| event("e"), deliver, BatchSize::SmallInput);
        });
    }
}

/// A filter that keeps one event in ten of a backlog.
fn filter(bench: &mut Criterion) {
    const BACKLOG: usize = 1_000;
    let mut group = bench.benchmark_group("filter");
    group.throughput(Throughput::Elements(BACKLOG as u64));
    let (hub, name) = (hub(), channel(0));
    let kept = EventName::new("kept".to_owned()).expect("a name");
    let filter = Filter::named(vec![kept]);
    let mut stream = listen(&hub, [Target::Observer(name.clone())], &filter);
    drain(&mut stream);
    group.bench_function("keep 1 in 10 of 1,000", |bench| {
        let fill = || {
            for at in 0..BACKLOG {
                let event = event(if at % 10 == 0 { "kept" } else { "skipped" });
                hub.send(&name, event, None).expect("sent");
            }
        };
        bench.iter_batched(fill, |()| drain(&mut stream), BatchSize::PerIteration);
    });
}

/// The first page of a channel's members, whatever there are.
fn members(bench: &mut Criterion) {
    let mut group = bench.benchmark_group("members");
    for count in [1_000, 100_000] {
        let limits = Limits {
            streams: 200_000,
            ..Limits::default()
        };
        let hub = Hub::new(limits, Clock::system(), Plain);
        let name = channel(0);
        let join = |_| {
            let profile = Some(Bytes::from_static(&[7; 64]));
            let joins = vec![Join {
                target: Target::Member(name.clone()),
                filter: Filter::default(),
                presence: false,
                strict: false,
            }];
            let request = Subscribe {
                joins,
                profile,
                ..Subscribe::default()
            };
            hub.subscribe(request).expect("within the limits")
        };
        let streams: Vec<_> = (0..count).map(join).collect();
        group.bench_function(BenchmarkId::new("first 100 of", count), |bench| {
            bench.iter(|| hub.members(&name, None, 100, 1 << 20));
        });
        drop(streams);
    }
}

/// A send, with many patterns that stand for other channels.
fn patterns(bench: &mut Criterion) {
    let mut group = bench.benchmark_group("patterns");
    for count in [0, 10_000] {
        let hub = hub();
        let pattern = |at| Pattern::new(&format!("other.{at}.*")).expect("a pattern");
        let targets = (0..count).map(pattern).map(Target::Pattern);
        let _stream = listen(&hub, targets, &Filter::default());
        let mut at = 0;
        group.bench_function(BenchmarkId::new("a new channel beside", count), |bench| {
            let make = || {
                at += 1;
                if at % 10_000 == 0 {
                    hub.sweep_all();
                }
                (channel(at), event("e"))
            };
            let send = |(name, frame)| hub.send(&name, frame, None).map(|sent| sent.sequence);
            bench.iter_batched(make, send, BatchSize::SmallInput);
        });
    }
}

criterion_group!(
    benches, append, registry, read, merge, wake, filter, members, patterns
);
criterion_main!(benches);
