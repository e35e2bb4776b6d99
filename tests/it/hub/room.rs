//! Bounded by construction: what logs hold, and what readers pin.

use fanfare::hub::Limits;
use tokio::time::{Duration, advance};

use super::support::{Stream, hub, join, observe, send, send_many};

/// Bytes of a segment, and what its allocation costs beside.
const SEGMENT: usize = 16 << 10;
const COST: usize = 192;

#[tokio::test(start_paused = true)]
async fn a_reader_that_stalls_pins_a_segment_and_lets_go_when_it_is_dropped() {
    let hub = hub(Limits::default());
    let mut stream = Stream::settled(&hub, [join("a")]);
    send_many(&hub, "a", 1_000, &"x".repeat(200));
    let held = stream.chunk().unwrap();
    assert_eq!(hub.counts().pinned_bytes, 0, "the log holds it too");
    advance(Duration::from_secs(61)).await;
    hub.sweep_all();
    let pinned = hub.counts().pinned_bytes;
    assert!(held.len() <= pinned && pinned <= SEGMENT + COST);
    drop(stream);
    assert_eq!(hub.counts().pinned_bytes, pinned, "the chunk is out");
    drop(held);
    assert_eq!(hub.counts().pinned_bytes, 0);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_readers_stalled_at_different_times_pin_a_segment_each_at_most() {
    let hub = hub(Limits {
        log_bytes: 100_000,
        ..Limits::default()
    });
    let mut streams: Vec<_> = (0..1_000)
        .map(|_| Stream::settled(&hub, [join("a")]))
        .collect();
    let mut held = Vec::new();
    for stream in &mut streams {
        send_many(&hub, "a", 20, &"x".repeat(500));
        held.push(stream.chunk().unwrap());
    }
    let counts = hub.counts();
    assert!(counts.pinned_bytes > 100 * SEGMENT, "they do pin something");
    assert!(counts.pinned_bytes <= 1_000 * (SEGMENT + COST));
    assert!(counts.log_bytes <= 2 * 100_000);
    drop((streams, held));
    assert_eq!(hub.counts().pinned_bytes, 0);
}

#[test]
fn the_logs_of_the_node_stay_within_its_budget() {
    let hub = hub(Limits {
        node_bytes: 2 << 20,
        ..Limits::default()
    });
    let mut random = fastrand::Rng::with_seed(1);
    for at in 0..20_000 {
        let channel = (random.u32(..100) + at / 200).to_string();
        let size = random.usize(..2_000);
        send(&hub, &channel, &"x".repeat(size));
        let counts = hub.counts();
        let fixed = 512 * (counts.channels + 1);
        assert!(counts.log_bytes <= fixed + (2 << 20));
    }
}

#[test]
fn one_channel_alone_is_bounded_by_its_own_log() {
    let hub = hub(Limits {
        log_bytes: 100_000,
        node_bytes: 1,
        ..Limits::default()
    });
    let mut stream = Stream::settled(&hub, [observe("a")]);
    send_many(&hub, "a", 1_000, &"x".repeat(1_000));
    assert!(hub.counts().log_bytes <= 2 * 100_000);
    let kept = stream.read().len();
    assert!(kept > 90, "and keeps what it may: {kept} frames");
    send(&hub, "b", "x");
    assert!(hub.counts().log_bytes <= 4_000, "a's events had to go");
}

#[test]
fn many_small_events_do_not_go_out_in_small_chunks() {
    let hub = hub(Limits::default());
    let mut prompt = Stream::settled(&hub, ["a", "b"].map(join));
    let mut late = Stream::settled(&hub, ["a", "b"].map(join));
    let mut bytes = 0;
    for at in 0..2_000 {
        send(&hub, ["a", "b"][at % 7 % 2], "small");
        bytes += prompt.chunk().unwrap().len();
        assert_eq!(prompt.chunk(), None);
    }
    let (mut chunks, mut got) = (0, 0);
    while let Some(chunk) = late.chunk() {
        assert!(chunk.len() <= SEGMENT);
        (chunks, got) = (chunks + 1, got + chunk.len());
    }
    assert_eq!(got, bytes);
    assert!(chunks <= bytes / (SEGMENT - 1_000) + 1, "{chunks} chunks");
}
