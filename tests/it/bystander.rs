//! A subscriber that must not notice what others get wrong.

use fanfare::hub::Counts;
use fanfare::rpc::client::{
    BroadcastRequest, GetHistoryRequest, GetMembersRequest, ListChannelsRequest, SendRequest,
    SubscribeRequest, Subscription, UpdateMemberRequest,
};
use prost::Message;
use tonic::Code;

use crate::support::{
    Client, Frames, Node, assert_refused, node, send, sequence, subscribe, text, to,
};
use crate::wire_support::{Answer, Wire, prefixed, request, without_panics};

/// A request, and how it is refused.
pub(crate) struct Case {
    pub(crate) method: &'static str,
    pub(crate) message: Vec<u8>,
    pub(crate) reason: &'static str,
    pub(crate) field: String,
    pub(crate) says: &'static str,
}

/// A subscriber that must not notice what others get wrong.
pub(crate) struct Bystander {
    pub(crate) node: Node,
    pub(crate) wire: Wire,
    client: Client,
    frames: Frames,
    numbered: u64,
    held: Held,
}

/// The counts that a refused request leaves as they were.
type Held = (usize, usize, usize, usize, usize, usize);

fn held(counts: Counts) -> Held {
    (
        counts.channels,
        counts.observed,
        counts.streams,
        counts.subscriptions,
        counts.requests,
        counts.pinned_bytes,
    )
}

impl Bystander {
    pub(crate) async fn of(node: Node) -> Self {
        let mut client = node.client().await;
        let frames = subscribe(&mut client, to(["bystander"])).await;
        Self {
            wire: Wire::new(&node).await,
            held: held(node.hub.counts()),
            node,
            client,
            frames,
            numbered: 0,
        }
    }

    /// Checks that nothing was numbered, joined, or lost.
    pub(crate) async fn is_unharmed(&mut self) {
        self.numbered += 1;
        let sent = send(&mut self.client, text("bystander", "still", "here")).await;
        assert_eq!(sequence(&sent), self.numbered, "nothing else was numbered");
        assert_eq!(sent.recipients, 1);
        assert_eq!(self.frames.event().await.sequence, self.numbered);
        let Self {
            node, held: before, ..
        } = self;
        node.until("all is let go", |counts| held(*counts) == *before)
            .await;
    }

    /// Sends each case and checks its refusal, and that nobody else notices.
    pub(crate) async fn sees_refused(&mut self, cases: Vec<Case>) {
        for case in cases {
            let body = prefixed(0, &case.message);
            let answer = self.wire.call(request(case.method), body).await;
            assert_refusal(&answer, &case);
            self.is_unharmed().await;
        }
    }
}

fn assert_refusal(answer: &Answer, case: &Case) {
    let status = answer.status();
    let Case { reason, field, .. } = case;
    assert_refused(&status, Code::InvalidArgument, reason, field);
    for part in [case.says, field.as_str()] {
        assert!(status.message().contains(part), "{part:?}: {status:?}");
    }
    let details = answer.last["grpc-status-details-bin"].len();
    assert!(details < 4096, "{details} bytes: {status:?}");
    assert!(answer.status_size() < 8192, "{status:?}");
}

pub(crate) fn case(
    message: (&'static str, Vec<u8>),
    reason: &'static str,
    field: impl Into<String>,
    says: &'static str,
) -> Case {
    let (method, message) = message;
    Case {
        method,
        message,
        reason,
        field: field.into(),
        says,
    }
}

/// Checks that each case is refused, that nobody notices and nothing panics.
pub(crate) fn refused(name: &'static str, cases: fn() -> Vec<Case>) {
    without_panics(name, async {
        let mut bystander = Bystander::of(node().await).await;
        bystander.sees_refused(cases()).await;
    });
}

pub(crate) fn sending(change: impl FnOnce(&mut SendRequest)) -> (&'static str, Vec<u8>) {
    let mut request = text("a", "e", "");
    change(&mut request);
    ("Send", request.encode_to_vec())
}

pub(crate) fn broadcasting(change: impl FnOnce(&mut BroadcastRequest)) -> (&'static str, Vec<u8>) {
    let mut request = BroadcastRequest::default();
    change(&mut request);
    ("Broadcast", request.encode_to_vec())
}

pub(crate) fn subscribing(change: impl FnOnce(&mut SubscribeRequest)) -> (&'static str, Vec<u8>) {
    let mut request = to(["a", "b"]);
    change(&mut request);
    ("Subscribe", request.encode_to_vec())
}

pub(crate) fn listing(change: impl FnOnce(&mut GetMembersRequest)) -> (&'static str, Vec<u8>) {
    let mut request = GetMembersRequest::default();
    change(&mut request);
    ("GetMembers", request.encode_to_vec())
}

pub(crate) fn reading(change: impl FnOnce(&mut GetHistoryRequest)) -> (&'static str, Vec<u8>) {
    let mut request = GetHistoryRequest {
        channel: "bystander".into(),
        ..GetHistoryRequest::default()
    };
    change(&mut request);
    ("GetHistory", request.encode_to_vec())
}

pub(crate) fn finding(change: impl FnOnce(&mut ListChannelsRequest)) -> (&'static str, Vec<u8>) {
    let mut request = ListChannelsRequest::default();
    change(&mut request);
    ("ListChannels", request.encode_to_vec())
}

pub(crate) fn updating(change: impl FnOnce(&mut UpdateMemberRequest)) -> (&'static str, Vec<u8>) {
    let mut request = UpdateMemberRequest {
        member_id: "m".into(),
        ..UpdateMemberRequest::default()
    };
    change(&mut request);
    ("UpdateMember", request.encode_to_vec())
}

pub(crate) fn second(change: impl FnOnce(&mut Subscription)) -> (&'static str, Vec<u8>) {
    subscribing(|request| change(&mut request.subscriptions[1]))
}

/// A field of bytes, which need not be what the field should hold.
pub(crate) fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    prost::encode_length_delimiter(content.len(), &mut bytes).unwrap();
    [&*bytes, content].concat()
}
