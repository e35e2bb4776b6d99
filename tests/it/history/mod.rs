//! The history checker: a random run is recorded, every acknowledged send and
//! every received frame, and verified afterwards.
//!
//! Modelled on etcd's robustness suite: what happened is judged offline, by
//! rules that know nothing of how the node works.

mod record;
mod run;
mod verify;

use record::{Frame, History, Sent, Stream, Wish};
use verify::verify;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_histories_are_in_order_complete_and_without_doubles() {
    let first = fastrand::u64(..);
    for seed in (first..).take(12) {
        let history = run::random(seed).await;
        assert!(
            history.sent.len() > 500,
            "seed {seed}: {} sends",
            history.sent.len()
        );
        let wrong = verify(&history);
        assert!(wrong.is_empty(), "seed {seed}: {wrong:#?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_histories_have_gaps_and_filters_to_judge() {
    let (mut gaps, mut skipped) = (0, 0);
    for seed in 0..6 {
        let history = run::random(seed).await;
        gaps += history.gaps();
        skipped += history.unwanted();
    }
    assert!(
        gaps > 0 && skipped > 0,
        "{gaps} gaps, {skipped} events skipped by choice"
    );
}

/// Two events in channel `a`, and a stream that got both.
fn whole() -> History {
    let sent = |sequence| Sent {
        channel: "a".into(),
        name: "e".into(),
        sender: String::new(),
        text: format!("text {sequence}"),
        sequence,
        began: sequence * 10,
        ended: sequence * 10 + 5,
    };
    let stream = Stream {
        member: "m".into(),
        start: 0,
        channels: [("a".into(), Wish::default())].into(),
        broadcasts: None,
        frames: vec![
            Frame::Event(sent(1)),
            Frame::Event(sent(2)),
            Frame::Position(2),
        ],
    };
    History {
        sent: vec![sent(1), sent(2)],
        streams: vec![stream],
    }
}

/// What the checker says of a history that is `whole` but for a change.
fn judged(change: impl FnOnce(&mut History)) -> String {
    let mut history = whole();
    change(&mut history);
    verify(&history).join("; ")
}

#[test]
fn a_whole_history_passes() {
    assert_eq!(judged(|_| {}), "");
}

#[test]
fn a_lost_event_is_found() {
    let said = judged(|history| drop(history.streams[0].frames.remove(1)));
    assert!(said.contains("2 was lost"), "{said}");
}

#[test]
fn an_event_that_a_gap_covers_is_not_lost() {
    let gap = Frame::Gap {
        channel: "a".into(),
        after: 1,
        through: 2,
    };
    assert_eq!(judged(|history| history.streams[0].frames[1] = gap), "");
}

#[test]
fn a_gap_that_comes_after_what_follows_the_loss_is_found() {
    let gap = Frame::Gap {
        channel: "a".into(),
        after: 0,
        through: 1,
    };
    let said = judged(|history| history.streams[0].frames[0] = Frame::Position(0));
    assert!(said.contains("1 was lost"), "{said}");
    let said = judged(|history| {
        history.streams[0].frames.remove(0);
        history.streams[0].frames.push(gap);
    });
    assert!(said.contains("1 was lost"), "{said}");
}

#[test]
fn a_gap_where_nothing_is_missing_is_found() {
    let gap = Frame::Gap {
        channel: "a".into(),
        after: 2,
        through: 3,
    };
    let said = judged(|history| history.streams[0].frames.push(gap));
    assert!(said.contains("nothing was lost"), "{said}");
}

#[test]
fn a_double_and_a_wrong_order_are_found() {
    let said =
        judged(|history| history.streams[0].frames[1] = history.streams[0].frames[0].clone());
    assert!(said.contains("after 1"), "{said}");
    let said = judged(|history| history.streams[0].frames.swap(0, 1));
    assert!(said.contains("after 2"), "{said}");
}

#[test]
fn an_event_that_nobody_sent_is_found() {
    let said = judged(|history| drop(history.sent.remove(1)));
    assert!(said.contains("never sent"), "{said}");
}

#[test]
fn a_changed_event_is_found() {
    let said = judged(|history| history.sent[1].text.push('!'));
    assert!(said.contains("is not what was sent"), "{said}");
}

#[test]
fn an_event_against_the_stream_s_choice_is_found() {
    let named = Wish {
        events: vec!["other".into()],
        echo: false,
    };
    let said = judged(|history| drop(history.streams[0].channels.insert("a".into(), named)));
    assert!(said.contains("was not asked for"), "{said}");
    let said = judged(|history| {
        history.streams[0].member = String::new();
        history
            .sent
            .iter_mut()
            .for_each(|sent| sent.sender = "m".into());
        history.streams[0].member = "m".into();
        let Frame::Event(event) = &mut history.streams[0].frames[0] else {
            return;
        };
        event.sender = "m".into();
    });
    assert!(said.contains("was not asked for"), "{said}");
}

#[test]
fn a_number_that_falls_between_two_sends_in_a_row_is_found() {
    let said = judged(|history| {
        history.sent[0].began = 100;
        history.sent[0].ended = 105;
    });
    assert!(said.contains("was answered before"), "{said}");
}
