//! Member tokens: what a client shows to come back as the member it was.
//!
//! A token is `<epoch>.<member id>.<code>`, where the code proves that this
//! node made it; so the node keeps nothing for a member that is gone. Tokens
//! are secrets of their members: they are in no log and in no error.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Keys;
use crate::model::{Epoch, Error, MemberId};

impl Keys {
    /// The token of `member`.
    pub(in crate::rpc) fn member_token(&self, epoch: &Epoch, member: &MemberId) -> String {
        let code = self.code(epoch, member.as_str());
        let code = URL_SAFE_NO_PAD.encode(code.to_le_bytes());
        format!("{epoch}.{member}.{code}")
    }

    /// Who shows `token`; none for one of another epoch, of which nothing is
    /// known, and for a text that no node ever gave.
    ///
    /// # Errors
    ///
    /// [`Error::MemberTokenInvalid`] for one that claims to be of this `epoch`
    /// and was not made in it.
    pub(in crate::rpc) fn member(
        &self,
        epoch: &Epoch,
        token: &str,
    ) -> Result<Option<MemberId>, Error> {
        let parts: Vec<_> = token.splitn(4, '.').collect();
        let [of, id, code] = parts[..] else {
            return Ok(None);
        };
        if of != epoch.as_str() {
            return Ok(None);
        }
        if self.is_code(epoch, id, code) {
            Ok(Some(MemberId::of(id)))
        } else {
            Err(invalid())
        }
    }

    /// Checks that `token` is that of `member` and no other's, of this epoch.
    ///
    /// # Errors
    ///
    /// [`Error::MemberTokenInvalid`].
    pub(in crate::rpc) fn check_member(
        &self,
        epoch: &Epoch,
        token: &str,
        member: &MemberId,
    ) -> Result<(), Error> {
        match self.member(epoch, token)? {
            Some(shown) if shown == *member => Ok(()),
            _ => Err(invalid()),
        }
    }

    /// Looks at every bit, so that the time it takes tells of none.
    fn is_code(&self, epoch: &Epoch, id: &str, code: &str) -> bool {
        let shown = URL_SAFE_NO_PAD.decode(code).ok();
        let shown = shown.and_then(|bytes| Some(u128::from_le_bytes(bytes.try_into().ok()?)));
        shown.is_some_and(|shown| shown ^ self.code(epoch, id) == 0)
    }

    fn code(&self, epoch: &Epoch, id: &str) -> u128 {
        self.hash128("member", &(epoch.as_str(), id))
    }
}

fn invalid() -> Error {
    Error::MemberTokenInvalid {
        field: "member_token".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct Node(Keys, Epoch);

    impl Node {
        fn new() -> Self {
            Self(Keys::new(), Epoch::new())
        }

        fn token(&self, id: &str) -> String {
            self.0.member_token(&self.1, &MemberId::of(id))
        }

        fn member(&self, token: &str) -> Result<Option<MemberId>, Error> {
            self.0.member(&self.1, token)
        }

        fn is_refused(&self, token: &str) -> bool {
            self.member(token) == Err(invalid())
        }
    }

    #[test]
    fn a_token_tells_its_member() {
        let node = Node::new();
        let member = MemberId::new();
        let token = node.token(member.as_str());
        assert!(token.starts_with(&format!("{}.{member}.", node.1)));
        assert_eq!(node.member(&token).unwrap(), Some(member));
    }

    #[test]
    fn a_token_of_another_epoch_or_of_none_is_nobody_s() {
        let node = Node::new();
        let elsewhere = Node::new().token("ada");
        let epoch = node.1.as_str();
        let longer = node.token("ada") + ".";
        let half = format!("{epoch}.ada");
        for token in [&elsewhere, "", epoch, &half, &longer, ".", "..", "...", "ä"] {
            assert_eq!(node.member(token).unwrap(), None, "{token}");
        }
    }

    #[test]
    fn a_token_of_this_epoch_with_a_wrong_code_is_refused() {
        let node = Node::new();
        let token = node.token("ada");
        let (_, code) = token.rsplit_once('.').unwrap();
        let of = |id: &str, code: &str| format!("{}.{id}.{code}", node.1);
        assert!(node.member(&of("ada", code)).is_ok());
        for forged in [
            of("bob", code),
            of("ada", ""),
            of("ada", &code[1..]),
            of("", code),
        ] {
            assert!(node.is_refused(&forged), "{forged}");
        }
        let stranger = Keys::new().member_token(&node.1, &MemberId::of("ada"));
        assert!(node.is_refused(&stranger));
    }

    #[test]
    fn another_member_s_token_is_not_one_s_own() {
        let node = Node::new();
        let check = |token: &str| node.0.check_member(&node.1, token, &MemberId::of("ada"));
        assert_eq!(check(&node.token("ada")), Ok(()));
        for wrong in [node.token("bob"), Node::new().token("ada"), "x".into()] {
            assert_eq!(check(&wrong), Err(invalid()), "{wrong}");
        }
    }

    #[test]
    fn an_error_does_not_tell_the_token() {
        let node = Node::new();
        let forged = format!("{}.ada.secret", node.1);
        let error = node.member(&forged).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"));
    }

    proptest! {
        #[test]
        fn no_text_is_taken_and_none_panics(id in ".*", code in ".*") {
            let node = Node::new();
            let forged = format!("{}.{id}.{code}", node.1);
            prop_assert!(!matches!(node.member(&forged), Ok(Some(_))));
            prop_assert_eq!(node.member(&id), Ok(None));
        }
    }
}
