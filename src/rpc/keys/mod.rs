//! Hashes under the node's own secret: of request ids, page tokens and member
//! tokens.
//!
//! What the node hands out and wants back unchanged it seals, and so it need
//! not remember it. Nobody without the secret can make or change a seal, and
//! one of another kind or of another start of the node is never taken.

mod member;
mod page;
mod request;

use std::hash::{Hash, Hasher};

use siphasher::sip::SipHasher24;
use siphasher::sip128::{Hasher128, SipHasher24 as SipHasher128};

pub(super) use page::{Listing, Place};

/// The secret; it lives as long as the epoch.
///
/// SipHash-2-4 is a keyed function that cannot be aimed at without the key
/// (Aumasson and Bernstein, 2012). Whatever is hashed begins with the kind of
/// thing it is.
#[derive(Clone)]
pub(super) struct Keys([u8; 16]);

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(secret)")
    }
}

impl Keys {
    /// A new secret.
    pub(super) fn new() -> Self {
        Self(*uuid::Uuid::new_v4().as_bytes())
    }

    fn hash64(&self, kind: &str, value: &impl Hash) -> u64 {
        let mut hasher = SipHasher24::new_with_key(&self.0);
        (kind, value).hash(&mut hasher);
        hasher.finish()
    }

    fn hash128(&self, kind: &str, value: &impl Hash) -> u128 {
        let mut hasher = SipHasher128::new_with_key(&self.0);
        (kind, value).hash(&mut hasher);
        hasher.finish128().as_u128()
    }
}
