//! What the service promises, over the wire: one module a capability.

#![allow(
    clippy::duplicate_mod,
    reason = "each example has examples/common to itself"
)]

mod architecture;
mod bad_http;
mod bad_input;
mod bad_queries;
mod bad_subscriptions;
mod batches;
mod behind;
mod binary;
mod bystander;
mod cli;
mod client;
mod client_rule;
mod coming_back;
mod compare;
mod drain;
mod ends;
mod events;
mod examples;
mod health_and_reflection;
mod history;
mod http;
mod hub;
mod limits;
mod lists;
mod members;
mod memory;
mod models;
mod no_poison;
mod not_built;
mod order;
mod payloads;
mod proxy;
mod readme;
mod recording;
mod requests;
mod second_parser;
mod session;
mod simulated;
mod stall;
mod subscribe;
mod support;
mod torn;
mod wire_support;
