//! Histories that are whole but for one thing: the checker finds each.

use fanfare::rpc::client::{GapReason, Member, PresenceKind};

use super::choice::{Choice, Wish};
use super::record::{Frame, Gap, History, Place, Reader, Sent, Stream};
use super::verify;

fn at(epoch: &str, sequence: u64) -> Place {
    Place {
        epoch: epoch.into(),
        sequence,
    }
}

fn sent(epoch: &str, sequence: u64) -> Sent {
    Sent {
        channel: "a".into(),
        name: "e".into(),
        sender: String::new(),
        text: format!("text {epoch} {sequence}"),
        at: at(epoch, sequence),
        began: sequence * 10,
        ended: sequence * 10 + 5,
    }
}

fn gap(after: u64, through: u64) -> Frame {
    Frame::Gap(Gap {
        channel: "a".into(),
        after,
        through,
        epoch: "one".into(),
        reason: GapReason::Overflow,
    })
}

fn lost_all(channel: &str) -> Frame {
    Frame::Gap(Gap {
        channel: channel.into(),
        after: 0,
        through: 0,
        epoch: "two".into(),
        reason: GapReason::EpochChanged,
    })
}

fn member(id: &str) -> Member {
    Member {
        id: id.into(),
        ..Member::default()
    }
}

fn list(ids: &[&str], sequence: u64) -> Frame {
    Frame::Members {
        channel: "a".into(),
        members: ids.iter().map(|id| member(id)).collect(),
        sequence,
        last: true,
    }
}

fn change(kind: PresenceKind, id: &str, sequence: u64) -> Frame {
    Frame::Presence {
        channel: "a".into(),
        kind,
        member: member(id),
        sequence,
    }
}

/// Events in channel `a`, and a reader that got all of them, through a cut and
/// another life of the node.
fn whole() -> History {
    let mut choice = Choice::default();
    choice.exact.insert("a".into(), Wish::default());
    choice.joined.insert("a".into());
    choice.watched.insert("a".into());
    choice.patterns.push(("b.*".into(), Wish::default()));
    let stream = |member: &str, start, recovered, frames| Stream {
        member: member.into(),
        start,
        recovered,
        frames,
    };
    let first = vec![
        list(&["m"], 0),
        Frame::Event(sent("one", 1)),
        Frame::Event(sent("one", 2)),
        Frame::Position(at("one", 2)),
    ];
    let second = vec![
        list(&["m"], 2),
        change(PresenceKind::Joined, "n", 3),
        Frame::Event(sent("one", 4)),
        change(PresenceKind::Left, "n", 5),
    ];
    let third = vec![
        lost_all("a"),
        lost_all("b.*"),
        Frame::Position(at("two", 0)),
        list(&["o"], 0),
        Frame::Event(sent("two", 1)),
    ];
    History {
        sent: [1, 2, 4]
            .map(|n| sent("one", n))
            .into_iter()
            .chain([sent("two", 1)])
            .collect(),
        tried: Vec::new(),
        readers: vec![Reader {
            choice,
            streams: vec![
                stream("m", at("one", 0), false, first),
                stream("m", at("one", 2), true, second),
                stream("o", at("one", 5), false, third),
            ],
            is_at_the_end: true,
        }],
        listed: [("a".to_owned(), vec![member("o")])].into(),
    }
}

/// What the checker says of a history that is `whole` but for a change.
fn judged(change: impl FnOnce(&mut History)) -> String {
    let mut history = whole();
    change(&mut history);
    verify(&history).join("; ")
}

/// As [`judged`], of the frames of one stream.
#[track_caller]
fn finds(what: &str, stream: usize, change: impl FnOnce(&mut Vec<Frame>)) {
    let said = judged(|history| change(&mut history.readers[0].streams[stream].frames));
    assert!(said.contains(what), "{said:?}");
}

#[test]
fn a_whole_history_passes() {
    assert_eq!(judged(|_| {}), "");
}

