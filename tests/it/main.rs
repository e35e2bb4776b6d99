//! What the service promises, over the wire: one module a capability.

mod history;
mod hub;
mod memory;
mod models;
mod no_poison;
mod order;
mod payloads;
mod second_parser;
mod subscribe;
mod support;
