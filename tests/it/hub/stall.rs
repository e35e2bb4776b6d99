//! Streams whose peers take nothing are evicted from outside; others are not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fanfare::hub::{Carrier, Hub, Limits, Subscribe};
use tokio::time::{Duration, advance};

use super::support::{Got, Stream, hub, join, observe, send, send_many, subscribe};

/// A stream, and how often it was evicted.
fn evictable(hub: &Hub, request: Subscribe) -> (Stream, Arc<AtomicUsize>) {
    struct Counting(Arc<AtomicUsize>);
    impl Carrier for Counting {
        fn evict(&self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }

        fn broke(&self) -> bool {
            false
        }
    }
    let evicted = Arc::<AtomicUsize>::default();
    let carrier = Counting(Arc::clone(&evicted));
    (Stream::with(hub, Arc::new(carrier), request), evicted)
}

/// Lets time pass, and the hub look every second.
async fn pass(hub: &Hub, seconds: u64) {
    for _ in 0..seconds {
        advance(Duration::from_secs(1)).await;
        hub.sweep_all();
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_takes_nothing_is_evicted_in_time() {
    let hub = hub(Limits::default());
    let (mut stream, evicted) = evictable(&hub, subscribe([join("a")]));
    assert_eq!(stream.read(), []);
    pass(&hub, 100).await;
    assert_eq!(
        evicted.load(Ordering::SeqCst),
        0,
        "there was nothing to take"
    );
    send(&hub, "a", "x");
    pass(&hub, 29).await;
    assert_eq!(evicted.load(Ordering::SeqCst), 0);
    pass(&hub, 2).await;
    assert_eq!(evicted.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_never_polled_is_evicted() {
    let hub = hub(Limits::default());
    let (_stream, evicted) = evictable(&hub, subscribe([join("a")]));
    pass(&hub, 31).await;
    assert_eq!(evicted.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_stops_after_a_chunk_is_evicted() {
    let hub = hub(Limits::default());
    let (mut stream, evicted) = evictable(&hub, subscribe([join("a")]));
    send_many(&hub, "a", 100, &"x".repeat(1_000));
    assert_ne!(stream.next(), []);
    pass(&hub, 31).await;
    assert_eq!(evicted.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_slow_stream_that_moves_is_not_evicted() {
    let hub = hub(Limits {
        log_age: Duration::from_secs(3_600),
        ..Limits::default()
    });
    let (mut stream, evicted) = evictable(&hub, subscribe([join("a")]));
    send_many(&hub, "a", 200, &"x".repeat(10_000));
    for _ in 0..20 {
        assert_ne!(stream.next(), []);
        pass(&hub, 25).await;
    }
    assert_eq!(evicted.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn an_idle_stream_is_not_evicted() {
    let hub = hub(Limits::default());
    let (mut stream, evicted) = evictable(&hub, subscribe([join("a"), observe("b")]));
    send(&hub, "a", "x");
    assert_eq!(stream.read(), [Got::event(1, "x")]);
    pass(&hub, 3_600).await;
    assert_eq!(evicted.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn an_observer_that_does_not_take_a_new_channel_is_evicted() {
    let hub = hub(Limits::default());
    let (mut stream, evicted) = evictable(&hub, subscribe([observe("a")]));
    assert_eq!(stream.read(), []);
    send(&hub, "a", "x");
    pass(&hub, 31).await;
    assert_eq!(evicted.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_does_not_take_its_end_is_evicted() {
    let hub = hub(Limits::default());
    let (mut stream, evicted) = evictable(&hub, subscribe([join("a")]));
    assert_eq!(stream.read(), []);
    hub.drain();
    pass(&hub, 31).await;
    assert_eq!(evicted.load(Ordering::SeqCst), 1);
}