#[test]
fn a_lost_event_is_found() {
    finds("2 was lost", 0, |frames| drop(frames.remove(2)));
    finds("4 was lost", 1, |frames| drop(frames.remove(2)));
}

#[test]
fn an_event_that_a_gap_covers_is_not_lost() {
    let said = judged(|history| history.readers[0].streams[0].frames[2] = gap(1, 2));
    assert_eq!(said, "");
}

#[test]
fn a_gap_that_comes_after_what_follows_the_loss_is_found() {
    finds("1 was lost", 0, |frames| {
        frames.remove(1);
        frames.push(gap(0, 1));
    });
}

#[test]
fn a_gap_where_nothing_is_missing_is_found() {
    finds("nothing was lost", 0, |frames| frames.push(gap(2, 3)));
}

#[test]
fn a_double_and_a_wrong_order_are_found() {
    finds("1 came after 1", 0, |frames| frames[2] = frames[1].clone());
    finds("1 came after 2", 0, |frames| frames.swap(1, 2));
    // The second stream begins after it.
    finds("2 came after 2", 1, |frames| {
        frames.insert(0, Frame::Event(sent("one", 2)));
    });
}

#[test]
fn a_stream_that_goes_on_elsewhere_is_found() {
    let said = judged(|history| history.readers[0].streams[1].start.sequence = 1);
    assert!(said.contains("begins at"), "{said}");
}

#[test]
fn a_member_that_comes_back_as_another_is_found() {
    let said = judged(|history| history.readers[0].streams[1].member = "x".into());
    assert!(said.contains("is x, who was m"), "{said}");
}

#[test]
fn an_untrue_recovered_is_found() {
    let said = judged(|history| history.readers[0].streams[1].recovered = false);
    assert!(said.contains("recovered is false"), "{said}");
    let said = judged(|history| history.readers[0].streams[2].recovered = true);
    assert!(said.contains("recovered is true"), "{said}");
}

#[test]
fn another_life_that_is_not_told_of_every_subscription_is_found() {
    finds("of another epoch only", 2, |frames| drop(frames.remove(1)));
    finds("before a position of its epoch", 2, |frames| {
        drop(frames.remove(2));
    });
}

#[test]
fn what_was_only_tried_may_come_and_then_must_come_to_all() {
    let tried = |history: &mut History| {
        history.sent.remove(1);
        history.tried.push(Sent {
            at: Place::default(),
            ..sent("one", 2)
        });
    };
    assert_eq!(judged(tried), "");
    let said = judged(|history| {
        tried(history);
        let mut other = whole().readers.remove(0);
        other.streams[0].frames.remove(2);
        history.readers.push(other);
    });
    assert!(said.contains("reader 1: stream 0: 2 was lost"), "{said}");
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
    let said = judged(|history| {
        let wish = Wish {
            events: vec!["other".into()],
            echo: false,
        };
        history.readers[0].choice.exact.insert("a".into(), wish);
    });
    assert!(said.contains("was not asked for"), "{said}");
    let said = judged(|history| {
        history.sent[0].sender = "m".into();
        let Frame::Event(event) = &mut history.readers[0].streams[0].frames[1] else {
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

#[test]
fn lists_and_changes_that_do_not_fit_are_found() {
    finds("Joined at 3 of m", 1, |frames| {
        frames[1] = change(PresenceKind::Joined, "m", 3);
    });
    finds("Left at 5 of x", 1, |frames| {
        frames[3] = change(PresenceKind::Left, "x", 5);
    });
    finds("in a list as of 0", 1, |frames| drop(frames.remove(0)));
    finds("of \"a\" knows", 2, |frames| {
        frames[3] = list(&["o", "p"], 0);
    });
    let said = judged(|history| history.listed.clear());
    assert_eq!(said, "");
    let said = judged(|history| drop(history.listed.insert("a".into(), vec![])));
    assert!(said.contains("but listed are"), "{said}");
}
