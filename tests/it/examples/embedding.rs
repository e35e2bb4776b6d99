//! What `embed` relies on: the generated client on the service itself.

use fanfare::rpc::client::realtime_service_client::RealtimeServiceClient;
use fanfare::rpc::client::subscribe_response::Frame;
use fanfare::rpc::client::{SendRequest, UpdateMemberRequest};
use tonic::Code;

use super::embed::fanfare;
use crate::support::{assert_refused, text, to};

#[tokio::test]
async fn a_client_on_the_service_itself_hears_what_it_sends() {
    let (hub, service) = fanfare();
    let mut client = RealtimeServiceClient::new(service);
    let stream = client.subscribe(to(["room"])).await.unwrap();
    let mut frames = stream.into_inner();
    let ready = frames.message().await.unwrap().unwrap().frame;
    assert!(matches!(ready, Some(Frame::Ready(_))), "{ready:?}");
    let sent = client.send(text("room", "e", "hi")).await.unwrap();
    assert_eq!(sent.into_inner().recipients, 1);
    let Some(Frame::Event(event)) = frames.message().await.unwrap().unwrap().frame else {
        panic!("not an event")
    };
    assert_eq!(event.payload.unwrap().as_text(), Some("hi"));
    hub.drain();
    let closing = frames.message().await.unwrap().unwrap().frame;
    assert!(matches!(closing, Some(Frame::Closing(_))), "{closing:?}");
    let status = frames.message().await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
}

#[tokio::test]
async fn a_client_on_the_service_itself_is_refused_as_any_other() {
    let (_, service) = fanfare();
    let mut client = RealtimeServiceClient::new(service);
    let request = SendRequest {
        channel: "a..b".to_owned(),
        ..SendRequest::default()
    };
    let status = client.send(request).await.unwrap_err();
    assert_refused(&status, Code::InvalidArgument, "INVALID_CHANNEL", "channel");
}

#[tokio::test]
async fn a_clone_of_the_service_knows_the_tokens_that_the_other_gave() {
    let (_, service) = fanfare();
    let mut one = RealtimeServiceClient::new(service.clone());
    let mut other = RealtimeServiceClient::new(service);
    let mut frames = one.subscribe(to(["room"])).await.unwrap().into_inner();
    let Some(Frame::Ready(ready)) = frames.message().await.unwrap().unwrap().frame else {
        panic!("ready comes first")
    };
    let update = UpdateMemberRequest {
        member_id: ready.member_id,
        member_token: ready.member_token,
        ..UpdateMemberRequest::default()
    };
    other.update_member(update).await.unwrap();
}
