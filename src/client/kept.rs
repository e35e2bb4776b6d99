//! What is kept of a stream, to come back where it was.
//!
//! One number: it begins with `ready.position`, and goes on with each event and
//! presence change and with `heartbeat.position`. The epoch comes from `ready`
//! and `heartbeat` only, and a gap moves nothing.

use std::time::Duration;

use crate::rpc::client as proto;
use proto::subscribe_request::Start;
use proto::subscribe_response::Frame;
use proto::{Position, SubscribeRequest};

/// How long a connection and its `ready` may take.
pub(super) const OPENING: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub(super) struct Kept {
    /// What was asked for at first, with the token of the latest `ready`.
    request: SubscribeRequest,
    /// Everything up to here has come; unknown until the first `ready`.
    position: Option<Position>,
    /// After this long without a frame the connection is taken for dead: the
    /// interval in force, and as much again for what is on its way.
    silence: Duration,
    /// What the last frame asked to wait, if it was a `closing`.
    retry_after: Option<Duration>,
}

impl Kept {
    pub(super) fn new(request: SubscribeRequest) -> Self {
        Self {
            request,
            position: None,
            silence: OPENING,
            retry_after: None,
        }
    }

    /// What to ask for next.
    pub(super) fn request(&self) -> SubscribeRequest {
        let mut request = self.request.clone();
        if let Some(position) = &self.position {
            request.start = Some(Start::Resume(position.clone()));
        }
        request
    }

    /// Keeps what a frame says.
    pub(super) fn take(&mut self, frame: &Frame) {
        match frame {
            Frame::Ready(ready) => self.begin(ready),
            Frame::Event(event) => self.rise(event.sequence),
            Frame::Presence(change) => self.rise(change.sequence),
            Frame::Heartbeat(heartbeat) => self.rise_to(heartbeat.position.as_ref()),
            Frame::Closing(closing) => {
                self.retry_after = closing.retry_after.and_then(|time| time.try_into().ok());
            }
            Frame::Gap(_) | Frame::Members(_) => {}
        }
    }

    pub(super) fn position(&self) -> Option<&Position> {
        self.position.as_ref()
    }

    pub(super) fn silence(&self) -> Duration {
        self.silence
    }

    /// How long the node asked to wait, by its `closing` or else `by_status`.
    pub(super) fn asked(&mut self, by_status: Option<Duration>) -> Option<Duration> {
        self.retry_after.take().max(by_status)
    }

    fn begin(&mut self, ready: &proto::Ready) {
        if let Some(position) = &ready.position {
            self.position = Some(position.clone());
        }
        if !ready.member_token.is_empty() {
            self.request.member_token.clone_from(&ready.member_token);
        }
        let interval = ready.heartbeat_interval.map(Duration::try_from);
        if let Some(Ok(interval)) = interval {
            self.silence = interval.saturating_mul(2);
        }
    }

    fn rise(&mut self, sequence: u64) {
        if let Some(position) = &mut self.position {
            position.sequence = position.sequence.max(sequence);
        }
    }

