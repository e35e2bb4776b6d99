//! Observers: they hold no channel open, and miss nothing when it comes back.

use fanfare::hub::{Hub, Join, Limits};
use tokio::time::{Duration, advance};

use super::support::{
    Got, Stream, event, hub, join, name, named, observe, receipt, send, subscribe,
};

/// Lets every event grow old, and channels that are idle leave.
async fn grow_old(hub: &Hub) {
    advance(Duration::from_secs(61)).await;
    hub.sweep_all();
}

#[test]
fn an_observer_makes_no_channel_and_is_no_member() {
    let hub = hub(Limits::default());
    let mut stream = Stream::settled(&hub, [observe("a")]);
    let counts = hub.counts();
    assert_eq!((counts.channels, counts.observed), (0, 1));
    send(&hub, "a", "x");
    assert_eq!(stream.wakes(), 1);
    assert_eq!(stream.read(), [Got::event(1, "x")]);
    assert_eq!(hub.members(&name("a"), None, 10, 1_000).total, 0);
    assert_eq!(hub.counts().channels, 1);
}

#[tokio::test(start_paused = true)]
async fn an_observer_attaches_again_each_time_without_a_false_gap() {
    let hub = hub(Limits::default());
    let mut stream = Stream::settled(&hub, [observe("a")]);
    for round in 0..5 {
        send(&hub, "elsewhere", "not seen");
        assert_eq!(send(&hub, "a", "x"), round * 2 + 2);
        assert_eq!(stream.read(), [Got::event(round * 2 + 2, "x")]);
        grow_old(&hub).await;
        assert_eq!(hub.counts().channels, 0);
        assert_eq!(stream.read(), [], "the channel left, nothing was lost");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_for_others_in_a_channel_that_left_is_no_gap() {
    let hub = hub(Limits::default());
    let picky = Join {
        filter: named(&["wanted"]),
        ..observe("a")
    };
    let mut stream = Stream::settled(&hub, [picky]);
    receipt(&hub, "a", event("other", "", "x"));
    assert_eq!(stream.read(), []);
    receipt(&hub, "a", event("other", "", "x"));
    grow_old(&hub).await;
    assert_eq!(hub.counts().channels, 0);
    send(&hub, "elsewhere", "x");
    grow_old(&hub).await;
    receipt(&hub, "a", event("wanted", "", "y"));
    assert_eq!(stream.read(), [Got::event(4, "y")]);
}

#[tokio::test(start_paused = true)]
async fn an_observer_is_told_what_it_had_not_read_of_the_old_channel() {
    let hub = hub(Limits::default());
    let mut stream = Stream::settled(&hub, [observe("a")]);
    send(&hub, "a", "lost");
    send(&hub, "elsewhere", "x");
    grow_old(&hub).await;
    send(&hub, "a", "again");
    let told = stream.read();
    let Got::Gap {
        after: 0, through, ..
    } = told[0]
    else {
        panic!("{told:?}");
    };
    assert!((1..=2).contains(&through));
    assert_eq!(told[1..], [Got::Position(2), Got::event(3, "again")]);
}

#[tokio::test(start_paused = true)]
async fn an_observer_is_told_even_if_the_channel_never_comes_back() {
    let hub = hub(Limits::default());
    let mut stream = Stream::settled(&hub, [observe("a")]);
    send(&hub, "a", "lost");
    grow_old(&hub).await;
    assert_eq!(stream.read(), [Got::gap("a", 0, 1), Got::Position(1)]);
    assert_eq!(stream.read(), []);
}

#[tokio::test(start_paused = true)]
async fn an_observer_has_lost_nothing_with_a_channel_that_held_nothing_for_it() {
    let hub = hub(Limits::default());
    let picky = Join {
        filter: named(&["wanted"]),
        ..observe("a")
    };
    let mut stream = Stream::settled(&hub, [picky]);
    for is_told_at_once in [false, true, false] {
        let other = || receipt(&hub, "a", event("other", "", "x"));
        other();
        assert_eq!(stream.read(), [], "it waits at the end");
        other();
        grow_old(&hub).await;
        let wanted = receipt(&hub, "a", event("wanted", "", "y"));
        if is_told_at_once {
            stream.subscription.leave(&[]);
        }
        assert_eq!(stream.read(), [Got::event(wanted.sequence, "y")]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_observer_that_sleeps_through_many_lives_attaches_once() {
    let hub = hub(Limits::default());
    let mut stream = Stream::settled(&hub, [observe("a"), observe("b")]);
    for _ in 0..10 {
        send(&hub, "a", "lost");
        grow_old(&hub).await;
    }
    send(&hub, "a", "x");
    let told = [Got::gap("a", 0, 10), Got::Position(10), Got::event(11, "x")];
    assert_eq!(stream.read(), told);
    assert_eq!(hub.waiting_places(), 1, "it waits in one place");
}

#[tokio::test(start_paused = true)]
async fn an_observer_between_two_polls_of_which_the_channel_left_attaches_once() {
    let hub = hub(Limits::default());
    let mut stream = Stream::settled(&hub, [observe("a")]);
    for _ in 0..10 {
        let number = send(&hub, "a", "x");
        assert_eq!(stream.read(), [Got::event(number, "x")]);
        grow_old(&hub).await;
        let number = send(&hub, "a", "y");
        assert_eq!(stream.read(), [Got::event(number, "y")]);
        assert_eq!(hub.waiting_places(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_observer_whose_turn_had_not_come_attaches_once() {
    let hub = hub(Limits::default());
    let mut stream = Stream::settled(&hub, [observe("a"), observe("b")]);
    send(&hub, "a", &"x".repeat(5_000));
    send(&hub, "b", "lost");
    assert_eq!(stream.next().len(), 1, "b stands in line");
    grow_old(&hub).await;
    send(&hub, "b", "y");
    let told = [Got::gap("b", 1, 2), Got::Position(2), Got::event(3, "y")];
    assert_eq!(stream.read(), told);
    assert_eq!(hub.waiting_places(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_observer_does_not_hold_a_channel_but_a_member_does() {
    let hub = hub(Limits::default());
    let _observer = Stream::settled(&hub, [observe("a"), observe("b")]);
    let member = Stream::settled(&hub, [join("b")]);
    send(&hub, "a", "x");
    grow_old(&hub).await;
    assert_eq!(hub.counts().channels, 1, "b has a member");
    drop(member);
    grow_old(&hub).await;
    assert_eq!(hub.counts().channels, 0);
}

#[tokio::test(start_paused = true)]
async fn an_observer_that_leaves_is_forgotten_whatever_it_was_told() {
    let hub = hub(Limits::default());
    let one = Stream::open(&hub, subscribe([observe("a"), observe("b")]));
    let two = Stream::settled(&hub, [observe("a")]);
    assert_eq!(hub.counts().observed, 2);
    assert_eq!(send(&hub, "a", "x"), 1);
    drop(one);
    assert_eq!(hub.counts().observed, 1);
    drop(two);
    let counts = hub.counts();
    assert_eq!(
        (counts.observed, counts.streams, counts.subscriptions),
        (0, 0, 0)
    );
    let nobody = super::support::receipt(&hub, "a", super::support::event("", "", ""));
    assert_eq!(nobody.recipients, 0);
    grow_old(&hub).await;
    assert_eq!((hub.counts().channels, hub.counts().pinned_bytes), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn observers_that_come_while_channels_are_made_attach_once() {
    let hub = hub(Limits::default());
    for round in 0..200 {
        let channel = format!("channel-{round}");
        let (one, two) = (hub.clone(), channel.clone());
        let maker = tokio::spawn(async move { send(&one, &two, "x") });
        let mut stream = Stream::open(&hub, subscribe([observe(&channel)]));
        let start = stream.subscription.position();
        let sent = maker.await.unwrap();
        let due = (sent > start).then(|| Got::event(sent, "x"));
        assert_eq!(stream.read(), Vec::from_iter(due));
        assert_eq!(hub.waiting_places(), 1);
    }
}
