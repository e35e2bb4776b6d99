//! Requests as values of the model: all that a user can get wrong is found
//! here, once, and told with the path of the field.

mod event;
mod page;
mod place;
mod subscribe;
mod update;

use bytes::Bytes;

use super::limits::Limits;
use super::payload::check_profile;
use super::raw::Raw;
use crate::model::{ChannelName, Error, Invalid};

pub(super) use event::{Asked, check_batch, event};
pub(super) use page::{channels, history, members};
pub(super) use place::{Begin, Here};
pub(super) use subscribe::{subscribe, subscribe_more, unsubscribe};
pub(super) use update::{change, update};

/// The channel of a call that names one.
pub(super) fn channel(name: &str) -> Result<ChannelName, Error> {
    ChannelName::new(name).map_err(|flaw| Error::invalid(Invalid::Channel, "channel", flaw))
}

/// The profile of a member.
fn profile(data: Raw, limits: &Limits) -> Result<Bytes, Error> {
    let data = Bytes::from(data);
    let wrong = |flaw: String| Error::invalid(Invalid::Profile, "data", flaw);
    if data.len() > limits.profile_bytes {
        let (size, limit) = (data.len(), limits.profile_bytes);
        return Err(wrong(format!(
            "is {size} bytes as encoded, the limit is {limit}"
        )));
    }
    check_profile(&data).map_err(|poison| wrong(poison.to_string()))?;
    Ok(data)
}
