//! Embedding: Fanfare in a tonic server of your own.
//!
//! One port serves your services and Fanfare's, and your code sends events
//! with no network between. The generated client takes a `RealtimeService` as
//! well as a connection, so there is one way to send, to ask and to subscribe,
//! and what is refused from outside is refused from inside.
//!
//! `cargo run --example embed`

mod common;

use std::io::Write;
use std::time::Duration;

use fanfare::hub::{Clock, Hub};
use fanfare::rpc::client::realtime_service_client::RealtimeServiceClient;
use fanfare::rpc::client::{Payload, SendRequest, subscribe_response::Frame};
use fanfare::rpc::{Frames, Limits, RealtimeService};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::server::NamedService;
use tonic::transport::{Endpoint, Server};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use common::{Client, Result, listen_to};

/// Longer than this no client may hold up the end.
const DRAIN: Duration = Duration::from_secs(15);

/// Your own code, which has something to tell.
pub(crate) struct Shop {
    events: RealtimeServiceClient<RealtimeService>,
}

impl Shop {
    pub(crate) async fn sell(&mut self, item: &str) -> Result<u32> {
        let request = SendRequest {
            channel: "sales".to_owned(),
            event: "sold".to_owned(),
            payload: Some(Payload::json(json!({ "item": item }))),
            ..SendRequest::default()
        };
        let sent = self.events.send(request).await?.into_inner();
        Ok(sent.recipients)
    }
}

/// The channels, and the service before them. Clone that one rather than make
/// another: it holds the keys under which it knows its tokens again.
pub(crate) fn fanfare() -> (Hub, RealtimeService) {
    let clock = Clock::system();
    let hub = Hub::new(fanfare::hub::Limits::default(), clock, Frames { clock });
    let service = RealtimeService::new(hub.clone(), Limits::default());
    (hub, service)
}

/// Your server, until `stop`, and then until everyone has been told.
pub(crate) async fn serve(
    listener: TcpListener,
    hub: Hub,
    service: RealtimeService,
    stop: impl Future<Output = ()>,
) -> Result<()> {
    // Stands for a service of yours.
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<RealtimeService>().await;
    let stopping = async {
        stop.await;
        health.set_not_serving::<RealtimeService>().await;
        // Tells every stream `closing`; tonic waits until the last has ended.
        hub.drain();
    };
    let server = Server::builder()
        .add_service(health_service)
        .add_service(service)
        .serve_with_incoming_shutdown(TcpListenerStream::new(listener), stopping);
    tokio::select! {
        // Lets old events go for as long as the server runs.
        () = hub.clone().keep() => Ok(()),
        ended = server => Ok(ended?),
    }
}

pub(crate) async fn run(out: &mut impl Write) -> Result<()> {
    let (hub, service) = fanfare();
    let client = RealtimeServiceClient::new(service.clone());
    let mut shop = Shop { events: client };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    let (end, ended) = oneshot::channel::<()>();
    let ended = async { ended.await.unwrap_or(()) };
    let server = tokio::spawn(serve(listener, hub.clone(), service, ended));

    let connection = Endpoint::from_shared(address)?.connect().await?;
    let mut outside = Client::new(connection.clone());
    let mut frames = outside.subscribe(listen_to("sales")).await?.into_inner();
    let recipients = shop.sell("tea").await?;
    writeln!(out, "the shop told {recipients} subscriber")?;

    let service = RealtimeService::NAME.to_owned();
    let mut health = HealthClient::new(connection);
    let health = health.check(HealthCheckRequest { service }).await?;
    writeln!(out, "health is {:?}", health.get_ref().status())?;

    end.send(()).ok();
    let end = loop {
        match frames.message().await {
            Ok(message) => match message.and_then(|message| message.frame) {
                Some(Frame::Event(event)) => writeln!(out, "an event came: {}", event.name)?,
                Some(Frame::Closing(closing)) => writeln!(out, "closing: {:?}", closing.reason())?,
                _ => {}
            },
            Err(status) => break status.code(),
        }
    };
    writeln!(out, "the stream ended: {end:?}")?;
    tokio::time::timeout(DRAIN, server).await???;
    writeln!(
        out,
        "the server ended, {} streams left",
        hub.counts().streams
    )?;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    run(&mut std::io::stdout()).await
}
