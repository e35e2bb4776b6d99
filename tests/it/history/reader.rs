//! One who follows what it chose by the rule of `docs/protocol.md`, and is cut
//! off anywhere.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use fanfare::rpc::client::{subscribe_request::Start, subscribe_response::Frame as Received};
use fastrand::Rng;

use super::choice::Choice;
use super::record::{Place, Reader};
use super::run::{Phase, Run};
use crate::client_rule::follower::Follower;
use crate::support::PATIENCE;

/// Follows one choice after another, the last one to the end.
pub(super) async fn follow(run: Arc<Run>, mut rng: Rng) -> Vec<Reader> {
    let mut readers = Vec::new();
    loop {
        let mut reader = Reader::new(Choice::random(&mut rng));
        let strict = rng.choice([1, 2, 9]).unwrap_or(9);
        let request = reader.choice.request(|channel| channel.len() % strict == 1);
        let mut follower = Follower::new(run.connect(), request, Duration::from_millis(5));
        let cuts = rng.usize(1..30);
        let is_last = read(&run, &mut reader, &mut follower, cuts, &mut rng).await;
        readers.push(reader);
        if is_last {
            return readers;
        }
    }
}

/// Reads through so many cuts; or to the end, if all is sent before: true then.
async fn read(
    run: &Run,
    reader: &mut Reader,
    follower: &mut Follower,
    cuts: usize,
    rng: &mut Rng,
) -> bool {
    let slow = rng.u8(..3) == 0;
    for _ in 0..cuts {
        let frames = [1, 2, 3, rng.usize(1..100)];
        for _ in 0..rng.choice(frames).unwrap_or(1) {
            next(run, reader, follower).await;
            if !matches!(*run.phase.borrow(), Phase::Sending) {
                read_to_the_end(run, reader, follower).await;
                return true;
            }
            if slow && rng.u8(..10) == 0 {
                tokio::time::sleep(Duration::from_millis(rng.u64(20..120))).await;
            }
        }
        follower.cut();
    }
    false
}

async fn read_to_the_end(run: &Run, reader: &mut Reader, follower: &mut Follower) {
    run.settled.fetch_add(1, SeqCst);
    loop {
        if let Phase::Quiet(end) = &*run.phase.borrow()
            && position(follower)
                .is_some_and(|place| place.epoch == end.epoch && place.sequence >= end.sequence)
        {
            break;
        }
        next(run, reader, follower).await;
    }
    reader.is_at_the_end = true;
    run.end.wait().await;
}

async fn next(run: &Run, reader: &mut Reader, follower: &mut Follower) {
    let frame = tokio::time::timeout(PATIENCE, follower.next()).await;
    let frame = frame.expect("a frame in time").unwrap();
    if let Received::Ready(ready) = &frame {
        let mut members = run.members.lock().unwrap();
        members.push(ready.member_id.clone());
        let old = members.len().saturating_sub(20);
        members.drain(..old);
    }
    reader.hear(frame);
}

/// What a follower would come back with.
fn position(follower: &Follower) -> Option<Place> {
    match &follower.request().start {
        Some(Start::Resume(position)) => Some(position.clone().into()),
        _ => None,
    }
}
