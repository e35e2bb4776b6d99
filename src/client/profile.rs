//! A change to a member's profile.

use prost_types::Struct;
use serde::Serialize;

use super::error::Reason;
use super::{Error, exact};
use crate::rpc::client::profile;

/// What a member's profile is to become.
#[derive(Clone, Debug)]
pub struct Update {
    pub(super) data: Struct,
    pub(super) merge: bool,
    pub(super) member_token: String,
}

impl Update {
    /// The profile becomes this, which makes a JSON object.
    ///
    /// # Errors
    ///
    /// It makes none, or has an integer beyond 2^53; the error names the path.
    pub fn replace(profile: impl Serialize) -> Result<Self, Error> {
        Self::of(profile, false)
    }

    /// This is merged into the profile, as RFC 7396 has it: null removes a
    /// field, objects are merged, all else is replaced.
    ///
    /// # Errors
    ///
    /// As [`replace`](Self::replace).
    pub fn merge(patch: impl Serialize) -> Result<Self, Error> {
        Self::of(patch, true)
    }

    /// Proves to be the member, by the token of its `ready`; a node may ask for
    /// that in a later version.
    #[must_use]
    pub fn token(mut self, member_token: impl Into<String>) -> Self {
        self.member_token = member_token.into();
        self
    }

    fn of(data: impl Serialize, merge: bool) -> Result<Self, Error> {
        Ok(Self {
            data: to_struct(data)?,
            merge,
            member_token: String::new(),
        })
    }
}

/// A profile as it travels.
pub(super) fn to_struct(data: impl Serialize) -> Result<Struct, Error> {
    exact::object("data", Reason::InvalidProfile, data).map(profile)
}
