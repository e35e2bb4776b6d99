//! The messages of the service by their descriptors: JSON in.
//!
//! JSON is proto3's canonical form; [`render`](super::render) is the way out.

use prost_reflect::{DeserializeOptions, DynamicMessage, MessageDescriptor};

use super::Failure;

pub(crate) use fanfare::json::{message, method, service};

/// Reads a message from JSON; a field it does not have is an error.
pub(crate) fn read(
    descriptor: MessageDescriptor,
    json: serde_json::Value,
) -> Result<DynamicMessage, Failure> {
    let name = descriptor.name().to_owned();
    DynamicMessage::deserialize_with_options(descriptor, json, &DeserializeOptions::new())
        .map_err(|error| Failure::Usage(format!("this makes no {name}: {error}")))
}
