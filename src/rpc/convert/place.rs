//! Where a stream begins and who it comes back as: what only the node that
//! gave a position or a token can tell of it.

use std::time::{Duration, SystemTime};

use prost_types::Timestamp;

use crate::hub::{Hub, Located, Start};
use crate::model::{Error, Invalid, MemberId};
use crate::rpc::keys::Keys;
use crate::rpc::wire::{self, subscribe_request::Start as Asked};

/// Seconds that protobuf's timestamps have: the years 1 to 9999.
///
/// Source: `google/protobuf/timestamp.proto`.
const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

const NANOS: std::ops::Range<u32> = 0..1_000_000_000;

/// The node that is asked.
#[derive(Clone, Copy, Debug)]
pub(in crate::rpc) struct Here<'a> {
    pub(in crate::rpc) hub: &'a Hub,
    pub(in crate::rpc) keys: &'a Keys,
}

/// Where a stream begins.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::rpc) struct Begin {
    pub(in crate::rpc) start: Start,
    /// The position that it resumes from, as it was asked for.
    pub(in crate::rpc) position: Option<wire::Position>,
}

impl Here<'_> {
    /// Where a stream that asks for this begins.
    pub(super) fn begin(self, asked: Option<Asked>) -> Result<Begin, Error> {
        let start = match &asked {
            None => Start::Live,
            Some(Asked::Resume(position)) => self
                .locate(position, "resume")?
                .map_or(Start::Anew, Start::After),
            Some(Asked::Since(time)) => Start::Since(since(time)?),
            Some(Asked::Last(count)) => Start::Last(*count),
        };
        let position = match asked {
            Some(Asked::Resume(position)) => Some(position),
            _ => None,
        };
        Ok(Begin { start, position })
    }

    /// The number of a position in this node's life; none in another life.
    pub(super) fn locate(
        self,
        position: &wire::Position,
        field: &str,
    ) -> Result<Option<u64>, Error> {
        let wrong = |part: &str, flaw: String| {
            Error::invalid(Invalid::Position, format!("{field}.{part}"), flaw)
        };
        let wire::Position { epoch, sequence } = position;
        if epoch.is_empty() {
            let flaw = "is empty: a position has the epoch that it came with";
            return Err(wrong("epoch", flaw.to_owned()));
        }
        match self.hub.locate(epoch, *sequence) {
            Located::Here(number) => Ok(Some(number)),
            Located::Elsewhere => Ok(None),
            Located::Ahead => {
                let flaw = format!("is {sequence}, which this epoch has not reached");
                Err(wrong("sequence", flaw))
            }
        }
    }

    /// The member that shows `token`; none for who is new here.
    pub(super) fn member(self, token: &str) -> Result<Option<MemberId>, Error> {
        self.keys.member(self.hub.epoch(), token)
    }
}

/// A time before 1970 is taken for 1970: nothing was published before.
fn since(time: &Timestamp) -> Result<SystemTime, Error> {
    let nanos = u32::try_from(time.nanos).ok();
    let nanos = nanos.filter(|nanos| NANOS.contains(nanos) && SECONDS.contains(&time.seconds));
    let Some(nanos) = nanos else {
        let flaw = "is no timestamp: seconds must be in the years 1 to 9999, nanos 0 to 999999999";
        return Err(Error::invalid(Invalid::Request, "since", flaw));
    };
    let after_1970 = u64::try_from(time.seconds).map(|seconds| Duration::new(seconds, nanos));
    Ok(SystemTime::UNIX_EPOCH + after_1970.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::{Clock, Limits};
    use crate::rpc::Frames;

    fn hub() -> Hub {
        let clock = Clock::system();
        Hub::new(Limits::default(), clock, Frames { clock })
    }

    fn begin(asked: Option<Asked>) -> Result<Begin, Error> {
        let (hub, keys) = (hub(), Keys::new());
        let here = Here {
            hub: &hub,
            keys: &keys,
        };
        here.begin(asked)
    }

    fn from(seconds: i64, nanos: i32) -> Result<Begin, Error> {
        begin(Some(Asked::Since(Timestamp { seconds, nanos })))
    }

    fn starting(start: Start) -> Begin {
        let position = None;
        Begin { start, position }
    }

    #[test]
    fn a_stream_begins_live_unless_it_asks() {
        assert_eq!(begin(None).unwrap(), starting(Start::Live));
        assert_eq!(
            begin(Some(Asked::Last(0))).unwrap(),
            starting(Start::Last(0))
        );
        let most = Some(Asked::Last(u32::MAX));
        assert_eq!(begin(most).unwrap(), starting(Start::Last(u32::MAX)));
    }

    #[test]
    fn a_time_is_taken_to_the_nanosecond_and_1970_is_the_first() {
        let first = SystemTime::UNIX_EPOCH;
        let at = |seconds, nanos| starting(Start::Since(first + Duration::new(seconds, nanos)));
        assert_eq!(from(1_700_000_000, 7).unwrap(), at(1_700_000_000, 7));
        assert_eq!(
            from(253_402_300_799, 999_999_999).unwrap(),
            at(253_402_300_799, 999_999_999)
        );
        for (seconds, nanos) in [(0, 0), (-1, 999_999_999), (-62_135_596_800, 0)] {
            assert_eq!(from(seconds, nanos).unwrap(), at(0, 0));
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for (seconds, nanos) in [
            (0, -1),
            (0, 1_000_000_000),
            (-62_135_596_801, 0),
            (253_402_300_800, 0),
            (i64::MIN, i32::MIN),
            (i64::MAX, i32::MAX),
        ] {
            let error = from(seconds, nanos).unwrap_err();
            let Error::Invalid { subject, field, .. } = error else {
                panic!("{error}")
            };
            assert_eq!((subject, field.as_str()), (Invalid::Request, "since"));
        }
    }
}
