//! `subscribe --follow`: the one number that a client keeps, and the returns.
//!
//! The number begins with `ready.position`, and goes on with each event and
//! presence change and with `heartbeat.position`; the epoch comes from `ready`
//! and `heartbeat` only, and a gap moves nothing. A frame is printed before its
//! number is kept, so whatever a return skips was printed.
//!
//! Until the first `ready` any failure ends it: a wrong address is no cut.

use std::convert::Infallible;
use std::time::Duration;

use prost_reflect::{DynamicMessage, Value};
use tokio::time::{sleep, timeout};
use tonic::{Code, Status, Streaming};
use tonic_types::StatusExt as _;

use super::call::Target;
use super::output::{Output, note};
use super::position::Position;
use super::{Failure, fields, json, render};

/// How long a connection and its `ready` may take.
const OPENING: Duration = Duration::from_secs(20);

/// The longest first wait before a return, doubled with each that fails.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// The longest wait, unless the node asks for more.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Prints the frames of `request` and of every return after a cut. It ends
/// only with a failure that a return would meet again.
pub(crate) async fn follow(target: &Target, request: DynamicMessage) -> Result<(), Failure> {
    let mut kept = Kept::new(request);
    let mut output = Output::stdout();
    loop {
        let Err(cut) = stream(target, &mut kept, &mut output).await;
        let (why, after) = match cut {
            Cut::Again { why, after } if kept.position.is_some() => (why, after),
            Cut::Again { why, .. } | Cut::ForGood(why) => return Err(why),
        };
        let wait = kept.wait(after, fastrand::f64());
        let shown = humantime::format_duration(wait);
        note(&format!("reconnecting in {shown}: {}", why.reason())).await;
        sleep(wait).await;
    }
}

/// Prints the frames of one stream.
async fn stream(target: &Target, kept: &mut Kept, output: &mut Output) -> Result<Infallible, Cut> {
    let opening = timeout(OPENING, open(target, kept.request())).await;
    let (mut frames, mut frame) = opening.map_err(|_| silent(OPENING))??;
    let returns = kept.position.is_some();
    loop {
        output.line(render::line(&frame)?).await?;
        kept.take(&frame);
        if let Some(position) = &kept.position
            && returns
            && frame.has_field_by_name("ready")
        {
            note(&format!("resumed after {position}")).await;
        }
        let next = timeout(kept.silence, frames.message()).await;
        frame = next.map_err(|_| silent(kept.silence))??.ok_or_else(ended)?;
    }
}

/// Opens a stream, and waits for its first frame.
async fn open(
    target: &Target,
    request: DynamicMessage,
) -> Result<(Streaming<DynamicMessage>, DynamicMessage), Cut> {
    let mut client = target
        .connect()
        .await
        .map_err(|why| Cut::Again { why, after: None })?;
    let method = json::method("Subscribe");
    let mut frames = client.streaming(&method, request).await?;
    let first = frames.message().await?.ok_or_else(ended)?;
    Ok((frames, first))
}

/// Why a stream is over.
#[derive(Debug)]
enum Cut {
    /// A new one may go on; after this time, if the node asks for it.
    Again {
        why: Failure,
        after: Option<Duration>,
    },
    /// A new one would fail as well.
    ForGood(Failure),
}

impl From<Failure> for Cut {
    fn from(failure: Failure) -> Self {
        Self::ForGood(failure)
    }
}

impl From<Status> for Cut {
    fn from(status: Status) -> Self {
        let after = status.get_details_retry_info();
        let after = after.and_then(|info| info.retry_delay);
        let for_good = is_for_good(status.code());
        let why = status.into();
        if for_good {
            Self::ForGood(why)
        } else {
            Self::Again { why, after }
        }
    }
}

/// Whether a stream that failed so would fail so again.
fn is_for_good(code: Code) -> bool {
    match code {
        Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::Unauthenticated
        // What cannot be decoded, which would come again.
        | Code::DataLoss
        // The member is on a newer stream now, which a return would end.
        | Code::Aborted => true,
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::DeadlineExceeded
        | Code::ResourceExhausted
        | Code::Internal
        | Code::Unavailable => false,
    }
}

fn silent(time: Duration) -> Cut {
    let time = humantime::format_duration(time);
    let why = Failure::failed(format!("no frame came for {time}"));
    Cut::Again { why, after: None }
}

fn ended() -> Cut {
    let why = Failure::failed("the node ended the stream".to_owned());
    Cut::Again { why, after: None }
}

/// What a client keeps of a stream, to come back where it was.
#[derive(Debug)]
struct Kept {
    /// What was asked for at first, with the token of the latest `ready`.
    request: DynamicMessage,
    /// Everything up to here has come; unknown until the first `ready`.
    position: Option<Position>,
    /// After this long without a frame the connection is taken for dead.
    silence: Duration,
    /// What the last frame asked to wait, if it was a `closing`.
    retry_after: Option<Duration>,
    /// Cuts since the last `ready`.
    cuts: u32,
}

