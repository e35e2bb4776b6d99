//! A node of a test's own, and clients of it.

use std::time::Duration;

use fanfare::config::Config;
use fanfare::hub::{Clock, Counts, Hub};
use fanfare::rpc::client::realtime_service_client::RealtimeServiceClient;
use fanfare::rpc::client::{
    Event, Payload, SendRequest, SendResponse, SubscribeRequest, Subscription, payload,
    subscribe_response::Frame,
};
use fanfare::{rpc, server};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status, Streaming};
use tonic_types::StatusExt;

/// Longer than anything here takes, so that a test ends.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) type Client = RealtimeServiceClient<Channel>;

/// A running node.
pub(crate) struct Node {
    pub(crate) address: String,
    pub(crate) hub: Hub,
    shutdown: Option<oneshot::Sender<()>>,
    running: JoinHandle<()>,
}

/// A node with the default limits.
pub(crate) async fn node() -> Node {
    Node::start(Config::default()).await
}

impl Node {
    pub(crate) async fn start(config: Config) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let clock = Clock::system();
        let hub = Hub::new(config.hub.clone(), clock, rpc::Frames { clock });
        let (shutdown, told) = oneshot::channel::<()>();
        let serve = server::serve(listener, hub.clone(), config.into(), async {
            told.await.ok();
        });
        let running = tokio::spawn(serve);
        Self {
            address,
            hub,
            shutdown: Some(shutdown),
            running,
        }
    }

    /// A client on a connection of its own.
    pub(crate) async fn client(&self) -> Client {
        let endpoint = Endpoint::from_shared(self.address.clone()).unwrap();
        Client::new(endpoint.connect().await.unwrap())
    }

    /// A client that lets little wait for it unread.
    pub(crate) async fn narrow_client(&self) -> Client {
        let endpoint = Endpoint::from_shared(self.address.clone()).unwrap();
        let endpoint = endpoint.initial_stream_window_size(16 << 10);
        Client::new(endpoint.connect().await.unwrap())
    }

    /// Tells the node to stop.
    pub(crate) fn stop(&mut self) {
        self.shutdown.take().into_iter().for_each(|shutdown| {
            shutdown.send(()).ok();
        });
    }

    /// Stops the node and waits until nothing of it is left.
    pub(crate) async fn stopped(mut self) {
        self.stop();
        tokio::time::timeout(PATIENCE, self.running)
            .await
            .unwrap()
            .unwrap();
    }

    /// Waits until the hub's counts are as they should be.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&Counts) -> bool) {
        until(what, || holds(&self.hub.counts())).await;
    }
}

/// Waits for a condition that something else brings about.
pub(crate) async fn until(what: &str, holds: impl Fn() -> bool) {
    let poll = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    assert!(
        tokio::time::timeout(PATIENCE, poll).await.is_ok(),
        "never: {what}"
    );
}

/// An open stream, frame by frame.
pub(crate) struct Frames {
    stream: Streaming<fanfare::rpc::client::SubscribeResponse>,
}

impl Frames {
    /// The next frame, or how the stream ended.
    pub(crate) async fn next(&mut self) -> Result<Frame, Status> {
        let next = tokio::time::timeout(PATIENCE, self.stream.message()).await;
        let message = next.expect("a frame in time")?.expect("a status, never OK");
        Ok(message.frame.expect("a frame that is known"))
    }

    /// The next event, past heartbeats.
    pub(crate) async fn event(&mut self) -> Event {
        loop {
            match self.next().await.unwrap() {
                Frame::Event(event) => return event,
                Frame::Heartbeat(_) => {}
                other => panic!("not an event: {other:?}"),
            }
        }
    }

    /// The status that ends the stream, past whatever comes before.
    pub(crate) async fn end(&mut self) -> (Vec<Frame>, Status) {
        let mut frames = Vec::new();
        loop {
            match self.next().await {
                Ok(frame) => frames.push(frame),
                Err(status) => return (frames, status),
            }
        }
    }
}

/// Subscribes, and returns the stream past its `ready`.
pub(crate) async fn subscribe(client: &mut Client, request: SubscribeRequest) -> Frames {
    let (_, frames) = subscribe_ready(client, request).await;
    frames
}

/// Subscribes, and returns `ready` and what follows.
pub(crate) async fn subscribe_ready(
    client: &mut Client,
    request: SubscribeRequest,
) -> (fanfare::rpc::client::Ready, Frames) {
    let stream = client.subscribe(request).await.unwrap().into_inner();
    let mut frames = Frames { stream };
    let Frame::Ready(ready) = frames.next().await.unwrap() else {
        panic!("ready comes first")
    };
    (ready, frames)
}

/// A request for these channels, as a member of each.
pub(crate) fn to<'a>(channels: impl IntoIterator<Item = &'a str>) -> SubscribeRequest {
    let subscription = |channel: &str| Subscription {
        channel: channel.to_owned(),
        ..Subscription::default()
    };
    SubscribeRequest {
        subscriptions: channels.into_iter().map(subscription).collect(),
        ..SubscribeRequest::default()
    }
}

/// An event with a text.
pub(crate) fn text(channel: &str, event: &str, text: &str) -> SendRequest {
    SendRequest {
        channel: channel.to_owned(),
        event: event.to_owned(),
        payload: Some(Payload {
            kind: Some(payload::Kind::Text(text.to_owned())),
        }),
        ..SendRequest::default()
    }
}

/// Sends, and returns the answer.
pub(crate) async fn send(client: &mut Client, request: SendRequest) -> SendResponse {
    client.send(request).await.unwrap().into_inner()
}

/// The number of the answer.
pub(crate) fn sequence(response: &SendResponse) -> u64 {
    response.position.as_ref().expect("a position").sequence
}

/// The reason in a status, which every one of ours carries.
pub(crate) fn reason(status: &Status) -> String {
    let info = status
        .get_details_error_info()
        .unwrap_or_else(|| panic!("no ErrorInfo: {status:?}"));
    assert_eq!(info.domain, "fanfare.v1");
    info.reason
}

/// Checks code, reason and the field that a status names.
pub(crate) fn assert_refused(status: &Status, code: Code, expected: &str, field: &str) {
    assert_eq!(
        (status.code(), reason(status).as_str()),
        (code, expected),
        "{status:?}"
    );
    let request = status
        .get_details_bad_request()
        .unwrap_or_else(|| panic!("no BadRequest: {status:?}"));
    let fields: Vec<_> = request
        .field_violations
        .iter()
        .map(|violation| violation.field.as_str())
        .collect();
    assert_eq!(fields, [field], "{status:?}");
    assert!(status.details().len() < 4096, "details fit into headers");
}
