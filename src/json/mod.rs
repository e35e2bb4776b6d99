//! The messages of the service as proto3's canonical JSON, both ways.
//!
//! [`read`] makes wire bytes of JSON and [`write()`] JSON of wire bytes, by the
//! descriptors and with no tree of either between them: what a message costs
//! here is a small multiple of its size, whatever it is.
//!
//! Reading checks what is JSON's affair (fields, types, numbers that would
//! change on the way); whether the message is a good one, `rpc` tells. Writing
//! never fails: what the canonical form has no words for is written plainly.

mod read;
mod text;
mod wire;
mod write;

use std::sync::LazyLock;

use prost_reflect::{DescriptorPool, MessageDescriptor, MethodDescriptor, ServiceDescriptor};

pub use read::{Wrong, read};
pub use wire::{Encoded, Fields, fields, number, put};
pub use write::{string, write};

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

/// The most that an `Any` may be inside others; a deeper one stays base64, or a
/// hostile payload could exhaust the stack.
const ANY_DEPTH: usize = 16;

/// The service.
///
/// # Panics
///
/// Never: the descriptors are those of the build.
pub fn service() -> ServiceDescriptor {
    POOL.get_service_by_name("fanfare.v1.RealtimeService")
        .expect("the proto has the service")
}

/// A method of the service.
///
/// # Panics
///
/// If the service has no such method.
pub fn method(name: &str) -> MethodDescriptor {
    service()
        .methods()
        .find(|method| method.name() == name)
        .expect("the proto has the method")
}

/// A message of any known type, by its full name.
pub fn message(name: &str) -> Option<MessageDescriptor> {
    POOL.get_message_by_name(name)
}

#[cfg(test)]
mod tests;