impl Kept {
    fn new(request: DynamicMessage) -> Self {
        Self {
            request,
            position: None,
            silence: OPENING,
            retry_after: None,
            cuts: 0,
        }
    }

    /// What to ask for next.
    fn request(&self) -> DynamicMessage {
        let mut request = self.request.clone();
        if let Some(position) = &self.position {
            // The other starts are in the same oneof, and go.
            request.set_field_by_name("resume", Value::Message(position.message()));
        }
        request
    }

    /// Keeps what a frame says.
    fn take(&mut self, frame: &DynamicMessage) {
        let Some((field, Value::Message(inner))) = frame.fields().next() else {
            return;
        };
        match field.name() {
            "ready" => self.begin(inner),
            "event" | "presence" => self.rise(fields::number(inner, "sequence")),
            "heartbeat" => self.rise_to(Position::in_field(inner, "position")),
            "closing" => self.retry_after = fields::duration(inner, "retry_after"),
            _ => {}
        }
    }

    fn begin(&mut self, ready: &DynamicMessage) {
        self.position = Position::in_field(ready, "position").or(self.position.take());
        let token = fields::text(ready, "member_token");
        if !token.is_empty() {
            let token = Value::String(token);
            self.request.set_field_by_name("member_token", token);
        }
        if let Some(interval) = fields::duration(ready, "heartbeat_interval") {
            self.silence = interval.saturating_mul(2);
        }
        self.cuts = 0;
    }

    fn rise(&mut self, sequence: u64) {
        if let Some(position) = &mut self.position {
            position.sequence = position.sequence.max(sequence);
        }
    }

    fn rise_to(&mut self, told: Option<Position>) {
        match (&self.position, told) {
            (Some(kept), Some(told)) if kept.epoch == told.epoch => self.rise(told.sequence),
            (_, Some(told)) => self.position = Some(told),
            (_, None) => {}
        }
    }

