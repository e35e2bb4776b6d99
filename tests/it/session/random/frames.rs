//! The frames of a session as the records of `crate::hub::lives` have them.

use fanfare::hub::{Change, End, GapReason};
use fanfare::rpc::client::{
    self as wire, ClosingReason, Member, PresenceKind, Subscription, payload::Kind,
    session_response::Frame,
};

use crate::hub::lives::record::{Entry, Note};
use crate::hub::support::Got;

/// What a frame tells, and the text of an event; a reply is none of these.
pub(super) fn note(frame: Frame) -> Note {
    let got = match frame {
        Frame::Gap(gap) => {
            let reason = match gap.reason() {
                wire::GapReason::Overflow => GapReason::Overflow,
                wire::GapReason::Expired => GapReason::Expired,
                wire::GapReason::EpochChanged => GapReason::EpochChanged,
                wire::GapReason::Unspecified => panic!("{gap:?}"),
            };
            return Note::Gap {
                got: Got::lost(&gap.channel, gap.after, gap.through, reason),
                knows: u64::MAX,
                oldest: u64::MAX,
            };
        }
        Frame::Closing(closing) => {
            assert_eq!(closing.reason(), ClosingReason::SlowConsumer);
            return Note::Slow(None);
        }
        Frame::Event(event) => {
            let Some(Kind::Text(body)) = event.payload.and_then(|payload| payload.kind) else {
                panic!("not the text that was sent")
            };
            Got::Event {
                number: event.sequence,
                body,
            }
        }
        Frame::Heartbeat(beat) => Got::Position(beat.position.expect("one").sequence),
        Frame::Presence(change) => {
            let kind = match change.kind() {
                PresenceKind::Joined => Change::Joined,
                PresenceKind::Left => Change::Left,
                PresenceKind::Updated => Change::Updated,
                PresenceKind::Unspecified => panic!("{change:?}"),
            };
            let (id, profile) = member(change.member.expect("a member"));
            Got::Presence {
                number: change.sequence,
                change: kind,
                member: (change.channel, id, profile),
            }
        }
        Frame::Members(list) => Got::Members {
            channel: list.channel,
            number: list.sequence,
            members: list.members.into_iter().map(member).collect(),
            last: list.last,
        },
        Frame::Reply(reply) => panic!("not here: {reply:?}"),
    };
    Note::Got(got)
}

/// The end of a stream that fell behind where it was not to be told a gap.
pub(super) fn is_end(note: &Note) -> bool {
    matches!(note, Note::Slow(_) | Note::Got(Got::End(End::SlowConsumer)))
}

/// A member's id and profile.
pub(super) fn member(member: Member) -> (String, String) {
    let fields = member.data.unwrap_or_default().fields;
    let profile = fields.get("profile").and_then(|value| value.kind.as_ref());
    let profile = match profile {
        Some(prost_types::value::Kind::StringValue(text)) => text.clone(),
        _ => String::new(),
    };
    (member.id, profile)
}

/// What asks for an entry.
pub(super) fn subscription(entry: &Entry) -> Subscription {
    Subscription {
        channel: entry.text.into(),
        events: events(entry),
        presence: entry.presence && !entry.is_pattern(),
        echo: entry.echo,
        overflow: if entry.strict { 2 } else { 0 },
        observe: entry.observes,
    }
}

/// The names of the events that an entry takes.
pub(super) fn events(entry: &Entry) -> Vec<String> {
    let only = entry.quiet.then(|| "signal".to_owned());
    only.into_iter().collect()
}
