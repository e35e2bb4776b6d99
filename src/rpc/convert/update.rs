//! What becomes of a member's profile.

use bytes::Bytes;

use super::place::Here;
use super::profile;
use crate::model::{Error, Invalid, MemberId};
use crate::rpc::limits::Limits;
use crate::rpc::merge::merge;
use crate::rpc::raw::Raw;
use crate::rpc::wire;

/// A change to a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::rpc) enum Change {
    /// It becomes this.
    Replace(Bytes),
    /// This is merged into it, as long as it stays within so many bytes.
    Merge(Bytes, usize),
}

impl Change {
    /// What `profile` becomes. O(its size).
    ///
    /// # Errors
    ///
    /// [`Invalid::Profile`] for one that would be too large.
    pub(in crate::rpc) fn apply(self, profile: &Bytes) -> Result<Bytes, Error> {
        let wrong = |flaw: String| Error::invalid(Invalid::Profile, "data", flaw);
        let (patch, limit) = match self {
            Self::Replace(data) => return Ok(data),
            Self::Merge(patch, limit) => (patch, limit),
        };
        let merged = merge(profile, &patch).map_err(|error| wrong(error.to_string()))?;
        if merged.len() > limit {
            let size = merged.len();
            let flaw = format!("makes the profile {size} bytes as encoded, the limit is {limit}");
            return Err(wrong(flaw));
        }
        Ok(merged.into())
    }
}

/// What `UpdateMember` changes, and of whom.
pub(in crate::rpc) fn update(
    request: wire::UpdateMemberRequest,
    limits: &Limits,
    here: Here<'_>,
) -> Result<(MemberId, Change), Error> {
    if request.member_id.is_empty() {
        let flaw = "is empty: name one member";
        return Err(Error::invalid(Invalid::Request, "member_id", flaw));
    }
    let member = MemberId::of(&request.member_id);
    let change = change(request.data, request.merge, limits)?;
    if !request.member_token.is_empty() {
        let epoch = here.hub.epoch();
        here.keys
            .check_member(epoch, &request.member_token, &member)?;
    }
    Ok((member, change))
}

/// What becomes of a profile by `data`.
pub(in crate::rpc) fn change(
    data: Option<Raw>,
    merge: bool,
    limits: &Limits,
) -> Result<Change, Error> {
    let data = profile(data.unwrap_or_default(), limits)?;
    Ok(if merge {
        Change::Merge(data, limits.profile_bytes)
    } else {
        Change::Replace(data)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Objects of one key whose value is true.
    const A: Bytes = Bytes::from_static(b"\x0a\x07\x0a\x01a\x12\x02\x20\x01");
    const B: Bytes = Bytes::from_static(b"\x0a\x07\x0a\x01b\x12\x02\x20\x01");

    #[test]
    fn a_replaced_profile_keeps_nothing() {
        assert_eq!(Change::Replace(B).apply(&A), Ok(B));
        assert_eq!(Change::Replace(Bytes::new()).apply(&A), Ok(Bytes::new()));
    }

    #[test]
    fn a_merged_profile_may_be_of_exactly_the_limit() {
        let both = [A, B].concat();
        let merged = Change::Merge(B, both.len()).apply(&A);
        assert_eq!(merged, Ok(both.clone().into()));
        let error = Change::Merge(B, both.len() - 1).apply(&A).unwrap_err();
        let Error::Invalid {
            subject,
            field,
            flaw,
        } = error
        else {
            panic!("{error}")
        };
        assert_eq!((subject, field.as_str()), (Invalid::Profile, "data"));
        assert!(flaw.to_string().contains("the limit is 17"), "{flaw}");
    }
}
