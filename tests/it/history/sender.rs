//! One who sends, as somebody or nobody, and changes members; each event until
//! it is acknowledged, by the same request id.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use fanfare::rpc::client::{BroadcastRequest, UpdateMemberRequest};
use fastrand::Rng;
use tonic::{Code, Status};

use super::choice::{NAMES, channels};
use super::record::{Place, Sent};
use super::run::Run;
use crate::support::{Client, text};

/// What was acknowledged, and what was only tried.
pub(super) async fn send_all(run: Arc<Run>, mut rng: Rng) -> (Vec<Sent>, Vec<Sent>) {
    let (mut all, mut tried) = (Vec::new(), Vec::new());
    let mut client = run.client();
    let own = rng.u64(..);
    for number in 0..100 {
        if rng.u8(..10) == 0 {
            tokio::time::sleep(Duration::from_millis(rng.u64(1..40))).await;
        }
        let members = run.members.lock().unwrap().clone();
        let member = rng.choice(members).unwrap_or_default();
        if rng.u8(..5) == 0 {
            update(&mut client, &member, number).await;
        }
        let mut sent = Sent {
            channel: rng.choice(channels()).unwrap_or_default(),
            name: rng.choice(NAMES).unwrap_or_default().to_owned(),
            sender: if rng.bool() { member } else { String::new() },
            text: format!("{own} {number} {}", "x".repeat(rng.usize(..8_000))),
            began: run.tick(),
            ..Sent::default()
        };
        let request_id = format!("{own}-{number}");
        loop {
            match post(&mut client, &sent, &request_id).await {
                Ok(place) => {
                    sent.at = place;
                    break;
                }
                Err(status) => {
                    assert_ne!(status.code(), Code::InvalidArgument, "{status:?}");
                    tried.push(sent.clone());
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    client = run.client();
                }
            }
        }
        sent.ended = run.tick();
        run.acknowledged.fetch_add(1, SeqCst);
        all.push(sent);
    }
    (all, tried)
}

/// Sends, or broadcasts, and returns where.
async fn post(client: &mut Client, sent: &Sent, request_id: &str) -> Result<Place, Status> {
    if sent.channel.is_empty() {
        return broadcast(client, &sent.name, &sent.sender, &sent.text, request_id).await;
    }
    let mut request = text(&sent.channel, &sent.name, &sent.text);
    request.sender_id.clone_from(&sent.sender);
    request.request_id = request_id.to_owned();
    let response = client.send(request).await?.into_inner();
    Ok(response.position.expect("a position").into())
}

pub(super) async fn broadcast(
    client: &mut Client,
    name: &str,
    sender: &str,
    said: &str,
    request_id: &str,
) -> Result<Place, Status> {
    let request = BroadcastRequest {
        event: name.to_owned(),
        payload: text("", "", said).payload,
        sender_id: sender.to_owned(),
        request_id: request_id.to_owned(),
        ..BroadcastRequest::default()
    };
    let response = client.broadcast(request).await?.into_inner();
    Ok(response.position.expect("a position").into())
}

/// Changes a member's profile, if it is still there.
async fn update(client: &mut Client, member: &str, number: u32) {
    let number = prost_types::value::Kind::NumberValue(number.into());
    let number = prost_types::Value { kind: Some(number) };
    let request = UpdateMemberRequest {
        member_id: member.to_owned(),
        data: Some(prost_types::Struct {
            fields: [("number".to_owned(), number)].into(),
        }),
        ..UpdateMemberRequest::default()
    };
    // It may have left, or the node may be on its way out.
    client.update_member(request).await.ok();
}
