//! At most once: a request id is remembered for a while.

use fanfare::hub::{Hub, Limits, Receipt};
use fanfare::model::{Error, RequestKey};
use tokio::time::{Duration, advance};

use super::support::{Stream, bodies, event, hub, join, name, send};

fn key(id: u128, content: u128) -> RequestKey {
    RequestKey { id, content }
}

fn ask(hub: &Hub, body: &str, key: RequestKey) -> Result<Receipt, Error> {
    hub.send(&name("a"), event("", "", body), Some(key))
}

#[test]
fn a_repeat_has_the_first_answer_and_sends_nothing() {
    let hub = hub(Limits::default());
    let mut stream = Stream::settled(&hub, [join("a")]);
    let first = ask(&hub, "once", key(1, 1)).unwrap();
    assert!(!first.duplicate);
    send(&hub, "a", "between");
    let again = ask(&hub, "twice", key(1, 1)).unwrap();
    let repeat = Receipt {
        duplicate: true,
        ..first
    };
    assert_eq!(again, repeat);
    assert_eq!(bodies(&stream.read()), ["once", "between"]);
    assert_eq!(hub.counts().requests, 1);
}

#[test]
fn an_id_with_other_content_is_refused_and_sends_nothing() {
    let hub = hub(Limits::default());
    ask(&hub, "x", key(1, 1)).unwrap();
    let mut stream = Stream::settled(&hub, [join("a")]);
    assert_eq!(ask(&hub, "y", key(1, 2)), Err(Error::RequestIdReused));
    assert_eq!(stream.read(), []);
    assert_eq!(
        ask(&hub, "z", key(2, 2)).unwrap().sequence,
        2,
        "no number was taken"
    );
}

#[tokio::test(start_paused = true)]
async fn an_id_is_forgotten_when_it_is_old() {
    let hub = hub(Limits::default());
    ask(&hub, "x", key(1, 1)).unwrap();
    advance(Duration::from_secs(299)).await;
    hub.sweep_all();
    assert!(ask(&hub, "x", key(1, 1)).unwrap().duplicate);
    advance(Duration::from_secs(1)).await;
    let anew = ask(&hub, "other", key(1, 2)).unwrap();
    assert_eq!((anew.sequence, anew.duplicate), (2, false));
    hub.sweep_all();
    assert_eq!(hub.counts().requests, 1, "the second is young");
    assert!(ask(&hub, "other", key(1, 2)).unwrap().duplicate);
    advance(Duration::from_secs(300)).await;
    hub.sweep_all();
    assert_eq!(hub.counts().requests, 0);
}

#[test]
fn the_oldest_ids_are_forgotten_when_there_are_too_many() {
    let hub = hub(Limits {
        request_ids: 3,
        ..Limits::default()
    });
    for id in 1..=4 {
        ask(&hub, "x", key(id, 1)).unwrap();
    }
    assert_eq!(hub.counts().requests, 3);
    assert!(ask(&hub, "x", key(2, 1)).unwrap().duplicate);
    assert!(!ask(&hub, "x", key(1, 1)).unwrap().duplicate);
}

#[tokio::test(start_paused = true)]
async fn an_id_outlives_its_channel() {
    let hub = hub(Limits::default());
    ask(&hub, "x", key(1, 1)).unwrap();
    advance(Duration::from_secs(61)).await;
    hub.sweep_all();
    assert_eq!(hub.counts().channels, 0);
    assert!(ask(&hub, "x", key(1, 1)).unwrap().duplicate);
}

#[test]
fn broadcasts_know_repeats_too() {
    let hub = hub(Limits::default());
    let first = hub.broadcast(event("", "", "x"), Some(key(1, 1))).unwrap();
    let again = hub.broadcast(event("", "", "x"), Some(key(1, 1))).unwrap();
    assert_eq!(
        (first.sequence, again.sequence, again.duplicate),
        (1, 1, true)
    );
    let other = hub.broadcast(event("", "", "y"), Some(key(1, 2)));
    assert_eq!(other, Err(Error::RequestIdReused));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_equal_requests_at_once_one_is_sent() {
    let hub = hub(Limits::default());
    for id in 0..200 {
        let asked = [(); 4].map(|()| {
            let hub = hub.clone();
            tokio::spawn(async move { ask(&hub, "x", key(id, 1)).unwrap() })
        });
        let mut first = 0;
        for one in asked {
            let receipt = one.await.unwrap();
            first += usize::from(!receipt.duplicate);
            assert_eq!(u128::from(receipt.sequence), id + 1);
        }
        assert_eq!(first, 1);
    }
}
