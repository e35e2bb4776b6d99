//! Page tokens: where the next page of a list goes on.
//!
//! A token holds the place itself, sealed with the call and all that it asked
//! for, so the node remembers no list, and no token leads into another one.

use std::hash::Hash;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Keys;
use crate::hub::Range;
use crate::model::{ChannelName, Error, Invalid};

/// A list that comes in pages: of which call, and all that its request asks
/// for but the size of a page.
#[derive(Debug)]
pub(in crate::rpc) struct Listing<P> {
    pub(in crate::rpc) call: &'static str,
    pub(in crate::rpc) parameters: P,
}

/// Where a list can go on.
pub(in crate::rpc) trait Place: Sized {
    /// The place as bytes.
    fn to_bytes(&self) -> Vec<u8>;

    /// Reverses [`to_bytes`](Self::to_bytes); none for other bytes.
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

impl Keys {
    /// The token of the page of `listing` that begins at `place`; empty where
    /// there is none.
    pub(in crate::rpc) fn token(
        &self,
        listing: &Listing<impl Hash>,
        place: Option<&impl Place>,
    ) -> String {
        let Some(place) = place else {
            return String::new();
        };
        let mut token = place.to_bytes();
        token.extend(self.seal(listing, &token));
        URL_SAFE_NO_PAD.encode(token)
    }

    /// The place that a page token of `listing` holds, none for an empty one.
    ///
    /// # Errors
    ///
    /// [`Invalid::PageToken`] for any other text than [`Keys::token`] gave for
    /// this very list.
    pub(in crate::rpc) fn place<T: Place>(
        &self,
        listing: &Listing<impl Hash>,
        token: &str,
    ) -> Result<Option<T>, Error> {
        if token.is_empty() {
            return Ok(None);
        }
        let read = || {
            let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
            let (place, seal) = bytes.split_last_chunk()?;
            let sealed = self.seal(listing, place) == *seal;
            sealed.then(|| T::from_bytes(place)).flatten()
        };
        let place = read().ok_or_else(|| {
            let flaw = "is not a token of this list and of this start of the node: begin again without one";
            Error::invalid(Invalid::PageToken, "page_token", flaw)
        })?;
        Ok(Some(place))
    }

    fn seal(&self, listing: &Listing<impl Hash>, place: &[u8]) -> [u8; 8] {
        let Listing { call, parameters } = listing;
        self.hash64("page", &(call, parameters, place))
            .to_le_bytes()
    }
}

/// Among members: the place in the order of joining.
impl Place for u64 {
    fn to_bytes(&self) -> Vec<u8> {
        self.to_le_bytes().into()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self::from_le_bytes(bytes.try_into().ok()?))
    }
}

/// Among channels: the name of the last one listed.
impl Place for ChannelName {
    fn to_bytes(&self) -> Vec<u8> {
        self.as_str().into()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Self::new(std::str::from_utf8(bytes).ok()?).ok()
    }
}

/// Among events: what is left of the range. Its direction is the request's.
impl Place for Range {
    fn to_bytes(&self) -> Vec<u8> {
        let numbers = [self.after, self.before, self.position];
        let mut bytes = Vec::with_capacity(27);
        for number in numbers {
            bytes.push(u8::from(number.is_some()));
            bytes.extend(number.unwrap_or(0).to_le_bytes());
        }
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut numbers = [None; 3];
        let (parts, []) = bytes.as_chunks::<9>() else {
            return None;
        };
        let parts: &[[u8; 9]; 3] = parts.try_into().ok()?;
        for (number, [is_some, le @ ..]) in numbers.iter_mut().zip(parts) {
            *number = (*is_some == 1).then(|| u64::from_le_bytes(*le));
        }
        let [after, before, position] = numbers;
        Some(Self {
            after,
            before,
            position,
            descending: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn listing(channel: &str) -> Listing<(&str, bool)> {
        Listing {
            call: "GetHistory",
            parameters: (channel, false),
        }
    }

    fn is_refused<T: std::fmt::Debug>(read: Result<Option<T>, Error>) -> bool {
        matches!(read, Err(Error::Invalid { subject: Invalid::PageToken, field, .. })
            if field == "page_token")
    }

    #[test]
    fn a_token_leads_into_its_own_list_only() {
        let keys = Keys::new();
        let token = keys.token(&listing("a"), Some(&7));
        let read = |listing: &Listing<_>| keys.place::<u64>(listing, &token);
        assert_eq!(read(&listing("a")).unwrap(), Some(7));
        let other = Listing {
            call: "GetMembers",
            ..listing("a")
        };
        let turned = Listing {
            parameters: ("a", true),
            ..listing("a")
        };
        for wrong in [other, turned, listing("b"), listing("")] {
            assert!(is_refused(read(&wrong)), "{wrong:?}");
        }
        assert!(is_refused(Keys::new().place::<u64>(&listing("a"), &token)));
        assert!(is_refused(keys.place::<Range>(&listing("a"), &token)));
    }

    #[test]
    fn no_place_is_no_token() {
        let keys = Keys::new();
        assert_eq!(keys.token(&listing("a"), None::<&u64>), "");
        assert_eq!(keys.place::<u64>(&listing("a"), "").unwrap(), None);
    }

    proptest! {
        #[test]
        fn a_range_comes_back_as_it_was(
            after in any::<Option<u64>>(),
            before in any::<Option<u64>>(),
            position in any::<Option<u64>>(),
        ) {
            let keys = Keys::new();
            let range = Range { after, before, position, descending: false };
            let token = keys.token(&listing("a"), Some(&range));
            prop_assert_eq!(keys.place(&listing("a"), &token).unwrap(), Some(range));
        }

        #[test]
        fn a_changed_token_is_refused(
            name in "[a-z]{1,40}",
            at in any::<prop::sample::Index>(),
            flip in 1_u8..,
        ) {
            let keys = Keys::new();
            let name = ChannelName::new(&name).unwrap();
            let token = keys.token(&listing("a"), Some(&name));
            let mut bytes = URL_SAFE_NO_PAD.decode(token).unwrap();
            bytes[at.index(name.as_str().len() + 8)] ^= flip;
            let changed = URL_SAFE_NO_PAD.encode(bytes);
            prop_assert!(is_refused(keys.place::<ChannelName>(&listing("a"), &changed)));
        }

        #[test]
        fn any_text_is_refused_and_none_panics(text in ".+", bytes in any::<Vec<u8>>()) {
            let keys = Keys::new();
            for token in [text, URL_SAFE_NO_PAD.encode(&bytes)] {
                if token.is_empty() {
                    continue;
                }
                prop_assert!(is_refused(keys.place::<u64>(&listing("a"), &token)));
                prop_assert!(is_refused(keys.place::<Range>(&listing("a"), &token)));
                prop_assert!(is_refused(keys.place::<ChannelName>(&listing("a"), &token)));
            }
            // Nor where the seal holds.
            Range::from_bytes(&bytes);
            ChannelName::from_bytes(&bytes);
            u64::from_bytes(&bytes);
        }
    }
}
