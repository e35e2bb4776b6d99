//! What the service promises, over the wire: one module a capability.

mod architecture;
mod binary;
mod cli;
mod events;
mod history;
mod hub;
mod memory;
mod models;
mod no_poison;
mod order;
mod payloads;
mod readme;
mod requests;
mod second_parser;
mod subscribe;
mod support;
mod wire_support;
