//! What the lives have found, each reduced to its few steps.

use bytes::Bytes;
use fanfare::hub::{End, Hub, Limits, Start, Subscribe};
use fanfare::model::Pattern;
use tokio::time::{Duration, advance};

use crate::hub::support::{
    Got, Stream, hub, join, matching, named, observe, send, send_many, subscribe, watching,
};

fn short_log() -> Hub {
    hub(Limits {
        log_events: 1,
        ..Limits::default()
    })
}

fn pattern(text: &str) -> Pattern {
    Pattern::new(text).unwrap()
}

async fn sweep_when_old(hub: &Hub) {
    advance(Duration::from_secs(61)).await;
    hub.sweep_all();
}

#[test]
fn a_strict_stream_that_lost_something_tells_no_position_past_it() {
    let hub = short_log();
    let mut strict = join("a");
    strict.strict = true;
    let mut stream = Stream::settled(&hub, [join("b"), strict]);
    send(&hub, "b", "y");
    send_many(&hub, "a", 2, "x");
    send_many(&hub, "b", 2, "y");
    let told = [Got::gap("b", 0, 4), Got::End(End::SlowConsumer)];
    assert_eq!(stream.read(), told);
    assert_eq!(stream.subscription.position(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_pattern_s_channel_may_leave_behind_a_slow_reader() {
    let hub = short_log();
    let mut stream = Stream::settled(&hub, [matching(">")]);
    send_many(&hub, "a", 2, "x");
    sweep_when_old(&hub).await;
    assert_eq!(stream.read(), [Got::gap("a", 0, 2), Got::Position(2)]);
}

#[test]
fn places_of_the_gone_are_forgotten_beside_a_watcher() {
    let hub = short_log();
    let plain = Stream::settled(&hub, [join("a")]);
    let mut watcher = Stream::open(&hub, subscribe([watching(observe("a"))]));
    watcher.read();
    drop(plain);
    drop(watcher);
    assert_eq!(hub.waiting_places(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_list_of_an_absent_channel_comes_after_its_gap() {
    let hub = short_log();
    send(&hub, "a", "x");
    sweep_when_old(&hub).await;
    let request = Subscribe {
        start: Start::After(0),
        ..subscribe([watching(observe("a"))])
    };
    let told = Stream::open(&hub, request).read();
    assert!(
        matches!(told[..2], [Got::Gap { .. }, Got::Members { .. }]),
        "{told:?}"
    );
}

#[test]
fn places_of_the_gone_are_forgotten_when_who_stays_leaves() {
    let hub = short_log();
    let mut stays = Stream::settled(&hub, [join("a")]);
    drop(Stream::settled(&hub, [matching(">")]));
    stays.subscription.leave(&[pattern("a")]);
    assert_eq!(hub.waiting_places(), 0);
}

#[test]
fn a_stream_of_another_life_that_asks_for_nothing_yet_is_told_where_it_is() {
    let hub = short_log();
    let request = Subscribe {
        start: Start::Anew,
        ..subscribe([])
    };
    let mut stream = Stream::open(&hub, request);
    stream.subscription.join(vec![observe("a")]).unwrap();
    send(&hub, "a", "x");
    assert_eq!(stream.read(), [Got::Position(0), Got::event(1, "x")]);
}

#[test]
fn of_a_channel_that_is_left_no_rest_of_a_list_comes() {
    let hub = short_log();
    let big = Some(Bytes::from("p".repeat(40_000)));
    let others: Vec<_> = (0..8)
        .map(|_| {
            let profile = big.clone();
            let request = subscribe([join("a")]);
            Stream::open(&hub, Subscribe { profile, ..request })
        })
        .collect();
    let mut stream = Stream::open(&hub, subscribe([watching(observe("a"))]));
    assert!(matches!(
        stream.next()[..],
        [Got::Members { last: false, .. }]
    ));
    stream.subscription.leave(&[pattern("a")]);
    assert_eq!(stream.read(), []);
    drop(others);
}

#[test]
fn of_an_absent_channel_that_is_left_no_list_comes() {
    let hub = short_log();
    let mut stream = Stream::open(&hub, subscribe([watching(observe("a"))]));
    stream.subscription.leave(&[pattern("a")]);
    assert_eq!(stream.read(), []);
}

#[tokio::test(start_paused = true)]
async fn who_watches_a_channel_that_has_just_left_is_told_that_nobody_is_there() {
    let hub = short_log();
    let mut stream = Stream::settled(&hub, [matching(">")]);
    send(&hub, "a", "x");
    assert_eq!(stream.read(), [Got::event(1, "x")]);
    sweep_when_old(&hub).await;
    let watch = vec![watching(observe("a"))];
    stream.subscription.join(watch).unwrap();
    let told = stream.read();
    assert!(
        matches!(&told[..], [Got::Members { members, last: true, .. }] if members.is_empty()),
        "{told:?}"
    );
}

#[test]
fn a_strict_stream_that_lost_something_says_so_while_the_node_drains() {
    let hub = short_log();
    let mut strict = join("a");
    strict.strict = true;
    let mut stream = Stream::settled(&hub, [strict]);
    send_many(&hub, "a", 2, "x");
    hub.drain();
    assert_eq!(stream.read(), [Got::End(End::SlowConsumer)]);
}

#[tokio::test(start_paused = true)]
async fn the_position_after_a_gap_comes_though_the_lists_behind_it_are_left() {
    let hub = short_log();
    send(&hub, "a", "x");
    sweep_when_old(&hub).await;
    let name = |number| format!("{}.{number}", "n".repeat(200));
    let names: Vec<_> = (0..100).map(name).collect();
    let watched = names.iter().map(|name| watching(observe(name)));
    let request = Subscribe {
        start: Start::After(0),
        ..subscribe(watched)
    };
    let mut stream = Stream::open(&hub, request);
    let mut told = stream.next();
    while told
        .iter()
        .filter(|got| matches!(got, Got::Gap { .. }))
        .count()
        < names.len()
    {
        told.extend(stream.next());
    }
    let lists = told.iter().filter(|got| matches!(got, Got::Members { .. }));
    assert!(lists.count() < names.len(), "some are still to come");
    let left: Vec<_> = names.iter().map(|name| pattern(name)).collect();
    stream.subscription.leave(&left);
    assert_eq!(stream.read(), [Got::Position(1)]);
}

#[tokio::test(start_paused = true)]
async fn no_position_before_an_event_that_has_come_is_told_for_a_list_of_members() {
    let hub = short_log();
    let mut stream = Stream::open(&hub, subscribe([join("a"), join("b")]));
    send(&hub, "a", "lost");
    sweep_when_old(&hub).await;
    send(&hub, "b", "x");
    let watch = vec![watching(join("c"))];
    stream.subscription.join(watch).unwrap();
    let told = stream.read();
    assert_eq!(
        told[..3],
        [Got::gap("a", 0, 1), Got::event(2, "x"), Got::Position(2)]
    );
    assert!(matches!(told[3..], [Got::Members { number: 2, .. }]));
}

/// A stream whose member came back on another one and then left, and whose
/// channel left after that and was made again.
async fn outlived(hub: &Hub) -> Stream {
    let mut quiet = join("a");
    quiet.filter = named(&["signal"]);
    let old = Stream::open(hub, subscribe([matching(">"), quiet]));
    let request = Subscribe {
        member: Some(old.subscription.member().clone()),
        ..subscribe([join("a")])
    };
    drop(Stream::open(hub, request));
    sweep_when_old(hub).await;
    send(hub, "a", "x");
    old
}

#[tokio::test(start_paused = true)]
async fn a_replaced_stream_takes_its_channel_no_more() {
    let hub = short_log();
    let mut old = outlived(&hub).await;
    assert_eq!(old.read(), [Got::End(End::Replaced)]);
    assert_eq!(old.subscription.position(), 0, "and claims nothing of it");
    drop(old);
    let receipt = crate::hub::support::receipt(&hub, "a", crate::hub::support::event("", "", ""));
    assert_eq!(receipt.recipients, 0);
}
