//! What a session sends.

use std::time::SystemTime;

use fanfare::rpc::client::{
    BroadcastRequest, SendRequest, SubscribeRequest, reply, session_request::Request,
};
use tonic::Code;

use super::Session;
use crate::support::{node, send, sequence, subscribe, text, to};

#[tokio::test]
async fn pipelined_sends_are_answered_in_order_and_numbered_so() {
    let node = node().await;
    let mut listener = subscribe(&mut node.client().await, to(["a"])).await;
    let mut session = Session::open(&mut node.client().await).await;
    let requests = session.requests.clone().unwrap();
    let sending = async {
        for id in 1..=10_000_u64 {
            let request = Some(Request::Send(text("a", "e", &id.to_string())));
            let request = fanfare::rpc::client::SessionRequest { id, request };
            requests.send(request).await.unwrap();
        }
    };
    let answers = async {
        let mut newest = 0;
        for id in 1..=10_000 {
            let reply = session.reply().await;
            let Some(reply::Result::Send(sent)) = reply.result else {
                panic!("{reply:?}")
            };
            let number = sequence(&sent);
            assert_eq!((reply.id, sent.recipients), (id, 1));
            assert!(number > newest);
            newest = number;
        }
    };
    tokio::join!(sending, answers);
    for id in 1..=10_000 {
        let event = listener.event().await;
        assert_eq!(event.payload, text("", "", &id.to_string()).payload);
    }
}

#[tokio::test]
async fn a_session_that_never_subscribes_is_nobody_and_gets_nothing() {
    let node = node().await;
    let mut client = node.client().await;
    let mut session = Session::open(&mut client).await;
    let mut listener = subscribe(&mut client, to(["a"])).await;
    session.publish(text("a", "e", "x")).await;
    assert_eq!(listener.event().await.sender_id, "");
    let broadcast = BroadcastRequest::default();
    let sent = session.answered(Request::Broadcast(broadcast)).await;
    let reply::Result::Broadcast(sent) = sent else {
        panic!("{sent:?}")
    };
    assert_eq!(sent.recipients, 1, "the listener alone");
    assert_eq!(listener.event().await.channel, "");
    session.finish();
    assert_eq!(session.next().await.unwrap(), None, "all is said: OK");
}

#[tokio::test]
async fn who_does_not_name_a_sender_is_its_own_member() {
    let node = node().await;
    let mut client = node.client().await;
    let mut session = Session::open(&mut client).await;
    let ready = session.subscribe(to(["a"])).await;
    let mut listener = subscribe(&mut client, to(["a"])).await;
    session.publish(text("a", "e", "mine")).await;
    let named = SendRequest {
        sender_id: "somebody".into(),
        ..text("a", "e", "theirs")
    };
    session.publish(named).await;
    assert_eq!(session.event().await.sender_id, "somebody", "not its own");
    assert_eq!(listener.event().await.sender_id, ready.member_id);
    assert_eq!(listener.event().await.sender_id, "somebody");
}

#[tokio::test]
async fn a_request_id_holds_across_sessions_and_calls() {
    let node = node().await;
    let mut client = node.client().await;
    let once = SendRequest {
        request_id: "r-1".into(),
        ..text("a", "e", "x")
    };
    let first = send(&mut client, once.clone()).await;
    for _ in 0..2 {
        let mut session = Session::open(&mut client).await;
        let again = session.answered(Request::Send(once.clone())).await;
        let reply::Result::Send(again) = again else {
            panic!("{again:?}")
        };
        assert!(again.duplicate);
        assert_eq!(again.position, first.position);
        let other = SendRequest {
            request_id: "r-1".into(),
            ..text("a", "e", "y")
        };
        let refused = session.answered(Request::Send(other)).await;
        let reply::Result::Error(refused) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(refused.code, i32::from(Code::AlreadyExists));
    }
}

#[tokio::test]
async fn an_event_is_published_when_it_is_sent_not_when_its_session_began() {
    let node = node().await;
    let mut listener = subscribe(&mut node.client().await, to(["a"])).await;
    let mut session = Session::open(&mut node.client().await).await;
    for _ in 0..3 {
        let before = SystemTime::now();
        session.publish(text("a", "e", "x")).await;
        let published = listener.event().await.publish_time.expect("a time");
        let published = SystemTime::try_from(published).unwrap();
        assert!((before..=SystemTime::now()).contains(&published));
    }
}

#[tokio::test]
async fn many_senders_in_one_session_and_one_beside_it_keep_their_order() {
    const SENDERS: usize = 64;
    const EACH: usize = 100;
    let node = node().await;
    let mut listener = subscribe(&mut node.client().await, to(["a"])).await;
    let mut session = Session::open(&mut node.client().await).await;
    let mut client = node.client().await;
    let of = |sender: usize, at: usize| SendRequest {
        sender_id: sender.to_string(),
        ..text("a", "e", &at.to_string())
    };
    let requests = session.requests.clone().unwrap();
    let many = (0..SENDERS).map(|sender| {
        let requests = requests.clone();
        async move {
            for at in 0..EACH {
                let id = (sender * EACH + at + 1) as u64;
                let request = Some(Request::Send(of(sender, at)));
                let request = fanfare::rpc::client::SessionRequest { id, request };
                requests.send(request).await.unwrap();
            }
        }
    });
    let many: Vec<_> = many.map(|sending| tokio::spawn(sending)).collect();
    let beside = async {
        for at in 0..EACH {
            send(&mut client, of(SENDERS, at)).await;
        }
    };
    let answers = async {
        for _ in 0..SENDERS * EACH {
            let reply = session.reply().await;
            assert!(matches!(reply.result, Some(reply::Result::Send(_))));
        }
    };
    tokio::join!(beside, answers);
    for sending in many {
        sending.await.unwrap();
    }
    let mut next = [0; SENDERS + 1];
    for _ in 0..(SENDERS + 1) * EACH {
        let event = listener.event().await;
        let sender: usize = event.sender_id.parse().unwrap();
        let expected = of(sender, next[sender]);
        assert_eq!(event.payload, expected.payload, "in order, of {sender}");
        next[sender] += 1;
    }
    assert_eq!(next, [EACH; SENDERS + 1]);
}

#[tokio::test]
async fn what_is_sent_on_a_session_that_listens_comes_after_its_reply() {
    let node = node().await;
    let mut session = Session::open(&mut node.client().await).await;
    let mut request = to(["a"]);
    request.subscriptions[0].echo = true;
    let ready = session.subscribe(request).await;
    for at in 0..100 {
        let number = session.publish(text("a", "e", &at.to_string())).await;
        let event = session.event().await;
        assert_eq!(event.sequence, number);
        assert_eq!(event.sender_id, ready.member_id);
    }
    session.subscribe(SubscribeRequest::default()).await;
}
