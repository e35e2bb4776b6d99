//! A session: requests, their answers and events on one stream.

use fanfare::Client;
use fanfare::client::{ChangeKind, Channel, Frame, Message, Presence, Reason, Update};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_stream::StreamExt;

use super::{client, frame};
use crate::proxy::Proxy;
use crate::support::{PATIENCE, node};
use crate::wire_support::node_with;

#[tokio::test]
async fn a_session_subscribes_sends_changes_and_leaves_on_one_stream() {
    let node = node().await;
    let client = client(&node).await;
    let (session, mut frames) = client.session().await.unwrap();
    let first = client.subscribe().to("a").profile(json!({"name": "Ada"}));
    let ready = session.subscribe(first.unwrap()).await.unwrap();
    assert_eq!(frames.position(), None, "not read yet");

    session.join([Channel::new("b").presence()]).await.unwrap();
    let update = Update::merge(json!({"status": "away"})).unwrap();
    session.update(update).await.unwrap();
    let watched = [frame(&mut frames).await, frame(&mut frames).await];
    let [
        Ok(Frame::Presence(Presence::Members(list))),
        Ok(Frame::Presence(Presence::Changed(change))),
    ] = watched
    else {
        panic!("the list and the change: {watched:?}")
    };
    assert_eq!(list.members[0].id, ready.member_id);
    assert_eq!(change.kind, ChangeKind::Updated);
    assert_eq!(
        json!(change.member.profile),
        json!({"name": "Ada", "status": "away"})
    );

    let other = Message::text("e", "x").sender("somebody");
    let sent = session.send("a", other.clone()).await.unwrap();
    let Ok(Frame::Event(event)) = frame(&mut frames).await else {
        panic!("the event")
    };
    assert_eq!(event.sequence, sent.position.sequence);
    assert_eq!(frames.position(), Some(sent.position));

    session.unsubscribe(["a"]).await.unwrap();
    assert_eq!(
        session.send("a", other.clone()).await.unwrap().recipients,
        0
    );
    let all = session.broadcast(other).await.unwrap();
    let Ok(Frame::Event(event)) = frame(&mut frames).await else {
        panic!("the broadcast and nothing before it")
    };
    assert_eq!(event.sequence, all.position.sequence);
}

#[tokio::test]
async fn a_request_that_is_refused_ends_nothing() {
    let node = node().await;
    let client = client(&node).await;
    let (session, frames) = client.session().await.unwrap();
    let error = session.send("a..b", Message::empty("e")).await.unwrap_err();
    assert_eq!(error.reason(), Some(Reason::InvalidChannel));
    assert_eq!(error.violations()[0].field, "channel");
    let error = session.unsubscribe(["a"]).await.unwrap_err();
    assert_eq!(error.reason(), Some(Reason::InvalidSubscription));
    session.send("c", Message::empty("e")).await.unwrap();
    drop(session);
    let rest: Vec<_> = timeout(PATIENCE, frames.collect()).await.unwrap();
    assert!(rest.is_empty(), "it ends well: {rest:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_pipelined_and_each_gets_its_own_answer() {
    let node = node().await;
    let client = client(&node).await;
    let (session, _frames) = client.session().await.unwrap();
    let mut sending = JoinSet::new();
    for number in 0..2_000 {
        let session = session.clone();
        sending.spawn(async move {
            let message = Message::text("e", number.to_string());
            (number, session.send("c", message).await.unwrap())
        });
    }
    let sent = timeout(PATIENCE, sending.join_all()).await.unwrap();
    let past = client.history("c").all().await.unwrap();
    for (number, receipt) in sent {
        let at = usize::try_from(receipt.position.sequence).unwrap() - 1;
        assert_eq!(past.events[at].text().unwrap(), number.to_string());
    }
}

#[tokio::test]
async fn a_cut_fails_what_is_unanswered_and_a_repeat_is_known() {
    let node = node().await;
    let proxy = Proxy::to(&node).await;
    let client = Client::connect(&proxy.address).await.unwrap();
    let (session, mut frames) = client.session().await.unwrap();
    let subscribe = client.subscribe().to("c");
    let ready = session.subscribe(subscribe.clone()).await.unwrap();
    let direct = super::client(&node).await;
    let mut witness = direct.subscribe().to("c").open().await.unwrap();
    proxy.freeze();
    let message = Message::text("e", "1").request_id("r");
    let sending = session.send("c", message.clone());
    let arrived = async {
        super::texts(&mut witness, 1).await;
        proxy.cut();
    };
    let (sent, ()) = timeout(PATIENCE, async { tokio::join!(sending, arrived) })
        .await
        .unwrap();
    assert!(sent.unwrap_err().is_cut());
    assert!(frame(&mut frames).await.unwrap_err().is_cut());
    let position = frames.position().expect("since the first subscribe");
    assert!(session.send("c", message.clone()).await.is_err(), "over");

    let (session, mut frames) = client.session().await.unwrap();
    // As the same member, whose message it is.
    let subscribe = subscribe.resume(position).member_token(ready.member_token);
    session.subscribe(subscribe).await.unwrap();
    let again = session.send("c", message).await.unwrap();
    assert!(again.duplicate);
    // One's own is not echoed, and nothing else was missed.
    direct.send("c", Message::text("e", "2")).await.unwrap();
    let Ok(Frame::Event(event)) = frame(&mut frames).await else {
        panic!("what came next")
    };
    assert_eq!(event.text().unwrap(), "2");
}

#[tokio::test]
async fn frames_that_are_dropped_end_the_session_at_once() {
    let node = node_with(|config| config.hub.leave_grace = PATIENCE * 10).await;
    let client = client(&node).await;
    let (session, frames) = client.session().await.unwrap();
    session.subscribe(client.subscribe().to("c")).await.unwrap();
    node.until("it is there", |counts| counts.members == 1)
        .await;
    drop(frames);
    node.until("it has left", |counts| counts.streams == 0)
        .await;
    assert!(session.send("c", Message::empty("e")).await.is_err());
}
