//! The messages of the service by their descriptors: JSON in.
//!
//! JSON is proto3's canonical form; [`render`](super::render) is the way out.

use std::sync::LazyLock;

use prost_reflect::{
    DescriptorPool, DeserializeOptions, DynamicMessage, MessageDescriptor, MethodDescriptor,
    ServiceDescriptor,
};

use super::Failure;

/// The service, the well-known types, and the details of `google.rpc` errors.
static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    let service = include_bytes!(concat!(env!("OUT_DIR"), "/fanfare.v1.bin"));
    // Files that are there already, as the well-known ones, are skipped.
    let mut pool = DescriptorPool::global();
    for set in [tonic_types::pb::FILE_DESCRIPTOR_SET, service] {
        pool.decode_file_descriptor_set(set)
            .expect("descriptors come from the build");
    }
    pool
});

/// The service.
pub(crate) fn service() -> ServiceDescriptor {
    POOL.get_service_by_name("fanfare.v1.RealtimeService")
        .expect("the proto has the service")
}

/// A method of the service.
pub(crate) fn method(name: &str) -> MethodDescriptor {
    service()
        .methods()
        .find(|method| method.name() == name)
        .expect("the proto has the method")
}

/// A message of any known type, by its full name.
pub(crate) fn message(name: &str) -> Option<MessageDescriptor> {
    POOL.get_message_by_name(name)
}

/// Reads a message from JSON; a field it does not have is an error.
pub(crate) fn read(
    descriptor: MessageDescriptor,
    json: serde_json::Value,
) -> Result<DynamicMessage, Failure> {
    let name = descriptor.name().to_owned();
    DynamicMessage::deserialize_with_options(descriptor, json, &DeserializeOptions::new())
        .map_err(|error| Failure::Usage(format!("this makes no {name}: {error}")))
}
