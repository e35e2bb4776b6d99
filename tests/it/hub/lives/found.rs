//! What the lives have found, each reduced to its few steps.

use fanfare::hub::{End, Hub, Limits, Start, Subscribe};
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
    send_many(&hub, "a", 2, "x");
    send_many(&hub, "b", 2, "y");
    let told = [Got::gap("b", 0, 3), Got::End(End::SlowConsumer)];
    assert_eq!(stream.read(), told);
    assert_eq!(stream.subscription.position(), 0);
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