    /// How long to wait before the next return: as long as the node asks, and
    /// somewhere (`dice`, 0 to 1) below a bound that doubles, so that those who
    /// were cut together do not return together.
    fn wait(&mut self, after: Option<Duration>, dice: f64) -> Duration {
        let bound = FIRST_WAIT.saturating_mul(1 << self.cuts.min(16));
        self.cuts = self.cuts.saturating_add(1);
        let wait = bound.min(LONGEST_WAIT).mul_f64(dice);
        let asked = after.max(self.retry_after.take()).unwrap_or_default();
        // Nobody reads a fraction of a millisecond.
        Duration::from_millis(u64::try_from(wait.max(asked).as_millis()).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tonic_types::ErrorDetails;

    use super::*;

    /// What is kept after these frames of a stream that began with `last`.
    fn after(frames: &[serde_json::Value]) -> Kept {
        let method = json::method("Subscribe");
        let request = json!({"subscriptions": [{"channel": "c"}], "last": 5, "memberToken": "t0"});
        let mut kept = Kept::new(json::read(method.input(), request).unwrap());
        for frame in frames {
            kept.take(&json::read(method.output(), frame.clone()).unwrap());
        }
        kept
    }

    fn position(frames: &[serde_json::Value]) -> String {
        let position = after(frames).position;
        position.map_or_else(String::new, |position| position.to_string())
    }

    fn ready(epoch: &str, sequence: u64) -> serde_json::Value {
        json!({"ready": {
            "memberToken": format!("t-{epoch}"),
            "position": {"epoch": epoch, "sequence": sequence},
            "heartbeatInterval": "1.5s",
        }})
    }

    fn heartbeat(epoch: &str, sequence: u64) -> serde_json::Value {
        json!({"heartbeat": {"position": {"epoch": epoch, "sequence": sequence}}})
    }

    fn event(sequence: u64) -> serde_json::Value {
        json!({"event": {"channel": "c", "sequence": sequence}})
    }

    #[test]
    fn what_moves_the_number_and_what_does_not() {
        let presence = json!({"presence": {"channel": "c", "sequence": 9}});
        let members = json!({"members": {"channel": "c", "sequence": 99, "last": true}});
        let gap = json!({"gap": {"channel": "c", "after": 4, "through": 50, "epoch": "e"}});
        for (frames, expected) in [
            (&[][..], ""),
            (&[ready("e", 0)], "e:0"),
            (&[ready("e", 3)], "e:3"),
            (&[ready("e", 3), event(7)], "e:7"),
            (&[ready("e", 3), presence], "e:9"),
            (&[ready("e", 3), members], "e:3"),
            (&[ready("e", 3), gap.clone()], "e:3"),
            (&[ready("e", 3), gap, heartbeat("e", 50)], "e:50"),
            (&[ready("e", 3), heartbeat("e", 8), event(9)], "e:9"),
            (&[ready("e", 3), event(9), heartbeat("e", 8)], "e:9"),
            (&[ready("e", 3), json!({})], "e:3"),
        ] {
            assert_eq!(position(frames), expected, "{frames:?}");
        }
    }

    #[test]
    fn the_epoch_comes_from_ready_and_heartbeat_only() {
        let gap = json!({"gap": {
            "channel": "c", "through": 2, "epoch": "new", "reason": "GAP_REASON_EPOCH_CHANGED",
        }});
        let returned = [ready("old", 700), gap.clone()];
        // A cut here must ask for the old one again, to be told the gap again.
        assert_eq!(position(&returned), "old:700");
        let anew = [ready("old", 700), gap, heartbeat("new", 2), event(3)];
        assert_eq!(position(&anew), "new:3");
        assert_eq!(position(&[ready("a", 700), ready("b", 0)]), "b:0");
        // Opaque: neither is the later one.
        assert_eq!(position(&[ready("a", 700), heartbeat("b", 2)]), "b:2");
        assert_eq!(position(&[ready("b", 700), heartbeat("a", 2)]), "a:2");
    }

    #[test]
    fn a_return_resumes_with_the_latest_token_and_all_else_the_same() {
        let request = |frames: &[_]| render::line(&after(frames).request()).unwrap();
        assert_eq!(
            request(&[]),
            r#"{"subscriptions":[{"channel":"c"}],"last":5,"memberToken":"t0"}"#
        );
        assert_eq!(
            request(&[ready("a", 3), event(4), ready("b", 0), event(2)]),
            r#"{"subscriptions":[{"channel":"c"}],"resume":{"epoch":"b","sequence":"2"},"#
                .to_owned()
                + r#""memberToken":"t-b"}"#
        );
    }

    #[test]
    fn twice_the_heartbeat_interval_without_a_frame_is_a_cut() {
        assert_eq!(after(&[]).silence, OPENING);
        assert_eq!(after(&[ready("e", 0)]).silence, Duration::from_secs(3));
    }

    #[test]
    fn the_wait_doubles_up_to_its_bound_until_a_ready() {
        let mut kept = after(&[ready("e", 0)]);
        let mut waits = |count| -> Vec<_> {
            let waits = (0..count).map(|_| kept.wait(None, 1.0).as_millis());
            waits.collect()
        };
        assert_eq!(
            waits(9),
            [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]
        );
        kept.cuts = u32::MAX;
        assert_eq!(kept.wait(None, 1.0), LONGEST_WAIT);
        let frame = json::read(json::method("Subscribe").output(), ready("e", 0)).unwrap();
        kept.take(&frame);
        assert_eq!(kept.wait(None, 0.5), Duration::from_millis(50));
    }

    #[test]
    fn the_node_may_ask_to_wait_longer() {
        let closing = json!({"closing": {"retryAfter": "1.200s"}});
        let mut kept = after(&[ready("e", 0), closing]);
        assert_eq!(kept.wait(None, 1.0), Duration::from_millis(1200));
        assert_eq!(kept.wait(None, 1.0), Duration::from_millis(200), "once");
        let asked = Some(Duration::from_secs(60));
        assert_eq!(kept.wait(asked, 1.0), Duration::from_secs(60));
        let asked = Some(Duration::from_millis(1));
        assert_eq!(kept.wait(asked, 1.0), Duration::from_millis(800));
    }

    #[test]
    fn an_end_that_would_come_again_is_for_good() {
        for code in [
            Code::InvalidArgument,
            Code::NotFound,
            Code::PermissionDenied,
            Code::Unimplemented,
            Code::Aborted,
        ] {
            let cut = Cut::from(Status::new(code, "x"));
            assert!(matches!(cut, Cut::ForGood(_)), "{code:?}");
        }
        for code in [
            Code::Unavailable,
            Code::Unknown,
            Code::ResourceExhausted,
            Code::DeadlineExceeded,
            Code::Cancelled,
        ] {
            let cut = Cut::from(Status::new(code, "x"));
            assert!(matches!(cut, Cut::Again { after: None, .. }), "{code:?}");
        }
    }

    #[test]
    fn a_status_says_how_long_to_wait() {
        let delay = Duration::from_millis(1500);
        let details = ErrorDetails::with_retry_info(Some(delay));
        let status = Status::with_error_details(Code::Unavailable, "x", details);
        match Cut::from(status) {
            Cut::Again { why, after } => {
                assert_eq!((why.reason(), after), ("UNAVAILABLE: x", Some(delay)));
            }
            other @ Cut::ForGood(_) => panic!("{other:?}"),
        }
    }
}
