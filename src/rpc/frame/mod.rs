//! Frames as they go on the wire: a gRPC prefix and a `SubscribeResponse`.
//!
//! An event and a presence change are encoded before any lock is taken, with a
//! hole of eight bytes for their number; the same bytes then go to every
//! subscriber.

mod event;
mod reply;

use bytes::Bytes;
use prost::Message;

use super::raw::Raw;
use super::wire::subscribe_response::Frame as Kind;
use super::wire::{self, SubscribeResponse};
use crate::hub::{self, Change, Clock, Frame, Gap, nanos};
use crate::model::{Epoch, Member, Position};

pub(super) use event::{Published, decode, event};
pub(super) use reply::{To, reply, sent};

/// The prefix of a gRPC message: not compressed, and its length.
const PREFIX: usize = 5;

#[expect(
    clippy::cast_possible_truncation,
    reason = "limits keep frames at a few MiB"
)]
fn prefix(len: usize, into: &mut Vec<u8>) {
    let [a, b, c, d] = (len as u32).to_be_bytes();
    into.extend_from_slice(&[0, a, b, c, d]);
}

/// As prost's own, which is never inlined.
#[inline]
fn varint(mut value: u64, into: &mut Vec<u8>) {
    while value >= 0x80 {
        into.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    into.push(value.to_le_bytes()[0]);
}

/// The key of a field with a length, of a number below 16.
const fn key(field: u8) -> u8 {
    field << 3 | 2
}

/// Appends a frame of any kind but an event.
pub(super) fn put(kind: Kind, into: &mut Vec<u8>) {
    let message = SubscribeResponse { frame: Some(kind) };
    prefix(message.encoded_len(), into);
    message.encode_raw(into);
}

/// A position as it travels.
pub(super) fn position(position: &Position) -> wire::Position {
    wire::Position {
        epoch: position.epoch.as_str().to_owned(),
        sequence: position.sequence,
    }
}

/// A gap as it travels.
pub(super) fn gap(gap: &Gap<'_>, epoch: &Epoch) -> wire::Gap {
    let reason = match gap.reason {
        hub::GapReason::Overflow => wire::GapReason::Overflow,
        hub::GapReason::Expired => wire::GapReason::Expired,
        hub::GapReason::EpochChanged => wire::GapReason::EpochChanged,
    };
    wire::Gap {
        channel: gap.channel.to_owned(),
        after: gap.after,
        through: gap.through,
        reason: reason.into(),
        epoch: epoch.as_str().to_owned(),
    }
}

/// A member of a channel as it travels.
pub(super) fn member(member: &Member) -> wire::Member {
    wire::Member {
        join_time: Some(member.join_time.into()),
        data: profile(&member.profile),
        ..member_id(member)
    }
}

fn member_id(member: &Member) -> wire::Member {
    wire::Member {
        id: member.id.as_str().to_owned(),
        ..wire::Member::default()
    }
}

/// A profile as it travels: absent if it is empty.
pub(super) fn profile(profile: &Bytes) -> Option<Raw> {
    (!profile.is_empty()).then(|| Raw::from(profile.clone()))
}

/// The frames that the hub makes itself.
#[derive(Clone, Copy, Debug)]
pub struct Frames {
    /// For the time in heartbeats, and of presence changes.
    pub clock: Clock,
}

impl hub::Frames for Frames {
    fn gap(&self, gap: &Gap<'_>, epoch: &Epoch, into: &mut Vec<u8>) {
        put(Kind::Gap(self::gap(gap, epoch)), into);
    }

    fn heartbeat(&self, at: &Position, into: &mut Vec<u8>) {
        let heartbeat = wire::Heartbeat {
            position: Some(position(at)),
            time: Some(self.clock.now().into()),
        };
        put(Kind::Heartbeat(heartbeat), into);
    }

    fn presence(&self, channel: &str, change: Change, member: &Member) -> Frame {
        let (kind, member) = match change {
            Change::Joined => (wire::PresenceKind::Joined, self::member(member)),
            Change::Updated => (wire::PresenceKind::Updated, self::member(member)),
            Change::Left => (wire::PresenceKind::Left, member_id(member)),
        };
        let presence = wire::Presence {
            channel: channel.to_owned(),
            kind: kind.into(),
            member: Some(member),
            // Not 0, which would be left out.
            sequence: u64::MAX,
        };
        let mut bytes = Vec::new();
        put(Kind::Presence(presence), &mut bytes);
        // The last field by its number, which is the order that prost keeps.
        let number_at = bytes.len() - size_of::<u64>();
        bytes[number_at..].fill(0);
        Frame {
            bytes,
            number_at,
            name: 0..0,
            sender: 0..0,
            published: nanos(self.clock.now()),
        }
    }

    fn members(
        &self,
        channel: &str,
        members: &[Member],
        sequence: u64,
        last: bool,
        into: &mut Vec<u8>,
    ) {
        let snapshot = wire::MembersSnapshot {
            channel: channel.to_owned(),
            members: members.iter().map(member).collect(),
            sequence,
            last,
        };
        put(Kind::Members(snapshot), into);
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::hub::{Frames as _, GapReason};
    use crate::model::MemberId;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    fn frames() -> Frames {
        Frames {
            clock: Clock::of(|| NOW + Duration::from_secs(9)),
        }
    }

    fn ada() -> Member {
        Member {
            id: MemberId::of("ada"),
            profile: Bytes::from_static(b"\x0a\x07\x0a\x01a\x12\x02\x20\x01"),
            join_time: NOW + Duration::from_secs(7),
        }
    }

    fn decoded(bytes: &[u8]) -> Kind {
        let length = u32::from_be_bytes(bytes[1..PREFIX].try_into().unwrap()) as usize;
        assert_eq!((bytes[0], length), (0, bytes.len() - PREFIX));
        let message = SubscribeResponse::decode(&bytes[PREFIX..]).unwrap();
        message.frame.expect("a frame")
    }

    fn presence(change: Change) -> wire::Presence {
        let mut frame = frames().presence("news", change, &ada());
        assert!(frame.name.is_empty() && frame.sender.is_empty());
        assert_eq!(frame.published, 9_000_000_000);
        let hole = &mut frame.bytes[frame.number_at..][..8];
        assert_eq!(hole, [0; 8]);
        hole.copy_from_slice(&42_u64.to_le_bytes());
        let Kind::Presence(presence) = decoded(&frame.bytes) else {
            panic!("not a presence change")
        };
        assert_eq!((presence.channel.as_str(), presence.sequence), ("news", 42));
        presence
    }

    #[test]
    fn a_presence_change_tells_the_member_as_it_is_then() {
        for (change, kind) in [
            (Change::Joined, wire::PresenceKind::Joined),
            (Change::Updated, wire::PresenceKind::Updated),
        ] {
            let presence = presence(change);
            assert_eq!(presence.kind(), kind);
            assert_eq!(presence.member, Some(member(&ada())));
        }
    }

    #[test]
    fn of_one_that_left_the_id_alone_is_told() {
        let presence = presence(Change::Left);
        assert_eq!(presence.kind(), wire::PresenceKind::Left);
        let alone = wire::Member {
            id: "ada".into(),
            ..wire::Member::default()
        };
        assert_eq!(presence.member, Some(alone));
    }

    #[test]
    fn a_snapshot_lists_members_with_profile_and_time() {
        let mut bytes = Vec::new();
        frames().members("news", &[ada(), ada()], 41, true, &mut bytes);
        let expected = wire::Member {
            id: "ada".into(),
            data: Some(Raw::from(ada().profile)),
            join_time: Some(ada().join_time.into()),
            subject: String::new(),
        };
        let snapshot = wire::MembersSnapshot {
            channel: "news".into(),
            members: vec![expected; 2],
            sequence: 41,
            last: true,
        };
        assert_eq!(decoded(&bytes), Kind::Members(snapshot));
    }

    #[test]
    fn a_gap_tells_its_reason() {
        for (reason, expected) in [
            (GapReason::Overflow, wire::GapReason::Overflow),
            (GapReason::Expired, wire::GapReason::Expired),
            (GapReason::EpochChanged, wire::GapReason::EpochChanged),
        ] {
            let told = Gap {
                channel: "a.*",
                after: 3,
                through: 5,
                reason,
            };
            let (epoch, mut bytes) = (Epoch::new(), Vec::new());
            frames().gap(&told, &epoch, &mut bytes);
            let Kind::Gap(gap) = decoded(&bytes) else {
                panic!("not a gap")
            };
            assert_eq!((gap.after, gap.through, gap.reason()), (3, 5, expected));
            assert_eq!(
                (gap.channel.as_str(), gap.epoch.as_str()),
                ("a.*", epoch.as_str())
            );
        }
    }
}