    fn rise_to(&mut self, told: Option<&Position>) {
        match (&self.position, told) {
            (Some(kept), Some(told)) if kept.epoch == told.epoch => self.rise(told.sequence),
            (_, Some(told)) => self.position = Some(told.clone()),
            (_, None) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is kept after these frames of a stream that began with `last`.
    fn after(frames: &[Frame]) -> Kept {
        let subscription = proto::Subscription {
            channel: "c".to_owned(),
            ..proto::Subscription::default()
        };
        let mut kept = Kept::new(SubscribeRequest {
            subscriptions: vec![subscription],
            start: Some(Start::Last(5)),
            member_token: "t0".to_owned(),
            ..SubscribeRequest::default()
        });
        for frame in frames {
            kept.take(frame);
        }
        kept
    }

    fn kept(frames: &[Frame]) -> String {
        let kept = after(frames);
        let position = kept.position();
        position.map_or_else(String::new, |at| format!("{}:{}", at.epoch, at.sequence))
    }

    fn at(epoch: &str, sequence: u64) -> Position {
        let epoch = epoch.to_owned();
        Position { epoch, sequence }
    }

    fn ready(epoch: &str, sequence: u64) -> Frame {
        Frame::Ready(proto::Ready {
            member_token: format!("t-{epoch}"),
            position: Some(at(epoch, sequence)),
            heartbeat_interval: Duration::from_millis(1500).try_into().ok(),
            ..proto::Ready::default()
        })
    }

    fn heartbeat(epoch: &str, sequence: u64) -> Frame {
        Frame::Heartbeat(proto::Heartbeat {
            position: Some(at(epoch, sequence)),
            time: None,
        })
    }

    fn event(sequence: u64) -> Frame {
        Frame::Event(proto::Event {
            sequence,
            ..proto::Event::default()
        })
    }

    fn gap(through: u64, epoch: &str) -> Frame {
        Frame::Gap(proto::Gap {
            through,
            epoch: epoch.to_owned(),
            ..proto::Gap::default()
        })
    }

    #[test]
    fn what_moves_the_number_and_what_does_not() {
        let presence = Frame::Presence(proto::Presence {
            sequence: 9,
            ..proto::Presence::default()
        });
        let members = Frame::Members(proto::MembersSnapshot {
            sequence: 99,
            ..proto::MembersSnapshot::default()
        });
        for (frames, expected) in [
            (&[][..], ""),
            (&[ready("e", 0)], "e:0"),
            (&[ready("e", 3), event(7)], "e:7"),
            (&[ready("e", 3), presence], "e:9"),
            (&[ready("e", 3), members], "e:3"),
            (&[ready("e", 3), gap(50, "e")], "e:3"),
            (&[ready("e", 3), gap(50, "e"), heartbeat("e", 50)], "e:50"),
            (&[ready("e", 3), heartbeat("e", 8), event(9)], "e:9"),
            (&[ready("e", 3), event(9), heartbeat("e", 8)], "e:9"),
        ] {
            assert_eq!(kept(frames), expected, "{frames:?}");
        }
    }

    #[test]
    fn the_epoch_comes_from_ready_and_heartbeat_only() {
        // A cut here must ask for the old one again, to be told the gap again.
        let returned = [ready("old", 700), gap(2, "new")];
        assert_eq!(kept(&returned), "old:700");
        let anew = [
            ready("old", 700),
            gap(2, "new"),
            heartbeat("new", 2),
            event(3),
        ];
        assert_eq!(kept(&anew), "new:3");
        // Opaque: neither is the later one.
        assert_eq!(kept(&[ready("a", 700), heartbeat("b", 2)]), "b:2");
        assert_eq!(kept(&[ready("b", 700), heartbeat("a", 2)]), "a:2");
    }

    #[test]
    fn a_return_resumes_with_the_latest_token_and_all_else_the_same() {
        let first = after(&[]).request();
        assert_eq!(first.start, Some(Start::Last(5)));
        assert_eq!(first.member_token, "t0");
        let frames = [ready("a", 3), event(4), ready("b", 0), event(2)];
        let again = after(&frames).request();
        assert_eq!(again.start, Some(Start::Resume(at("b", 2))));
        assert_eq!(again.member_token, "t-b");
        assert_eq!(again.subscriptions, first.subscriptions);
    }

    #[test]
    fn twice_the_heartbeat_interval_without_a_frame_is_a_cut() {
        assert_eq!(after(&[]).silence(), OPENING);
        let begun = after(&[ready("e", 0)]);
        assert_eq!(begun.silence(), Duration::from_secs(3));
    }

    #[test]
    fn what_the_closing_asks_for_counts_once() {
        let closing = Frame::Closing(proto::Closing {
            retry_after: Duration::from_millis(1200).try_into().ok(),
            ..proto::Closing::default()
        });
        let mut kept = after(&[ready("e", 0), closing]);
        let longer = Duration::from_secs(2);
        assert_eq!(kept.asked(None), Some(Duration::from_millis(1200)));
        assert_eq!(kept.asked(None), None);
        assert_eq!(kept.asked(Some(longer)), Some(longer));
    }
}
