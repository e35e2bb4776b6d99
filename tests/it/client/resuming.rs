//! A subscription goes on after every cut, and tells what is lost.

use std::time::Duration;

use fanfare::Client;
use fanfare::client::{
    Channel, ClosingReason, Code, Frame, GapReason, Message, NoEvent, Notice, Presence, Reason,
    Subscription,
};
use tokio::time::timeout;

use super::{client, event, frame, notice, texts};
use crate::proxy::Proxy;
use crate::support::{Node, node};
use crate::wire_support::node_with;

const FIRST_WAIT: Duration = Duration::from_millis(2);

/// A client that goes through the proxy, and comes back soon.
async fn through(proxy: &Proxy) -> Client {
    let builder = Client::builder(&proxy.address).unwrap();
    let builder = builder.back_off(FIRST_WAIT, 10 * FIRST_WAIT);
    builder.connect().await.unwrap()
}

/// Sends `numbers` as texts.
async fn send(node: &Node, numbers: std::ops::Range<usize>) -> Vec<String> {
    let client = client(node).await;
    let mut sent = Vec::new();
    for number in numbers {
        let text = number.to_string();
        client.send("c", Message::text("e", &text)).await.unwrap();
        sent.push(text);
    }
    sent
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_missed_or_comes_twice_through_cuts_and_a_restart() {
    let node = node_with(|config| config.hub.leave_grace = Duration::from_secs(30)).await;
    let proxy = Proxy::to(&node).await;
    let reader = through(&proxy).await;
    let mut stream = reader.subscribe().to("c").open().await.unwrap();
    let first = stream.ready().clone();
    for round in 0..50 {
        let numbers = round * 20..(round + 1) * 20;
        let sending = send(&node, numbers.clone());
        let reading = async {
            let some = fastrand::usize(..20);
            let mut read = texts(&mut stream, some).await;
            proxy.cut();
            read.extend(texts(&mut stream, 20 - some).await);
            read
        };
        let (sent, read) = tokio::join!(sending, reading);
        assert_eq!(read, sent);
    }
    assert_eq!(
        stream.ready().member_id,
        first.member_id,
        "still who it was"
    );
    assert!(stream.ready().recovered);

    // What the new life gets before the reader is back is kept for it.
    let again = node_with(|_| {}).await;
    let sent = send(&again, 0..20).await;
    proxy.lead_to(&again);
    node.stopped().await;
    for _ in 0..2 {
        let lost = event(&mut stream).await.expect_err("a gap");
        let NoEvent::Gap(gap) = lost else {
            panic!("the stream goes on: {lost}")
        };
        assert_eq!(gap.reason, GapReason::EpochChanged);
        assert_ne!(gap.epoch, first.position.epoch);
    }
    assert_eq!(texts(&mut stream, 20).await, sent);
    assert_ne!(stream.ready().member_id, first.member_id);
    assert_eq!(stream.position().sequence, 20);
}

#[tokio::test]
async fn a_cut_is_noticed_and_the_return_too() {
    let node = node().await;
    let proxy = Proxy::to(&node).await;
    let client = through(&proxy).await;
    let mut stream = client.subscribe().to("c").open().await.unwrap();
    let before = stream.position();
    proxy.cut();
    let Notice::Cut(cut) = notice(&mut stream).await else {
        panic!("a cut first")
    };
    assert!(cut.error.is_cut(), "{}", cut.error);
    let Notice::Returned(ready) = notice(&mut stream).await else {
        panic!("it comes back")
    };
    assert!(ready.recovered);
    assert_eq!(ready.position, before);
    assert_eq!(stream.close(), before);
}

#[tokio::test]
async fn a_stream_that_is_to_end_at_a_cut_ends() {
    let node = node().await;
    let proxy = Proxy::to(&node).await;
    let client = through(&proxy).await;
    let mut stream = client.subscribe().to("c").open_once().await.unwrap();
    proxy.cut();
    assert!(frame(&mut stream).await.unwrap_err().is_cut());
    let NoEvent::Over(error) = event(&mut stream).await.unwrap_err() else {
        panic!("it is over")
    };
    assert_eq!(error.code(), Code::FailedPrecondition);
}

#[tokio::test]
async fn no_sign_of_life_for_twice_the_heartbeat_is_a_cut() {
    let node = node().await;
    let proxy = Proxy::to(&node).await;
    let client = through(&proxy).await;
    let subscribe = client.subscribe().to("c");
    let mut stream = subscribe
        .heartbeat(Duration::from_secs(1))
        .open()
        .await
        .unwrap();
    proxy.freeze();
    send(&node, 0..1).await;
    let Notice::Cut(cut) = notice(&mut stream).await else {
        panic!("silence is a cut")
    };
    assert_eq!(cut.error.message(), "no frame came for 2s");
    assert_eq!(texts(&mut stream, 1).await, ["0"], "over a new connection");
}

#[tokio::test]
async fn heartbeats_that_come_are_no_silence_however_late_they_are_read() {
    let node = node().await;
    let client = client(&node).await;
    let subscribe = client.subscribe().to("c");
    let mut stream = subscribe
        .heartbeat(Duration::from_secs(1))
        .open()
        .await
        .unwrap();
    // Longer than it may be silent: once with the connection read meanwhile,
    // and once with nothing done in all the process.
    for _ in 0..5 {
        jump(Duration::from_millis(500)).await;
        client.history("c").all().await.unwrap();
    }
    next_is_a_heartbeat(&mut stream).await;
    // Past those that waited, so that nothing is here.
    while timeout(Duration::ZERO, next_is_a_heartbeat(&mut stream))
        .await
        .is_ok()
    {}
    jump(Duration::from_secs(1)).await;
    next_is_a_heartbeat(&mut stream).await;
    jump(Duration::from_millis(2_500)).await;
    next_is_a_heartbeat(&mut stream).await;
}

async fn next_is_a_heartbeat(stream: &mut Subscription) {
    let next = frame(stream).await.unwrap();
    assert!(
        matches!(next, Frame::Notice(Notice::Heartbeat(_))),
        "{next:?}"
    );
}

/// Has so much time pass while nothing is done.
async fn jump(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_node_that_drains_is_left_for_as_long_as_it_asks() {
    let node = node().await;
    let proxy = Proxy::to(&node).await;
    let client = through(&proxy).await;
    let mut stream = client.subscribe().to("c").open().await.unwrap();
    let next = self::node().await;
    proxy.lead_to(&next);
    node.stopped().await;
    let Notice::Closing(closing) = notice(&mut stream).await else {
        panic!("it is told first")
    };
    assert_eq!(closing.reason, ClosingReason::Shutdown);
    let Notice::Cut(cut) = notice(&mut stream).await else {
        panic!("then cut")
    };
    assert_eq!(cut.error.reason(), Some(Reason::Draining));
    let asked = closing.retry_after.expect("a time to come back after");
    assert!(asked > 10 * FIRST_WAIT, "more than it would wait by itself");
    assert_eq!(cut.wait, asked);
    assert!(matches!(notice(&mut stream).await, Notice::Returned(_)));
}

#[tokio::test]
async fn a_member_that_came_back_elsewhere_is_left_to_the_newer_stream() {
    let node = node().await;
    let client = client(&node).await;
    let mut older = client.subscribe().to("c").open().await.unwrap();
    let token = older.ready().member_token.clone();
    let newer = client.subscribe().to("c").member_token(token);
    let mut newer = newer.open().await.unwrap();
    assert_eq!(newer.ready().member_id, older.ready().member_id);
    let error = loop {
        match frame(&mut older).await {
            Err(error) => break error,
            Ok(Frame::Notice(Notice::Closing(_))) => {}
            Ok(other) => panic!("it ends: {other:?}"),
        }
    };
    assert_eq!(error.reason(), Some(Reason::Replaced));
    client.send("c", Message::text("e", "1")).await.unwrap();
    assert_eq!(texts(&mut newer, 1).await, ["1"]);
}

#[tokio::test]
async fn a_list_of_members_comes_anew_with_every_return() {
    let node = node_with(|config| config.hub.leave_grace = Duration::from_secs(30)).await;
    let proxy = Proxy::to(&node).await;
    let client = through(&proxy).await;
    let watched = Channel::new("c").presence();
    let mut stream = client.subscribe().to(watched).open().await.unwrap();
    for _ in 0..3 {
        let list = loop {
            if let Frame::Presence(Presence::Members(list)) = frame(&mut stream).await.unwrap() {
                break list;
            }
        };
        let ids: Vec<_> = list.members.iter().map(|member| &member.id).collect();
        assert_eq!(ids, [&stream.ready().member_id]);
        proxy.cut();
    }
}

#[tokio::test]
async fn a_stream_goes_on_from_a_position_that_was_kept_as_text() {
    let node = node().await;
    let client = client(&node).await;
    let mut stream = client.subscribe().to("c").open().await.unwrap();
    let sent = send(&node, 0..10).await;
    let mut read = texts(&mut stream, 4).await;
    let kept = stream.close().to_string();
    let resume = |kept: String| client.subscribe().to("c").resume(kept.parse().unwrap());
    let mut stream: Subscription = resume(kept).open().await.unwrap();
    assert!(stream.ready().recovered);
    read.extend(texts(&mut stream, 6).await);
    assert_eq!(read, sent);
}
